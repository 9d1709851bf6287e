/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-memory.h"

/* The model of the guest's processor and its NUMA nodes. */

typedef struct CpuFeature {
        SrcLoc loc;
        CpuPolicy policy;
        char *name;
} CpuFeature;

/* As many as QEMU takes. */
#define NUMA_CELLS_MAX 128U
#define NUMA_DISTANCE_LOCAL 10U
#define NUMA_DISTANCE_REMOTE 20U /* where nothing is said */
#define NUMA_DISTANCE_MAX 255U

typedef struct NumaDistance {
        SrcLoc loc;
        OptUint cell, value;
} NumaDistance;

typedef struct NumaCache {
        SrcLoc loc;
        OptUint level;
        NumaCacheAssociativity associativity;
        NumaCachePolicy policy;
        UnitSize size, line;
} NumaCache;

/* <latency>, <bandwidth> */
typedef struct NumaInterconnect {
        SrcLoc loc;
        InterconnectKind kind;
        OptUint initiator, target, cache;
        InterconnectAccess access;
        UnitSize value; /* a latency (nanoseconds) has no unit */
} NumaInterconnect;

typedef struct NumaCell {
        SrcLoc loc;
        OptUint id;
        bool has_cpus;
        NumberSet cpus;
        UnitSize memory;
        MemoryAccess access;
        Tristate discard;
        NumaDistance *distances;
        size_t n_distances;
        NumaCache *caches;
        size_t n_caches;
} NumaCell;

typedef struct DomainCpu {
        SrcLoc loc; /* line 0: no <cpu> */
        CpuMode mode;
        CpuMatch match;
        CpuCheck check;
        Tristate migratable;
        char *model, *vendor, *vendor_id;
        CpuFallback fallback;
        OptUint sockets, dies, cores, threads;
        CpuCacheMode cache;
        OptUint cache_level;
        PhysAddrMode maxphysaddr;
        OptUint physaddr_bits, physaddr_limit;
        CpuFeature *features;
        size_t n_features;
        SrcLoc numa_loc; /* line 0: no <numa> */
        NumaCell *cells; /* after domain_complete() the one with ID N is at N */
        size_t n_cells;
        NumaInterconnect *interconnects;
        size_t n_interconnects;
} DomainCpu;
