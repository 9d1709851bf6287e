/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <limits.h>
#include <time.h>

#include "cli-common.h"
#include "node.h"
#include "verbs.h"

/* nodeinfo, nodecpumap, nodecpustats, nodememstats, freecell, freepages, allocpages, maxvcpus: the host in numbers */

#define KIB UINT64_C(1024)

static int verb_nodeinfo(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        NodeInfo n;

        int r = node_info(cli->manager, &diag, &n);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get node information");
        report(cli, "cpu_model", report_text(n.model), "%-20s %s\n", "CPU model:", n.model);
        report(cli, "cpus", report_u64(n.cpus), "%-20s %u\n", "CPU(s):", n.cpus);
        if (n.mhz > 0)
                report(cli, "mhz", report_u64(n.mhz), "%-20s %u MHz\n", "CPU frequency:", n.mhz);
        report(cli, "sockets", report_u64(n.sockets), "%-20s %u\n", "CPU socket(s):", n.sockets);
        report(cli, "cores_per_socket", report_u64(n.cores), "%-20s %u\n", "Core(s) per socket:", n.cores);
        report(cli, "threads_per_core", report_u64(n.threads), "%-20s %u\n", "Thread(s) per core:", n.threads);
        report(cli, "numa_cells", report_u64(n.cells), "%-20s %u\n", "NUMA cell(s):", n.cells);
        report(cli, "memory", report_u64(n.memory), "%-20s %" PRIu64 " KiB\n", "Memory size:", n.memory / KIB);
        return 0;
}

static int verb_nodecpumap(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *list = NULL;
        NumberSet present, online;

        int r = node_cpu_map(cli->manager, &diag, &present, &online);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Unable to get cpu map");
        unsigned last = (unsigned) MAX(number_set_last(&present), 0);
        report(cli, "present", report_u64(last + 1), "%-15s %u\n", "CPUs present:", last + 1);
        report(cli, "online", report_u64(number_set_count(&online)), "%-15s %u\n", "CPUs online:", number_set_count(&online));
        list = number_set_format(&online);
        report_value(cli, "online_cpus", report_text(list));
        cli_print(cli, "%-15s ", "CPU map:");
        if (command_has(c, "pretty")) {
                cli_print(cli, "%s\n", list ?: "");
                return 0;
        }
        for (unsigned i = 0; i <= last; i++)
                cli_print(cli, "%c", number_set_has(&online, i) ? 'y' : '-');
        cli_print(cli, "\n");
        return 0;
}

/* --- nodecpustats --- */

static int read_cpu_times(Cli *cli, int cpu, HostCpuTimes *ret) {
        _cleanup_diag_ Diag diag = {};
        int r = node_cpu_times(cli->manager, cpu, &diag, ret);

        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Unable to get %s cpu stats", r == -EDOM ? "number of" : "node");
        return 0;
}

static void print_percent(Cli *cli, const char *word, uint64_t part, uint64_t all) {
        double percent = all > 0 ? (double) part / (double) all * 100 : 0.0;

        char text[32];

        (void) snprintf(text, sizeof(text), "%.1f", percent);
        report(cli, word, json_object_new_double_s(percent, text), "%s:%*s %5s%%\n", word, (int) (14 - strlen(word)), "", text);
}

static int print_percents(Cli *cli, int cpu, const HostCpuTimes *first) {
        HostCpuTimes t;

        (void) nanosleep(&(struct timespec) { .tv_sec = 1 }, NULL);
        if (read_cpu_times(cli, cpu, &t) < 0)
                return -1;
        /* The kernel's counters of what a CPU waits for may go back. */
        uint64_t user = t.user - MIN(t.user, first->user), system = t.system - MIN(t.system, first->system),
                 idle = t.idle - MIN(t.idle, first->idle), iowait = t.iowait - MIN(t.iowait, first->iowait),
                 all = user + system + idle + iowait;
        print_percent(cli, "usage", user + system, all);
        print_percent(cli, "user", user, all);
        print_percent(cli, "system", system, all);
        print_percent(cli, "idle", idle, all);
        print_percent(cli, "iowait", iowait, all);
        return 0;
}

static int verb_nodecpustats(Cli *cli, const Command *c) {
        HostCpuTimes t;
        int cpu = -1;

        if (command_get_int(cli, c, "cpu", &cpu) < 0 || read_cpu_times(cli, cpu, &t) < 0)
                return -1;
        if (command_has(c, "percent"))
                return print_percents(cli, cpu, &t);
        report(cli, "user", report_u64(t.user), "%-15s %20" PRIu64 "\n", "user:", t.user);
        report(cli, "system", report_u64(t.system), "%-15s %20" PRIu64 "\n", "system:", t.system);
        report(cli, "idle", report_u64(t.idle), "%-15s %20" PRIu64 "\n", "idle:", t.idle);
        report(cli, "iowait", report_u64(t.iowait), "%-15s %20" PRIu64 "\n", "iowait:", t.iowait);
        return 0;
}

/* --- memory --- */

static void print_memory(Cli *cli, const char *word, uint64_t bytes) {
        report(cli, word, report_u64(bytes), "%-7s: %20" PRIu64 " KiB\n", word, bytes / KIB);
}

static int verb_nodememstats(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        HostMemory memory;
        int cell = -1;

        if (command_get_int(cli, c, "cell", &cell) < 0)
                return -1;
        int r = node_memory(cli->manager, cell, &diag, &memory);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Unable to get number of memory stats");
        print_memory(cli, "total", memory.total);
        print_memory(cli, "free", memory.free);
        if (cell >= 0)
                return 0;
        print_memory(cli, "buffers", memory.buffers);
        print_memory(cli, "cached", memory.cached);
        return 0;
}

/* virsh has no headline for errors of these verbs. */
static int plain_error(Cli *cli, int r, const Diag *diag) {
        const char *text = diag_first_error(diag);

        return cli_error(cli, "%s", text ?: strerror(-r));
}

/* For a program, cell by cell: it can add. */
static void report_free_cell(Cli *cli, unsigned cell, uint64_t bytes) {
        report_open(cli, NULL, json_type_object);
        report_value(cli, "cell", report_u64(cell));
        report_value(cli, "free", report_u64(bytes));
        report_close(cli);
}

static int verb_freecell(Cli *cli, const Command *c) {
        _cleanup_host_resources_ HostResources x = {};
        _cleanup_diag_ Diag diag = {};
        uint64_t sum = 0;
        int cell;

        if (command_exclusive(cli, c, "all", "cellno") < 0)
                return -1;
        int has_cell = command_get_int(cli, c, "cellno", &cell);
        if (has_cell < 0)
                return -1;
        int r = has_cell ? node_cell_free(cli->manager, cell, &diag, &sum) : node_cells(cli->manager, &diag, &x);
        if (r < 0)
                return plain_error(cli, r, &diag);
        if (has_cell) {
                report_free_cell(cli, (unsigned) cell, sum);
                cli_print(cli, "%d: %" PRIu64 " KiB\n", cell, sum / KIB);
                return 0;
        }
        FOREACH_ARRAY(n, x.nodes, x.n_nodes) {
                sum += n->free;
                report_free_cell(cli, n->id, n->free);
                if (command_has(c, "all"))
                        cli_print(cli, "%5u: %10" PRIu64 " KiB\n", n->id, n->free / KIB);
        }
        if (!command_has(c, "all")) {
                cli_print(cli, "%s: %" PRIu64 " KiB\n", "Total", sum / KIB);
                return 0;
        }
        cli_print_extra(cli, "--------------------\n");
        cli_print_extra(cli, "%5s: %10" PRIu64 " KiB\n", "Total", sum / KIB);
        return 0;
}

/* --- pages --- */

/* --pagesize in KiB; 1, 0 when it was not given, or -1. */
static int get_page_size(Cli *cli, const Command *c, uint64_t *ret) {
        uint64_t bytes;
        int r = command_get_scaled(cli, c, "pagesize", KIB, UINT_MAX, &bytes);

        if (r > 0)
                *ret = (bytes + KIB - 1) / KIB;
        return r < 0 ? -1 : r;
}

static int print_free_pages(Cli *cli, int cell, uint64_t page_kib) {
        _cleanup_diag_ Diag diag = {};
        uint64_t n;

        int r = node_pages_free(cli->manager, cell, page_kib, &diag, &n);
        if (r < 0)
                return plain_error(cli, r, &diag);
        cli_print(cli, "%" PRIu64 "KiB: %" PRIu64 "\n", page_kib, n);
        report_open(cli, NULL, json_type_object);
        report_value(cli, "cell", cell < 0 ? NULL : report_u64((unsigned) cell));
        report_value(cli, "page_size", report_u64(page_kib * KIB));
        report_value(cli, "free", report_u64(n));
        report_close(cli);
        return 0;
}

static int print_cell_pages(Cli *cli, int cell, const uint64_t *sizes, size_t n) {
        _cleanup_diag_ Diag diag = {};
        uint64_t ignored;

        /* Nothing is printed of a cell that has not all of them. */
        FOREACH_ARRAY(s, sizes, n) {
                int r = node_pages_free(cli->manager, cell, *s / KIB, &diag, &ignored);
                if (r < 0)
                        return plain_error(cli, r, &diag);
        }
        cli_print(cli, "Node %d:\n", cell);
        FOREACH_ARRAY(s, sizes, n)
                if (print_free_pages(cli, cell, *s / KIB) < 0)
                        return -1;
        cli_print(cli, "\n");
        return 0;
}

static int print_all_pages(Cli *cli, const uint64_t *only_kib) {
        _cleanup_host_resources_ HostResources x = {};
        _cleanup_free_ uint64_t *sizes = NULL;
        _cleanup_diag_ Diag diag = {};
        uint64_t one = only_kib ? *only_kib * KIB : 0;
        size_t n = 1;

        int r = node_cells(cli->manager, &diag, &x);
        if (r >= 0 && !only_kib)
                r = node_page_sizes(cli->manager, &diag, &sizes, &n);
        if (r < 0)
                return plain_error(cli, r, &diag);
        FOREACH_ARRAY(node, x.nodes, x.n_nodes)
                if (print_cell_pages(cli, (int) node->id, sizes ?: &one, n) < 0)
                        return -1;
        return 0;
}

static int verb_freepages(Cli *cli, const Command *c) {
        uint64_t page;
        int cell;

        if (command_exclusive(cli, c, "all", "cellno") < 0)
                return -1;
        int has_page = get_page_size(cli, c, &page);
        if (has_page < 0)
                return -1;
        if (command_has(c, "all"))
                return print_all_pages(cli, has_page ? &page : NULL);
        int has_cell = command_get_int(cli, c, "cellno", &cell);
        if (has_cell < 0)
                return -1;
        if (!has_cell)
                return cli_error(cli, "missing cellno argument");
        if (cell < -1)
                return cli_error(cli, "cell number must be non-negative integer or -1");
        if (!has_page)
                return cli_error(cli, "missing pagesize argument");
        return print_free_pages(cli, cell, page);
}

static int verb_allocpages(Cli *cli, const Command *c) {
        _cleanup_host_resources_ HostResources x = {};
        _cleanup_diag_ Diag diag = {};
        uint64_t page = 0, count = 0;
        int cell = -1, r;

        if (command_exclusive(cli, c, "all", "cellno") < 0 || command_get_int(cli, c, "cellno", &cell) < 0 ||
            get_page_size(cli, c, &page) < 0 || command_get_u64(cli, c, "pagecount", &count) < 0)
                return -1;
        if (!command_has(c, "all"))
                r = node_pages_allocate(cli->manager, cell, page, count, command_has(c, "add"), &diag);
        else
                r = node_cells(cli->manager, &diag, &x);
        FOREACH_ARRAY(n, x.nodes, x.n_nodes)
                if (r >= 0)
                        r = node_pages_allocate(cli->manager, (int) n->id, page, count, command_has(c, "add"), &diag);
        return r < 0 ? plain_error(cli, r, &diag) : 0;
}

static int verb_maxvcpus(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        const char *type;
        unsigned n;

        if (command_get_nonempty(cli, c, "type", &type) < 0)
                return -1;
        int r = node_max_vcpus(cli->manager, type, &diag, &n);
        if (r < 0)
                return plain_error(cli, r, &diag);
        report(cli, "maximum", report_u64(n), "%u\n", n);
        return 0;
}

static const Option no_options[] = { OPTIONS_END };
static const Option nodecpumap_options[] = {
        OPTION_FLAG("pretty", "return human readable output"),
        OPTIONS_END,
};
static const Option nodecpustats_options[] = {
        { .name = "cpu", .type = OPTION_INT, .help = "prints specified cpu statistics only." },
        OPTION_FLAG("percent", "prints by percentage during 1 second."),
        OPTIONS_END,
};
static const Option nodememstats_options[] = {
        { .name = "cell", .type = OPTION_INT, .help = "prints specified cell statistics only." },
        OPTIONS_END,
};
static const Option freecell_options[] = {
        { .name = "cellno", .type = OPTION_INT, .help = "NUMA cell number" },
        OPTION_FLAG("all", "show free memory for all NUMA cells"),
        OPTIONS_END,
};
static const Option freepages_options[] = {
        { .name = "cellno", .type = OPTION_INT, .help = "NUMA cell number" },
        { .name = "pagesize", .type = OPTION_INT, .help = "page size (in kibibytes)" },
        OPTION_FLAG("all", "show free pages for all NUMA cells"),
        OPTIONS_END,
};
static const Option allocpages_options[] = {
        { .name = "pagesize", .type = OPTION_INT, .required = true, .help = "page size (in kibibytes)" },
        { .name = "pagecount", .type = OPTION_INT, .required = true, .help = "page count" },
        { .name = "cellno", .type = OPTION_INT, .help = "NUMA cell number" },
        OPTION_FLAG("add", "instead of setting new pool size add pages to it"),
        OPTION_FLAG("all", "set on all NUMA cells"),
        OPTIONS_END,
};
static const Option maxvcpus_options[] = {
        { .name = "type", .type = OPTION_STRING, .words = "kvm|qemu", .help = "domain type" },
        OPTIONS_END,
};

static const Verb node_verbs[] = {
        { "nodeinfo", GROUP_HOST, verb_nodeinfo, no_options, "node information", "Returns basic information about the node.",
          .json = "{cpu_model: string, cpus: number, [mhz: number], sockets: number, cores_per_socket: number, threads_per_core: number, "
                  "numa_cells: number, memory: number}" },
        { "nodecpumap", GROUP_HOST, verb_nodecpumap, nodecpumap_options, "node cpu map",
          "Displays the node's total number of CPUs, the number of online CPUs and the list of online CPUs.",
          .json = "{present: number, online: number, online_cpus: string}" },
        { "nodecpustats", GROUP_HOST, verb_nodecpustats, nodecpustats_options, "Prints cpu stats of the node.",
          "Returns cpu stats of the node, in nanoseconds.",
          .json = "{[usage: number], user: number, system: number, idle: number, iowait: number}" },
        { "nodememstats", GROUP_HOST, verb_nodememstats, nodememstats_options, "Prints memory stats of the node.",
          "Returns memory stats of the node, in kilobytes.",
          .json = "{total: number, free: number, [buffers: number], [cached: number]}" },
        { "freecell", GROUP_HOST, verb_freecell, freecell_options, "NUMA free memory",
          "display available free memory for the NUMA cell.", .json = "[{cell: number, free: number}]" },
        { "freepages", GROUP_HOST, verb_freepages, freepages_options, "NUMA free pages",
          "display available free pages for the NUMA cell.",
          .json = "[{cell: number?, page_size: number, free: number}]" },
        { "allocpages", GROUP_HOST, verb_allocpages, allocpages_options, "Manipulate pages pool size",
          "Allocate or free some pages in the pool for NUMA cell.", .changes = true },
        { "maxvcpus", GROUP_HOST, verb_maxvcpus, maxvcpus_options, "connection vcpu maximum",
          "Show maximum number of virtual CPUs for guests on this connection.", .json = "{maximum: number}" },
};
DEFINE_VERB_TABLE(node);
