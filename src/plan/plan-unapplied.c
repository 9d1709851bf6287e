/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"
#include "string-util.h"

/* What the model carries and a start does not apply yet. It is read, checked, written and rendered; but no machine
 * may be started without a limit, a pin or a label that was asked for. One row for each thing; the row goes when
 * the thing is applied. */
typedef struct Unapplied {
        const char *what, *doc;
        /* The place of the I-th thing of this kind; false when there are no more than I. */
        bool (*find)(const Domain *d, size_t i, SrcLoc *ret);
} Unapplied;

/* Takes one off *SKIP for each call that matches; true when it was the one looked for. */
static bool is_turn(bool matches, size_t *skip) {
        return matches && (*skip)-- == 0;
}

static bool find_crash_dump(const Domain *d, size_t i, SrcLoc *ret) {
        *ret = domain_loc_or(d, d->on_crash_loc);
        return i == 0 && (d->on_crash == ACTION_COREDUMP_DESTROY || d->on_crash == ACTION_COREDUMP_RESTART);
}

static bool find_watchdog_dump(const Domain *d, size_t i, SrcLoc *ret) {
        FOREACH_ARRAY(w, d->watchdogs, d->n_watchdogs)
                if (is_turn(w->action == WATCHDOG_ACTION_DUMP, &i)) {
                        *ret = w->info.loc;
                        return true;
                }
        return false;
}

static const Unapplied table[] = {
        { "<watchdog action='dump'>", "the guest's memory as a file", find_watchdog_dump },
        { "<on_crash>coredump-…", "the guest's memory as a file", find_crash_dump },
};

int plan_check_applied(const Domain *d, Diag *diag) {
        int ret = 0;

        FOREACH_ARRAY(row, table, ELEMENTSOF(table)) {
                SrcLoc loc;
                for (size_t i = 0; row->find(d, i, &loc); i++)
                        ret = diag_error(diag, loc, "%s is not applied yet: %s", row->what, row->doc);
        }
        return ret;
}
