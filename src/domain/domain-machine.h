/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of the machine itself: firmware, features, processor, clock, and what QEMU is told besides. */

typedef struct DomainTimer {
        SrcLoc loc;
        TimerName name;
        Tristate present;
        TickPolicy tickpolicy;
        char *track; /* "guest", "wall", "boot" */
        OptU64 frequency;
} DomainTimer;

typedef struct CpuFeature {
        SrcLoc loc;
        CpuPolicy policy;
        char *name;
} CpuFeature;

typedef struct DomainCpu {
        SrcLoc loc; /* line 0: no <cpu> */
        CpuMode mode;
        CpuMatch match;
        CpuCheck check;
        Tristate migratable;
        char *model, *vendor;
        CpuFallback fallback;
        OptUint sockets, dies, cores, threads;
        CpuFeature *features;
        size_t n_features;
} DomainCpu;

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

/* <qemu:commandline> */
typedef struct QemuEnv {
        SrcLoc loc;
        char *name, *value;
} QemuEnv;

typedef struct QemuArg {
        SrcLoc loc;
        char *value;
} QemuArg;
