/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "number-set.h"

/* What the kernel counts for the whole machine. ROOT is "" but in tests. All return 0 or negative errno. */

typedef struct HostCpuTimes {
        uint64_t user, system, idle, iowait; /* nanoseconds since the start */
} HostCpuTimes;

/* Of one CPU, or (-1) of all together. -ENXIO: there is no such CPU. */
int host_cpu_times(const char *root, int cpu, HostCpuTimes *ret);

typedef struct HostMemory {
        uint64_t total, free, buffers, cached; /* bytes */
} HostMemory;

/* /proc/meminfo */
int host_memory(const char *root, HostMemory *ret);

/* The CPUs there are, and those that are at work. */
int host_cpu_map(const char *root, NumberSet *ret_present, NumberSet *ret_online);

/* Of the first CPU; 0 where the kernel does not tell. */
unsigned host_cpu_mhz(const char *root);

/* A pool of huge pages: of one NUMA node or (-1) of the machine. PAGE in bytes. -ENOENT: no pages of that size. */
int host_pool_size(const char *root, int node, uint64_t page, uint64_t *ret);
int host_pool_free(const char *root, int node, uint64_t page, uint64_t *ret);
/* The kernel makes the pool as large as it can: host_pool_size() says how large it has become. */
int host_pool_resize(const char *root, int node, uint64_t page, uint64_t count);

typedef struct HostNetCounters {
        uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped;
} HostNetCounters;

/* Of a network interface, as the host sees it. -ENOENT: there is none of that name. */
int host_net_counters(const char *root, const char *name, HostNetCounters *ret);

/* TEXT of /proc/PID/stat, or of a thread's: the time on CPUs, and the one that it was on last. */
int host_stat_parse(const char *text, uint64_t *ret_cpu_nsec, unsigned *ret_cpu);

/* Bytes of the process that are in memory. -ENOENT: it has gone. */
int host_process_memory(const char *root, unsigned pid, uint64_t *ret);
