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

static bool seclabel_is_particular(const DomainSeclabel *s) {
        return s->type == SECLABEL_STATIC || (s->type != SECLABEL_NONE && (s->label || s->baselabel)) ||
                (s->type != SECLABEL_NONE && s->relabel == TRI_NO);
}

static bool find_seclabel(const Domain *d, size_t i, SrcLoc *ret) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                if (is_turn(seclabel_is_particular(s), &i)) {
                        *ret = s->loc;
                        return true;
                }
        return false;
}

static bool find_in_seclabels(const DeviceSeclabel *list, size_t n, size_t *i, SrcLoc *ret) {
        FOREACH_ARRAY(s, list, n)
                if (is_turn(s->label, i)) {
                        *ret = s->loc;
                        return true;
                }
        return false;
}

static bool find_char_seclabel(const Domain *d, size_t i, SrcLoc *ret) {
        /* A console that stands for a serial port has a copy of that port's. */
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if ((c->kind != CHAR_CONSOLE || c->target_type != TARGET_SERIAL) && find_in_seclabels(c->source.seclabels, c->source.n_seclabels, &i, ret))
                        return true;
        FOREACH_ARRAY(s, d->smartcards, d->n_smartcards)
                if (find_in_seclabels(s->source.seclabels, s->source.n_seclabels, &i, ret))
                        return true;
        FOREACH_ARRAY(r, d->redirdevs, d->n_redirdevs)
                if (find_in_seclabels(r->source.seclabels, r->source.n_seclabels, &i, ret))
                        return true;
        FOREACH_ARRAY(r, d->rngs, d->n_rngs)
                if (find_in_seclabels(r->source.seclabels, r->source.n_seclabels, &i, ret))
                        return true;
        return false;
}

static bool find_disk_seclabel(const Domain *d, size_t i, SrcLoc *ret) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                for (const DiskSource *s = &disk->source; s; s = s->backing)
                        if (find_in_seclabels(s->seclabels, s->n_seclabels, &i, ret))
                                return true;
        return false;
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
        { "<seclabel>", "a label of the user's choice; every machine has a uid of its own", find_seclabel },
        { "<seclabel> of a character device", "a label for what it is connected with", find_char_seclabel },
        { "<seclabel> of a disk", "a label for its image", find_disk_seclabel },
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
