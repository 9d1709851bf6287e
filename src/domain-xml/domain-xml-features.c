/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_STATIC_XML_TABLE(apic,
        ATTRIBUTE_ENUM("eoi", DomainFeatures, apic_eoi, on_off, "end of interrupt by paravirtualisation"));

/* --- hyperv --- */

#define HYPERV_STATE(field) ATTRIBUTE_ENUM("state", DomainHyperv, field, on_off, "whether the guest is offered it", .flags = XML_MANDATORY)
#define HYPERV_TABLE(field) DEFINE_STATIC_XML_TABLE(hyperv_##field, HYPERV_STATE(field))
#define HYPERV_CHILD(field, doc_) CHILD(#field, hyperv_##field, doc_)

HYPERV_TABLE(relaxed);
HYPERV_TABLE(vapic);
HYPERV_TABLE(vpindex);
HYPERV_TABLE(runtime);
HYPERV_TABLE(synic);
HYPERV_TABLE(reset);
HYPERV_TABLE(frequencies);
HYPERV_TABLE(reenlightenment);
HYPERV_TABLE(tlbflush);
HYPERV_TABLE(ipi);
HYPERV_TABLE(evmcs);
HYPERV_TABLE(avic);
HYPERV_TABLE(emsr_bitmap);
HYPERV_TABLE(xmm_input);
DEFINE_STATIC_XML_TABLE(hyperv_spinlocks,
        HYPERV_STATE(spinlocks),
        ATTRIBUTE("retries", DomainHyperv, spinlock_retries, xml_c_uint, "tries before the hypervisor is told"));
DEFINE_STATIC_XML_TABLE(hyperv_stimer_direct, HYPERV_STATE(stimer_direct));
DEFINE_STATIC_XML_TABLE(hyperv_stimer,
        HYPERV_STATE(stimer),
        CHILD("direct", hyperv_stimer_direct, "timers that interrupt directly"));
DEFINE_STATIC_XML_TABLE(hyperv_vendor_id,
        HYPERV_STATE(vendor_id),
        ATTRIBUTE("value", DomainHyperv, vendor, xml_string, "what the hypervisor calls itself"));

DEFINE_STATIC_XML_TABLE(hyperv,
        ATTRIBUTE_ENUM("mode", DomainHyperv, mode, hyperv_mode, "custom: what is listed; passthrough: all that the host has"),
        HYPERV_CHILD(relaxed, "no watchdog for late timers"),
        HYPERV_CHILD(vapic, "virtual APIC"),
        HYPERV_CHILD(spinlocks, "spin locks"),
        HYPERV_CHILD(vpindex, "index of the virtual processor"),
        HYPERV_CHILD(runtime, "time the processor has run"),
        HYPERV_CHILD(synic, "synthetic interrupt controller"),
        HYPERV_CHILD(stimer, "synthetic timers"),
        HYPERV_CHILD(reset, "reset by the hypervisor"),
        HYPERV_CHILD(vendor_id, "name of the hypervisor"),
        HYPERV_CHILD(frequencies, "frequencies of TSC and APIC"),
        HYPERV_CHILD(reenlightenment, "notice when the TSC changes"),
        HYPERV_CHILD(tlbflush, "flushing of TLBs by paravirtualisation"),
        HYPERV_CHILD(ipi, "interprocessor interrupts by paravirtualisation"),
        HYPERV_CHILD(evmcs, "enlightened VMCS, for Hyper-V in the guest"),
        HYPERV_CHILD(avic, "virtual interrupt controller of the processor"),
        HYPERV_CHILD(emsr_bitmap, "enlightened MSR bitmap, for Hyper-V in the guest"),
        HYPERV_CHILD(xmm_input, "input of hypercalls in XMM registers"));

/* --- kvm --- */

#define KVM_TABLE(name_, field) \
        DEFINE_STATIC_XML_TABLE(name_, ATTRIBUTE_ENUM("state", DomainFeatures, field, on_off, "on or off", .flags = XML_MANDATORY))

KVM_TABLE(kvm_hidden, kvm_hidden);
KVM_TABLE(kvm_hint_dedicated, kvm_hint_dedicated);
KVM_TABLE(kvm_poll_control, kvm_poll_control);
KVM_TABLE(kvm_pv_ipi, kvm_pv_ipi);
DEFINE_STATIC_XML_TABLE(kvm_dirty_ring,
        ATTRIBUTE_ENUM("state", DomainFeatures, kvm_dirty_ring, on_off, "on or off", .flags = XML_MANDATORY),
        ATTRIBUTE("size", DomainFeatures, kvm_dirty_ring_size, xml_uint, "entries: a power of two from 1024 to 65536"));

DEFINE_STATIC_XML_TABLE(kvm,
        CHILD("hidden", kvm_hidden, "the guest is not told that it runs under KVM"),
        CHILD("hint-dedicated", kvm_hint_dedicated, "hint that virtual CPUs have real ones of their own"),
        CHILD("poll-control", kvm_poll_control, "the guest decides whether the host polls"),
        CHILD("pv-ipi", kvm_pv_ipi, "interprocessor interrupts by paravirtualisation"),
        CHILD("dirty-ring", kvm_dirty_ring, "ring instead of a bitmap of dirty pages"));

/* --- the rest --- */

DEFINE_STATIC_XML_TABLE(gic,
        ATTRIBUTE_ENUM("version", DomainFeatures, gic_version, gic_version, "version of the controller"));

DEFINE_STATIC_XML_TABLE(smm,
        SIZE_CHILD("tseg", DomainFeatures, tseg, "size of the memory for system management", .flags = XML_OPTIONAL, .unit = "MiB"));

DEFINE_STATIC_XML_TABLE(ioapic,
        ATTRIBUTE_ENUM("driver", DomainFeatures, ioapic, ioapic_driver, "kvm: in the kernel; qemu: split"));

DEFINE_STATIC_XML_TABLE(tcg,
        SIZE_CHILD("tb-cache", DomainFeatures, tb_cache, "size of the cache of translated code", .flags = XML_OPTIONAL));

DEFINE_XML_TABLE(features,
        FLAG_CHILD("acpi", DomainFeatures, acpi, "ACPI"),
        FLAG_CHILD("apic", DomainFeatures, apic, "APIC", .table = &apic_xml),
        FLAG_CHILD("pae", DomainFeatures, pae, "physical address extension; QEMU always has it"),
        STATE_CHILD("hap", DomainFeatures, hap, "two-dimensional paging; QEMU always uses it"),
        FLAG_CHILD("viridian", DomainFeatures, viridian, "Xen's spelling of hyperv; means nothing for QEMU"),
        FLAG_CHILD("privnet", DomainFeatures, privnet, "containers; means nothing for QEMU"),
        STRUCT_CHILD("hyperv", DomainFeatures, hyperv, hyperv, "enlightenments for Windows guests", .flags = XML_HAS_LOC),
        CHILD("kvm", kvm, "paravirtualisation of KVM"),
        STATE_CHILD("pvspinlock", DomainFeatures, pvspinlock, "spin locks by paravirtualisation"),
        UNSUPPORTED("capabilities", "containers"),
        STATE_CHILD("pmu", DomainFeatures, pmu, "performance counters in the guest"),
        STATE_CHILD("vmport", DomainFeatures, vmport, "VMware's I/O port"),
        FLAG_CHILD("gic", DomainFeatures, gic, "interrupt controller of ARM machines", .table = &gic_xml),
        STATE_CHILD("smm", DomainFeatures, smm, "system management mode", .table = &smm_xml),
        CHILD("ioapic", ioapic, "where the I/O APIC is emulated"),
        UNSUPPORTED("hpt", "hash page table of pseries machines"),
        STATE_CHILD("vmcoreinfo", DomainFeatures, vmcoreinfo, "the guest tells the host where its crash information is"),
        UNSUPPORTED("htm", "transactional memory of pseries machines"),
        UNSUPPORTED("nested-hv", "nested virtualisation of pseries machines"),
        UNSUPPORTED("msrs", "bhyve; for KVM it is ignore_msrs, a parameter of the kernel module"),
        UNSUPPORTED("ccf-assist", "mitigations of pseries machines"),
        UNSUPPORTED("xen", "Xen"),
        UNSUPPORTED("cfpc", "mitigations of pseries machines"),
        UNSUPPORTED("sbbc", "mitigations of pseries machines"),
        UNSUPPORTED("ibs", "mitigations of pseries machines"),
        CHILD("tcg", tcg, "the emulator that runs without KVM"),
        UNSUPPORTED("async-teardown", "teardown of memory in the background, s390 machines"));
