/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include <inttypes.h>

#include "domain-xml-tables.h"
#include "parse-util.h"
#include "string-util.h"

static const DomainHostdev *hostdev(const void *object) {
        return object;
}

static bool is_pci(const void *object) {
        return hostdev(object)->type == HOSTDEV_PCI;
}

static bool is_usb(const void *object) {
        return hostdev(object)->type == HOSTDEV_USB;
}

static bool is_scsi(const void *object) {
        return hostdev(object)->type == HOSTDEV_SCSI;
}

static bool is_iscsi(const void *object) {
        return is_scsi(object) && hostdev(object)->protocol == HOSTDEV_PROTOCOL_ISCSI;
}

static bool is_local_scsi(const void *object) {
        return is_scsi(object) && hostdev(object)->protocol == HOSTDEV_PROTOCOL_UNSET;
}

static bool is_vhost(const void *object) {
        return hostdev(object)->type == HOSTDEV_SCSI_HOST;
}

static bool is_mdev(const void *object) {
        return hostdev(object)->type == HOSTDEV_MDEV;
}

static bool has_model(const void *object) {
        return is_vhost(object) || is_mdev(object);
}

static bool has_protocol(const void *object) {
        return is_scsi(object) || is_vhost(object);
}

/* PCI addresses of the host have the fields of the guest's, but not their type. */
#define PCI_FIELD(name_, doc_, digits_, max_) \
        ATTRIBUTE(#name_, DomainHostdev, address.name_, xml_hex, doc_, .digits = digits_, .max = max_, .applies = is_pci)

DEFINE_STATIC_XML_TABLE(hostdev_address,
        PCI_FIELD(domain, "PCI domain of the host", 4, 0xffff),
        PCI_FIELD(bus, "PCI bus of the host", 2, 0xff),
        PCI_FIELD(slot, "PCI slot of the host", 2, 0x1f),
        PCI_FIELD(function, "PCI function of the host", 1, 7),
        ATTRIBUTE("bus", DomainHostdev, usb_bus, xml_c_uint, "USB bus of the host", .max = 999, .applies = is_usb, .flags = XML_MANDATORY),
        ATTRIBUTE("device", DomainHostdev, usb_device, xml_c_uint, "number of the device on the bus", .max = 9999, .applies = is_usb, .flags = XML_MANDATORY),
        ATTRIBUTE("bus", DomainHostdev, scsi_bus, xml_c_uint, "bus of the adapter", .applies = is_local_scsi, .flags = XML_MANDATORY),
        ATTRIBUTE("target", DomainHostdev, scsi_target, xml_c_uint, "SCSI target", .applies = is_local_scsi, .flags = XML_MANDATORY),
        ATTRIBUTE("unit", DomainHostdev, scsi_unit, xml_c_u64, "SCSI unit", .applies = is_local_scsi, .flags = XML_MANDATORY),
        ATTRIBUTE("uuid", DomainHostdev, uuid, xml_uuid, "the mediated device", .has = HAS(DomainHostdev, has_uuid), .applies = is_mdev, .flags = XML_MANDATORY),
        IGNORED_ATTRIBUTE("type", "pci", .applies = is_pci));

DEFINE_STATIC_XML_TABLE(vendor,
        ATTRIBUTE("id", DomainHostdev, vendor, xml_hex, "the number", .digits = 4, .max = 0xffff, .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(product,
        ATTRIBUTE("id", DomainHostdev, product, xml_hex, "the number", .digits = 4, .max = 0xffff, .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(adapter,
        ATTRIBUTE("name", DomainHostdev, adapter, xml_string, "scsi_hostN", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(iscsi_host,
        ATTRIBUTE("name", HostdevServer, name, xml_string, "its name", .flags = XML_MANDATORY),
        ATTRIBUTE("port", HostdevServer, port, xml_string, "its port; 3260 when absent"));
DEFINE_STATIC_XML_TABLE(iscsi_secret,
        ATTRIBUTE("type", DomainHostdev, secret_type, xml_string, "iscsi", .flags = XML_MANDATORY),
        ATTRIBUTE("usage", DomainHostdev, secret_usage, xml_string, "what the secret is for"),
        ATTRIBUTE("uuid", DomainHostdev, secret_uuid, xml_uuid, "the secret", .has = HAS(DomainHostdev, has_secret_uuid)));
DEFINE_STATIC_XML_TABLE(iscsi_auth,
        ATTRIBUTE("username", DomainHostdev, auth_user, xml_string, "who", .flags = XML_MANDATORY),
        CHILD("secret", iscsi_secret, "the password"));
DEFINE_STATIC_XML_TABLE(initiator_iqn,
        ATTRIBUTE("name", DomainHostdev, initiator, xml_string, "the name", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(iscsi_initiator, CHILD("iqn", initiator_iqn, "name of this end"));

DEFINE_STATIC_XML_TABLE(hostdev_source,
        ATTRIBUTE_ENUM("startupPolicy", DomainHostdev, startup_policy, hostdev_policy, "what happens when the device is missing"),
        ATTRIBUTE_ENUM("guestReset", DomainHostdev, guest_reset, usb_guest_reset, "whether the guest may reset it", .applies = is_usb),
        UNSUPPORTED_ATTRIBUTE("writeFiltering", "QEMU filters writes to the configuration of PCI devices in any case"),
        ATTRIBUTE_ENUM("protocol", DomainHostdev, protocol, hostdev_protocol, "iscsi, or vhost for an adapter", .applies = has_protocol),
        ATTRIBUTE("name", DomainHostdev, iscsi_name, xml_string, "the target, a slash, the number of the unit", .applies = is_iscsi, .flags = XML_MANDATORY),
        ATTRIBUTE("wwpn", DomainHostdev, wwpn, xml_string, "naa. and 16 hexadecimal digits", .applies = is_vhost, .flags = XML_MANDATORY),
        CHILD("vendor", vendor, "vendor of the USB device", .applies = is_usb),
        CHILD("product", product, "product of the USB device", .applies = is_usb),
        CHILD("adapter", adapter, "SCSI adapter of the host", .applies = is_local_scsi),
        CHILD("address", hostdev_address, "where the device is"),
        LIST("host", DomainHostdev, servers, iscsi_host, "the server", .applies = is_iscsi),
        CHILD("auth", iscsi_auth, "who asks the server", .applies = is_iscsi),
        CHILD("initiator", iscsi_initiator, "this end", .applies = is_iscsi),
        IGNORED("block", "containers"),
        IGNORED("char", "containers"),
        IGNORED("interface", "containers"));

DEFINE_STATIC_XML_TABLE(hostdev_driver,
        ATTRIBUTE_ENUM("name", DomainHostdev, driver, hostdev_driver, "the host's driver while the guest has the device: vfio"));

DEFINE_STATIC_XML_TABLE(hostdev_teaming,
        ATTRIBUTE_ENUM("type", DomainHostdev, teaming, teaming_type, "transient: does not stay while migrating"),
        ATTRIBUTE("persistent", DomainHostdev, teaming_persistent, xml_string, "alias of the interface that stays"));

DEFINE_XML_TABLE(hostdev,
        ATTRIBUTE_ENUM("mode", DomainHostdev, mode, hostdev_mode, "subsystem; capabilities is for containers"),
        ATTRIBUTE_ENUM("type", DomainHostdev, type, hostdev_type, "kind of device", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("managed", DomainHostdev, managed, yes_no, "yes: taken from the host's driver and given back"),
        ATTRIBUTE_ENUM("sgio", DomainHostdev, sgio, disk_sgio, "filter for SCSI commands", .applies = is_scsi),
        ATTRIBUTE_ENUM("rawio", DomainHostdev, rawio, yes_no, "raw SCSI commands, which need a privilege", .applies = is_scsi),
        ATTRIBUTE_ENUM("model", DomainHostdev, model, hostdev_model, "kind of device that the guest sees", .applies = has_model),
        ATTRIBUTE_ENUM("display", DomainHostdev, display, on_off, "the device has a display", .applies = is_mdev),
        ATTRIBUTE_ENUM("ramfb", DomainHostdev, ramfb, on_off, "a display until its driver is there", .applies = is_mdev),
        CHILD("driver", hostdev_driver, "the host's driver", .applies = is_pci),
        CHILD("source", hostdev_source, "the device", .loc = HAS(DomainHostdev, source_loc)),
        FLAG_CHILD("readonly", DomainHostdev, readonly, "the guest cannot write"),
        FLAG_CHILD("shareable", DomainHostdev, shareable, "several VMs use the device at once"),
        CHILD("teaming", hostdev_teaming, "a stand-in while migrating", .applies = is_pci),
        INCLUDE(DomainHostdev, info, bootable_info));

DEFINE_STATIC_XML_TABLE(cid,
        ATTRIBUTE_ENUM("auto", DomainVsock, auto_cid, yes_no, "the first free one"),
        ATTRIBUTE("address", DomainVsock, cid, xml_uint, "the guest's; 3 or more"));

DEFINE_STATIC_XML_TABLE(vsock_driver, INCLUDE(DomainVsock, virtio, virtio_options));

DEFINE_XML_TABLE(vsock,
        ATTRIBUTE_ENUM("model", DomainVsock, model, vsock_model, "kind of device"),
        CHILD("cid", cid, "the guest's address", .loc = HAS(DomainVsock, cid_loc)),
        INCLUDE(DomainVsock, info, device_info),
        CHILD("driver", vsock_driver, "options of virtio devices"));

DEFINE_STATIC_XML_TABLE(shmem_model,
        ATTRIBUTE_ENUM("type", DomainShmem, model, shmem_model, "kind of device", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(shmem_server,
        ATTRIBUTE("path", DomainShmem, server_path, xml_string, "its socket"));
DEFINE_STATIC_XML_TABLE(msi,
        IGNORED_ATTRIBUTE("enabled", "libvirt does not look at it either: the element says it"),
        ATTRIBUTE("vectors", DomainShmem, msi_vectors, xml_c_uint, "how many interrupts there are"),
        ATTRIBUTE_ENUM("ioeventfd", DomainShmem, msi_ioeventfd, on_off, "handle requests outside the CPU's thread"));

/* In bytes when there is no unit, unlike other sizes. */
static void parse_size(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        _cleanup_free_ char *text = xml_node_text(node, true), *unit = xml_node_attribute(node, "unit");
        DomainShmem *s = object;
        uint64_t number, scale = unit_size(unit ?: "b");

        if (!text) {
                r->no_memory = true;
                return;
        }
        int k = parse_u64(text, 10, &number);
        if (scale == 0 || k == -EINVAL)
                xml_reader_error(r, xml_reader_loc(r, node), "<size>: '%s' %s is not a size (a whole number, unit in @unit)",
                                 text, strempty(unit));
        else if (k < 0 || number > INT64_MAX / scale)
                xml_reader_error(r, xml_reader_loc(r, node), "<size>: '%s' %s is too large", text, strempty(unit));
        else
                s->size = (OptU64) { number > 0, number * scale };
}

#define MIB (UINT64_C(1) << 20)

/* In mebibytes, as libvirt writes it; what is no number of them will be refused. */
static void format_size(XmlWriter *w, const XmlRow *row, const void *object) {
        const DomainShmem *s = object;

        if (!s->size.set)
                return;
        bool whole = s->size.value % MIB == 0;
        xml_write_indent(w);
        text_appendf(&w->text, "<size unit='%s'>%" PRIu64 "</size>\n", whole ? "M" : "b", s->size.value / (whole ? MIB : 1));
}

/* For the schema and the manual: the two functions above read and write the field. */
DEFINE_STATIC_XML_TABLE(shmem_size,
        ATTRIBUTE("unit", DomainShmem, size, xml_string, "unit of the number; bytes when absent"),
        CONTENT(DomainShmem, size, xml_u64, "the number"));

DEFINE_XML_TABLE(shmem,
        ATTRIBUTE("name", DomainShmem, name, xml_string, "name of the memory: /dev/shm/NAME", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("role", DomainShmem, role, shmem_role, "master: the memory is migrated with the guest"),
        CHILD("model", shmem_model, "kind of device", .flags = XML_MANDATORY),
        CUSTOM("size", parse_size, format_size, "size of the memory, in bytes or in @unit; 4 MiB when absent", .table = &shmem_size_xml),
        FLAG_CHILD("server", DomainShmem, has_server, "a server hands the memory out", .table = &shmem_server_xml),
        FLAG_CHILD("msi", DomainShmem, has_msi, "guests can interrupt each other", .table = &msi_xml),
        INCLUDE(DomainShmem, info, device_info));

DEFINE_STATIC_XML_TABLE(crypto_backend,
        ATTRIBUTE_ENUM("model", DomainCrypto, backend, crypto_backend, "who computes", .flags = XML_MANDATORY),
        ATTRIBUTE("queues", DomainCrypto, queues, xml_uint, "number of virtqueues"));

DEFINE_STATIC_XML_TABLE(crypto_driver, INCLUDE(DomainCrypto, virtio, virtio_options));

DEFINE_XML_TABLE(crypto,
        ATTRIBUTE_ENUM("model", DomainCrypto, model, crypto_model, "virtio", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("type", DomainCrypto, type, crypto_type, "qemu", .flags = XML_MANDATORY),
        CHILD("backend", crypto_backend, "who computes", .flags = XML_MANDATORY),
        INCLUDE(DomainCrypto, info, device_info),
        CHILD("driver", crypto_driver, "options of virtio devices"));
