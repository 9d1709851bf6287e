/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of how the guest boots, the machine's features and its clock. */

/* The firmware that was decided on, be it written or chosen. It is not in the XML, so that a definition that leaves
 * the choice to vmunit stays one. */
typedef struct OsFlash {
        LoaderType type; /* unset: the emulator's own BIOS */
        char *path;
        bool writable, secure;
        bool needs_smm; /* system management mode goes on although nobody said so */
        char *nvram, *nvram_template; /* NULL: it keeps no variables; … they are there already */
        bool nvram_is_block;
} OsFlash;

typedef struct DomainOs {
        SrcLoc loc;
        OsType type;
        Arch arch;
        char *machine;
        OsFirmware firmware;
        char *loader;
        SrcLoc loader_loc, nvram_loc; /* line 0: not written */
        Tristate loader_readonly, loader_secure, loader_stateless;
        LoaderType loader_type;
        DiskFormat loader_format;
        DiskType nvram_type; /* unset: the old way, <nvram>PATH</nvram> */
        char *nvram, *nvram_template;
        DiskFormat nvram_format;
        Tristate secure_boot, enrolled_keys; /* <firmware><feature> */
        BootDevice *boot;
        size_t n_boot;
        Tristate bootmenu;
        OptUint bootmenu_timeout; /* milliseconds */
        Tristate bios_useserial;
        bool has_reboot_timeout;
        int reboot_timeout; /* milliseconds; -1: never */
        char *kernel, *initrd, *cmdline, *dtb;
        SmbiosMode smbios;
        AcpiTableType acpi_table_type;
        char *acpi_table;
        OsFlash flash; /* derived */
} DomainOs;

/* <hyperv>: what Windows finds useful (docs/system/i386/hyperv.rst of QEMU). */
typedef struct DomainHyperv {
        SrcLoc loc; /* line 0: no <hyperv> */
        HypervMode mode;
        Tristate relaxed, vapic, spinlocks, vpindex, runtime, synic, stimer, stimer_direct, reset, vendor_id;
        Tristate frequencies, reenlightenment, tlbflush, ipi, evmcs, avic, emsr_bitmap, xmm_input;
        OptUint spinlock_retries;
        char *vendor; /* up to 12 characters */
} DomainHyperv;

typedef struct DomainFeatures {
        SrcLoc loc;
        bool acpi, apic, pae, privnet, viridian;
        Tristate hap, apic_eoi, pvspinlock, pmu, vmport, smm, vmcoreinfo;
        DomainHyperv hyperv;
        Tristate kvm_hidden, kvm_hint_dedicated, kvm_poll_control, kvm_pv_ipi, kvm_dirty_ring;
        OptUint kvm_dirty_ring_size;
        bool gic; /* <gic> was written, perhaps without its version */
        GicVersion gic_version;
        IoapicDriver ioapic;
        OptU64 tseg;     /* bytes */
        OptU64 tb_cache; /* bytes */
} DomainFeatures;

typedef struct DomainTimer {
        SrcLoc loc;
        TimerName name;
        Tristate present;
        TickPolicy tickpolicy;
        TimerTrack track;
        TimerMode mode;
        OptU64 frequency; /* Hz */
        OptUint catchup_threshold, catchup_slew, catchup_limit;
} DomainTimer;

typedef struct DomainClock {
        SrcLoc loc;
        ClockOffset offset;
        char *timezone;
        bool has_adjustment;
        int64_t adjustment; /* seconds */
        bool adjustment_reset; /* "reset" was written */
        ClockBasis basis;
        OptU64 start; /* absolute: seconds since the epoch */
        DomainTimer *timers;
        size_t n_timers;
} DomainClock;
