/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"
#include "number-set.h"

/* Steps of change-live.c that only QEMU can do. What is already as TO says is left alone. 0 or negative errno, explained in
 * DIAG in libvirt's words where it has some. */

/* Plugs virtual CPUs in, and takes them away; for the latter the guest has to agree, for which this waits. */
int change_vcpus(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag);
/* Of those that D has and the guest can let go of: which ones QEMU has no more. The guest does so when it likes, also after
 * nobody waits for it. */
int change_vcpus_gone(Manager *m, const Vm *vm, const Domain *d, NumberSet *ret);
/* I/O threads come, change and go. */
int change_iothreads(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag);
