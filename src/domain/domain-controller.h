/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of what devices are plugged into. */

typedef struct DomainController {
        DeviceInfo info;
        ControllerType type;
        OptUint index;
        char *model; /* words of the type: "pcie-root-port", "qemu-xhci", "virtio-scsi" */
        OptUint ports, vectors; /* usb ports=, virtio-serial ports= vectors= */
        OptUint master_startport;
        OptUint queues, cmd_per_lun, max_sectors, iothread; /* scsi <driver> */
        Tristate ioeventfd;
        char *pci_model_name; /* <model name='pcie-root-port'>: the QEMU device */
        OptUint chassis, chassis_nr, port, bus_nr, numa_node; /* pci <target> */
        Tristate hotplug;
        OptU64 pcihole64; /* KiB */
        bool added; /* the definition has none */
        size_t position; /* for domain_unsort_controllers() */
        VirtioOptions virtio;
} DomainController;

typedef struct DomainHub {
        DeviceInfo info;
        HubType type;
        bool added; /* the definition has none */
} DomainHub;

typedef struct DomainIommu {
        DeviceInfo info; /* virtio has an address; intel and smmuv3 are parts of the machine */
        IommuModel model;
        Tristate intremap, caching_mode, eim, iotlb;
        OptUint aw_bits;
} DomainIommu;
