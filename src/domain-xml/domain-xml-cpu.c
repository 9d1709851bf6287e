/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_STATIC_XML_TABLE(cpu_model,
        ATTRIBUTE_ENUM("fallback", DomainCpu, fallback, cpu_fallback, "whether a lesser model will do"),
        UNSUPPORTED_ATTRIBUTE("vendor_id", "vendor string that the guest sees"),
        CONTENT(DomainCpu, model, xml_string, "QEMU's name of the model"));

DEFINE_STATIC_XML_TABLE(topology,
        ATTRIBUTE("sockets", DomainCpu, sockets, xml_uint, "sockets", .flags = XML_MANDATORY),
        ATTRIBUTE("dies", DomainCpu, dies, xml_uint, "dies of a socket; 1 when absent"),
        UNSUPPORTED_ATTRIBUTE("clusters", "clusters of cores"),
        ATTRIBUTE("cores", DomainCpu, cores, xml_uint, "cores of a die", .flags = XML_MANDATORY),
        ATTRIBUTE("threads", DomainCpu, threads, xml_uint, "threads of a core", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(cpu_feature,
        ATTRIBUTE_ENUM("policy", CpuFeature, policy, cpu_policy, "whether the guest has it"),
        ATTRIBUTE("name", CpuFeature, name, xml_string, "QEMU's name of the feature", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(cpu,
        ATTRIBUTE_ENUM("mode", DomainCpu, mode, cpu_mode, "how the processor is chosen"),
        ATTRIBUTE_ENUM("match", DomainCpu, match, cpu_match, "how strictly it is what was asked for"),
        ATTRIBUTE_ENUM("check", DomainCpu, check, cpu_check, "what is checked before the start"),
        ATTRIBUTE_ENUM("migratable", DomainCpu, migratable, on_off, "leave out what cannot be migrated"),
        CHILD("model", cpu_model, "model of the processor"),
        TEXT_CHILD("vendor", DomainCpu, vendor, xml_string, "vendor the host's processor must have"),
        CHILD("topology", topology, "sockets, dies, cores and threads"),
        UNSUPPORTED("cache", "cache of the processor"),
        UNSUPPORTED("maxphysaddr", "width of physical addresses"),
        LIST("feature", DomainCpu, features, cpu_feature, "feature of the processor"),
        UNSUPPORTED("numa", "NUMA nodes in the guest"),
        UNSUPPORTED("arch", "processor of the host's capabilities, not of a domain"));
