/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "qemu-memory.h"
#include "string-util.h"

/* Memory: what there is, what it is made from, and modules. */

#define MIB (UINT64_C(1) << 20)
/* What modules are rounded up to: smaller ones would be wasted by the guest's large pages. */
#define MODULE_ALIGN (2 * MIB)
/* Where systemd mounts huge pages of the default size. */
#define HUGEPAGE_DEFAULT (2 * MIB)

const char *ram_id(const Domain *d) {
        return arch_is_x86(d) ? "pc.ram" : "mach-virt.ram";
}

static uint64_t whole_mib(uint64_t bytes) {
        return DIV_ROUND_UP(bytes, MIB) * MIB;
}

uint64_t cell_size(const NumaCell *c) {
        uint64_t bytes;

        return unit_size_bytes(&c->memory, &bytes) < 0 ? 0 : whole_mib(bytes);
}

uint64_t ram_size(const Domain *d) {
        uint64_t sum = 0;

        if (d->cpu.n_cells == 0)
                return whole_mib(d->memory - domain_module_memory(d));
        FOREACH_ARRAY(c, d->cpu.cells, d->cpu.n_cells)
                sum += cell_size(c);
        return sum;
}

/* --- back ends --- */

static uint64_t page_bytes(const HugePage *p) {
        uint64_t bytes;

        return unit_size_bytes(&p->size, &bytes) < 0 ? 0 : bytes;
}

/* The huge pages of a node: those that are for it, else those that are for all. 0: none, or such as all have. */
static uint64_t node_page_size(const Emit *e, int node) {
        const MemoryBacking *m = &e->domain->memory_backing;
        uint64_t size = 0;

        if (!m->hugepages)
                return 0;
        if (m->n_pages == 0)
                return HUGEPAGE_DEFAULT;
        FOREACH_ARRAY(p, m->pages, m->n_pages) {
                if (!p->has_nodes && size == 0)
                        size = page_bytes(p);
                if (p->has_nodes && number_set_has(&p->nodes, node < 0 ? 0 : (unsigned) node))
                        size = page_bytes(p);
        }
        return size == e->facts->page_size ? 0 : size;
}

static void choose_pages(const Emit *e, MemoryBackend *b) {
        const DomainMemory *m = b->module;

        if (m && m->path && (m->model == MEMORY_NVDIMM || m->model == MEMORY_VIRTIO_PMEM))
                b->path = m->path;
        else if (m && m->page_size.set)
                b->page_size = m->page_size.value == e->facts->page_size ? 0 : m->page_size.value;
        else
                b->page_size = node_page_size(e, b->node);
}

static void choose_access(const Emit *e, MemoryBackend *b) {
        const MemoryBacking *backing = &e->domain->memory_backing;
        const NumaCell *cell = b->node >= 0 && (size_t) b->node < e->domain->cpu.n_cells
                                       ? &e->domain->cpu.cells[b->node] : NULL;

        if (b->module) {
                b->access = b->module->access;
                b->discard = b->module->discard;
        }
        if (cell) {
                b->access = b->access ?: cell->access;
                b->discard = b->discard ?: cell->discard;
        }
        b->access = b->access ?: backing->access;
        if (b->discard == TRI_UNSET && backing->discard)
                b->discard = TRI_YES;
        if (b->path)
                b->discard = TRI_UNSET; /* these are there to be kept */
}

/* The module's own nodes, those of the guest's node, or those of the whole machine. */
static void choose_nodes(const Emit *e, MemoryBackend *b) {
        const DomainNumatune *n = &e->domain->numatune;
        const NumberSet *nodes = n->has_nodes ? &n->nodes : NULL;

        b->mode = n->mode;
        FOREACH_ARRAY(m, n->memnodes, n->n_memnodes)
                if (b->node >= 0 && m->cell.value == (unsigned) b->node) {
                        b->mode = m->mode;
                        nodes = &m->nodes;
                }
        if (b->module && b->module->has_source_nodes)
                nodes = &b->module->source_nodes;
        if (b->mode == NUMA_UNSET)
                b->mode = NUMA_STRICT;
        b->nodes = b->mode == NUMA_RESTRICTIVE ? NULL : nodes;
}

static void choose_driver(const Emit *e, MemoryBackend *b) {
        const MemoryBacking *backing = &e->domain->memory_backing;
        bool virtio_mem = b->module && b->module->model == MEMORY_VIRTIO_MEM;
        bool pmem = b->module && b->module->model == MEMORY_VIRTIO_PMEM;

        if (b->path)
                b->driver = "memory-backend-file";
        else if (backing->source == MEMORY_SOURCE_MEMFD)
                b->driver = "memory-backend-memfd";
        else if (b->page_size > 0 || b->access != MEMORY_ACCESS_UNSET || backing->source == MEMORY_SOURCE_FILE)
                b->driver = "memory-backend-file";
        else
                b->driver = "memory-backend-ram";
        b->prealloc = backing->allocation == ALLOCATION_IMMEDIATE || b->page_size > 0;
        if (b->path && !pmem)
                b->prealloc = true;
        if (b->module && b->module->pmem)
                b->prealloc = false;
        if (pmem)
                b->prealloc = backing->allocation == ALLOCATION_IMMEDIATE;
        b->reserve = !virtio_mem;
}

void memory_backend_init(const Emit *e, MemoryBackend *b) {
        choose_pages(e, b);
        choose_access(e, b);
        choose_nodes(e, b);
        choose_driver(e, b);
}

static const char *numa_policy(NumaMode mode) {
        return mode == NUMA_STRICT ? "bind" : numa_mode_to_string(mode);
}

char *memory_backing_path(const Emit *e, const MemoryBackend *b) {
        if (b->path)
                return strdup(b->path);
        if (b->page_size == HUGEPAGE_DEFAULT)
                return strdup("/dev/hugepages");
        if (b->page_size > 0 && b->page_size % (1024 * MIB) == 0)
                return strf("/dev/hugepages%lluG", (unsigned long long) (b->page_size / (1024 * MIB)));
        if (b->page_size > 0)
                return strf("/dev/hugepages%lluK", (unsigned long long) (b->page_size / 1024));
        return strf("%s/ram/%s", e->runtime_dir, b->file);
}

/* QEMU takes memory from files by their path only. */
static int map_file(Emit *e, MemoryBackend *b) {
        _cleanup_free_ char *name = strf("memory-%s", b->id);
        FileRequest request = {
                .name = name, .path = b->path, .element = b->module ? "memory" : "memoryBacking", .loc = b->loc, .writable = true,
                .labelling = LABELLING_IMAGE,
        };

        if (!name)
                return -ENOMEM;
        free(b->handed_over);
        b->handed_over = emit_mapped(e, &request, b->size);
        return b->handed_over ? 0 : -ENOMEM;
}

/* A confined QEMU sees no file system of huge pages, and needs none. */
static int wire_backend(Emit *e, MemoryBackend *b) {
        if (e->native || !streq(b->driver, "memory-backend-file"))
                return 0;
        if (b->path || (b->page_size == 0 && e->domain->memory_backing.source == MEMORY_SOURCE_FILE))
                return map_file(e, b);
        b->driver = "memory-backend-memfd";
        if (b->access == MEMORY_ACCESS_UNSET)
                b->access = MEMORY_ACCESS_PRIVATE; /* what it would be for a file */
        b->discard = TRI_UNSET;                    /* nothing is written back anyhow */
        return 0;
}

static void add_driver(const Emit *e, const MemoryBackend *b, Json *j) {
        _cleanup_free_ char *path = NULL;

        json_add_string(j, "qom-type", b->driver);
        json_add_string(j, "id", b->id);
        if (streq(b->driver, "memory-backend-memfd") && b->page_size > 0) {
                json_add_bool(j, "hugetlb", true);
                json_add_uint(j, "hugetlbsize", b->page_size);
        } else if (streq(b->driver, "memory-backend-file")) {
                path = b->handed_over ? NULL : memory_backing_path(e, b);
                json_add_string(j, "mem-path", b->handed_over ?: strempty(path));
        }
        if (streq(b->driver, "memory-backend-file") && b->discard != TRI_UNSET)
                json_add_bool(j, "discard-data", b->discard == TRI_YES);
        if (!streq(b->driver, "memory-backend-ram")) {
                if (b->access != MEMORY_ACCESS_UNSET)
                        json_add_bool(j, "share", b->access == MEMORY_ACCESS_SHARED);
                if (b->machine) /* the name it had before there were back ends */
                        json_add_bool(j, "x-use-canonical-path-for-ramblock-id", false);
        }
}

int emit_memory_backend(Emit *e, MemoryBackend *b) {
        _cleanup_qjson_ Json j = {}, context = {};
        int r = wire_backend(e, b);
        bool prealloc = b->prealloc && b->reserve;

        if (r < 0)
                return r;
        add_driver(e, b, &j);
        b->handed_over = mfree(b->handed_over);
        if (!b->reserve)
                json_add_bool(&j, "reserve", false);
        if (prealloc)
                json_add_bool(&j, "prealloc", true);
        if (b->reserve && e->domain->memory_backing.threads.set)
                json_add_uint(&j, "prealloc-threads", e->domain->memory_backing.threads.value);
        json_add_uint(&j, "size", b->size);
        if (b->module && b->module->align_size.set)
                json_add_uint(&j, "align", b->module->align_size.value);
        if (b->module && b->module->pmem)
                json_add_bool(&j, "pmem", true);
        if (b->nodes) {
                json_add_number_set(&j, "host-nodes", b->nodes);
                json_add_string(&j, "policy", numa_policy(b->mode));
        }
        if (prealloc && b->nodes && qemu_caps_has_type(e->caps, "thread-context")) {
                /* The threads that touch the memory run where it shall be. */
                json_add_string(&context, "qom-type", "thread-context");
                json_add_stringf(&context, "id", "tc-%s", b->id);
                json_add_number_set(&context, "node-affinity", b->nodes);
                emit_json(e, "-object", &context);
                e->out->places_threads = true;
                json_add_stringf(&j, "prealloc-context", "tc-%s", b->id);
        }
        emit_json(e, "-object", &j);
        return 0;
}

/* --- the machine's memory --- */

int emit_memory(Emit *e) {
        const Domain *d = e->domain;
        uint64_t size = ram_size(d);

        if (d->max_memory.set)
                emit_optionf(e, "-m", "size=%lluk,slots=%u,maxmem=%lluk", (unsigned long long) (size / 1024),
                             d->memory_slots.value, (unsigned long long) (whole_mib(d->max_memory.value) / 1024));
        else
                emit_optionf(e, "-m", "%llu", (unsigned long long) (size / MIB));
        if (d->cpu.n_cells == 0) {
                MemoryBackend b = {
                        .id = ram_id(d), .file = ram_id(d), .size = size, .node = -1, .machine = true, .loc = d->memory_loc,
                };
                memory_backend_init(e, &b);
                int r = emit_memory_backend(e, &b);
                if (r < 0)
                        return r;
        }
        emit_optionf(e, "-overcommit", "mem-lock=%s", d->memory_backing.locked ? "on" : "off");
        return 0;
}

/* --- modules --- */

static const char *module_driver(const DomainMemory *m) {
        switch (m->model) {
        case MEMORY_NVDIMM:
                return "nvdimm";
        case MEMORY_VIRTIO_PMEM:
                return "virtio-pmem-pci";
        case MEMORY_VIRTIO_MEM:
                return "virtio-mem-pci";
        default:
                return "pc-dimm";
        }
}

/* Whether the options for the whole machine say so. */
static bool is_preallocated(const Emit *e) {
        const MemoryBacking *m = &e->domain->memory_backing;

        return m->allocation == ALLOCATION_IMMEDIATE || node_page_size(e, 0) > 0;
}

static int emit_module(Emit *e, const DomainMemory *m) {
        _cleanup_free_ char *id = strf("mem%s", strempty(m->info.alias));
        _cleanup_qjson_ Json j = {};
        MemoryBackend b = {
                .id = id, .file = m->info.alias, .module = m, .node = m->node.set ? (int) m->node.value : -1,
                .size = DIV_ROUND_UP(m->size.value, MODULE_ALIGN) * MODULE_ALIGN, .loc = m->info.loc,
        };

        if (!id)
                return -ENOMEM;
        memory_backend_init(e, &b);
        if (m->model != MEMORY_VIRTIO_MEM && numa_is_plain(e))
                b.prealloc &= !is_preallocated(e); /* all memory is */
        int r = emit_memory_backend(e, &b);
        if (r < 0)
                return r;
        json_add_string(&j, "driver", module_driver(m));
        if (m->node.set)
                json_add_uint(&j, "node", m->node.value);
        if (m->label_size.set && m->model == MEMORY_NVDIMM)
                json_add_uint(&j, "label-size", m->label_size.value);
        if (m->model == MEMORY_VIRTIO_MEM) {
                json_add_uint(&j, "block-size", m->block_size.value);
                if (m->requested.value > 0)
                        json_add_uint(&j, "requested-size", m->requested.value);
        }
        if (m->readonly && m->model == MEMORY_NVDIMM)
                json_add_bool(&j, "unarmed", true);
        json_add_string(&j, "memdev", id);
        if (!b.reserve && b.prealloc)
                json_add_bool(&j, "prealloc", true);
        json_add_string(&j, "id", m->info.alias);
        if (m->info.address.type == ADDRESS_DIMM) {
                json_add_uint(&j, "slot", m->info.address.slot.value);
                if (m->info.address.base.set)
                        json_add_uint(&j, "addr", m->info.address.base.value);
        } else
                json_address(e, &j, &m->info);
        emit_json(e, "-device", &j);
        return 0;
}

int emit_memory_modules(Emit *e) {
        FOREACH_ARRAY(m, e->domain->memories, e->domain->n_memories) {
                int r = emit_module(e, m);
                if (r < 0)
                        return r;
        }
        return 0;
}
