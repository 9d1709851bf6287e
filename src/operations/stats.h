/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* Everything that is counted about a VM, as names and values: `domstats`. */

typedef enum StatsGroup {
        STATS_STATE,
        STATS_CPU_TOTAL,
        STATS_BALLOON,
        STATS_VCPU,
        STATS_INTERFACE,
        STATS_BLOCK,
        STATS_PERF,   /* nothing yet: performance counters cannot be asked for */
        STATS_IOTHREAD,
        STATS_MEMORY, /* nothing yet: no bandwidth monitor */
        STATS_DIRTYRATE,
        STATS_VM,     /* what KVM counts; nothing without it */
        _STATS_MAX,
} StatsGroup;

typedef struct StatsItem {
        char *name, *value; /* owned */
        bool is_number;
} StatsItem;

typedef struct StatsList {
        StatsItem *items; /* owned */
        size_t n_items;
} StatsList;
void stats_list_done(StatsList *l);
#define _cleanup_stats_list_ _cleanup_(stats_list_done)

/* GROUPS: bits (1 << StatsGroup). BACKING: the images behind those of the disks, too. What cannot be found out is left out;
 * a VM whose monitor does not answer is asked once. 0, or a negative errno when its description cannot be read, with the
 * reasons in DIAG. */
int vm_stats(Manager *m, const Vm *vm, unsigned groups, bool backing, Diag *diag, StatsList *ret);
