/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-enums.h"
#include "macro.h"

/* What an emulator can do: a record, made once by asking it over QMP (src/host/qemu-probe.c) and cached.
 * Callers ask for a capability, never for a version. */
typedef struct QemuMachine {
        char *name;  /* owned: "pc-q35-7.2" */
        char *alias; /* owned: "q35", or NULL */
        char *default_cpu; /* owned, or NULL */
        unsigned max_cpus;
        bool is_default, deprecated;
        bool numa_mem; /* the memory of NUMA nodes can be given as a number */
} QemuMachine;

/* What a model has that the processor below cannot do. */
typedef struct QemuCpuGap {
        char *model;    /* owned */
        char **missing; /* owned, sorted: QEMU's names of features */
} QemuCpuGap;

/* The best processor there is under one accelerator: what <cpu mode='host-model'> is made of. x86 only. */
typedef struct QemuHostCpu {
        char *vendor;    /* owned: "GenuineIntel"; NULL: nothing is known */
        char *model;     /* owned: the model that comes nearest */
        char **on, **off; /* owned, sorted: what it has besides, and what it lacks */
        char **features; /* owned, sorted: all it has */
        QemuCpuGap *gaps; /* owned; models without a gap are not there */
        size_t n_gaps;
} QemuHostCpu;

typedef struct QemuCaps {
        unsigned version; /* major * 1000000 + minor * 1000 + micro */
        Arch arch;
        bool has_kvm; /* compiled in; whether the host has /dev/kvm is HostFacts' */
        QemuMachine *machines; /* owned, sorted by name */
        size_t n_machines;
        char **cpu_models; /* owned, sorted */
        char **cpu_features; /* owned, sorted: x86: all that there are */
        QemuHostCpu tcg_cpu, kvm_cpu;
        char **types;      /* owned, sorted: what qom-list-types says, i.e. devices and objects */
        char **commands;   /* owned, sorted: QMP commands */
} QemuCaps;

QemuCaps *qemu_caps_new(void);
QemuCaps *qemu_caps_free(QemuCaps *c);
DEFINE_CLEANUP(QemuCaps *, qemu_caps_free)

/* By name or alias; NULL when the emulator has no such machine. */
const QemuMachine *qemu_caps_machine(const QemuCaps *c, const char *name);
bool qemu_caps_has_type(const QemuCaps *c, const char *type); /* "virtio-blk-pci" */
bool qemu_caps_has_command(const QemuCaps *c, const char *command);
bool qemu_caps_has_cpu(const QemuCaps *c, const char *model);

/* The processor under KVM or without it; NULL when nothing is known about it. */
const QemuHostCpu *qemu_caps_host_cpu(const QemuCaps *c, bool kvm);
/* What MODEL has and the processor has not; empty when it can be used as it is. */
char *const *qemu_host_cpu_missing(const QemuHostCpu *cpu, const char *model);
void qemu_host_cpu_done(QemuHostCpu *cpu);

/* Whether a property of a CPU is a feature that guests see in CPUID: not a knob of QEMU, not KVM's own, and none
 * of the details of nested virtualisation, which come with their model. */
bool qemu_cpu_property_is_feature(const char *name);

/* The cache's format, JSON. */
int qemu_caps_to_json(const QemuCaps *c, char **ret);
int qemu_caps_from_json(const char *json, QemuCaps **ret);
