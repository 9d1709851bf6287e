/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of how the guest boots, the machine's features and its clock. */

typedef struct DomainOs {
        SrcLoc loc;
        OsType type;
        Arch arch;
        char *machine;
        OsFirmware firmware;
        char *loader;
        Tristate loader_readonly, loader_secure, loader_stateless;
        LoaderType loader_type;
        char *nvram, *nvram_template;
        BootDevice *boot;
        size_t n_boot;
        Tristate bootmenu;
        OptUint bootmenu_timeout; /* milliseconds */
        Tristate bios_useserial;
        bool has_reboot_timeout;
        int reboot_timeout; /* milliseconds; -1: never */
        char *kernel, *initrd, *cmdline, *dtb;
        SmbiosMode smbios;
} DomainOs;

typedef struct DomainFeatures {
        SrcLoc loc;
        bool acpi, apic, pae, privnet;
        Tristate hap, apic_eoi, pvspinlock, pmu, vmport, smm, kvm_hidden, hpt;
        char *gic_version;
} DomainFeatures;

typedef struct DomainTimer {
        SrcLoc loc;
        TimerName name;
        Tristate present;
        TickPolicy tickpolicy;
        char *track; /* "guest", "wall", "boot" */
        OptU64 frequency;
} DomainTimer;

typedef struct DomainClock {
        SrcLoc loc;
        ClockOffset offset;
        char *timezone;
        bool has_adjustment;
        int64_t adjustment; /* seconds */
        ClockBasis basis;
        OptU64 start; /* absolute: seconds since the epoch */
        DomainTimer *timers;
        size_t n_timers;
} DomainClock;
