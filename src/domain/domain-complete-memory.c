/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "parse-util.h"
#include "string-util.h"

/* Sizes, huge pages, and the NUMA nodes of the guest. */

int unit_size_bytes(const UnitSize *s, uint64_t *ret) {
        uint64_t unit = unit_size(s->unit ?: "KiB");

        if (unit == 0)
                return -EINVAL;
        if (s->number.value > INT64_MAX / unit)
                return -ERANGE;
        *ret = s->number.value * unit;
        return 0;
}

int unit_size_complete(UnitSize *s) {
        uint64_t bytes;

        if (!s->number.set || unit_size_bytes(s, &bytes) < 0)
                return 0;
        s->number.value = DIV_ROUND_UP(bytes, UINT64_C(1024));
        return free_and_strdup(&s->unit, "KiB");
}

static int complete_backing(Domain *d) {
        FOREACH_ARRAY(p, d->memory_backing.pages, d->memory_backing.n_pages) {
                int r = unit_size_complete(&p->size);
                if (r < 0)
                        return r;
                /* Without NUMA nodes there is one all the same. */
                if (d->cpu.n_cells == 0 && p->has_nodes && number_set_has(&p->nodes, 0) &&
                    number_set_count(&p->nodes) == 1)
                        p->has_nodes = false;
        }
        if (d->memory_backing.threads.value == 0)
                d->memory_backing.threads.set = false;
        return 0;
}

/* --- NUMA nodes --- */

static int compare_cells(const void *a, const void *b) {
        unsigned x = ((const NumaCell *) a)->id.value, y = ((const NumaCell *) b)->id.value;
        return x < y ? -1 : x > y;
}

static bool distances_are_sound(const DomainCpu *cpu) {
        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells)
                FOREACH_ARRAY(i, c->distances, c->n_distances)
                        if (i->cell.value >= cpu->n_cells || i->value.value < NUMA_DISTANCE_LOCAL ||
                            i->value.value > NUMA_DISTANCE_MAX ||
                            (i->cell.value == (size_t) (c - cpu->cells)) != (i->value.value == NUMA_DISTANCE_LOCAL))
                                return false;
        return true;
}

/* A distance that is given one way holds the other way too, unless that is given as well. */
static void fill_matrix(const DomainCpu *cpu, uint8_t (*matrix)[NUMA_CELLS_MAX]) {
        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells)
                FOREACH_ARRAY(i, c->distances, c->n_distances) {
                        size_t from = (size_t) (c - cpu->cells), to = i->cell.value;
                        matrix[from][to] = (uint8_t) i->value.value;
                        matrix[from][from] = NUMA_DISTANCE_LOCAL;
                        if (matrix[to][from] == 0)
                                matrix[to][from] = (uint8_t) i->value.value;
                        matrix[to][to] = NUMA_DISTANCE_LOCAL;
                }
}

static int take_matrix(DomainCpu *cpu, uint8_t (*matrix)[NUMA_CELLS_MAX]) {
        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells) {
                SrcLoc loc = c->n_distances > 0 ? c->distances[0].loc : c->loc;
                c->n_distances = 0;
                for (unsigned i = 0; i < cpu->n_cells; i++) {
                        uint8_t value = matrix[c - cpu->cells][i];
                        if (value == 0)
                                continue;
                        if (!ARRAY_GROW(c->distances, c->n_distances))
                                return -ENOMEM;
                        c->distances[c->n_distances++] = (NumaDistance) { loc, OPT_UINT(i), OPT_UINT(value) };
                }
        }
        return 0;
}

static int complete_distances(DomainCpu *cpu) {
        uint8_t matrix[NUMA_CELLS_MAX][NUMA_CELLS_MAX] = {};

        if (cpu->n_cells > NUMA_CELLS_MAX || !distances_are_sound(cpu))
                return 0;
        fill_matrix(cpu, matrix);
        return take_matrix(cpu, matrix);
}

/* Virtual CPUs that are nowhere are in the first node. */
static void complete_cell_cpus(Domain *d) {
        NumberSet seen = {};

        FOREACH_ARRAY(c, d->cpu.cells, d->cpu.n_cells)
                number_set_unite(&seen, &c->cpus);
        for (unsigned i = 0; i < d->vcpus.value && i < NUMBER_SET_MAX; i++)
                if (!number_set_has(&seen, i)) {
                        number_set_add(&d->cpu.cells[0].cpus, i);
                        d->cpu.cells[0].has_cpus = true;
                }
}

static int complete_cells(Domain *d) {
        DomainCpu *cpu = &d->cpu;
        unsigned position = 0;

        if (cpu->n_cells == 0)
                return 0;
        FOREACH_ARRAY(c, cpu->cells, cpu->n_cells) {
                int r = unit_size_complete(&c->memory);
                if (r < 0)
                        return r;
                if (!c->id.set)
                        c->id = OPT_UINT(position);
                position++;
        }
        qsort(cpu->cells, cpu->n_cells, sizeof(NumaCell), compare_cells);
        complete_cell_cpus(d);
        return complete_distances(cpu);
}

/* --- how much there is --- */

static uint64_t add(uint64_t a, uint64_t b) {
        return b > INT64_MAX - a ? INT64_MAX : a + b;
}

uint64_t domain_module_memory(const Domain *d) {
        uint64_t sum = 0;

        FOREACH_ARRAY(m, d->memories, d->n_memories)
                sum = add(sum, m->size.value);
        return sum;
}

static void complete_size(Domain *d) {
        uint64_t sum = 0, bytes;

        FOREACH_ARRAY(c, d->cpu.cells, d->cpu.n_cells) {
                if (unit_size_bytes(&c->memory, &bytes) < 0)
                        return;
                sum = add(sum, bytes);
        }
        if (d->cpu.n_cells > 0)
                d->memory = add(sum, domain_module_memory(d));
        /* A balloon that is to be larger than the machine is the machine's size, as in libvirt. */
        if (!d->current_memory.set || d->current_memory.value == 0 || d->current_memory.value > d->memory)
                d->current_memory = OPT_U64(d->memory);
}

static bool slot_is_used(const Domain *d, unsigned slot) {
        FOREACH_ARRAY(m, d->memories, d->n_memories)
                if (m->info.address.type == ADDRESS_DIMM && m->info.address.slot.set &&
                    m->info.address.slot.value == slot)
                        return true;
        return false;
}

/* Modules stand in slots; the virtio ones are devices. */
static void complete_modules(Domain *d) {
        FOREACH_ARRAY(m, d->memories, d->n_memories) {
                if (m->model == MEMORY_VIRTIO_MEM && !m->requested.set)
                        m->requested = OPT_U64(0);
                if (m->model == MEMORY_VIRTIO_PMEM && m->access == MEMORY_ACCESS_UNSET)
                        m->access = MEMORY_ACCESS_SHARED;
                if (m->model != MEMORY_DIMM && m->model != MEMORY_NVDIMM)
                        continue;
                if (m->info.address.type == ADDRESS_UNSET)
                        m->info.address.type = ADDRESS_DIMM;
                if (m->info.address.type != ADDRESS_DIMM || m->info.address.slot.set)
                        continue;
                unsigned slot = 0;
                while (slot_is_used(d, slot))
                        slot++;
                m->info.address.slot = OPT_UINT(slot);
        }
}

int domain_complete_memory(Domain *d, const HostFacts *facts) {
        int r = complete_backing(d);
        if (r >= 0)
                r = complete_cells(d);
        if (r < 0)
                return r;
        complete_modules(d);
        complete_size(d);
        return 0;
}
