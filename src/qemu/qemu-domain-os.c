/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-domain.h"
#include "string-util.h"

/* What depends on the machine in <os> and <features>. */

/* What QEMU emulates is an old controller, which every guest knows; KVM has that of the host. */
static void complete_gic(Domain *d) {
        DomainFeatures *f = &d->features;

        if (!machine_is_virt(d))
                return;
        f->gic = true;
        if (f->gic_version == GIC_UNSET)
                f->gic_version = d->type == DOMAIN_KVM ? GIC_HOST : GIC_2;
}

int qemu_complete_features(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        const DomainFeatures *f = &d->features;
        bool efi = d->os.firmware == FIRMWARE_EFI || (d->os.loader && d->os.loader_type == LOADER_PFLASH);

        complete_gic(d);
        if (f->tseg.set && !machine_is_q35(d))
                return diag_error(diag, f->loc, "smm tseg is for q35 machines, not for '%s'", d->os.machine);
        if (f->acpi && !efi && d->os.arch == ARCH_AARCH64)
                return diag_error(diag, f->loc, "<acpi/> needs UEFI on '%s': firmware='efi' or a <loader type='pflash'>",
                                  arch_to_string(d->os.arch));
        return 0;
}
