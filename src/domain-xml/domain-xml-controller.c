/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "string-util.h"

DEFINE_STATIC_XML_TABLE(pci_model,
        ATTRIBUTE("name", DomainController, pci_model_name, xml_string, "QEMU's device"));

static void parse_node(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        _cleanup_free_ char *text = xml_node_text(node, true);

        if (text && xml_uint.parse(row, text, &((DomainController *) object)->numa_node) < 0)
                xml_reader_error(r, xml_reader_loc(r, node), "<node>: '%s' is not a whole number", text);
}

static void format_node(XmlWriter *w, const XmlRow *row, const void *object) {
        const DomainController *c = object;

        if (!c->numa_node.set)
                return;
        xml_write_indent(w);
        text_appendf(&w->text, "<node>%u</node>\n", c->numa_node.value);
}

DEFINE_STATIC_XML_TABLE(pci_target,
        ATTRIBUTE("chassisNr", DomainController, chassis_nr, xml_c_uint, "number of the bridge's chassis", .max = 255),
        ATTRIBUTE("chassis", DomainController, chassis, xml_c_uint, "number of the port's chassis", .max = 255),
        ATTRIBUTE("port", DomainController, port, xml_hex, "number of the port", .digits = 1, .max = 255),
        ATTRIBUTE("busNr", DomainController, bus_nr, xml_c_uint, "bus number of an expander", .max = 254),
        UNSUPPORTED_ATTRIBUTE("index", "host bridges of pseries machines"),
        ATTRIBUTE_ENUM("hotplug", DomainController, hotplug, on_off, "whether devices can be plugged in later"),
        CUSTOM("node", parse_node, format_node, "NUMA node of an expander"));

DEFINE_STATIC_XML_TABLE(controller_driver,
        ATTRIBUTE("queues", DomainController, queues, xml_uint, "number of virtqueues"),
        ATTRIBUTE("cmd_per_lun", DomainController, cmd_per_lun, xml_uint, "commands queued for a unit"),
        ATTRIBUTE("max_sectors", DomainController, max_sectors, xml_uint, "sectors in one transfer"),
        ATTRIBUTE_ENUM("ioeventfd", DomainController, ioeventfd, on_off, "handle requests outside the CPU's thread"),
        ATTRIBUTE("iothread", DomainController, iothread, xml_uint, "number of the I/O thread"),
        IGNORED_ATTRIBUTE("event_idx", "never handed to controllers, in libvirt neither"),
        INCLUDE(DomainController, virtio, virtio_options));

DEFINE_STATIC_XML_TABLE(master,
        ATTRIBUTE("startport", DomainController, master_startport, xml_uint, "first port of the companion", .flags = XML_MANDATORY));

static bool has_ports(const void *object) {
        ControllerType t = ((const DomainController *) object)->type;
        return t == CONTROLLER_USB || t == CONTROLLER_VIRTIO_SERIAL;
}

static bool is_pci(const void *object) {
        return ((const DomainController *) object)->type == CONTROLLER_PCI;
}

static bool is_virtio_serial(const void *object) {
        return ((const DomainController *) object)->type == CONTROLLER_VIRTIO_SERIAL;
}

static bool is_pci_root(const void *object) {
        const char *model = ((const DomainController *) object)->model;
        return streq_ptr(model, "pci-root") || streq_ptr(model, "pcie-root");
}

DEFINE_XML_TABLE(controller,
        ATTRIBUTE_ENUM("type", DomainController, type, controller_type, "what is plugged into it; ide when absent"),
        ATTRIBUTE("index", DomainController, index, xml_uint, "number among its type; the next free one when absent"),
        ATTRIBUTE("model", DomainController, model, xml_string, "kind of the controller"),
        ATTRIBUTE("ports", DomainController, ports, xml_uint, "ports of a usb or virtio-serial controller", .max = INT_MAX, .applies = has_ports),
        ATTRIBUTE("vectors", DomainController, vectors, xml_uint, "interrupts of a virtio-serial controller", .max = INT_MAX, .applies = is_virtio_serial),
        UNSUPPORTED_ATTRIBUTE("maxGrantFrames", "Xen"),
        UNSUPPORTED_ATTRIBUTE("maxEventChannels", "Xen"),
        CHILD("model", pci_model, "QEMU's device for a pci controller", .applies = is_pci),
        CHILD("target", pci_target, "details of a pci controller", .applies = is_pci),
        CHILD("driver", controller_driver, "details of a scsi or virtio controller"),
        INCLUDE(DomainController, info, device_alias),
        CHILD("master", master, "makes it a companion of another usb controller"),
        INCLUDE(DomainController, info, device_place),
        SIZE_CHILD("pcihole64", DomainController, pcihole64, "size of the 64-bit hole of a root", .flags = XML_OPTIONAL, .divisor = 1024, .applies = is_pci_root));

DEFINE_XML_TABLE(hub,
        ATTRIBUTE_ENUM("type", DomainHub, type, hub_type, "what it is a hub for: usb", .flags = XML_MANDATORY),
        INCLUDE(DomainHub, info, device_info));

DEFINE_STATIC_XML_TABLE(iommu_driver,
        ATTRIBUTE_ENUM("intremap", DomainIommu, intremap, on_off, "remap interrupts too; needs the split I/O APIC"),
        ATTRIBUTE_ENUM("caching_mode", DomainIommu, caching_mode, on_off, "the host sees changes of the tables; needed for its devices in the guest"),
        ATTRIBUTE_ENUM("eim", DomainIommu, eim, on_off, "interrupts for more than 255 processors"),
        ATTRIBUTE_ENUM("iotlb", DomainIommu, iotlb, on_off, "devices may cache translations"),
        ATTRIBUTE("aw_bits", DomainIommu, aw_bits, xml_uint, "width of the addresses in bits"));

DEFINE_XML_TABLE(iommu,
        ATTRIBUTE_ENUM("model", DomainIommu, model, iommu_model, "kind of IOMMU", .flags = XML_MANDATORY),
        CHILD("driver", iommu_driver, "what an intel IOMMU can do"),
        INCLUDE(DomainIommu, info, device_info));
