/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "identity.h"
#include "verbs.h"

/* autostart */

static int verb_autostart(Cli *cli, const Command *c) {
        bool disable = command_has(c, "disable");
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0)
                return -1;
        int r = vm_set_autostart(cli->manager, &vm, !disable, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to %s domain '%s' as autostarted", disable ? "unmark" : "mark", word);
        cli_print_extra(cli, "Domain '%s' %s as autostarted\n", word, disable ? "unmarked" : "marked");
        return 0;
}

static const Option autostart_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("disable", "disable autostarting"),
        OPTIONS_END,
};

static const Verb identity_verbs[] = {
        { "autostart", GROUP_DOMAIN, verb_autostart, autostart_options, "autostart a domain",
          "Configure a domain to be automatically started at boot: what systemctl enable\n"
          "vm@NAME does.", .changes = true },
};
DEFINE_VERB_TABLE(identity);
