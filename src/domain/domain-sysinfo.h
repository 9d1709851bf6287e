/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of <sysinfo>: what the guest reads of its hardware in SMBIOS tables, and files of the firmware's. */

typedef struct SysinfoEntry {
        SrcLoc loc;
        char *name;  /* NULL in <oemStrings> */
        char *value;
        char *file;  /* fwcfg: instead of the value */
} SysinfoEntry;

typedef struct SysinfoBlock {
        SrcLoc loc;
        SysinfoEntry *entries;
        size_t n_entries;
} SysinfoBlock;

/* The blocks with entries that have names, and QEMU's type of table. */
typedef enum SysinfoTable {
        SYSINFO_BIOS,
        SYSINFO_SYSTEM,
        SYSINFO_BASE_BOARD,
        SYSINFO_CHASSIS,
        _SYSINFO_TABLE_MAX,
} SysinfoTable;

typedef struct DomainSysinfo {
        SrcLoc loc;
        SysinfoType type;
        SysinfoBlock bios, system, chassis, oem_strings; /* smbios */
        SysinfoBlock *base_boards;
        size_t n_base_boards;
        SysinfoEntry *entries; /* fwcfg */
        size_t n_entries;
} DomainSysinfo;

void sysinfo_done(DomainSysinfo *s);
/* The names that entries of TABLE can have, in libvirt's order; ends with NULL. */
const char *const *sysinfo_names(SysinfoTable table) _pure_;
/* The value of an entry, or NULL. */
const char *sysinfo_value(const SysinfoBlock *b, const char *name) _pure_;
