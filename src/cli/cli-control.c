/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "vm-lifecycle.h"

/* domcontrol: does QEMU answer? */

static int verb_domcontrol(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup_running(cli, c, &vm) < 0)
                return -1;
        bool ok = vm_qmp_ask(cli->manager, &vm, "query-status", NULL, NULL, NULL) >= 0;
        cli_print(cli, "%s\n", ok ? "ok" : "error: monitor failure");
        return 0;
}

static const Option domcontrol_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTIONS_END,
};

static const Verb control_verbs[] = {
        { "domcontrol", GROUP_MONITOR, verb_domcontrol, domcontrol_options, "domain control interface state",
          "Returns state of a control interface to the domain." },
};
DEFINE_VERB_TABLE(control);
