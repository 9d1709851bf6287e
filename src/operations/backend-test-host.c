/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "backend-test.h"
#include "file-util.h"
#include "string-util.h"

/* As libvirt's test driver says it: two nodes with two sockets of two cores of two threads each, 3 GiB. */
#define NODES 2U
#define CPUS_OF_NODE 8U
#define CPUS_OF_SOCKET 4U
#define CPUS_OF_CORE 2U

int test_file_write(const char *directory, const char *path, const char *text) {
        _cleanup_free_ char *full = strf("%s/%s", directory, path), *above = full ? strdup(full) : NULL;

        if (!above)
                return -ENOMEM;
        *strrchr(above, '/') = 0;
        int r = mkdir_parents(above, 0700);
        if (r < 0)
                return r;
        /* Nobody waits for it on a disk. */
        _cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : write_all(fd, text, strlen(text));
}

static int write_number(const char *directory, unsigned cpu, const char *name, unsigned n) {
        _cleanup_free_ char *path = strf("host/sys/devices/system/cpu/cpu%u/topology/%s", cpu, name), *text = strf("%u\n", n);

        return path && text ? test_file_write(directory, path, text) : -ENOMEM;
}

static int write_cpu(const char *directory, unsigned cpu) {
        _cleanup_free_ char *path = strf("host/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
        unsigned first = cpu / CPUS_OF_CORE * CPUS_OF_CORE;
        _cleanup_free_ char *siblings = strf("%u-%u\n", first, first + CPUS_OF_CORE - 1);

        if (!path || !siblings)
                return -ENOMEM;
        int r = write_number(directory, cpu, "physical_package_id", cpu / CPUS_OF_SOCKET);
        if (r >= 0)
                r = write_number(directory, cpu, "die_id", 0);
        if (r >= 0)
                r = write_number(directory, cpu, "core_id", cpu % CPUS_OF_SOCKET / CPUS_OF_CORE);
        return r < 0 ? r : test_file_write(directory, path, siblings);
}

/* The first has 1 GiB, the second 2. */
static int write_node(const char *directory, unsigned node) {
        unsigned kib = (node + 1) * 1024 * 1024, first = node * CPUS_OF_NODE;
        _cleanup_free_ char *list_path = strf("host/sys/devices/system/node/node%u/cpulist", node),
                            *memory_path = strf("host/sys/devices/system/node/node%u/meminfo", node),
                            *list = strf("%u-%u\n", first, first + CPUS_OF_NODE - 1),
                            *memory = strf("Node %u MemTotal: %u kB\nNode %u MemFree: %u kB\n", node, kib, node, kib / 2);

        if (!list_path || !memory_path || !list || !memory)
                return -ENOMEM;
        int r = test_file_write(directory, list_path, list);
        return r < 0 ? r : test_file_write(directory, memory_path, memory);
}

int test_host_write(const char *directory) {
        static const struct {
                const char *path, *text;
        } files[] = {
                { "host/sys/devices/system/cpu/present", "0-15\n" },
                { "host/sys/devices/system/cpu/online", "0-15\n" },
                { "host/sys/devices/system/node/online", "0-1\n" },
                { "host/sys/devices/system/node/has_memory", "0-1\n" },
                { "host/proc/cpuinfo", "cpu MHz\t\t: 1400.000\n" },
                { "host/proc/stat", "cpu  97974 0 346787 872649 7636 0 0 0 0 0\n" },
                { "host/proc/meminfo", "MemTotal: 3145728 kB\nMemFree: 1572864 kB\nBuffers: 0 kB\nCached: 0 kB\n" },
        };
        int r = 0;

        static_assert(NODES * CPUS_OF_NODE == 16, "the lists above say otherwise");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(files); i++)
                r = test_file_write(directory, files[i].path, files[i].text);
        for (unsigned i = 0; r >= 0 && i < NODES * CPUS_OF_NODE; i++)
                r = write_cpu(directory, i);
        for (unsigned i = 0; r >= 0 && i < NODES; i++)
                r = write_node(directory, i);
        return r;
}
