/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"
#include "strv.h"

#define SUPPORTED_INPUTS (BIT(INPUT_UNSET) | BIT(INPUT_MOUSE) | BIT(INPUT_TABLET) | BIT(INPUT_KEYBOARD))
#define SUPPORTED_INPUT_BUSES                                                                                \
        (BIT(INPUT_BUS_UNSET) | BIT(INPUT_BUS_PS2) | BIT(INPUT_BUS_USB) | BIT(INPUT_BUS_VIRTIO))

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
        [CONTROLLER_VIRTIO_SERIAL] = virtio_serial_models,
};

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
        }
        if (c->iothread.set &&
            (c->iothread.value == 0 || c->iothread.value > (d->iothreads.set ? d->iothreads.value : 0)))
                (void) diag_error(diag, c->info.loc,
                                  "controller of type '%s': iothread %u is not there, iothreads is %u", type,
                                  c->iothread.value, d->iothreads.set ? d->iothreads.value : 0);
}

/* The four parts of an ICH9 USB controller share a number. */
static bool is_companion(const DomainController *c) {
        return c->type == CONTROLLER_USB && c->model && startswith(c->model, "ich9-");
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

void check_inputs(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(i, d->inputs, d->n_inputs) {
                if (!IN_SET(i->type, SUPPORTED_INPUTS))
                        refuse(diag, i->info.loc, "input type", input_type_to_string(i->type));
                else if (!IN_SET(i->bus, SUPPORTED_INPUT_BUSES))
                        refuse(diag, i->info.loc, "input bus", input_bus_to_string(i->bus));
                else if (i->type == INPUT_TABLET && i->bus == INPUT_BUS_PS2)
                        (void) diag_error(diag, i->info.loc, "input: bus 'ps2' has no 'tablet'");
        }
}

void check_balloons(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_balloons; i++) {
                const DomainBalloon *b = d->balloons + i;
                if (i == 1)
                        (void) diag_error(diag, b->info.loc, "memballoon is given twice");
                if (b->model == BALLOON_XEN)
                        refuse(diag, b->info.loc, "memballoon model", "xen");
        }
}

void check_rngs(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(r, d->rngs, d->n_rngs) {
                if (r->backend == RNG_BACKEND_EGD)
                        refuse(diag, r->info.loc, "rng backend", "egd");
                else if (r->backend == RNG_BACKEND_RANDOM)
                        check_path(diag, r->info.loc, "rng backend", r->backend_path);
                if (r->rate_period.set && !r->rate_bytes.set)
                        (void) diag_error(diag, r->info.loc, "rng rate has @period but no @bytes");
        }
}
