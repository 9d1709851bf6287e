/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-emit.h"
#include "string-util.h"

/* What the definition tells QEMU itself: <qemu:commandline> and its kin. */

int emit_user_args(Emit *e) {
        FOREACH_ARRAY(a, e->domain->qemu_args, e->domain->n_qemu_args)
                emit_arg(e, strempty(a->value));
        return 0;
}
