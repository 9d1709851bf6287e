/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of network interfaces. */

typedef struct DomainInterface {
        DeviceInfo info;
        InterfaceType type;
        bool has_mac;
        uint8_t mac[6];
        char *source_bridge, *source_network, *source_dev;
        char *target_dev; /* name of the tap */
        char *model;      /* "virtio", "e1000e", … as QEMU spells them, with libvirt's aliases */
        char *script;
        char *backend_type; /* <backend type='passt'/> */
        NetDriver driver;
        OptUint queues, rx_queue_size, tx_queue_size;
        Tristate event_idx, ioeventfd;
        LinkState link;
        OptUint mtu;
        VirtioOptions virtio;
} DomainInterface;
