/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "strv.h"

/* What the machine is, before its devices: name, firmware, processor, memory, clock, power, boot. */

int emit_name(Emit *e) {
        _cleanup_options_ Options o = {};

        options_add(&o, "guest", e->domain->name);
        options_add(&o, "debug-threads", "on"); /* names the threads, so that vCPUs can be told apart */
        emit_options(e, "-name", &o);
        return 0;
}

int emit_paused(Emit *e) {
        emit_arg(e, "-S");
        return 0;
}

static bool has_nvdimm(const Domain *d) {
        FOREACH_ARRAY(m, d->memories, d->n_memories)
                if (m->model == MEMORY_NVDIMM)
                        return true;
        return false;
}

int emit_machine(Emit *e) {
        const Domain *d = e->domain;
        const DomainFeatures *f = &d->features;
        _cleanup_options_ Options o = {};

        options_word(&o, d->os.machine);
        options_add(&o, "usb", "off");
        options_machine_features(&o, d);
        if (d->os.arch == ARCH_AARCH64)
                options_add(&o, "gic-version", gic_version_to_string(f->gic_version));
        FOREACH_ARRAY(i, d->iommus, d->n_iommus)
                if (i->model == IOMMU_SMMUV3)
                        options_add(&o, "iommu", "smmuv3");
        options_add(&o, "dump-guest-core", d->dump_core == TRI_YES ? "on" : "off");
        if (d->memory_backing.nosharepages)
                options_add(&o, "mem-merge", "off");
        if (has_nvdimm(d))
                options_add(&o, "nvdimm", "on");
        if (has_hmat(d))
                options_add(&o, "hmat", "on");
        if (!has_cells(d))
                options_add(&o, "memory-backend", ram_id(d));
        if (has_pflash(d)) {
                options_add(&o, "pflash0", "libvirt-pflash0-format");
                if (d->os.flash.nvram)
                        options_add(&o, "pflash1", "libvirt-pflash1-format");
        }
        if (d->os.bios_useserial == TRI_YES)
                options_add(&o, "graphics", "off"); /* the firmware then talks to the serial port */
        if (has_machine_switches(e->caps)) {
                if (timer_absent(d, TIMER_HPET))
                        options_add(&o, "hpet", "off");
                if (!f->acpi)
                        options_add(&o, "acpi", "off");
        }
        emit_options(e, "-machine", &o);
        return 0;
}

int emit_accel(Emit *e) {
        _cleanup_options_ Options o = {};

        options_word(&o, e->domain->type == DOMAIN_KVM ? "kvm" : "tcg");
        options_accel_features(&o, e->domain);
        emit_options(e, "-accel", &o);
        return 0;
}

int emit_uuid(Emit *e) {
        char uuid[37];

        format_uuid(e->domain->uuid, uuid);
        emit_option(e, "-uuid", uuid);
        return 0;
}

bool has_no_graphics(const Domain *d) {
        return d->n_graphics == 0;
}

int emit_no_display(Emit *e) {
        emit_option(e, "-display", "none");
        return 0;
}

int emit_no_defaults(Emit *e) {
        emit_arg(e, "-no-user-config");
        emit_arg(e, "-nodefaults");
        return 0;
}

int emit_monitor(Emit *e) {
        _cleanup_options_ Options o = {};

        options_word(&o, "socket");
        options_add(&o, "id", "charmonitor");
        if (e->native) {
                options_addf(&o, "path", "%s/monitor.sock", e->runtime_dir);
                options_add(&o, "server", "on");
                options_add(&o, "wait", "off");
        } else
                options_addf(&o, "fd", "%u", PLAN_FD_QMP);
        emit_options(e, "-chardev", &o);
        emit_option(e, "-mon", "chardev=charmonitor,id=monitor,mode=control");
        return 0;
}

/* --- the end --- */

int emit_sandbox(Emit *e) {
        emit_option(e, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        return 0;
}

int emit_messages(Emit *e) {
        emit_option(e, "-msg", "timestamp=on");
        return 0;
}
