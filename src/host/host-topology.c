/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "file-util.h"
#include "host-file.h"
#include "host-topology.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"

#define CELLS_MAX 128U
#define KIB UINT64_C(1024)

static unsigned read_number(const char *root, unsigned cpu, const char *name) {
        _cleanup_free_ char *s = host_read_line("%s/sys/devices/system/cpu/cpu%u/topology/%s", root, cpu, name);
        unsigned n;

        return s && parse_uint(s, &n) >= 0 ? n : 0;
}

static int add_cpus(const char *root, const NumberSet *set, HostCell *c) {
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++) {
                if (!number_set_has(set, i))
                        continue;
                if (!ARRAY_GROW(c->cpus, c->n_cpus))
                        return -ENOMEM;
                HostCpu *cpu = c->cpus + c->n_cpus++;
                *cpu = (HostCpu) {
                        .id = i,
                        .socket = read_number(root, i, "physical_package_id"),
                        .die = read_number(root, i, "die_id"),
                        .core = read_number(root, i, "core_id"),
                };
                host_read_set(&cpu->siblings, "%s/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", root, i);
                if (number_set_is_empty(&cpu->siblings))
                        number_set_add(&cpu->siblings, i);
        }
        return 0;
}

static int add_pages(HostCell *c, uint64_t size, uint64_t count) {
        if (!ARRAY_GROW(c->pages, c->n_pages))
                return -ENOMEM;
        c->pages[c->n_pages++] = (HostPages) { size, count };
        return 0;
}

static int compare_pages(const void *a, const void *b) {
        const HostPages *x = a, *y = b;

        return x->size < y->size ? -1 : x->size > y->size;
}

/* "hugepages-2048kB" and what is in it. */
static int add_huge_pages(const char *root, HostCell *c) {
        _cleanup_free_ char *path = strf("%s/sys/devices/system/node/node%u/hugepages", root, c->id);
        DIR *dir = path ? opendir(path) : NULL;
        int r = path ? 0 : -ENOMEM;

        for (struct dirent *e; r >= 0 && dir && (e = readdir(dir));) {
                unsigned kib;
                char end;
                if (sscanf(e->d_name, "hugepages-%ukB%c", &kib, &end) != 1)
                        continue;
                _cleanup_free_ char *s = host_read_line("%s/%s/nr_hugepages", path, e->d_name);
                uint64_t n;
                if (s && parse_u64(s, 10, &n) >= 0)
                        r = add_pages(c, kib * KIB, n);
        }
        if (dir)
                closedir(dir);
        return r;
}

/* "Node 0 MemTotal:       13591108 kB" */
static uint64_t node_memory(const char *root, unsigned node) {
        _cleanup_free_ char *s = host_read_line("%s/sys/devices/system/node/node%u/meminfo", root, node);
        unsigned long long kib;

        return s && sscanf(s, "Node %*u MemTotal: %llu kB", &kib) == 1 ? kib * KIB : 0;
}

static int add_distances(const char *root, HostCell *c) {
        _cleanup_free_ char *s = host_read_line("%s/sys/devices/system/node/node%u/distance", root, c->id);
        _cleanup_strv_ char **words = NULL;
        unsigned n;

        if (s && strv_split(s, " ", &words) < 0)
                return -ENOMEM;
        STRV_FOREACH(w, words) {
                if (!ARRAY_GROW(c->distances, c->n_distances))
                        return -ENOMEM;
                c->distances[c->n_distances++] = parse_uint(*w, &n) >= 0 ? n : 0;
        }
        return 0;
}

static int add_cell(const char *root, unsigned id, const NumberSet *cpus, HostTopology *t) {
        if (!ARRAY_GROW(t->cells, t->n_cells))
                return -ENOMEM;
        HostCell *c = t->cells + t->n_cells++;
        *c = (HostCell) { .id = id, .memory = node_memory(root, id) };
        long page = sysconf(_SC_PAGESIZE);
        uint64_t huge = 0;
        int r = add_huge_pages(root, c);
        FOREACH_ARRAY(p, c->pages, c->n_pages)
                huge += p->size * p->count;
        if (r >= 0 && page > 0)
                r = add_pages(c, (uint64_t) page, (c->memory - MIN(huge, c->memory)) / (uint64_t) page);
        if (c->n_pages > 0)
                qsort(c->pages, c->n_pages, sizeof(HostPages), compare_pages);
        if (r >= 0)
                r = add_distances(root, c);
        return r < 0 ? r : add_cpus(root, cpus, c);
}

static int add_cells(const char *root, HostTopology *t) {
        NumberSet nodes, cpus;
        int r = 0;

        host_read_set(&nodes, "%s/sys/devices/system/node/online", root);
        for (unsigned i = 0; r >= 0 && i < CELLS_MAX; i++) {
                if (!number_set_has(&nodes, i))
                        continue;
                host_read_set(&cpus, "%s/sys/devices/system/node/node%u/cpulist", root, i);
                r = add_cell(root, i, &cpus, t);
        }
        if (r >= 0 && t->n_cells == 0) {
                /* A kernel without NUMA. */
                host_read_set(&cpus, "%s/sys/devices/system/cpu/online", root);
                r = add_cell(root, 0, &cpus, t);
        }
        return r;
}

static bool same_cache(const HostTopology *t, const HostCache *c) {
        FOREACH_ARRAY(i, t->caches, t->n_caches)
                if (i->level == c->level && i->id == c->id && streq_ptr(i->type, c->type))
                        return true;
        return false;
}

/* "address sizes	: 46 bits physical, 57 bits virtual" → 46; "microcode	: 0x1" → 1 */
static void read_cpuinfo_line(char *line, HostProcessor *p) {
        const struct { const char *key; unsigned *value; } numbers[] = {
                { "cpu family", &p->family }, { "model", &p->model }, { "stepping", &p->stepping },
                { "microcode", &p->microcode }, { "address sizes", &p->address_bits },
        };
        char *colon = strchr(line, ':'), *end = colon;

        if (!colon || colon[1] != ' ')
                return;
        while (end > line && (end[-1] == '\t' || end[-1] == ' '))
                end--;
        *end = 0;
        if (streq(line, "vendor_id") && !p->vendor)
                p->vendor = strdup(colon + 2);
        FOREACH_ARRAY(n, numbers, ELEMENTSOF(numbers))
                if (streq(line, n->key)) {
                        unsigned long value = strtoul(colon + 2, NULL, 0);
                        *n->value = value <= UINT_MAX ? (unsigned) value : 0;
                }
}

static int read_processor(const char *root, HostProcessor *p) {
        _cleanup_free_ char *path = strf("%s/proc/cpuinfo", root), *text = NULL;
        _cleanup_strv_ char **lines = NULL;
        int r = path ? read_file_limited(AT_FDCWD, path, 1U << 24, &text, NULL) : -ENOMEM;

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        /* The first one only. */
        char *end = strstr(text, "\n\n");
        if (end)
                *end = 0;
        r = strv_split(text, "\n", &lines);
        STRV_FOREACH(l, lines)
                read_cpuinfo_line(*l, p);
        return r;
}

/* The last level's, once for all processors that share one. */
static int add_caches(const char *root, HostTopology *t) {
        static const struct { const char *kernel, *word; } types[] = {
                { "Unified", "both" }, { "Instruction", "code" }, { "Data", "data" },
        };

        for (size_t k = 0; k < t->n_cells; k++)
                FOREACH_ARRAY(cpu, t->cells[k].cpus, t->cells[k].n_cpus)
                        for (unsigned i = 0; i < 8; i++) {
#define CACHE_FILE(name) host_read_line("%s/sys/devices/system/cpu/cpu%u/cache/index%u/" name, root, cpu->id, i)
                                _cleanup_free_ char *level = CACHE_FILE("level"), *type = CACHE_FILE("type"), *size = CACHE_FILE("size"),
                                                    *id = CACHE_FILE("id");
                                HostCache c = {};
                                uint64_t n;
                                if (!level || !type || !size || parse_uint(level, &c.level) < 0 || c.level < 3)
                                        continue;
                                if (id && parse_uint(id, &c.id) < 0)
                                        c.id = 0;
                                size[strcspn(size, "K")] = 0;
                                if (parse_u64(size, 10, &n) < 0)
                                        continue;
                                c.size = n * KIB;
                                FOREACH_ARRAY(w, types, ELEMENTSOF(types))
                                        if (streq(w->kernel, type))
                                                c.type = strdup(w->word);
                                host_read_set(&c.cpus, "%s/sys/devices/system/cpu/cpu%u/cache/index%u/shared_cpu_list", root, cpu->id, i);
                                if (!c.type || same_cache(t, &c)) {
                                        free(c.type);
                                        continue;
                                }
                                if (!ARRAY_GROW(t->caches, t->n_caches)) {
                                        free(c.type);
                                        return -ENOMEM;
                                }
                                t->caches[t->n_caches++] = c;
                        }
        return 0;
}

static bool has_entries(const char *root, const char *path) {
        _cleanup_free_ char *full = strf("%s%s", root, path);
        DIR *dir = full ? opendir(full) : NULL;
        bool any = false;

        for (struct dirent *e; dir && (e = readdir(dir));)
                any |= *e->d_name != '.';
        if (dir)
                closedir(dir);
        return any;
}

int host_topology_gather(const char *root, HostTopology *ret) {
        _cleanup_host_topology_ HostTopology t = {};
        _cleanup_free_ char *power = host_read_line("%s/sys/power/state", root);
        _cleanup_strv_ char **states = NULL;

        if (power && strv_split(power, " ", &states) < 0)
                return -ENOMEM;
        t.can_suspend_mem = strv_contains(states, "mem");
        t.can_suspend_disk = strv_contains(states, "disk");
        t.has_iommu = has_entries(root, "/sys/kernel/iommu_groups");
        int r = read_processor(root, &t.processor);
        if (r >= 0)
                r = add_cells(root, &t);
        if (r >= 0)
                r = add_caches(root, &t);
        if (r < 0)
                return r;
        *ret = t;
        t = (HostTopology) {};
        return 0;
}
