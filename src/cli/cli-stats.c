/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "stats.h"
#include "string-util.h"

/* domstats */

static const char *const group_options[_STATS_MAX] = {
        [STATS_STATE] = "state",
        [STATS_CPU_TOTAL] = "cpu-total",
        [STATS_BALLOON] = "balloon",
        [STATS_VCPU] = "vcpu",
        [STATS_INTERFACE] = "interface",
        [STATS_BLOCK] = "block",
        [STATS_PERF] = "perf",
        [STATS_IOTHREAD] = "iothread",
        [STATS_MEMORY] = "memory",
        [STATS_DIRTYRATE] = "dirtyrate",
        [STATS_VM] = "vm",
};

/* Those that were asked for, or all. */
static unsigned wanted_groups(const Command *c) {
        unsigned groups = 0;

        for (unsigned i = 0; i < _STATS_MAX; i++)
                groups |= command_has(c, group_options[i]) ? 1U << i : 0;
        return groups ?: (1U << _STATS_MAX) - 1;
}

static const char *state_option(const Vm *vm) {
        switch (vm->state) {
        case STATE_RUNNING:
                return "list-running";
        case STATE_PAUSED:
                return "list-paused";
        case STATE_SHUT_OFF:
                return "list-shutoff";
        default:
                return "list-other";
        }
}

/* With neither or both of two options nothing is left out. */
static bool passes(const Command *c, const char *with, const char *without, bool is) {
        bool a = command_has(c, with), b = command_has(c, without);

        return a == b || a == is;
}

static bool is_listed(const Command *c, const Vm *vm) {
        static const char *const states[] = { "list-running", "list-paused", "list-shutoff", "list-other" };
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                any = any || command_has(c, states[i]);
        return (!any || command_has(c, state_option(vm))) && passes(c, "list-active", "list-inactive", vm->active) &&
               passes(c, "list-persistent", "list-transient", vm->persistent);
}

/* What only QEMU knows has to be there if it was asked for in so many words (--enforce). The number is libvirt's. */
static int check_enforced(Cli *cli, const Command *c, const Vm *vm) {
        static const StatsGroup groups[] = { STATS_IOTHREAD, STATS_DIRTYRATE, STATS_VM };
        unsigned missing = 0;

        for (size_t i = 0; i < ELEMENTSOF(groups); i++)
                missing |= command_has(c, group_options[groups[i]]) ? 1U << groups[i] : 0;
        if (!command_has(c, "enforce") || vm->active || missing == 0)
                return 0;
        return cli_error(cli, "argument unsupported: Stats types bits 0x%x are not supported by this daemon or QEMU", missing);
}

static int print_stats(Cli *cli, const Command *c, const Vm *vm, bool *first) {
        _cleanup_stats_list_ StatsList list = {};
        _cleanup_diag_ Diag diag = {};

        if (!is_listed(c, vm))
                return 0;
        if (check_enforced(cli, c, vm) < 0)
                return -1;
        (void) diag_init(&diag, vm->source_path);
        int r = vm_stats(cli->manager, vm, wanted_groups(c), command_has(c, "backing"), &diag, &list);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        report_open(cli, NULL, json_type_object);
        report(cli, "domain", report_text(vm->name), "%sDomain: '%s'\n", *first ? "" : "\n", vm->name);
        report_open(cli, "stats", json_type_object);
        FOREACH_ARRAY(i, list.items, list.n_items)
                report(cli, i->name, report_word(i->value, i->is_number), "  %s=%s\n", i->name, i->value);
        report_close(cli);
        report_close(cli);
        *first = false;
        return 0;
}

static int lookup_word(Cli *cli, const char *word, Vm *ret) {
        _cleanup_diag_ Diag diag = {};

        int r = vm_lookup(cli->manager, word, VM_BY_ANY, &diag, ret);
        if (r == -ENOENT)
                return cli_error(cli, "failed to get domain '%s'", word);
        return r < 0 ? cli_error_diag(cli, r, &diag, "failed to get domain '%s'", word) : 0;
}

/* Nothing is printed before all of them are known. */
static int print_named(Cli *cli, const Command *c) {
        Vm *vms = calloc(c->n_rest, sizeof(Vm));
        bool first = true;
        int r = vms ? 0 : cli_error(cli, "%s", strerror(ENOMEM));

        for (size_t i = 0; r >= 0 && i < c->n_rest; i++)
                r = lookup_word(cli, c->rest[i], &vms[i]);
        for (size_t i = 0; r >= 0 && i < c->n_rest; i++)
                r = print_stats(cli, c, &vms[i], &first);
        if (vms)
                vms_free(vms, c->n_rest);
        return r;
}

static int verb_domstats(Cli *cli, const Command *c) {
        bool first = true;
        Vm *vms = NULL;
        size_t n = 0;

        if (c->n_rest > 0)
                return print_named(cli, c);
        int r = vm_list(cli->manager, VM_LIST_ACTIVE | VM_LIST_INACTIVE, &vms, &n);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        /* One that cannot be read does not hide the others. */
        FOREACH_ARRAY(vm, vms, n)
                r = MIN(r, print_stats(cli, c, vm, &first));
        vms_free(vms, n);
        return r;
}

static const Option domstats_options[] = {
        OPTION_FLAG("state", "report domain state"),
        OPTION_FLAG("cpu-total", "report domain physical cpu usage"),
        OPTION_FLAG("balloon", "report domain balloon statistics"),
        OPTION_FLAG("vcpu", "report domain virtual cpu information"),
        OPTION_FLAG("interface", "report domain network interface information"),
        OPTION_FLAG("block", "report domain block device statistics"),
        OPTION_FLAG("perf", "report domain perf event statistics"),
        OPTION_FLAG("iothread", "report domain IOThread information"),
        OPTION_FLAG("memory", "report domain memory usage"),
        OPTION_FLAG("dirtyrate", "report domain dirty rate information"),
        OPTION_FLAG("vm", "report hypervisor-specific statistics"),
        OPTION_FLAG("list-active", "list only active domains"),
        OPTION_FLAG("list-inactive", "list only inactive domains"),
        OPTION_FLAG("list-persistent", "list only persistent domains"),
        OPTION_FLAG("list-transient", "list only transient domains"),
        OPTION_FLAG("list-running", "list only running domains"),
        OPTION_FLAG("list-paused", "list only paused domains"),
        OPTION_FLAG("list-shutoff", "list only shutoff domains"),
        OPTION_FLAG("list-other", "list only domains in other states"),
        OPTION_FLAG("raw", "do not pretty-print the fields"),
        OPTION_FLAG("enforce", "enforce requested stats parameters"),
        OPTION_FLAG("backing", "add backing chain information to block stats"),
        OPTION_FLAG("nowait", "report only stats that are accessible instantly"),
        { .name = "domain", .type = OPTION_ARGV, .hint = HINT_DOMAIN, .help = "list of domains to get stats for" },
        OPTIONS_END,
};

static const Verb stats_verbs[] = {
        { "domstats", GROUP_MONITOR, verb_domstats, domstats_options, "get statistics about one or multiple domains",
          "Gets statistics about one or more (or all) domains", .pager = true,
          .json = "[{domain: string, stats: {...: number|string}}]" },
};
DEFINE_VERB_TABLE(stats);
