/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-taint.h"
#include "machines.h"

/* Notes that T was done to VM, which runs; who may not is not told. */
void vm_taint(Manager *m, const Vm *vm, DomainTaint t);
/* TAINT_MASK() of all that holds for VM while it runs, D being its definition; 0 of one that does not. */
unsigned vm_taints(Manager *m, const Vm *vm, const Domain *d);
