/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* What QEMU says of the character devices of the running VM, whose definition D is: terminals, and which ports of the channels the
 * guest has open. When nobody answers, that is left out. 0, or -ENOMEM. */
int vm_add_char_state(Manager *m, const Vm *vm, Domain *d);
