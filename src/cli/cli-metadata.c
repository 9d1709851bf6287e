/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "domain-enums.h"
#include "notes.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* desc, metadata, set-lifecycle-action */

static const struct {
        const char *word, *title;
} notes[] = {
        [NOTE_TITLE] = { "title", "Domain title" },
        [NOTE_DESCRIPTION] = { "description", "Domain description" },
};

typedef struct NoteJob {
        const Vm *vm;
        VmNote note;
        ChangeFlags flags;
} NoteJob;

static int apply_note(Cli *cli, const char *text, void *userdata) {
        const NoteJob *j = userdata;
        _cleanup_diag_ Diag diag = {};

        int r = vm_set_note(cli->manager, j->vm, j->note, j->flags, text, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Failed to set new domain %s", notes[j->note].word) : 0;
}

/* What is there, in the one of the two texts that virsh looks at. */
static int get_note(Cli *cli, const NoteJob *j, bool config, char **ret) {
        _cleanup_diag_ Diag diag = {};

        int r = vm_note(cli->manager, j->vm, j->note, config ? CHANGE_CONFIG : CHANGE_CURRENT, &diag, ret);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int verb_desc(Cli *cli, const Command *c) {
        NoteJob j = { .note = command_has(c, "title") ? NOTE_TITLE : NOTE_DESCRIPTION };
        _cleanup_free_ char *text = NULL, *old = NULL;
        _cleanup_strv_ char **words = NULL;
        bool config = command_has(c, "config");
        _cleanup_vm_ Vm vm = {};

        if (cli_change_flags(cli, c, &j.flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        j.vm = &vm;
        if (get_note(cli, &j, config, &old) < 0)
                return -1;
        if (c->n_rest == 0 && !command_has(c, "edit")) {
                report_value(cli, notes[j.note].word, *old ? report_text(old) : NULL);
                if (*old)
                        cli_print(cli, "%s", old);
                else
                        cli_print_extra(cli, "No %s for domain: %s", notes[j.note].word, vm.name);
                return 0;
        }
        for (size_t i = 0; i < c->n_rest; i++)
                if (strv_extend(&words, c->rest[i]) < 0)
                        return cli_error(cli, "out of memory");
        text = words ? strv_join(words, " ") : strdup(old);
        if (!text)
                return cli_error(cli, "out of memory");
        int r;
        if (command_has(c, "edit"))
                r = cli_edit_text(cli, text, apply_note, &j);
        else
                r = apply_note(cli, text, &j) < 0 ? -1 : 1;
        /* What was given beside the editor is new, whether it was touched there or not. */
        if (r == 0 && !streq(text, old))
                r = apply_note(cli, text, &j) < 0 ? -1 : 1;
        if (r < 0)
                return -1;
        cli_print_extra(cli, r > 0 ? "%s updated successfully" : "%s not changed\n", notes[j.note].title);
        return 0;
}

typedef struct MetadataJob {
        const Vm *vm;
        const char *uri, *key;
        ChangeFlags flags;
} MetadataJob;

static int apply_metadata(Cli *cli, const char *text, void *userdata) {
        const MetadataJob *j = userdata;
        _cleanup_diag_ Diag diag = {};

        /* NULL takes it away. */
        int r = vm_set_metadata(cli->manager, j->vm, j->uri, j->key, j->flags, text, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int get_metadata(Cli *cli, const MetadataJob *j, bool may_miss, char **ret) {
        _cleanup_diag_ Diag diag = {};

        if (j->flags == (CHANGE_LIVE | CHANGE_CONFIG))
                return cli_error(cli, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
        int r = vm_metadata(cli->manager, j->vm, j->uri, j->flags, &diag, ret);
        if (r == -ENOENT && may_miss) {
                *ret = strdup("");
                return *ret ? 0 : cli_error(cli, "out of memory");
        }
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

static int edit_metadata(Cli *cli, MetadataJob *j) {
        _cleanup_free_ char *text = NULL;

        if (get_metadata(cli, j, true, &text) < 0)
                return -1;
        int r = cli_edit_text(cli, text, apply_metadata, j);
        if (r >= 0)
                cli_print_extra(cli, r > 0 ? "Metadata modified\n" : "Metadata not changed");
        return r < 0 ? -1 : 0;
}

static int verb_metadata(Cli *cli, const Command *c) {
        bool remove = command_has(c, "remove"), edit = command_has(c, "edit");
        _cleanup_free_ char *text = NULL;
        _cleanup_vm_ Vm vm = {};
        const char *set;
        MetadataJob j = {};

        if (cli_change_flags(cli, c, &j.flags) < 0 || command_exclusive(cli, c, "edit", "set") < 0 ||
            command_exclusive(cli, c, "remove", "set") < 0 || command_exclusive(cli, c, "remove", "edit") < 0 ||
            cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || command_get_nonempty(cli, c, "uri", &j.uri) < 0 ||
            command_get_nonempty(cli, c, "key", &j.key) < 0 || command_get_nonempty(cli, c, "set", &set) < 0)
                return -1;
        j.vm = &vm;
        if ((set || edit) && !j.key)
                return cli_error(cli, "namespace key is required when modifying metadata");
        if (edit)
                return edit_metadata(cli, &j);
        if (set || remove) {
                if (apply_metadata(cli, set, &j) < 0)
                        return -1;
                cli_print_extra(cli, remove ? "Metadata removed\n" : "Metadata modified\n");
                return 0;
        }
        if (get_metadata(cli, &j, false, &text) < 0)
                return -1;
        report(cli, "metadata", report_text(text), "%s\n", text);
        return 0;
}

/* --- set-lifecycle-action --- */

static int verb_set_lifecycle_action(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        const char *type, *action;
        _cleanup_vm_ Vm vm = {};
        VmLifecycleEvent event;
        ChangeFlags flags;

        if (cli_change_flags(cli, c, &flags) < 0 || command_get_nonempty(cli, c, "type", &type) < 0 ||
            command_get_nonempty(cli, c, "action", &action) < 0)
                return -1;
        for (event = 0; event < _LIFECYCLE_EVENT_MAX && !streq(type, vm_lifecycle_events[event]); event++)
                ;
        if (event == _LIFECYCLE_EVENT_MAX)
                return cli_error(cli, "Invalid lifecycle type '%s'.", type);
        int value = lifecycle_action_from_string(action);
        if (value < 0 || value == ACTION_UNSET)
                return cli_error(cli, "Invalid lifecycle action '%s'.", action);
        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int r = vm_set_lifecycle_action(cli->manager, &vm, event, (LifecycleAction) value, flags, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to change lifecycle action.") : 0;
}

static const Option desc_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("live", "modify/get running state"),
        OPTION_FLAG("config", "modify/get persistent configuration"),
        OPTION_FLAG("current", "modify/get current state configuration"),
        OPTION_FLAG("title", "modify/get the title instead of description"),
        OPTION_FLAG("edit", "open an editor to modify the description"),
        { .name = "new-desc", .type = OPTION_ARGV, .help = "message" },
        OPTIONS_END,
};
static const Option metadata_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "uri", .type = OPTION_DATA, .required = true, .help = "URI of the namespace" },
        OPTION_FLAG("live", "modify/get running state"),
        OPTION_FLAG("config", "modify/get persistent configuration"),
        OPTION_FLAG("current", "modify/get current state configuration"),
        OPTION_FLAG("edit", "use an editor to change the metadata"),
        { .name = "key", .type = OPTION_STRING, .help = "key to be used as a namespace identifier" },
        { .name = "set", .type = OPTION_STRING, .help = "new metadata to set" },
        OPTION_FLAG("remove", "remove the metadata corresponding to an uri"),
        OPTIONS_END,
};

static const Option set_lifecycle_action_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "type", .type = OPTION_DATA, .required = true, .words = "poweroff|reboot|crash", .help = "lifecycle type to modify" },
        { .name = "action", .type = OPTION_DATA, .required = true,
          .words = "destroy|restart|preserve|coredump-destroy|coredump-restart", .help = "lifecycle action to set" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};

static const Verb metadata_verbs[] = {
        { "desc", GROUP_DOMAIN, verb_desc, desc_options, "show or set domain's description or title",
          "Allows setting or modifying the description or title of a domain.", .guarded = "edit|new-desc",
          .json = "{[title: string?], [description: string?]}" },
        { "metadata", GROUP_DOMAIN, verb_metadata, metadata_options, "show or set domain's custom XML metadata",
          "Shows or modifies the XML metadata of a domain.", .guarded = "edit|set|remove",
          .json = "{[metadata: string]}" },
        { "set-lifecycle-action", GROUP_DOMAIN, verb_set_lifecycle_action, set_lifecycle_action_options, "change lifecycle actions",
          "Change lifecycle actions for the guest domain.", .changes = true },
};
DEFINE_VERB_TABLE(metadata);
