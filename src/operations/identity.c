/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity.h"

int vm_set_autostart(Manager *m, const Vm *vm, bool autostart, Diag *diag) {
        if (!vm->persistent)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: cannot set autostart for transient domain");
        return m->backend->set_unit_enabled(m->userdata, vm->unit, autostart, diag);
}
