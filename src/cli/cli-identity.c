/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "definitions.h"
#include "identity.h"
#include "verbs.h"

/* autostart, domrename */

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

static int verb_domrename(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *name;

        if (cli_lookup(cli, c, VM_BY_NAME | VM_BY_UUID, &vm, NULL) < 0 || command_get_nonempty(cli, c, "new-name", &name) < 0)
                return -1;
        int r = vm_rename(cli->manager, &vm, name, &diag);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        cli_print_extra(cli, "Domain successfully renamed\n");
        return 0;
}

static const Option domrename_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_OFF, "domain name or uuid"),
        { .name = "new-name", .type = OPTION_DATA, .required = true, .help = "new domain name" },
        OPTIONS_END,
};
static const Option autostart_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("disable", "disable autostarting"),
        OPTIONS_END,
};

static const Verb identity_verbs[] = {
        { "autostart", GROUP_DOMAIN, verb_autostart, autostart_options, "autostart a domain",
          "Configure a domain to be automatically started at boot: what systemctl enable\n"
          "vm@NAME does.", .changes = true },
        { "domrename", GROUP_DOMAIN, verb_domrename, domrename_options, "rename a domain", "Rename an inactive domain.",
          .changes = true },
};
DEFINE_VERB_TABLE(identity);
