/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "parse-util.h"

static InterfaceType type_of(const void *object) {
        return ((const DomainInterface *) object)->type;
}

static bool is_bridge(const void *object) {
        return type_of(object) == INTERFACE_BRIDGE;
}

static bool is_network(const void *object) {
        return type_of(object) == INTERFACE_NETWORK;
}

static bool is_direct(const void *object) {
        return type_of(object) == INTERFACE_DIRECT;
}

static bool is_internal(const void *object) {
        return type_of(object) == INTERFACE_INTERNAL;
}

static bool is_hostdev(const void *object) {
        return type_of(object) == INTERFACE_HOSTDEV;
}

static bool is_no_hostdev(const void *object) {
        return !is_hostdev(object);
}

static bool is_vds(const void *object) {
        return type_of(object) == INTERFACE_VDS;
}

static bool is_vhost_user(const void *object) {
        return type_of(object) == INTERFACE_VHOSTUSER;
}

static bool is_udp(const void *object) {
        return type_of(object) == INTERFACE_UDP;
}

static bool is_socket(const void *object) {
        InterfaceType t = type_of(object);
        return t == INTERFACE_UDP || t == INTERFACE_MCAST || t == INTERFACE_SERVER || t == INTERFACE_CLIENT;
}

static bool has_source_dev(const void *object) {
        InterfaceType t = type_of(object);
        return t == INTERFACE_DIRECT || t == INTERFACE_USER || t == INTERFACE_VDPA;
}

/* 0 is what is not limited: not written again. */
static int parse_limit(const XmlRow *row, const char *s, void *field) {
        return xml_u64.parse(row, s, field);
}

static bool format_limit(const XmlRow *row, const void *field, Text *t) {
        return ((const OptU64 *) field)->value > 0 && xml_u64.format(row, field, t);
}

static const XmlType xml_limit = { "a whole number", parse_limit, format_limit };

DEFINE_STATIC_XML_TABLE(mac,
        ATTRIBUTE("address", DomainInterface, mac, xml_mac, "the address; derived from the VM's name when absent",
                  .has = HAS(DomainInterface, has_mac)),
        ATTRIBUTE_ENUM("type", DomainInterface, mac_type, mac_type, "for VMware; kept"),
        ATTRIBUTE_ENUM("check", DomainInterface, mac_check, yes_no, "for VMware; kept"));

DEFINE_STATIC_XML_TABLE(interface_ip,
        ATTRIBUTE("address", InterfaceIp, address, xml_string, "the address", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("family", InterfaceIp, family, ip_family, "kind of address; ipv4 when absent"),
        ATTRIBUTE("prefix", InterfaceIp, prefix, xml_uint, "length of the network's part", .max = 128),
        ATTRIBUTE("peer", InterfaceIp, peer, xml_string, "address of the other end"));

DEFINE_STATIC_XML_TABLE(interface_route,
        ATTRIBUTE_ENUM("family", InterfaceRoute, family, ip_family, "kind of address; ipv4 when absent"),
        ATTRIBUTE("address", InterfaceRoute, address, xml_string, "the network", .flags = XML_MANDATORY),
        ATTRIBUTE("netmask", InterfaceRoute, netmask, xml_string, "its mask"),
        ATTRIBUTE("prefix", InterfaceRoute, prefix, xml_uint, "length of the network's part", .max = 128),
        ATTRIBUTE("gateway", InterfaceRoute, gateway, xml_string, "where it can be reached", .flags = XML_MANDATORY),
        ATTRIBUTE("metric", InterfaceRoute, metric, xml_uint, "a smaller one is preferred"));

DEFINE_STATIC_XML_TABLE(reconnect,
        ATTRIBUTE_ENUM("enabled", DomainInterface, reconnect, yes_no, "whether QEMU tries again"),
        ATTRIBUTE("timeout", DomainInterface, reconnect_timeout, xml_uint, "seconds between two attempts"));

DEFINE_STATIC_XML_TABLE(local,
        ATTRIBUTE("address", SocketAddress, address, xml_string, "address of QEMU's end", .flags = XML_MANDATORY),
        ATTRIBUTE("port", SocketAddress, port, xml_int, "its port", .has = HAS(SocketAddress, has_port), .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(interface_source,
        ATTRIBUTE("bridge", DomainInterface, source_bridge, xml_string, "bridge of the host", .applies = is_bridge),
        ATTRIBUTE("network", DomainInterface, source_network, xml_string, "virtual network", .applies = is_network),
        ATTRIBUTE("portgroup", DomainInterface, source_portgroup, xml_string, "group of ports of the network", .applies = is_network),
        IGNORED_ATTRIBUTE("portid", "the network's port, in a running domain", .applies = is_network),
        IGNORED_ATTRIBUTE("macTableManager", "who fills the bridge's table of addresses, in a running domain"),
        ATTRIBUTE("dev", DomainInterface, source_dev, xml_string, "device of the host", .applies = has_source_dev),
        ATTRIBUTE_ENUM("mode", DomainInterface, direct_mode, direct_mode, "how macvtap devices of one card see each other; vepa when absent", .applies = is_direct),
        ATTRIBUTE("name", DomainInterface, source_name, xml_string, "name of an internal network", .applies = is_internal),
        ATTRIBUTE("type", DomainInterface, socket_type, xml_string, "unix", .applies = is_vhost_user),
        ATTRIBUTE("path", DomainInterface, socket_path, xml_string, "path of the socket", .applies = is_vhost_user),
        ATTRIBUTE_ENUM("mode", DomainInterface, socket_mode, vhost_user_mode, "whether QEMU connects to the switch or the switch to QEMU", .applies = is_vhost_user),
        ATTRIBUTE("address", DomainInterface, remote.address, xml_string, "address of the other end, or of the group", .applies = is_socket),
        ATTRIBUTE("port", DomainInterface, remote.port, xml_int, "its port", .has = HAS(DomainInterface, remote.has_port), .applies = is_socket),
        IGNORED_ATTRIBUTE("switchid", "of the type vds, which is refused", .applies = is_vds),
        IGNORED_ATTRIBUTE("portid", "of the type vds, which is refused", .applies = is_vds),
        IGNORED_ATTRIBUTE("portgroupid", "of the type vds, which is refused", .applies = is_vds),
        IGNORED_ATTRIBUTE("connectionid", "of the type vds, which is refused", .applies = is_vds),
        CHILD("reconnect", reconnect, "what happens when the switch goes away", .applies = is_vhost_user, .loc = HAS(DomainInterface, reconnect_loc)),
        STRUCT_CHILD("local", DomainInterface, local, local, "QEMU's end", .applies = is_udp, .loc = HAS(DomainInterface, local_loc)),
        STRUCT_CHILD("address", DomainInterface, source_address, device_address, "the network card", .applies = is_hostdev, .flags = XML_HAS_LOC),
        LIST("ip", DomainInterface, host_ips, interface_ip, "address of the host's end"),
        LIST("route", DomainInterface, host_routes, interface_route, "route of the host's end"));

DEFINE_STATIC_XML_TABLE(vlan_tag,
        ATTRIBUTE("id", VlanTag, id, xml_uint, "the tag", .max = 4095, .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("nativeMode", VlanTag, native, vlan_native, "what happens to packets without a tag"));

DEFINE_STATIC_XML_TABLE(vlan,
        ATTRIBUTE_ENUM("trunk", DomainInterface, vlan_trunk, yes_no, "packets keep their tags; so with more than one tag"),
        LIST("tag", DomainInterface, vlan_tags, vlan_tag, "VLAN of the guest"));

DEFINE_STATIC_XML_TABLE(virtualport_parameters,
        ATTRIBUTE("managerid", VirtualPort, manager, xml_c_uint, "802.1Qbg: manager of the VSI database", .max = 255),
        ATTRIBUTE("typeid", VirtualPort, type_id, xml_c_uint, "802.1Qbg: VSI type", .max = 0xffffff),
        ATTRIBUTE("typeidversion", VirtualPort, type_version, xml_c_uint, "802.1Qbg: version of the VSI type", .max = 255),
        ATTRIBUTE("instanceid", VirtualPort, instance, xml_uuid, "802.1Qbg: this port; derived when absent", .has = HAS(VirtualPort, has_instance)),
        ATTRIBUTE("interfaceid", VirtualPort, interface, xml_uuid, "openvswitch, midonet: this port; derived when absent", .has = HAS(VirtualPort, has_interface)),
        ATTRIBUTE("profileid", VirtualPort, profile, xml_string, "openvswitch, 802.1Qbh: profile of the port"));

DEFINE_STATIC_XML_TABLE(virtualport,
        ATTRIBUTE_ENUM("type", VirtualPort, type, virtualport_type, "kind of switch"),
        CHILD("parameters", virtualport_parameters, "what the switch is told"));

DEFINE_STATIC_XML_TABLE(inbound,
        ATTRIBUTE("average", BandwidthLimit, average, xml_limit, "kB/s in the long run"),
        ATTRIBUTE("peak", BandwidthLimit, peak, xml_limit, "kB/s at most"),
        ATTRIBUTE("floor", BandwidthLimit, floor, xml_limit, "kB/s that it has in any case"),
        ATTRIBUTE("burst", BandwidthLimit, burst, xml_limit, "KiB at full speed"));

DEFINE_STATIC_XML_TABLE(outbound,
        ATTRIBUTE("average", BandwidthLimit, average, xml_limit, "kB/s in the long run"),
        ATTRIBUTE("peak", BandwidthLimit, peak, xml_limit, "kB/s at most"),
        UNSUPPORTED_ATTRIBUTE("floor", "there is one for what the guest receives only"),
        ATTRIBUTE("burst", BandwidthLimit, burst, xml_limit, "KiB at full speed"));

DEFINE_STATIC_XML_TABLE(bandwidth,
        STRUCT_CHILD("inbound", DomainInterface, inbound, inbound, "what the guest receives", .flags = XML_HAS_LOC),
        STRUCT_CHILD("outbound", DomainInterface, outbound, outbound, "what the guest sends", .flags = XML_HAS_LOC));

DEFINE_STATIC_XML_TABLE(port,
        ATTRIBUTE_ENUM("isolated", DomainInterface, isolated, yes_no, "cannot speak to other isolated ports"));

DEFINE_STATIC_XML_TABLE(port_range,
        ATTRIBUTE("start", PortRange, start, xml_uint, "first port of the host", .max = 65535, .flags = XML_MANDATORY),
        ATTRIBUTE("end", PortRange, end, xml_uint, "last port of the host", .max = 65535),
        ATTRIBUTE("to", PortRange, to, xml_uint, "first port of the guest", .max = 65535),
        ATTRIBUTE_ENUM("exclude", PortRange, exclude, yes_no, "these are not forwarded"));

DEFINE_STATIC_XML_TABLE(port_forward,
        ATTRIBUTE_ENUM("proto", PortForward, protocol, port_protocol, "protocol", .flags = XML_MANDATORY),
        ATTRIBUTE("address", PortForward, address, xml_string, "address of the host"),
        ATTRIBUTE("dev", PortForward, dev, xml_string, "device of the host"),
        LIST("range", PortForward, ranges, port_range, "ports"));

DEFINE_STATIC_XML_TABLE(interface_script,
        ATTRIBUTE("path", DomainInterface, script, xml_string, "the program"));

DEFINE_STATIC_XML_TABLE(interface_downscript,
        ATTRIBUTE("path", DomainInterface, downscript, xml_string, "the program"));

DEFINE_STATIC_XML_TABLE(interface_target,
        ATTRIBUTE("dev", DomainInterface, target_dev, xml_string, "name of the tap; the first free vnetN when absent"),
        ATTRIBUTE_ENUM("managed", DomainInterface, target_managed, yes_no, "no: the tap is there already"));

DEFINE_STATIC_XML_TABLE(interface_guest,
        ATTRIBUTE("dev", DomainInterface, guest_dev, xml_string, "name of the device in a container; kept"),
        IGNORED_ATTRIBUTE("actual", "containers"));

DEFINE_STATIC_XML_TABLE(interface_model,
        ATTRIBUTE("type", DomainInterface, model, xml_string, "virtio, e1000e, rtl8139 …"));

#define OFFLOAD(name_, object_, doc_) ATTRIBUTE_ENUM(#name_, InterfaceOffloads, name_, on_off, doc_)
DEFINE_STATIC_XML_TABLE(host_offloads,
        OFFLOAD(csum, host, "checksums"),
        OFFLOAD(gso, host, "segments of any kind"),
        OFFLOAD(tso4, host, "segments of TCP over IPv4"),
        OFFLOAD(tso6, host, "segments of TCP over IPv6"),
        OFFLOAD(ecn, host, "segments with congestion notes"),
        OFFLOAD(ufo, host, "fragments of UDP"),
        OFFLOAD(mrg_rxbuf, host, "receive buffers that are put together"));
DEFINE_STATIC_XML_TABLE(guest_offloads,
        OFFLOAD(csum, guest, "checksums"),
        OFFLOAD(tso4, guest, "segments of TCP over IPv4"),
        OFFLOAD(tso6, guest, "segments of TCP over IPv6"),
        OFFLOAD(ecn, guest, "segments with congestion notes"),
        OFFLOAD(ufo, guest, "fragments of UDP"));

DEFINE_STATIC_XML_TABLE(interface_driver,
        ATTRIBUTE_ENUM("name", DomainInterface, hostdev_driver, hostdev_driver, "the host's driver while the guest has the card: vfio", .applies = is_hostdev),
        ATTRIBUTE_ENUM("name", DomainInterface, driver, net_driver, "vhost: the host's kernel moves the packets", .applies = is_no_hostdev),
        ATTRIBUTE_ENUM("txmode", DomainInterface, txmode, net_tx_mode, "how packets are sent"),
        ATTRIBUTE_ENUM("ioeventfd", DomainInterface, ioeventfd, on_off, "handle requests outside the CPU's thread"),
        ATTRIBUTE_ENUM("event_idx", DomainInterface, event_idx, on_off, "fewer interrupts"),
        ATTRIBUTE("queues", DomainInterface, queues, xml_uint, "number of queue pairs", .max = 256),
        ATTRIBUTE("rx_queue_size", DomainInterface, rx_queue_size, xml_uint, "length of a receive queue"),
        ATTRIBUTE("tx_queue_size", DomainInterface, tx_queue_size, xml_uint, "length of a transmit queue"),
        ATTRIBUTE_ENUM("rss", DomainInterface, rss, on_off, "receive side scaling"),
        ATTRIBUTE_ENUM("rss_hash_report", DomainInterface, rss_hash_report, on_off, "the guest is told the hash of each packet"),
        INCLUDE(DomainInterface, virtio, virtio_options),
        STRUCT_CHILD("host", DomainInterface, host, host_offloads, "offloads of the host's end"),
        STRUCT_CHILD("guest", DomainInterface, guest, guest_offloads, "offloads of the guest's end"));

DEFINE_STATIC_XML_TABLE(interface_backend,
        ATTRIBUTE_ENUM("type", DomainInterface, backend, net_backend, "what does the work of type='user'"),
        ATTRIBUTE("tap", DomainInterface, backend_tap, xml_string, "another path of /dev/net/tun"),
        ATTRIBUTE("vhost", DomainInterface, backend_vhost, xml_string, "another path of /dev/vhost-net"),
        ATTRIBUTE("logFile", DomainInterface, backend_log, xml_string, "log of passt"));

DEFINE_STATIC_XML_TABLE(filter_parameter,
        ATTRIBUTE("name", FilterParameter, name, xml_string, "name of the variable", .flags = XML_MANDATORY),
        ATTRIBUTE("value", FilterParameter, value, xml_string, "its value", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(filterref,
        ATTRIBUTE("filter", DomainInterface, filter, xml_string, "name of the filter"),
        LIST("parameter", DomainInterface, filter_parameters, filter_parameter, "variable of the filter"));

DEFINE_STATIC_XML_TABLE(tune,
        TEXT_CHILD("sndbuf", DomainInterface, sndbuf, xml_u64, "bytes that may wait in the tap"));

DEFINE_STATIC_XML_TABLE(teaming,
        ATTRIBUTE_ENUM("type", DomainInterface, teaming, teaming_type, "persistent: stays while migrating; transient: does not"),
        ATTRIBUTE("persistent", DomainInterface, teaming_persistent, xml_string, "alias of the persistent interface"));

DEFINE_STATIC_XML_TABLE(link,
        ATTRIBUTE_ENUM("state", DomainInterface, link, link_state, "down: as if the cable were pulled"));

DEFINE_STATIC_XML_TABLE(mtu,
        ATTRIBUTE("size", DomainInterface, mtu, xml_uint, "bytes", .max = 65535));

DEFINE_STATIC_XML_TABLE(coalesce_frames,
        ATTRIBUTE("max", DomainInterface, coalesce_frames, xml_uint, "packets until an interrupt"));
DEFINE_STATIC_XML_TABLE(coalesce_rx, CHILD("frames", coalesce_frames, "packets"));
DEFINE_STATIC_XML_TABLE(coalesce, CHILD("rx", coalesce_rx, "what the guest receives"));

DEFINE_XML_TABLE(interface,
        ATTRIBUTE_ENUM("type", DomainInterface, type, interface_type, "what the interface is connected to; user when absent"),
        ATTRIBUTE_ENUM("managed", DomainInterface, managed, yes_no, "yes: taken from the host's driver and given back", .applies = is_hostdev),
        ATTRIBUTE_ENUM("trustGuestRxFilters", DomainInterface, trust_rx_filters, yes_no, "the host follows the guest's filters"),
        CHILD("mac", mac, "hardware address"),
        CHILD("driver", interface_driver, "the host's driver", .applies = is_hostdev),
        CHILD("source", interface_source, "the host's end"),
        CHILD("vlan", vlan, "VLAN tags", .loc = HAS(DomainInterface, vlan_loc)),
        STRUCT_CHILD("virtualport", DomainInterface, virtualport, virtualport, "port of Open vSwitch and others", .flags = XML_HAS_LOC),
        CHILD("bandwidth", bandwidth, "limits of bandwidth"),
        CHILD("port", port, "the port of the bridge"),
        LIST("ip", DomainInterface, ips, interface_ip, "address that the guest is given"),
        LIST("route", DomainInterface, routes, interface_route, "routes of the guest, which no QEMU gives"),
        LIST("portForward", DomainInterface, port_forwards, port_forward, "ports of the host that lead to the guest"),
        CHILD("script", interface_script, "program that sets the tap up"),
        CHILD("downscript", interface_downscript, "program that takes the tap down"),
        IGNORED("backenddomain", "Xen"),
        CHILD("target", interface_target, "the tap"),
        CHILD("guest", interface_guest, "the device in a container"),
        CHILD("model", interface_model, "device that the guest sees"),
        CHILD("driver", interface_driver, "details of a virtio device", .applies = is_no_hostdev),
        CHILD("backend", interface_backend, "what works on the host's end"),
        CHILD("filterref", filterref, "network filter"),
        CHILD("tune", tune, "buffers of the tap"),
        CHILD("teaming", teaming, "a stand-in while migrating"),
        CHILD("link", link, "state of the link"),
        CHILD("mtu", mtu, "largest packet"),
        CHILD("coalesce", coalesce, "coalescing of interrupts"),
        INCLUDE(DomainInterface, info, bootable_info));
