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

        if (controller_find(d, type, index))
                return 0;
        if (free_and_strdup(&copy, model) < 0 || !ARRAY_GROW(d->controllers, d->n_controllers))
                return -ENOMEM;
        d->controllers[d->n_controllers++] =
                (DomainController){ .type = type, .index = OPT_UINT(index), .model = TAKE_PTR(copy), .added = true };
        return 1;
}

bool controller_is_narrow(const DomainController *c) {
        return streq_ptr(c->model, "lsilogic") || streq_ptr(c->model, "am53c974") || streq_ptr(c->model, "dc390");
}

/* "none" under any number: then there is none by default either. */
static bool usb_is_none(const Domain *d) {
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == CONTROLLER_USB && streq_ptr(c->model, "none"))
                        return true;
        return false;
}

/* What a machine brings along, in the order in which libvirt writes it down. */
static int add_builtin(Domain *d) {
        int r = 0;

        if (arch_is_x86(d) && !usb_is_none(d))
                r = controller_add(d, CONTROLLER_USB, 0, machine_is_q35(d) ? "qemu-xhci" : "piix3-uhci");
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
                /* What libvirt takes for a controller that is written down; the one it adds itself is another. */
                return d->os.arch == ARCH_AARCH64 ? "qemu-xhci" : "piix3-uhci";
        case CONTROLLER_SCSI:
                return "lsilogic";
        case CONTROLLER_PCI:
                if (c->index.value == 0)
                        return machine_has_pcie(d) ? "pcie-root" : "pci-root";
                return machine_has_pcie(d) ? "pcie-root-port" : "pci-bridge";
        default:
                return NULL;
        }
}

/* What is part of a machine or has no place in it. */
static int check_machine(const Domain *d, const DomainController *c, Diag *diag) {
        const char *machine = strempty(d->os.machine), *root = machine_has_pcie(d) ? "pcie-root" : "pci-root";

        if (c->type == CONTROLLER_PCI && c->index.value == 0 && !streq(c->model, root))
                return diag_error(diag, c->info.loc,
                                  "<controller type='pci' index='0'> of machine '%s' is the %s, not a %s", machine,
                                  root, c->model);
        if (c->type == CONTROLLER_PCI && streq(c->model, "pci-expander-bus") && !machine_is_i440fx(d))
                return diag_error(diag, c->info.loc, "a pci-expander-bus is for machines of type pc, not for '%s'",
                                  machine);
        if (c->type == CONTROLLER_PCI && streq(c->model, "pcie-expander-bus") && !machine_has_pcie(d))
                return diag_error(diag, c->info.loc,
                                  "a pcie-expander-bus is for machines of type q35 and virt, not for '%s'", machine);
        if (c->type == CONTROLLER_IDE && !machine_is_i440fx(d))
                return diag_error(diag, c->info.loc,
                                  "machine '%s' has no IDE controller; use bus='sata' or bus='virtio'", machine);
        if (c->type == CONTROLLER_IDE && c->index.value > 0)
                return diag_error(diag, c->info.loc, "machine '%s' has one IDE controller only (index 0)", machine);
        if (c->type == CONTROLLER_PCI && c->pcihole64.set && !arch_is_x86(d))
                return diag_error(diag, c->info.loc, "<pcihole64> is not for machine '%s'", machine);
        if (c->type == CONTROLLER_FDC && !arch_is_x86(d))
                return diag_error(diag, c->info.loc, "machine '%s' has no floppy controller", machine);
        return 0;
}

static int complete_model(const Domain *d, DomainController *c, Diag *diag) {
        bool is_auto = c->type == CONTROLLER_SCSI && streq_ptr(c->model, "auto");

        if ((!c->model || is_auto) && free_and_strdup(&c->model, default_model(d, c)) < 0)
                return -ENOMEM;
        return check_machine(d, c, diag);
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
