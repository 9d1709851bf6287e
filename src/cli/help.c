/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-util.h"
#include "strv.h"
#include "text.h"
#include "verbs.h"

static const char *type_word(const Option *o) {
        return o->type == OPTION_INT ? "number" : "string";
}

/* BEHIND_DATA: virsh offers the name of a list only then. */
static void synopsis_option(Text *t, const Option *o, bool behind_data) {
        switch (o->type) {
        case OPTION_BOOL:
                text_appendf(t, " [--%s]", o->name);
                break;
        case OPTION_INT:
                text_appendf(t, o->required ? " <%s>" : " [--%s <number>]", o->name);
                break;
        case OPTION_STRING:
                text_appendf(t, o->required ? " --%s <%s>" : " [--%s <%s>]", o->name, type_word(o));
                break;
        case OPTION_DATA:
                text_appendf(t, o->required ? " <%s>" : " [<%s>]", o->name);
                break;
        case OPTION_ARGV:
                if (o->named)
                        text_appendf(t, " [--%s <string>]...", o->name);
                else if (!behind_data)
                        text_appendf(t, o->required ? " <%s>..." : " [<%s>]...", o->name);
                else
                        text_appendf(t, o->required ? " {[--%s] <string>}..." : " [[--%s] <string>]...", o->name);
                break;
        }
}

static void print_option(Cli *cli, const Option *o, bool behind_data) {
        bool bare = o->type == OPTION_DATA || (o->type == OPTION_ARGV && !o->named) || (o->type == OPTION_INT && o->required);
        _cleanup_free_ char *s = o->letter && o->type == OPTION_BOOL ? strf("-%c | --%s", o->letter, o->name) :
                                 o->letter ? strf("-%c | --%s <%s>", o->letter, o->name, type_word(o)) :
                                 o->type == OPTION_BOOL ? strf("--%s", o->name) :
                                 o->type == OPTION_ARGV && !behind_data && !o->named ? strf("<%s>", o->name) :
                                 bare ? strf("[--%s] <%s>", o->name, type_word(o)) :
                                        strf("--%s <%s>", o->name, type_word(o));

        cli_print(cli, "    %-15s  %s\n", strempty(s), o->help);
}

static void print_lines(Cli *cli, const char *text) {
        _cleanup_strv_ char **lines = NULL;

        if (strv_split_lines(text, &lines) < 0)
                return;
        STRV_FOREACH(l, lines)
                cli_print(cli, "%s%s\n", **l ? "    " : "", *l);
}

static bool is_behind_data(const Verb *v, const Option *option) {
        FOREACH_OPTION(o, v)
                if (o == option)
                        return false;
                else if (o->type == OPTION_DATA)
                        return true;
        return false;
}

static void print_verb(Cli *cli, const Verb *v) {
        _cleanup_text_ Text t = {};
        _cleanup_free_ char *synopsis = NULL;

        text_append(&t, v->name);
        FOREACH_OPTION(o, v)
                synopsis_option(&t, o, is_behind_data(v, o));
        if (text_finish(&t, &synopsis) < 0)
                return;

        cli_print(cli, "  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s\n", v->name, v->summary, synopsis);
        if (v->description) {
                cli_print(cli, "\n  DESCRIPTION\n");
                print_lines(cli, v->description);
        }
        if (v->options && v->options->name) {
                cli_print(cli, "\n  OPTIONS\n");
                FOREACH_OPTION(o, v)
                        print_option(cli, o, is_behind_data(v, o));
        }
        cli_print(cli, "\n");
}

/* What virsh has and vmunit has not is listed, too: so that nobody looks for it under another name. */
static void print_summary(Cli *cli, const Verb *v) {
        if (v->run)
                cli_print(cli, "    %-30s %s\n", v->name, v->summary);
        else
                cli_print(cli, "    %-30s %s%s\n", v->name, v->description ? "not supported: " : "not yet supported", strempty(v->description));
}

/* COLON: `help` ends the title with one, `--help` does not. 1 if there was anything to print, else 0. */
static int print_group(Cli *cli, VerbGroup g, const char *colon) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(g, true);

        if (!verbs)
                return -ENOMEM;
        if (!*verbs)
                return 0;
        cli_print(cli, " %s (help keyword '%s')%s\n", verb_groups[g].title, verb_groups[g].keyword, colon);
        for (const Verb **v = verbs; *v; v++)
                print_summary(cli, *v);
        return 1;
}

static int print_groups(Cli *cli, const char *colon) {
        for (VerbGroup g = 0; g < _GROUP_MAX; g++) {
                int r = print_group(cli, g, colon);
                if (r < 0)
                        return r;
                if (r > 0)
                        cli_print(cli, "\n");
        }
        return 0;
}

int help_print_topic(Cli *cli, const char *topic) {
        const Verb *v = verb_find(topic);

        if (v && v->run) {
                print_verb(cli, v);
                return 0;
        }
        if (v) {
                command_missing(cli, v);
                return -EOPNOTSUPP;
        }
        for (VerbGroup g = 0; g < _GROUP_MAX; g++)
                if (streq(verb_groups[g].keyword, topic))
                        return print_group(cli, g, ":");
        return -ENOENT;
}

int help_print_all(Cli *cli) {
        cli_print(cli, "Grouped commands:\n\n");
        return print_groups(cli, ":");
}

int help_print_usage(Cli *cli) {
        cli_print(cli,
                  "\n%1$s [options]... [<command_string>]\n%1$s [options]... <command> [args...]\n\n"
                  "  options:\n"
                  "    -c | --connect=URI      hypervisor connection URI\n"
                  "    -e | --escape <char>    set escape sequence for console\n"
                  "    -h | --help             this help\n"
                  "    -H | --host=HOST        the machines of another host, by ssh\n"
                  "         --json             behind a verb that answers something: answer as JSON\n"
                  "    -l | --log=FILE         append errors to a file, too\n"
                  "         --no-pager         print long texts at once, on a terminal, too\n"
                  "    -q | --quiet            quiet mode\n"
                  "    -r | --readonly         refuse what would change anything\n"
                  "    -t | --timing           print timing information\n"
                  "    -v                      short version\n"
                  "    -V                      long version\n"
                  "         --version[=TYPE]   version, TYPE is short or long (default short)\n"
                  "  commands:\n\n",
                  cli->program);
        int r = print_groups(cli, "");
        if (r < 0)
                return r;
        cli_print(cli, "\n  (specify help <group> for details about the commands in the group)\n"
                       "\n  (specify help <command> for details about the command)\n\n");
        return 0;
}
