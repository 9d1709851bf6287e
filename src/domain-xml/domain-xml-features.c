/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_STATIC_XML_TABLE(apic,
        ATTRIBUTE_ENUM("eoi", DomainFeatures, apic_eoi, on_off, "end of interrupt by paravirtualisation"));

DEFINE_STATIC_XML_TABLE(kvm,
        STATE_CHILD("hidden", DomainFeatures, kvm_hidden, "the guest is not told that it runs under KVM"),
        UNSUPPORTED("hint-dedicated", "hint that virtual CPUs have real ones of their own"),
        UNSUPPORTED("poll-control", "polling by the guest"),
        UNSUPPORTED("pv-ipi", "interprocessor interrupts by paravirtualisation"),
        UNSUPPORTED("dirty-ring", "ring of dirty pages"));

DEFINE_STATIC_XML_TABLE(gic,
        ATTRIBUTE("version", DomainFeatures, gic_version, xml_string, "2, 3 or host"));

DEFINE_STATIC_XML_TABLE(smm, UNSUPPORTED("tseg", "size of the TSEG"));

DEFINE_XML_TABLE(features,
        FLAG_CHILD("acpi", DomainFeatures, acpi, "ACPI"),
        FLAG_CHILD("apic", DomainFeatures, apic, "APIC", .table = &apic_xml),
        FLAG_CHILD("pae", DomainFeatures, pae, "physical address extension; QEMU always has it"),
        STATE_CHILD("hap", DomainFeatures, hap, "two-dimensional paging; QEMU always uses it"),
        UNSUPPORTED("viridian", "Xen's interface for Windows"),
        FLAG_CHILD("privnet", DomainFeatures, privnet, "containers; means nothing for QEMU"),
        UNSUPPORTED("hyperv", "interface for Windows guests"),
        CHILD("kvm", kvm, "paravirtualisation of KVM"),
        STATE_CHILD("pvspinlock", DomainFeatures, pvspinlock, "spin locks by paravirtualisation"),
        UNSUPPORTED("capabilities", "containers"),
        STATE_CHILD("pmu", DomainFeatures, pmu, "performance counters in the guest"),
        STATE_CHILD("vmport", DomainFeatures, vmport, "VMware's I/O port"),
        CHILD("gic", gic, "interrupt controller of ARM machines"),
        STATE_CHILD("smm", DomainFeatures, smm, "system management mode", .table = &smm_xml),
        UNSUPPORTED("ioapic", "where the I/O APIC is emulated"),
        UNSUPPORTED("hpt", "hash page table of pseries machines"),
        UNSUPPORTED("vmcoreinfo", "crash dump information for the host"),
        UNSUPPORTED("htm", "transactional memory of pseries machines"),
        UNSUPPORTED("nested-hv", "nested virtualisation of pseries machines"),
        UNSUPPORTED("msrs", "what happens at unknown model-specific registers"),
        UNSUPPORTED("ccf-assist", "mitigations of pseries machines"),
        UNSUPPORTED("xen", "Xen"),
        UNSUPPORTED("cfpc", "mitigations of pseries machines"),
        UNSUPPORTED("sbbc", "mitigations of pseries machines"),
        UNSUPPORTED("ibs", "mitigations of pseries machines"),
        UNSUPPORTED("tcg", "translation cache of the emulator"),
        UNSUPPORTED("async-teardown", "teardown of memory in the background"));
