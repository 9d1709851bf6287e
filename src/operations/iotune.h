/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "change.h"

/* Limits of a disk's throughput. 0 or negative errno, explained in DIAG in libvirt's words. */

/* "total_bytes_sec", by IotuneValue. */
extern const char *const iotune_names[_IOTUNE_MAX];

typedef struct IotuneRequest {
        const char *device; /* its target, or the path of its image */
        bool set[_IOTUNE_MAX];
        uint64_t values[_IOTUNE_MAX];
        const char *group; /* NULL: stays */
} IotuneRequest;

/* Limits that are not mentioned stay, but those that are counted together (total, read, write) change together; what is
 * changed for a disk is changed for all of its group. */
int vm_set_iotune(Manager *m, const Vm *vm, ChangeFlags flags, const IotuneRequest *request, Diag *diag);

typedef struct IotuneState {
        uint64_t values[_IOTUNE_MAX];
        char *group; /* owned */
} IotuneState;

/* -ENODEV: there is no such disk. */
int vm_get_iotune(Manager *m, const Vm *vm, ChangeFlags flags, const char *device, Diag *diag, IotuneState *ret);
