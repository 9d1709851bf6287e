/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Watchdogs, panic devices, trusted platform modules: what watches over the guest. */

int emit_watchdogs(Emit *e) {
        const Domain *d = e->domain;

        FOREACH_ARRAY(w, d->watchdogs, d->n_watchdogs) {
                _cleanup_qjson_ Json j = {};

                if (w->model != WATCHDOG_I6300ESB && w->model != WATCHDOG_IB700)
                        return diag_error(e->diag, w->info.loc, "not supported: <watchdog model='%s'>",
                                          strempty(watchdog_model_to_string(w->model)));
                json_add_string(&j, "driver", watchdog_model_to_string(w->model));
                json_add_string(&j, "id", w->info.alias);
                json_address(e, &j, &w->info);
                emit_json(e, "-device", &j);
        }
        if (d->n_watchdogs > 0) {
                /* To dump, the guest is stopped first; the monitor does the rest. */
                const char *action = d->watchdogs[0].action == WATCHDOG_ACTION_DUMP ? "pause" :
                                     watchdog_action_to_string(d->watchdogs[0].action);
                emit_option(e, "-watchdog-action", action ?: "reset");
        }
        return 0;
}

int emit_panics(Emit *e) {
        FOREACH_ARRAY(p, e->domain->panics, e->domain->n_panics) {
                _cleanup_qjson_ Json j = {};

                switch (p->model) {
                case PANIC_ISA:
                        json_add_string(&j, "driver", "pvpanic");
                        if (p->info.address.iobase.set)
                                json_add_uint(&j, "ioport", p->info.address.iobase.value);
                        break;
                case PANIC_PVPANIC:
                        json_add_string(&j, "driver", "pvpanic-pci");
                        json_add_string(&j, "id", p->info.alias);
                        json_address(e, &j, &p->info);
                        break;
                default:
                        return diag_error(e->diag, p->info.loc, "not supported: <panic model='%s'>",
                                          strempty(panic_model_to_string(p->model)));
                }
                emit_json(e, "-device", &j);
        }
        return 0;
}
