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

typedef struct QemuCaps {
        unsigned version; /* major * 1000000 + minor * 1000 + micro */
        Arch arch;
        bool has_kvm; /* compiled in; whether the host has /dev/kvm is HostFacts' */
        QemuMachine *machines; /* owned, sorted by name */
        size_t n_machines;
        char **cpu_models; /* owned, sorted */
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

/* The cache's format, JSON. */
int qemu_caps_to_json(const QemuCaps *c, char **ret);
int qemu_caps_from_json(const char *json, QemuCaps **ret);
