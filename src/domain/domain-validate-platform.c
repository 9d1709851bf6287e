/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* Checks of what watches over the guest. */

void check_panics(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(p, d->panics, d->n_panics)
        if (p->model == PANIC_S390 || p->model == PANIC_PSERIES || p->model == PANIC_HYPERV)
                refuse(diag, p->info.loc, "panic model", panic_model_to_string(p->model));
}

void check_watchdogs(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_watchdogs; i++) {
                const DomainWatchdog *w = d->watchdogs + i;
                if (i == 1)
                        (void) diag_error(diag, w->info.loc, "watchdog is given twice");
                if (w->model == WATCHDOG_ITCO || w->model == WATCHDOG_DIAG288)
                        refuse(diag, w->info.loc, "watchdog model", watchdog_model_to_string(w->model));
                if (w->action == WATCHDOG_ACTION_DUMP)
                        refuse(diag, w->info.loc, "watchdog action", "dump");
        }
}
