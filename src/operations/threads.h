/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* The threads of a VM that runs: virtual CPUs, I/O threads by number, then the emulator's first thread; with the CPUs
 * the kernel lets them run on. */
int vm_threads(Manager *m, const Vm *vm, Diag *diag, VmThread **ret, size_t *ret_n);

/* Is thread TID in CGROUP, a VM's? Its number came from QEMU. 0 or negative errno, explained in DIAG. */
int vm_check_thread(Manager *m, const char *cgroup, unsigned tid, Diag *diag);

/* Gives the threads of a VM that runs what D, which must be effective, asks for. */
int vm_set_threads(Manager *m, const Vm *vm, const Domain *d, Diag *diag);
