/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cli-common.h"
#include "job.h"
#include "json-member.h"
#include "string-util.h"
#include "vm-lifecycle.h"

/* domcontrol, domjobinfo, domjobabort: does QEMU answer, is it at work? */

static int verb_domcontrol(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup_running(cli, c, &vm) < 0)
                return -1;
        bool ok = vm_qmp_ask(cli->manager, &vm, "query-status", NULL, NULL, NULL) >= 0;
        const char *state = ok ? "ok" : "error: monitor failure";
        report(cli, "state", report_text(state), "%s\n", state);
        return 0;
}

/* --- domjobinfo --- */

typedef enum JobUnit {
        JOB_MSEC,
        JOB_BYTES,
        JOB_RATE,
        JOB_COUNT,
        JOB_PAGES_PER_SEC,
        JOB_PLAIN_BYTES,
} JobUnit;

typedef struct JobField {
        const char *name;  /* libvirt's parameter … */
        const char *label; /* … and virsh's word for it */
        JobUnit unit;
} JobField;

/* In the order of libvirt's parameters; what virsh prints has another one. */
static const JobField raw_fields[] = {
        { "time_elapsed" }, { "downtime" }, { "setup_time" }, { "data_total" }, { "data_processed" }, { "data_remaining" },
        { "memory_total" }, { "memory_processed" }, { "memory_remaining" }, { "memory_bps" }, { "memory_constant" },
        { "memory_normal" }, { "memory_normal_bytes" }, { "memory_dirty_rate" }, { "memory_iteration" },
        { "memory_postcopy_requests" }, { "memory_page_size" },
}, text_fields[] = {
        { "time_elapsed", "Time elapsed:", JOB_MSEC },
        { "data_processed", "Data processed:", JOB_BYTES },
        { "data_remaining", "Data remaining:", JOB_BYTES },
        { "data_total", "Data total:", JOB_BYTES },
        { "memory_processed", "Memory processed:", JOB_BYTES },
        { "memory_remaining", "Memory remaining:", JOB_BYTES },
        { "memory_total", "Memory total:", JOB_BYTES },
        { "memory_bps", "Memory bandwidth:", JOB_RATE },
        { "memory_dirty_rate", "Dirty rate:", JOB_PAGES_PER_SEC },
        { "memory_page_size", "Page size:", JOB_PLAIN_BYTES },
        { "memory_iteration", "Iteration:", JOB_COUNT },
        { "memory_postcopy_requests", "Postcopy requests:", JOB_COUNT },
        { "memory_constant", "Constant pages:", JOB_COUNT },
        { "memory_normal", "Normal pages:", JOB_COUNT },
        { "memory_normal_bytes", "Normal data:", JOB_BYTES },
        { "downtime", "Total downtime:", JOB_MSEC },
        { "setup_time", "Setup time:", JOB_MSEC },
};

static bool find_number(json_object *o, const char *name, uint64_t *ret) {
        json_object *v = json_member(o, name, json_type_int);

        *ret = v ? json_object_get_uint64(v) : 0;
        return v;
}

/* libvirt's number of it. */
static unsigned operation_of(json_object *o) {
        return streq_ptr(json_member_string(o, "operation"), "dump") ? 8 : 2;
}

void cli_print_job(Cli *cli, const char *before, json_object *o) {
        uint64_t v;

        cli_print(cli, "%soperation: %u\n", before, operation_of(o));
        FOREACH_ARRAY(f, raw_fields, ELEMENTSOF(raw_fields))
                if (find_number(o, f->name, &v))
                        cli_print(cli, "%s%s: %" PRIu64 "\n", before, f->name, v);
}

static void print_size(Cli *cli, const char *label, uint64_t bytes, const char *per) {
        char size[CLI_SIZE_MAX];

        cli_format_size(bytes, size);
        cli_print(cli, "%-17s %s%s\n", label, size, per);
}

static void print_field(Cli *cli, const JobField *f, uint64_t v) {
        static const char *const units[] = { [JOB_MSEC] = " ms", [JOB_COUNT] = "", [JOB_PAGES_PER_SEC] = " pages/s", [JOB_PLAIN_BYTES] = " bytes" };

        if (f->unit == JOB_BYTES || f->unit == JOB_RATE)
                print_size(cli, f->label, v, f->unit == JOB_RATE ? "/s" : "");
        else
                cli_print(cli, "%-17s %-12" PRIu64 "%s\n", f->label, v, units[f->unit]);
}

static void print_fields(Cli *cli, json_object *o) {
        uint64_t v;

        cli_print(cli, "%-17s %-12s\n", "Operation:", operation_of(o) == 8 ? "Dump" : "Save");
        FOREACH_ARRAY(f, text_fields, ELEMENTSOF(text_fields))
                if (find_number(o, f->name, &v))
                        print_field(cli, f, v);
}

static void report_job(Cli *cli, json_object *o) {
        uint64_t v;

        report_value(cli, "operation", report_text(json_member_string(o, "operation")));
        report_open(cli, "stats", json_type_object);
        FOREACH_ARRAY(f, raw_fields, ELEMENTSOF(raw_fields))
                if (find_number(o, f->name, &v))
                        report_value(cli, f->name, report_u64(v));
        report_close(cli);
}

static void print_job(Cli *cli, const Command *c, json_object *o) {
        const char *status = json_member_string(o, "status");
        bool completed = streq_ptr(status, "completed");

        report_value(cli, "type", status ? report_text(completed ? "completed" : "unbounded") : NULL);
        report_job(cli, o);
        if (command_has(c, "rawstats")) {
                cli_print(cli, "Job type: %d\n\n", !status ? 0 : completed ? 3 : 2);
                if (status)
                        cli_print_job(cli, "", o);
                return;
        }
        cli_print(cli, "%-17s %-12s\n", "Job type:", !status ? "None" : completed ? "Completed" : "Unbounded");
        if (status)
                print_fields(cli, o);
}

static int verb_domjobinfo(Cli *cli, const Command *c) {
        bool completed = command_has(c, "completed");
        _cleanup_diag_ Diag diag = {};
        json_object *o = NULL;
        _cleanup_vm_ Vm vm = {};

        if (command_has(c, "keep-completed") && !completed)
                return cli_error(cli, "Option --completed is required by option --keep-completed");
        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (!vm.active && !completed)
                return cli_error(cli, "Requested operation is not valid: domain is not running");
        /* What a machine that does not run has done last is known to nobody any more. */
        int r = vm.active ? vm_job(cli->manager, vm.name, completed, command_has(c, "keep-completed"), &diag, &o) : 0;
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        print_job(cli, c, o);
        json_object_put(o);
        return 0;
}

static int verb_domjobabort(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup_running(cli, c, &vm) < 0)
                return -1;
        if (command_has(c, "postcopy"))
                return cli_error(cli, "Requested operation is not valid: current job is not outgoing migration in post-copy mode");
        int r = vm_job_abort(cli->manager, vm.name, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static const Option domcontrol_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTIONS_END,
};

static const Option domjobinfo_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_FLAG("completed", "return statistics of a recently completed job"),
        OPTION_FLAG("keep-completed", "don't destroy statistics of a recently completed job when reading"),
        OPTION_FLAG("anystats", "print statistics for any kind of job (even failed ones)"),
        OPTION_FLAG("rawstats", "print the raw data returned by libvirt"),
        OPTIONS_END,
};

static const Option domjobabort_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_FLAG("postcopy", "interrupt post-copy migration"),
        OPTIONS_END,
};

static const Verb control_verbs[] = {
        { "domjobabort", GROUP_DOMAIN, verb_domjobabort, domjobabort_options, "abort active domain job",
          "Aborts the currently running domain job", .changes = true },
        { "domjobinfo", GROUP_DOMAIN, verb_domjobinfo, domjobinfo_options, "domain job information",
          "Returns information about jobs running on a domain.", .json = "{type: string?, operation: string?, stats: {...: number}}" },
        { "domcontrol", GROUP_MONITOR, verb_domcontrol, domcontrol_options, "domain control interface state",
          "Returns state of a control interface to the domain.", .json = "{state: string}" },
};
DEFINE_VERB_TABLE(control);
