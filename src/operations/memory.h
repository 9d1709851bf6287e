/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "change.h"

/* A VM's memory: how much it has, how much it may have, and what its guest does with it. 0 or negative errno, explained
 * in DIAG in libvirt's words. */

/* What the balloon leaves to the guest, and what the guest is given at its start. */
int vm_set_memory(Manager *m, const Vm *vm, ChangeFlags flags, uint64_t kib, Diag *diag);
int vm_set_max_memory(Manager *m, const Vm *vm, ChangeFlags flags, uint64_t kib, Diag *diag);

/* How often QEMU asks the guest, in seconds; 0: never. */
int vm_set_memory_period(Manager *m, const Vm *vm, ChangeFlags flags, unsigned period, Diag *diag);

typedef struct MemoryStat {
        const char *name; /* "swap_in"; lives for ever */
        uint64_t value;
} MemoryStat;
#define MEMORY_STATS_MAX 16U

/* In libvirt's order; what the guest does not tell is left out. */
int vm_memory_stats(Manager *m, const Vm *vm, Diag *diag, MemoryStat ret[static MEMORY_STATS_MAX], size_t *ret_n);
