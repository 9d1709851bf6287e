/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* What running VMs take: counted twice, the difference is what they take now. */

typedef struct VmCounts {
        uint64_t at_usec;   /* on now_usec()'s clock */
        uint64_t cpu_nsec;
        uint64_t resident;  /* bytes, now */
        uint64_t block_read, block_written, net_received, net_sent; /* bytes, so far */
} VmCounts;

typedef struct VmUsage {
        Vm vm; /* owned */
        VmCounts counts;
        bool has_rates; /* the others are of a VM that was not there before */
        double cpu;     /* 1.0: one CPU */
        uint64_t read, written, received, sent; /* bytes per second */
} VmUsage;

typedef struct VmUsages {
        VmUsage *items; /* owned; by what they take of the CPUs, most first */
        size_t n_items;
} VmUsages;
void vm_usages_done(VmUsages *u);
#define _cleanup_vm_usages_ _cleanup_(vm_usages_done)

/* Looks once at all that run. BEFORE: what was there the last time; may be empty. One that cannot answer is asked for nothing
 * that it would have to answer. */
int vm_usage(Manager *m, const VmUsages *before, VmUsages *ret);
