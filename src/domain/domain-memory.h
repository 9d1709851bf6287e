/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of where memory comes from, and of memory modules. */

/* A size with its unit beside it, as an attribute each; after domain_complete() the unit is KiB. */
typedef struct UnitSize {
        OptU64 number;
        char *unit;
} UnitSize;

/* -EINVAL for an unknown unit, -ERANGE when it is too large. */
int unit_size_bytes(const UnitSize *s, uint64_t *ret);
/* Makes the unit KiB; what cannot be converted stays. 0 or -ENOMEM. */
int unit_size_complete(UnitSize *s);

/* <hugepages><page> */
typedef struct HugePage {
        SrcLoc loc;
        UnitSize size;
        bool has_nodes;
        NumberSet nodes; /* of the guest; without: all others */
} HugePage;

typedef struct MemoryBacking {
        SrcLoc loc;
        bool hugepages;
        SrcLoc hugepages_loc;
        HugePage *pages;
        size_t n_pages;
        bool nosharepages, locked, discard;
        MemorySource source;
        MemoryAccess access;
        MemoryAllocation allocation;
        OptUint threads;
} MemoryBacking;

/* <devices><memory>; sizes in bytes */
typedef struct DomainMemory {
        DeviceInfo info;
        MemoryModel model;
        MemoryAccess access;
        Tristate discard;
        bool has_uuid;
        uint8_t uuid[16];
        char *path; /* nvdimm, virtio-pmem */
        bool has_source_nodes;
        NumberSet source_nodes; /* of the host */
        OptU64 page_size, align_size;
        bool pmem, readonly;
        OptU64 size, label_size, block_size, requested;
        OptUint node; /* of the guest */
} DomainMemory;
