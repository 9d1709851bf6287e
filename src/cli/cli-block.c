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
        return r < 0 ? r : table_add_text(t, source);
}

static int verb_domblklist(Cli *cli, const Command *c) {
        static const TableColumn head[] = { { "Target", "target" }, { "Source", "source" }, {} };
        static const TableColumn head_details[] = {
                { "Type", "type" }, { "Device", "device" }, { "Target", "target" }, { "Source", "source" }, {},
        };
        bool details = command_has(c, "details") || cli->report;
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

static void format_size(uint64_t bytes, bool human, char ret[CLI_SIZE_MAX]) {
        if (human)
                cli_format_size(bytes, ret);
        else
                (void) snprintf(ret, CLI_SIZE_MAX, "%" PRIu64, bytes);
}

static void format_sizes(const ImageSizes *s, bool human, char ret[3][CLI_SIZE_MAX]) {
        const uint64_t values[] = { s->capacity, s->allocation, s->physical };

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                if (sizes_are_zero(s))
                        strcpy(ret[i], "-");
                else
                        format_size(values[i], human, ret[i]);
}

static json_object *size_value(const ImageSizes *s, uint64_t bytes) {
        return sizes_are_zero(s) ? NULL : report_u64(bytes);
}

/* What a storage server holds of what does not run is not known; a disk alone is told so. */
static int print_all_sizes(Cli *cli, const BlockReport *blocks, const Domain *d, bool human) {
        static const TableColumn head[] = {
                { "Target", "target" }, { "Capacity", "capacity" }, { "Allocation", "allocation" }, { "Physical", "physical" }, {},
        };
        _cleanup_table_ Table t = {};
        char cells[3][CLI_SIZE_MAX];

        int r = table_init(&t, head);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                _cleanup_diag_ Diag diag = {};
                ImageSizes sizes = {};

                if (r >= 0 && !disk_source_is_empty(&disk->source)) {
                        int k = vm_disk_sizes(blocks, disk, &diag, &sizes);
                        if (k < 0 && !(k == -EREMOTE && !blocks))
                                return cli_error_reason(cli, k, &diag);
                }
                format_sizes(&sizes, human, cells);
                if (r >= 0)
                        r = table_add(&t, strempty(disk->target_dev));
                const uint64_t values[] = { sizes.capacity, sizes.allocation, sizes.physical };
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(cells); i++)
                        r = table_add_value(&t, cells[i], size_value(&sizes, values[i]));
        }
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        table_print(cli, &t);
        return 0;
}

static int print_sizes(Cli *cli, const BlockReport *blocks, const DomainDisk *disk, bool human) {
        _cleanup_diag_ Diag diag = {};
        ImageSizes sizes;
        char cells[3][CLI_SIZE_MAX];

        int r = vm_disk_sizes(blocks, disk, &diag, &sizes);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        format_sizes(&sizes, human, cells);
        report_open(cli, NULL, json_type_object);
        report_value(cli, "target", report_text(disk->target_dev));
        report(cli, "capacity", size_value(&sizes, sizes.capacity), "%-15s %s\n", "Capacity:", cells[0]);
        report(cli, "allocation", size_value(&sizes, sizes.allocation), "%-15s %s\n", "Allocation:", cells[1]);
        report(cli, "physical", size_value(&sizes, sizes.physical), "%-15s %s\n", "Physical:", cells[2]);
        report_close(cli);
        return 0;
}

static int verb_domblkinfo(Cli *cli, const Command *c) {
        bool all = command_has(c, "all"), human = command_has(c, "human");
        _cleanup_block_report_ BlockReport blocks = {};
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
        int r = vm.active ? vm_block_report(cli->manager, &vm, d, &diag, &blocks) : 0;
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        const BlockReport *running = vm.active ? &blocks : NULL;
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
static int read_counters(const BlockReport *blocks, const Domain *d, const char *device, Diag *diag, BlockCounters *ret) {
        const DomainDisk *only = *device ? domain_find_disk(d, device) : NULL;

        *ret = (BlockCounters) {};
        if (*device && !only)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: invalid path: %s", device);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                BlockCounters counters;

                if (only && disk != only)
                        continue;
                int r = block_report_counters(blocks, disk, &counters);
                if (r < 0)
                        return diag_error_code(diag, r, (SrcLoc) {}, "invalid argument: cannot find statistics for device '%s'",
                                               strempty(disk->target_dev));
                block_counters_add(ret, &counters);
        }
        return 0;
}

static int verb_domblkstat(Cli *cli, const Command *c) {
        const char *device = strempty(command_get(c, "device"));
        _cleanup_block_report_ BlockReport blocks = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        bool human = command_has(c, "human");
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        BlockCounters counters;

        if (cli_lookup_running(cli, c, &vm) < 0 || cli_describe_vm(cli, &vm, false, &d) < 0)
                return -1;
        int r = vm_block_report(cli->manager, &vm, d, &diag, &blocks);
        if (r >= 0)
                r = read_counters(&blocks, d, device, &diag, &counters);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        if (human)
                cli_print(cli, "Device: %s\n", device);
        for (size_t i = 0; i < _BLOCK_COUNTER_MAX; i++)
                if (counters.has[i]) {
                        const uint64_t value = counters.values[i];
                        if (human)
                                cli_print(cli, " %-31s %" PRIu64 "\n", counter_words[i].human, value);
                        else
                                cli_print(cli, "%s %s %" PRIu64 "\n", device, counter_words[i].word, value);
                        report_value(cli, counter_words[i].word, report_u64(value));
                }
        return 0;
}

/* --- domblkerror --- */

static int verb_domblkerror(Cli *cli, const Command *c) {
        static const char *const words[] = {
                [DISK_ERROR_UNSPECIFIED] = "unspecified error",
                [DISK_ERROR_NO_SPACE] = "no space",
        };
        _cleanup_block_report_ BlockReport blocks = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        bool any = false;

        if (cli_lookup_running(cli, c, &vm) < 0 || cli_describe_vm(cli, &vm, false, &d) < 0)
                return -1;
        int r = vm_block_report(cli->manager, &vm, d, &diag, &blocks);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                DiskError error = block_report_error(&blocks, disk);

                if (error == DISK_ERROR_NONE)
                        continue;
                any = true;
                report_open(cli, NULL, json_type_object);
                report(cli, "target", report_text(disk->target_dev), "%s: ", strempty(disk->target_dev));
                report(cli, "error", report_text(words[error]), "%s\n", words[error]);
                report_close(cli);
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
          "Get the summary of block devices for a domain.",
          .json = "[{type: string, device: string, target: string, source: string?}]" },
        { "domblkinfo", GROUP_MONITOR, verb_domblkinfo, domblkinfo_options, "domain block device size information",
          "Get block device size info for a domain.",
          .json = "[{target: string, capacity: number?, allocation: number?, physical: number?}]" },
        { "domblkstat", GROUP_MONITOR, verb_domblkstat, domblkstat_options, "get device block stats for a domain",
          "Get device block stats for a running domain. See man page or use --human for explanation of fields",
          .json = "{[rd_req: number], [rd_bytes: number], [wr_req: number], [wr_bytes: number], [flush_operations: number], "
                  "[rd_total_times: number], [wr_total_times: number], [flush_total_times: number]}" },
        { "domblkerror", GROUP_MONITOR, verb_domblkerror, domblkerror_options, "Show errors on block devices",
          "Show block device errors", .json = "[{target: string, error: string}]" },
};
DEFINE_VERB_TABLE(block);
