/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

/* --- <memoryBacking> --- */

DEFINE_STATIC_XML_TABLE(page,
        ATTRIBUTE("size", HugePage, size.number, xml_u64, "size of a page", .flags = XML_MANDATORY),
        ATTRIBUTE("unit", HugePage, size.unit, xml_string, "unit of the size; KiB when absent"),
        ATTRIBUTE("nodeset", HugePage, nodes, xml_number_set, "NUMA nodes of the guest; all others when absent", .has = HAS(HugePage, has_nodes)));
DEFINE_STATIC_XML_TABLE(hugepages,
        LIST("page", MemoryBacking, pages, page, "size of the pages; the host's default when absent"));

static void parse_hugepages(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        MemoryBacking *m = object;

        m->hugepages = true;
        m->hugepages_loc = xml_reader_loc(r, node);
        xml_reader_element(r, row->table, node, object);
}

static void format_hugepages(XmlWriter *w, const XmlRow *row, const void *object) {
        if (((const MemoryBacking *) object)->hugepages)
                xml_write_element(w, row->name, row->table, object, true);
}

DEFINE_STATIC_XML_TABLE(memory_source,
        ATTRIBUTE_ENUM("type", MemoryBacking, source, memory_source, "what it is made from"));
DEFINE_STATIC_XML_TABLE(memory_access,
        ATTRIBUTE_ENUM("mode", MemoryBacking, access, memory_access, "whether other processes can share it"));
DEFINE_STATIC_XML_TABLE(memory_allocation,
        ATTRIBUTE_ENUM("mode", MemoryBacking, allocation, memory_allocation, "when it is allocated"),
        ATTRIBUTE("threads", MemoryBacking, threads, xml_uint, "threads that allocate it"));

DEFINE_XML_TABLE(memory_backing,
        CUSTOM("hugepages", parse_hugepages, format_hugepages, "memory from huge pages", .table = &hugepages_xml),
        FLAG_CHILD("nosharepages", MemoryBacking, nosharepages, "equal pages of several VMs are not merged"),
        FLAG_CHILD("locked", MemoryBacking, locked, "memory is never swapped out"),
        CHILD("source", memory_source, "what memory is made from"),
        CHILD("access", memory_access, "who can reach it"),
        CHILD("allocation", memory_allocation, "when it is allocated"),
        FLAG_CHILD("discard", MemoryBacking, discard, "what it held is thrown away at the end, not written back"));

/* --- <devices><memory> --- */

DEFINE_STATIC_XML_TABLE(memory_device_source,
        TEXT_CHILD("path", DomainMemory, path, xml_string, "file or device that holds the contents of an nvdimm or virtio-pmem"),
        TEXT_CHILD("nodemask", DomainMemory, source_nodes, xml_number_set, "NUMA nodes of the host", .has = HAS(DomainMemory, has_source_nodes)),
        SIZE_CHILD("pagesize", DomainMemory, page_size, "size of the host's pages", .flags = XML_OPTIONAL),
        SIZE_CHILD("alignsize", DomainMemory, align_size, "alignment of the file in memory", .flags = XML_OPTIONAL),
        FLAG_CHILD("pmem", DomainMemory, pmem, "the file is in persistent memory"));
DEFINE_STATIC_XML_TABLE(memory_label,
        SIZE_CHILD("size", DomainMemory, label_size, "size of the label's area", .flags = XML_OPTIONAL));
DEFINE_STATIC_XML_TABLE(memory_device_target,
        SIZE_CHILD("size", DomainMemory, size, "size of the module", .flags = XML_OPTIONAL | XML_MANDATORY),
        TEXT_CHILD("node", DomainMemory, node, xml_uint, "NUMA node of the guest"),
        CHILD("label", memory_label, "the area for namespaces of an nvdimm"),
        SIZE_CHILD("block", DomainMemory, block_size, "size of the pieces in which virtio-mem grows", .flags = XML_OPTIONAL),
        SIZE_CHILD("requested", DomainMemory, requested, "how much of virtio-mem the guest shall have", .flags = XML_OPTIONAL),
        FLAG_CHILD("readonly", DomainMemory, readonly, "the guest cannot write into an nvdimm"));

DEFINE_XML_TABLE(memory_device,
        ATTRIBUTE_ENUM("model", DomainMemory, model, memory_model, "kind of module", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("access", DomainMemory, access, memory_access, "whether other processes can share it"),
        ATTRIBUTE_ENUM("discard", DomainMemory, discard, yes_no, "what it held is thrown away at the end"),
        TEXT_CHILD("uuid", DomainMemory, uuid, xml_uuid, "identity of an nvdimm of POWER machines", .has = HAS(DomainMemory, has_uuid)),
        CHILD("source", memory_device_source, "where it comes from"),
        CHILD("target", memory_device_target, "what the guest sees", .flags = XML_MANDATORY),
        INCLUDE(DomainMemory, info, device_info));
