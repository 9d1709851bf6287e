/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cli-common.h"
#include "cpus.h"
#include "string-util.h"
#include "table.h"

/* vcpucount, vcpuinfo, setvcpus, setvcpu, guestvcpus, cpu-stats, vcpupin, emulatorpin, iothreadinfo, -pin, -add, -del, -set */

#define BOTH_SCOPES (CHANGE_LIVE | CHANGE_CONFIG)

static bool is_both(ChangeFlags flags) {
        return (flags & BOTH_SCOPES) == BOTH_SCOPES;
}

static const char both_flags_text[] = "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive";

/* A list of the host's CPUs as the user wrote it: "0-3,^1", "r" for all. */
static int parse_cpu_list(Cli *cli, const char *list, NumberSet *ret) {
        _cleanup_diag_ Diag diag = {};
        NumberSet online;
        unsigned count;

        int r = host_cpus(cli->manager, &count, &online, &diag);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        if (streq(list, "r")) {
                *ret = (NumberSet) {};
                for (unsigned i = 0; i < count; i++)
                        number_set_add(ret, i);
                return 0;
        }
        if (number_set_parse_words(list, ret) < 0) {
                cli_error(cli, "Invalid cpulist '%s'", list);
                return cli_error(cli, "invalid argument: Failed to parse bitmap '%s'", list);
        }
        int last = number_set_last(ret);
        if (last < 0)
                return cli_error(cli, "Invalid cpulist '%s'", list);
        if (last >= (int) count)
                return cli_error(cli, "CPU %d in cpulist '%s' exceed the maxcpu %u", last, list, count);
        return 0;
}

/* --- vcpucount --- */

static int vcpucount_flags(Cli *cli, const Command *c, ChangeFlags *ret) {
        bool live = command_has(c, "live"), config = command_has(c, "config");

        if (command_exclusive(cli, c, "live", "config") < 0)
                return -1;
        if ((command_has(c, "active") || command_has(c, "maximum")) &&
            (command_exclusive(cli, c, "current", "live") < 0 || command_exclusive(cli, c, "current", "config") < 0))
                return -1;
        if (command_exclusive(cli, c, "active", "maximum") < 0 || command_exclusive(cli, c, "guest", "config") < 0)
                return -1;
        *ret = live ? CHANGE_LIVE : config ? CHANGE_CONFIG : CHANGE_CURRENT;
        return 0;
}

static void report_count(Cli *cli, const char *which, const char *where, unsigned n) {
        report_open(cli, NULL, json_type_object);
        report_value(cli, "count", report_text(which));
        report_value(cli, "of", report_text(where));
        report_value(cli, "vcpus", report_u64(n));
        report_close(cli);
}

/* The table of a verb without options: a row that says nothing is left out. */
static int print_counts(Cli *cli, const Vm *vm) {
        static const struct {
                const char *which, *where;
                ChangeFlags flags;
                bool maximum;
        } rows[] = {
                { "maximum", "config", CHANGE_CONFIG, true },
                { "maximum", "live", CHANGE_LIVE, true },
                { "current", "config", CHANGE_CONFIG, false },
                { "current", "live", CHANGE_LIVE, false },
        };
        FOREACH_ARRAY(row, rows, ELEMENTSOF(rows)) {
                _cleanup_diag_ Diag diag = {};
                unsigned n;
                if (row->flags == CHANGE_LIVE ? !vm->active : !vm->persistent)
                        continue;
                int r = vm_vcpu_count(cli->manager, vm, row->flags, row->maximum, &diag, &n);
                if (r < 0)
                        return cli_error_reason(cli, r, &diag);
                cli_print(cli, "%-12s %-12s %3u\n", row->which, row->where, n);
                report_count(cli, row->which, row->where, n);
        }
        return 0;
}

static int guest_count(Cli *cli, const Vm *vm, ChangeFlags flags, bool maximum) {
        _cleanup_diag_ Diag diag = {};
        GuestVcpus guest;

        int r = vm_change_scope(vm, &flags, &diag);
        if (r >= 0 && !vm->active) {
                cli_error(cli, "Failed to retrieve vCPU count from the guest");
                return cli_error(cli, "invalid argument: vCPU count provided by the guest agent can only be requested for live domains");
        }
        if (r >= 0)
                r = vm_guest_vcpus(cli->manager, vm, &diag, &guest);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        unsigned n = number_set_count(maximum ? &guest.all : &guest.online);
        cli_print(cli, "%u\n", n);
        report_count(cli, maximum ? "maximum" : "current", "guest", n);
        return 0;
}

static int verb_vcpucount(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        unsigned n;

        if (vcpucount_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (command_has(c, "guest"))
                return guest_count(cli, &vm, flags, command_has(c, "maximum"));
        static const char *const words[] = { "maximum", "active", "live", "config", "current" };
        bool any = false;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                any = any || command_has(c, words[i]);
        if (!any)
                return print_counts(cli, &vm);
        int r = vm_vcpu_count(cli->manager, &vm, flags, command_has(c, "maximum"), &diag, &n);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        bool live = flags == CHANGE_LIVE || (flags == CHANGE_CURRENT && vm.active);
        cli_print(cli, "%u\n", n);
        report_count(cli, command_has(c, "maximum") ? "maximum" : "current", live ? "live" : "config", n);
        return 0;
}

/* --- vcpuinfo --- */

static int print_affinity(Cli *cli, const NumberSet *cpus, unsigned count, bool pretty) {
        _cleanup_free_ char *text = number_set_format(cpus);

        if (!text)
                return -ENOMEM;
        report(cli, "affinity", report_text(text), "%-15s ", "CPU Affinity:");
        if (pretty)
                cli_print(cli, "%s (out of %u)", text, count);
        else
                for (unsigned i = 0; i < count; i++)
                        cli_print(cli, "%c", number_set_has(cpus, i) ? 'y' : '-');
        cli_print(cli, "\n");
        return 0;
}

static int print_vcpu(Cli *cli, const VcpuInfo *v, unsigned count, bool pretty) {
        report_open(cli, NULL, json_type_object);
        report(cli, "vcpu", report_u64(v->id), "%-15s %u\n", "VCPU:", v->id);
        if (v->running) {
                report(cli, "cpu", report_u64(v->cpu), "%-15s %u\n", "CPU:", v->cpu);
                report(cli, "state", report_text("running"), "%-15s %s\n", "State:", "running");
                if (v->cpu_time_nsec > 0)
                        cli_print(cli, "%-15s %.1fs\n", "CPU time:", (double) v->cpu_time_nsec / 1e9);
                report_value(cli, "cpu_time", report_u64(v->cpu_time_nsec));
        } else {
                report(cli, "cpu", NULL, "%-15s %s\n", "CPU:", "N/A");
                report(cli, "state", NULL, "%-15s %s\n", "State:", "N/A");
                report(cli, "cpu_time", NULL, "%-15s %s\n", "CPU time", "N/A");
        }
        int r = print_affinity(cli, &v->cpus, count, pretty);
        report_close(cli);
        return r;
}

static int verb_vcpuinfo(Cli *cli, const Command *c) {
        _cleanup_free_ VcpuInfo *list = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        unsigned count = 0;
        NumberSet online;
        size_t n = 0;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int r = host_cpus(cli->manager, &count, &online, &diag);
        if (r >= 0)
                r = vm_vcpu_info(cli->manager, &vm, &diag, &list, &n);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                r = print_vcpu(cli, list + i, count, command_has(c, "pretty"));
                if (i + 1 < n)
                        cli_print(cli, "\n");
        }
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- setvcpus, setvcpu --- */

/* Without an option, a change is for what runs. */
static ChangeFlags live_flags(const Command *c, ChangeFlags flags) {
        return flags == CHANGE_CURRENT && !command_has(c, "current") ? CHANGE_LIVE : flags;
}

static int verb_setvcpus(Cli *cli, const Command *c) {
        bool maximum = command_has(c, "maximum"), hotpluggable = command_has(c, "hotpluggable");
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        unsigned count;
        int r;

        if (cli_change_flags(cli, c, &flags) < 0 || command_exclusive(cli, c, "guest", "config") < 0)
                return -1;
        if (maximum && !(flags & CHANGE_CONFIG))
                return cli_error(cli, "Option --config is required by option --maximum");
        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || command_get_uint(cli, c, "count", &count) < 0)
                return -1;
        if (count == 0)
                return cli_error(cli, "Can't set 0 processors for a VM");
        if (command_has(c, "guest"))
                r = vm_set_guest_vcpu_count(cli->manager, &vm, count, &diag);
        else if (maximum)
                r = vm_set_max_vcpus(cli->manager, &vm, flags, count, &diag);
        else
                r = vm_set_vcpus(cli->manager, &vm, hotpluggable ? flags : live_flags(c, flags), count, hotpluggable, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int verb_setvcpu(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        const char *list;

        if (command_exclusive(cli, c, "enable", "disable") < 0 || cli_change_flags(cli, c, &flags) < 0)
                return -1;
        if (!command_has(c, "enable") && !command_has(c, "disable"))
                return cli_error(cli, "one of --enable, --disable is required");
        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || command_get_nonempty(cli, c, "vcpulist", &list) < 0)
                return -1;
        int r = vm_set_vcpu(cli->manager, &vm, flags, list, command_has(c, "enable"), &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- guestvcpus --- */

static int print_guest_vcpus(Cli *cli, const Vm *vm) {
        _cleanup_diag_ Diag diag = {};
        GuestVcpus guest;

        int r = vm_guest_vcpus(cli->manager, vm, &diag, &guest);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        const struct {
                const char *name;
                const NumberSet *set;
        } rows[] = { { "vcpus", &guest.all }, { "online", &guest.online }, { "offlinable", &guest.can_offline } };
        FOREACH_ARRAY(row, rows, ELEMENTSOF(rows)) {
                _cleanup_free_ char *text = number_set_format(row->set);
                report(cli, row->name, report_text(strempty(text)), "%-15s: %s\n", row->name, strempty(text));
        }
        return 0;
}

static int verb_guestvcpus(Cli *cli, const Command *c) {
        bool enable = command_has(c, "enable"), disable = command_has(c, "disable");
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *list;

        if (command_exclusive(cli, c, "enable", "disable") < 0)
                return -1;
        if ((enable || disable) && !command_has(c, "cpulist"))
                return cli_error(cli, "Option --cpulist is required by option --%s", enable ? "enable" : "disable");
        if (command_has(c, "cpulist") && !enable && !disable)
                return cli_error(cli, "One of options --enable or --disable is required by option --cpulist");
        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || command_get_nonempty(cli, c, "cpulist", &list) < 0)
                return -1;
        if (!list)
                return print_guest_vcpus(cli, &vm);
        int r = vm_set_guest_vcpus(cli->manager, &vm, list, enable, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- cpu-stats --- */

static void print_seconds(Cli *cli, const char *name, uint64_t nsec) {
        report(cli, name, report_u64(nsec), "\t%-12s %9" PRIu64 ".%09" PRIu64 " seconds\n", name, nsec / UINT64_C(1000000000), nsec % UINT64_C(1000000000));
}

static int verb_cpu_stats(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        VmCpuTimes times;
        int start, count;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int has_start = command_get_int(cli, c, "start", &start);
        if (has_start < 0)
                return -1;
        if (has_start > 0 && start < 0)
                return cli_error(cli, "Invalid value for start CPU");
        int has_count = command_get_int(cli, c, "count", &count);
        if (has_count < 0)
                return -1;
        if (has_count > 0 && count < 0)
                return cli_error(cli, "Invalid value for number of CPUs to show");
        int r = vm_cpu_times(cli->manager, &vm, &diag, &times);
        if (r >= 0 && (has_start > 0 || has_count > 0 || !command_has(c, "total")))
                r = diag_error(&diag, (SrcLoc) {}, "Operation not supported: the kernel counts the time of a cgroup for all CPUs together");
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to retrieve CPU statistics for domain '%s'", vm.name);
        cli_print(cli, "Total:\n");
        print_seconds(cli, "cpu_time", times.total);
        print_seconds(cli, "user_time", times.user);
        print_seconds(cli, "system_time", times.system);
        return 0;
}

/* --- pins --- */

static int print_pins(Cli *cli, const char *title, const char *key, const CpuPin *pins, size_t n) {
        const TableColumn head[] = { { title, key }, { "CPU Affinity", "affinity" }, {} };
        _cleanup_table_ Table t = {};

        int r = table_init(&t, head);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                _cleanup_free_ char *text = number_set_format(&pins[i].cpus);
                r = table_add_number(&t, pins[i].id);
                if (r >= 0)
                        r = table_add(&t, strempty(text));
        }
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        table_print(cli, &t);
        return 0;
}

static int show_vcpu_pins(Cli *cli, const Vm *vm, ChangeFlags flags, const unsigned *vcpu) {
        _cleanup_free_ CpuPin *pins = NULL;
        _cleanup_diag_ Diag diag = {};
        size_t n = 0;

        if ((flags & CHANGE_LIVE) && !vm->active)
                return cli_error(cli, "cannot get vcpupin for offline domain");
        if ((flags & CHANGE_CONFIG) && !vm->persistent)
                return cli_error(cli, "cannot get vcpupin for transient domain");
        int r = vm_vcpu_pins(cli->manager, vm, flags, &diag, &pins, &n);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        if (vcpu && *vcpu >= n)
                return cli_error(cli, "vcpu %u is out of range of %s cpu count %zu", *vcpu,
                                 vm->active && !(flags & CHANGE_CONFIG) ? "live" : "persistent", n);
        return print_pins(cli, "VCPU", "vcpu", vcpu ? pins + *vcpu : pins, vcpu ? 1 : n);
}

static int verb_vcpupin(Cli *cli, const Command *c) {
        const char *list = command_get(c, "cpulist");
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        NumberSet cpus;
        unsigned vcpu;

        if (cli_change_flags(cli, c, &flags) < 0 || (!list && command_exclusive(cli, c, "live", "config") < 0) ||
            cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int k = command_get_uint(cli, c, "vcpu", &vcpu);
        if (k < 0)
                return -1;
        if (!list)
                return show_vcpu_pins(cli, &vm, flags, k > 0 ? &vcpu : NULL);
        if (k == 0)
                return cli_error(cli, "vcpupin: Missing vCPU number in pin mode.");
        if (parse_cpu_list(cli, list, &cpus) < 0)
                return -1;
        int r = vm_pin_vcpu(cli->manager, &vm, live_flags(c, flags), vcpu, &cpus, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int show_emulator_pin(Cli *cli, const Vm *vm, ChangeFlags flags) {
        _cleanup_free_ char *text = NULL;
        _cleanup_diag_ Diag diag = {};
        NumberSet cpus;

        if (is_both(flags))
                return cli_error(cli, "%s", both_flags_text);
        int r = vm_emulator_pin(cli->manager, vm, flags, &diag, &cpus);
        if (r >= 0 && !(text = number_set_format(&cpus)))
                r = -ENOMEM;
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        cli_print_extra(cli, "%s %s\n", "emulator:", "CPU Affinity");
        cli_print_extra(cli, "----------------------------------\n");
        cli_print_extra(cli, "       *: ");
        report(cli, "affinity", report_text(text), "%s\n", text);
        return 0;
}

static int verb_emulatorpin(Cli *cli, const Command *c) {
        const char *list = command_get(c, "cpulist");
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        NumberSet cpus;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (!list)
                return show_emulator_pin(cli, &vm, flags);
        if (parse_cpu_list(cli, list, &cpus) < 0)
                return -1;
        int r = vm_pin_emulator(cli->manager, &vm, live_flags(c, flags), &cpus, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- I/O threads --- */

static int verb_iothreadinfo(Cli *cli, const Command *c) {
        static const char headline[] = "Unable to get domain IOThreads information";
        _cleanup_free_ CpuPin *pins = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        size_t n = 0;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (is_both(flags)) {
                cli_error(cli, "%s", headline);
                return cli_error(cli, "%s", both_flags_text);
        }
        int r = vm_iothread_pins(cli->manager, &vm, flags, &diag, &pins, &n);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "%s", headline);
        if (n > 0)
                return print_pins(cli, "IOThread ID", "iothread", pins, n);
        cli_print_extra(cli, "No IOThreads found for the domain");
        return 0;
}

static int verb_iothreadpin(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        const char *list;
        NumberSet cpus;
        unsigned id = 0;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 ||
            command_get_uint(cli, c, "iothread", &id) < 0 || command_get_nonempty(cli, c, "cpulist", &list) < 0 ||
            parse_cpu_list(cli, list, &cpus) < 0)
                return -1;
        int r = vm_pin_iothread(cli->manager, &vm, flags, id, &cpus, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int get_iothread_id(Cli *cli, const Command *c, unsigned *ret) {
        int id;

        if (command_get_int(cli, c, "id", &id) < 0)
                return -1;
        if (id <= 0)
                return cli_error(cli, "Invalid IOThread id value: '%d'", id);
        *ret = (unsigned) id;
        return 0;
}

/* iothreadadd, iothreaddel */
static int change_iothread(Cli *cli, const Command *c,
                           int (*change)(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, Diag *diag)) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        unsigned id = 0;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || get_iothread_id(cli, c, &id) < 0)
                return -1;
        int r = change(cli->manager, &vm, flags, id, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int verb_iothreadadd(Cli *cli, const Command *c) {
        return change_iothread(cli, c, vm_add_iothread);
}

static int verb_iothreaddel(Cli *cli, const Command *c) {
        return change_iothread(cli, c, vm_remove_iothread);
}

/* How many were given, or -1. */
static int get_iothread_settings(Cli *cli, const Command *c, IothreadSettings *s) {
        int max = command_get_u64(cli, c, "poll-max-ns", &s->poll_max.value), grow, shrink, pool_min, pool_max;

        if (max < 0 || (grow = command_get_uint(cli, c, "poll-grow", &s->poll_grow.value)) < 0 ||
            (shrink = command_get_uint(cli, c, "poll-shrink", &s->poll_shrink.value)) < 0 ||
            (pool_min = command_get_int(cli, c, "thread-pool-min", &s->pool_min)) < 0 ||
            (pool_max = command_get_int(cli, c, "thread-pool-max", &s->pool_max)) < 0)
                return -1;
        s->poll_max.set = max > 0;
        s->poll_grow.set = grow > 0;
        s->poll_shrink.set = shrink > 0;
        s->has_pool_min = pool_min > 0;
        s->has_pool_max = pool_max > 0;
        return max + grow + shrink + pool_min + pool_max;
}

static int verb_iothreadset(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        IothreadSettings s = {};
        ChangeFlags flags;
        unsigned id = 0;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || get_iothread_id(cli, c, &id) < 0)
                return -1;
        int given = get_iothread_settings(cli, c, &s);
        if (given < 0)
                return -1;
        if (given == 0)
                return cli_error(cli, "Not enough arguments passed, nothing to set");
        int r = vm_set_iothread(cli->manager, &vm, flags, id, &s, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- the table --- */

static const Option vcpucount_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("maximum", "get maximum count of vcpus"),
        OPTION_FLAG("active", "get number of currently active vcpus"),
        OPTION_FLAG("live", "get value from running domain"),
        OPTION_FLAG("config", "get value to be used on next boot"),
        OPTION_FLAG("current", "get value according to current domain state"),
        OPTION_FLAG("guest", "retrieve vcpu count from the guest instead of the hypervisor"),
        OPTIONS_END,
};
static const Option vcpuinfo_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("pretty", "return human readable output"),
        OPTIONS_END,
};
static const Option vcpupin_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "vcpu", .type = OPTION_INT, .help = "vcpu number" },
        { .name = "cpulist", .type = OPTION_STRING, .help = "host cpu number(s) to set, or omit option to query" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option emulatorpin_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "cpulist", .type = OPTION_STRING, .help = "host cpu number(s) to set, or omit option to query" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option iothreadinfo_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option iothreadpin_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "iothread", .type = OPTION_INT, .required = true, .help = "IOThread ID number" },
        { .name = "cpulist", .type = OPTION_DATA, .required = true, .help = "host cpu number(s) to set" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};

static const Option iothreadadd_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "id", .type = OPTION_INT, .required = true, .help = "iothread for the new IOThread" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option iothreaddel_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "id", .type = OPTION_INT, .required = true, .help = "iothread_id for the IOThread to delete" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option iothreadset_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "id", .type = OPTION_INT, .required = true, .help = "iothread id of existing IOThread" },
        { .name = "poll-max-ns", .type = OPTION_INT, .help = "set the maximum IOThread polling time in ns" },
        { .name = "poll-grow", .type = OPTION_INT, .help = "set the value to increase the IOThread polling time" },
        { .name = "poll-shrink", .type = OPTION_INT, .help = "set the value for reduction of the IOThread polling time" },
        { .name = "thread-pool-min", .type = OPTION_INT, .help = "lower boundary for worker thread pool" },
        { .name = "thread-pool-max", .type = OPTION_INT, .help = "upper boundary for worker thread pool" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option setvcpus_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "count", .type = OPTION_INT, .required = true, .help = "number of virtual CPUs" },
        OPTION_FLAG("maximum", "set maximum limit on next boot"),
        OPTIONS_SCOPE,
        OPTION_FLAG("guest", "modify cpu state in the guest"),
        OPTION_FLAG("hotpluggable", "make added vcpus hot(un)pluggable"),
        OPTIONS_END,
};
static const Option setvcpu_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "vcpulist", .type = OPTION_DATA, .required = true, .help = "ids of vcpus to manipulate" },
        OPTION_FLAG("enable", "enable cpus specified by cpumap"),
        OPTION_FLAG("disable", "disable cpus specified by cpumap"),
        OPTIONS_SCOPE,
        OPTIONS_END,
};

static const Option guestvcpus_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "cpulist", .type = OPTION_STRING, .help = "list of cpus to enable or disable" },
        OPTION_FLAG("enable", "enable cpus specified by cpulist"),
        OPTION_FLAG("disable", "disable cpus specified by cpulist"),
        OPTIONS_END,
};
static const Option cpu_stats_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_FLAG("total", "Show total statistics only"),
        { .name = "start", .type = OPTION_INT, .help = "Show statistics from this CPU" },
        { .name = "count", .type = OPTION_INT, .help = "Number of shown CPUs at most" },
        OPTIONS_END,
};

static const Verb cpu_verbs[] = {
        { "vcpucount", GROUP_DOMAIN, verb_vcpucount, vcpucount_options, "domain vcpu counts",
          "Returns the number of virtual CPUs used by the domain.", .json = "[{count: string, of: string, vcpus: number}]" },
        { "vcpuinfo", GROUP_DOMAIN, verb_vcpuinfo, vcpuinfo_options, "detailed domain vcpu information",
          "Returns basic information about the domain virtual CPUs.",
          .json = "[{vcpu: number, cpu: number?, state: string?, cpu_time: number?, affinity: string}]" },
        { "vcpupin", GROUP_DOMAIN, verb_vcpupin, vcpupin_options, "control or query domain vcpu affinity",
          "Pin domain VCPUs to host physical CPUs.", .guarded = "cpulist", .json = "[{vcpu: number, affinity: string}]" },
        { "emulatorpin", GROUP_DOMAIN, verb_emulatorpin, emulatorpin_options, "control or query domain emulator affinity",
          "Pin domain emulator threads to host physical CPUs.", .guarded = "cpulist", .json = "{[affinity: string]}" },
        { "iothreadinfo", GROUP_DOMAIN, verb_iothreadinfo, iothreadinfo_options, "view domain IOThreads",
          "Returns basic information about the domain IOThreads.", .json = "[{iothread: number, affinity: string}]" },
        { "iothreadpin", GROUP_DOMAIN, verb_iothreadpin, iothreadpin_options, "control domain IOThread affinity",
          "Pin domain IOThreads to host physical CPUs.", .changes = true },
        { "iothreadadd", GROUP_DOMAIN, verb_iothreadadd, iothreadadd_options, "add an IOThread to the guest domain",
          "Add an IOThread to the guest domain.", .changes = true },
        { "iothreaddel", GROUP_DOMAIN, verb_iothreaddel, iothreaddel_options, "delete an IOThread from the guest domain",
          "Delete an IOThread from the guest domain.", .changes = true },
        { "iothreadset", GROUP_DOMAIN, verb_iothreadset, iothreadset_options, "modifies an existing IOThread of the guest domain",
          "Modifies an existing IOThread of the guest domain.", .changes = true },
        { "setvcpus", GROUP_DOMAIN, verb_setvcpus, setvcpus_options, "change number of virtual CPUs",
          "Change the number of virtual CPUs in the guest domain.", .changes = true },
        { "setvcpu", GROUP_DOMAIN, verb_setvcpu, setvcpu_options, "attach/detach vcpu or groups of threads",
          "Add or remove vcpus", .changes = true },
        { "guestvcpus", GROUP_DOMAIN, verb_guestvcpus, guestvcpus_options, "query or modify state of vcpu in the guest (via agent)",
          "Use the guest agent to query or set cpu state from guest's point of view", .guarded = "cpulist|enable|disable",
          .json = "{[vcpus: string], [online: string], [offlinable: string]}" },
        { "cpu-stats", GROUP_DOMAIN, verb_cpu_stats, cpu_stats_options, "show domain cpu statistics",
          "Display per-CPU and total statistics about the domain's CPUs",
          .json = "{cpu_time: number, user_time: number, system_time: number}" },
};
DEFINE_VERB_TABLE(cpu);
