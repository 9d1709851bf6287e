/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "string-util.h"

DEFINE_STATIC_XML_TABLE(disk_driver,
        ATTRIBUTE("name", DomainDisk, driver_name, xml_string, "qemu"),
        ATTRIBUTE_ENUM("type", DomainDisk, source.format, disk_format, "format of the image; raw when absent, never guessed"),
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
        IGNORED_ATTRIBUTE("discard_no_unref", "how newer versions of QEMU lay out qcow2; the guest does not see it"),
        INCLUDE(DomainDisk, source, metadata_cache));

DEFINE_STATIC_XML_TABLE(geometry,
        ATTRIBUTE("cyls", DomainDisk, cylinders, xml_uint, "cylinders"),
        ATTRIBUTE("heads", DomainDisk, heads, xml_uint, "heads"),
        ATTRIBUTE("secs", DomainDisk, sectors, xml_uint, "sectors of a track"),
        ATTRIBUTE_ENUM("trans", DomainDisk, translation, geometry_translation, "how the BIOS translates it (ide)"));

/* "ioemu:" before a name is from old versions of Xen and means nothing. */
static int parse_target(const XmlRow *row, const char *s, void *field) {
        return free_and_strdup(field, startswith(s, "ioemu:") ?: s);
}

static bool format_target(const XmlRow *row, const void *field, Text *t) {
        return xml_string.format(row, field, t);
}

static const XmlType xml_disk_target = { "a string", parse_target, format_target };

DEFINE_STATIC_XML_TABLE(disk_target,
        ATTRIBUTE("dev", DomainDisk, target_dev, xml_disk_target, "name of the disk: vda, sda, hda, fda", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("bus", DomainDisk, bus, disk_bus, "what it is plugged into; follows from the name when absent"),
        ATTRIBUTE_ENUM("tray", DomainDisk, tray, tray_state, "tray of a CD or floppy drive"),
        ATTRIBUTE_ENUM("removable", DomainDisk, removable, on_off, "removable flag of a USB disk"),
        ATTRIBUTE("rotation_rate", DomainDisk, rotation_rate, xml_uint, "rotations per minute; 1: no moving parts", .max = 65534));

DEFINE_STATIC_XML_TABLE(blockio,
        ATTRIBUTE("logical_block_size", DomainDisk, logical_block_size, xml_uint, "bytes"),
        ATTRIBUTE("physical_block_size", DomainDisk, physical_block_size, xml_uint, "bytes"),
        ATTRIBUTE("discard_granularity", DomainDisk, discard_granularity, xml_uint, "bytes: unit in which space is given back"));

#define LIMIT(name_, value_, doc_) TEXT_CHILD(name_, DomainDisk, iotune.values[value_], xml_u64, doc_)

DEFINE_STATIC_XML_TABLE(iotune,
        LIMIT("total_bytes_sec", IOTUNE_TOTAL_BYTES_SEC, "bytes a second, read and written"),
        LIMIT("read_bytes_sec", IOTUNE_READ_BYTES_SEC, "bytes read a second"),
        LIMIT("write_bytes_sec", IOTUNE_WRITE_BYTES_SEC, "bytes written a second"),
        LIMIT("total_iops_sec", IOTUNE_TOTAL_IOPS_SEC, "requests a second"),
        LIMIT("read_iops_sec", IOTUNE_READ_IOPS_SEC, "reads a second"),
        LIMIT("write_iops_sec", IOTUNE_WRITE_IOPS_SEC, "writes a second"),
        LIMIT("total_bytes_sec_max", IOTUNE_TOTAL_BYTES_SEC_MAX, "bytes a second in a burst"),
        LIMIT("read_bytes_sec_max", IOTUNE_READ_BYTES_SEC_MAX, "bytes read a second in a burst"),
        LIMIT("write_bytes_sec_max", IOTUNE_WRITE_BYTES_SEC_MAX, "bytes written a second in a burst"),
        LIMIT("total_iops_sec_max", IOTUNE_TOTAL_IOPS_SEC_MAX, "requests a second in a burst"),
        LIMIT("read_iops_sec_max", IOTUNE_READ_IOPS_SEC_MAX, "reads a second in a burst"),
        LIMIT("write_iops_sec_max", IOTUNE_WRITE_IOPS_SEC_MAX, "writes a second in a burst"),
        LIMIT("size_iops_sec", IOTUNE_SIZE_IOPS_SEC, "bytes that count as one request"),
        TEXT_CHILD("group_name", DomainDisk, iotune.group, xml_string, "disks of one group share the limits"),
        LIMIT("total_bytes_sec_max_length", IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH, "seconds a burst may last"),
        LIMIT("read_bytes_sec_max_length", IOTUNE_READ_BYTES_SEC_MAX_LENGTH, "the same for bytes read"),
        LIMIT("write_bytes_sec_max_length", IOTUNE_WRITE_BYTES_SEC_MAX_LENGTH, "the same for bytes written"),
        LIMIT("total_iops_sec_max_length", IOTUNE_TOTAL_IOPS_SEC_MAX_LENGTH, "the same for requests"),
        LIMIT("read_iops_sec_max_length", IOTUNE_READ_IOPS_SEC_MAX_LENGTH, "the same for reads"),
        LIMIT("write_iops_sec_max_length", IOTUNE_WRITE_IOPS_SEC_MAX_LENGTH, "the same for writes"));

DEFINE_STATIC_XML_TABLE(transient,
        ATTRIBUTE_ENUM("shareBacking", DomainDisk, share_backing, yes_no, "several VMs use the image below at once"));

DEFINE_XML_TABLE(disk,
        ATTRIBUTE_ENUM("type", DomainDisk, source.type, disk_type, "where the image is"),
        ATTRIBUTE_ENUM("device", DomainDisk, device, disk_device, "what the guest sees"),
        ATTRIBUTE_ENUM("model", DomainDisk, model, disk_model, "virtio's older or newer interface"),
        ATTRIBUTE_ENUM("rawio", DomainDisk, rawio, yes_no, "raw SCSI commands of a lun, which need a privilege"),
        ATTRIBUTE_ENUM("sgio", DomainDisk, sgio, disk_sgio, "filter for SCSI commands of a lun"),
        ATTRIBUTE_ENUM("snapshot", DomainDisk, snapshot, disk_snapshot, "how the disk takes part in snapshots"),
        CHILD("driver", disk_driver, "how QEMU treats the image"),
        STRUCT_CHILD("auth", DomainDisk, auth, disk_auth, "authentication, as it was once written", .flags = XML_HAS_LOC),
        STRUCT_CHILD("source", DomainDisk, source, disk_source, "the image", .flags = XML_HAS_LOC),
        INCLUDE(DomainDisk, info.loc, backing_chain),
        IGNORED("mirror", "copy that a running block job writes"),
        UNSUPPORTED("backenddomain", "Xen"),
        CHILD("geometry", geometry, "cylinders, heads and sectors"),
        CHILD("blockio", blockio, "sizes of blocks"),
        CHILD("target", disk_target, "what the guest sees", .flags = XML_MANDATORY),
        CHILD("iotune", iotune, "limits of throughput", .loc = HAS(DomainDisk, iotune.loc)),
        FLAG_CHILD("readonly", DomainDisk, readonly, "the guest cannot write"),
        FLAG_CHILD("shareable", DomainDisk, shareable, "several VMs use the image at once"),
        FLAG_CHILD("transient", DomainDisk, transient, "changes are forgotten at the end: they go into an overlay", .table = &transient_xml),
        TEXT_CHILD("serial", DomainDisk, serial, xml_string, "serial number"),
        TEXT_CHILD("wwn", DomainDisk, wwn, xml_string, "world wide name, 16 hexadecimal digits"),
        TEXT_CHILD("vendor", DomainDisk, vendor, xml_string, "vendor of a SCSI disk"),
        TEXT_CHILD("product", DomainDisk, product, xml_string, "product of a SCSI disk"),
        STRUCT_CHILD("encryption", DomainDisk, encryption, disk_encryption, "encryption, as it was once written", .flags = XML_HAS_LOC),
        IGNORED("privateData", "libvirt's own notes on a running domain"),
        INCLUDE(DomainDisk, info, bootable_info));
