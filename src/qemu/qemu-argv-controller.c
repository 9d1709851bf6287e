/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* The IOMMU of ARM machines is one of the machine's options. */
int emit_iommus(Emit *e) {
        FOREACH_ARRAY(i, e->domain->iommus, e->domain->n_iommus) {
                _cleanup_qjson_ Json j = {};

                if (i->model == IOMMU_SMMUV3)
                        continue;
                json_add_string(&j, "driver", i->model == IOMMU_INTEL ? "intel-iommu" : "virtio-iommu");
                json_add_string(&j, "id", i->info.alias);
                json_add_string(&j, "intremap", on_off_to_string(i->intremap));
                json_add_tristate(&j, "caching-mode", i->caching_mode);
                json_add_string(&j, "eim", on_off_to_string(i->eim));
                json_add_tristate(&j, "device-iotlb", i->iotlb);
                json_add_opt_uint(&j, "aw-bits", i->aw_bits);
                json_address(e, &j, &i->info);
                emit_json(e, "-device", &j);
        }
        return 0;
}

int emit_pci_hole(Emit *e) {
        const DomainController *root = controller_find(e->domain, CONTROLLER_PCI, 0);

        if (machine_is_i440fx(e->domain) && root && root->hotplug != TRI_UNSET)
                emit_optionf(e, "-global", "PIIX4_PM.acpi-root-pci-hotplug=%s", on_off_to_string(root->hotplug));
        if (root && root->pcihole64.set)
                emit_optionf(e, "-global", "%s.pci-hole64-size=%lluK",
                             machine_is_q35(e->domain) ? "q35-pcihost" : "i440FX-pcihost",
                             (unsigned long long) root->pcihole64.value);
        return 0;
}

/* Not every emulator has every controller. */
static int check_driver(Emit *e, const DomainController *c, const char *driver) {
        /* "lsi" is an alias in QEMU, and libvirt's word for it. */
        if (driver && qemu_caps_has_type(e->caps, streq(driver, "lsi") ? "lsi53c895a" : driver))
                return 0;
        return diag_error(e->diag, c->info.loc, "emulator '%s' has no <controller type='%s' model='%s'>",
                          e->domain->emulator, controller_type_to_string(c->type), c->model);
}

static void emit_device(Emit *e, Json *j, const DomainController *c) {
        json_address(e, j, &c->info);
        emit_json(e, "-device", j);
}

static int emit_bridge(Emit *e, const DomainController *c) {
        _cleanup_qjson_ Json j = {};

        int r = check_driver(e, c, c->pci_model_name);
        if (r < 0)
                return r;
        json_add_string(&j, "driver", c->pci_model_name);
        if (streq(c->model, "pci-bridge"))
                json_add_opt_uint(&j, "chassis_nr", c->chassis_nr);
        else if (streq(c->model, "pcie-root-port") || streq(c->model, "pcie-switch-downstream-port")) {
                json_add_opt_uint(&j, "port", c->port);
                json_add_opt_uint(&j, "chassis", c->chassis);
                json_add_tristate(&j, "hotplug", c->hotplug);
        } else if (endswith(c->model, "-expander-bus"))
                json_add_opt_uint(&j, "bus_nr", c->bus_nr);
        json_add_string(&j, "id", c->info.alias);
        json_add_opt_uint(&j, "numa_node", c->numa_node);
        emit_device(e, &j, c);
        return 0;
}

/* NULL: the machine has it. */
static const DomainController *parent_of(const Domain *d, const DomainController *c) {
        const DeviceAddress *a = &c->info.address;

        return c->index.value > 0 && a->type == ADDRESS_PCI ? controller_find(d, CONTROLLER_PCI, a->bus.value) : NULL;
}

/* Whether there is a later one among those that it is plugged into. */
static bool waits(const Domain *d, const DomainController *c) {
        const DomainController *p = parent_of(d, c);

        for (size_t i = 0; p && i < d->n_controllers; i++, p = parent_of(d, p))
                if (p > c)
                        return true;
        return false;
}

/* With those that have waited for it: they are before UNTIL. */
static int emit_tree(Emit *e, const DomainController *c, const DomainController *until) {
        int ret = emit_bridge(e, c);

        for (const DomainController *i = e->domain->controllers; i < until; i++)
                if (i->type == CONTROLLER_PCI && parent_of(e->domain, i) == c) {
                        int r = emit_tree(e, i, until);
                        if (r < 0)
                                ret = r;
                }
        return ret;
}

/* A bridge comes after the one that it is plugged into, whatever their numbers, or QEMU does not find that. */
static int emit_pci(Emit *e, const DomainController *c) {
        return c->index.value == 0 || waits(e->domain, c) ? 0 : emit_tree(e, c, c);
}

/* model= of the XML and the device in QEMU. */
static const struct {
        const char *model, *driver;
} usb_models[] = {
        { "piix3-uhci", "piix3-usb-uhci" },
        { "piix4-uhci", "piix4-usb-uhci" },
        { "ehci", "usb-ehci" },
        { "ich9-ehci1", "ich9-usb-ehci1" },
        { "ich9-uhci1", "ich9-usb-uhci1" },
        { "ich9-uhci2", "ich9-usb-uhci2" },
        { "ich9-uhci3", "ich9-usb-uhci3" },
        { "pci-ohci", "pci-ohci" },
        { "vt82c686b-uhci", "vt82c686b-usb-uhci" },
        { "nec-xhci", "nec-usb-xhci" },
        { "qemu-xhci", "qemu-xhci" },
};

static int emit_usb(Emit *e, const DomainController *c) {
        _cleanup_qjson_ Json j = {};
        const char *driver = NULL;

        if (streq(c->model, "none"))
                return 0;
        FOREACH_ARRAY(m, usb_models, ELEMENTSOF(usb_models))
                if (streq(m->model, c->model))
                        driver = m->driver;
        int r = check_driver(e, c, driver);
        if (r < 0)
                return r;
        json_add_string(&j, "driver", driver);
        if (endswith(c->model, "-xhci")) {
                json_add_opt_uint(&j, "p2", c->ports);
                json_add_opt_uint(&j, "p3", c->ports);
        }
        if (c->master_startport.set) { /* a companion: part of the controller it names */
                json_add_stringf(&j, "masterbus", "%s.0", c->info.alias);
                json_add_opt_uint(&j, "firstport", c->master_startport);
        } else
                json_add_string(&j, "id", c->info.alias);
        emit_device(e, &j, c);
        return 0;
}

static const struct {
        const char *model, *driver;
} scsi_models[] = {
        { "lsilogic", "lsi" },  { "lsisas1068", "mptsas1068" }, { "lsisas1078", "megasas" },
        { "vmpvscsi", "pvscsi" }, { "am53c974", "am53c974" },   { "dc390", "dc390" },
};

static int emit_scsi(Emit *e, const DomainController *c) {
        _cleanup_qjson_ Json j = {};
        bool is_virtio = startswith(c->model, "virtio-");
        const char *driver = NULL;

        FOREACH_ARRAY(m, scsi_models, ELEMENTSOF(scsi_models))
                if (streq(m->model, c->model))
                        driver = m->driver;
        if (is_virtio) {
                json_virtio_driver(&j, "virtio-scsi", &c->info, c->model);
                json_virtio_options(&j, &c->virtio);
                if (c->iothread.set)
                        json_add_stringf(&j, "iothread", "iothread%u", c->iothread.value);
        } else {
                int r = check_driver(e, c, driver);
                if (r < 0)
                        return r;
                json_add_string(&j, "driver", driver);
        }
        json_add_string(&j, "id", c->info.alias);
        if (is_virtio) {
                json_add_opt_uint(&j, "num_queues", c->queues);
                json_add_opt_uint(&j, "cmd_per_lun", c->cmd_per_lun);
                json_add_opt_uint(&j, "max_sectors", c->max_sectors);
                json_add_tristate(&j, "ioeventfd", c->ioeventfd);
        }
        emit_device(e, &j, c);
        return 0;
}

static int emit_sata(Emit *e, const DomainController *c) {
        _cleanup_qjson_ Json j = {};

        if (machine_is_q35(e->domain) && c->index.value == 0)
                return 0;
        json_add_string(&j, "driver", "ahci");
        json_add_string(&j, "id", c->info.alias);
        emit_device(e, &j, c);
        return 0;
}

static int emit_virtio_serial(Emit *e, const DomainController *c) {
        _cleanup_qjson_ Json j = {};

        json_virtio_driver(&j, "virtio-serial", &c->info, c->model);
        json_virtio_options(&j, &c->virtio);
        json_add_string(&j, "id", c->info.alias);
        json_add_opt_uint(&j, "max_ports", c->ports);
        json_add_opt_uint(&j, "vectors", c->vectors);
        emit_device(e, &j, c);
        return 0;
}

/* Part of i440fx, an extra device of q35. It boots its drives itself, so it has their boot indexes. */
static int emit_fdc(Emit *e, const DomainController *c) {
        _cleanup_qjson_ Json j = {};
        bool is_device = machine_is_q35(e->domain), any = false;

        json_add_string(&j, "driver", "isa-fdc");
        FOREACH_ARRAY(disk, e->domain->disks, e->domain->n_disks) {
                char key[] = "bootindexA";
                unsigned boot = boot_index(e->domain, &disk->info);

                if (disk->bus != BUS_FDC || disk->info.address.controller.value != c->index.value)
                        continue;
                any = true;
                if (boot == 0)
                        continue;
                key[sizeof(key) - 2] = (char) ('A' + disk->info.address.unit.value);
                if (is_device)
                        json_add_uint(&j, key, boot);
                else
                        emit_optionf(e, "-global", "isa-fdc.%s=%u", key, boot);
        }
        if (is_device && any)
                emit_json(e, "-device", &j);
        return 0;
}

static void emit_ccid(Emit *e, const DomainController *c) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "driver", "usb-ccid");
        json_add_string(&j, "id", c->info.alias);
        emit_device(e, &j, c);
}

int emit_hubs(Emit *e) {
        FOREACH_ARRAY(h, e->domain->hubs, e->domain->n_hubs) {
                _cleanup_qjson_ Json j = {};

                json_add_string(&j, "driver", "usb-hub");
                json_add_string(&j, "id", h->info.alias);
                json_address(e, &j, &h->info);
                emit_json(e, "-device", &j);
        }
        /* Card readers are plugged into hubs, so only now. */
        FOREACH_ARRAY(c, e->domain->controllers, e->domain->n_controllers)
                if (c->type == CONTROLLER_CCID)
                        emit_ccid(e, c);
        return 0;
}

static int emit_builtin(Emit *e, const DomainController *c) {
        return 0;
}

/* In libvirt's order of types. */
static const struct {
        ControllerType type;
        int (*emit)(Emit *e, const DomainController *c);
} controller_types[] = {
        { CONTROLLER_PCI, emit_pci },
        { CONTROLLER_USB, emit_usb },
        { CONTROLLER_SCSI, emit_scsi },
        { CONTROLLER_IDE, emit_builtin },
        { CONTROLLER_SATA, emit_sata },
        { CONTROLLER_VIRTIO_SERIAL, emit_virtio_serial },
        { CONTROLLER_CCID, emit_builtin }, /* emit_hubs() */
        { CONTROLLER_FDC, emit_fdc },
};

static bool has_emitter(ControllerType type) {
        for (size_t i = 0; i < ELEMENTSOF(controller_types); i++)
                if (controller_types[i].type == type)
                        return true;
        return false;
}

int emit_controllers(Emit *e) {
        const Domain *d = e->domain;
        int ret = 0;

        for (size_t i = 0; i < ELEMENTSOF(controller_types); i++)
                FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                        if (c->type != controller_types[i].type)
                                continue;
                        int r = controller_types[i].emit(e, c);
                        if (r < 0)
                                ret = r;
                }
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (!has_emitter(c->type))
                        ret = diag_error(e->diag, c->info.loc, "not supported: <controller type='%s'>",
                                         strempty(controller_type_to_string(c->type)));
        return ret;
}
