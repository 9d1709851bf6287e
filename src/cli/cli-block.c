/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "block-info.h"
#include "cli-common.h"
#include "plans.h"
#include "string-util.h"
#include "table.h"

/* domblklist, domblkinfo, domblkstat, domblkerror */

/* --- domblklist --- */

static int list_disk(Table *t, const DomainDisk *disk, bool details) {
        _cleanup_free_ char *source = NULL;

        int r = disk_source_text(&disk->source, &source);
        if (r >= 0 && details)
                r = table_add(t, strempty(disk_type_to_string(disk->source.type)));
        if (r >= 0 && details)
                r = table_add(t, strempty(disk_device_to_string(disk->device)));
        if (r >= 0)
                r = table_add(t, strempty(disk->target_dev));
        return r < 0 ? r : table_add(t, source ?: "-");
}

static int verb_domblklist(Cli *cli, const Command *c) {
        static const char *const head[] = { "Target", "Source", NULL };
        static const char *const head_details[] = { "Type", "Device", "Target", "Source", NULL };
        bool details = command_has(c, "details");
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_table_ Table t = {};
        _cleanup_vm_ Vm vm = {};

        if (cli_describe(cli, c, command_has(c, "inactive"), &vm, &d) < 0)
                return -1;
        int r = table_init(&t, details ? head_details : head);
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (r >= 0)
                        r = list_disk(&t, disk, details);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        table_print(cli, &t);
        return 0;
}

/* --- domblkinfo --- */

static bool sizes_are_zero(const ImageSizes *s) {
        return s->capacity == 0 && s->allocation == 0 && s->physical == 0;
}

static void format_size(uint64_t bytes, bool human, char ret[32]) {
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double v = (double) bytes;
        unsigned i = 0;

        if (!human) {
                (void) snprintf(ret, 32, "%" PRIu64, bytes);
                return;
        }
        for (; v >= 1024 && i + 1 < ELEMENTSOF(units); i++)
                v /= 1024;
        (void) snprintf(ret, 32, "%.3f %s", v, units[i]);
}

static void format_sizes(const ImageSizes *s, bool human, char ret[3][32]) {
        const uint64_t values[] = { s->capacity, s->allocation, s->physical };

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                if (sizes_are_zero(s))
                        strcpy(ret[i], "-");
                else
                        format_size(values[i], human, ret[i]);
}

/* What a storage server holds of what does not run is not known; a disk alone is told so. */
static int print_all_sizes(Cli *cli, const BlockReport *report, const Domain *d, bool human) {
        static const char *const head[] = { "Target", "Capacity", "Allocation", "Physical", NULL };
        _cleanup_table_ Table t = {};
        char cells[3][32];

        int r = table_init(&t, head);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                _cleanup_diag_ Diag diag = {};
                ImageSizes sizes = {};

                if (r >= 0 && !disk_source_is_empty(&disk->source)) {
                        int k = vm_disk_sizes(report, disk, &diag, &sizes);
                        if (k < 0 && !(k == -EREMOTE && !report))
                                return cli_error_reason(cli, k, &diag);
                }
                format_sizes(&sizes, human, cells);
                if (r >= 0)
                        r = table_add(&t, strempty(disk->target_dev));
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(cells); i++)
                        r = table_add(&t, cells[i]);
        }
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        table_print(cli, &t);
        return 0;
}

static int print_sizes(Cli *cli, const BlockReport *report, const DomainDisk *disk, bool human) {
        _cleanup_diag_ Diag diag = {};
        ImageSizes sizes;
        char cells[3][32];

        int r = vm_disk_sizes(report, disk, &diag, &sizes);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        format_sizes(&sizes, human, cells);
        cli_print(cli, "%-15s %s\n", "Capacity:", cells[0]);
        cli_print(cli, "%-15s %s\n", "Allocation:", cells[1]);
        cli_print(cli, "%-15s %s\n", "Physical:", cells[2]);
        return 0;
}

static int verb_domblkinfo(Cli *cli, const Command *c) {
        bool all = command_has(c, "all"), human = command_has(c, "human");
        _cleanup_block_report_ BlockReport report = {};
        const char *device = command_get(c, "device");
        _cleanup_(domain_freep) Domain *d = NULL;
        const DomainDisk *disk = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (command_exclusive(cli, c, "all", "device") < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (!all && isempty(device))
                return cli_error(cli, "command 'domblkinfo' requires <device> option");
        if (cli_describe_vm(cli, &vm, false, &d) < 0)
                return -1;
        if (!all && !(disk = domain_find_disk(d, device)))
                return cli_error(cli, "invalid argument: invalid path %s not assigned to domain", device);
        int r = vm.active ? vm_block_report(cli->manager, &vm, d, &diag, &report) : 0;
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        const BlockReport *running = vm.active ? &report : NULL;
        return all ? print_all_sizes(cli, running, d, human) : print_sizes(cli, running, disk, human);
}

/* --- domblkstat --- */

static const struct {
        const char *word, *human;
} counter_words[_BLOCK_COUNTER_MAX] = {
        [BLOCK_READ_REQUESTS] = { "rd_req", "number of read operations:" },
        [BLOCK_READ_BYTES] = { "rd_bytes", "number of bytes read:" },
        [BLOCK_WRITE_REQUESTS] = { "wr_req", "number of write operations:" },
        [BLOCK_WRITE_BYTES] = { "wr_bytes", "number of bytes written:" },
        [BLOCK_FLUSH_REQUESTS] = { "flush_operations", "number of flush operations:" },
        [BLOCK_READ_TIMES] = { "rd_total_times", "total duration of reads (ns):" },
        [BLOCK_WRITE_TIMES] = { "wr_total_times", "total duration of writes (ns):" },
        [BLOCK_FLUSH_TIMES] = { "flush_total_times", "total duration of flushes (ns):" },
};

/* Of one disk, or (DEVICE empty) of all together. */
static int read_counters(const BlockReport *report, const Domain *d, const char *device, Diag *diag, BlockCounters *ret) {
        const DomainDisk *only = *device ? domain_find_disk(d, device) : NULL;

        *ret = (BlockCounters) {};
        if (*device && !only)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: invalid path: %s", device);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                BlockCounters counters;

                if (only && disk != only)
                        continue;
                int r = block_report_counters(report, disk, &counters);
                if (r < 0)
                        return diag_error_code(diag, r, (SrcLoc) {}, "invalid argument: cannot find statistics for device '%s'",
                                               strempty(disk->target_dev));
                block_counters_add(ret, &counters);
        }
        return 0;
}

static int verb_domblkstat(Cli *cli, const Command *c) {
        const char *device = strempty(command_get(c, "device"));
        _cleanup_block_report_ BlockReport report = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        bool human = command_has(c, "human");
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        BlockCounters counters;

        if (cli_lookup_running(cli, c, &vm) < 0 || cli_describe_vm(cli, &vm, false, &d) < 0)
                return -1;
        int r = vm_block_report(cli->manager, &vm, d, &diag, &report);
        if (r >= 0)
                r = read_counters(&report, d, device, &diag, &counters);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        if (human)
                cli_print(cli, "Device: %s\n", device);
        for (size_t i = 0; i < _BLOCK_COUNTER_MAX; i++)
                if (counters.has[i] && human)
                        cli_print(cli, " %-31s %" PRIu64 "\n", counter_words[i].human, counters.values[i]);
                else if (counters.has[i])
                        cli_print(cli, "%s %s %" PRIu64 "\n", device, counter_words[i].word, counters.values[i]);
        return 0;
}

/* --- domblkerror --- */

static int verb_domblkerror(Cli *cli, const Command *c) {
        static const char *const words[] = {
                [DISK_ERROR_UNSPECIFIED] = "unspecified error",
                [DISK_ERROR_NO_SPACE] = "no space",
        };
        _cleanup_block_report_ BlockReport report = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        bool any = false;

        if (cli_lookup_running(cli, c, &vm) < 0 || cli_describe_vm(cli, &vm, false, &d) < 0)
                return -1;
        int r = vm_block_report(cli->manager, &vm, d, &diag, &report);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                DiskError error = block_report_error(&report, disk);

                if (error == DISK_ERROR_NONE)
                        continue;
                any = true;
                cli_print(cli, "%s: %s\n", strempty(disk->target_dev), words[error]);
        }
        if (!any)
                cli_print(cli, "No errors found\n");
        return 0;
}

static const Option domblklist_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("inactive", "get inactive rather than running configuration"),
        OPTION_FLAG("details", "additionally display the type and device value"),
        OPTIONS_END,
};
static const Option domblkinfo_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "device", .type = OPTION_STRING, .hint = HINT_DISK, .help = "block device" },
        OPTION_FLAG("human", "Human readable output"),
        OPTION_FLAG("all", "display all block devices info"),
        OPTIONS_END,
};
static const Option domblkstat_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "device", .type = OPTION_STRING, .hint = HINT_DISK, .help = "block device" },
        OPTION_FLAG("human", "print a more human readable output"),
        OPTIONS_END,
};
static const Option domblkerror_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTIONS_END,
};

static const Verb block_verbs[] = {
        { "domblklist", GROUP_MONITOR, verb_domblklist, domblklist_options, "list all domain blocks",
          "Get the summary of block devices for a domain." },
        { "domblkinfo", GROUP_MONITOR, verb_domblkinfo, domblkinfo_options, "domain block device size information",
          "Get block device size info for a domain." },
        { "domblkstat", GROUP_MONITOR, verb_domblkstat, domblkstat_options, "get device block stats for a domain",
          "Get device block stats for a running domain. See man page or use --human for explanation of fields" },
        { "domblkerror", GROUP_MONITOR, verb_domblkerror, domblkerror_options, "Show errors on block devices",
          "Show block device errors" },
};
DEFINE_VERB_TABLE(block);
