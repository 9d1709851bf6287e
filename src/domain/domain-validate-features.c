/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* Checks of the machine's features, clock and life, and of what QEMU is told besides. */

void check_features(const Domain *d, Diag *diag) {
        const DomainFeatures *f = &d->features;
        bool arm = d->os.arch == ARCH_AARCH64 || d->os.arch == ARCH_ARMV7L;

        if (!f->gic_version)
                return;
        if (!arm)
                (void) diag_error(diag, f->loc, "gic is for ARM machines, not for '%s'",
                                  strempty(arch_to_string(d->os.arch)));
        if (!streq(f->gic_version, "2") && !streq(f->gic_version, "3") && !streq(f->gic_version, "host"))
                (void) diag_error(diag, f->loc, "gic version '%s' is not one of 2, 3, host", f->gic_version);
}

void check_clock(const Domain *d, Diag *diag) {
        const DomainClock *c = &d->clock;

        if (c->offset == CLOCK_OFFSET_TIMEZONE && isempty(c->timezone))
                (void) diag_error(diag, c->loc, "clock offset 'timezone' needs @timezone");
        if (c->offset == CLOCK_OFFSET_ABSOLUTE && !c->start.set)
                (void) diag_error(diag, c->loc, "clock offset 'absolute' needs @start");
        for (size_t i = 0; i < c->n_timers; i++) {
                const DomainTimer *t = c->timers + i;
                for (size_t k = 0; k < i; k++)
                        if (t->name == c->timers[k].name) {
                                (void) diag_error(diag, t->loc, "timer '%s' is given twice",
                                                  timer_name_to_string(t->name));
                                break;
                        }
                if (t->track && !streq(t->track, "guest") && !streq(t->track, "wall") &&
                    !streq(t->track, "boot"))
                        (void) diag_error(diag, t->loc, "timer @track: '%s' is not one of boot, guest, wall",
                                          t->track);
        }
}

void check_lifecycle(const Domain *d, Diag *diag) {
        const struct {
                const char *what;
                LifecycleAction action;
                bool crash;
        } events[] = {
                {"on_poweroff", d->on_poweroff, false},
                {"on_reboot", d->on_reboot, false},
                {"on_crash", d->on_crash, true},
        };

        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                LifecycleAction a = events[i].action;
                bool coredump = a == ACTION_COREDUMP_DESTROY || a == ACTION_COREDUMP_RESTART;
                if (coredump && !events[i].crash)
                        (void) diag_error(diag, d->loc, "%s: '%s' is for on_crash only", events[i].what,
                                          lifecycle_action_to_string(a));
                else if (coredump || a == ACTION_RENAME_RESTART)
                        refuse(diag, d->loc, events[i].what, lifecycle_action_to_string(a));
        }
}

void check_qemu(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(e, d->qemu_env, d->n_qemu_env)
        if (isempty(e->name) || strchr(e->name, '='))
                (void) diag_error(diag, e->loc, "qemu:env: '%s' is not the name of a variable",
                                  strempty(e->name));
}
