/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* The delegated subtree of the unit: UNIT/supervisor holds supervisor and monitor, UNIT/vm holds QEMU, and the
 * monitor makes threaded groups below UNIT/vm. QEMU is a level down and not in UNIT itself because the + steps
 * of systemd run in UNIT/.control, which a threaded child of UNIT would forbid. */
typedef struct UnitCgroup {
        int fd; /* owned: the unit's directory; -EBADF: no delegated cgroup v2 */
} UnitCgroup;

/* Finds the unit's cgroup, moves this process to `supervisor`, makes `vm`, hands the cpu and cpuset controllers
 * down where they are. Without a delegated cgroup v2 nothing is done and 0 is returned. 0 or negative errno. */
int unit_cgroup_setup(UnitCgroup *ret);
/* A descriptor of `vm`; -EBADF: there is none. */
int unit_cgroup_open_vm(const UnitCgroup *c);
/* In the child, before it executes QEMU. 0 or negative errno. */
int unit_cgroup_enter_vm(const UnitCgroup *c);
/* After QEMU's end: takes `vm` and what is below away, or systemd complains when it trims the tree. */
void unit_cgroup_remove_vm(const UnitCgroup *c);
