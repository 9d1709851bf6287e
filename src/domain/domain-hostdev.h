/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of devices of the host that a guest is given, and of those that connect it with the host. */

/* The server of <source protocol='iscsi'>. */
typedef struct HostdevServer {
        SrcLoc loc;
        char *name, *port;
} HostdevServer;

typedef struct DomainHostdev {
        DeviceInfo info;
        HostdevMode mode;
        HostdevType type;
        Tristate managed;
        SrcLoc source_loc; /* line 0: no <source> */
        HostdevPolicy startup_policy; /* usb */
        bool readonly, shareable;
        TeamingType teaming;
        char *teaming_persistent;
        /* pci: domain, bus, slot, function */
        HostdevDriver driver;
        DeviceAddress address;
        /* usb */
        UsbGuestReset guest_reset;
        OptUint vendor, product, usb_bus, usb_device;
        /* scsi */
        DiskSgio sgio;
        Tristate rawio;
        char *adapter; /* "scsi_host0" */
        OptUint scsi_bus, scsi_target;
        OptU64 scsi_unit;
        HostdevProtocol protocol; /* iscsi; scsi_host: vhost */
        char *iscsi_name;         /* target, "/", number of the unit */
        HostdevServer *servers;
        size_t n_servers;
        char *auth_user, *secret_type, *secret_usage, *initiator;
        bool has_secret_uuid;
        uint8_t secret_uuid[16];
        /* scsi_host, mdev */
        HostdevModel model;
        char *wwpn;
        bool has_uuid;
        uint8_t uuid[16];
        Tristate display, ramfb;
} DomainHostdev;

typedef struct DomainVsock {
        DeviceInfo info;
        VsockModel model;
        SrcLoc cid_loc;
        Tristate auto_cid;
        OptUint cid;
        VirtioOptions virtio;
} DomainVsock;

typedef struct DomainShmem {
        DeviceInfo info;
        char *name;
        ShmemRole role;
        ShmemModel model;
        OptU64 size; /* bytes */
        bool has_server;
        char *server_path;
        bool has_msi;
        Tristate msi_ioeventfd;
        OptUint msi_vectors;
} DomainShmem;

typedef struct DomainCrypto {
        DeviceInfo info;
        CryptoModel model;
        CryptoType type;
        CryptoBackend backend;
        OptUint queues;
        VirtioOptions virtio;
} DomainCrypto;

void hostdev_done(DomainHostdev *h);
