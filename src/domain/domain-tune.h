/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of what the host is asked for: processor time, memory, disk time, NUMA nodes, threads. */

/* <vcpupin>, <iothreadpin> */
typedef struct ThreadPin {
        SrcLoc loc;
        OptUint id;
        bool has_cpus;
        NumberSet cpus;
} ThreadPin;

/* <vcpusched>, <iothreadsched>, <emulatorsched>; after domain_complete() one for each thread */
typedef struct ThreadSched {
        SrcLoc loc;
        bool has_ids;
        NumberSet ids; /* not for the emulator */
        Scheduler scheduler;
        bool has_priority;
        int priority; /* fifo and rr */
} ThreadSched;

/* Microseconds; a quota below 0 is none. */
typedef struct CpuBandwidth {
        OptU64 period;
        bool has_quota;
        int64_t quota;
} CpuBandwidth;

typedef struct DomainCputune {
        SrcLoc loc;
        OptU64 shares;
        CpuBandwidth vcpu, global, emulator, iothread;
        ThreadPin *vcpupins;
        size_t n_vcpupins;
        bool has_emulatorpin;
        NumberSet emulatorpin;
        ThreadPin *iothreadpins;
        size_t n_iothreadpins;
        ThreadSched emulatorsched;
        ThreadSched *vcpuscheds;
        size_t n_vcpuscheds;
        ThreadSched *iothreadscheds;
        size_t n_iothreadscheds;
} DomainCputune;

/* <numatune><memnode> */
typedef struct NumaMemnode {
        SrcLoc loc;
        OptUint cell;
        NumaMode mode;
        bool has_nodes;
        NumberSet nodes;
} NumaMemnode;

typedef struct DomainNumatune {
        SrcLoc loc;
        SrcLoc memory_loc;
        NumaMode mode;
        VcpuPlacement placement;
        bool has_nodes;
        NumberSet nodes;
        NumaMemnode *memnodes;
        size_t n_memnodes;
} DomainNumatune;

/* Bytes. */
typedef struct DomainMemtune {
        SrcLoc loc;
        OptU64 hard_limit, soft_limit, min_guarantee, swap_hard_limit;
} DomainMemtune;

typedef struct BlkioDevice {
        SrcLoc loc;
        char *path;
        OptUint weight, read_iops, write_iops;
        OptU64 read_bytes, write_bytes;
} BlkioDevice;

typedef struct DomainBlkiotune {
        SrcLoc loc;
        OptUint weight;
        BlkioDevice *devices;
        size_t n_devices;
} DomainBlkiotune;

/* <vcpus><vcpu> */
typedef struct DomainVcpu {
        SrcLoc loc;
        OptUint id;
        Tristate enabled, hotpluggable;
        OptUint order;
} DomainVcpu;

typedef struct DomainIothread {
        SrcLoc loc;
        OptUint id;
        OptUint pool_min, pool_max;             /* threads that do the blocking work */
        OptU64 poll_max, poll_grow, poll_shrink; /* nanoseconds, factor, divisor */
} DomainIothread;
