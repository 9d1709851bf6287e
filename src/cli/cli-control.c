/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "vm-lifecycle.h"

/* domcontrol, domjobinfo: does QEMU answer, is it at work? */

static int verb_domcontrol(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup_running(cli, c, &vm) < 0)
                return -1;
        bool ok = vm_qmp_ask(cli->manager, &vm, "query-status", NULL, NULL, NULL) >= 0;
        const char *state = ok ? "ok" : "error: monitor failure";
        report(cli, "state", report_text(state), "%s\n", state);
        return 0;
}

/* There is nothing yet that takes its time, and can be asked about. */
static int verb_domjobinfo(Cli *cli, const Command *c) {
        bool completed = command_has(c, "completed");
        _cleanup_vm_ Vm vm = {};

        if (command_has(c, "keep-completed") && !completed)
                return cli_error(cli, "Option --completed is required by option --keep-completed");
        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (!vm.active && !completed)
                return cli_error(cli, "Requested operation is not valid: domain is not running");
        report_value(cli, "type", NULL);
        if (command_has(c, "rawstats"))
                cli_print(cli, "Job type: %d\n\n", 0);
        else
                cli_print(cli, "%-17s %-12s\n", "Job type:", "None");
        return 0;
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

static const Verb control_verbs[] = {
        { "domjobinfo", GROUP_DOMAIN, verb_domjobinfo, domjobinfo_options, "domain job information",
          "Returns information about jobs running on a domain.", .json = "{type: string?}" },
        { "domcontrol", GROUP_MONITOR, verb_domcontrol, domcontrol_options, "domain control interface state",
          "Returns state of a control interface to the domain.", .json = "{state: string}" },
};
DEFINE_VERB_TABLE(control);
