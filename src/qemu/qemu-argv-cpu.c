/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "strv.h"

/* The processor: its model and features, and how many there are. */

/* --- features --- */

/* What libvirt knows of, but QEMU has no property for: the guest gets or lacks it all the same. */
static bool is_no_property(const char *name) {
        static const char *const names[] = {
                "cmt", "cvt16", "mbm_local", "mbm_total", "osxsave", "ospke", "pconfig",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(names[i], name))
                        return true;
        return false;
}

/* QEMU's models have these, though hardly a host can do them: libvirt's models do not. */
const char *qemu_cpu_removed_feature(const char *model) {
        static const struct { const char *model, *feature;
        } removed[] = {
                { "Dhyana", "monitor" },
                { "EPYC", "monitor" },
                { "EPYC-IBPB", "monitor" },
                { "Icelake-Client", "intel-pt" },
                { "Icelake-Client-noTSX", "intel-pt" },
                { "Icelake-Server", "intel-pt" },
                { "Icelake-Server-noTSX", "intel-pt" },
                { "Opteron_G3", "monitor" },
        };

        FOREACH_ARRAY(r, removed, ELEMENTSOF(removed))
                if (streq(r->model, model))
                        return r->feature;
        return NULL;
}

typedef struct CpuContext {
        Emit *e;
        const DomainCpu *cpu;
        const QemuHostCpu *host; /* NULL: unknown, or of no interest */
        Options *o;
} CpuContext;

static bool is_on(const CpuContext *c, const CpuFeature *f, const char *name) {
        if (f->policy == POLICY_OPTIONAL)
                return strv_contains(c->host->features, name);
        return f->policy == POLICY_FORCE || f->policy == POLICY_REQUIRE;
}

static int add_feature(const CpuContext *c, const CpuFeature *f) {
        _cleanup_free_ char *name = qemu_cpu_feature(f->name);

        if (!name)
                return -ENOMEM;
        if (is_no_property(f->name))
                return 0;
        if (c->e->caps->cpu_features && !strv_contains(c->e->caps->cpu_features, name))
                return diag_error(c->e->diag, f->loc, "emulator '%s' has no CPU feature '%s'", c->e->domain->emulator, f->name);
        /* All that there is is there; without knowledge of the host it stays as the model has it. */
        if (f->policy == POLICY_OPTIONAL &&
            (!c->host || c->cpu->mode == CPU_HOST_PASSTHROUGH || c->cpu->mode == CPU_MAXIMUM))
                return 0;
        options_bool(c->o, name, is_on(c, f, name));
        return 0;
}

/* The features of the host's processor that MODEL lacks, and the other way; what the definition says of one of them
 * comes in its place. */
static int add_host_features(const CpuContext *c, char *const *names, bool on) {
        STRV_FOREACH(name, names) {
                const CpuFeature *f = qemu_cpu_find_feature(c->cpu, *name);
                options_bool(c->o, *name, f ? is_on(c, f, *name) : on);
        }
        return 0;
}

static int add_features(const CpuContext *c) {
        const char *removed = c->cpu->mode == CPU_CUSTOM && c->cpu->model && !qemu_cpu_is_host_model(c->cpu)
                                      ? qemu_cpu_removed_feature(c->cpu->model) : NULL;
        int ret = 0;

        if (qemu_cpu_is_host_model(c->cpu) && c->host) {
                (void) add_host_features(c, c->host->on, true);
                (void) add_host_features(c, c->host->off, false);
        }
        FOREACH_ARRAY(f, c->cpu->features, c->cpu->n_features) {
                _cleanup_free_ char *name = qemu_cpu_feature(f->name);
                if (!name)
                        return -ENOMEM;
                if (qemu_cpu_is_host_model(c->cpu) && c->host &&
                    (strv_contains(c->host->on, name) || strv_contains(c->host->off, name)))
                        continue; /* it was there */
                int r = add_feature(c, f);
                if (r < 0)
                        ret = r;
        }
        if (removed && !qemu_cpu_find_feature(c->cpu, removed))
                options_add(c->o, removed, "off");
        return ret;
}

/* --- what the host must have --- */

static int check_vendor(const CpuContext *c) {
        static const struct { const char *libvirt, *cpuid;
        } vendors[] = {
                { "Intel", "GenuineIntel" }, { "AMD", "AuthenticAMD" }, { "Hygon", "HygonGenuine" },
        };
        const char *wanted = c->cpu->vendor;

        FOREACH_ARRAY(v, vendors, ELEMENTSOF(vendors))
                if (streq_ptr(v->libvirt, wanted))
                        wanted = v->cpuid;
        if (!wanted || streq(wanted, c->host->vendor))
                return 0;
        return diag_error(c->e->diag, c->cpu->loc, "the processor is made by %s, not by %s", c->host->vendor, c->cpu->vendor);
}

static int check_forbidden(const CpuContext *c) {
        int ret = 0;

        FOREACH_ARRAY(f, c->cpu->features, c->cpu->n_features) {
                _cleanup_free_ char *name = qemu_cpu_feature(f->name);
                if (f->policy == POLICY_FORBID && name && strv_contains(c->host->features, name))
                        ret = diag_error(c->e->diag, f->loc, "the processor has the feature '%s', which is forbidden", f->name);
                if (f->policy == POLICY_REQUIRE && name && !is_no_property(f->name) &&
                    strv_contains(c->e->caps->cpu_features, name) && !strv_contains(c->host->features, name))
                        ret = diag_error(c->e->diag, f->loc, "the processor lacks the feature '%s'", f->name);
        }
        return ret;
}

/* What the model has and the definition does not turn off. */
static int check_model(const CpuContext *c) {
        const char *removed = qemu_cpu_removed_feature(c->cpu->model);
        _cleanup_text_ Text t = {};

        STRV_FOREACH(name, qemu_host_cpu_missing(c->host, c->cpu->model)) {
                if (qemu_cpu_find_feature(c->cpu, *name) || streq_ptr(removed, *name))
                        continue;
                text_appendf(&t, "%s%s", t.length > 0 ? ", " : "", *name);
        }
        if (t.failed)
                return -ENOMEM;
        return t.length == 0 ? 0
                             : diag_error(c->e->diag, c->cpu->loc, "the processor lacks features of the CPU model '%s': %s",
                                          c->cpu->model, t.data);
}

/* QEMU would leave out what is not there, with no more than a warning. */
static int check_host(const CpuContext *c) {
        const DomainCpu *cpu = c->cpu;
        int ret = 0, r;

        if (!c->host || c->e->facts->any_processor || cpu->check != CHECK_PARTIAL ||
            (cpu->mode != CPU_CUSTOM && cpu->mode != CPU_HOST_MODEL))
                return 0;
        if (cpu->match == MATCH_STRICT) /* hosts have more; which features are the model's alone is not known */
                ret = diag_error(c->e->diag, cpu->loc, "not supported: <cpu match='strict'> with check='partial'");
        if ((r = check_vendor(c)) < 0)
                ret = r;
        if ((r = check_forbidden(c)) < 0)
                ret = r;
        if (cpu->mode == CPU_CUSTOM && cpu->model && (r = check_model(c)) < 0)
                ret = r;
        return ret;
}

/* --- -cpu --- */

static void add_cache(const CpuContext *c) {
        bool host = c->cpu->mode == CPU_HOST_PASSTHROUGH || c->cpu->mode == CPU_MAXIMUM;

        switch (c->cpu->cache) {
        case CPU_CACHE_EMULATE:
                options_add(c->o, "l3-cache", "on");
                if (host)
                        options_add(c->o, "host-cache-info", "off");
                break;
        case CPU_CACHE_PASSTHROUGH:
                options_add(c->o, "host-cache-info", "on");
                options_add(c->o, "l3-cache", "off");
                break;
        case CPU_CACHE_DISABLE:
                if (host)
                        options_add(c->o, "host-cache-info", "off");
                options_add(c->o, "l3-cache", "off");
                break;
        default:
                break;
        }
}

static void add_phys_bits(const CpuContext *c) {
        if (c->cpu->maxphysaddr == PHYS_ADDR_EMULATE)
                options_addf(c->o, "phys-bits", "%u", c->cpu->physaddr_bits.value);
        if (c->cpu->maxphysaddr != PHYS_ADDR_PASSTHROUGH)
                return;
        options_add(c->o, "host-phys-bits", "on");
        if (c->cpu->physaddr_limit.set)
                options_addf(c->o, "host-phys-bits-limit", "%u", c->cpu->physaddr_limit.value);
}

static const char *model_word(const CpuContext *c) {
        switch (c->cpu->mode) {
        case CPU_HOST_PASSTHROUGH:
                return "host";
        case CPU_MAXIMUM:
                return "max";
        default:
                return qemu_cpu_is_host_model(c->cpu) ? (c->host ? c->host->model : "max") : c->cpu->model;
        }
}

int emit_cpu(Emit *e) {
        const Domain *d = e->domain;
        const DomainCpu *cpu = &d->cpu;
        _cleanup_options_ Options o = {};
        CpuContext c = {
                .e = e, .cpu = cpu, .o = &o,
                .host = arch_is_x86(d) ? qemu_caps_host_cpu(e->caps, d->type == DOMAIN_KVM) : NULL,
        };

        if (qemu_cpu_is_host_model(cpu) && !c.host && !e->facts->any_processor)
                return diag_error(e->diag, cpu->loc, "nothing is known about the processor%s",
                                  d->type == DOMAIN_KVM ? ": emulator and KVM could not tell" : "");
        if (!model_word(&c))
                return 0;
        int r = check_host(&c);
        options_word(&o, model_word(&c));
        if (arch_is_x86(d))
                options_add(&o, "migratable", on_off_to_string(cpu->migratable));
        options_add(&o, "vendor", cpu->vendor_id);
        int k = add_features(&c);
        options_cpu_features(&o, d);
        add_cache(&c);
        add_phys_bits(&c);
        /* libvirt looks at the running processor; here QEMU does not start with less than was asked for. */
        if (!e->native && cpu->check == CHECK_FULL && arch_is_x86(d))
                options_word(&o, "enforce");
        emit_options(e, "-cpu", &o);
        return r < 0 ? r : k;
}

/* --- how many --- */

/* Those that can be taken away are plugged in later. */
static unsigned vcpus_at_start(const Domain *d) {
        unsigned n = 0;

        if (d->n_vcpu_list == 0)
                return d->current_vcpus.set ? d->current_vcpus.value : d->vcpus.value;
        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list)
                n += v->enabled == TRI_YES && v->hotpluggable != TRI_YES;
        return n;
}

/* What is plugged in at the start is so by QMP, and not on the boards of other processors. */
static int check_plugging(const Emit *e) {
        const Domain *d = e->domain;

        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list)
                if (!e->native && !arch_is_x86(d) && v->enabled == TRI_YES && v->hotpluggable == TRI_YES)
                        return diag_error(e->diag, v->loc, "vcpus: machine '%s' can plug in no vCPUs",
                                          strempty(d->os.machine));
        return 0;
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
        return check_plugging(e);
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
                _cleanup_free_ char *id = strf("iothread%u", domain_iothread_id(d, i));
                if (!id)
                        return -ENOMEM;
                emit_thread(e, "iothread", id, t);
        }
        if (d->default_iothread.pool_min.set || d->default_iothread.pool_max.set)
                emit_thread(e, "main-loop", "main-loop", &d->default_iothread);
        return 0;
}
