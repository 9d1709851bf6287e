/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "file-util.h"
#include "host-counters.h"
#include "host-file.h"
#include "parse-util.h"
#include "string-util.h"

#define KIB UINT64_C(1024)
#define NSEC_PER_SEC UINT64_C(1000000000)
/* /proc/stat and /proc/cpuinfo of the largest machines. */
#define TEXT_MAX (8U << 20)

/* What stands behind KEY at the beginning of a line, or NULL. */
static const char *find_line(const char *text, const char *key) {
        for (const char *line = text; line;) {
                const char *behind = startswith(line, key);
                if (behind)
                        return behind;
                line = strchr(line, '\n');
                if (line)
                        line++;
        }
        return NULL;
}

int host_cpu_times(const char *root, int cpu, HostCpuTimes *ret) {
        _cleanup_free_ char *text = NULL, *key = cpu < 0 ? strdup("cpu ") : strf("cpu%d ", cpu);
        uint64_t user, nice, system, idle, iowait = 0, irq = 0, softirq = 0;
        long ticks = sysconf(_SC_CLK_TCK);

        if (!key)
                return -ENOMEM;
        int r = host_read_file(TEXT_MAX, &text, "%s/proc/stat", root);
        if (r < 0)
                return r;
        const char *line = find_line(text, key);
        if (!line)
                return -ENXIO;
        if (ticks <= 0 || sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                                 &user, &nice, &system, &idle, &iowait, &irq, &softirq) < 4)
                return -EBADMSG;
        uint64_t nsec = NSEC_PER_SEC / (uint64_t) ticks;
        *ret = (HostCpuTimes) {
                .user = (user + nice) * nsec,
                .system = (system + irq + softirq) * nsec,
                .idle = idle * nsec,
                .iowait = iowait * nsec,
        };
        return 0;
}

int host_memory(const char *root, HostMemory *ret) {
        _cleanup_free_ char *text = NULL;

        int r = host_read_file(TEXT_MAX, &text, "%s/proc/meminfo", root);
        if (r < 0)
                return r;
        *ret = (HostMemory) {
                .total = host_find_amount(text, "MemTotal:"),
                .free = host_find_amount(text, "MemFree:"),
                .buffers = host_find_amount(text, "Buffers:"),
                .cached = host_find_amount(text, "Cached:"),
        };
        return 0;
}

int host_cpu_map(const char *root, NumberSet *ret_present, NumberSet *ret_online) {
        host_read_set(ret_present, "%s/sys/devices/system/cpu/present", root);
        host_read_set(ret_online, "%s/sys/devices/system/cpu/online", root);
        return number_set_is_empty(ret_present) || number_set_is_empty(ret_online) ? -ENOENT : 0;
}

unsigned host_cpu_mhz(const char *root) {
        _cleanup_free_ char *text = NULL;
        double mhz;

        if (host_read_file(TEXT_MAX, &text, "%s/proc/cpuinfo", root) < 0)
                return 0;
        const char *behind = find_line(text, "cpu MHz");
        behind = behind ? strchr(behind, ':') : NULL;
        return behind && sscanf(behind + 1, "%lf", &mhz) == 1 && mhz > 0 && mhz < 1e9 ? (unsigned) mhz : 0;
}

/* --- pools of huge pages --- */

static char *pool_path(const char *root, int node, uint64_t page, const char *name) {
        if (node < 0)
                return strf("%s/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s", root, page / KIB, name);
        return strf("%s/sys/devices/system/node/node%d/hugepages/hugepages-%" PRIu64 "kB/%s", root, node, page / KIB, name);
}

static int read_pool(const char *root, int node, uint64_t page, const char *name, uint64_t *ret) {
        _cleanup_free_ char *path = pool_path(root, node, page, name), *text = NULL;

        if (!path)
                return -ENOMEM;
        int r = read_file_limited(AT_FDCWD, path, 4096, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        return parse_u64(text, 10, ret);
}

int host_pool_size(const char *root, int node, uint64_t page, uint64_t *ret) {
        return read_pool(root, node, page, "nr_hugepages", ret);
}

int host_pool_free(const char *root, int node, uint64_t page, uint64_t *ret) {
        return read_pool(root, node, page, "free_hugepages", ret);
}

int host_pool_resize(const char *root, int node, uint64_t page, uint64_t count) {
        _cleanup_free_ char *path = pool_path(root, node, page, "nr_hugepages");
        char text[24];

        if (!path)
                return -ENOMEM;
        _cleanup_close_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        int n = snprintf(text, sizeof(text), "%" PRIu64, count);
        return write_all(fd, text, (size_t) n);
}

int host_process_memory(const char *root, unsigned pid, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        long page = sysconf(_SC_PAGESIZE);
        uint64_t pages;

        int r = host_read_file(4096, &text, "%s/proc/%u/statm", root, pid);
        if (r < 0)
                return r;
        if (page <= 0 || sscanf(text, "%*u %" SCNu64, &pages) != 1)
                return -EBADMSG;
        *ret = pages * (uint64_t) page;
        return 0;
}

/* utime, stime and processor: fields 14, 15 and 39; the second one is the name in parentheses, which may hold anything. */
int host_stat_parse(const char *text, uint64_t *ret_cpu_nsec, unsigned *ret_cpu) {
        const char *p = strrchr(text, ')');
        unsigned long long user, system;
        unsigned cpu;

        if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %*u %*u %*d %*u "
                                "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %u", &user, &system, &cpu) != 3)
                return -EBADMSG;
        uint64_t ticks = (uint64_t) sysconf(_SC_CLK_TCK);
        *ret_cpu_nsec = (user + system) * (UINT64_C(1000000000) / MAX(ticks, 1U));
        *ret_cpu = cpu;
        return 0;
}

/* --- network interfaces --- */

#define NET_TABLE_MAX (16U << 20)

int host_net_counters(const char *root, const char *name, HostNetCounters *ret) {
        _cleanup_free_ char *text = NULL;
        size_t n = strlen(name);

        int r = host_read_file(NET_TABLE_MAX, &text, "%s/proc/net/dev", root);
        if (r < 0)
                return r;
        for (const char *line = text; line; line = strchr(line, '\n')) {
                HostNetCounters c;

                line += strspn(line, "\n ");
                if (strncmp(line, name, n) != 0 || line[n] != ':')
                        continue;
                if (sscanf(line + n + 1, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                           " %" SCNu64 " %" SCNu64, &c.rx_bytes, &c.rx_packets, &c.rx_errors, &c.rx_dropped, &c.tx_bytes,
                           &c.tx_packets, &c.tx_errors, &c.tx_dropped) != 8)
                        return -EBADMSG;
                *ret = c;
                return 0;
        }
        return -ENOENT;
}
