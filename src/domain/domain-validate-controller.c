/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"
#include "strv.h"

/* Controllers, hubs and the IOMMU: what can be said without knowing the machine. */

/* The words of <controller model=>; a type that is not here is not supported. */
static const char *const ide_models[] = {"piix3", "piix4", "ich6", NULL};
static const char *const scsi_models[] = {"auto",
                                          "buslogic",
                                          "lsilogic",
                                          "lsisas1068",
                                          "vmpvscsi",
                                          "ibmvscsi",
                                          "virtio-scsi",
                                          "lsisas1078",
                                          "virtio-transitional",
                                          "virtio-non-transitional",
                                          "ncr53c90",
                                          "dc390",
                                          "am53c974",
                                          NULL};
static const char *const usb_models[] = {"piix3-uhci", "piix4-uhci", "ehci",       "ich9-ehci1",
                                         "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", "vt82c686b-uhci",
                                         "pci-ohci",   "nec-xhci",   "qusb1",      "qusb2",
                                         "qemu-xhci",  "none",       NULL};
static const char *const pci_models[] = {"pci-root",
                                         "pcie-root",
                                         "pci-bridge",
                                         "dmi-to-pci-bridge",
                                         "pcie-to-pci-bridge",
                                         "pcie-root-port",
                                         "pcie-switch-upstream-port",
                                         "pcie-switch-downstream-port",
                                         "pci-expander-bus",
                                         "pcie-expander-bus",
                                         NULL};
static const char *const virtio_serial_models[] = {"virtio", "virtio-transitional", "virtio-non-transitional",
                                                   NULL};
static const char *const no_models[] = {NULL};

static const char *const *const models[_CONTROLLER_MAX] = {
        [CONTROLLER_IDE] = ide_models,
        [CONTROLLER_FDC] = no_models,
        [CONTROLLER_SCSI] = scsi_models,
        [CONTROLLER_SATA] = no_models,
        [CONTROLLER_USB] = usb_models,
        [CONTROLLER_PCI] = pci_models,
        [CONTROLLER_CCID] = no_models,
        [CONTROLLER_VIRTIO_SERIAL] = virtio_serial_models,
};

#define INDEX_MAX 255U
#define XHCI_PORTS_MAX 15U

/* --- PCI --- */

enum {
        TARGET_CHASSIS_NR = 1 << 0,
        TARGET_CHASSIS_PORT = 1 << 1,
        TARGET_BUS = 1 << 2,
        TARGET_NODE = 1 << 3,
        TARGET_HOTPLUG = 1 << 4,
};

/* What <target> of a model may say, and which <model name=> it may have. */
static const struct {
        const char *model;
        unsigned options;
        const char *names[2];
} pci_targets[] = {
        {"pci-root", TARGET_HOTPLUG, {NULL}},
        {"pcie-root", 0, {NULL}},
        {"pci-bridge", TARGET_CHASSIS_NR, {"pci-bridge"}},
        {"dmi-to-pci-bridge", 0, {"i82801b11-bridge"}},
        {"pcie-to-pci-bridge", 0, {"pcie-pci-bridge"}},
        {"pcie-root-port", TARGET_CHASSIS_PORT | TARGET_HOTPLUG, {"pcie-root-port", "ioh3420"}},
        {"pcie-switch-upstream-port", 0, {"x3130-upstream"}},
        {"pcie-switch-downstream-port", TARGET_CHASSIS_PORT | TARGET_HOTPLUG, {"xio3130-downstream"}},
        {"pci-expander-bus", TARGET_BUS | TARGET_NODE, {"pxb"}},
        {"pcie-expander-bus", TARGET_BUS | TARGET_NODE, {"pxb-pcie"}},
};

static void check_node(const Domain *d, const DomainController *c, Diag *diag) {
        if (!c->numa_node.set)
                return;
        FOREACH_ARRAY(cell, d->cpu.cells, d->cpu.n_cells)
                if (cell->id.value == c->numa_node.value)
                        return;
        (void) diag_error(diag, c->info.loc, "controller of type 'pci': NUMA node %u is none of <cpu><numa>, which has %zu",
                          c->numa_node.value, d->cpu.n_cells);
}

static void check_pci_controller(const Domain *d, const DomainController *c, Diag *diag) {
        const struct {
                const char *name;
                bool set;
                unsigned option;
        } given[] = {
                {"chassisNr", c->chassis_nr.set, TARGET_CHASSIS_NR},
                {"chassis", c->chassis.set, TARGET_CHASSIS_PORT},
                {"port", c->port.set, TARGET_CHASSIS_PORT},
                {"busNr", c->bus_nr.set, TARGET_BUS},
                {"node", c->numa_node.set, TARGET_NODE},
                {"hotplug", c->hotplug != TRI_UNSET, TARGET_HOTPLUG},
        };
        bool is_root;

        if (!c->model) {
                (void) diag_error(diag, c->info.loc, "controller of type 'pci' needs a model, as 'pci-bridge'");
                return;
        }
        is_root = streq(c->model, "pci-root") || streq(c->model, "pcie-root");
        if (is_root && c->index.value != 0)
                (void) diag_error(diag, c->info.loc, "controller of type 'pci': model '%s' has index 0, not %u",
                                  c->model, c->index.value);
        FOREACH_ARRAY(t, pci_targets, ELEMENTSOF(pci_targets)) {
                if (!streq(t->model, c->model))
                        continue;
                FOREACH_ARRAY(g, given, ELEMENTSOF(given))
                        if (g->set && !(t->options & g->option))
                                (void) diag_error(diag, c->info.loc,
                                                  "controller of type 'pci': <target %s> is not for model '%s'",
                                                  g->name, c->model);
                if (c->pci_model_name && !streq_ptr(c->pci_model_name, t->names[0]) &&
                    !streq_ptr(c->pci_model_name, t->names[1]))
                        (void) diag_error(diag, c->info.loc,
                                          "controller of type 'pci': model '%s' is not a '%s'", c->model,
                                          c->pci_model_name);
        }
        if (c->chassis_nr.set && c->chassis_nr.value == 0)
                (void) diag_error(diag, c->info.loc, "controller of type 'pci': chassisNr is 1 to 255, not 0");
        if (c->bus_nr.set && c->bus_nr.value == 0)
                (void) diag_error(diag, c->info.loc, "controller of type 'pci': busNr is 1 to 254, not 0");
        check_node(d, c, diag);
}

/* --- SCSI --- */

static bool is_set(OptUint v) {
        return v.set && v.value > 0;
}

static void check_scsi_options(const Domain *d, const DomainController *c, Diag *diag) {
        const struct {
                const char *name;
                bool set;
        } given[] = {
                {"queues", is_set(c->queues)},           {"cmd_per_lun", is_set(c->cmd_per_lun)},
                {"max_sectors", is_set(c->max_sectors)}, {"ioeventfd", c->ioeventfd != TRI_UNSET},
                {"iothread", is_set(c->iothread)},
        };
        bool is_virtio_scsi = c->type == CONTROLLER_SCSI && c->model && startswith(c->model, "virtio-");

        FOREACH_ARRAY(g, given, ELEMENTSOF(given))
                if (g->set && !is_virtio_scsi)
                        (void) diag_error(diag, c->info.loc,
                                          "controller of type '%s': <driver %s> is for model 'virtio-scsi' only",
                                          controller_type_to_string(c->type), g->name);
        if (is_virtio_scsi && is_set(c->iothread) && !domain_has_iothread(d, c->iothread.value))
                (void) diag_error(diag, c->info.loc,
                                  "controller of type 'scsi': iothread %u is not there, iothreads is %u",
                                  c->iothread.value, d->iothreads.set ? d->iothreads.value : 0);
        if (c->type == CONTROLLER_SCSI && (streq_ptr(c->model, "buslogic") || streq_ptr(c->model, "ncr53c90") ||
                                           streq_ptr(c->model, "ibmvscsi")))
                refuse(diag, c->info.loc, "controller of type 'scsi' with model", c->model);
}

static void check_virtio_options(const DomainController *c, Diag *diag) {
        const VirtioOptions *v = &c->virtio;
        bool is_virtio = c->type == CONTROLLER_VIRTIO_SERIAL ||
                         (c->type == CONTROLLER_SCSI && c->model && startswith(c->model, "virtio-"));

        if (!is_virtio && (v->iommu || v->ats || v->packed || v->page_per_vq))
                (void) diag_warning(diag, c->info.loc,
                                    "controller of type '%s': <driver iommu, ats, packed, page_per_vq> mean nothing "
                                    "but for virtio devices",
                                    controller_type_to_string(c->type));
}

/* --- USB --- */

/* The four parts of an ICH9 USB controller share a number. */
static bool is_companion(const DomainController *c) {
        return c->type == CONTROLLER_USB && c->model && startswith(c->model, "ich9-");
}

static bool has_master(const Domain *d, const DomainController *c) {
        FOREACH_ARRAY(m, d->controllers, d->n_controllers)
                if (m->type == CONTROLLER_USB && streq_ptr(m->model, "ich9-ehci1") &&
                    m->index.value == c->index.value)
                        return true;
        return false;
}

static void check_usb_controller(const Domain *d, const DomainController *c, Diag *diag) {
        const char *model = strempty(c->model);
        bool is_xhci = endswith(model, "-xhci");

        if (startswith(model, "qusb"))
                refuse(diag, c->info.loc, "controller of type 'usb' with model", model);
        if (startswith(model, "ich9-uhci") && !has_master(d, c))
                (void) diag_error(diag, c->info.loc,
                                  "controller of type 'usb': model '%s' needs an 'ich9-ehci1' with index %u", model,
                                  c->index.value);
        if (c->ports.set && !is_xhci)
                (void) diag_error(diag, c->info.loc,
                                  "controller of type 'usb': ports is for qemu-xhci and nec-xhci only");
        else if (c->ports.set && c->ports.value > XHCI_PORTS_MAX)
                (void) diag_error(diag, c->info.loc, "controller of type 'usb': '%s' has up to %u ports, not %u",
                                  model, XHCI_PORTS_MAX, c->ports.value);
        if (!streq(model, "none"))
                return;
        FOREACH_ARRAY(other, d->controllers, d->n_controllers)
                if (other != c && other->type == CONTROLLER_USB)
                        (void) diag_error(diag, other->info.loc,
                                          "controller of type 'usb': another one says there is no USB (model "
                                          "'none')");
}

/* --- all --- */

static void check_controller(const Domain *d, const DomainController *c, Diag *diag) {
        const char *type = strempty(controller_type_to_string(c->type));
        char *const *words = (char *const *) models[c->type];

        if (!words) {
                refuse(diag, c->info.loc, "controller type", type);
                return;
        }
        if (c->model && !strv_contains(words, c->model)) {
                _cleanup_free_ char *list = strv_join(words, ", ");
                (void) diag_error(diag, c->info.loc, "controller of type '%s': model '%s' is not one of %s",
                                  type, c->model, isempty(list) ? "(none)" : list);
                return;
        }
        if (c->index.set && c->index.value > INDEX_MAX)
                (void) diag_error(diag, c->info.loc, "controller of type '%s': the greatest index is %u, not %u",
                                  type, INDEX_MAX, c->index.value);
        check_scsi_options(d, c, diag);
        check_virtio_options(c, diag);
        if (c->type == CONTROLLER_PCI)
                check_pci_controller(d, c, diag);
        else if (c->type == CONTROLLER_USB)
                check_usb_controller(d, c, diag);
}

static bool same_controller(const DomainController *a, const DomainController *b) {
        if (a->type != b->type || !a->index.set || !b->index.set || a->index.value != b->index.value)
                return false;
        return !is_companion(a) || !is_companion(b) || streq(a->model, b->model);
}

void check_controllers(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_controllers; i++) {
                const DomainController *c = d->controllers + i;
                check_controller(d, c, diag);
                for (size_t k = 0; k < i; k++)
                        if (same_controller(d->controllers + k, c)) {
                                (void) diag_error(diag, c->info.loc,
                                                  "controller of type '%s': index %u is used twice",
                                                  controller_type_to_string(c->type), c->index.value);
                                break;
                        }
        }
}

/* --- IOMMU --- */

void check_iommus(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(i, d->iommus, d->n_iommus) {
                const char *model = strempty(iommu_model_to_string(i->model));

                if (i > d->iommus)
                        (void) diag_error(diag, i->info.loc, "iommu is given twice");
                if (i->model != IOMMU_INTEL &&
                    (i->intremap || i->caching_mode || i->eim || i->iotlb || is_set(i->aw_bits)))
                        (void) diag_error(diag, i->info.loc, "iommu: <driver> is for model 'intel', not for '%s'",
                                          model);
                if (i->model != IOMMU_VIRTIO && i->info.address.type != ADDRESS_UNSET)
                        (void) diag_error(diag, i->info.address.loc, "iommu: model '%s' has no address", model);
                if (i->eim == TRI_YES && i->intremap != TRI_YES)
                        (void) diag_error(diag, i->info.loc, "iommu: eim='on' needs intremap='on'");
                if (i->intremap == TRI_YES && d->features.ioapic != IOAPIC_QEMU)
                        (void) diag_error(diag, i->info.loc, "iommu: intremap='on' needs <ioapic driver='qemu'/>");
                if (is_set(i->aw_bits) && i->aw_bits.value != 39 && i->aw_bits.value != 48)
                        (void) diag_error(diag, i->info.loc, "iommu: aw_bits is 39 or 48, not %u",
                                          i->aw_bits.value);
                if (i->model == IOMMU_VIRTIO && !d->features.acpi)
                        (void) diag_error(diag, i->info.loc, "iommu: model 'virtio' needs <acpi/>");
        }
}
