/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain-enums.h"
#include "number-set.h"

/* What the parts of the model are made of. The conventions are those of domain.h. */

typedef struct OptUint {
        bool set;
        unsigned value;
} OptUint;

typedef struct OptU64 {
        bool set;
        uint64_t value;
} OptU64;

#define OPT_UINT(v) ((OptUint) { true, (v) })
#define OPT_U64(v) ((OptU64) { true, (v) })

/* <address>: which of the fields count depends on the type. */
typedef struct DeviceAddress {
        SrcLoc loc;
        AddressType type;
        bool remembered; /* from the last start: not written down, and given up where it must be */
        OptUint domain, bus, slot, function; /* pci; bus also: drive, usb */
        Tristate multifunction;              /* pci */
        OptUint controller, target, unit;    /* drive; controller also: virtio-serial */
        char *port;                          /* usb: "1.2"; virtio-serial: a number */
        OptU64 iobase, irq;                  /* isa */
        OptU64 base;                         /* dimm; slot also */
} DeviceAddress;

/* What every device has. */
typedef struct DeviceInfo {
        SrcLoc loc;
        char *alias; /* "disk0"; the user's own begin with "ua-" */
        DeviceAddress address;
        OptUint boot_order;
        Tristate rom_enabled; /* <rom enabled=> */
        Tristate rom_bar;
        char *rom_file;
        OptUint acpi_index; /* <acpi index=>: the name of a network device in the guest */
} DeviceInfo;

void device_info_done(DeviceInfo *i);

/* What the transport of any virtio device can be told, as attributes of its <driver>. */
typedef struct VirtioOptions {
        Tristate iommu, ats, packed, page_per_vq;
} VirtioOptions;

/* <seclabel> of the whole domain. */
typedef struct DomainSeclabel {
        SrcLoc loc;
        SeclabelType type;
        char *model; /* "selinux", "apparmor", "dac"; NULL: the host's */
        Tristate relabel;
        char *label, *baselabel, *imagelabel;
} DomainSeclabel;

/* <seclabel> in a <source>: for this file, device or socket only. */
typedef struct DeviceSeclabel {
        SrcLoc loc;
        char *model;
        Tristate relabel;
        char *label;
} DeviceSeclabel;

/* Where a character device ends on the host: shared by serial, console, channel, rng-egd, redirdev … */
typedef struct CharSource {
        CharType type;
        char *path; /* file, pipe, dev, unix, pty (set when running) */
        SocketMode mode;
        char *host, *service; /* tcp, udp */
        char *bind_host, *bind_service; /* udp */
        CharProtocol protocol; /* tcp: raw, telnet … */
        Tristate append;
        char *log_file;
        Tristate log_append;
        char *channel; /* spiceport, dbus */
        Tristate tls;  /* tcp */
        Tristate reconnect;
        OptUint reconnect_timeout; /* seconds */
        Tristate clipboard;        /* qemu-vdagent */
        MouseMode mouse;           /* qemu-vdagent */
        DeviceSeclabel *seclabels;
        size_t n_seclabels;
} CharSource;

/* Frees what S owns. */
void device_seclabel_done(DeviceSeclabel *s);
