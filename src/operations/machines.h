/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/* One VM as it is seen from outside: from its definition, its files below /run/vmunit and its unit. */
typedef struct Vm {
        char *name; /* owned */
        char *unit; /* owned: vm@NAME.service, or vmunit-vm-NAME.service */
        bool active;
        bool persistent; /* has a definition */
        bool transient;  /* its unit is a transient one */
        unsigned id;     /* 0: none */
        DomainState state;
        DomainReason reason;
        char *source_path; /* owned: of the definition; NULL without one */
        bool stalled; /* with VM_LIST_STALLED: it runs, and cannot answer; see liveness.h */
} Vm;

void vm_done(Vm *vm);
void vms_free(Vm *vms, size_t n);
#define _cleanup_vm_ _cleanup_(vm_done)

typedef enum VmListFlags {
        VM_LIST_ACTIVE = 1 << 0,
        VM_LIST_INACTIVE = 1 << 1,
        VM_LIST_STALLED = 1 << 2, /* marks them: some files of the kernel's for each that runs */
} VmListFlags;

/* All VMs in virsh's order: the running ones by id, then the others by name. One call to systemd, no call to
 * a monitor: a VM that hangs does not delay it, and VM_LIST_STALLED marks it as far as the kernel knows of it. */
int vm_list(Manager *m, VmListFlags flags, Vm **ret, size_t *ret_n);

typedef enum VmLookupFlags {
        VM_BY_ID = 1 << 0,
        VM_BY_UUID = 1 << 1,
        VM_BY_NAME = 1 << 2,
        VM_BY_ANY = VM_BY_ID | VM_BY_UUID | VM_BY_NAME,
} VmLookupFlags;

/* Finds a VM by its id, UUID or name, in this order, as virsh does. -ENOENT, with virsh's text in DIAG. */
int vm_lookup(Manager *m, const char *word, VmLookupFlags flags, Diag *diag, Vm *ret);

/* The XML: VM_XML_LIVE what runs, where it runs, else the definition's; both as bytes. */
int vm_read_live(Manager *m, const Vm *vm, char **ret, size_t *ret_size);
int vm_read_definition(Manager *m, const Vm *vm, char **ret, size_t *ret_size);

/* The domain of a VM: of what runs if it runs and may be read, else of its definition; parsed and completed
 * with what needs no emulator. Problems of a definition are in DIAG. */
int vm_load_domain(Manager *m, const Vm *vm, bool inactive, Diag *diag, Domain **ret);
/* The same with the text that it was read from, and whether that is what runs. */
int vm_load_domain_text(Manager *m, const Vm *vm, bool inactive, Diag *diag, char **ret_text, size_t *ret_size,
                        bool *ret_live, Domain **ret);

/* What `dominfo` says. */
typedef struct VmInfo {
        uint8_t uuid[16];
        OsType os_type;
        unsigned vcpus;
        bool has_cpu_time;
        uint64_t cpu_time_nsec;
        uint64_t max_memory, used_memory; /* bytes */
        bool autostart, managed_save;
        const char *security_model; /* "selinux", "apparmor" or "none" */
        bool enforcing;
        char *label; /* owned: of QEMU while it runs; NULL without one */
        unsigned taints; /* TAINT_MASK() of each; domain-taint.h */
} VmInfo;
void vm_info_done(VmInfo *i);
int vm_info(Manager *m, const Vm *vm, Diag *diag, VmInfo *ret);

bool vm_autostart(Manager *m, const Vm *vm);
/* Whether the next start goes on from where VM was saved. */
bool vm_has_managed_save(Manager *m, const Vm *vm);
