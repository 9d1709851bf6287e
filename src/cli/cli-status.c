/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <time.h>

#include "cli-common.h"
#include "names.h"
#include "pager.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "time-util.h"
#include "vm-diff.h"
#include "vm-status.h"

/* status, logs, diff: vmunit's own, beside what virsh has */

#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define YELLOW "\x1b[33m"
#define BOLD "\x1b[1m"
#define NORMAL "\x1b[0m"

static const char *colour(const Cli *cli, const char *c) {
        return cli->colours ? c : "";
}

/* --- status --- */

/* As systemctl(1) has it. */
#define STATUS_NOT_ACTIVE 3
#define STATUS_UNKNOWN 4

static bool is_on(const VmUnitStatus *u) {
        return u->active && !streq(u->active, "inactive") && !streq(u->active, "failed");
}

static const char *state_colour(const Cli *cli, const VmStatus *s) {
        if (s->stalled)
                return colour(cli, YELLOW);
        if (streq_ptr(s->unit.active, "active"))
                return colour(cli, GREEN);
        return streq_ptr(s->unit.active, "failed") ? colour(cli, RED) : "";
}

/* "2min ago" */
static void format_ago(uint64_t usec, char ret[32]) {
        static const struct {
                const char *word;
                uint64_t seconds;
        } units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
        uint64_t seconds = usec / USEC_PER_SEC;
        size_t i = 0;

        while (i + 1 < ELEMENTSOF(units) && seconds < units[i].seconds)
                i++;
        (void) snprintf(ret, 32, "%" PRIu64 "%s ago", seconds / units[i].seconds, units[i].word);
}

static void print_since(Cli *cli, uint64_t since_usec) {
        time_t t = (time_t) (since_usec / USEC_PER_SEC);
        char text[64], ago[32];
        struct timespec now;
        struct tm tm;

        if (since_usec == 0 || !localtime_r(&t, &tm) || strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                return;
        (void) clock_gettime(CLOCK_REALTIME, &now);
        uint64_t usec = (uint64_t) now.tv_sec * USEC_PER_SEC;
        format_ago(usec - MIN(since_usec, usec), ago);
        cli_print(cli, " since %s; %s", text, ago);
}

static void print_unit(Cli *cli, const Vm *vm, const VmStatus *s) {
        const VmUnitStatus *u = &s->unit;
        const char *c = state_colour(cli, s);

        cli_print(cli, "%s%s%s ", c, is_on(u) ? "●" : "○", colour(cli, NORMAL));
        report(cli, "name", report_text(vm->name), "%s - ", vm->name);
        report(cli, "unit", report_text(vm->unit), "%s\n", vm->unit);
        report(cli, "definition", report_text(vm->source_path), "%11s %s", "Loaded:", vm->source_path ?: "no definition");
        report(cli, "autostart", report_bool(s->enabled), " (%s)\n", !vm->persistent ? "transient" : s->enabled ? "enabled" : "disabled");
        report(cli, "active", report_text(u->active), "%11s %s%s%s", "Active:", colour(cli, BOLD), c, u->active ?: "unknown");
        report(cli, "sub", report_text(u->sub), " (%s)%s", u->sub ?: "unknown", colour(cli, NORMAL));
        report_value(cli, "result", report_text(u->result));
        if (streq_ptr(u->active, "failed"))
                cli_print(cli, " (Result: %s)", u->result);
        print_since(cli, u->since_usec);
        report_value(cli, "since", u->since_usec > 0 ? report_u64(u->since_usec * 1000) : NULL);
        cli_print(cli, "\n");
}

static void print_size(Cli *cli, const VmStatus *s) {
        if (s->resident > 0)
                report(cli, "resident", report_u64(s->resident), "%11s %.1f MiB", "Memory:", (double) s->resident / 1048576);
        if (s->memory > 0)
                report(cli, "memory", report_u64(s->memory), s->resident > 0 ? " (the guest's: %.1f MiB)\n" : "    Memory: %.1f MiB\n",
                       (double) s->memory / 1048576);
}

static void print_cpu(Cli *cli, const VmStatus *s) {
        char number[32];

        if (!s->has_cpu_time)
                return;
        report(cli, "cpu_time", report_u64(s->cpu_time_nsec), "%11s %.1fs", "CPU:", (double) s->cpu_time_nsec / 1e9);
        (void) snprintf(number, sizeof(number), "%.3f", s->cpu);
        if (s->has_cpu)
                report(cli, "cpu", json_object_new_double_s(s->cpu, number), " (now: %.1f%%)", s->cpu * 100);
        cli_print(cli, "\n");
}

static void print_guest(Cli *cli, const Vm *vm, const VmStatus *s) {
        const char *state = domain_state_to_string(vm->state), *reason = domain_reason_to_string(vm->reason);

        report(cli, "state", report_text(state), "%11s %s", "Guest:", strempty(state));
        report(cli, "reason", report_text(reason), " (%s)", strempty(reason));
        report(cli, "answering", report_bool(!s->stalled), "%s\n", s->stalled ? ", not answering" : "");
        report_value(cli, "id", vm->id > 0 ? report_u64(vm->id) : NULL);
        if (vm->id > 0)
                cli_print(cli, "%11s %u\n", "Id:", vm->id);
        if (s->unit.main_pid > 0)
                report(cli, "main_pid", report_u64(s->unit.main_pid), "%11s %u\n", "Main PID:", s->unit.main_pid);
        if (s->vcpus > 0)
                report(cli, "vcpus", report_u64(s->vcpus), "%11s %u\n", "vCPUs:", s->vcpus);
        print_cpu(cli, s);
        print_size(cli, s);
        report_open(cli, "addresses", json_type_array);
        STRV_FOREACH(a, s->addresses)
                report(cli, NULL, report_text(*a), "%11s %s\n", a == s->addresses ? "Addresses:" : "", *a);
        report_close(cli);
        report_value(cli, "changed", report_bool(s->changed));
        if (s->changed)
                cli_print(cli, "%11s %sthe definition is another one since the start%s: vmunit diff %s\n", "Changed:", colour(cli, YELLOW),
                          colour(cli, NORMAL), vm->name);
}

static int verb_status(Cli *cli, const Command *c) {
        _cleanup_vm_status_ VmStatus s = {};
        unsigned lines = STATUS_LOG_LINES;
        _cleanup_vm_ Vm vm = {};

        cli->exit_status = STATUS_UNKNOWN;
        if (command_get_uint(cli, c, "lines", &lines) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int r = vm_status(cli->manager, &vm, lines, &s);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        cli->exit_status = vm.active ? 0 : STATUS_NOT_ACTIVE;
        print_unit(cli, &vm, &s);
        print_guest(cli, &vm, &s);
        report_open(cli, "log", json_type_array);
        if (s.log)
                cli_print(cli, "\n");
        STRV_FOREACH(l, s.log)
                report(cli, NULL, report_text(*l), "%s\n", *l);
        report_close(cli);
        return 0;
}

/* --- logs --- */

/* Also of a domain that is gone: the journal still knows it. */
static int log_name(Cli *cli, const char *word, char **ret) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        int r = vm_lookup(cli->manager, word, VM_BY_ANY, &diag, &vm);
        if (r >= 0) {
                *ret = TAKE_PTR(vm.name);
                return 0;
        }
        if (r != -ENOENT || vm_name_check(word, (SrcLoc) {}, NULL) < 0)
                return cli_error_diag(cli, r == -ENOENT ? 0 : r, &diag, "failed to get domain '%s'", word);
        *ret = strdup(word);
        return *ret ? 0 : cli_error(cli, "out of memory");
}

static int verb_logs(Cli *cli, const Command *c) {
        static const struct {
                const char *option, *argument;
        } passed[] = {
                { "follow", "--follow" }, { "lines", "--lines=%s" }, { "boot", "--boot" }, { "since", "--since=%s" }, { "until", "--until=%s" },
        };
        _cleanup_strv_ char **words = NULL, **argv = NULL;
        _cleanup_free_ char *name = NULL;
        _cleanup_diag_ Diag diag = {};
        const char *word;

        if (command_get_nonempty(cli, c, "domain", &word) < 0 || log_name(cli, word, &name) < 0)
                return -1;
        int r = manager_check_real(cli->manager, "journal", &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "cannot show the journal of domain '%s'", name);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(passed); i++) {
                const char *value = command_get(c, passed[i].option), *percent = strchr(passed[i].argument, '%');
                if (value)
                        r = strv_consume(&words, percent ? strf("%.*s%s", (int) (percent - passed[i].argument), passed[i].argument, value) :
                                                           strdup(passed[i].argument));
        }
        if (r >= 0 && cli->no_pager)
                r = strv_extend(&words, "--no-pager");
        if (r >= 0)
                r = vm_log_command(name, vm_is_session(), words, &argv);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        r = cli_run_program(cli, argv);
        if (r < 0 || r == 127)
                return cli_error(cli, "cannot run journalctl: %s", r < 0 ? strerror(-r) : "it is not there");
        cli->exit_status = r;
        return 0;
}

/* --- diff --- */

#define DIFF_DIFFERENT 1
#define DIFF_TROUBLE 2

static void print_text(Cli *cli, const char *text) {
        for (const char *line = text; *line;) {
                int n = (int) strcspn(line, "\n");
                const char *c = *line == '-' ? RED : *line == '+' ? GREEN : "";
                cli_print(cli, "%s%.*s%s\n", colour(cli, c), n, line, *c ? colour(cli, NORMAL) : "");
                line += n;
                line += *line == '\n';
        }
}

static void print_diff(Cli *cli, const VmDiff *d) {
        report_value(cli, "diff", report_text(d->text));
        print_text(cli, d->text);
        if (d->secrets)
                cli_print(cli, "Only passwords differ.\n");
        report_open(cli, "changes", json_type_array);
        if (d->n_changes > 0)
                cli_print_extra(cli, "\n");
        FOREACH_ARRAY(change, d->changes, d->n_changes) {
                report_open(cli, NULL, json_type_object);
                report_value(cli, "part", report_text(change->part));
                report_value(cli, "live", report_text(change->live));
                report_close(cli);
                if (change->live)
                        cli_print_extra(cli, "%s: from the next start on, or now by 'vmunit %s'\n", change->part, change->live);
                else
                        cli_print_extra(cli, "%s: from the next start on\n", change->part);
        }
        report_close(cli);
}

static int verb_diff(Cli *cli, const Command *c) {
        _cleanup_vm_diff_ VmDiff d = {};
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        cli->exit_status = DIFF_TROUBLE;
        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        (void) diag_init(&diag, vm.source_path);
        int r = vm_diff(cli->manager, &vm, &diag, &d);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to compare domain '%s' with its definition", vm.name);
        cli->exit_status = d.n_changes > 0 ? DIFF_DIFFERENT : 0;
        report_value(cli, "same", report_bool(d.n_changes == 0));
        print_diff(cli, &d);
        return 0;
}

static const Option status_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "lines", .letter = 'n', .type = OPTION_INT, .named = true, .help = "number of lines of the journal" },
        OPTIONS_END,
};
static const Option logs_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "follow", .letter = 'f', .type = OPTION_BOOL, .help = "go on with what comes" },
        { .name = "lines", .letter = 'n', .type = OPTION_INT, .named = true, .help = "number of lines, or \"all\"" },
        { .name = "boot", .letter = 'b', .type = OPTION_BOOL, .help = "of this boot of the host only" },
        { .name = "since", .type = OPTION_STRING, .named = true, .help = "from then on, as journalctl(1) takes it" },
        { .name = "until", .type = OPTION_STRING, .named = true, .help = "up to then" },
        OPTIONS_END,
};
static const Option diff_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTIONS_END,
};

static const Verb status_verbs[] = {
        { "status", GROUP_MONITOR, verb_status, status_options, "show all about a domain on one screen",
          "Show the unit, the guest, and the last lines of the journal about both.\n"
          "The exit status is that of 'systemctl status': 0 if it runs, 3 if not, 4 if there is no such domain.",
          .plain = true, .pager = true,
          .json = "{name: string, unit: string, definition: string?, autostart: boolean, active: string?, sub: string?, result: string?, "
                  "since: number?, state: string, reason: string, answering: boolean, id: number?, [main_pid: number], [vcpus: number], "
                  "[cpu_time: number], [cpu: number], [resident: number], [memory: number], addresses: [string], changed: boolean, log: [string]}" },
        { "logs", GROUP_MONITOR, verb_logs, logs_options, "show the journal of a domain",
          "Show what its unit, QEMU and the programs around it have written to the journal: journalctl with the unit's name.",
          .plain = true },
        { "diff", GROUP_MONITOR, verb_diff, diff_options, "compare what runs with the definition",
          "Show as a unified diff what the next start would change, and what of it can be changed now.\n"
          "The exit status is 0 if nothing is different, 1 if something is, 2 when that cannot be said.",
          .plain = true, .pager = true, .json = "{same: boolean, diff: string, changes: [{part: string, live: string?}]}" },
};
DEFINE_VERB_TABLE(status);
