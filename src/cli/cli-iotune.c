/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cli-common.h"
#include "iotune.h"
#include "string-util.h"
#include "verbs.h"

/* blkdeviotune */

/* "--total-bytes-sec" of "total_bytes_sec". */
static char *option_name(unsigned i) {
        char *name = strdup(iotune_names[i]);

        for (char *p = name; p && *p; p++)
                if (*p == '_')
                        *p = '-';
        return name;
}

static bool is_size(unsigned i) {
        return i <= IOTUNE_WRITE_BYTES_SEC || (i >= IOTUNE_TOTAL_BYTES_SEC_MAX && i <= IOTUNE_WRITE_BYTES_SEC_MAX);
}

/* 1 if any was given, 0, or -1. */
static int get_request(Cli *cli, const Command *c, IotuneRequest *q) {
        bool any = false;

        for (unsigned i = 0; i < _IOTUNE_MAX; i++) {
                _cleanup_free_ char *option = option_name(i);
                int r = !option ? -ENOMEM :
                        is_size(i) ? command_get_scaled_or(cli, c, option, "Unable to parse integer parameter", 1, UINT64_MAX, &q->values[i]) :
                                     command_get_u64(cli, c, option, &q->values[i]);
                if (r < 0 && !is_size(i))
                        return cli_error(cli, "Unable to parse integer parameter");
                if (r < 0)
                        return -1;
                q->set[i] = r > 0;
                any = any || r > 0;
        }
        if (command_get_nonempty(cli, c, "group-name", &q->group) < 0)
                return cli_error(cli, "Unable to parse group-name parameter");
        return any || q->group;
}

static int show(Cli *cli, const Vm *vm, ChangeFlags flags, const char *device) {
        _cleanup_diag_ Diag diag = {};
        IotuneState s = {};
        int r;

        if ((flags & CHANGE_LIVE) && (flags & CHANGE_CONFIG))
                r = diag_error(&diag, (SrcLoc) {}, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
        else
                r = vm_get_iotune(cli->manager, vm, flags, device, &diag, &s);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, r == -ENODEV ? "Unable to get block I/O throttle parameters" :
                                      "Unable to get number of block I/O throttle parameters");
        for (unsigned i = 0; i < _IOTUNE_MAX; i++) {
                if (i == IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH)
                        report(cli, "group_name", report_text(s.group), "%-15s: %s\n", "group_name", s.group);
                report(cli, iotune_names[i], report_u64(s.values[i]), "%-15s: %" PRIu64 "\n", iotune_names[i], s.values[i]);
        }
        free(s.group);
        return 0;
}

static int verb_blkdeviotune(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        IotuneRequest q = {};
        ChangeFlags flags;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 ||
            command_get_nonempty(cli, c, "device", &q.device) < 0)
                return -1;
        int r = get_request(cli, c, &q);
        if (r < 0)
                return -1;
        if (r == 0)
                return show(cli, &vm, flags, q.device);
        if (cli->readonly)
                return cli_error(cli, "operation blkdeviotune forbidden for read only access");
        r = vm_set_iotune(cli->manager, &vm, flags, &q, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to change block I/O throttle") : 0;
}

#define NUMBER(name_, former_, help_) { .name = (name_), .former = (former_), .type = OPTION_INT, .help = (help_) }
static const Option blkdeviotune_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "device", .type = OPTION_DATA, .required = true, .hint = HINT_DISK, .help = "block device" },
        NUMBER("total-bytes-sec", "total_bytes_sec", "total throughput limit, as scaled integer (default bytes)"),
        NUMBER("read-bytes-sec", "read_bytes_sec", "read throughput limit, as scaled integer (default bytes)"),
        NUMBER("write-bytes-sec", "write_bytes_sec", "write throughput limit, as scaled integer (default bytes)"),
        NUMBER("total-iops-sec", "total_iops_sec", "total I/O operations limit per second"),
        NUMBER("read-iops-sec", "read_iops_sec", "read I/O operations limit per second"),
        NUMBER("write-iops-sec", "write_iops_sec", "write I/O operations limit per second"),
        NUMBER("total-bytes-sec-max", "total_bytes_sec_max", "total max, as scaled integer (default bytes)"),
        NUMBER("read-bytes-sec-max", "read_bytes_sec_max", "read max, as scaled integer (default bytes)"),
        NUMBER("write-bytes-sec-max", "write_bytes_sec_max", "write max, as scaled integer (default bytes)"),
        NUMBER("total-iops-sec-max", "total_iops_sec_max", "total I/O operations max"),
        NUMBER("read-iops-sec-max", "read_iops_sec_max", "read I/O operations max"),
        NUMBER("write-iops-sec-max", "write_iops_sec_max", "write I/O operations max"),
        NUMBER("size-iops-sec", "size_iops_sec", "I/O size in bytes"),
        { .name = "group-name", .former = "group_name", .type = OPTION_STRING, .help = "group name to share I/O quota between multiple drives" },
        NUMBER("total-bytes-sec-max-length", "total_bytes_sec_max_length", "duration in seconds to allow total max bytes"),
        NUMBER("read-bytes-sec-max-length", "read_bytes_sec_max_length", "duration in seconds to allow read max bytes"),
        NUMBER("write-bytes-sec-max-length", "write_bytes_sec_max_length", "duration in seconds to allow write max bytes"),
        NUMBER("total-iops-sec-max-length", "total_iops_sec_max_length", "duration in seconds to allow total I/O operations max"),
        NUMBER("read-iops-sec-max-length", "read_iops_sec_max_length", "duration in seconds to allow read I/O operations max"),
        NUMBER("write-iops-sec-max-length", "write_iops_sec_max_length", "duration in seconds to allow write I/O operations max"),
        OPTIONS_SCOPE,
        OPTIONS_END,
};

static const Verb iotune_verbs[] = {
        { "blkdeviotune", GROUP_DOMAIN, verb_blkdeviotune, blkdeviotune_options,
          "Set or query a block device I/O tuning parameters.", "Set or query disk I/O parameters such as block throttling.",
          .json = "{[total_bytes_sec: number], [read_bytes_sec: number], [write_bytes_sec: number], [total_iops_sec: "
                  "number], [read_iops_sec: number], [write_iops_sec: number], [total_bytes_sec_max: number], "
                  "[read_bytes_sec_max: number], [write_bytes_sec_max: number], [total_iops_sec_max: number], "
                  "[read_iops_sec_max: number], [write_iops_sec_max: number], [size_iops_sec: number], [group_name: "
                  "string], [total_bytes_sec_max_length: number], [read_bytes_sec_max_length: number], "
                  "[write_bytes_sec_max_length: number], [total_iops_sec_max_length: number], "
                  "[read_iops_sec_max_length: number], [write_iops_sec_max_length: number]}" },
};
DEFINE_VERB_TABLE(iotune);
