/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autodestroy.h"
#include "cli-common.h"
#include "definitions.h"
#include "vm-lifecycle.h"
#include "strv.h"
#include "verbs.h"

/* define, undefine, create */

static int verb_define(Cli *cli, const Command *c) {
        _cleanup_free_ char *text = NULL, *name = NULL;
        ParseFlags flags = command_has(c, "validate") ? PARSE_STRICT : 0;
        _cleanup_diag_ Diag diag = {};
        const char *file;
        size_t size;

        if (command_get_nonempty(cli, c, "file", &file) < 0 || cli_read_file(cli, file, &text, &size) < 0)
                return -1;
        (void) diag_init(&diag, file);
        int r = vm_define(cli->manager, text, size, flags, &diag, &name);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to define domain from %s", file);
        cli_print_extra(cli, "Domain '%s' defined from %s\n", name, file);
        return 0;
}

/* To leave behind what was to be removed would be worse than to refuse. Of snapshots and checkpoints there is nothing
 * yet that could be. */
static int check_undefine_options(Cli *cli, const Command *c) {
        static const char *const later[] = { "storage", "remove-all-storage", "wipe-storage", "delete-storage-volume-snapshots" };
        bool all = command_has(c, "remove-all-storage");

        if (command_has(c, "delete-storage-volume-snapshots") && !all)
                return cli_error(cli, "Option --remove-all-storage is required by option --delete-storage-volume-snapshots");
        if (command_exclusive(cli, c, "nvram", "keep-nvram") < 0 || command_exclusive(cli, c, "tpm", "keep-tpm") < 0)
                return -1;
        if (command_has(c, "wipe-storage") && !all && !command_has(c, "storage"))
                return cli_error(cli, "'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'");
        FOREACH_ARRAY(l, later, ELEMENTSOF(later))
                if (command_has(c, *l))
                        return cli_error(cli, "not yet supported: undefine --%s", *l);
        return 0;
}

static int verb_undefine(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *word;

        if (check_undefine_options(cli, c) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0)
                return -1;
        /* Without --nvram it is virsh itself that looks. */
        if (!command_has(c, "managed-save") && !command_has(c, "nvram") && vm_has_managed_save(cli->manager, &vm))
                return cli_error(cli, "Refusing to undefine while domain managed save image exists");
        int r = vm_undefine(cli->manager, &vm,
                            (command_has(c, "managed-save") ? VM_UNDEFINE_MANAGED_SAVE : 0) |
                            (command_has(c, "nvram") ? VM_UNDEFINE_NVRAM : 0) |
                            (command_has(c, "keep-nvram") ? VM_UNDEFINE_KEEP_NVRAM : 0) |
                            (command_has(c, "keep-tpm") ? VM_UNDEFINE_KEEP_TPM : 0), &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to undefine domain '%s'", word);
        cli_print_extra(cli, "Domain '%s' has been undefined\n", word);
        return 0;
}

/* What has no name, or one that is taken, is refused by whoever starts it. */
static int guard_created(Cli *cli, const char *text, size_t size, bool *ret) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (definition_parse(cli->manager, text, size, 0, &diag, &p) < 0 ||
            vm_lookup(cli->manager, p.domain->name, VM_BY_NAME, NULL, &vm) != -ENOENT)
                return 0;
        *ret = true;
        return autodestroy_begin(cli, p.domain->name);
}

static int verb_create(Cli *cli, const Command *c) {
        _cleanup_free_ char *text = NULL, *name = NULL;
        VmStartFlags flags = (command_has(c, "paused") ? VM_START_PAUSED : 0) |
                             (command_has(c, "reset-nvram") ? VM_START_RESET_NVRAM : 0);
        _cleanup_diag_ Diag diag = {};
        const char *file;
        size_t size;

        _cleanup_strv_ char **credentials = NULL;

        if (command_get_nonempty(cli, c, "file", &file) < 0 || cli_credentials(cli, c, &credentials) < 0 ||
            cli_read_file(cli, file, &text, &size) < 0)
                return -1;
        if (cli_refuse_fds(cli, c, "virDomainCreateXMLWithFiles", "Failed to create domain from %s", file) < 0)
                return -1;
        (void) diag_init(&diag, file);
        bool guarded = false;
        if (command_has(c, "autodestroy") && guard_created(cli, text, size, &guarded) < 0)
                return -1;
        int r = vm_create(cli->manager, text, size, flags, credentials, command_has(c, "validate"), &diag, &name);
        if (guarded)
                autodestroy_settle(cli, name, r >= 0);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to create domain from %s", file);
        cli_print_extra(cli, "Domain '%s' created from %s\n", name, file);
        return command_has(c, "console") ? cli_console(cli, name, NULL, false) : 0;
}

#define OPTION_FILE \
        { .name = "file", .type = OPTION_DATA, .required = true, .hint = HINT_FILE, \
          .help = "file containing an XML domain description" }

static const Option define_options[] = {
        OPTION_FILE,
        OPTION_FLAG("validate", "validate the XML against the schema"),
        OPTIONS_END,
};
static const Option undefine_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("managed-save", "remove domain managed state file"),
        { .name = "storage", .type = OPTION_STRING,
          .help = "remove associated storage volumes (not yet supported)" },
        OPTION_FLAG("remove-all-storage", "remove all associated storage volumes (not yet supported)"),
        OPTION_FLAG("delete-storage-volume-snapshots", "delete snapshots associated with volume(s) (not yet supported)"),
        OPTION_FLAG("wipe-storage", "wipe data on the removed volumes (not yet supported)"),
        OPTION_FLAG("snapshots-metadata", "remove all domain snapshot metadata (vm must be inactive)"),
        OPTION_FLAG("checkpoints-metadata", "remove all domain checkpoint metadata (vm must be inactive)"),
        OPTION_FLAG("nvram", "remove nvram file"),
        OPTION_FLAG("keep-nvram", "keep nvram file"),
        OPTION_FLAG("tpm", "remove TPM state"),
        OPTION_FLAG("keep-tpm", "keep TPM state"),
        OPTIONS_END,
};
static const Option create_options[] = {
        OPTION_FILE,
        OPTION_FLAG("console", "attach to console after creation"),
        OPTION_FLAG("paused", "leave the guest paused after creation"),
        OPTION_FLAG("autodestroy", "automatically destroy the guest when vmunit disconnects"),
        OPTION_FLAG("validate", "validate the XML against the schema"),
        OPTION_FLAG("reset-nvram", "re-initialize NVRAM from its pristine template"),
        OPTION_PASS_FDS,
        OPTION_CREDENTIAL,
        OPTIONS_END,
};

static const Verb define_verbs[] = {
        { "define", GROUP_DOMAIN, verb_define, define_options,
          "define (but don't start) a domain from an XML file",
          "Define a domain: the file is checked and copied, as it is, to /etc/vm/NAME.xml.",
          .changes = true },
        { "undefine", GROUP_DOMAIN, verb_undefine, undefine_options, "undefine a domain",
          "Undefine an inactive domain, or convert persistent to transient.", .changes = true },
        { "create", GROUP_DOMAIN, verb_create, create_options, "create a domain from an XML file",
          "Create a domain: it is gone when it stops.", .changes = true },
};
DEFINE_VERB_TABLE(define);
