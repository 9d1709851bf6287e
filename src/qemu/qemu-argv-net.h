/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu-emit.h"

/* Between qemu-argv-net.c and qemu-argv-tap.c. */

/* How many pairs of queues the card has; 1 for one that cannot have more. */
unsigned interface_queues(const DomainInterface *i) _pure_;

/* The members of a -netdev whose packets go through descriptors of a tap or a macvtap. 0 or -EINVAL. */
int emit_tap(Emit *e, const DomainInterface *i, Json *j);

/* What there is for the host's end of other types only: nothing of it is left out silently. 0 or -EINVAL. */
int check_host_end(Emit *e, const DomainInterface *i);
