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

/* Those that can be taken away are plugged in later. */
static unsigned vcpus_at_start(const Domain *d) {
        unsigned n = 0;

        if (d->n_vcpu_list == 0)
                return d->current_vcpus.set ? d->current_vcpus.value : d->vcpus.value;
        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list)
                n += v->enabled == TRI_YES && v->hotpluggable != TRI_YES;
        return n;
}

int emit_smp(Emit *e) {
        const Domain *d = e->domain;
        const DomainCpu *cpu = &d->cpu;
        unsigned n = d->vcpus.value, current = vcpus_at_start(d);
        bool topology = cpu->sockets.set || cpu->cores.set || cpu->threads.set;
        _cleanup_text_ Text t = {};

        text_appendf(&t, "%u", current);
        if (current != n)
                text_appendf(&t, ",maxcpus=%u", n);
        text_appendf(&t, ",sockets=%u", topology ? MAX(cpu->sockets.value, 1U) : n);
        if (topology)
                text_appendf(&t, ",dies=%u", MAX(cpu->dies.value, 1U));
        text_appendf(&t, ",cores=%u,threads=%u", MAX(cpu->cores.value, 1U), MAX(cpu->threads.value, 1U));
        if (t.failed)
                e->failed = true;
        else
                emit_option(e, "-smp", t.data);
        return 0;
}

/* --- threads for devices --- */

static void emit_thread(Emit *e, const char *type, const char *id, const DomainIothread *t) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "qom-type", type);
        json_add_string(&j, "id", id);
        json_add_opt_uint(&j, "thread-pool-min", t->pool_min);
        json_add_opt_uint(&j, "thread-pool-max", t->pool_max);
        if (t->poll_max.set)
                json_add_uint(&j, "poll-max-ns", t->poll_max.value);
        if (t->poll_grow.set)
                json_add_uint(&j, "poll-grow", t->poll_grow.value);
        if (t->poll_shrink.set)
                json_add_uint(&j, "poll-shrink", t->poll_shrink.value);
        emit_json(e, "-object", &j);
}

int emit_iothreads(Emit *e) {
        const Domain *d = e->domain;
        const DomainIothread plain = {};

        for (unsigned i = 0; i < d->iothreads.value; i++) {
                const DomainIothread *t = i < d->n_iothread_ids ? &d->iothread_ids[i] : &plain;
                _cleanup_free_ char *id = strf("iothread%u", t->id.set ? t->id.value : i + 1);
                if (!id)
                        return -ENOMEM;
                emit_thread(e, "iothread", id, t);
        }
        if (d->default_iothread.pool_min.set || d->default_iothread.pool_max.set)
                emit_thread(e, "main-loop", "main-loop", &d->default_iothread);
        return 0;
}
