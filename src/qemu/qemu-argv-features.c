/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* The features of the machine and the timers that QEMU counts among those of the processor. */

#define MIB (UINT64_C(1) << 20)

static void add_cpu_timers(Options *o, const Domain *d) {
        FOREACH_ARRAY(t, d->clock.timers, d->clock.n_timers) {
                if (t->name == TIMER_ARMVTIMER && t->tickpolicy != TICK_UNSET)
                        options_bool(o, "kvm-no-adjvtime", t->tickpolicy == TICK_DISCARD);
                if (!arch_is_x86(d))
                        continue;
                if (t->name == TIMER_KVMCLOCK && t->present != TRI_UNSET)
                        options_bool(o, "kvmclock", t->present == TRI_YES);
                if (t->name == TIMER_HYPERVCLOCK && t->present == TRI_YES)
                        options_add(o, "hv-time", "on");
                if (t->name == TIMER_TSC && t->frequency.set && t->frequency.value > 0)
                        options_addf(o, "tsc-frequency", "%llu", (unsigned long long) t->frequency.value);
        }
}

static void add_hyperv(Options *o, const DomainHyperv *h) {
        const struct {
                const char *name;
                Tristate state;
        } before[] = {
                { "hv-relaxed", h->relaxed },
                { "hv-vapic", h->vapic },
        }, middle[] = {
                { "hv-vpindex", h->vpindex },
                { "hv-runtime", h->runtime },
                { "hv-synic", h->synic },
                { "hv-stimer", h->stimer },
                { "hv-stimer-direct", h->stimer == TRI_YES ? h->stimer_direct : TRI_UNSET },
                { "hv-reset", h->reset },
        }, after[] = {
                { "hv-frequencies", h->frequencies },
                { "hv-reenlightenment", h->reenlightenment },
                { "hv-tlbflush", h->tlbflush },
                { "hv-ipi", h->ipi },
                { "hv-evmcs", h->evmcs },
                { "hv-avic", h->avic },
                { "hv-emsr-bitmap", h->emsr_bitmap },
                { "hv-xmm-input", h->xmm_input },
        };

#define ADD_ON(list)                                                                              \
        FOREACH_ARRAY(i, list, ELEMENTSOF(list))                                                  \
                if (i->state == TRI_YES)                                                          \
                        options_add(o, i->name, "on")
        if (h->mode == HYPERV_PASSTHROUGH)
                options_add(o, "hv-passthrough", "on");
        ADD_ON(before);
        if (h->spinlocks == TRI_YES)
                options_addf(o, "hv-spinlocks", "0x%x", h->spinlock_retries.value);
        ADD_ON(middle);
        if (h->vendor_id == TRI_YES)
                options_add(o, "hv-vendor-id", h->vendor);
        ADD_ON(after);
}

void options_cpu_features(Options *o, const Domain *d) {
        const DomainFeatures *f = &d->features;

        add_cpu_timers(o, d);
        options_add(o, "kvm-pv-eoi", on_off_to_string(f->apic_eoi));
        options_add(o, "kvm-pv-unhalt", on_off_to_string(f->pvspinlock));
        add_hyperv(o, &f->hyperv);
        FOREACH_ARRAY(p, d->panics, d->n_panics)
                if (p->model == PANIC_HYPERV)
                        options_word(o, "hv-crash");
        if (f->kvm_hidden == TRI_YES)
                options_add(o, "kvm", "off");
        if (f->kvm_hint_dedicated == TRI_YES)
                options_add(o, "kvm-hint-dedicated", "on");
        if (f->kvm_poll_control == TRI_YES)
                options_add(o, "kvm-poll-control", "on");
        if (f->kvm_pv_ipi == TRI_NO)
                options_add(o, "kvm-pv-ipi", "off");
        options_add(o, "pmu", on_off_to_string(f->pmu));
}

void options_accel_features(Options *o, const Domain *d) {
        const DomainFeatures *f = &d->features;

        if (d->type == DOMAIN_KVM && f->kvm_dirty_ring == TRI_YES)
                options_addf(o, "dirty-ring-size", "%u", f->kvm_dirty_ring_size.value);
        if (d->type != DOMAIN_KVM && f->tb_cache.set)
                options_addf(o, "tb-size", "%llu", (unsigned long long) (f->tb_cache.value / MIB));
}

void options_machine_features(Options *o, const Domain *d) {
        const DomainFeatures *f = &d->features;

        options_add(o, "vmport", on_off_to_string(f->vmport));
        options_add(o, "smm", d->os.flash.needs_smm ? "on" : on_off_to_string(f->smm));
        if (f->ioapic != IOAPIC_UNSET)
                options_add(o, "kernel_irqchip", f->ioapic == IOAPIC_KVM ? "on" : "split");
}

bool has_tseg(const Domain *d) {
        return d->features.smm == TRI_YES && d->features.tseg.set;
}

int emit_tseg(Emit *e) {
        emit_optionf(e, "-global", "mch.extended-tseg-mbytes=%llu",
                     (unsigned long long) (e->domain->features.tseg.value / MIB));
        return 0;
}

bool has_vmcoreinfo(const Domain *d) {
        return d->features.vmcoreinfo == TRI_YES;
}

int emit_vmcoreinfo(Emit *e) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "driver", "vmcoreinfo");
        emit_json(e, "-device", &j);
        return 0;
}
