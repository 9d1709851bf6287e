/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* What runs against what its definition would give now. */

typedef struct VmChange {
        char *part;       /* owned: "memtune", "devices/disk" */
        const char *live; /* the verb that does it without a new start ("memtune --live"), or NULL */
} VmChange;

typedef struct VmDiff {
        char *text;   /* owned: as `diff -u` writes it, without passwords; "" when nothing of that is different */
        bool secrets; /* passwords are different */
        VmChange *changes; /* owned */
        size_t n_changes;
} VmDiff;
void vm_diff_done(VmDiff *d);
#define _cleanup_vm_diff_ _cleanup_(vm_diff_done)

/* VM must run and be defined. 0 or negative errno, explained in DIAG. */
int vm_diff(Manager *m, const Vm *vm, Diag *diag, VmDiff *ret);

/* Whether the file is another one than VM was started with, byte by byte; or negative errno: who may not read that. */
int vm_definition_changed(Manager *m, const Vm *vm);
