/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

static bool is_file(const void *object) {
        const DomainDisk *d = object;
        return d->type == DISK_FILE || d->type == DISK_UNSET;
}

static bool is_block(const void *object) {
        return ((const DomainDisk *) object)->type == DISK_BLOCK;
}

static bool is_elsewhere(const void *object) {
        return !is_file(object) && !is_block(object);
}

/* What belongs to disk types that domain_validate() refuses as a whole. */
#define REFUSED_TYPE "for disk types that are refused by their name"
#define OTHER_ATTRIBUTE(name_) IGNORED_ATTRIBUTE(name_, REFUSED_TYPE, .applies = is_elsewhere)
#define OTHER_CHILD(name_) IGNORED(name_, REFUSED_TYPE, .applies = is_elsewhere)

DEFINE_STATIC_XML_TABLE(disk_driver,
        ATTRIBUTE("name", DomainDisk, driver_name, xml_string, "qemu"),
        ATTRIBUTE_ENUM("type", DomainDisk, format, disk_format, "format of the image; raw when absent, never guessed"),
        ATTRIBUTE_ENUM("cache", DomainDisk, cache, disk_cache, "use of the host's page cache"),
        ATTRIBUTE_ENUM("error_policy", DomainDisk, error_policy, disk_error_policy, "what happens at an error"),
        ATTRIBUTE_ENUM("rerror_policy", DomainDisk, rerror_policy, disk_error_policy, "the same for reads"),
        ATTRIBUTE_ENUM("io", DomainDisk, io, disk_io, "how the host's kernel is asked"),
        ATTRIBUTE_ENUM("ioeventfd", DomainDisk, ioeventfd, on_off, "handle requests outside the CPU's thread"),
        ATTRIBUTE_ENUM("event_idx", DomainDisk, event_idx, on_off, "fewer interrupts"),
        ATTRIBUTE_ENUM("copy_on_read", DomainDisk, copy_on_read, on_off, "copy from the backing file what was read"),
        ATTRIBUTE_ENUM("discard", DomainDisk, discard, disk_discard, "whether the guest can give space back"),
        ATTRIBUTE("iothread", DomainDisk, iothread, xml_uint, "number of the I/O thread"),
        ATTRIBUTE_ENUM("detect_zeroes", DomainDisk, detect_zeroes, disk_detect_zeroes, "look for blocks of zeroes"),
        ATTRIBUTE("queues", DomainDisk, queues, xml_uint, "number of virtqueues"),
        ATTRIBUTE("queue_size", DomainDisk, queue_size, xml_uint, "length of a virtqueue"),
        INCLUDE(DomainDisk, virtio, virtio_options),
        UNSUPPORTED("metadata_cache", "size of the cache for qcow2's tables"));

DEFINE_STATIC_XML_TABLE(disk_source,
        ATTRIBUTE("file", DomainDisk, source_path, xml_string, "path of the image", .applies = is_file),
        ATTRIBUTE("dev", DomainDisk, source_path, xml_string, "path of the block device", .applies = is_block),
        ATTRIBUTE("startupPolicy", DomainDisk, startup_policy, xml_string, "what happens when the image is missing"),
        UNSUPPORTED_ATTRIBUTE("fdgroup", "images handed over as file descriptors"),
        IGNORED_ATTRIBUTE("index", "libvirt's number of the node in a running domain"),
        OTHER_ATTRIBUTE("dir"),
        OTHER_ATTRIBUTE("protocol"),
        OTHER_ATTRIBUTE("name"),
        OTHER_ATTRIBUTE("tls"),
        OTHER_ATTRIBUTE("tlsHostname"),
        OTHER_ATTRIBUTE("query"),
        OTHER_ATTRIBUTE("pool"),
        OTHER_ATTRIBUTE("volume"),
        OTHER_ATTRIBUTE("mode"),
        OTHER_ATTRIBUTE("type"),
        OTHER_ATTRIBUTE("namespace"),
        OTHER_ATTRIBUTE("managed"),
        OTHER_ATTRIBUTE("path"),
        OTHER_CHILD("host"),
        OTHER_CHILD("snapshot"),
        OTHER_CHILD("config"),
        OTHER_CHILD("initiator"),
        OTHER_CHILD("cookies"),
        OTHER_CHILD("readahead"),
        OTHER_CHILD("timeout"),
        OTHER_CHILD("ssl"),
        OTHER_CHILD("identity"),
        OTHER_CHILD("address"),
        UNSUPPORTED("reconnect", "waiting for a server that went away"),
        UNSUPPORTED("slices", "part of an image"),
        UNSUPPORTED("auth", "authentication to a storage server"),
        UNSUPPORTED("encryption", "encrypted images"),
        UNSUPPORTED("reservations", "persistent reservations"),
        UNSUPPORTED("seclabel", "labels of a single image"),
        IGNORED("privateData", "libvirt's own notes on a running domain"));

DEFINE_STATIC_XML_TABLE(disk_target,
        ATTRIBUTE("dev", DomainDisk, target_dev, xml_string, "name of the disk: vda, sda, hda, fda", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("bus", DomainDisk, bus, disk_bus, "what it is plugged into; follows from the name when absent"),
        ATTRIBUTE_ENUM("tray", DomainDisk, tray, tray_state, "tray of a CD or floppy drive"),
        ATTRIBUTE_ENUM("removable", DomainDisk, removable, on_off, "removable flag of a USB disk"),
        ATTRIBUTE("rotation_rate", DomainDisk, rotation_rate, xml_uint, "rotations per minute; 1: no moving parts", .max = 65534));

DEFINE_STATIC_XML_TABLE(blockio,
        ATTRIBUTE("logical_block_size", DomainDisk, logical_block_size, xml_uint, "bytes"),
        ATTRIBUTE("physical_block_size", DomainDisk, physical_block_size, xml_uint, "bytes"),
        UNSUPPORTED_ATTRIBUTE("discard_granularity", "unit in which space is given back"));

DEFINE_STATIC_XML_TABLE(transient, UNSUPPORTED_ATTRIBUTE("shareBacking", "a shared image below"));

/* <backingStore/> without anything in it says that there is no chain, or that libvirt does not know it. The chain
 * is found by the prepare step in any case. */
static void parse_backing_store(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        if (xmlFirstElementChild(node) && !r->foreign)
                xml_reader_error(r, xml_reader_loc(r, node), "not supported: <backingStore> in <disk> (%s)",
                                 "backing files are those the image names");
}

static void format_nothing(XmlWriter *w, const XmlRow *row, const void *object) {}

DEFINE_XML_TABLE(disk,
        ATTRIBUTE_ENUM("type", DomainDisk, type, disk_type, "where the image is"),
        ATTRIBUTE_ENUM("device", DomainDisk, device, disk_device, "what the guest sees"),
        UNSUPPORTED_ATTRIBUTE("model", "virtio's older and newer interface"),
        UNSUPPORTED_ATTRIBUTE("rawio", "raw SCSI commands, which need a privilege"),
        UNSUPPORTED_ATTRIBUTE("sgio", "filter for SCSI commands"),
        IGNORED_ATTRIBUTE("snapshot", "how the disk takes part in snapshots"),
        CHILD("driver", disk_driver, "how QEMU treats the image"),
        UNSUPPORTED("auth", "authentication to a storage server"),
        CHILD("source", disk_source, "the image"),
        CUSTOM("backingStore", parse_backing_store, format_nothing, "read when empty; the image names its own backing file"),
        UNSUPPORTED("mirror", "copy that a running block job writes"),
        UNSUPPORTED("backenddomain", "Xen"),
        UNSUPPORTED("geometry", "cylinders, heads and sectors"),
        CHILD("blockio", blockio, "sizes of blocks"),
        CHILD("target", disk_target, "what the guest sees", .flags = XML_MANDATORY),
        UNSUPPORTED("iotune", "limits of throughput"),
        FLAG_CHILD("readonly", DomainDisk, readonly, "the guest cannot write"),
        FLAG_CHILD("shareable", DomainDisk, shareable, "several VMs use the image at once"),
        FLAG_CHILD("transient", DomainDisk, transient, "changes are forgotten at the end", .table = &transient_xml),
        TEXT_CHILD("serial", DomainDisk, serial, xml_string, "serial number"),
        TEXT_CHILD("wwn", DomainDisk, wwn, xml_string, "world wide name, 16 hexadecimal digits"),
        TEXT_CHILD("vendor", DomainDisk, vendor, xml_string, "vendor of a SCSI disk"),
        TEXT_CHILD("product", DomainDisk, product, xml_string, "product of a SCSI disk"),
        UNSUPPORTED("encryption", "encrypted images"),
        IGNORED("privateData", "libvirt's own notes on a running domain"),
        INCLUDE(DomainDisk, info, bootable_info));
