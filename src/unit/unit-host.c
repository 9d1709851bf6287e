/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-util.h"
#include "unit-host.h"
#include "unit-resources.h"

#define HUGEPAGE_DEFAULT (UINT64_C(2) << 20)

typedef struct Check {
        bool lenient;
        Diag *diag;
        int result;
} Check;

/* Says it as an error, or as a warning where that is enough. */
static void missing(Check *c, SrcLoc loc, const char *format, ...) _printf_(3, 4);
static void missing(Check *c, SrcLoc loc, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *text = strfv(format, ap);
        va_end(ap);
        if (c->lenient)
                diag_warning(c->diag, loc, "%s; ignored", strempty(text));
        else
                c->result = diag_error_code(c->diag, -ENODEV, loc, "%s", strempty(text));
}

/* --- controllers --- */

static bool wants_cpu(const Domain *d) {
        return d->cputune.shares.value > 0 || d->cputune.global.period.set || d->cputune.global.quota > 0;
}

static bool wants_cpuset(const Domain *d) {
        NumberSet unused;

        return d->has_vcpu_cpuset || d->cputune.n_vcpupins > 0 || d->cputune.has_emulatorpin ||
                d->cputune.n_iothreadpins > 0 || domain_cpus(d, &unused);
}

static bool wants_nodes(const Domain *d) {
        NumberSet unused;

        return domain_memory_nodes(d, &unused);
}

static bool wants_memory(const Domain *d) {
        const DomainMemtune *m = &d->memtune;

        return m->hard_limit.set || m->soft_limit.set || m->min_guarantee.set || m->swap_hard_limit.set;
}

static bool wants_io(const Domain *d) {
        return d->blkiotune.weight.set || d->blkiotune.n_devices > 0;
}

int domain_check_controllers(const Domain *d, HostControllers controllers, bool lenient, const char *where, Diag *diag) {
        const struct {
                HostControllers flag;
                const char *name, *element;
                SrcLoc loc;
                bool (*wants)(const Domain *d);
        } rows[] = {
                { CONTROLLER_CPU, "cpu", "<cputune>", d->cputune.loc, wants_cpu },
                { CONTROLLER_CPUSET, "cpuset", d->has_vcpu_cpuset ? "<vcpu cpuset>" : "<cputune>",
                  domain_loc_or(d, d->has_vcpu_cpuset ? d->vcpu_loc : d->cputune.loc), wants_cpuset },
                { CONTROLLER_CPUSET, "cpuset", "<numatune>", d->numatune.loc, wants_nodes },
                { CONTROLLER_MEMORY, "memory", "<memtune>", d->memtune.loc, wants_memory },
                { CONTROLLER_IO, "io", "<blkiotune>", d->blkiotune.loc, wants_io },
        };
        Check c = { .lenient = lenient, .diag = diag };

        FOREACH_ARRAY(row, rows, ELEMENTSOF(rows))
                if (!(controllers & row->flag) && row->wants(d))
                        missing(&c, row->loc, "%s needs the cgroup controller '%s', which %s does not have", row->element,
                                row->name, where);
        return c.result;
}

bool domain_wants_resources(const Domain *d) {
        bool any = wants_cpu(d) || wants_cpuset(d) || wants_memory(d) || wants_io(d) || d->memory_backing.hugepages ||
                d->numatune.mode != NUMA_UNSET || d->numatune.n_memnodes > 0 || d->vcpu_placement == PLACEMENT_AUTO;

        FOREACH_ARRAY(m, d->memories, d->n_memories)
                any |= m->has_source_nodes || m->page_size.set;
        return any;
}

/* --- CPUs and nodes --- */

static void check_cpus(Check *c, const HostResources *r, const NumberSet *cpus, SrcLoc loc, const char *element) {
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++)
                if (number_set_has(cpus, i) && !number_set_has(&r->cpus, i)) {
                        missing(c, loc, "%s: this machine has no CPU %u, or it is offline", element, i);
                        return;
                }
}

static void check_pins(Check *c, const HostResources *r, const ThreadPin *pins, size_t n, const char *element) {
        FOREACH_ARRAY(p, pins, n) {
                _cleanup_free_ char *what = strf("%s %u", element, p->id.value);
                if (p->has_cpus)
                        check_cpus(c, r, &p->cpus, p->loc, what ?: element);
        }
}

static void check_nodes(Check *c, const HostResources *r, const NumberSet *nodes, SrcLoc loc, const char *element) {
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++)
                if (number_set_has(nodes, i) && !host_resources_node(r, i)) {
                        missing(c, loc, "%s: this machine has no NUMA node %u with memory", element, i);
                        return;
                }
}

static SrcLoc numa_loc(const Domain *d) {
        return d->numatune.memory_loc.line > 0 ? d->numatune.memory_loc : d->numatune.loc;
}

int domain_check_resources(const Domain *d, const HostFacts *f, Diag *diag) {
        const HostResources *r = &f->resources;
        const DomainCputune *t = &d->cputune;
        Check c = { .lenient = f->lenient, .diag = diag };

        if (!r->known)
                return 0;
        if (d->has_vcpu_cpuset)
                check_cpus(&c, r, &d->vcpu_cpuset, domain_loc_or(d, d->vcpu_loc), "vcpu @cpuset");
        check_pins(&c, r, t->vcpupins, t->n_vcpupins, "vcpupin");
        if (t->has_emulatorpin)
                check_cpus(&c, r, &t->emulatorpin, t->loc, "emulatorpin");
        check_pins(&c, r, t->iothreadpins, t->n_iothreadpins, "iothreadpin");
        if (d->numatune.has_nodes)
                check_nodes(&c, r, &d->numatune.nodes, numa_loc(d), "numatune");
        FOREACH_ARRAY(m, d->numatune.memnodes, d->numatune.n_memnodes)
                check_nodes(&c, r, &m->nodes, m->loc, "memnode");
        FOREACH_ARRAY(m, d->memories, d->n_memories)
                if (m->has_source_nodes)
                        check_nodes(&c, r, &m->source_nodes, m->info.loc, "memory module");
        int k = domain_check_controllers(d, r->controllers, f->lenient, "this machine", diag);
        return c.result < 0 ? c.result : k;
}

/* Whether anything is left. */
static bool intersect(NumberSet *s, const NumberSet *with) {
        number_set_intersect(s, with);
        return !number_set_is_empty(s);
}

static void forget_pins(const HostResources *r, ThreadPin *pins, size_t *n) {
        size_t k = 0;

        FOREACH_ARRAY(p, pins, *n)
                if (!p->has_cpus || intersect(&p->cpus, &r->cpus))
                        pins[k++] = *p;
        *n = k;
}

static void forget_memnodes(DomainNumatune *n, const NumberSet *nodes) {
        size_t k = 0;

        FOREACH_ARRAY(m, n->memnodes, n->n_memnodes)
                if (intersect(&m->nodes, nodes))
                        n->memnodes[k++] = *m;
        n->n_memnodes = k;
}

void domain_forget_absent(Domain *d, const HostResources *r) {
        NumberSet nodes = {};

        FOREACH_ARRAY(n, r->nodes, r->n_nodes)
                number_set_add(&nodes, n->id);
        d->has_vcpu_cpuset = d->has_vcpu_cpuset && intersect(&d->vcpu_cpuset, &r->cpus);
        d->cputune.has_emulatorpin = d->cputune.has_emulatorpin && intersect(&d->cputune.emulatorpin, &r->cpus);
        forget_pins(r, d->cputune.vcpupins, &d->cputune.n_vcpupins);
        forget_pins(r, d->cputune.iothreadpins, &d->cputune.n_iothreadpins);
        if (d->numatune.has_nodes && !intersect(&d->numatune.nodes, &nodes)) {
                d->numatune.has_nodes = false;
                d->numatune.mode = NUMA_UNSET;
        }
        forget_memnodes(&d->numatune, &nodes);
        FOREACH_ARRAY(m, d->memories, d->n_memories)
                m->has_source_nodes = m->has_source_nodes && intersect(&m->source_nodes, &nodes);
}

/* --- automatic placement --- */

/* What the node has for this guest: normal memory, or huge pages of the size it wants. */
static uint64_t free_for(const Domain *d, const HostNode *n) {
        const MemoryBacking *m = &d->memory_backing;
        uint64_t size = HUGEPAGE_DEFAULT, bytes = 0;

        if (!m->hugepages)
                return n->free;
        if (m->n_pages > 0 && unit_size_bytes(&m->pages[0].size, &size) < 0)
                return n->free;
        FOREACH_ARRAY(p, n->pools, n->n_pools)
                if (p->size == size)
                        bytes += p->size * p->free;
        return bytes;
}

static void choose_nodes(const Domain *d, const HostResources *r, NumberSet *ret) {
        uint64_t sum = 0;

        *ret = (NumberSet) {};
        for (size_t i = 0; i < r->n_nodes; i++) {
                const HostNode *best = NULL;
                FOREACH_ARRAY(n, r->nodes, r->n_nodes)
                        if (!number_set_has(ret, n->id) && (!best || free_for(d, n) > free_for(d, best)))
                                best = n;
                number_set_add(ret, best->id);
                sum += free_for(d, best);
                if (sum >= d->memory || d->numatune.mode == NUMA_PREFERRED)
                        return;
        }
}

bool domain_place(Domain *d, const HostResources *r, NumberSet *ret_nodes) {
        DomainNumatune *t = &d->numatune;
        NumberSet nodes, cpus = {};

        if ((t->placement != PLACEMENT_AUTO && d->vcpu_placement != PLACEMENT_AUTO) || r->n_nodes == 0)
                return false;
        if (t->placement != PLACEMENT_AUTO && t->has_nodes)
                nodes = t->nodes;
        else
                choose_nodes(d, r, &nodes);
        FOREACH_ARRAY(n, r->nodes, r->n_nodes)
                if (number_set_has(&nodes, n->id))
                        number_set_unite(&cpus, &n->cpus);
        number_set_intersect(&cpus, &r->cpus);
        if (t->placement == PLACEMENT_AUTO) {
                t->placement = PLACEMENT_UNSET;
                t->has_nodes = true;
                t->nodes = nodes;
        }
        if (d->vcpu_placement == PLACEMENT_AUTO) {
                d->vcpu_placement = PLACEMENT_STATIC;
                /* A node may have memory alone. */
                d->has_vcpu_cpuset = !number_set_is_empty(&cpus);
                d->vcpu_cpuset = cpus;
        }
        *ret_nodes = nodes;
        return true;
}
