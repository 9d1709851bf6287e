/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-domain.h"
#include "string-util.h"
#include "text.h"

/* --- machine --- */

static bool known_machine(const QemuMachine *m) {
        return !streq(m->name, "none") && !streq(m->name, "x-remote");
}

/* Whether a definition may have it. */
static bool supported_machine(const QemuCaps *caps, const QemuMachine *m) {
        Domain d = { .os.arch = caps->arch, .os.machine = m->name };

        return machine_is_i440fx(&d) || machine_is_q35(&d) || machine_is_virt(&d);
}

/* "pc, q35, isapc": one word for every kind of machine. The versions, there are dozens, are counted. */
static char *machine_names(const QemuCaps *caps) {
        _cleanup_text_ Text t = {};
        unsigned versions = 0;
        char *s;

        FOREACH_ARRAY(m, caps->machines, caps->n_machines) {
                if (!supported_machine(caps, m))
                        continue;
                if (m->alias || !strpbrk(m->name, DIGITS))
                        text_appendf(&t, "%s%s", t.length > 0 ? ", " : "", m->alias ?: m->name);
                else
                        versions++;
        }
        if (versions > 0)
                text_appendf(&t, "; and %u versions of them", versions);
        return text_finish(&t, &s) < 0 ? NULL : s;
}

static const QemuMachine *default_machine(const QemuCaps *caps) {
        FOREACH_ARRAY(m, caps->machines, caps->n_machines)
                if (m->is_default)
                        return m;
        return qemu_caps_machine(caps, "virt"); /* ARM emulators have no default */
}

static int complete_machine(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        const QemuMachine *m = d->os.machine ? qemu_caps_machine(caps, d->os.machine) : default_machine(caps);

        if (!m || !known_machine(m)) {
                _cleanup_free_ char *names = machine_names(caps);
                if (!names)
                        return -ENOMEM;
                return diag_error(diag, d->os.loc, "emulator '%s' has no machine '%s'; it knows: %s",
                                  d->emulator, strempty(d->os.machine), names);
        }
        int r = free_and_strdup(&d->os.machine, m->name);
        if (r < 0)
                return r;
        if (!machine_is_i440fx(d) && !machine_is_q35(d) && !machine_is_virt(d))
                return diag_error(diag, d->os.loc, "not supported: machine '%s'", d->os.machine);
        if (d->vcpus.value > m->max_cpus && m->max_cpus > 0)
                return diag_error(diag, domain_loc_or(d, d->vcpu_loc), "machine '%s' has %u vCPUs at most, not %u", m->name,
                                  m->max_cpus, d->vcpus.value);
        return 0;
}

static int check_accel(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        bool same = d->os.arch == facts->arch || (d->os.arch == ARCH_I686 && facts->arch == ARCH_X86_64);

        if (d->os.arch != caps->arch && !(d->os.arch == ARCH_I686 && caps->arch == ARCH_X86_64))
                return diag_error(diag, d->os.loc, "emulator '%s' is for %s, not for %s", d->emulator,
                                  strempty(arch_to_string(caps->arch)), strempty(arch_to_string(d->os.arch)));
        if (d->type != DOMAIN_KVM)
                return 0;
        if (!same)
                return diag_error(
                        diag, d->loc,
                        "type='kvm' runs machines of the host's architecture (%s) only; use type='qemu'",
                        strempty(arch_to_string(facts->arch)));
        if (!caps->has_kvm)
                return diag_error(diag, d->loc, "emulator '%s' has no KVM in it; use type='qemu'",
                                  d->emulator);
        return 0;
}

/* --- the rest --- */

static int complete_network_models(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if (!i->model && i->type != INTERFACE_HOSTDEV) {
                        int r = free_and_strdup(&i->model, arch_is_x86(d) ? "rtl8139" : "virtio");
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* What PCs have and the boards of other processors do not. */
static int check_board(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        const char *machine = strempty(d->os.machine);

        if (arch_is_x86(d))
                return 0;
        if (d->suspend_to_mem != TRI_UNSET || d->suspend_to_disk != TRI_UNSET)
                return diag_error(diag, d->loc, "<pm>: machine '%s' has no S3 and S4", machine);
        if (d->os.arch == ARCH_ARMV7L && d->features.gic_version != GIC_UNSET && d->features.gic_version != GIC_2)
                return diag_error(diag, d->features.loc, "gic: version '%s' is for aarch64 machines only",
                                  gic_version_to_string(d->features.gic_version));
        return 0;
}

/* Beyond that the processors' own interrupt controllers have numbers that only an IOMMU can deliver to. */
#define VCPUS_WITHOUT_EIM 255U

static int check_iommu(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        const char *machine = strempty(d->os.machine);

        if (arch_is_x86(d) && d->vcpus.value > VCPUS_WITHOUT_EIM &&
            (d->n_iommus == 0 || d->iommus[0].eim != TRI_YES))
                return diag_error(diag, domain_loc_or(d, d->vcpu_loc), "%u vCPUs: more than %u need <iommu model='intel'> with <driver eim='on'>",
                                  d->vcpus.value, VCPUS_WITHOUT_EIM);
        FOREACH_ARRAY(i, d->iommus, d->n_iommus) {
                bool is_virt = machine_is_virt(d), is_q35 = machine_is_q35(d);

                if (i->model == IOMMU_INTEL ? is_q35 : i->model == IOMMU_SMMUV3 ? is_virt : is_q35 || is_virt)
                        continue;
                return diag_error(diag, i->info.loc, "iommu: machine '%s' has no '%s'", machine,
                                  iommu_model_to_string(i->model));
        }
        return 0;
}

static int controllers(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        domain_unsort_controllers(d);
        /* What the host's devices need stands before what the machine brings along, as in libvirt. */
        int r = qemu_complete_scsi_hostdevs(d, diag);
        return r < 0 ? r : qemu_complete_controllers(d, diag);
}

static int addresses(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        int r;

        if ((r = qemu_check_addresses(d, diag)) < 0 || (r = qemu_remember_places(d, true)) < 0 ||
            (r = qemu_complete_drives(d, diag)) < 0 ||
            (r = qemu_complete_virtio_serial(d, diag)) < 0 || (r = qemu_complete_smartcards(d, diag)) < 0 ||
            (r = qemu_complete_mmio(d, diag)) < 0 ||
            (r = qemu_remember_places(d, false)) < 0 || (r = qemu_complete_pci(d, diag)) < 0 ||
            (r = qemu_complete_usb(d, diag)) < 0)
                return r;
        /* Only now: the order in which they were added decided on their addresses. Now it is the one in which they
         * would be read. */
        domain_settle_controllers(d);
        return qemu_complete_aliases(d, diag);
}

/* In this order: each looks at what earlier ones have filled in. */
static int (*const steps[])(Domain *, const QemuCaps *, const HostFacts *, Diag *) = {
        check_accel, complete_machine,        qemu_complete_cpu,
        qemu_complete_features,         qemu_complete_firmware, complete_network_models, check_board, check_iommu, controllers,  addresses,
};

int qemu_domain_complete(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                int r = steps[i](d, caps, facts, diag);
                if (r < 0)
                        return r;
        }
        return 0;
}
