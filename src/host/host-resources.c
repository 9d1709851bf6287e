/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "file-util.h"
#include "host-file.h"
#include "host-resources.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"

#define KIB UINT64_C(1024)

static int read_pools(const char *directory, HostNode *n) {
        DIR *dir = opendir(directory);
        int r = 0;

        for (struct dirent *e; r >= 0 && dir && (e = readdir(dir));) {
                unsigned kib;
                uint64_t count;
                char end;
                if (sscanf(e->d_name, "hugepages-%ukB%c", &kib, &end) != 1)
                        continue;
                _cleanup_free_ char *text = host_read_text("%s/%s/free_hugepages", directory, e->d_name);
                if (text)
                        text[strcspn(text, "\n")] = 0;
                if (!text || parse_u64(text, 10, &count) < 0)
                        continue;
                if (!ARRAY_GROW(n->pools, n->n_pools))
                        r = -ENOMEM;
                else
                        n->pools[n->n_pools++] = (HostPool) { kib * KIB, count };
        }
        if (dir)
                closedir(dir);
        return r;
}

static HostNode *add_node(HostResources *x, unsigned id) {
        if (!ARRAY_GROW(x->nodes, x->n_nodes))
                return NULL;
        x->nodes[x->n_nodes] = (HostNode) { .id = id };
        return &x->nodes[x->n_nodes++];
}

static void read_node_ids(const char *root, NumberSet *ret) {
        host_read_set(ret, "%s/sys/devices/system/node/has_memory", root);
}

void host_numa_nodes(const char *root, NumberSet *ret) {
        read_node_ids(root, ret);
        if (number_set_is_empty(ret))
                number_set_add(ret, 0);
}

static int read_nodes(const char *root, HostResources *x) {
        NumberSet ids;
        int r = 0;

        read_node_ids(root, &ids);
        for (unsigned i = 0; r >= 0 && i < NUMBER_SET_MAX; i++) {
                if (!number_set_has(&ids, i))
                        continue;
                _cleanup_free_ char *text = host_read_text("%s/sys/devices/system/node/node%u/meminfo", root, i),
                                    *pools = strf("%s/sys/devices/system/node/node%u/hugepages", root, i);
                HostNode *n = pools ? add_node(x, i) : NULL;
                if (!n)
                        return -ENOMEM;
                n->memory = host_find_amount(text, "MemTotal:");
                n->free = host_find_amount(text, "MemFree:");
                host_read_set(&n->cpus, "%s/sys/devices/system/node/node%u/cpulist", root, i);
                r = read_pools(pools, n);
        }
        return r;
}

/* A kernel without NUMA: one node with everything. */
static int read_single_node(const char *root, HostResources *x) {
        _cleanup_free_ char *text = host_read_text("%s/proc/meminfo", root), *pools = strf("%s/sys/kernel/mm/hugepages", root);
        HostNode *n = pools ? add_node(x, 0) : NULL;

        if (!n)
                return -ENOMEM;
        n->memory = host_find_amount(text, "MemTotal:");
        n->free = host_find_amount(text, "MemFree:");
        n->cpus = x->cpus;
        return read_pools(pools, n);
}

HostControllers host_controllers_of(const char *group) {
        static const struct {
                const char *name;
                HostControllers flag;
        } words[] = {
                { "cpu", CONTROLLER_CPU }, { "cpuset", CONTROLLER_CPUSET },
                { "memory", CONTROLLER_MEMORY }, { "io", CONTROLLER_IO },
        };
        _cleanup_free_ char *text = host_read_text("%s/cgroup.controllers", group);
        _cleanup_strv_ char **list = NULL;
        HostControllers found = 0;

        if (text && strv_split(text, " \n", &list) < 0)
                return 0;
        FOREACH_ARRAY(w, words, ELEMENTSOF(words))
                if (strv_contains(list, w->name))
                        found |= w->flag;
        return found;
}

int host_resources_gather(const char *root, HostResources *ret) {
        _cleanup_host_resources_ HostResources x = { .known = true };
        _cleanup_free_ char *group = strf("%s" HOST_CGROUP_ROOT, root);

        if (!group)
                return -ENOMEM;
        host_read_set(&x.cpus, "%s/sys/devices/system/cpu/online", root);
        x.controllers = host_controllers_of(group);
        int r = read_nodes(root, &x);
        if (r >= 0 && x.n_nodes == 0)
                r = read_single_node(root, &x);
        if (r < 0)
                return r;
        *ret = x;
        x = (HostResources) {};
        return 0;
}

uint64_t host_memory_min_above(const char *group, char **ret_above) {
        _cleanup_free_ char *path = strdup(group), *found = NULL;
        uint64_t least = UINT64_MAX, v;

        for (char *slash; path && (slash = strrchr(path, '/')) && (*slash = 0, startswith(path, HOST_CGROUP_ROOT "/"));) {
                _cleanup_free_ char *text = host_read_text("%s/memory.min", path);
                if (text)
                        text[strcspn(text, "\n")] = 0;
                if (!text || parse_u64(text, 10, &v) < 0 || v >= least)
                        continue;
                least = v;
                if (free_and_strdup(&found, path) < 0)
                        return UINT64_MAX;
        }
        *ret_above = TAKE_PTR(found);
        return least;
}

/* As systemd does it, a part stands for the whole disk. */
static dev_t whole_disk(dev_t device) {
        _cleanup_free_ char *part = host_read_text("/sys/dev/block/%u:%u/partition", major(device), minor(device)),
                            *disk = host_read_text("/sys/dev/block/%u:%u/../dev", major(device), minor(device));
        unsigned x, y;

        return part && disk && sscanf(disk, "%u:%u", &x, &y) == 2 ? makedev(x, y) : device;
}

static bool has_scheduler_bfq(dev_t device) {
        _cleanup_free_ char *text = host_read_text("/sys/dev/block/%u:%u/queue/scheduler", major(device), minor(device));

        return text && strstr(text, "[bfq]");
}

/* "254:0 enable=1 ctrl=auto …", a line for each device. */
static bool counts_costs(dev_t device) {
        _cleanup_free_ char *text = host_read_text(HOST_CGROUP_ROOT "/io.cost.qos"), *number = strf("%u:%u ", major(device), minor(device));
        _cleanup_strv_ char **lines = NULL;

        if (!text || !number || strv_split(text, "\n", &lines) < 0)
                return false;
        STRV_FOREACH(l, lines) {
                const char *rest = startswith(*l, number);
                if (rest && startswith(rest, "enable=1"))
                        return true;
        }
        return false;
}

/* The kernel would keep neither the weight of such a device nor quiet about it, but only systemd's log would know. */
static const char *check_block_device(const BlkioDevice *i) {
        struct stat st;

        if (stat(strempty(i->path), &st) < 0)
                return strerror(errno);
        if (!S_ISBLK(st.st_mode))
                return "it is not a block device";
        dev_t disk = whole_disk(st.st_rdev);
        if (i->weight.set && !has_scheduler_bfq(disk) && !counts_costs(disk))
                return "it takes no weight: its scheduler is not bfq, and it is not in io.cost.qos";
        return NULL;
}

int host_check_block_devices(const Domain *d, bool lenient, Diag *diag) {
        int ret = 0;

        FOREACH_ARRAY(i, d->blkiotune.devices, d->blkiotune.n_devices) {
                const char *path = strempty(i->path), *reason = check_block_device(i);

                if (!reason)
                        continue;
                if (lenient)
                        diag_warning(diag, i->loc, "blkiotune: device '%s': %s; ignored", path, reason);
                else
                        ret = diag_error_code(diag, -ENODEV, i->loc, "blkiotune: device '%s': %s", path, reason);
        }
        return ret;
}
