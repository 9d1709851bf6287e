/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "machines.h"
#include "manager.h"

typedef enum VmStartFlags {
        VM_START_PAUSED = 1 << 0,
        VM_START_FORCE_BOOT = 1 << 1, /* not from its managed save, which is removed */
        VM_START_RESTORE = 1 << 2,    /* what vm_restore() has laid out */
        VM_START_RESET_NVRAM = 1 << 3, /* with the variables of the firmware made anew of their template */
} VmStartFlags;

/* Starts a defined VM and waits until it runs. CREDENTIALS are the guest's, for this start only: "NAME=VALUE" each. Reloads systemd once if, and only if, what it has loaded is not
 * this definition. */
int vm_start(Manager *m, const Vm *vm, VmStartFlags flags, char *const *credentials, Diag *diag);

/* Makes and starts a VM that is gone when it stops. *ret_name is its name. */
int vm_create(Manager *m, const char *text, size_t size, VmStartFlags flags, char *const *credentials, bool strict,
              Diag *diag, char **ret_name);

/* Asks the guest to shut down or reboot; MODE is "acpi", "agent" or NULL for either. Does not wait for it. */
int vm_shutdown(Manager *m, const Vm *vm, const char *mode, Diag *diag);
int vm_reboot(Manager *m, const Vm *vm, const char *mode, Diag *diag);

int vm_reset(Manager *m, const Vm *vm, Diag *diag);
int vm_suspend(Manager *m, const Vm *vm, Diag *diag);
int vm_resume(Manager *m, const Vm *vm, Diag *diag);

/* Ends the VM at once and waits for the end of its unit; needs neither its monitor nor QEMU's cooperation.
 * GRACEFUL: QEMU is asked to end, and left alone if it does not. */
int vm_destroy(Manager *m, const Vm *vm, bool graceful, Diag *diag);

/* A stream in both directions to a console of VM; ALIAS may be NULL for the first one. One has it at a time: FORCE takes it
 * from another, and *ret_watch (the caller's, see console-watch.h; NULL when nobody can) tells when another takes it. */
int vm_open_console(Manager *m, const Vm *vm, const char *alias, bool force, Diag *diag, ConsoleWatch **ret_watch);
/* What a console of VM says from now on, whoever has it: a descriptor, the caller's, to be read. It ends with the VM's monitor, of
 * which another may follow. */
int vm_view_console(Manager *m, const Vm *vm, const char *alias, Diag *diag);
/* The host's device of the first console; -ENOENT when there is none, or it has none. */
int vm_tty_console(Manager *m, const Vm *vm, Diag *diag, char **ret);
int vm_qmp(Manager *m, const Vm *vm, const char *command, Diag *diag, char **ret);
/* The same for a command of the user's own, which is noted: vm_taint(). */
int vm_qmp_by_hand(Manager *m, const Vm *vm, const char *command, Diag *diag, char **ret);
/* The same for what vmunit asks of its own accord. ARGUMENTS (NULL: none) are taken over, *ret (may be NULL) is the
 * caller's. When QEMU refuses it, DIAG has libvirt's words around QEMU's. */
int vm_qmp_ask(Manager *m, const Vm *vm, const char *command, json_object *arguments, Diag *diag, json_object **ret);
/* Says in DIAG, so, that COMMAND came to nothing with the error R, of which OWN tells in the monitor's words. Returns R. */
int vm_qmp_explain(const char *command, int r, const Diag *own, Diag *diag);
