/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"
#include "qemu-caps.h"

/* What the host has, in libvirt's form, for programs that make definitions. */

typedef struct HostPages {
        uint64_t size;  /* bytes */
        uint64_t count;
} HostPages;

typedef struct HostCpu {
        unsigned id, socket, die, core;
        NumberSet siblings; /* threads of the same core */
} HostCpu;

typedef struct HostCell {
        unsigned id;
        uint64_t memory; /* bytes */
        HostPages *pages; /* owned; the normal ones first */
        size_t n_pages;
        unsigned *distances; /* owned: to each cell, in their order */
        size_t n_distances;
        HostCpu *cpus; /* owned */
        size_t n_cpus;
} HostCell;

typedef struct HostCache {
        unsigned id, level;
        char *type;    /* owned: "both", "code", "data" */
        uint64_t size; /* bytes */
        NumberSet cpus;
} HostCache;

/* The first processor; 0 and NULL: not known. */
typedef struct HostProcessor {
        char *vendor; /* owned: "GenuineIntel" */
        unsigned family, model, stepping, microcode;
        unsigned address_bits; /* of physical addresses */
} HostProcessor;

typedef struct HostTopology {
        HostProcessor processor;
        HostCell *cells; /* owned */
        size_t n_cells;
        HostCache *caches; /* owned: of the last level */
        size_t n_caches;
        bool has_iommu, can_suspend_mem, can_suspend_disk;
} HostTopology;

void host_topology_done(HostTopology *t);
#define _cleanup_host_topology_ _cleanup_(host_topology_done)

/* An emulator of the host. */
typedef struct HostGuest {
        const char *emulator;
        const QemuCaps *caps;
} HostGuest;

/* <capabilities>. 0 or -ENOMEM. */
int host_capabilities_to_xml(const HostFacts *facts, const HostTopology *topology, const HostGuest *guests, size_t n_guests, char **ret);
