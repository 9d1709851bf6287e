/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "cli-common.h"
#include "definition.h"
#include "json-member.h"
#include "vm-lifecycle.h"
#include "plans.h"
#include "qmp.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"
#include "verbs.h"

/* verify, plan, domxml-to-native, qemu-monitor-command: what a definition becomes */

typedef struct Source {
        char *path; /* owned: the file's, for messages */
        char *text; /* owned */
        size_t size;
        bool found; /* among the definitions */
} Source;

static void source_done(Source *s) {
        free(s->path);
        free(s->text);
}

static int read_named(const char *name, Diag *diag, Source *s) {
        _cleanup_definition_ Definition d = {};

        int r = definition_load(name, &d);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s: %s", d.path ?: name, definition_error(r));
        s->path = TAKE_PTR(d.path);
        s->text = TAKE_PTR(d.text);
        s->size = d.size;
        s->found = true;
        return 0;
}

/* FILE or the name of a domain: a word with a slash or at the end ".xml" is a file, as is what is no domain. */
static int read_source(const char *word, Diag *diag, Source *s) {
        bool file = strchr(word, '/') || endswith(word, ".xml");

        if (!file) {
                _cleanup_definition_ Definition d = {};
                if (definition_find(word, &d) >= 0)
                        return read_named(word, diag, s);
                if (access(word, F_OK) < 0)
                        return diag_error(diag, (SrcLoc) {}, "failed to get domain '%s'", word);
        }
        s->path = strdup(word);
        if (!s->path)
                return diag_error_code(diag, -ENOMEM, (SrcLoc) {}, "out of memory");
        return read_definition_file(word, diag, &s->text, &s->size);
}

/* --- verify --- */

static json_object *entry_to_json(const Diag *diag, const DiagEntry *e) {
        json_object *o = json_object_new_object();

        const char *severity = e->severity == DIAG_ERROR ? "error" : "warning";
        json_object_object_add(o, "severity", json_object_new_string(severity));
        if (diag->file)
                json_object_object_add(o, "file", json_object_new_string(diag->file));
        if (e->loc.line > 0) {
                json_object_object_add(o, "line", json_object_new_int64(e->loc.line));
                json_object_object_add(o, "column", json_object_new_int64(e->loc.column));
        }
        json_object_object_add(o, "message", json_object_new_string(e->text));
        return o;
}

static void print_verdict_json(Cli *cli, const char *path, int result, const Diag *diag) {
        json_object *o = json_object_new_object(), *list = json_object_new_array();

        json_object_object_add(o, "file", json_object_new_string(path));
        json_object_object_add(o, "valid", json_object_new_boolean(result >= 0));
        FOREACH_ARRAY(e, diag->entries, diag->n_entries)
                json_object_array_add(list, entry_to_json(diag, e));
        if (result < 0 && diag->n_errors == 0)
                json_object_array_add(list, entry_to_json(diag, &(DiagEntry) { .severity = DIAG_ERROR, .text = (char *) strerror(-result) }));
        json_object_object_add(o, "messages", list);
        int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;
        cli_print(cli, "%s\n", json_object_to_json_string_ext(o, flags));
        json_object_put(o);
}

static void print_verdict(Cli *cli, const char *path, int result, const Diag *diag) {
        FOREACH_ARRAY(e, diag->entries, diag->n_entries) {
                _cleanup_free_ char *line = diag_entry_format(diag, e);
                (void) fprintf(cli->err, "%s\n", strempty(line));
        }
        if (result >= 0)
                cli_print_extra(cli, "%s: valid\n", path);
        else if (diag->n_errors == 0)
                (void) fprintf(cli->err, "%s: error: %s\n", path, strerror(-result));
}

/* What cannot be read is an answer as well for a program that asked for JSON. */
static int unread(Cli *cli, const Command *c, const char *word, int result, const Diag *diag) {
        if (!command_has(c, "json"))
                return cli_error(cli, "%s", strempty(diag_first_error(diag)));
        print_verdict_json(cli, word, result, diag);
        return -1;
}

static int verb_verify(Cli *cli, const Command *c) {
        PlanningFlags flags = PLANNING_STRICT | (command_has(c, "host") ? PLANNING_HOST : PLANNING_GENERIC) |
                              (command_has(c, "schema") ? PLANNING_SCHEMA : 0);
        _cleanup_(source_done) Source s = {};
        _cleanup_diag_ Diag diag = {};
        const char *word;

        if (command_get_nonempty(cli, c, "file", &word) < 0)
                return -1;
        int r = read_source(word, &diag, &s);
        if (r < 0)
                return unread(cli, c, word, r, &diag);
        (void) diag_init(&diag, s.path);
        r = definition_verify(cli->manager, s.text, s.size, s.path, flags, &diag);
        int k = s.found ? definition_check_owner(s.path, &diag) : 0;
        r = r < 0 ? r : k;
        (command_has(c, "json") ? print_verdict_json : print_verdict)(cli, s.path, r, &diag);
        return r < 0 ? -1 : 0;
}

/* --- plan --- */

static void print_properties(Cli *cli, const UnitProperties *p) {
        const char *section = "";

        FOREACH_ARRAY(i, p->items, p->n_items) {
                if (!streq(section, i->section)) {
                        section = i->section;
                        cli_print(cli, "  [%s]\n", section);
                }
                STRV_FOREACH(v, i->values)
                        cli_print(cli, "  %s=%s\n", i->name, *v);
        }
}

static void print_fd(Cli *cli, const PlanFd *fd) {
        cli_print(cli, "  %-20s %-10s", fd->name, strempty(plan_fd_kind_to_string(fd->kind)));
        if (fd->path)
                cli_print(cli, " %s%s", fd->path, fd->writable ? "" : " (read-only)");
        if (fd->kind == PLAN_FD_TAP)
                cli_print(cli, " %s%s%s", fd->ifname ?: "vnetN", fd->bridge ? " in " : "",
                          strempty(fd->bridge));
        else if (fd->kind == PLAN_FD_MACVTAP)
                cli_print(cli, " %s on %s (%s)", fd->ifname ?: "macvtapN", fd->device, direct_mode_to_string(fd->mode));
        if (fd->host || fd->service)
                cli_print(cli, " %s:%s", strempty(fd->host), strempty(fd->service));
        if (fd->credential)
                cli_print(cli, " %s", fd->credential);
        if (fd->label)
                cli_print(cli, "  as %s", fd->label);
        if (fd->element)
                cli_print(cli, "  # %s", fd->element);
        cli_print(cli, "\n");
}

static void print_threads(Cli *cli, const Plan *p) {
        if (p->n_threads + p->n_plugged_vcpus > 0)
                cli_print(cli, "\nThreads:\n");
        FOREACH_ARRAY(s, p->threads, p->n_threads) {
                _cleanup_free_ char *line = thread_setting_format(s);
                cli_print(cli, "  %s\n", strempty(line));
        }
        for (size_t i = 0; i < p->n_plugged_vcpus; i++)
                cli_print(cli, "  vcpu%u is plugged in\n", p->plugged_vcpus[i]);
}

static void print_helper(Cli *cli, const PlanHelper *h) {
        static const char *const when[] = {
                [HELPER_RUNS] = "Beside QEMU",
                [HELPER_FILLS] = "Before QEMU, the first time",
                [HELPER_CHANGES] = "Before QEMU",
        };

        cli_print(cli, "\n%s:  # %s\n", when[h->when], h->element);
        STRV_FOREACH(a, h->argv)
                cli_print(cli, "  %s%s\n", **a == '-' || a == h->argv ? "" : "  ", *a);
}

static void print_plan(Cli *cli, const Plan *p) {
        cli_print(cli, "Name:    %s\nUUID:    %s\nUnit:    %s\nUser:    %s\nMachine: %s\n", p->name, p->uuid,
                  p->unit, p->user ?: "your own", p->machine);
        if (p->label)
                cli_print(cli, "Label:   %s\n", p->label);
        if (p->profile)
                cli_print(cli, "Profile: %s\n", p->profile);
        cli_print(cli, "\nUnit properties:\n");
        print_properties(cli, &p->properties);
        print_threads(cli, p);
        cli_print(cli, "\nOpened by the prepare step:\n");
        FOREACH_ARRAY(fd, p->fds, p->n_fds)
                print_fd(cli, fd);
        FOREACH_ARRAY(h, p->helpers, p->n_helpers)
                print_helper(cli, h);
        cli_print(cli, "\nEnvironment:\n");
        STRV_FOREACH(e, p->env)
                cli_print(cli, "  %s\n", *e);
        cli_print(cli, "\nCommand:\n");
        STRV_FOREACH(a, p->argv)
                cli_print(cli, "  %s%s\n", **a == '-' || a == p->argv ? "" : "  ", *a);
}

static int make_plan(Cli *cli, const Command *c, const Source *s, Plan **ret) {
        _cleanup_diag_ Diag diag = {};

        (void) diag_init(&diag, s->path);
        int r = definition_plan(cli->manager, s->text, s->size, s->path, PLANNING_HOST, &diag, ret);
        if (r < 0 && command_has(c, "json")) {
                print_verdict_json(cli, s->path, r, &diag);
                return r;
        }
        cli_warnings(cli, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Failed to plan domain from %s", s->path) : 0;
}

static int verb_plan(Cli *cli, const Command *c) {
        _cleanup_(plan_freep) Plan *p = NULL;
        _cleanup_(source_done) Source s = {};
        _cleanup_free_ char *json = NULL;
        _cleanup_diag_ Diag diag = {};
        const char *word;

        if (command_get_nonempty(cli, c, "file", &word) < 0)
                return -1;
        int r = read_source(word, &diag, &s);
        if (r < 0)
                return unread(cli, c, word, r, &diag);
        if (make_plan(cli, c, &s, &p) < 0)
                return -1;
        if (!command_has(c, "json")) {
                print_plan(cli, p);
                return 0;
        }
        r = plan_to_json(p, &json);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        cli_print(cli, "%s%s", json, endswith(json, "\n") ? "" : "\n");
        return 0;
}

static int verb_native(Cli *cli, const Command *c) {
        _cleanup_(source_done) Source s = {};
        _cleanup_free_ char *line = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *format, *xml;

        if (command_get_nonempty(cli, c, "format", &format) < 0 ||
            command_get_nonempty(cli, c, "xml", &xml) < 0)
                return -1;
        bool by_domain = command_has(c, "domain");
        if (by_domain && xml)
                return cli_error(cli, "Options --domain and --xml are mutually exclusive");
        if (!by_domain && !xml)
                return cli_error(cli, "need either domain or domain XML");
        if (!streq(format, "qemu-argv"))
                return cli_error(cli, "invalid argument: unsupported config type %s", format);

        if (by_domain) {
                if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 )
                        return -1;
                if (read_named(vm.name, &diag, &s) < 0)
                        return cli_error(cli, "%s", strempty(diag_first_error(&diag)));
        } else {
                s.path = strdup(xml);
                if (!s.path || cli_read_file(cli, xml, &s.text, &s.size) < 0)
                        return -1;
        }
        (void) diag_init(&diag, s.path);
        int r = definition_to_shell(cli->manager, s.text, s.size, PLANNING_HOST, &diag, &line);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to convert domain XML of %s", s.path);
        cli_print(cli, "%s\n", line);
        return 0;
}

/* --- qemu-monitor-command --- */

static int build_hmp(const char *line, char **ret) {
        json_object *arguments = json_strings("command-line", line, NULL);

        *ret = arguments ? json_command("human-monitor-command", arguments) : NULL;
        return *ret ? 0 : -ENOMEM;
}

/* What is no JSON object is the command's name, and what follows are its arguments: '"path":"/"' '"property":"type"', or all of
 * them as one object. */
static int build_qmp(char *const *words, char **ret) {
        _cleanup_free_ char *line = strv_join(words, " "), *rest = strv_join(words + 1, ",");
        json_object *o = line ? json_parse(line, QMP_DEPTH_MAX) : NULL;
        bool whole = json_object_is_type(o, json_type_object);

        json_object_put(o);
        if (!line || !rest)
                return -ENOMEM;
        if (whole) {
                *ret = TAKE_PTR(line);
                return 0;
        }
        _cleanup_free_ char *text = *rest == '{' ? strdup(rest) : strf("{%s}", rest);
        json_object *arguments = text ? json_parse(text, QMP_DEPTH_MAX) : NULL;
        if (!arguments)
                return text ? -EINVAL : -ENOMEM;
        *ret = json_command(words[0], arguments);
        return *ret ? 0 : -ENOMEM;
}

/* The reply is the "return" value; virsh shows it in its object unless --return-value says otherwise. Only a whole answer has an
 * end of line of its own. */
static void print_reply(Cli *cli, const char *reply, bool hmp, bool pretty, bool bare) {
        json_object *o = json_tokener_parse(reply);

        if (hmp && o && json_object_is_type(o, json_type_string)) {
                cli_print(cli, "%s\n", json_object_get_string(o));
                json_object_put(o);
                return;
        }
        if (!bare) {
                json_object *outer = json_object_new_object();
                json_object_object_add(outer, "return", o);
                o = outer;
        }
        cli_print_json(cli, o, pretty, bare || pretty ? "" : "\n");
        json_object_put(o);
}

static int verb_monitor_command(Cli *cli, const Command *c) {
        _cleanup_free_ char *line = NULL, *command = NULL, *reply = NULL;
        bool hmp = command_has(c, "hmp");
        _cleanup_strv_ char **words = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        int r = 0;

        if (command_exclusive(cli, c, "hmp", "pretty") < 0 || command_exclusive(cli, c, "hmp", "return-value") < 0 ||
            cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        for (size_t i = 0; i < c->n_rest && r >= 0; i++)
                r = strv_extend(&words, c->rest[i]);
        line = r >= 0 ? strv_join(words, " ") : NULL;
        if (!line)
                return cli_error(cli, "out of memory");
        r = hmp ? build_hmp(line, &command) : build_qmp(words, &command);
        if (r == -EINVAL)
                return cli_error(cli, "failed to wrap arguments '%s' into a QMP command wrapper", line + strlen(words[0]) + 1);
        if (r >= 0)
                r = vm_qmp_by_hand(cli->manager, &vm, command, &diag, &reply);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        print_reply(cli, reply, hmp, command_has(c, "pretty"), command_has(c, "return-value"));
        return 0;
}

#define OPTION_DEFINITION \
        { .name = "file", .type = OPTION_DATA, .required = true, .hint = HINT_DOMAIN_OR_FILE, \
          .help = "file containing an XML domain description, or domain name" }

static const Option verify_options[] = {
        OPTION_DEFINITION,
        OPTION_FLAG("host", "also look at this machine: emulator, files, bridges, KVM"),
        OPTION_FLAG("schema", "also hold the file against the RELAX NG schema"),
        OPTION_FLAG("json", "print the result as JSON"),
        OPTIONS_END,
};
static const Option plan_options[] = {
        OPTION_DEFINITION,
        OPTION_FLAG("json", "print the plan as JSON"),
        OPTIONS_END,
};
static const Option native_options[] = {
        { .name = "format", .type = OPTION_DATA, .required = true, .words = "qemu-argv",
          .help = "target config data type format" },
        { .name = "domain", .type = OPTION_STRING, .named = true, .hint = HINT_DOMAIN,
          .help = "domain name, id or uuid" },
        { .name = "xml", .type = OPTION_STRING, .hint = HINT_FILE, .help = "xml data file to export from" },
        OPTIONS_END,
};
static const Option monitor_command_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_FLAG("hmp", "command is in human monitor protocol"),
        OPTION_FLAG("pretty", "pretty-print any qemu monitor protocol output"),
        OPTION_FLAG("return-value", "extract the value of the 'return' key from the returned string"),
        { .name = "cmd", .type = OPTION_ARGV, .required = true, .help = "command" },
        OPTIONS_END,
};

static const Verb plan_verbs[] = {
        { "verify", GROUP_DOMAIN, verb_verify, verify_options, "check a domain definition",
          "Check a definition as a start would, with every problem at its place in the file.\n"
          "Nothing is executed and nothing is changed; with --host this machine is looked at.",
          .plain = true },
        { "plan", GROUP_DOMAIN, verb_plan, plan_options, "show what would run for a domain definition",
          "Show the unit's properties, what is opened, and the command line of QEMU.", .plain = true },
        { "domxml-to-native", GROUP_DOMAIN, verb_native, native_options,
          "Convert domain XML to native config",
          "Convert domain XML config to a native guest configuration format." },
        { "qemu-monitor-command", GROUP_DOMAIN, verb_monitor_command, monitor_command_options,
          "QEMU Monitor Command",
          "QEMU Monitor Command", .changes = true },
};
DEFINE_VERB_TABLE(plan);
