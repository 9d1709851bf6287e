/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-pci.h"
#include "string-util.h"

/* Which bus models there are, and which device goes onto which: facts about the hardware QEMU emulates, and
 * libvirt's taste in using it. */

static const PciModel pci_models[] = {
        { "pci-root", NULL, PCI_AUTO | PCI_DEVICE | PCI_BRIDGE | PCI_EXPANDER_BUS, 0, 1, 31 },
        { "pcie-root", NULL, PCIE_DEVICE | PCIE_ROOT_PORT | PCI_DMI_TO_PCI_BRIDGE | PCIE_EXPANDER_BUS, 0, 1,
         31 },
        { "pci-bridge", "pci-bridge", PCI_AUTO | PCI_DEVICE | PCI_BRIDGE, PCI_BRIDGE, 1, 31 },
        { "pci-expander-bus", "pxb", PCI_AUTO | PCI_DEVICE | PCI_BRIDGE, PCI_EXPANDER_BUS, 0, 31 },
        { "dmi-to-pci-bridge", "i82801b11-bridge", PCI_DEVICE | PCI_BRIDGE, PCI_DMI_TO_PCI_BRIDGE, 0, 31 },
        { "pcie-to-pci-bridge", "pcie-pci-bridge", PCI_AUTO | PCI_DEVICE | PCI_BRIDGE, PCI_PCIE_TO_PCI_BRIDGE,
         1, 31 },
        { "pcie-root-port", "pcie-root-port",
         PCI_AUTO | PCIE_DEVICE | PCIE_SWITCH_UPSTREAM | PCI_PCIE_TO_PCI_BRIDGE,
         PCIE_ROOT_PORT | PCI_AGGREGATE, 0, 0 },
        { "pcie-switch-upstream-port", "x3130-upstream", PCIE_SWITCH_DOWNSTREAM, PCIE_SWITCH_UPSTREAM, 0, 31 },
        { "pcie-switch-downstream-port", "xio3130-downstream",
         PCI_AUTO | PCIE_DEVICE | PCIE_SWITCH_UPSTREAM | PCI_PCIE_TO_PCI_BRIDGE,
         PCIE_SWITCH_DOWNSTREAM, 0, 0 },
        { "pcie-expander-bus", "pxb-pcie", PCIE_ROOT_PORT | PCI_DMI_TO_PCI_BRIDGE, PCIE_EXPANDER_BUS, 0, 31 },
};

const PciModel *pci_model_find(const char *name) {
        FOREACH_ARRAY(m, pci_models, ELEMENTSOF(pci_models))
                if (streq(m->name, name))
                        return m;
        return NULL;
}

static unsigned conventional(void) {
        return PCI_DEVICE | PCI_AUTO;
}

/* Conventional where there is nothing else. */
static unsigned express(const Domain *d) {
        return (machine_has_pcie(d) ? PCIE_DEVICE : PCI_DEVICE) | PCI_AUTO;
}

unsigned pci_controller_connect(const Domain *d, const DomainController *c) {
        const char *model = strempty(c->model);

        switch (c->type) {
        case CONTROLLER_PCI: {
                const PciModel *m = pci_model_find(model);
                return m ? m->connect : 0;
        }
        case CONTROLLER_USB:
                if (streq(model, "none"))
                        return 0;
                return endswith(model, "-xhci") ? express(d) : conventional();
        case CONTROLLER_SCSI:
                return streq(model, "virtio-scsi") || streq(model, "virtio-non-transitional")
                               ? express(d)
                               : conventional();
        case CONTROLLER_VIRTIO_SERIAL:
                return streq(model, "virtio-transitional") ? conventional() : express(d);
        case CONTROLLER_SATA:
        case CONTROLLER_IDE:
                return conventional();
        default:
                return 0;
        }
}

/* The cards libvirt knows to be conventional; of any other it thinks that it is PCI Express, and the guest sees
 * it there. */
static const char *const conventional_cards[] = {
        "rtl8139", "e1000",    "virtio-transitional", "vmxnet",  "vmxnet2", "vmxnet3", "vlance",   "Am79C970A",
        "Am79C973", "82540EM", "82545EM",             "82543GC", "netfront", "lan9118",
};

static unsigned interface_connect(const Domain *d, const DomainInterface *i) {
        const char *model = strempty(i->model);

        if (streq(model, "usb-net") || streq(model, "ne2k_isa"))
                return 0;
        for (size_t k = 0; k < ELEMENTSOF(conventional_cards); k++)
                if (streq(model, conventional_cards[k]))
                        return conventional();
        return express(d);
}

unsigned pci_video_connect(const Domain *d, const DomainVideo *v) {
        switch (v->model) {
        case VIDEO_NONE:
        case VIDEO_RAMFB:
        case VIDEO_GOP:
        case VIDEO_UNSET:
                return 0;
        case VIDEO_VIRTIO:
        case VIDEO_BOCHS:
                return express(d);
        default:
                return conventional();
        }
}

/* Whether a card of the host is PCI Express or not, the guest has it on PCI Express: the definition cannot tell. */
static unsigned hostdev_connect(const Domain *d, const DomainHostdev *h, const DeviceInfo *info) {
        if (info->address.type == ADDRESS_UNASSIGNED)
                return 0;
        if (!h || h->type == HOSTDEV_PCI || h->type == HOSTDEV_MDEV)
                return express(d);
        if (h->type == HOSTDEV_SCSI_HOST)
                return h->model == HOSTDEV_MODEL_TRANSITIONAL ? conventional() : express(d);
        return 0;
}

unsigned pci_device_connect(const Domain *d, const QemuDevice *device) {
        switch (device->kind) {
        case DEVICE_KIND_CONTROLLER:
                return pci_controller_connect(d, device->controller);
        case DEVICE_KIND_INTERFACE:
                return interface_connect(d, device->interface);
        case DEVICE_KIND_FILESYSTEM:
                return device->filesystem->model == FS_VIRTIO_TRANSITIONAL ? conventional() : express(d);
        case DEVICE_KIND_SOUND:
                switch (device->sound->model) {
                case SOUND_ES1370:
                case SOUND_AC97:
                case SOUND_ICH6:
                case SOUND_ICH9:
                        return conventional();
                default:
                        return 0;
                }
        case DEVICE_KIND_HOSTDEV_INTERFACE:
                return hostdev_connect(d, NULL, device->info);
        case DEVICE_KIND_HOSTDEV:
                return hostdev_connect(d, device->hostdev, device->info);
        case DEVICE_KIND_SHMEM:
                return conventional();
        case DEVICE_KIND_VSOCK:
                return device->vsock->model == VSOCK_TRANSITIONAL ? conventional() : express(d);
        case DEVICE_KIND_CRYPTO:
                return express(d);
        case DEVICE_KIND_DISK:
                if (device->disk->bus != BUS_VIRTIO)
                        return 0;
                return device->disk->model == DISK_VIRTIO_TRANSITIONAL ? conventional() : express(d);
        case DEVICE_KIND_BALLOON:
                switch (device->balloon->model) {
                case BALLOON_VIRTIO:
                case BALLOON_VIRTIO_NON_TRANSITIONAL:
                        return express(d);
                case BALLOON_VIRTIO_TRANSITIONAL:
                        return conventional();
                default:
                        return 0;
                }
        case DEVICE_KIND_RNG:
                return device->rng->model == RNG_VIRTIO_TRANSITIONAL ? conventional() : express(d);
        case DEVICE_KIND_WATCHDOG:
                return device->watchdog->model == WATCHDOG_I6300ESB ? conventional() : 0;
        case DEVICE_KIND_VIDEO:
                return pci_video_connect(d, device->video);
        case DEVICE_KIND_INPUT:
                return device->input->bus == INPUT_BUS_VIRTIO ? express(d) : 0;
        case DEVICE_KIND_CHAR:
                return device->character->kind == CHAR_SERIAL &&
                                       device->character->target_type == TARGET_PCI_SERIAL
                               ? conventional()
                               : 0;
        case DEVICE_KIND_MEMORY:
                return device->memory->model == MEMORY_VIRTIO_MEM || device->memory->model == MEMORY_VIRTIO_PMEM
                               ? express(d)
                               : 0;
        case DEVICE_KIND_PANIC:
                return device->panic->model == PANIC_PVPANIC ? conventional() | PCI_INTEGRATED : 0;
        case DEVICE_KIND_IOMMU:
                return device->iommu->model == IOMMU_VIRTIO ? express(d) | PCI_INTEGRATED : 0;
        default:
                return 0;
        }
}

bool pci_place_fits(const Domain *d, const QemuDevice *device, const DeviceAddress *a) {
        const DomainController *c = controller_find(d, CONTROLLER_PCI, a->bus.value);
        const PciModel *model = c && c->model ? pci_model_find(c->model) : NULL;
        unsigned connect = pci_device_connect(d, device);

        if (!model || !connect || a->slot.value < model->min_slot || a->slot.value > model->max_slot)
                return false;
        if ((connect & PCI_INTEGRATED) && a->bus.value > 0)
                return false;
        if (connect & PCI_BRIDGE)
                connect |= PCI_DEVICE;
        unsigned accepts = model->accepts;
        if (accepts & (PCI_DEVICE | PCIE_DEVICE))
                accepts |= PCI_DEVICE | PCIE_DEVICE;
        return accepts & connect & PCI_CONNECT_MASK;
}
