/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-parse-model.h"

/* Memory: how much there is, what it is made from, and the guest's NUMA nodes. */

#define KIB UINT64_C(1024)
#define HUGEPAGE_DEFAULT (2048 * KIB)

#define FRACTION_MAX 9U /* digits that count */

/* How many bytes a unit is, as a power of two; -1: there is no such unit. */
static int unit_shift(const char *s, unsigned otherwise) {
        static const char units[] = "bkmgtpe";
        const char *u = *s ? strchr(units, *s | 0x20) : NULL;

        return !*s ? (int) otherwise : u && *u && !s[1] ? (int) (u - units) * 10 : -1;
}

/* The part behind the point, in bytes. */
static uint64_t fraction(const char *digits, size_t n, int shift) {
        double f = 0;

        for (size_t k = MIN(n, (size_t) FRACTION_MAX); k-- > 0;)
                f = (f + (digits[k] - '0')) / 10;
        return (uint64_t) (f * (double) (UINT64_C(1) << shift));
}

bool parse_size(const char *s, unsigned shift, uint64_t *ret) {
        if (!s)
                return false;
        bool hex = startswith(s, "0x") || startswith(s, "0X");
        size_t n = hex ? 2 + strspn(s + 2, "0123456789abcdefABCDEF") : strspn(s, DIGITS), more = 0;
        _cleanup_free_ char *number = strndup(s, n);

        if (!number || n == 0 || parse_u64(number, hex ? 16 : 10, ret) < 0)
                return false;
        const char *rest = s + n, *digits = rest + 1;
        if (*rest == '.') {
                more = strspn(digits, DIGITS);
                rest = digits + more;
                if (hex || more == 0)
                        return false;
        }
        int k = unit_shift(rest, shift);
        if (k < 0 || (hex && *rest) || *ret > UINT64_MAX >> k)
                return false;
        *ret <<= k;
        uint64_t add = fraction(digits, more, k);
        if (*ret > UINT64_MAX - add)
                return false;
        *ret += add;
        return true;
}

static bool take_size(Item *i, const char *key, unsigned shift, uint64_t *ret) {
        const char *s = item_get(i, key);

        if (!parse_size(s, shift, ret))
                return false;
        (void) item_take(i, key);
        return true;
}

static int set_unit_size(UnitSize *s, uint64_t kib) {
        s->number = OPT_U64(kib);
        return free_and_strdup(&s->unit, "KiB");
}

/* --- back ends --- */

typedef struct Backend {
        Item *item, *context;
        const char *driver;
        uint64_t size, page_size;
        bool on_disk, prealloc, has_nodes, pmem;
        bool module;      /* may be what only modules can be */
        const char *path; /* a module's own file */
        OptU64 align;
        Tristate share, discard, reserve;
        OptUint threads;
        NumberSet nodes;
        NumaMode mode;
} Backend;

static bool read_path(Item *i, Backend *b) {
        const char *path = item_get(i, "mem-path"), *pages = path ? startswith(path, "/dev/hugepages") : NULL;

        if (!path)
                return false;
        if (pages && !*pages)
                b->page_size = HUGEPAGE_DEFAULT;
        else if (pages && !parse_size(pages, 0, &b->page_size))
                return false;
        else if (!pages && !startswith(path, "/run/vmunit/")) {
                if (!b->module)
                        return false;
                b->path = path;
        }
        b->on_disk = !pages;
        (void) item_take(i, "mem-path");
        return true;
}

static bool read_nodes(Item *i, Backend *b) {
        const char *policy = item_take(i, "policy");
        unsigned n;

        FOREACH_ARRAY(q, i->props, i->n_props) {
                if (!startswith(q->key, "host-nodes"))
                        continue;
                if (parse_uint(q->value, &n) < 0 || n >= NUMBER_SET_MAX)
                        return false;
                number_set_add(&b->nodes, n);
                b->has_nodes = q->used = true;
        }
        int mode = !policy || streq(policy, "bind") ? (int) NUMA_STRICT : (int) numa_mode_from_string(policy);
        if (mode < 0)
                return false;
        b->mode = (NumaMode) mode;
        return true;
}

static const PropRow module_rows[] = {
        PROP("reserve", PROP_TRISTATE, Backend, reserve),
        PROP("pmem", PROP_FLAG, Backend, pmem),
        PROPS_END,
};
static const PropRow backend_rows[] = {
        PROP("share", PROP_TRISTATE, Backend, share),
        PROP("discard-data", PROP_TRISTATE, Backend, discard),
        PROP("prealloc", PROP_FLAG, Backend, prealloc),
        PROP("prealloc-threads", PROP_UINT, Backend, threads),
        PROP_MUST("x-use-canonical-path-for-ramblock-id", "off"),
        PROP_REST("id"),
        PROP_REST("qom-type"),
        PROPS_END,
};

/* Whether it is memory as a definition can describe it. */
static bool read_backend(Parse *p, const char *id, Backend *b) {
        Item *i = items_find(&p->items, "-object", id);

        if (!i || i->used)
                return false;
        b->item = i;
        b->driver = strempty(item_get(i, "qom-type"));
        bool memfd = streq(b->driver, "memory-backend-memfd");
        if (streq(b->driver, "memory-backend-file")) {
                if (!read_path(i, b))
                        return false;
        } else if (!memfd && !streq(b->driver, "memory-backend-ram"))
                return false;
        if (memfd && streq_ptr(item_take(i, "hugetlb"), "on") && !take_size(i, "hugetlbsize", 0, &b->page_size))
                return false;
        if (!take_size(i, "size", 0, &b->size) || !read_nodes(i, b) || props_apply(i, backend_rows, b) < 0)
                return false;
        if (b->module && props_apply(i, module_rows, b) < 0)
                return false;
        if (b->module && take_size(i, "align", 0, &b->align.value))
                b->align.set = true;
        b->context = items_find(&p->items, "-object", item_get(i, "prealloc-context"));
        if (b->context)
                (void) item_take(i, "prealloc-context");
        return item_is_used_up(i);
}

static int add_page(MemoryBacking *m, uint64_t size, int node) {
        if (!ARRAY_GROW(m->pages, m->n_pages))
                return -ENOMEM;
        HugePage *page = m->pages + m->n_pages++;
        *page = (HugePage) { .has_nodes = node >= 0 };
        if (node >= 0)
                number_set_add(&page->nodes, (unsigned) node);
        return set_unit_size(&page->size, size / KIB);
}

/* What holds for all memory. NODE: of the guest; -1: the machine's memory as a whole. */
static int merge_backend(Parse *p, const Backend *b, int node) {
        MemoryBacking *m = &p->d->memory_backing;
        int r = 0;

        if (streq(b->driver, "memory-backend-memfd"))
                m->source = MEMORY_SOURCE_MEMFD;
        else if (b->on_disk && b->share == TRI_UNSET)
                m->source = MEMORY_SOURCE_FILE;
        if (b->page_size > 0) {
                m->hugepages = true;
                if (node >= 0 || b->page_size != HUGEPAGE_DEFAULT)
                        r = add_page(m, b->page_size, node);
        } else if (b->prealloc)
                m->allocation = ALLOCATION_IMMEDIATE;
        if (b->threads.set) {
                m->threads = b->threads;
                m->allocation = ALLOCATION_IMMEDIATE;
        }
        b->item->used = true;
        if (b->context)
                b->context->used = true;
        return r;
}

/* The machine's memory, which -machine names. */
int parse_ram(Parse *p, Item *machine) {
        DomainNumatune *tune = &p->d->numatune;
        MemoryBacking *m = &p->d->memory_backing;
        const char *id = item_get(machine, "memory-backend");
        Backend b = {};

        if (!id || !read_backend(p, id, &b) || b.discard == TRI_NO)
                return 0;
        m->discard = b.discard == TRI_YES;
        m->access = b.share == TRI_YES ? MEMORY_ACCESS_SHARED : b.share == TRI_NO ? MEMORY_ACCESS_PRIVATE : MEMORY_ACCESS_UNSET;
        if (b.has_nodes) {
                tune->has_nodes = true;
                tune->nodes = b.nodes;
                tune->mode = b.mode;
        }
        (void) item_take(machine, "memory-backend");
        return merge_backend(p, &b, -1);
}

/* --- -m --- */

int parse_memory(Parse *p, Item *i) {
        const char *slots = item_get(i, "slots");
        Domain *d = p->d;
        uint64_t size, max;

        if (item_get(i, "size")) {
                if (!take_size(i, "size", 20, &size))
                        return diag_error(p->diag, (SrcLoc) {}, "-m %s: not a size of memory", strempty(i->value));
                if (size > 0) /* 0 is what there is without the option */
                        d->memory = size;
        }
        if (slots && parse_uint(slots, &d->memory_slots.value) >= 0 && take_size(i, "maxmem", 20, &max)) {
                d->memory_slots.set = true;
                d->max_memory = OPT_U64(max);
                (void) item_take(i, "slots");
        }
        return !item_is_used_up(i);
}

/* --- NUMA nodes --- */

static NumaCell *cell_of(Parse *p, unsigned id) {
        DomainCpu *cpu = &p->d->cpu;

        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells)
                if (c->id.value == id)
                        return c;
        return NULL;
}

static bool read_cpus(Item *i, NumaCell *c) {
        FOREACH_ARRAY(q, i->props, i->n_props) {
                NumberSet set;
                if (!streq(q->key, "cpus"))
                        continue;
                if (number_set_parse(q->value, &set) < 0)
                        return false;
                for (unsigned k = 0; k < NUMBER_SET_MAX; k++)
                        if (number_set_has(&set, k))
                                number_set_add(&c->cpus, k);
                c->has_cpus = q->used = true;
        }
        return true;
}

static int add_memnode(Parse *p, unsigned cell, const Backend *b) {
        DomainNumatune *tune = &p->d->numatune;

        if (!b->has_nodes)
                return 0;
        if (!ARRAY_GROW(tune->memnodes, tune->n_memnodes))
                return -ENOMEM;
        tune->memnodes[tune->n_memnodes++] = (NumaMemnode) {
                .cell = OPT_UINT(cell), .mode = b->mode, .has_nodes = true, .nodes = b->nodes,
        };
        return 0;
}

static int parse_node(Parse *p, Item *i) {
        DomainCpu *cpu = &p->d->cpu;
        const char *id = item_get(i, "nodeid"), *memdev = item_get(i, "memdev");
        _cleanup_free_ char *name = NULL;
        unsigned n = (unsigned) cpu->n_cells;
        NumaCell cell = {};
        Backend b = {};

        if (id && parse_uint(id, &n) < 0)
                return 1;
        if (n >= NUMA_CELLS_MAX || cell_of(p, n) || !read_cpus(i, &cell) || !(name = strf("ram-node%u", n)))
                return 1;
        cell.id = OPT_UINT(n);
        if (memdev ? !streq(memdev, name) || !read_backend(p, memdev, &b) : !take_size(i, "mem", 20, &b.size))
                return 1;
        (void) item_take(i, "type");
        (void) item_take(i, "nodeid");
        (void) item_take(i, "memdev");
        (void) item_take(i, "initiator"); /* follows from the rest */
        if (!item_is_used_up(i))
                return 1;
        cell.access = b.share == TRI_YES ? MEMORY_ACCESS_SHARED : b.share == TRI_NO ? MEMORY_ACCESS_PRIVATE : MEMORY_ACCESS_UNSET;
        cell.discard = b.discard;
        int r = set_unit_size(&cell.memory, b.size / KIB);
        if (r < 0 || !ARRAY_GROW(cpu->cells, cpu->n_cells))
                return -ENOMEM;
        cpu->cells[cpu->n_cells++] = cell;
        cpu->loc.line = 1;
        r = b.item ? merge_backend(p, &b, (int) n) : 0;
        return r < 0 ? r : add_memnode(p, n, &b);
}

typedef struct Numbers {
        OptUint a, b, c, d, e;
} Numbers;

static int parse_distance(Parse *p, Item *i) {
        const PropRow rows[] = {
                PROP("src", PROP_UINT, Numbers, a), PROP("dst", PROP_UINT, Numbers, b), PROP("val", PROP_UINT, Numbers, c), PROPS_END,
        };
        Numbers n = {};
        int r = props_apply(i, rows, &n);
        NumaCell *cell = cell_of(p, n.a.value);

        if (r < 0)
                return r;
        (void) item_take(i, "type");
        if (!cell || !n.a.set || !n.b.set || !n.c.set || !item_is_used_up(i))
                return 1;
        if (!ARRAY_GROW(cell->distances, cell->n_distances))
                return -ENOMEM;
        cell->distances[cell->n_distances++] = (NumaDistance) { .cell = n.b, .value = n.c };
        return 0;
}

/* "access-latency" → both words. */
static bool read_data_type(const char *s, NumaInterconnect *c) {
        const char *dash = s ? strchr(s, '-') : NULL;
        _cleanup_free_ char *first = dash ? strndup(s, (size_t) (dash - s)) : NULL;
        int access = first ? (int) interconnect_access_from_string(first) : -1, kind = dash ? (int) interconnect_kind_from_string(dash + 1) : -1;

        c->access = (InterconnectAccess) access;
        c->kind = (InterconnectKind) kind;
        return access > 0 && kind > 0;
}

static int parse_interconnect(Parse *p, Item *i) {
        static const char *const levels[] = { "memory", "first-level", "second-level", "third-level" };
        const PropRow rows[] = {
                PROP("initiator", PROP_UINT, NumaInterconnect, initiator), PROP("target", PROP_UINT, NumaInterconnect, target), PROPS_END,
        };
        const char *hierarchy = item_take(i, "hierarchy");
        DomainCpu *cpu = &p->d->cpu;
        NumaInterconnect c = {};
        uint64_t n;

        if (props_apply(i, rows, &c) < 0 || !read_data_type(item_take(i, "data-type"), &c))
                return 1;
        for (unsigned k = 0; k < ELEMENTSOF(levels); k++)
                if (k > 0 && streq_ptr(hierarchy, levels[k]))
                        c.cache = OPT_UINT(k);
        if (!c.cache.set && !streq_ptr(hierarchy, levels[0]))
                return 1;
        (void) item_take(i, "type");
        bool bandwidth = c.kind == INTERCONNECT_BANDWIDTH;
        if (!take_size(i, bandwidth ? "bandwidth" : "latency", 0, &n) || !item_is_used_up(i) ||
            !ARRAY_GROW(cpu->interconnects, cpu->n_interconnects))
                return 1;
        if (!bandwidth)
                c.value.number = OPT_U64(n);
        else if (set_unit_size(&c.value, n / KIB) < 0)
                return -ENOMEM;
        cpu->interconnects[cpu->n_interconnects++] = c;
        return 0;
}

static int parse_cache(Parse *p, Item *i) {
        static const struct { const char *word; NumaCacheAssociativity value; } associativities[] = {
                { "none", ASSOCIATIVITY_NONE }, { "direct", ASSOCIATIVITY_DIRECT }, { "complex", ASSOCIATIVITY_FULL },
        };
        static const struct { const char *word; NumaCachePolicy value; } policies[] = {
                { "none", CACHE_POLICY_NONE }, { "write-back", CACHE_POLICY_WRITEBACK }, { "write-through", CACHE_POLICY_WRITETHROUGH },
        };
        const PropRow rows[] = { PROP("node-id", PROP_UINT, Numbers, a), PROP("level", PROP_UINT, Numbers, b), PROPS_END };
        const char *associativity = item_take(i, "associativity"), *policy = item_take(i, "policy");
        NumaCache c = {};
        Numbers n = {};
        uint64_t size, line;

        if (props_apply(i, rows, &n) < 0)
                return -ENOMEM;
        NumaCell *cell = cell_of(p, n.a.value);
        FOREACH_ARRAY(k, associativities, ELEMENTSOF(associativities))
                if (streq_ptr(k->word, associativity))
                        c.associativity = k->value;
        FOREACH_ARRAY(k, policies, ELEMENTSOF(policies))
                if (streq_ptr(k->word, policy))
                        c.policy = k->value;
        bool sizes = take_size(i, "size", 0, &size) && take_size(i, "line", 0, &line);
        (void) item_take(i, "type");
        if (!cell || !n.a.set || !n.b.set || !sizes || !c.associativity || !c.policy || !item_is_used_up(i) ||
            !ARRAY_GROW(cell->caches, cell->n_caches))
                return 1;
        c.level = n.b;
        c.line.number = OPT_U64(line);
        if (set_unit_size(&c.size, size / KIB) < 0 || free_and_strdup(&c.line.unit, "B") < 0) {
                free(c.size.unit);
                return -ENOMEM;
        }
        cell->caches[cell->n_caches++] = c;
        return 0;
}

int parse_numa(Parse *p, Item *i) {
        static const struct { const char *type; int (*parse)(Parse *p, Item *i); } types[] = {
                { "node", parse_node }, { "dist", parse_distance }, { "hmat-lb", parse_interconnect }, { "hmat-cache", parse_cache },
        };
        const char *type = strempty(item_get(i, "type"));

        FOREACH_ARRAY(t, types, ELEMENTSOF(types))
                if (streq(t->type, type))
                        return t->parse(p, i);
        return 1;
}

/* --- modules --- */

/* What the back end of a module says beyond what holds for all memory. False: it cannot be said. */
static bool read_module_backend(const Parse *p, const Backend *b, DomainMemory *m) {
        const DomainNumatune *tune = &p->d->numatune;
        const MemoryBacking *backing = &p->d->memory_backing;
        bool own = m->model == MEMORY_NVDIMM || m->model == MEMORY_VIRTIO_PMEM;

        if (own != (b->path != NULL) || (b->reserve == TRI_NO) != (m->model == MEMORY_VIRTIO_MEM) || b->reserve == TRI_YES)
                return false;
        /* Files and huge pages are touched at once in any case. */
        if (b->prealloc && !b->path && b->page_size == 0 && backing->allocation != ALLOCATION_IMMEDIATE)
                return false;
        if (!b->prealloc && b->page_size > 0 && m->model != MEMORY_VIRTIO_MEM)
                return false;
        if (b->has_nodes ? b->mode != (tune->mode ?: NUMA_STRICT) : tune->has_nodes)
                return false;
        if (b->threads.set && !backing->threads.set)
                return false;
        m->access = b->share == TRI_YES ? MEMORY_ACCESS_SHARED : b->share == TRI_NO ? MEMORY_ACCESS_PRIVATE : MEMORY_ACCESS_UNSET;
        m->discard = b->discard;
        m->has_source_nodes = b->has_nodes;
        m->source_nodes = b->nodes;
        m->align_size = b->align;
        m->pmem = b->pmem;
        m->size = OPT_U64(b->size);
        if (b->page_size > 0)
                m->page_size = OPT_U64(b->page_size);
        else if (backing->hugepages && !b->path)
                m->page_size = OPT_U64(4096);
        return true;
}

static void read_module_place(Item *i, DomainMemory *m) {
        const char *slot = item_get(i, "slot"), *addr = item_get(i, "addr");
        DeviceAddress *a = &m->info.address;
        unsigned n;
        uint64_t base;

        if (m->model == MEMORY_VIRTIO_PMEM || m->model == MEMORY_VIRTIO_MEM || !slot || parse_uint(slot, &n) < 0)
                return;
        a->type = ADDRESS_DIMM;
        a->slot = OPT_UINT(n);
        (void) item_take(i, "slot");
        if (addr && parse_u64(addr, 0, &base) >= 0) {
                a->base = OPT_U64(base);
                (void) item_take(i, "addr");
        }
}

/* "block-size" and others, which may have a unit. */
static void read_module_sizes(Item *i, DomainMemory *m) {
        const struct { const char *key; OptU64 *field; } sizes[] = {
                { "label-size", &m->label_size }, { "block-size", &m->block_size }, { "requested-size", &m->requested },
        };

        FOREACH_ARRAY(s, sizes, ELEMENTSOF(sizes))
                if (take_size(i, s->key, 0, &s->field->value))
                        s->field->set = true;
        if (m->model == MEMORY_VIRTIO_MEM)
                m->requested.set = true; /* nothing, when nothing is said */
}

int parse_memory_module(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("node", PROP_UINT, DomainMemory, node),
                PROP("unarmed", PROP_FLAG, DomainMemory, readonly),
                PROPS_END,
        };
        Backend b = { .module = true };
        DomainMemory *m = PARSE_ADD(p, memories);

        if (!m)
                return -ENOMEM;
        m->model = (MemoryModel) d->value;
        /* Without room for modules there is no place for one. */
        bool room = p->d->max_memory.set && p->d->cpu.n_cells > 0;
        int r = room && read_backend(p, strempty(item_get(i, "memdev")), &b) && read_module_backend(p, &b, m) ? 0 : 1;
        if (r == 0 && b.path)
                r = free_and_strdup(&m->path, b.path);
        if (r == 0) {
                (void) item_take(i, "memdev");
                read_module_sizes(i, m);
                if (m->model == MEMORY_VIRTIO_MEM && b.prealloc == streq_ptr(item_get(i, "prealloc"), "on"))
                        (void) item_take(i, "prealloc");
                r = props_apply(i, rows, m);
                read_module_place(i, m);
        }
        if (r == 0)
                r = parse_common(p, i, &m->info);
        if (r < 0)
                return r;
        if (r > 0)
                item_refuse(i);
        r = PARSE_FINISH(p, i, memories);
        if (r == 0) {
                p->d->memory += MIN(b.size, UINT64_MAX - p->d->memory);
                b.item->used = true;
                if (b.context)
                        b.context->used = true;
        }
        return r;
}

/* Room for more memory is for guests with NUMA nodes; for others QEMU is told beside the definition. */
static void hand_on_slots(Parse *p) {
        p->d->max_memory = (OptU64) {};
        p->d->memory_slots = (OptUint) {};
        FOREACH_ARRAY(i, p->items.list, p->items.n)
                FOREACH_ARRAY(q, i->props, streq(i->option, "-m") ? i->n_props : 0)
                        if (streq(q->key, "slots") || streq(q->key, "maxmem"))
                                i->used = q->used = false;
}

/* The same host nodes for all of the guest's are said once. */
void parse_memory_done(Parse *p) {
        DomainNumatune *t = &p->d->numatune;
        MemoryBacking *m = &p->d->memory_backing;
        bool same = t->n_memnodes > 0 && t->n_memnodes == p->d->cpu.n_cells;

        for (size_t k = 1; same && k < t->n_memnodes; k++)
                same = t->memnodes[k].mode == t->memnodes[0].mode &&
                       memcmp(&t->memnodes[k].nodes, &t->memnodes[0].nodes, sizeof(NumberSet)) == 0;
        if (same) {
                t->has_nodes = true;
                t->nodes = t->memnodes[0].nodes;
                t->mode = t->memnodes[0].mode;
                t->n_memnodes = 0;
        }
        if (p->d->cpu.n_cells > 0)
                m->discard = false;
        else if (p->d->max_memory.set)
                hand_on_slots(p);
}
