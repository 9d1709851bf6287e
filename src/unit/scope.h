/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* Whose machines these are: the system's, or those of the user who runs this program. It is chosen once, before anything
 * else is done, and holds for the whole process. What a session's directories are is found out by src/host/session.h. */
typedef enum VmScope {
        VM_SCOPE_SYSTEM,  /* qemu:///system: units of PID 1, files of root's */
        VM_SCOPE_SESSION, /* qemu:///session: units of the user's own systemd, no root anywhere */
        VM_SCOPE_TEST,    /* test:///default: machines made up within the process, which has a directory for them */
} VmScope;

typedef struct VmDirectories {
        const char *runtime;     /* "/run/vmunit": a directory for each machine that runs */
        const char *transient;   /* "/run/vmunit/.transient": definitions of `vmunit create` */
        const char *state;       /* "/var/lib/vmunit": what outlives a run */
        const char *cache;       /* "/var/cache/vmunit" */
        const char *definitions; /* "/etc/vm:/run/vm:/usr/lib/vm" */
        const char *generator;   /* "/run/systemd/generator": what our generator has written */
        const char *overrides[2]; /* "/run/systemd/system.control", "/run/systemd/transient": what is set while units run */
        const char *manager;     /* "/run/systemd/private": systemd's own socket */
        const char *notify;      /* "/run/systemd/notify": and the one for notifications */
} VmDirectories;

/* What reads the units anew, for messages: "systemctl daemon-reload". */
const char *vm_reload_command(void);

VmScope vm_scope(void);
static inline bool vm_is_session(void) {
        return vm_scope() == VM_SCOPE_SESSION;
}
const VmDirectories *vm_directories(void);

/* The system's, as it is from the beginning. */
void vm_scope_set_system(void);
/* A user's. RUNTIME is $XDG_RUNTIME_DIR, CONFIG $XDG_CONFIG_HOME or its default, and so on; all absolute. 0 or -ENOMEM. */
int vm_scope_set_session(const char *runtime, const char *config, const char *state, const char *cache);
/* Everything below DIRECTORY: "run", "vm" for definitions, "state" and "cache". 0 or -ENOMEM. */
int vm_scope_set_test(const char *directory);
/* To one that it was before, whose directories are still known. */
void vm_scope_return(VmScope s);
