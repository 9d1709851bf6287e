/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu-emit.h"

/* Internal to src/qemu: one "memory-backend-*" object. The caller fills in the first part;
 * memory_backend_init() decides the rest from the domain. */
typedef struct MemoryBackend {
        const char *id, *file; /* QEMU's name; the name of a file for it */
        uint64_t size;
        int node;                   /* of the guest; -1: none */
        const DomainMemory *module; /* NULL: the machine's own */
        bool machine;               /* all of the machine's memory in one piece */
        SrcLoc loc;

        const char *driver, *path;
        uint64_t page_size; /* huge pages; 0: none */
        MemoryAccess access;
        Tristate discard;
        NumaMode mode;
        const NumberSet *nodes; /* of the host; NULL: any */
        bool prealloc, reserve;
        char *handed_over; /* owned until it is emitted: where QEMU finds the descriptor of a file */
} MemoryBackend;

/* Whether NUMA nodes have no back ends of their own: on old machines, unless one of them needs something special.
 * Options for all of the machine's memory take their place. */
bool numa_is_plain(const Emit *e);

void memory_backend_init(const Emit *e, MemoryBackend *b);
/* The file or directory it is in; NULL when memory is out. */
char *memory_backing_path(const Emit *e, const MemoryBackend *b);
int emit_memory_backend(Emit *e, MemoryBackend *b);

/* In whole mebibytes, as QEMU wants it. */
uint64_t cell_size(const NumaCell *c) _pure_;
