/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "change.h"
#include "number-set.h"

/* Virtual CPUs and I/O threads of a VM: how many there are, on which CPUs of the host they run, what they used. Errors
 * are libvirt's, in its words. */

/* The host's CPUs: the number behind the last one, as libvirt counts them, and which of them are online. */
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

/* cpus-change.c: COUNT of them. HOTPLUGGABLE: those that are added can be taken away again. */
int vm_set_vcpus(Manager *m, const Vm *vm, ChangeFlags flags, unsigned count, bool hotpluggable, Diag *diag);
/* There can be COUNT of them from the next start on. */
int vm_set_max_vcpus(Manager *m, const Vm *vm, ChangeFlags flags, unsigned count, Diag *diag);
/* Those of a LIST ("2-3") are plugged in (ENABLE) or taken away. */
int vm_set_vcpu(Manager *m, const Vm *vm, ChangeFlags flags, const char *list, bool enable, Diag *diag);

/* --- the guest's view: guest-vcpus.c. The guest agent is asked --- */

typedef struct GuestVcpus {
        NumberSet all, online, can_offline;
} GuestVcpus;
int vm_guest_vcpus(Manager *m, const Vm *vm, Diag *diag, GuestVcpus *ret);
/* Those of a LIST go online (ENABLE) or offline. */
int vm_set_guest_vcpus(Manager *m, const Vm *vm, const char *list, bool enable, Diag *diag);
/* COUNT of them are online then. */
int vm_set_guest_vcpu_count(Manager *m, const Vm *vm, unsigned count, Diag *diag);

/* What all of a VM's processes used, in nanoseconds. */
typedef struct VmCpuTimes {
        uint64_t total, user, system;
} VmCpuTimes;
int vm_cpu_times(Manager *m, const Vm *vm, Diag *diag, VmCpuTimes *ret);

/* --- I/O threads --- */

/* Of a VM that runs, as the kernel says. */
int vm_iothread_pins(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, CpuPin **ret, size_t *ret_n);
int vm_pin_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, const NumberSet *cpus, Diag *diag);

/* iothreads.c */
int vm_add_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, Diag *diag);
int vm_remove_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, Diag *diag);

typedef struct IothreadSettings {
        OptU64 poll_max; /* nanoseconds */
        OptUint poll_grow, poll_shrink;
        bool has_pool_min, has_pool_max;
        int pool_min, pool_max; /* -1: QEMU's default */
} IothreadSettings;
int vm_set_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, const IothreadSettings *settings, Diag *diag);

/* --- what a domain says of them --- */

/* What becomes of the text of what runs when the guest has let go of those that are GONE. cpus-change.c */
int vcpus_without(const Domain *d, const NumberSet *gone, XmlEdits *edits);
/* A list of schedulers ELEMENT, in which ATTRIBUTE says for which threads, without those that are GONE: all are written
 * anew, if any names one of them. cpus-change.c */
int scheds_without(const ThreadSched *scheds, size_t n, const NumberSet *gone, const char *element, const char *attribute,
                   XmlEdits *edits);
