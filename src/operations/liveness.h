/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* Whether a running VM cannot answer: its supervisor, its monitor or its QEMU is stopped (SIGSTOP, a debugger) or has been waiting
 * for storage for two seconds (their first threads: others may), or the unit is frozen. The kernel says so; nobody who might hang is asked, so that it takes no time to find out. A VM that hangs
 * in another way is not found. */
bool vm_is_stalled(Manager *m, const Vm *vm);
