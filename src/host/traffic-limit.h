/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* What may go through a network interface: the kernel's traffic control, as `tc` sets it. */
typedef struct TrafficLimit {
        uint64_t rate;  /* bytes/s in the long run; 0: no limit */
        uint64_t peak;  /* bytes/s at most; 0: as the rate */
        uint64_t burst; /* bytes at full speed; 0: the least there can be */
} TrafficLimit;

/* Limits what the host sends through the interface (it waits in a queue) and what it receives (what is more is dropped).
 * 0 or negative errno, with the reason, owned by the caller. */
int traffic_limit_set(unsigned ifindex, const TrafficLimit *sent, const TrafficLimit *received, char **ret_reason);
/* Takes away what traffic_limit_set() has set; 0 also when there is nothing. */
int traffic_limit_clear(unsigned ifindex);
