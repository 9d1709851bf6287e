/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "string-util.h"

DomainController *controller_find(const Domain *d, ControllerType type, unsigned index) {
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == type && c->index.value == index)
                        return c;
        return NULL;
}

int controller_add(Domain *d, ControllerType type, unsigned index, const char *model) {
        _cleanup_free_ char *copy = NULL;
        size_t at = d->n_controllers;

        if (controller_find(d, type, index))
                return 0;
        if (free_and_strdup(&copy, model) < 0 || !ARRAY_GROW(d->controllers, d->n_controllers))
                return -ENOMEM;
        for (size_t i = d->n_controllers; i-- > 0;)
                if (d->controllers[i].type == type && d->controllers[i].index.value > index)
                        at = i;
        memmove(d->controllers + at + 1, d->controllers + at,
                (d->n_controllers - at) * sizeof(DomainController));
        d->controllers[at] =
                (DomainController){ .type = type, .index = OPT_UINT(index), .model = TAKE_PTR(copy) };
        d->n_controllers++;
        return 1;
}

/* What a machine brings along, in the order in which libvirt writes it down. */
static int add_builtin(Domain *d) {
        bool has_usb = false;
        int r = 0;

        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                has_usb |= c->type == CONTROLLER_USB;
        if (!has_usb && machine_is_i440fx(d))
                r = controller_add(d, CONTROLLER_USB, 0, "piix3-uhci");
        else if (!has_usb && machine_is_q35(d))
                r = controller_add(d, CONTROLLER_USB, 0, "qemu-xhci");
        if (r >= 0 && machine_is_q35(d))
                r = controller_add(d, CONTROLLER_SATA, 0, NULL);
        if (r >= 0 && machine_is_i440fx(d))
                r = controller_add(d, CONTROLLER_PCI, 0, "pci-root");
        else if (r >= 0 && machine_has_pcie(d))
                r = controller_add(d, CONTROLLER_PCI, 0, "pcie-root");
        return r < 0 ? r : 0;
}

static const char *default_model(const Domain *d, const DomainController *c) {
        switch (c->type) {
        case CONTROLLER_USB:
                return machine_is_i440fx(d) ? "piix3-uhci" : "qemu-xhci";
        case CONTROLLER_SCSI:
                return arch_is_x86(d) ? "lsilogic" : "virtio-scsi";
        case CONTROLLER_PCI:
                if (c->index.value == 0)
                        return machine_has_pcie(d) ? "pcie-root" : "pci-root";
                return machine_has_pcie(d) ? "pcie-root-port" : "pci-bridge";
        default:
                return NULL;
        }
}

static int complete_model(const Domain *d, DomainController *c, Diag *diag) {
        if (c->type == CONTROLLER_PCI && c->index.value == 0) {
                const char *root = machine_has_pcie(d) ? "pcie-root" : "pci-root";
                if (c->model && !streq(c->model, root))
                        return diag_error(
                                diag, c->info.loc,
                                "<controller type='pci' index='0'> of machine '%s' is the %s, not a %s",
                                strempty(d->os.machine), root, c->model);
        }
        if (c->type == CONTROLLER_IDE && !machine_is_i440fx(d))
                return diag_error(diag, c->info.loc,
                                  "machine '%s' has no IDE controller; use bus='sata' or bus='virtio'",
                                  strempty(d->os.machine));
        if (c->type == CONTROLLER_IDE && c->index.value > 0)
                return diag_error(diag, c->info.loc, "machine '%s' has one IDE controller only (index 0)",
                                  strempty(d->os.machine));
        return c->model ? 0 : free_and_strdup(&c->model, default_model(d, c));
}

int qemu_complete_controllers(Domain *d, Diag *diag) {
        int r = add_builtin(d), ret = 0;

        if (r < 0)
                return r;
        FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                r = complete_model(d, c, diag);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        ret = r;
        }
        return ret;
}
