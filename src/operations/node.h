/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-counters.h"
#include "manager.h"

/* The host in numbers, as virsh's node verbs ask for them: read at each call, nothing is kept. All return 0 or negative
 * errno, explained in DIAG in libvirt's words. */

typedef struct NodeInfo {
        const char *model; /* "x86_64" */
        unsigned cpus, mhz;
        unsigned cells, sockets, cores, threads; /* sockets of a cell, cores of a socket, threads of a core */
        uint64_t memory;                         /* bytes */
} NodeInfo;
int node_info(Manager *m, Diag *diag, NodeInfo *ret);

/* All NUMA cells with what is free in them; a kernel without NUMA has one. */
int node_cells(Manager *m, Diag *diag, HostResources *ret);
/* Bytes that are free in a cell. */
int node_cell_free(Manager *m, int cell, Diag *diag, uint64_t *ret);

/* The sizes of pages, in bytes, the normal ones first; owned by the caller. */
int node_page_sizes(Manager *m, Diag *diag, uint64_t **ret, size_t *ret_n);
/* Free pages of PAGE_KIB in a cell, or (-1) in all. */
int node_pages_free(Manager *m, int cell, uint64_t page_kib, Diag *diag, uint64_t *ret);
/* Makes the pool of huge pages of a cell, or (-1) of the machine, COUNT pages large, or (ADD) larger. */
int node_pages_allocate(Manager *m, int cell, uint64_t page_kib, uint64_t count, bool add, Diag *diag);

/* Of one CPU or cell, or (-1) of all. A single cell has no buffers and nothing cached. */
int node_cpu_times(Manager *m, int cpu, Diag *diag, HostCpuTimes *ret);
int node_memory(Manager *m, int cell, Diag *diag, HostMemory *ret);
int node_cpu_map(Manager *m, Diag *diag, NumberSet *ret_present, NumberSet *ret_online);

/* How many vCPUs a domain of TYPE (NULL: the best there is) may have. */
int node_max_vcpus(Manager *m, const char *type, Diag *diag, unsigned *ret);
