/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "domain-validate.h"
#include "string-util.h"

/* How much memory there is, where it comes from, and memory modules. */

#define KIB UINT64_C(1024)
#define NVDIMM_LABEL_MIN (128 * KIB)
#define VIRTIO_MEM_BLOCK_MIN (2048 * KIB)
/* More slots than QEMU has. */
#define MEMORY_SLOTS_MAX 256U

static SrcLoc memory_loc(const Domain *d) {
        return d->memory_loc.line > 0 ? d->memory_loc : d->loc;
}

bool memory_is_shared(const Domain *d) {
        bool usual = d->memory_backing.access == MEMORY_ACCESS_SHARED;

        FOREACH_ARRAY(cell, d->cpu.cells, d->cpu.n_cells)
                if (cell->access != MEMORY_ACCESS_SHARED && (cell->access != MEMORY_ACCESS_UNSET || !usual))
                        return false;
        return usual || d->cpu.n_cells > 0;
}

static void check_max_memory(const Domain *d, Diag *diag) {
        if (!d->max_memory.set && !d->memory_slots.set)
                return;
        if (d->max_memory.value == 0 || d->memory_slots.value == 0)
                (void) diag_error(diag, d->max_memory_loc, "maxMemory needs both a size and a number of slots");
        else if (d->max_memory.value < d->memory)
                (void) diag_error(diag, d->max_memory_loc,
                                  "maxMemory is %" PRIu64 " KiB, but memory alone is %" PRIu64 " KiB",
                                  d->max_memory.value / KIB, d->memory / KIB);
        if (d->memory_slots.value > MEMORY_SLOTS_MAX)
                (void) diag_error(diag, d->max_memory_loc, "maxMemory @slots is %u: there can be %u",
                                  d->memory_slots.value, MEMORY_SLOTS_MAX);
        if (d->cpu.n_cells == 0)
                (void) diag_error(diag, d->max_memory_loc, "maxMemory is for guests with NUMA nodes (<cpu><numa>)");
}

void check_memory(const Domain *d, Diag *diag) {
        if (d->memory == 0)
                (void) diag_error(diag, memory_loc(d), d->memory_loc.line > 0 || d->cpu.n_cells > 0
                                  ? "memory is 0: a machine needs some" : "<memory> is missing: a machine needs some");
        check_max_memory(d, diag);
        if (d->cpu.n_cells == 0 && domain_module_memory(d) >= d->memory && d->n_memories > 0)
                (void) diag_error(diag, memory_loc(d), "memory modules are more than the memory that there is in all");
}

/* --- <memoryBacking> --- */

static void check_unit(const UnitSize *s, SrcLoc loc, const char *what, Diag *diag) {
        uint64_t bytes;
        int r = unit_size_bytes(s, &bytes);

        if (r == -ERANGE)
                (void) diag_error(diag, loc, "%s: %" PRIu64 " %s is too large", what, s->number.value, strempty(s->unit));
        else if (r < 0)
                (void) diag_error(diag, loc, "%s: '%s' is not a unit (b, KiB, MiB, GiB, TiB, KB, MB, GB and so on)",
                                  what, strempty(s->unit));
}

static void check_page(const Domain *d, const HugePage *p, Diag *diag) {
        unsigned nodes = MAX((unsigned) d->cpu.n_cells, 1U);

        check_unit(&p->size, p->loc, "hugepages", diag);
        if (p->size.number.value == 0)
                (void) diag_error(diag, p->loc, "hugepages: a page cannot be of size 0");
        for (unsigned i = nodes; p->has_nodes && i < NUMBER_SET_MAX; i++)
                if (number_set_has(&p->nodes, i)) {
                        (void) diag_error(diag, p->loc, "hugepages: the guest has no NUMA node %u", i);
                        break;
                }
        for (const HugePage *o = d->memory_backing.pages; o < p; o++) {
                if (!o->has_nodes && !p->has_nodes)
                        (void) diag_error(diag, p->loc, "hugepages: two pages are for all nodes");
                else if (o->has_nodes && p->has_nodes && number_set_overlaps(&o->nodes, &p->nodes))
                        (void) diag_error(diag, p->loc, "hugepages: two pages are for the same node");
        }
}

void check_memory_backing(const Domain *d, Diag *diag) {
        const MemoryBacking *m = &d->memory_backing;

        FOREACH_ARRAY(p, m->pages, m->n_pages)
                check_page(d, p, diag);
        if (m->hugepages && m->source == MEMORY_SOURCE_ANONYMOUS)
                (void) diag_error(diag, m->hugepages_loc, "hugepages and a source of type 'anonymous' exclude each other");
        if (m->hugepages && m->allocation == ALLOCATION_ONDEMAND)
                (void) diag_error(diag, m->hugepages_loc, "hugepages and allocation 'ondemand' exclude each other");
}

/* --- NUMA nodes --- */

static void check_cell_cpus(const Domain *d, const NumaCell *c, Diag *diag) {
        unsigned n = domain_written_vcpus(d);

        for (unsigned i = n; i < NUMBER_SET_MAX; i++)
                if (number_set_has(&c->cpus, i)) {
                        (void) diag_error(diag, c->loc, "numa: node %u has virtual CPU %u, but vcpu is %u", c->id.value, i, n);
                        break;
                }
        for (const NumaCell *o = d->cpu.cells; o < c; o++)
                for (unsigned i = 0; i < n && i < NUMBER_SET_MAX; i++)
                        if (number_set_has(&c->cpus, i) && number_set_has(&o->cpus, i)) {
                                (void) diag_error(diag, c->loc, "numa: nodes %u and %u both have virtual CPU %u",
                                                  o->id.value, c->id.value, i);
                                return;
                        }
}

static void check_distances(const Domain *d, const NumaCell *c, Diag *diag) {
        FOREACH_ARRAY(i, c->distances, c->n_distances) {
                if (i->cell.value >= d->cpu.n_cells)
                        (void) diag_error(diag, i->loc, "numa: node %u has a distance to node %u, which there is not",
                                          c->id.value, i->cell.value);
                if (i->value.value < NUMA_DISTANCE_LOCAL || i->value.value > NUMA_DISTANCE_MAX ||
                    (i->cell.value == c->id.value) != (i->value.value == NUMA_DISTANCE_LOCAL))
                        (void) diag_error(diag, i->loc, "numa: %u is not a distance: %u to itself, to others up to %u",
                                          i->value.value, NUMA_DISTANCE_LOCAL, NUMA_DISTANCE_MAX);
        }
}

static void check_interconnects(const Domain *d, Diag *diag) {
        const DomainCpu *cpu = &d->cpu;

        FOREACH_ARRAY(i, cpu->interconnects, cpu->n_interconnects) {
                if (i->kind == INTERCONNECT_BANDWIDTH)
                        check_unit(&i->value, i->loc, "bandwidth", diag);
                if (i->initiator.value >= cpu->n_cells || i->target.value >= cpu->n_cells)
                        (void) diag_error(diag, i->loc, "interconnects: the guest has no NUMA node %u",
                                          i->initiator.value >= cpu->n_cells ? i->initiator.value : i->target.value);
                else if (!cpu->cells[i->initiator.value].has_cpus)
                        (void) diag_error(diag, i->loc, "interconnects: node %u has no processors", i->initiator.value);
                if (i->value.number.value == 0)
                        (void) diag_error(diag, i->loc, "interconnects: a value cannot be 0");
        }
}

void check_numa(const Domain *d, Diag *diag) {
        const DomainCpu *cpu = &d->cpu;

        if (cpu->numa_loc.line > 0 && cpu->n_cells == 0)
                (void) diag_error(diag, cpu->numa_loc, "numa: there is no <cell> in it");
        if (cpu->n_cells > NUMA_CELLS_MAX) {
                (void) diag_error(diag, cpu->loc, "numa: %zu nodes; there can be %u", cpu->n_cells, NUMA_CELLS_MAX);
                return;
        }
        for (unsigned i = 0; i < cpu->n_cells; i++) {
                const NumaCell *c = &cpu->cells[i];
                check_unit(&c->memory, c->loc, "numa", diag);
                if (i > 0 && c->id.value == c[-1].id.value)
                        (void) diag_error(diag, c->loc, "numa: node %u is given twice", c->id.value);
                else if (c->id.value != i) {
                        (void) diag_error(diag, c->loc, "numa: there is no node %u: they count from 0, without a gap", i);
                        return;
                }
                check_cell_cpus(d, c, diag);
                check_distances(d, c, diag);
                FOREACH_ARRAY(cache, c->caches, c->n_caches) {
                        check_unit(&cache->size, cache->loc, "cache", diag);
                        check_unit(&cache->line, cache->loc, "cache", diag);
                        if (cache->level.value < 1 || cache->level.value > 3)
                                (void) diag_error(diag, cache->loc, "numa: cache level %u is not a number from 1 to 3",
                                                  cache->level.value);
                }
        }
        check_interconnects(d, diag);
}

/* --- memory modules --- */

static void check_place(const Domain *d, const DomainMemory *m, Diag *diag) {
        const DeviceAddress *a = &m->info.address;
        bool dimm = m->model == MEMORY_DIMM || m->model == MEMORY_NVDIMM;

        if (dimm ? a->type != ADDRESS_DIMM : a->type == ADDRESS_DIMM) {
                if (a->type != ADDRESS_UNSET)
                        (void) diag_error(diag, m->info.loc, "memory of model '%s' has an address of type '%s', not '%s'",
                                          memory_model_to_string(m->model), address_type_to_string(a->type),
                                          dimm ? "dimm" : "pci");
                return;
        }
        if (!dimm || !d->max_memory.set)
                return;
        if (a->slot.value >= d->memory_slots.value)
                (void) diag_error(diag, m->info.loc, "memory module in slot %u: there are %u slots (maxMemory @slots)",
                                  a->slot.value, d->memory_slots.value);
        for (const DomainMemory *o = d->memories; o < m; o++)
                if (o->info.address.type == ADDRESS_DIMM && o->info.address.slot.value == a->slot.value) {
                        (void) diag_error(diag, m->info.loc, "memory slot %u is used twice", a->slot.value);
                        break;
                }
}

static void check_virtio_mem(const DomainMemory *m, Diag *diag) {
        uint64_t block = m->block_size.value;

        if (block == 0 || (block & (block - 1)) != 0)
                (void) diag_error(diag, m->info.loc, "virtio-mem: the block size must be a power of two");
        else if (block < VIRTIO_MEM_BLOCK_MIN)
                (void) diag_error(diag, m->info.loc, "virtio-mem: a block must have 2048 KiB at least");
        else if (m->requested.value % block != 0)
                (void) diag_error(diag, m->info.loc, "virtio-mem: what is requested must be a multiple of the block size");
        if (m->requested.value > m->size.value)
                (void) diag_error(diag, m->info.loc, "virtio-mem: more is requested (%" PRIu64 " KiB) than there is (%" PRIu64 " KiB)",
                                  m->requested.value / KIB, m->size.value / KIB);
}

static void check_nvdimm(const DomainMemory *m, Diag *diag) {
        if (m->has_uuid)
                (void) diag_error(diag, m->info.loc, "nvdimm: only POWER machines have a <uuid> for it");
        if (m->discard == TRI_YES)
                (void) diag_error(diag, m->info.loc, "nvdimm: what it holds is kept, so it cannot be discarded");
        if (m->label_size.set && m->label_size.value < NVDIMM_LABEL_MIN)
                (void) diag_error(diag, m->info.loc, "nvdimm: a label has 128 KiB at least");
        if (m->label_size.set && m->label_size.value >= m->size.value)
                (void) diag_error(diag, m->info.loc, "nvdimm: the label does not fit");
}

static void check_module(const Domain *d, const DomainMemory *m, Diag *diag) {
        const char *model = memory_model_to_string(m->model);
        bool file = m->model == MEMORY_NVDIMM || m->model == MEMORY_VIRTIO_PMEM;

        if (m->model == MEMORY_SGX_EPC) {
                refuse(diag, m->info.loc, "memory model", model);
                return;
        }
        if (!d->max_memory.set)
                (void) diag_error(diag, m->info.loc, "a memory module needs <maxMemory>");
        if (file && isempty(m->path))
                (void) diag_error(diag, m->info.loc, "memory of model '%s' needs a <path> in its <source>", model);
        check_path(diag, m->info.loc, "memory", file ? m->path : NULL);
        if (m->size.value == 0)
                (void) diag_error(diag, m->info.loc, "a memory module of size 0");
        if (m->model == MEMORY_VIRTIO_PMEM && m->node.set)
                (void) diag_error(diag, m->info.loc, "virtio-pmem has no NUMA node");
        else if (m->model != MEMORY_VIRTIO_PMEM && !m->node.set && d->cpu.n_cells > 0)
                (void) diag_error(diag, m->info.loc, "a memory module needs a <node> in its <target>");
        else if (m->node.set && m->node.value >= d->cpu.n_cells)
                (void) diag_error(diag, m->info.loc, "memory module: the guest has no NUMA node %u", m->node.value);
        if (m->model == MEMORY_VIRTIO_PMEM && m->access != MEMORY_ACCESS_SHARED)
                (void) diag_error(diag, m->info.loc, "virtio-pmem needs access='shared'");
        if (m->model == MEMORY_NVDIMM)
                check_nvdimm(m, diag);
        if (m->model == MEMORY_VIRTIO_MEM)
                check_virtio_mem(m, diag);
        check_place(d, m, diag);
}

void check_memory_modules(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(m, d->memories, d->n_memories)
                check_module(d, m, diag);
}
