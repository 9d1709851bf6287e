/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager.h"
#include "report.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* version, help, complete */

static int verb_version(Cli *cli, const Command *c) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_diag_ Diag diag = {};
        const HostFacts *facts;

        report(cli, "version", report_text(VMUNIT_VERSION), "Compiled against library: vmunit " VMUNIT_VERSION "\n");
        cli_print(cli, "Using library: vmunit " VMUNIT_VERSION "\n");
        cli_print(cli, "Using API: %s " VMUNIT_VERSION "\n", cli->manager->made_up ? "TEST" : "QEMU");

        int r = manager_facts(cli->manager, &facts);
        const char *emulator = r >= 0 ? arch_default_emulator(facts->arch) : NULL;
        if (r >= 0 && emulator)
                r = cli->manager->backend->emulator_caps(cli->manager->userdata, emulator, false, &diag,
                                                         &caps);
        if (cli->manager->made_up)
                report(cli, "qemu", NULL, "Running hypervisor: TEST " VMUNIT_VERSION "\n");
        else if (r < 0 || !caps)
                report(cli, "qemu", NULL, "Cannot extract running hypervisor version\n");
        else {
                _cleanup_free_ char *text = strf("%u.%u.%u", caps->version / 1000000, caps->version / 1000 % 1000, caps->version % 1000);
                report(cli, "qemu", report_text(text), "Running hypervisor: QEMU %s\n", strempty(text));
        }
        if (command_has(c, "daemon"))
                cli_print(cli, "Running against daemon: none\n");
        return 0;
}

static int verb_help(Cli *cli, const Command *c) {
        const char *topic = command_get(c, "command");

        if (!topic)
                return help_print_all(cli) < 0 ? -1 : 0;
        int r = help_print_topic(cli, topic);
        if (r == -ENOENT)
                return cli_error(cli, "command or command group '%s' doesn't exist", topic);
        return r < 0 ? -1 : 0;
}

/* For the scripts of the shells. Errors are nobody's business there. */
static int verb_complete(Cli *cli, const Command *c) {
        _cleanup_strv_ char **found = NULL;
        bool files;

        /* Not for another host's vmunit, of which it would be asked otherwise. */
        if (cli_connect_first(cli) < 0)
                return -1;
        int r = complete_words(cli, c->rest, c->n_rest, command_has(c, "describe"), &found, &files);
        if (r < 0)
                return -1;
        STRV_FOREACH(word, found)
                cli_print(cli, "%s\n", *word);
        if (files)
                cli_print(cli, "/\n");
        return 0;
}

static const Option version_options[] = {
        OPTION_FLAG("daemon", "report daemon version too"),
        OPTIONS_END,
};
static const Option help_options[] = {
        { .name = "command", .type = OPTION_STRING, .hint = HINT_VERB,
          .help = "Prints global help, command specific help, or help for a group of related commands" },
        OPTIONS_END,
};

static const Option complete_options[] = {
        OPTION_FLAG("describe", "behind each a tab and what it is"),
        { .name = "string", .type = OPTION_ARGV, .help = "partial string to autocomplete" },
        OPTIONS_END,
};

static const Verb general_verbs[] = {
        { "version", GROUP_HOST, verb_version, version_options, "show version",
          "Display the system version information.", .json = "{version: string, qemu: string?}" },
        { "help", GROUP_VIRSH, verb_help, help_options, "print help",
          "Prints global help, command specific help, or help for a\n"
          "group of related commands", .pager = true, .local = true },
        { "complete", GROUP_VIRSH, verb_complete, complete_options, "internal command for autocompletion", "internal use only",
          .plain = true, .hidden = true, .local = true },
};
DEFINE_VERB_TABLE(general);
