/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "definitions.h"
#include "names.h"
#include "saved.h"
#include "string-util.h"
#include "verbs.h"

/* save, restore, save-image-*, managedsave, managedsave-* */

static void show(Cli *cli, const char *what, unsigned percent) {
        fprintf(cli->err, "\r%s: [%3u %%]", what, percent);
        (void) fflush(cli->err);
}

static void show_save(unsigned percent, void *userdata) {
        show(userdata, "Save", percent);
}

static void show_managedsave(unsigned percent, void *userdata) {
        show(userdata, "Managedsave", percent);
}

/* What --running, --paused, and --xml (TEXT, where the verb has it: its content, the caller's) say. */
static int get_options(Cli *cli, const Command *c, char **text, SaveOptions *ret) {
        const char *xml = NULL;
        size_t size;

        if (command_exclusive(cli, c, "running", "paused") < 0)
                return -1;
        *ret = (SaveOptions) {
                .state = command_has(c, "running") ? SAVE_STATE_RUNNING : command_has(c, "paused") ? SAVE_STATE_PAUSED : SAVE_STATE_SAME,
                .userdata = cli,
        };
        if (text && command_get_nonempty(cli, c, "xml", &xml) < 0)
                return -1;
        if (!xml)
                return 0;
        if (cli_read_file(cli, xml, text, &size) < 0)
                return -1;
        ret->xml = *text;
        return 0;
}

static int verb_save(Cli *cli, const Command *c) {
        _cleanup_free_ char *text = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        SaveOptions options;
        const char *file, *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0 || command_get_nonempty(cli, c, "file", &file) < 0 ||
            get_options(cli, c, &text, &options) < 0)
                return -1;
        options.progress = cli_wants_progress(cli, c) ? show_save : NULL;
        int r = vm_save(cli->manager, &vm, file, &options, &diag);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to save domain '%s' to %s", word, file);
        cli_print_extra(cli, "\nDomain '%s' saved to %s\n", word, file);
        return 0;
}

static int verb_restore(Cli *cli, const Command *c) {
        _cleanup_free_ char *text = NULL;
        _cleanup_diag_ Diag diag = {};
        SaveOptions options;
        const char *file;

        if (command_get_nonempty(cli, c, "file", &file) < 0 || get_options(cli, c, &text, &options) < 0)
                return -1;
        options.reset_nvram = command_has(c, "reset-nvram");
        int r = vm_restore(cli->manager, file, &options, &diag, NULL);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to restore domain from %s", file);
        cli_print_extra(cli, "Domain restored from %s\n", file);
        return 0;
}

static int verb_managedsave(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        SaveOptions options;
        const char *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0 || get_options(cli, c, NULL, &options) < 0)
                return -1;
        options.progress = cli_wants_progress(cli, c) ? show_managedsave : NULL;
        int r = vm_managed_save(cli->manager, &vm, &options, &diag);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to save domain '%s' state", word);
        cli_print_extra(cli, "\nDomain '%s' state saved by vmunit\n", word);
        return 0;
}

static int verb_managedsave_remove(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};
        const char *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0)
                return -1;
        if (!managed_save_exists(vm.name)) {
                cli_print_extra(cli, "Domain '%s' has no manage save image; removal skipped", word);
                return 0;
        }
        int r = managed_save_remove(vm.name);
        if (r < 0)
                return cli_error_diag(cli, r, NULL, "Failed to remove managed save image for domain '%s'", word);
        cli_print_extra(cli, "Removed managedsave image for domain '%s'", word);
        return 0;
}

static int print_saved(Cli *cli, const Command *c, const char *path) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *xml = NULL;

        int r = saved_dump_xml(cli->manager, path, command_has(c, "security-info"), &diag, &xml);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        return cli_print_xml(cli, c, xml);
}

/* The path of the managed save of --domain, the caller's. */
static int get_managed(Cli *cli, const Command *c, char **ret, const char **ret_word) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, ret_word) < 0)
                return -1;
        int r = managed_save_path(&vm, &diag, ret);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int verb_save_image_dumpxml(Cli *cli, const Command *c) {
        const char *file;

        return command_get_nonempty(cli, c, "file", &file) < 0 ? -1 : print_saved(cli, c, file);
}

static int verb_managedsave_dumpxml(Cli *cli, const Command *c) {
        _cleanup_free_ char *path = NULL;

        return get_managed(cli, c, &path, NULL) < 0 ? -1 : print_saved(cli, c, path);
}

static int define_saved(Cli *cli, const SaveOptions *options, const char *path, const char *format, const char *what) {
        _cleanup_diag_ Diag diag = {};

        int r = saved_define(cli->manager, path, options, &diag);
        if (r >= 0)
                return 0;
        _cleanup_free_ char *failed = strf(format, what);
        return cli_error_diag(cli, r, &diag, "%s", strempty(failed));
}

static int verb_save_image_define(Cli *cli, const Command *c) {
        _cleanup_free_ char *text = NULL;
        SaveOptions options;
        const char *file;

        if (command_get_nonempty(cli, c, "file", &file) < 0 || get_options(cli, c, &text, &options) < 0 ||
            define_saved(cli, &options, file, "Failed to update %s", file) < 0)
                return -1;
        cli_print_extra(cli, "State file %s updated.\n", file);
        return 0;
}

static int verb_managedsave_define(Cli *cli, const Command *c) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        SaveOptions options;
        const char *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0 || get_options(cli, c, &text, &options) < 0)
                return -1;
        int r = managed_save_path(&vm, &diag, &path);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to update %s XML configuration", word);
        if (define_saved(cli, &options, path, "Failed to update %s XML configuration", word) < 0)
                return -1;
        cli_print_extra(cli, "Managed save state file of domain '%s' updated.\n", word);
        return 0;
}

/* --- editing it --- */

typedef struct EditSaved {
        const char *path;
        SaveState state;
} EditSaved;

static int apply_edited(Cli *cli, const char *text, void *userdata) {
        const EditSaved *e = userdata;
        SaveOptions options = { .state = e->state, .xml = text };
        _cleanup_diag_ Diag diag = {};

        int r = saved_define(cli->manager, e->path, &options, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* As in virsh, --running and --paused are for what has been edited. 1: it is another one now; 0; -1. */
static int edit_saved(Cli *cli, const Command *c, const char *path) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *xml = NULL;
        SaveOptions options;

        if (get_options(cli, c, NULL, &options) < 0)
                return -1;
        int r = saved_dump_xml(cli->manager, path, true, &diag, &xml);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        if (endswith(xml, "\n"))
                xml[strlen(xml) - 1] = 0;
        EditSaved e = { .path = path, .state = options.state };
        return cli_edit_text(cli, xml, apply_edited, &e);
}

static int verb_save_image_edit(Cli *cli, const Command *c) {
        const char *file;

        if (command_exclusive(cli, c, "running", "paused") < 0 || command_get_nonempty(cli, c, "file", &file) < 0)
                return -1;
        int r = edit_saved(cli, c, file);
        if (r >= 0)
                cli_print_extra(cli, r > 0 ? "State file %s edited.\n" : "Saved image %s XML configuration not changed.\n", file);
        return r < 0 ? -1 : 0;
}

static int verb_managedsave_edit(Cli *cli, const Command *c) {
        _cleanup_free_ char *path = NULL;
        const char *word;

        if (command_exclusive(cli, c, "running", "paused") < 0 || get_managed(cli, c, &path, &word) < 0)
                return -1;
        int r = edit_saved(cli, c, path);
        if (r >= 0)
                cli_print_extra(cli, r > 0 ? "Managed save image of Domain '%s' XML configuration edited.\n" :
                                             "Managed save image of domain '%s' XML configuration not changed.\n", word);
        return r < 0 ? -1 : 0;
}

#define OPTION_SAVED(help_) { .name = "file", .type = OPTION_DATA, .required = true, .hint = HINT_FILE, .help = (help_) }
#define OPTION_XML { .name = "xml", .type = OPTION_STRING, .hint = HINT_FILE, .help = "filename containing updated XML for the target" }
#define OPTION_NEW_XML { .name = "xml", .type = OPTION_DATA, .required = true, .hint = HINT_FILE, .help = "filename containing updated XML for the target" }
#define OPTION_STATES(when_) OPTION_FLAG("running", "set domain to be running on " when_), OPTION_FLAG("paused", "set domain to be paused on " when_)
#define OPTION_SECURITY_INFO OPTION_FLAG("security-info", "include security sensitive information in XML dump")

static const Option save_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_SAVED("where to save the data"),
        OPTION_FLAG("bypass-cache", "avoid file system cache when saving"),
        OPTION_XML,
        OPTION_STATES("restore"),
        OPTION_FLAG("verbose", "display the progress of save"),
        OPTIONS_END,
}, restore_options[] = {
        OPTION_SAVED("the state to restore"),
        OPTION_FLAG("bypass-cache", "avoid file system cache when restoring"),
        OPTION_XML,
        OPTION_FLAG("running", "restore domain into running state"),
        OPTION_FLAG("paused", "restore domain into paused state"),
        OPTION_FLAG("reset-nvram", "re-initialize NVRAM from its pristine template"),
        OPTIONS_END,
}, image_dumpxml_options[] = {
        OPTION_SAVED("saved state file to read"),
        OPTION_SECURITY_INFO,
        OPTIONS_XPATH,
        OPTIONS_END,
}, image_define_options[] = {
        OPTION_SAVED("saved state file to modify"),
        OPTION_NEW_XML,
        OPTION_STATES("restore"),
        OPTIONS_END,
}, image_edit_options[] = {
        OPTION_SAVED("saved state file to edit"),
        OPTION_STATES("restore"),
        OPTIONS_END,
}, managedsave_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_FLAG("bypass-cache", "avoid file system cache when saving"),
        OPTION_STATES("next start"),
        OPTION_FLAG("verbose", "display the progress of save"),
        OPTIONS_END,
}, managedsave_remove_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTIONS_END,
}, managedsave_dumpxml_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_SECURITY_INFO,
        OPTIONS_XPATH,
        OPTIONS_END,
}, managedsave_define_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_NEW_XML,
        OPTION_STATES("start"),
        OPTIONS_END,
}, managedsave_edit_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_STATES("start"),
        OPTIONS_END,
};

static const Verb save_verbs[] = {
        { "save", GROUP_DOMAIN, verb_save, save_options, "save a domain state to a file",
          "Save the RAM state of a running domain.", .changes = true },
        { "restore", GROUP_DOMAIN, verb_restore, restore_options, "restore a domain from a saved state in a file",
          "Restore a domain.", .changes = true },
        { "save-image-dumpxml", GROUP_DOMAIN, verb_save_image_dumpxml, image_dumpxml_options, "saved state domain information in XML",
          "Dump XML of domain information for a saved state file to stdout.", .guarded = "security-info" },
        { "save-image-define", GROUP_DOMAIN, verb_save_image_define, image_define_options, "redefine the XML for a domain's saved state file",
          "Replace the domain XML associated with a saved state file", .changes = true },
        { "save-image-edit", GROUP_DOMAIN, verb_save_image_edit, image_edit_options, "edit XML for a domain's saved state file",
          "Edit the domain XML associated with a saved state file", .changes = true },
        { "managedsave", GROUP_DOMAIN, verb_managedsave, managedsave_options, "managed save of a domain state",
          "Save and destroy a running domain, so it can be restarted from\n"
          "the same state at a later time.  When the domain is started next, by 'start',\n"
          "by systemctl or at boot, it goes on from this saved state.", .changes = true },
        { "managedsave-remove", GROUP_DOMAIN, verb_managedsave_remove, managedsave_remove_options, "Remove managed save of a domain",
          "Remove an existing managed save state file from a domain", .changes = true },
        { "managedsave-dumpxml", GROUP_DOMAIN, verb_managedsave_dumpxml, managedsave_dumpxml_options,
          "Domain information of managed save state file in XML",
          "Dump XML of domain information for a managed save state file to stdout.", .guarded = "security-info" },
        { "managedsave-define", GROUP_DOMAIN, verb_managedsave_define, managedsave_define_options,
          "redefine the XML for a domain's managed save state file",
          "Replace the domain XML associated with a managed save state file", .changes = true },
        { "managedsave-edit", GROUP_DOMAIN, verb_managedsave_edit, managedsave_edit_options,
          "edit XML for a domain's managed save state file",
          "Edit the domain XML associated with the managed save state file", .changes = true },
};
DEFINE_VERB_TABLE(save);
