/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu-device.h"

/* How a device connects to a PCI bus, and what a bus accepts. */
enum {
        PCI_DEVICE = 1 << 0,
        PCIE_DEVICE = 1 << 1,
        PCI_BRIDGE = 1 << 2,
        PCIE_ROOT_PORT = 1 << 3,
        PCIE_SWITCH_UPSTREAM = 1 << 4,
        PCIE_SWITCH_DOWNSTREAM = 1 << 5,
        PCI_DMI_TO_PCI_BRIDGE = 1 << 6,
        PCI_PCIE_TO_PCI_BRIDGE = 1 << 7,
        PCI_EXPANDER_BUS = 1 << 8,
        PCIE_EXPANDER_BUS = 1 << 9,
        PCI_CONNECT_MASK = (1 << 10) - 1,

        PCI_AUTO = 1 << 10,       /* given out without being asked for; for a device: only onto such buses */
        PCI_AGGREGATE = 1 << 11,  /* may share its slot with others of the kind */
        PCI_INTEGRATED = 1 << 12, /* belongs onto bus 0 */
};

typedef struct PciModel {
        const char *name;   /* <controller model=> */
        const char *device; /* QEMU's, <model name=>; NULL: part of the machine */
        unsigned accepts, connect;
        unsigned min_slot, max_slot;
} PciModel;

/* NULL when there is no such model. */
const PciModel *pci_model_find(const char *name) _pure_;

/* 0: not a PCI device. */
unsigned pci_device_connect(const Domain *d, const QemuDevice *device) _pure_;
unsigned pci_controller_connect(const Domain *d, const DomainController *c) _pure_;
/* Whether what is at a place by its owner's wish, or was there once, can be there: the bus and the slot exist and
 * take it. */
bool pci_place_fits(const Domain *d, const QemuDevice *device, const DeviceAddress *a);
unsigned pci_video_connect(const Domain *d, const DomainVideo *v) _pure_;
