/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-taint.h"

static const char *const texts[_TAINT_MAX] = {
        [TAINT_CUSTOM_ARGV] = "custom configuration parameters specified",
        [TAINT_CUSTOM_MONITOR] = "custom monitor control commands issued",
        [TAINT_HIGH_PRIVILEGES] = "running with undesirable elevated privileges",
        [TAINT_SHELL_SCRIPTS] = "network configuration using opaque shell scripts",
        [TAINT_HOST_CPU] = "potentially unsafe use of host CPU passthrough",
        [TAINT_CUSTOM_DTB] = "custom device tree blob used",
        [TAINT_CUSTOM_GA_COMMAND] = "custom guest agent control commands issued",
        [TAINT_CUSTOM_HYPERVISOR_FEATURE] = "hypervisor feature autodetection override",
        [TAINT_CUSTOM_DEVICE] = "custom device configuration",
};

const char *domain_taint_text(DomainTaint t) {
        return texts[t];
}

static bool has_rawio(const Domain *d) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (disk->rawio == TRI_YES)
                        return true;
        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs)
                if (h->rawio == TRI_YES)
                        return true;
        return false;
}

static bool has_script(const Domain *d) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if (i->script)
                        return true;
        return false;
}

unsigned domain_taints(const Domain *d) {
        return (d->n_qemu_args + d->n_qemu_env > 0 ? TAINT_MASK(TAINT_CUSTOM_ARGV) : 0) |
               (has_rawio(d) ? TAINT_MASK(TAINT_HIGH_PRIVILEGES) : 0) |
               (has_script(d) ? TAINT_MASK(TAINT_SHELL_SCRIPTS) : 0) |
               (d->cpu.mode == CPU_HOST_PASSTHROUGH ? TAINT_MASK(TAINT_HOST_CPU) : 0) |
               (d->os.dtb ? TAINT_MASK(TAINT_CUSTOM_DTB) : 0) |
               (d->n_qemu_caps_added + d->n_qemu_caps_deleted > 0 ? TAINT_MASK(TAINT_CUSTOM_HYPERVISOR_FEATURE) : 0) |
               (d->n_qemu_overrides > 0 ? TAINT_MASK(TAINT_CUSTOM_DEVICE) : 0);
}
