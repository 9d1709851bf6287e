/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "qemu-memory.h"
#include "qemu-pages.h"
#include "string-util.h"
#include "text.h"

/* Huge pages are taken when QEMU starts, each back end's from its own nodes. QEMU would only say that it cannot
 * allocate memory. */

#define MODULE_ALIGN (UINT64_C(2) << 20)

/* What is still free on the way from back end to back end. */
typedef struct Pages {
        const Emit *e;
        HostResources left; /* owned */
        Diag *diag;
        int result;
} Pages;

static int copy_resources(const HostResources *r, HostResources *ret) {
        _cleanup_host_resources_ HostResources x = {};

        FOREACH_ARRAY(n, r->nodes, r->n_nodes) {
                if (!ARRAY_GROW(x.nodes, x.n_nodes))
                        return -ENOMEM;
                HostNode *copy = x.nodes + x.n_nodes++;
                *copy = (HostNode) { .id = n->id, .n_pools = n->n_pools };
                copy->pools = calloc(MAX(n->n_pools, (size_t) 1), sizeof(HostPool));
                if (!copy->pools)
                        return -ENOMEM;
                if (n->n_pools > 0)
                        memcpy(copy->pools, n->pools, n->n_pools * sizeof(HostPool));
        }
        *ret = x;
        x = (HostResources) {};
        return 0;
}

static HostPool *pool_of(const HostNode *n, uint64_t size) {
        FOREACH_ARRAY(p, n->pools, n->n_pools)
                if (p->size == size)
                        return p;
        return NULL;
}

/* Where the pages may be; NULL: on any node. */
static const NumberSet *nodes_of(const Domain *d, const MemoryBackend *b) {
        const DomainNumatune *t = &d->numatune;

        if (b->nodes && b->mode == NUMA_STRICT)
                return b->nodes;
        return t->has_nodes && (t->mode == NUMA_STRICT || t->mode == NUMA_RESTRICTIVE) ? &t->nodes : NULL;
}

static bool is_allowed(const NumberSet *nodes, unsigned id) {
        return !nodes || number_set_has(nodes, id);
}

/* "100 on node 0, 20 on node 1" */
static char *describe(const HostResources *r, const NumberSet *nodes, uint64_t size) {
        _cleanup_text_ Text t = {};
        char *text;

        FOREACH_ARRAY(n, r->nodes, r->n_nodes) {
                const HostPool *p = pool_of(n, size);
                if (is_allowed(nodes, n->id))
                        text_appendf(&t, "%s%" PRIu64 " on node %u", t.length > 0 ? ", " : "", p ? p->free : 0, n->id);
        }
        if (t.length == 0)
                text_append(&t, "none");
        return text_finish(&t, &text) < 0 ? NULL : text;
}

static void take(Pages *x, const MemoryBackend *b, const char *what) {
        const NumberSet *nodes = nodes_of(x->e->domain, b);
        uint64_t wanted, missing;

        if (b->page_size == 0 || b->path)
                return;
        wanted = missing = DIV_ROUND_UP(b->size, b->page_size);
        _cleanup_free_ char *free_pages = describe(&x->left, nodes, b->page_size);
        FOREACH_ARRAY(n, x->left.nodes, x->left.n_nodes) {
                HostPool *p = is_allowed(nodes, n->id) ? pool_of(n, b->page_size) : NULL;
                uint64_t taken = p ? MIN(p->free, missing) : 0;
                if (p)
                        p->free -= taken;
                missing -= taken;
        }
        if (missing > 0)
                x->result = diag_error_code(x->diag, -ENOMEM, b->loc, "%s needs %" PRIu64 " huge pages of %" PRIu64
                                            " KiB; free are: %s", what, wanted, b->page_size / 1024, strempty(free_pages));
}

static void take_machine(Pages *x) {
        const Domain *d = x->e->domain;
        MemoryBackend b = { .node = -1, .machine = true, .size = ram_size(d), .loc = d->memory_backing.hugepages_loc };

        if (d->cpu.n_cells > 0)
                return;
        memory_backend_init(x->e, &b);
        take(x, &b, "memory");
}

static void take_cell(Pages *x, const NumaCell *c) {
        _cleanup_free_ char *what = strf("memory of the guest's NUMA node %u", c->id.value);
        MemoryBackend b = { .node = (int) c->id.value, .size = cell_size(c), .loc = x->e->domain->memory_backing.hugepages_loc };

        memory_backend_init(x->e, &b);
        take(x, &b, strempty(what));
}

static void take_module(Pages *x, const DomainMemory *m) {
        MemoryBackend b = {
                .module = m, .node = m->node.set ? (int) m->node.value : -1,
                .size = DIV_ROUND_UP(m->size.value, MODULE_ALIGN) * MODULE_ALIGN, .loc = m->info.loc,
        };

        memory_backend_init(x->e, &b);
        if (b.reserve) /* others take their pages as they are plugged in */
                take(x, &b, "memory module");
}

int qemu_check_huge_pages(const Domain *d, const HostFacts *f, Diag *diag) {
        Emit e = { .domain = d, .facts = f };
        Pages x = { .e = &e, .diag = diag };

        if (!f->resources.known)
                return 0;
        int r = copy_resources(&f->resources, &x.left);
        if (r < 0)
                return r;
        take_machine(&x);
        FOREACH_ARRAY(c, d->cpu.cells, d->cpu.n_cells)
                take_cell(&x, c);
        FOREACH_ARRAY(m, d->memories, d->n_memories)
                take_module(&x, m);
        host_resources_done(&x.left);
        return x.result;
}
