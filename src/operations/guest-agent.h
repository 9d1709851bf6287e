/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent.h"

/* What the guest agent is asked for. All it says is the guest's word, which is taken for nothing else, and may be anything:
 * texts are printable when they come from here, lists have an end. */

/* COMMAND is an object as the agent takes it, WAIT a VmAgentWait or seconds; *ret the "return" value, as JSON. */
int vm_agent_command(Manager *m, const Vm *vm, const char *command, int wait, Diag *diag, char **ret);

int vm_set_user_password(Manager *m, const Vm *vm, const char *user, const char *password, bool encrypted, Diag *diag);

/* Number of file systems, or negative errno. MOUNTPOINTS: up to NULL; none: all of them. */
int vm_fs_freeze(Manager *m, const Vm *vm, char *const *mountpoints, Diag *diag);
int vm_fs_thaw(Manager *m, const Vm *vm, char *const *mountpoints, Diag *diag);
int vm_fs_trim(Manager *m, const Vm *vm, const char *mountpoint, uint64_t minimum, Diag *diag);

typedef struct VmFileSystem {
        char *mountpoint, *name, *type, *targets; /* owned; targets: "vda,vdb" */
} VmFileSystem;
void vm_file_systems_free(VmFileSystem *list, size_t n);
int vm_fs_info(Manager *m, const Vm *vm, Diag *diag, VmFileSystem **ret, size_t *ret_n);

int vm_guest_time(Manager *m, const Vm *vm, Diag *diag, int64_t *ret_seconds);
/* SYNC: from its hardware clock, whatever SECONDS and NSEC say. */
int vm_set_guest_time(Manager *m, const Vm *vm, int64_t seconds, unsigned nsec, bool sync, Diag *diag);

typedef enum GuestInfoType {
        GUEST_INFO_USER = 1 << 0,
        GUEST_INFO_OS = 1 << 1,
        GUEST_INFO_TIMEZONE = 1 << 2,
        GUEST_INFO_HOSTNAME = 1 << 3,
        GUEST_INFO_FILESYSTEM = 1 << 4,
        GUEST_INFO_DISK = 1 << 5,
        GUEST_INFO_INTERFACE = 1 << 6,
} GuestInfoType;
typedef struct GuestParameter {
        char *name, *value; /* owned: "os.id", "debian" */
        bool is_number;
} GuestParameter;
void guest_parameters_free(GuestParameter *list, size_t n);
/* TYPES 0: all that this agent can tell. */
int vm_guest_info(Manager *m, const Vm *vm, GuestInfoType types, Diag *diag, GuestParameter **ret, size_t *ret_n);

/* Lines of authorized_keys; *ret is the caller's. */
int vm_ssh_keys(Manager *m, const Vm *vm, const char *user, Diag *diag, char ***ret);
int vm_add_ssh_keys(Manager *m, const Vm *vm, const char *user, char *const *keys, bool reset, Diag *diag);
int vm_remove_ssh_keys(Manager *m, const Vm *vm, const char *user, char *const *keys, Diag *diag);

/* TARGET: "mem", "disk", "hybrid". */
int vm_pm_suspend(Manager *m, const Vm *vm, const char *target, Diag *diag);
/* QEMU does that. */
int vm_pm_wakeup(Manager *m, const Vm *vm, Diag *diag);
