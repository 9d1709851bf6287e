/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-emit.h"

/* The features of the machine and the timers that QEMU counts among those of the processor. */

static void add_cpu_timers(Options *o, const Domain *d) {
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers) {
                if (t->name == TIMER_KVMCLOCK && t->present != TRI_UNSET)
                        options_bool(o, "kvmclock", t->present == TRI_YES);
                if (t->name == TIMER_HYPERVCLOCK && t->present == TRI_YES)
                        options_add(o, "hv-time", "on");
                if (t->name == TIMER_TSC && t->frequency.set)
                        options_addf(o, "tsc-frequency", "%llu", (unsigned long long) t->frequency.value);
        }
}

void options_cpu_features(Options *o, const Domain *d) {
        const DomainFeatures *f = &d->features;

        add_cpu_timers(o, d);
        options_add(o, "kvm-pv-eoi", on_off_to_string(f->apic_eoi));
        options_add(o, "kvm-pv-unhalt", on_off_to_string(f->pvspinlock));
        if (f->kvm_hidden == TRI_YES)
                options_add(o, "kvm", "off");
        options_add(o, "pmu", on_off_to_string(f->pmu));
}
