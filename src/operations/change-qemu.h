/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* Steps of change-live.c that only QEMU can do. What is already as TO says is left alone. 0 or negative errno, explained in
 * DIAG in libvirt's words where it has some. */

/* Plugs virtual CPUs in, and takes them away; for the latter the guest has to agree, for which this waits. */
int change_vcpus(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag);
/* I/O threads come, change and go. */
int change_iothreads(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag);
