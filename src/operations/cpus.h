/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "change.h"
#include "number-set.h"

/* Virtual CPUs and I/O threads of a VM: how many there are, on which CPUs of the host they run, what they used. Errors
 * are libvirt's, in its words. */

/* The host's CPUs: how many there are, and which of them are online. */
int host_cpus(Manager *m, unsigned *ret_count, NumberSet *ret_online, Diag *diag);

/* --- virtual CPUs --- */

/* How many the VM has, or (MAXIMUM) can have. */
int vm_vcpu_count(Manager *m, const Vm *vm, ChangeFlags flags, bool maximum, Diag *diag, unsigned *ret);

typedef struct CpuPin {
        unsigned id;
        NumberSet cpus; /* that were asked for, or all that are online */
} CpuPin;

/* Of all virtual CPUs that there can be; *ret is the caller's. */
int vm_vcpu_pins(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, CpuPin **ret, size_t *ret_n);
int vm_pin_vcpu(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, const NumberSet *cpus, Diag *diag);

int vm_emulator_pin(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, NumberSet *ret);
int vm_pin_emulator(Manager *m, const Vm *vm, ChangeFlags flags, const NumberSet *cpus, Diag *diag);

typedef struct VcpuInfo {
        unsigned id;
        bool running; /* what follows is known */
        unsigned cpu; /* of the host: where it ran last */
        uint64_t cpu_time_nsec;
        NumberSet cpus; /* it may run on */
} VcpuInfo;

/* Of those that are there: of a VM that runs, as the kernel says. */
int vm_vcpu_info(Manager *m, const Vm *vm, Diag *diag, VcpuInfo **ret, size_t *ret_n);

/* --- I/O threads --- */

/* Of a VM that runs, as the kernel says. */
int vm_iothread_pins(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, CpuPin **ret, size_t *ret_n);
int vm_pin_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, const NumberSet *cpus, Diag *diag);
