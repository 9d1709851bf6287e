/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

static bool is_pci(const void *object) {
        return ((const DeviceAddress *) object)->type == ADDRESS_PCI;
}

static bool is_drive(const void *object) {
        return ((const DeviceAddress *) object)->type == ADDRESS_DRIVE;
}

static bool is_drive_or_serial(const void *object) {
        AddressType t = ((const DeviceAddress *) object)->type;
        return t == ADDRESS_DRIVE || t == ADDRESS_VIRTIO_SERIAL || t == ADDRESS_CCID;
}

static bool is_ccid(const void *object) {
        return ((const DeviceAddress *) object)->type == ADDRESS_CCID;
}

static bool has_bus(const void *object) {
        AddressType t = ((const DeviceAddress *) object)->type;
        return t == ADDRESS_DRIVE || t == ADDRESS_VIRTIO_SERIAL || t == ADDRESS_USB;
}

static bool has_port(const void *object) {
        AddressType t = ((const DeviceAddress *) object)->type;
        return t == ADDRESS_USB || t == ADDRESS_VIRTIO_SERIAL;
}

static bool is_dimm(const void *object) {
        return ((const DeviceAddress *) object)->type == ADDRESS_DIMM;
}

static bool is_isa(const void *object) {
        return ((const DeviceAddress *) object)->type == ADDRESS_ISA;
}

DEFINE_XML_TABLE(device_address,
        ATTRIBUTE_ENUM("type", DeviceAddress, type, address_type, "what the device is plugged into", .flags = XML_MANDATORY),
        ATTRIBUTE("controller", DeviceAddress, controller, xml_uint, "index of the controller", .applies = is_drive_or_serial),
        ATTRIBUTE("domain", DeviceAddress, domain, xml_hex, "PCI domain", .digits = 4, .max = 0xffff, .applies = is_pci),
        ATTRIBUTE("bus", DeviceAddress, bus, xml_hex, "PCI bus: index of the controller", .digits = 2, .max = 0xff, .applies = is_pci),
        ATTRIBUTE("bus", DeviceAddress, bus, xml_uint, "bus of the controller", .applies = has_bus),
        ATTRIBUTE("slot", DeviceAddress, slot, xml_hex, "PCI slot", .digits = 2, .max = 0x1f, .applies = is_pci),
        ATTRIBUTE("function", DeviceAddress, function, xml_hex, "PCI function", .digits = 1, .max = 7, .applies = is_pci),
        ATTRIBUTE_ENUM("multifunction", DeviceAddress, multifunction, on_off, "other functions of the slot are used too", .applies = is_pci),
        ATTRIBUTE("target", DeviceAddress, target, xml_uint, "SCSI target", .applies = is_drive),
        ATTRIBUTE("unit", DeviceAddress, unit, xml_uint, "unit of the bus", .applies = is_drive),
        ATTRIBUTE("port", DeviceAddress, port, xml_string, "port of a USB or virtio-serial controller", .applies = has_port),
        ATTRIBUTE("iobase", DeviceAddress, iobase, xml_hex64, "ISA I/O port", .applies = is_isa),
        ATTRIBUTE("irq", DeviceAddress, irq, xml_hex64, "ISA interrupt", .applies = is_isa),
        ATTRIBUTE("slot", DeviceAddress, slot, xml_uint, "slot for memory modules", .applies = is_dimm),
        ATTRIBUTE("base", DeviceAddress, base, xml_hex64, "address of the memory in the guest", .applies = is_dimm),
        ATTRIBUTE("slot", DeviceAddress, slot, xml_uint, "slot of a smart card reader", .applies = is_ccid),
        UNSUPPORTED_ATTRIBUTE("reg", "addresses of pseries machines"),
        UNSUPPORTED_ATTRIBUTE("cssid", "addresses of s390 machines"),
        UNSUPPORTED_ATTRIBUTE("ssid", "addresses of s390 machines"),
        UNSUPPORTED_ATTRIBUTE("devno", "addresses of s390 machines"),
        UNSUPPORTED("zpci", "PCI on s390 machines"));

DEFINE_STATIC_XML_TABLE(alias,
        ATTRIBUTE("name", DeviceInfo, alias, xml_string, "the name", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(boot_order,
        ATTRIBUTE("order", DeviceInfo, boot_order, xml_uint, "1 is tried first", .flags = XML_MANDATORY),
        UNSUPPORTED_ATTRIBUTE("loadparm", "boot parameters of s390 machines"));

DEFINE_STATIC_XML_TABLE(rom,
        ATTRIBUTE_ENUM("enabled", DeviceInfo, rom_enabled, yes_no, "no: the device has no option ROM"),
        ATTRIBUTE_ENUM("bar", DeviceInfo, rom_bar, on_off, "whether the guest sees the ROM"),
        ATTRIBUTE("file", DeviceInfo, rom_file, xml_string, "the ROM's image"));

DEFINE_STATIC_XML_TABLE(acpi,
        ATTRIBUTE("index", DeviceInfo, acpi_index, xml_uint, "number of the device; unique in the VM", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(virtio_options,
        ATTRIBUTE_ENUM("iommu", VirtioOptions, iommu, on_off, "the device's memory accesses go through the IOMMU"),
        ATTRIBUTE_ENUM("ats", VirtioOptions, ats, on_off, "address translation service"),
        ATTRIBUTE_ENUM("packed", VirtioOptions, packed, on_off, "packed virtqueues"),
        ATTRIBUTE_ENUM("page_per_vq", VirtioOptions, page_per_vq, on_off, "a page for each virtqueue's doorbell"));

#define ALIAS_ROW CHILD("alias", alias, "name of the device; the user's own begin with ua-")
#define ACPI_ROW CHILD("acpi", acpi, "ACPI index, which gives network devices their name in the guest")
#define ADDRESS_ROW STRUCT_CHILD("address", DeviceInfo, address, device_address, "where the device is plugged in", .flags = XML_HAS_LOC)
#define BOOT_ROW CHILD("boot", boot_order, "turn of the device when the guest boots")
#define ROM_ROW CHILD("rom", rom, "option ROM of a PCI device")

DEFINE_XML_TABLE(device_info, ALIAS_ROW, ACPI_ROW, ADDRESS_ROW);
DEFINE_XML_TABLE(bootable_info, BOOT_ROW, ALIAS_ROW, ROM_ROW, ACPI_ROW, ADDRESS_ROW);
DEFINE_XML_TABLE(device_alias, ALIAS_ROW);
DEFINE_XML_TABLE(device_place, ACPI_ROW, ADDRESS_ROW);
