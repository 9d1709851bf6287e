/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* Where a viewer finds the display of a VM that runs: "vnc://127.0.0.1:0"; owned by the caller. PASSWORD: with the
 * password, as virsh writes it: not escaped. *ret is NULL when G is nothing to connect to. 0 or -ENOMEM. */
int display_uri(const DomainGraphics *g, bool password, char **ret);

/* "127.0.0.1:0", ":0" when it listens everywhere; the same for the rest. */
int vnc_display(const DomainGraphics *g, char **ret);
