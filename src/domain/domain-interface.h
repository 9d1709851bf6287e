/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of network interfaces. */

/* <ip> of the guest's end, and in <source> of the host's. */
typedef struct InterfaceIp {
        SrcLoc loc;
        char *address;
        IpFamily family;
        OptUint prefix;
        char *peer;
} InterfaceIp;

typedef struct InterfaceRoute {
        SrcLoc loc;
        IpFamily family;
        char *address, *netmask, *gateway;
        OptUint prefix, metric;
} InterfaceRoute;

typedef struct PortRange {
        SrcLoc loc;
        OptUint start, end, to;
        Tristate exclude;
} PortRange;

typedef struct PortForward {
        SrcLoc loc;
        PortProtocol protocol;
        char *address, *dev;
        PortRange *ranges;
        size_t n_ranges;
} PortForward;

typedef struct VlanTag {
        SrcLoc loc;
        OptUint id;
        VlanNative native;
} VlanTag;

/* <virtualport>: how a switch is told which port this is. */
typedef struct VirtualPort {
        SrcLoc loc; /* line 0: there is none */
        VirtualPortType type;
        OptUint manager, type_id, type_version;
        bool has_instance, has_interface;
        uint8_t instance[16], interface[16];
        char *profile;
} VirtualPort;

/* KiB and KiB/s */
typedef struct BandwidthLimit {
        SrcLoc loc;
        OptU64 average, peak, burst, floor;
} BandwidthLimit;

typedef struct FilterParameter {
        SrcLoc loc;
        char *name, *value;
} FilterParameter;

/* Offloads: of the host's end, or of the guest's. */
typedef struct InterfaceOffloads {
        Tristate csum, gso, tso4, tso6, ecn, ufo, mrg_rxbuf;
} InterfaceOffloads;

/* An address that a socket of QEMU's is bound or connected to. */
typedef struct SocketAddress {
        char *address;
        bool has_port;
        int port;
} SocketAddress;

typedef struct DomainInterface {
        DeviceInfo info;
        InterfaceType type;
        Tristate managed; /* hostdev: taken from the host's driver and given back */
        Tristate trust_rx_filters;
        bool has_mac;
        bool mac_added; /* the definition has none */
        uint8_t mac[6];
        MacType mac_type;
        Tristate mac_check;

        char *source_bridge, *source_network, *source_dev, *source_portgroup, *source_name;
        DirectMode direct_mode;
        char *socket_type, *socket_path; /* vhostuser: "unix" and the path */
        VhostUserMode socket_mode;
        SrcLoc reconnect_loc; /* line 0: no <reconnect> */
        Tristate reconnect;
        OptUint reconnect_timeout; /* seconds */
        SocketAddress remote, local;
        SrcLoc local_loc;            /* line 0: no <local> */
        DeviceAddress source_address; /* hostdev */
        HostdevDriver hostdev_driver;
        InterfaceIp *host_ips;
        size_t n_host_ips;
        InterfaceRoute *host_routes;
        size_t n_host_routes;

        SrcLoc vlan_loc; /* line 0: no <vlan> */
        Tristate vlan_trunk;
        VlanTag *vlan_tags;
        size_t n_vlan_tags;
        VirtualPort virtualport;
        BandwidthLimit inbound, outbound;
        Tristate isolated;
        InterfaceIp *ips; /* of the guest */
        size_t n_ips;
        InterfaceRoute *routes;
        size_t n_routes;
        PortForward *port_forwards;
        size_t n_port_forwards;

        char *script, *downscript;
        char *target_dev; /* name of the tap */
        Tristate target_managed;
        char *guest_dev;
        char *model; /* "virtio", "e1000e", … as QEMU spells them, with libvirt's aliases */
        NetDriver driver;
        NetTxMode txmode;
        OptUint queues, rx_queue_size, tx_queue_size;
        Tristate event_idx, ioeventfd, rss, rss_hash_report;
        InterfaceOffloads host, guest;
        VirtioOptions virtio;
        NetBackend backend;
        char *backend_tap, *backend_vhost, *backend_log;
        char *filter;
        FilterParameter *filter_parameters;
        size_t n_filter_parameters;
        OptU64 sndbuf; /* bytes */
        TeamingType teaming;
        char *teaming_persistent; /* alias of the other interface */
        LinkState link;
        OptUint mtu;
        OptUint coalesce_frames;
} DomainInterface;

/* Whether the model is one of virtio's: the only ones that <driver> is for. */
bool interface_is_virtio(const DomainInterface *i);
/* How long the network's part of an address of the host's end is, or of where a route leads; both have been checked. */
unsigned interface_ip_prefix(const InterfaceIp *ip);
unsigned interface_route_prefix(const InterfaceRoute *r);
/* What every <interface> owns. */
void interface_done(DomainInterface *i);
