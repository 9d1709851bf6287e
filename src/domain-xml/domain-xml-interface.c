/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

static bool is_bridge(const void *object) {
        return ((const DomainInterface *) object)->type == INTERFACE_BRIDGE;
}

static bool is_network(const void *object) {
        return ((const DomainInterface *) object)->type == INTERFACE_NETWORK;
}

static bool has_source_dev(const void *object) {
        const DomainInterface *i = object;
        return i->type != INTERFACE_BRIDGE && i->type != INTERFACE_NETWORK;
}

/* What belongs to types that domain_validate() refuses as a whole. */
static bool is_refused(const void *object) {
        const DomainInterface *i = object;
        return i->type != INTERFACE_BRIDGE && i->type != INTERFACE_USER && i->type != INTERFACE_ETHERNET;
}
#define REFUSED_TYPE "for interface types that are refused by their name"
#define OTHER_ATTRIBUTE(name_) IGNORED_ATTRIBUTE(name_, REFUSED_TYPE, .applies = is_refused)
#define OTHER_CHILD(name_) IGNORED(name_, REFUSED_TYPE, .applies = is_refused)

DEFINE_STATIC_XML_TABLE(mac,
        ATTRIBUTE("address", DomainInterface, mac, xml_mac, "the address; derived from the VM's name when absent",
                  .has = HAS(DomainInterface, has_mac), .flags = XML_MANDATORY),
        IGNORED_ATTRIBUTE("type", "VMware"),
        IGNORED_ATTRIBUTE("check", "VMware"));

DEFINE_STATIC_XML_TABLE(interface_source,
        ATTRIBUTE("bridge", DomainInterface, source_bridge, xml_string, "bridge of the host", .applies = is_bridge),
        ATTRIBUTE("network", DomainInterface, source_network, xml_string, "virtual network", .applies = is_network),
        ATTRIBUTE("dev", DomainInterface, source_dev, xml_string, "device of the host", .applies = has_source_dev),
        UNSUPPORTED_ATTRIBUTE("macTableManager", "who fills the bridge's table of addresses"),
        OTHER_ATTRIBUTE("portgroup"),
        OTHER_ATTRIBUTE("portid"),
        OTHER_ATTRIBUTE("type"),
        OTHER_ATTRIBUTE("path"),
        OTHER_ATTRIBUTE("mode"),
        OTHER_ATTRIBUTE("name"),
        OTHER_ATTRIBUTE("address"),
        OTHER_ATTRIBUTE("port"),
        OTHER_ATTRIBUTE("missing"),
        OTHER_ATTRIBUTE("switchid"),
        OTHER_ATTRIBUTE("portgroupid"),
        OTHER_ATTRIBUTE("connectionid"),
        OTHER_CHILD("local"),
        OTHER_CHILD("reconnect"),
        OTHER_CHILD("address"),
        OTHER_CHILD("vendor"),
        OTHER_CHILD("product"),
        UNSUPPORTED("ip", "address of the host's end"),
        UNSUPPORTED("route", "routes of the host's end"));

DEFINE_STATIC_XML_TABLE(interface_script,
        ATTRIBUTE("path", DomainInterface, script, xml_string, "the program", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(interface_target,
        ATTRIBUTE("dev", DomainInterface, target_dev, xml_string, "name of the tap; the first free vnetN when absent"),
        UNSUPPORTED_ATTRIBUTE("managed", "taps that are made by somebody else"));

DEFINE_STATIC_XML_TABLE(interface_model,
        ATTRIBUTE("type", DomainInterface, model, xml_string, "virtio, e1000e, rtl8139 …", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(interface_driver,
        ATTRIBUTE_ENUM("name", DomainInterface, driver, net_driver, "vhost: the host's kernel moves the packets"),
        UNSUPPORTED_ATTRIBUTE("txmode", "how packets are sent"),
        ATTRIBUTE_ENUM("ioeventfd", DomainInterface, ioeventfd, on_off, "handle requests outside the CPU's thread"),
        ATTRIBUTE_ENUM("event_idx", DomainInterface, event_idx, on_off, "fewer interrupts"),
        ATTRIBUTE("queues", DomainInterface, queues, xml_uint, "number of queue pairs", .max = 256),
        ATTRIBUTE("rx_queue_size", DomainInterface, rx_queue_size, xml_uint, "length of a receive queue"),
        ATTRIBUTE("tx_queue_size", DomainInterface, tx_queue_size, xml_uint, "length of a transmit queue"),
        UNSUPPORTED_ATTRIBUTE("rss", "receive side scaling"),
        UNSUPPORTED_ATTRIBUTE("rss_hash_report", "receive side scaling"),
        INCLUDE(DomainInterface, virtio, virtio_options),
        UNSUPPORTED("host", "offloads of the host's end"),
        UNSUPPORTED("guest", "offloads of the guest's end"));

DEFINE_STATIC_XML_TABLE(interface_backend,
        ATTRIBUTE("type", DomainInterface, backend_type, xml_string, "what does the work of type='user'"),
        UNSUPPORTED_ATTRIBUTE("tap", "another path of /dev/net/tun"),
        UNSUPPORTED_ATTRIBUTE("vhost", "another path of /dev/vhost-net"),
        UNSUPPORTED_ATTRIBUTE("logFile", "log of passt"));

DEFINE_STATIC_XML_TABLE(link,
        ATTRIBUTE_ENUM("state", DomainInterface, link, link_state, "down: as if the cable were pulled", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(mtu,
        ATTRIBUTE("size", DomainInterface, mtu, xml_uint, "bytes", .max = 65535, .flags = XML_MANDATORY));

DEFINE_XML_TABLE(interface,
        ATTRIBUTE_ENUM("type", DomainInterface, type, interface_type, "what the interface is connected to", .flags = XML_MANDATORY),
        OTHER_ATTRIBUTE("managed"),
        UNSUPPORTED_ATTRIBUTE("trustGuestRxFilters", "reaction to the guest's filters"),
        CHILD("mac", mac, "hardware address"),
        CHILD("source", interface_source, "the host's end"),
        UNSUPPORTED("vlan", "VLAN tags"),
        UNSUPPORTED("virtualport", "ports of Open vSwitch and others"),
        UNSUPPORTED("ip", "address that the host gives the guest"),
        UNSUPPORTED("route", "routes that the host gives the guest"),
        UNSUPPORTED("portForward", "ports of the host that lead to the guest"),
        CHILD("script", interface_script, "program that sets the tap up"),
        UNSUPPORTED("downscript", "program that takes the tap down"),
        UNSUPPORTED("backenddomain", "Xen"),
        CHILD("target", interface_target, "the tap"),
        UNSUPPORTED("guest", "containers"),
        CHILD("model", interface_model, "device that the guest sees"),
        CHILD("driver", interface_driver, "details of a virtio device"),
        CHILD("backend", interface_backend, "what works on the host's end"),
        UNSUPPORTED("filterref", "network filters"),
        CHILD("link", link, "state of the link"),
        UNSUPPORTED("tune", "buffers of the tap"),
        UNSUPPORTED("bandwidth", "limits of bandwidth"),
        CHILD("mtu", mtu, "largest packet"),
        UNSUPPORTED("coalesce", "coalescing of interrupts"),
        UNSUPPORTED("teaming", "a stand-in while migrating"),
        UNSUPPORTED("port", "isolation of the bridge's ports"),
        INCLUDE(DomainInterface, info, bootable_info));
