/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"
#include "manager.h"

/* The state of a guest in a file for those who look for its mistakes. */

typedef enum DumpFormat {
        DUMP_ELF, /* "elf" … as QEMU calls them */
        DUMP_KDUMP_ZLIB,
        DUMP_KDUMP_LZO,
        DUMP_KDUMP_SNAPPY,
        DUMP_WIN_DMP,
        _DUMP_FORMAT_MAX,
} DumpFormat;
DECLARE_STRING_TABLE(dump_format, DumpFormat);

typedef struct DumpOptions {
        bool memory_only; /* in FORMAT; else the stream that QEMU writes for a migration */
        DumpFormat format;
        bool live;         /* the guest runs until the end of it */
        bool crash, reset; /* what becomes of the guest then; else it goes on as it was */
        void (*progress)(unsigned percent, void *userdata); /* NULL: nobody wants to know */
        void *userdata;
} DumpOptions;

/* Dumps VM into the file PATH, which is replaced when that is complete. When it fails, the guest goes on. */
int vm_dump(Manager *m, const Vm *vm, const char *path, const DumpOptions *options, Diag *diag);
