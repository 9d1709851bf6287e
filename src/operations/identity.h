/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* Whether the unit of VM is started at boot. Nothing is reloaded: systemd looks at its links when it boots. */
int vm_set_autostart(Manager *m, const Vm *vm, bool autostart, Diag *diag);

/* VM, which does not run, is called NEW_NAME from now on: its definition, what it keeps in its state directory, and whether
 * it is started at boot. What an interruption has left behind is finished by the same call again. */
int vm_rename(Manager *m, const Vm *vm, const char *new_name, Diag *diag);
