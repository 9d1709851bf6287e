/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* The processor: its model and features, and how many there are. */

/* libvirt's names of features that QEMU spells otherwise. */
static void add_feature(Options *o, const CpuFeature *f) {
        _cleanup_free_ char *name = strdup(streq(f->name, "pclmuldq") ? "pclmulqdq" : f->name);
        bool on = f->policy == POLICY_FORCE || f->policy == POLICY_REQUIRE;

        if (!name) {
                o->text.failed = true;
                return;
        }
        if (f->policy == POLICY_OPTIONAL)
                return;
        for (char *c = name; *c; c++)
                if (*c == '_')
                        *c = '-';
        options_bool(o, name, on);
}

int emit_cpu(Emit *e) {
        const Domain *d = e->domain;
        _cleanup_options_ Options o = {};

        switch (d->cpu.mode) {
        case CPU_HOST_PASSTHROUGH:
                options_word(&o, "host");
                options_add(&o, "migratable", on_off_to_string(d->cpu.migratable));
                break;
        case CPU_MAXIMUM:
                options_word(&o, "max");
                options_add(&o, "migratable", on_off_to_string(d->cpu.migratable));
                break;
        default:
                if (!d->cpu.model)
                        return 0;
                options_word(&o, d->cpu.model);
        }
        FOREACH_ARRAY(i, d->cpu.features, d->cpu.n_features)
                add_feature(&o, i);
        options_cpu_features(&o, d);
        emit_options(e, "-cpu", &o);
        return 0;
}

int emit_smp(Emit *e) {
        const Domain *d = e->domain;
        const DomainCpu *cpu = &d->cpu;
        unsigned n = d->vcpus.value, current = d->current_vcpus.set ? d->current_vcpus.value : n;
        bool topology = cpu->sockets.set || cpu->cores.set || cpu->threads.set;
        _cleanup_text_ Text t = {};

        text_appendf(&t, "%u", current);
        if (current != n)
                text_appendf(&t, ",maxcpus=%u", n);
        text_appendf(&t, ",sockets=%u", topology ? MAX(cpu->sockets.value, 1U) : n);
        if (topology && arch_is_x86(d))
                text_appendf(&t, ",dies=%u", MAX(cpu->dies.value, 1U));
        text_appendf(&t, ",cores=%u,threads=%u", MAX(cpu->cores.value, 1U), MAX(cpu->threads.value, 1U));
        if (t.failed)
                e->failed = true;
        else
                emit_option(e, "-smp", t.data);
        return 0;
}
