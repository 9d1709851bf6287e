/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* Whether the unit of VM is started at boot. Nothing is reloaded: systemd looks at its links when it boots. */
int vm_set_autostart(Manager *m, const Vm *vm, bool autostart, Diag *diag);

