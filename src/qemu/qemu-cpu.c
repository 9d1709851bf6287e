/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "string-util.h"

/* What libvirt fills in of the processor. */

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
