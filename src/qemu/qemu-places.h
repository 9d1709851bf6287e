/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* What is to be remembered of a completed domain for its next start: the text for domain_remember_places(). */
int qemu_places_format(const Domain *d, char **ret);
