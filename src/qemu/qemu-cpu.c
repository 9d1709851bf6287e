/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "string-util.h"
#include "strv.h"

/* What libvirt fills in of the processor, and what it becomes on this host. */

char *qemu_cpu_feature(const char *name) {
        static const struct { const char *libvirt, *qemu;
        } names[] = {
                { "pclmuldq", "pclmulqdq" }, { "sse4_1", "sse4.1" }, { "sse4_2", "sse4.2" },
                { "sse4-1", "sse4.1" },      { "sse4-2", "sse4.2" },
        };

        FOREACH_ARRAY(n, names, ELEMENTSOF(names))
                if (streq(n->libvirt, name))
                        return strdup(n->qemu);
        char *s = strdup(name);
        for (char *c = s; c && *c; c++)
                if (*c == '_')
                        *c = '-';
        return s;
}

/* --- defaults --- */

static int complete_default(DomainCpu *cpu, const Domain *d, const QemuCaps *caps) {
        const QemuMachine *m = qemu_caps_machine(caps, d->os.machine);

        if (!m || !m->default_cpu)
                return 0;
        cpu->check = CHECK_NONE;
        cpu->fallback = FALLBACK_FORBID;
        return free_and_strdup(&cpu->model, m->default_cpu);
}

static int complete_custom(DomainCpu *cpu, const Domain *d, const QemuCaps *caps, Diag *diag) {
        if (!cpu->model) {
                int r = complete_default(cpu, d, caps);
                if (r < 0)
                        return r;
        }
        cpu->match = cpu->match ?: MATCH_EXACT;
        cpu->check = cpu->check ?: d->type == DOMAIN_KVM && arch_is_x86(d) ? CHECK_PARTIAL : CHECK_NONE;
        cpu->fallback = cpu->fallback ?: FALLBACK_ALLOW;
        if (cpu->model && !qemu_caps_has_cpu(caps, cpu->model))
                return diag_error(diag, cpu->loc, "emulator '%s' has no CPU model '%s'", d->emulator, cpu->model);
        return 0;
}

/* In these modes the host says what it is. */
static int complete_host(DomainCpu *cpu, const Domain *d, Diag *diag) {
        cpu->match = MATCH_UNSET;
        if (cpu->mode == CPU_HOST_MODEL) {
                cpu->check = cpu->check ?: CHECK_PARTIAL;
                if (!cpu->model)
                        cpu->fallback = FALLBACK_UNSET;
                else
                        return diag_error(diag, cpu->loc,
                                          "not supported: a model ('%s') for the CPU mode 'host-model': it is the host's",
                                          cpu->model);
                if (!arch_is_x86(d))
                        return diag_error(diag, cpu->loc, "the CPU mode 'host-model' is for x86 machines, not for '%s'",
                                          strempty(arch_to_string(d->os.arch)));
                return 0;
        }
        cpu->model = mfree(cpu->model);
        cpu->fallback = FALLBACK_UNSET;
        cpu->check = cpu->check ?: CHECK_NONE;
        if (cpu->mode == CPU_HOST_PASSTHROUGH && d->type != DOMAIN_KVM)
                return diag_error(diag, cpu->loc, "<cpu mode='host-passthrough'> needs type='kvm'");
        if (cpu->mode == CPU_HOST_PASSTHROUGH && cpu->migratable == TRI_UNSET && arch_is_x86(d))
                cpu->migratable = TRI_YES;
        return 0;
}

/* A length of vectors is nothing without vectors. */
static int complete_sve(DomainCpu *cpu) {
        SrcLoc loc = {};

        FOREACH_ARRAY(f, cpu->features, cpu->n_features) {
                if (streq_ptr(f->name, "sve"))
                        return 0;
                if (f->name && startswith(f->name, "sve") && f->name[3] >= '1' && f->name[3] <= '9')
                        loc = f->loc;
        }
        if (loc.line == 0)
                return 0;
        if (!ARRAY_GROW(cpu->features, cpu->n_features))
                return -ENOMEM;
        CpuFeature *sve = cpu->features + cpu->n_features++;
        *sve = (CpuFeature) { .loc = loc, .policy = POLICY_REQUIRE, .name = strdup("sve") };
        return sve->name ? 0 : -ENOMEM;
}

int qemu_complete_cpu(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        DomainCpu *cpu = &d->cpu;

        cpu->mode = cpu->mode ?: CPU_CUSTOM;
        int r = cpu->mode == CPU_CUSTOM ? complete_custom(cpu, d, caps, diag) : complete_host(cpu, d, diag);
        if (r < 0)
                return r;
        if ((cpu->sockets.set || cpu->cores.set || cpu->threads.set) && !cpu->dies.set)
                cpu->dies = OPT_UINT(1);
        FOREACH_ARRAY(f, cpu->features, cpu->n_features)
                f->policy = f->policy ?: POLICY_REQUIRE;
        return arch_is_x86(d) ? 0 : complete_sve(cpu);
}

/* --- the host's --- */

bool qemu_cpu_is_host_model(const DomainCpu *cpu) {
        return cpu->mode == CPU_HOST_MODEL || (cpu->mode == CPU_CUSTOM && cpu->match == MATCH_MINIMUM);
}

/* The other way: what QEMU calls a feature as libvirt calls it. */
static const char *libvirt_feature(const char *name) {
        static const struct { const char *qemu, *libvirt;
        } names[] = {
                { "cmp-legacy", "cmp_legacy" },     { "ds-cpl", "ds_cpl" },         { "fxsr-opt", "fxsr_opt" },
                { "lahf-lm", "lahf_lm" },           { "nodeid-msr", "nodeid_msr" }, { "pclmulqdq", "pclmuldq" },
                { "perfctr-core", "perfctr_core" }, { "perfctr-nb", "perfctr_nb" }, { "tsc-adjust", "tsc_adjust" },
        };

        FOREACH_ARRAY(n, names, ELEMENTSOF(names))
                if (streq(n->qemu, name))
                        return n->libvirt;
        return name;
}

typedef struct FeatureList {
        CpuFeature *list;
        size_t n_list;
} FeatureList;

static int take_feature(FeatureList *l, SrcLoc loc, CpuPolicy policy, const char *name) {
        if (!ARRAY_GROW(l->list, l->n_list))
                return -ENOMEM;
        CpuFeature *f = l->list + l->n_list++;
        *f = (CpuFeature) { .loc = loc, .policy = policy, .name = strdup(name) };
        return f->name ? 0 : -ENOMEM;
}

static CpuPolicy policy_here(const CpuFeature *f, const QemuHostCpu *host) {
        _cleanup_free_ char *name = qemu_cpu_feature(f->name);

        if (f->policy != POLICY_OPTIONAL || !name)
                return f->policy;
        return strv_contains(host->features, name) ? POLICY_REQUIRE : POLICY_DISABLE;
}

const CpuFeature *qemu_cpu_find_feature(const DomainCpu *cpu, const char *name) {
        FOREACH_ARRAY(f, cpu->features, cpu->n_features) {
                _cleanup_free_ char *n = qemu_cpu_feature(f->name);
                if (streq_ptr(n, name))
                        return f;
        }
        return NULL;
}

/* What the host's model has besides, or lacks; what the definition says of one of them comes in its place. */
static int take_host_features(FeatureList *l, const DomainCpu *cpu, const QemuHostCpu *host, char *const *names, CpuPolicy policy) {
        STRV_FOREACH(name, names) {
                const CpuFeature *f = qemu_cpu_find_feature(cpu, *name);
                int r = take_feature(l, f ? f->loc : cpu->loc, f ? policy_here(f, host) : policy, f ? f->name : libvirt_feature(*name));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int take_written_features(FeatureList *l, const DomainCpu *cpu, const QemuHostCpu *host) {
        bool model = qemu_cpu_is_host_model(cpu);

        FOREACH_ARRAY(f, cpu->features, cpu->n_features) {
                _cleanup_free_ char *name = qemu_cpu_feature(f->name);
                if (!name)
                        return -ENOMEM;
                if (model && (strv_contains(host->on, name) || strv_contains(host->off, name)))
                        continue; /* it is there */
                int r = take_feature(l, f->loc, policy_here(f, host), f->name);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What a model that is chosen by its name would not have. */
static int take_removed_feature(FeatureList *l, const DomainCpu *cpu, const QemuHostCpu *host) {
        const char *name = qemu_cpu_removed_feature(host->model);

        if (!name || qemu_cpu_find_feature(cpu, name) || strv_contains(host->on, name) || !strv_contains(host->features, name))
                return 0;
        return take_feature(l, cpu->loc, POLICY_REQUIRE, libvirt_feature(name));
}

static int update_features(DomainCpu *cpu, const QemuHostCpu *host) {
        FeatureList l = {};
        int r = 0;

        if (qemu_cpu_is_host_model(cpu)) {
                r = take_host_features(&l, cpu, host, host->on, POLICY_REQUIRE);
                if (r >= 0)
                        r = take_removed_feature(&l, cpu, host);
                if (r >= 0)
                        r = take_host_features(&l, cpu, host, host->off, POLICY_DISABLE);
        }
        if (r >= 0)
                r = take_written_features(&l, cpu, host);
        if (r >= 0) {
                FeatureList old = { cpu->features, cpu->n_features };
                cpu->features = l.list;
                cpu->n_features = l.n_list;
                l = old;
        }
        FOREACH_ARRAY(f, l.list, l.n_list)
                free(f->name);
        free(l.list);
        return r;
}

static const char *libvirt_vendor(const char *vendor) {
        return streq(vendor, "GenuineIntel") ? "Intel" : streq(vendor, "AuthenticAMD") ? "AMD" :
               streq(vendor, "HygonGenuine") ? "Hygon" : vendor;
}

int qemu_update_cpu(Domain *d, const QemuCaps *caps, Diag *diag) {
        const QemuHostCpu *host = arch_is_x86(d) ? qemu_caps_host_cpu(caps, d->type == DOMAIN_KVM) : NULL;
        DomainCpu *cpu = &d->cpu;
        bool model = qemu_cpu_is_host_model(cpu);

        if (cpu->mode == CPU_HOST_PASSTHROUGH || cpu->mode == CPU_MAXIMUM)
                return 0;
        if (!host)
                return !model ? 0 : diag_error(diag, cpu->loc, "nothing is known about the processor%s",
                                               d->type == DOMAIN_KVM ? ": emulator and KVM could not tell" : "");
        int r = update_features(cpu, host);
        if (r < 0 || !model)
                return r;
        r = free_and_strdup(&cpu->model, host->model);
        if (r >= 0 && cpu->mode == CPU_HOST_MODEL)
                r = free_and_strdup(&cpu->vendor, libvirt_vendor(host->vendor));
        cpu->mode = CPU_CUSTOM;
        cpu->match = MATCH_EXACT;
        cpu->fallback = cpu->fallback ?: FALLBACK_ALLOW;
        return r;
}
