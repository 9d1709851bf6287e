/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "qemu-memory.h"
#include "string-util.h"

/* The guest's NUMA nodes: their memory, processors, distances, and how they are connected. */

bool has_cells(const Domain *d) {
        return d->cpu.n_cells > 0;
}

bool has_hmat(const Domain *d) {
        if (d->cpu.n_interconnects > 0)
                return true;
        FOREACH_ARRAY(c, d->cpu.cells, d->cpu.n_cells)
                if (c->n_caches > 0)
                        return true;
        return false;
}

/* Memory of its own kind, or from nodes of the host that are given for this very node. */
static bool is_special(const Emit *e, const NumaCell *c) {
        const MemoryBacking *m = &e->domain->memory_backing;
        const DomainNumatune *n = &e->domain->numatune;
        MemoryBackend b = { .node = (int) c->id.value };

        memory_backend_init(e, &b);
        FOREACH_ARRAY(p, m->pages, m->n_pages)
                if (p->has_nodes)
                        return true;
        FOREACH_ARRAY(i, n->memnodes, n->n_memnodes)
                if (i->cell.value == c->id.value)
                        return true;
        return b.access != MEMORY_ACCESS_UNSET || m->source == MEMORY_SOURCE_MEMFD || m->source == MEMORY_SOURCE_FILE ||
                (b.page_size > 0 && !e->native);
}

bool numa_is_plain(const Emit *e) {
        const QemuMachine *m = qemu_caps_machine(e->caps, e->domain->os.machine);

        if (!m || !m->numa_mem || !has_cells(e->domain))
                return false;
        FOREACH_ARRAY(c, e->domain->cpu.cells, e->domain->cpu.n_cells)
                if (is_special(e, c))
                        return false;
        return true;
}

static void add_cpus(Options *o, const NumberSet *cpus) {
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++) {
                if (!number_set_has(cpus, i))
                        continue;
                unsigned last = i;
                while (number_set_has(cpus, last + 1))
                        last++;
                if (last > i)
                        options_addf(o, "cpus", "%u-%u", i, last);
                else
                        options_addf(o, "cpus", "%u", i);
                i = last;
        }
}

/* The nearest processors: the node's own, or those that something is known about. */
static unsigned initiator(const Domain *d, const NumaCell *c) {
        const NumaInterconnect *best = NULL;

        if (c->has_cpus)
                return c->id.value;
        FOREACH_ARRAY(i, d->cpu.interconnects, d->cpu.n_interconnects) {
                bool better = !best || (i->kind == INTERCONNECT_BANDWIDTH
                                                ? i->value.number.value > best->value.number.value
                                                : i->value.number.value < best->value.number.value);
                if (i->target.value == c->id.value && i->cache.value == 0 && better)
                        best = i;
        }
        if (best)
                return best->initiator.value;
        FOREACH_ARRAY(o, d->cpu.cells, d->cpu.n_cells)
                if (o->has_cpus)
                        return o->id.value;
        return c->id.value;
}

static int emit_cell(Emit *e, const NumaCell *c, bool plain) {
        const Domain *d = e->domain;
        _cleanup_free_ char *id = strf("ram-node%u", c->id.value);
        _cleanup_options_ Options o = {};
        MemoryBackend b = { .id = id, .file = id, .node = (int) c->id.value, .size = cell_size(c), .loc = c->loc };

        if (!id)
                return -ENOMEM;
        memory_backend_init(e, &b);
        if (!plain) {
                int r = emit_memory_backend(e, &b);
                if (r < 0)
                        return r;
        }
        options_word(&o, "node");
        options_addf(&o, "nodeid", "%u", c->id.value);
        if (c->has_cpus)
                add_cpus(&o, &c->cpus);
        if (has_hmat(d))
                options_addf(&o, "initiator", "%u", initiator(d, c));
        if (plain)
                options_addf(&o, "mem", "%llu", (unsigned long long) (b.size >> 20));
        else
                options_add(&o, "memdev", id);
        emit_options(e, "-numa", &o);
        return 0;
}

static unsigned distance(const NumaCell *from, unsigned to) {
        FOREACH_ARRAY(i, from->distances, from->n_distances)
                if (i->cell.value == to)
                        return i->value.value;
        return from->id.value == to ? NUMA_DISTANCE_LOCAL : NUMA_DISTANCE_REMOTE;
}

static void emit_distances(Emit *e) {
        const DomainCpu *cpu = &e->domain->cpu;
        bool any = false;

        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells)
                any |= c->n_distances > 0;
        if (!any)
                return;
        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells)
                for (unsigned i = 0; i < cpu->n_cells; i++)
                        emit_optionf(e, "-numa", "dist,src=%u,dst=%u,val=%u", c->id.value, i, distance(c, i));
}

/* --- heterogeneous memory attributes --- */

static const char *hierarchy(unsigned level) {
        static const char *const words[] = { "memory", "first-level", "second-level", "third-level" };

        return level < ELEMENTSOF(words) ? words[level] : NULL;
}

static unsigned long long kib(const UnitSize *s) {
        uint64_t bytes;

        return unit_size_bytes(s, &bytes) < 0 ? 0 : (unsigned long long) DIV_ROUND_UP(bytes, UINT64_C(1024));
}

static void emit_interconnect(Emit *e, const NumaInterconnect *i) {
        const char *kind = interconnect_kind_to_string(i->kind);
        _cleanup_options_ Options o = {};

        options_word(&o, "hmat-lb");
        options_addf(&o, "initiator", "%u", i->initiator.value);
        options_addf(&o, "target", "%u", i->target.value);
        options_add(&o, "hierarchy", hierarchy(i->cache.value));
        options_addf(&o, "data-type", "%s-%s", interconnect_access_to_string(i->access), kind);
        if (i->kind == INTERCONNECT_BANDWIDTH)
                options_addf(&o, kind, "%lluK", kib(&i->value));
        else
                options_addf(&o, kind, "%llu", (unsigned long long) i->value.number.value);
        emit_options(e, "-numa", &o);
}

static void emit_cache(Emit *e, const NumaCell *c, const NumaCache *cache) {
        static const char *const associativities[] = {
                [ASSOCIATIVITY_NONE] = "none", [ASSOCIATIVITY_DIRECT] = "direct", [ASSOCIATIVITY_FULL] = "complex",
        };
        static const char *const policies[] = {
                [CACHE_POLICY_NONE] = "none",
                [CACHE_POLICY_WRITEBACK] = "write-back",
                [CACHE_POLICY_WRITETHROUGH] = "write-through",
        };
        _cleanup_options_ Options o = {};
        uint64_t line;

        options_word(&o, "hmat-cache");
        options_addf(&o, "node-id", "%u", c->id.value);
        options_addf(&o, "size", "%lluK", kib(&cache->size));
        options_addf(&o, "level", "%u", cache->level.value);
        options_add(&o, "associativity", associativities[cache->associativity]);
        options_add(&o, "policy", policies[cache->policy]);
        if (unit_size_bytes(&cache->line, &line) == 0)
                options_addf(&o, "line", "%llu", (unsigned long long) line);
        emit_options(e, "-numa", &o);
}

/* What holds for all memory, where nodes have no back ends. */
static void emit_plain(Emit *e) {
        MemoryBackend b = { .node = 0 };

        memory_backend_init(e, &b);
        _cleanup_free_ char *path = b.page_size > 0 ? memory_backing_path(e, &b) : NULL;
        if (b.prealloc)
                emit_arg(e, "-mem-prealloc");
        if (path)
                emit_option(e, "-mem-path", path);
}

int emit_numa(Emit *e) {
        const DomainCpu *cpu = &e->domain->cpu;

        bool plain = numa_is_plain(e);

        if (plain)
                emit_plain(e);
        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells) {
                int r = emit_cell(e, c, plain);
                if (r < 0)
                        return r;
        }
        emit_distances(e);
        FOREACH_ARRAY(i, cpu->interconnects, cpu->n_interconnects)
                emit_interconnect(e, i);
        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells)
                FOREACH_ARRAY(cache, c->caches, c->n_caches)
                        emit_cache(e, c, cache);
        return 0;
}
