/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "capabilities.h"
#include "host-resources.h"
#include "host-topology.h"
#include "node.h"
#include "string-util.h"

#define KIB UINT64_C(1024)

/* --- nodeinfo --- */

static unsigned count_sockets(const HostCell *c) {
        NumberSet sockets = {};

        FOREACH_ARRAY(cpu, c->cpus, c->n_cpus)
                number_set_add(&sockets, cpu->socket);
        return number_set_count(&sockets);
}

static unsigned count_cores(const HostCell *c) {
        unsigned most = 0;

        FOREACH_ARRAY(of, c->cpus, c->n_cpus) {
                NumberSet cores = {};
                FOREACH_ARRAY(cpu, c->cpus, c->n_cpus)
                        if (cpu->socket == of->socket)
                                number_set_add(&cores, cpu->core);
                most = MAX(most, number_set_count(&cores));
        }
        return most;
}

static unsigned count_threads(const HostCell *c) {
        unsigned most = 0;

        FOREACH_ARRAY(cpu, c->cpus, c->n_cpus)
                most = MAX(most, number_set_count(&cpu->siblings));
        return most;
}

int node_info(Manager *m, Diag *diag, NodeInfo *ret) {
        _cleanup_host_topology_ HostTopology t = {};
        NumberSet present, online;
        const HostFacts *facts;
        unsigned all;

        int r = manager_facts(m, &facts);
        if (r >= 0)
                r = host_topology_gather(m->host_root, &t);
        if (r < 0)
                return r;
        NodeInfo n = { .model = arch_to_string(facts->arch), .mhz = host_cpu_mhz(m->host_root), .cells = (unsigned) t.n_cells };
        FOREACH_ARRAY(c, t.cells, t.n_cells) {
                n.cpus += (unsigned) c->n_cpus;
                n.sockets = MAX(n.sockets, count_sockets(c));
                n.cores = MAX(n.cores, count_cores(c));
                n.threads = MAX(n.threads, count_threads(c));
                n.memory += c->memory;
        }
        all = n.cpus;
        if (host_cpu_map(m->host_root, &present, &online) >= 0)
                all += number_set_count(&present) - MIN(number_set_count(&present), number_set_count(&online));
        /* What is not the same everywhere is told as one cell with that many cores, as libvirt does. */
        if (n.cells * n.sockets * n.cores * n.threads != all) {
                n.cells = n.sockets = n.threads = 1;
                n.cores = all;
        }
        *ret = n;
        if (n.memory == 0) {
                HostMemory memory;
                r = host_memory(m->host_root, &memory);
                ret->memory = r < 0 ? 0 : memory.total;
        }
        return 0;
}

/* --- cells --- */

int node_cells(Manager *m, Diag *diag, HostResources *ret) {
        return host_resources_gather(m->host_root, ret);
}

/* libvirt's rule for what begins with a cell; an existing one is in *ret. */
static int find_cell(const HostResources *x, int cell, Diag *diag, const HostNode **ret) {
        unsigned last = x->n_nodes > 0 ? x->nodes[x->n_nodes - 1].id : 0;

        if (cell >= 0 && (unsigned) cell > last)
                return diag_error(diag, (SrcLoc) {}, "internal error: start cell %d out of range (0-%u)", cell, last);
        const HostNode *n = cell < 0 ? NULL : host_resources_node(x, (unsigned) cell);
        if (!n)
                return diag_error(diag, (SrcLoc) {}, "operation failed: NUMA node %d is not available", cell);
        *ret = n;
        return 0;
}

int node_cell_free(Manager *m, int cell, Diag *diag, uint64_t *ret) {
        _cleanup_host_resources_ HostResources x = {};
        const HostNode *n;

        if (cell < 0)
                return diag_error(diag, (SrcLoc) {}, "startCell in virNodeGetCellsFreeMemory must be zero or greater");
        int r = node_cells(m, diag, &x);
        if (r >= 0)
                r = find_cell(&x, cell, diag, &n);
        if (r >= 0)
                *ret = n->free;
        return r;
}

/* --- pages --- */

static uint64_t normal_page(void) {
        long size = sysconf(_SC_PAGESIZE);

        return size > 0 ? (uint64_t) size : 4096;
}

static int no_such_page(int cell, uint64_t page_kib, Diag *diag) {
        if (cell < 0)
                return diag_error(diag, (SrcLoc) {}, "operation failed: page size %" PRIu64 " is not available", page_kib);
        return diag_error(diag, (SrcLoc) {}, "operation failed: page size %" PRIu64 " is not available on node %d", page_kib, cell);
}

static int compare_sizes(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return x < y ? -1 : x > y;
}

static int add_size(uint64_t size, uint64_t **sizes, size_t *n) {
        for (size_t i = 0; i < *n; i++)
                if ((*sizes)[i] == size)
                        return 0;
        if (!ARRAY_GROW(*sizes, *n))
                return -ENOMEM;
        (*sizes)[(*n)++] = size;
        return 0;
}

int node_page_sizes(Manager *m, Diag *diag, uint64_t **ret, size_t *ret_n) {
        _cleanup_host_resources_ HostResources x = {};
        _cleanup_free_ uint64_t *sizes = NULL;
        size_t n = 0;

        int r = node_cells(m, diag, &x);
        if (r >= 0)
                r = add_size(normal_page(), &sizes, &n);
        FOREACH_ARRAY(node, x.nodes, x.n_nodes)
                FOREACH_ARRAY(p, node->pools, node->n_pools)
                        if (r >= 0)
                                r = add_size(p->size, &sizes, &n);
        if (r < 0)
                return r;
        qsort(sizes, n, sizeof(uint64_t), compare_sizes);
        *ret = TAKE_PTR(sizes);
        *ret_n = n;
        return 0;
}

int node_pages_free(Manager *m, int cell, uint64_t page_kib, Diag *diag, uint64_t *ret) {
        _cleanup_host_resources_ HostResources x = {};
        const HostNode *node = NULL;
        uint64_t free_memory = 0;

        int r = node_cells(m, diag, &x);
        if (r >= 0 && cell >= 0)
                r = find_cell(&x, cell, diag, &node);
        if (r < 0)
                return r;
        if (page_kib * KIB == normal_page()) {
                FOREACH_ARRAY(i, x.nodes, x.n_nodes)
                        if (!node || i == node)
                                free_memory += i->free;
                *ret = free_memory / normal_page();
                return 0;
        }
        /* Without NUMA the only cell has the machine's pools. */
        r = host_pool_free(m->host_root, cell, page_kib * KIB, ret);
        if (r == -ENOENT && cell == 0)
                r = host_pool_free(m->host_root, -1, page_kib * KIB, ret);
        return r == -ENOENT ? no_such_page(cell, page_kib, diag) : r;
}

int node_pages_allocate(Manager *m, int cell, uint64_t page_kib, uint64_t count, bool add, Diag *diag) {
        _cleanup_host_resources_ HostResources x = {};
        uint64_t page = page_kib * KIB, now;
        const HostNode *node;

        int r = node_cells(m, diag, &x);
        if (r >= 0 && page == normal_page() && (cell < 0 || x.n_nodes == 0 || (unsigned) cell <= x.nodes[x.n_nodes - 1].id))
                return diag_error_code(diag, -EOPNOTSUPP, (SrcLoc) {},
                                       "Operation not supported: system pages pool can't be modified");
        if (r >= 0 && cell != -1)
                r = find_cell(&x, cell, diag, &node);
        if (r >= 0)
                r = host_pool_size(m->host_root, cell, page, &now);
        if (r == -ENOENT)
                return no_such_page(cell, page_kib, diag);
        if (r < 0)
                return r;
        if (add && count > UINT64_MAX - now)
                return diag_error_code(diag, -ERANGE, (SrcLoc) {}, "operation failed: %" PRIu64 " more pages are too many", count);
        if (add)
                count += now;
        if (count == now)
                return 0;
        r = host_pool_resize(m->host_root, cell, page, count);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "Unable to write the number of huge pages: %s", strerror(-r));
        r = host_pool_size(m->host_root, cell, page, &now);
        if (r >= 0 && now != count)
                return diag_error_code(diag, -ENOSPC, (SrcLoc) {},
                                       "operation failed: Unable to allocate %" PRIu64 " pages. Allocated only %" PRIu64, count, now);
        return r;
}

/* --- counters --- */

int node_cpu_times(Manager *m, int cpu, Diag *diag, HostCpuTimes *ret) {
        if (cpu < -1)
                return diag_error_code(diag, -EDOM, (SrcLoc) {},
                                       "cpuNum in virNodeGetCPUStats only accepts -1 as a negative value");
        int r = host_cpu_times(m->host_root, cpu, ret);
        if (r == -ENXIO)
                return diag_error(diag, (SrcLoc) {}, "Invalid cpuNum in virHostCPUGetStatsLinux");
        return r;
}

int node_memory(Manager *m, int cell, Diag *diag, HostMemory *ret) {
        _cleanup_host_resources_ HostResources x = {};

        if (cell < -1)
                return diag_error(diag, (SrcLoc) {}, "cellNum in virNodeGetMemoryStats only accepts -1 as a negative value");
        if (cell < 0)
                return host_memory(m->host_root, ret);
        int r = node_cells(m, diag, &x);
        if (r < 0)
                return r;
        const HostNode *n = host_resources_node(&x, (unsigned) cell);
        if (!n)
                return diag_error(diag, (SrcLoc) {}, "cellNum in virHostMemGetStats must be less than or equal to %u",
                                  x.n_nodes > 0 ? x.nodes[x.n_nodes - 1].id : 0);
        *ret = (HostMemory) { .total = n->memory, .free = n->free };
        return 0;
}

int node_cpu_map(Manager *m, Diag *diag, NumberSet *ret_present, NumberSet *ret_online) {
        return host_cpu_map(m->host_root, ret_present, ret_online);
}

/* --- maxvcpus --- */

/* What the kernel offers, for a type that the emulator has not. */
static int kvm_max_vcpus(Diag *diag, unsigned *ret) {
        _cleanup_close_ int fd = open("/dev/kvm", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "Unable to open /dev/kvm: %s", strerror(errno));
        int n = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
        if (n <= 0)
                n = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
        *ret = n > 0 ? (unsigned) n : 1;
        return 0;
}

int node_max_vcpus(Manager *m, const char *type, Diag *diag, unsigned *ret) {
        DomainCapabilitiesRequest request = { .type = type };
        _cleanup_free_ char *xml = NULL;

        int r = capabilities_domain(m, &request, NULL, &xml);
        const char *found = r >= 0 ? strstr(xml, "<vcpu max='") : NULL;
        if (found && sscanf(found, "<vcpu max='%u'", ret) == 1)
                return 0;
        /* libvirt's answer where it does not know the emulator. */
        if (!type || strcasecmp(type, "qemu") == 0) {
                *ret = 16;
                return 0;
        }
        if (strcasecmp(type, "kvm") == 0)
                return kvm_max_vcpus(diag, ret);
        return diag_error(diag, (SrcLoc) {}, "invalid argument: unknown type '%s'", type);
}
