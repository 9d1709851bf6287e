/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "image-file.h"
#include "machines.h"

/* What can be said of a VM's disks. 0 or negative errno, explained in DIAG in libvirt's words. */

/* The disk that DEVICE is: its target, or the path of its image, which must be of no other disk. NULL: none. */
const DomainDisk *domain_find_disk(const Domain *d, const char *device) _pure_;

/* Where its bytes come from, in a word; owned by the caller. *ret is NULL when there is none. */
int disk_source_text(const DiskSource *s, char **ret);

/* What QEMU says of all disks of a VM that runs. Hostile, and read with care. D, what runs, gets the names that QEMU knows
 * its devices by. */
typedef struct BlockReport {
        json_object *blocks, *stats; /* owned */
} BlockReport;
void block_report_done(BlockReport *r);
#define _cleanup_block_report_ _cleanup_(block_report_done)
int vm_block_report(Manager *m, const Vm *vm, Domain *d, Diag *diag, BlockReport *ret);

typedef enum BlockCounter {
        BLOCK_READ_REQUESTS,
        BLOCK_READ_BYTES,
        BLOCK_WRITE_REQUESTS,
        BLOCK_WRITE_BYTES,
        BLOCK_FLUSH_REQUESTS,
        BLOCK_READ_TIMES,
        BLOCK_WRITE_TIMES,
        BLOCK_FLUSH_TIMES,
        _BLOCK_COUNTER_MAX,
} BlockCounter;

typedef struct BlockCounters {
        uint64_t values[_BLOCK_COUNTER_MAX];
        bool has[_BLOCK_COUNTER_MAX];
} BlockCounters;

/* What the guest has done to DISK. -ENOENT: QEMU says nothing of it. */
int block_report_counters(const BlockReport *r, const DomainDisk *disk, BlockCounters *ret);
/* Adds B to A. */
void block_counters_add(BlockCounters *a, const BlockCounters *b);

/* One image of a chain as QEMU sees it. */
typedef struct BlockImage {
        uint64_t capacity, physical; /* of the disk; of the image, holes left out */
        uint64_t highest;            /* byte written so far */
        unsigned index;              /* the number that QEMU's nodes have in their names; 0: none */
} BlockImage;
/* DEPTH 0: the disk's own, 1: the one it is backed by, and so on. -ENOENT: nothing is in the drive, there is no such image,
 * or QEMU says nothing of it. */
int block_report_image(const BlockReport *r, const DomainDisk *disk, unsigned depth, BlockImage *ret);

/* The sizes of DISK. REPORT: of a VM that runs; NULL: of one that does not. */
int vm_disk_sizes(const BlockReport *report, const DomainDisk *disk, Diag *diag, ImageSizes *ret);

typedef enum DiskError {
        DISK_ERROR_NONE,
        DISK_ERROR_UNSPECIFIED,
        DISK_ERROR_NO_SPACE,
} DiskError;
DiskError block_report_error(const BlockReport *r, const DomainDisk *disk);
