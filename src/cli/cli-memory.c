/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cli-common.h"
#include "memory.h"
#include "verbs.h"

/* setmem, setmaxmem, dommemstat */

/* --size in KiB. */
static int get_size(Cli *cli, const Command *c, uint64_t *ret) {
        uint64_t bytes;

        if (command_get_scaled(cli, c, "size", 1024, UINT64_MAX, &bytes) < 0)
                return -1;
        *ret = bytes / 1024 + (bytes % 1024 > 0);
        return 0;
}

/* What both verbs that set a size need. */
static int begin(Cli *cli, const Command *c, ChangeFlags *flags, Vm *vm, uint64_t *kib) {
        return cli_change_flags(cli, c, flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, vm, NULL) < 0 || get_size(cli, c, kib) < 0 ? -1 : 0;
}

static int verb_setmem(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        uint64_t kib;

        if (begin(cli, c, &flags, &vm, &kib) < 0)
                return -1;
        /* Without a word about it, what runs is meant. */
        if (!command_has(c, "config") && !command_has(c, "current"))
                flags = CHANGE_LIVE;
        int r = vm_set_memory(cli->manager, &vm, flags, kib, &diag);
        return r < 0 ? cli_error(cli, "%s", diag_first_error(&diag) ?: strerror(-r)) : 0;
}

static int verb_setmaxmem(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        uint64_t kib;

        if (begin(cli, c, &flags, &vm, &kib) < 0)
                return -1;
        int r = vm_set_max_memory(cli->manager, &vm, flags, kib, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to change MaxMemorySize") : 0;
}

static int verb_dommemstat(Cli *cli, const Command *c) {
        MemoryStat stats[MEMORY_STATS_MAX];
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        size_t n = 0;
        int period;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int r = command_get_int(cli, c, "period", &period);
        if (r < 0)
                return -1;
        if (r > 0 && period < 0)
                return cli_error(cli, "Invalid collection period value '%d'", period);
        if (r > 0) {
                r = vm_set_memory_period(cli->manager, &vm, flags, (unsigned) period, &diag);
                return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to change balloon collection period.") : 0;
        }
        r = vm_memory_stats(cli->manager, &vm, &diag, stats, &n);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to get memory statistics for domain %s", vm.name);
        FOREACH_ARRAY(s, stats, n)
                report(cli, s->name, report_u64(s->value), "%s %" PRIu64 "\n", s->name, s->value);
        return 0;
}

static const Option setmem_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "size", .former = "kilobytes", .type = OPTION_INT, .required = true, .help = "new memory size, as scaled integer (default KiB)" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option setmaxmem_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "size", .former = "kilobytes", .type = OPTION_INT, .required = true, .help = "new maximum memory size, as scaled integer (default KiB)" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};
static const Option dommemstat_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "period", .type = OPTION_INT, .named = true, .help = "period in seconds to set collection" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};

static const Verb memory_verbs[] = {
        { "setmem", GROUP_DOMAIN, verb_setmem, setmem_options, "change memory allocation",
          "Change the current memory allocation in the guest domain.", .changes = true },
        { "setmaxmem", GROUP_DOMAIN, verb_setmaxmem, setmaxmem_options, "change maximum memory limit",
          "Change the maximum memory allocation limit in the guest domain.", .changes = true },
        { "dommemstat", GROUP_MONITOR, verb_dommemstat, dommemstat_options, "get memory statistics for a domain",
          "Get memory statistics for a running domain.", .guarded = "period", .json = "{...: number}" },
};
DEFINE_VERB_TABLE(memory);
