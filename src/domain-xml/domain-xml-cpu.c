/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "string-util.h"

DEFINE_STATIC_XML_TABLE(cpu_model,
        ATTRIBUTE_ENUM("fallback", DomainCpu, fallback, cpu_fallback, "whether a lesser model will do"),
        ATTRIBUTE("vendor_id", DomainCpu, vendor_id, xml_string, "vendor string that the guest sees, of 12 characters"),
        CONTENT(DomainCpu, model, xml_string, "QEMU's name of the model"));

/* Newer versions of libvirt write it into each definition. Of the machines here none has more. */
static int parse_clusters(const XmlRow *row, const char *s, void *field) {
        return streq(s, "1") ? 1 : -EINVAL;
}

static bool format_clusters(const XmlRow *row, const void *field, Text *t) {
        return false;
}

static const XmlType xml_clusters = { "1: clusters of cores are not supported", parse_clusters, format_clusters, .pattern = "1" };

DEFINE_STATIC_XML_TABLE(topology,
        ATTRIBUTE("sockets", DomainCpu, sockets, xml_uint, "sockets", .flags = XML_MANDATORY),
        ATTRIBUTE("dies", DomainCpu, dies, xml_uint, "dies of a socket; 1 when absent"),
        ATTRIBUTE("clusters", DomainCpu, dies, xml_clusters, "clusters of a die: 1"),
        ATTRIBUTE("cores", DomainCpu, cores, xml_uint, "cores of a die", .flags = XML_MANDATORY),
        ATTRIBUTE("threads", DomainCpu, threads, xml_uint, "threads of a core", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(cpu_cache,
        ATTRIBUTE("level", DomainCpu, cache_level, xml_uint, "level of the cache"),
        ATTRIBUTE_ENUM("mode", DomainCpu, cache, cpu_cache_mode, "what the guest is told of the caches", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(maxphysaddr,
        ATTRIBUTE_ENUM("mode", DomainCpu, maxphysaddr, phys_addr_mode, "whether it is the host's", .flags = XML_MANDATORY),
        ATTRIBUTE("bits", DomainCpu, physaddr_bits, xml_uint, "width in bits"),
        ATTRIBUTE("limit", DomainCpu, physaddr_limit, xml_uint, "the host's width up to so many bits"));

DEFINE_STATIC_XML_TABLE(cpu_feature,
        ATTRIBUTE_ENUM("policy", CpuFeature, policy, cpu_policy, "whether the guest has it"),
        ATTRIBUTE("name", CpuFeature, name, xml_string, "QEMU's or libvirt's name of the feature", .flags = XML_MANDATORY));

/* --- <numa> --- */

DEFINE_STATIC_XML_TABLE(sibling,
        ATTRIBUTE("id", NumaDistance, cell, xml_uint, "the other node", .flags = XML_MANDATORY),
        ATTRIBUTE("value", NumaDistance, value, xml_uint, "distance, from 10 (none) to 255 (unreachable)", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(distances,
        LIST("sibling", NumaCell, distances, sibling, "distance to a node"));
DEFINE_STATIC_XML_TABLE(cache_size,
        ATTRIBUTE("value", NumaCache, size.number, xml_u64, "size", .flags = XML_MANDATORY),
        ATTRIBUTE("unit", NumaCache, size.unit, xml_string, "unit of the size", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(cache_line,
        ATTRIBUTE("value", NumaCache, line.number, xml_u64, "size", .flags = XML_MANDATORY),
        ATTRIBUTE("unit", NumaCache, line.unit, xml_string, "unit of the size", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(numa_cache,
        ATTRIBUTE("level", NumaCache, level, xml_uint, "level of the cache", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("associativity", NumaCache, associativity, numa_cache_associativity, "associativity", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("policy", NumaCache, policy, numa_cache_policy, "when it is written back", .flags = XML_MANDATORY),
        CHILD("size", cache_size, "size of the cache", .flags = XML_MANDATORY),
        CHILD("line", cache_line, "size of a line", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(numa_cell,
        ATTRIBUTE("id", NumaCell, id, xml_uint, "number of the node; its place when absent"),
        ATTRIBUTE("cpus", NumaCell, cpus, xml_number_set, "virtual CPUs of the node", .has = HAS(NumaCell, has_cpus)),
        ATTRIBUTE("memory", NumaCell, memory.number, xml_u64, "memory of the node", .flags = XML_MANDATORY),
        ATTRIBUTE("unit", NumaCell, memory.unit, xml_string, "unit of the memory; KiB when absent"),
        ATTRIBUTE_ENUM("memAccess", NumaCell, access, memory_access, "whether other processes can share the memory"),
        ATTRIBUTE_ENUM("discard", NumaCell, discard, yes_no, "what it held is thrown away at the end"),
        CHILD("distances", distances, "distances to other nodes"),
        LIST("cache", NumaCell, caches, numa_cache, "cache on the side of the memory"));

#define INTERCONNECT_ROWS                                                                         \
        ATTRIBUTE("initiator", NumaInterconnect, initiator, xml_uint, "node with the processors", .flags = XML_MANDATORY), \
        ATTRIBUTE("target", NumaInterconnect, target, xml_uint, "node with the memory", .flags = XML_MANDATORY), \
        ATTRIBUTE("cache", NumaInterconnect, cache, xml_uint, "level of the target's cache"), \
        ATTRIBUTE_ENUM("type", NumaInterconnect, access, interconnect_access, "kind of access", .flags = XML_MANDATORY)

DEFINE_STATIC_XML_TABLE(latency, INTERCONNECT_ROWS,
        ATTRIBUTE("value", NumaInterconnect, value.number, xml_u64, "nanoseconds", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(bandwidth, INTERCONNECT_ROWS,
        ATTRIBUTE("value", NumaInterconnect, value.number, xml_u64, "bytes a second", .flags = XML_MANDATORY),
        ATTRIBUTE("unit", NumaInterconnect, value.unit, xml_string, "unit of the value; KiB when absent"));

#define INTERCONNECT(name_, kind_, doc_)                                                          \
        LIST(#name_, DomainCpu, interconnects, name_, doc_, .tag = offsetof(NumaInterconnect, kind) + 1, .tag_value = kind_)

DEFINE_STATIC_XML_TABLE(interconnects,
        INTERCONNECT(latency, INTERCONNECT_LATENCY, "time between node and node"),
        INTERCONNECT(bandwidth, INTERCONNECT_BANDWIDTH, "bandwidth between node and node"));
static void parse_interconnects(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        xml_reader_element(r, row->table, node, object);
}

/* In the order in which they were written, of whatever kind. */
static void format_interconnects(XmlWriter *w, const XmlRow *row, const void *object) {
        const DomainCpu *cpu = object;

        if (cpu->n_interconnects == 0)
                return;
        xml_write_indent(w);
        text_append(&w->text, "<interconnects>\n");
        w->depth++;
        FOREACH_ARRAY(i, cpu->interconnects, cpu->n_interconnects)
                xml_write_element(w, interconnect_kind_to_string(i->kind),
                                  i->kind == INTERCONNECT_LATENCY ? &latency_xml : &bandwidth_xml, i, true);
        w->depth--;
        xml_write_indent(w);
        text_append(&w->text, "</interconnects>\n");
}

DEFINE_STATIC_XML_TABLE(numa,
        LIST("cell", DomainCpu, cells, numa_cell, "a NUMA node of the guest"),
        CUSTOM("interconnects", parse_interconnects, format_interconnects, "how the nodes are connected", .table = &interconnects_xml));

DEFINE_XML_TABLE(cpu,
        ATTRIBUTE_ENUM("mode", DomainCpu, mode, cpu_mode, "how the processor is chosen"),
        ATTRIBUTE_ENUM("match", DomainCpu, match, cpu_match, "how strictly it is what was asked for"),
        ATTRIBUTE_ENUM("check", DomainCpu, check, cpu_check, "what is checked before the start"),
        ATTRIBUTE_ENUM("migratable", DomainCpu, migratable, on_off, "leave out what cannot be migrated"),
        CHILD("model", cpu_model, "model of the processor"),
        TEXT_CHILD("vendor", DomainCpu, vendor, xml_string, "vendor the host's processor must have"),
        CHILD("topology", topology, "sockets, dies, cores and threads"),
        CHILD("cache", cpu_cache, "what the guest is told of the caches"),
        CHILD("maxphysaddr", maxphysaddr, "width of physical addresses"),
        LIST("feature", DomainCpu, features, cpu_feature, "feature of the processor"),
        CHILD("numa", numa, "NUMA nodes of the guest", .loc = HAS(DomainCpu, numa_loc)),
        UNSUPPORTED("arch", "processor of the host's capabilities, not of a domain"));
