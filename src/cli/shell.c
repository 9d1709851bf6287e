/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <unistd.h>

#include "command-split.h"
#include "line-editor.h"
#include "pager.h"
#include "remote.h"
#include "report.h"
#include "shell.h"
#include "string-util.h"
#include "strv.h"
#include "time-util.h"
#include "verbs.h"

/* --- commands --- */

static bool is_quit(const Command *c) {
        return !c->help && (streq(c->verb->name, "quit") || streq(c->verb->name, "exit"));
}

static int run_for_json(Cli *cli, const Command *c) {
        _cleanup_report_ Report report = {};

        if (report_init(&report, *c->verb->json == '[') < 0)
                return cli_error(cli, "out of memory");
        cli->report = &report;
        int r = c->verb->run(cli, c);
        cli->report = NULL;
        report_print(cli, &report, r < 0);
        return r;
}

/* What stands in front of the verb is said again where it means something there. */
static int run_remote(Cli *cli, const Command *c) {
        if (verb_option(c->verb, "autodestroy", strlen("autodestroy")) && command_has(c, "autodestroy") && !command_has(c, "console"))
                return cli_error(cli, "--autodestroy on another host needs --console: vmunit there ends with this command, and the domain with it");
        _cleanup_free_ char *escape = strf("^%c", cli->escape ^ 0x40), *plain = strf("%c", cli->escape);
        bool control = (unsigned char) cli->escape < 0x20, terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        _cleanup_strv_ char **options = NULL;
        _cleanup_diag_ Diag diag = {};

        int r = escape && plain ? 0 : -ENOMEM;
        if (r >= 0 && cli->quiet)
                r = strv_extend(&options, "-q");
        if (r >= 0 && cli->readonly)
                r = strv_extend(&options, "-r");
        if (r >= 0 && (cli->interactive || cli->no_pager))
                r = strv_extend(&options, "--no-pager");
        if (r >= 0 && cli->escape != CLI_ESCAPE_DEFAULT)
                r = strv_extend(&options, "-e");
        if (r >= 0 && cli->escape != CLI_ESCAPE_DEFAULT)
                r = strv_extend(&options, control ? escape : plain);
        (void) fflush(cli->out);
        if (r >= 0)
                r = remote_run(&cli->connection, &(RemoteCall) {
                        .options = options, .words = c->words, .terminal = terminal, .no_input = cli->interactive && !terminal,
                }, &diag);
        if (r < 0 || r == 255)
                return cli_error_diag(cli, r < 0 ? r : -ENOTCONN, &diag, "failed to connect to the hypervisor");
        return r == 0 ? 0 : -1;
}

static bool is_remote(const Cli *cli, const Command *c) {
        return cli->connection.host && !c->help && !c->verb->local;
}

static bool word_is_in(const char *list, const char *word) {
        for (size_t n = strlen(word); *list; list += *list == '|') {
                size_t size = strcspn(list, "|");
                if (size == n && memcmp(list, word, n) == 0)
                        return true;
                list += size;
        }
        return false;
}

/* The option of C for which --readonly refuses it, NULL for none. */
static const Option *guarded_option(const Command *c) {
        size_t i = 0;

        FOREACH_OPTION(o, c->verb) {
                const char *value = c->values[i++];
                if ((value || (o->type == OPTION_ARGV && c->n_rest > 0)) && c->verb->guarded && word_is_in(c->verb->guarded, o->name))
                        return o;
        }
        return NULL;
}

static int check_readonly(Cli *cli, const Command *c) {
        const Option *o = guarded_option(c);

        if (c->verb->changes || (o && o->type == OPTION_ARGV))
                return cli_error(cli, "operation %s forbidden for read only access", c->verb->name);
        return o ? cli_error(cli, "operation %s --%s forbidden for read only access", c->verb->name, o->name) : 0;
}

/* Before it: whose machines are meant also decides whether there is a pager. */
static int prepare_verb(Cli *cli, const Command *c) {
        if (c->help)
                return 0;
        if (cli->readonly && check_readonly(cli, c) < 0)
                return -1;
        return c->verb->local ? 0 : cli_connect_first(cli);
}

static int run_verb(Cli *cli, const Command *c) {
        if (c->help)
                return help_print_topic(cli, c->verb->name);
        if (is_remote(cli, c))
                return run_remote(cli, c);
        return c->json ? run_for_json(cli, c) : c->verb->run(cli, c);
}

/* Not in the shell, where a pager would take what was typed for the next command. */
static bool wants_pager(const Cli *cli, const Command *c) {
        return c->verb->pager && !c->help && !c->json && !cli->no_pager && !cli->interactive && !is_remote(cli, c);
}

/* virsh ends what a verb printed, also if it was nothing, with an empty line. */
static void end_output(Cli *cli, const Command *c, uint64_t begin) {
        if (cli->timing)
                cli_print(cli, "\n(Time: %.3f ms)\n\n", (double) (now_usec() - begin) / 1e3);
        else if (!c->verb->plain && !c->json && !is_remote(cli, c)) /* which ends it itself */
                cli_print_extra(cli, "\n");
}

static int run_command(Cli *cli, const Command *c) {
        uint64_t begin = now_usec();
        Pager pager = {};

        cli->exit_status = 0;
        cli->colours = !c->json && cli_wants_colours(cli);
        int r = prepare_verb(cli, c);
        if (r >= 0 && wants_pager(cli, c))
                pager_open(cli, &pager);
        if (r >= 0)
                r = run_verb(cli, c);
        if (is_quit(c))
                return r;
        end_output(cli, c, begin);
        pager_close(cli, &pager);
        if (fflush(cli->out) != 0)
                return cli_error(cli, "cannot write the output: %m");
        return r < 0 ? -1 : 0;
}

int shell_run_words(Cli *cli, char *const *words) {
        _cleanup_command_ Command c = {};

        return command_parse(cli, words, &c) < 0 ? -1 : run_command(cli, &c);
}

typedef struct CommandList {
        Command *items; /* owned */
        size_t n_items;
} CommandList;

static void command_list_done(CommandList *l) {
        FOREACH_ARRAY(c, l->items, l->n_items)
                command_done(c);
        free(l->items);
}

/* The command that the line's end is wrong in: what is in front of the wrong word may be wrong as well. */
static int parse_begun(Cli *cli, SplitCommand *s, Command *ret) {
        size_t n = strv_length(s->words);

        s->words[n - 1] = mfree(s->words[n - 1]);
        return n > 1 ? command_parse_cut(cli, s->words, ret) : 0;
}

/* All commands of a line, in their order, as far as none is wrong. */
static int parse_line(Cli *cli, SplitLine *line, CommandList *l) {
        l->items = calloc(line->n_commands + 1, sizeof(Command));
        if (!l->items)
                return cli_error(cli, "out of memory");
        FOREACH_ARRAY(s, line->commands, line->n_commands) {
                bool begun = line->error && s + 1 == line->commands + line->n_commands;
                Command *c = &l->items[l->n_items];
                if ((begun ? parse_begun(cli, s, c) : command_parse(cli, s->words, c)) < 0)
                        return -1;
                l->n_items++;
        }
        return line->error ? cli_error(cli, "%s", line->error) : 0;
}

int shell_run_line(Cli *cli, const char *text) {
        _cleanup_(command_list_done) CommandList l = {};
        _cleanup_split_line_ SplitLine line = {};
        int r = command_split(text, &line);

        if (r < 0 && r != -EINVAL)
                return cli_error(cli, "%s", r == -E2BIG ? "too many words" : "out of memory");
        if (parse_line(cli, &line, &l) < 0)
                return -1;
        r = 0;
        FOREACH_ARRAY(c, l.items, l.n_items) {
                r = run_command(cli, c);
                if (is_quit(c))
                        break;
        }
        return r;
}

/* --- lines --- */

/* From a file or a pipe. As virsh, whose library echoes what it reads. */
static char *read_plain(Cli *cli, const char *prompt, bool echo) {
        char *line = NULL;
        size_t size = 0;

        (void) fputs(prompt, cli->out);
        (void) fflush(cli->out);
        ssize_t n = getline(&line, &size, cli->in);
        if (n < 0)
                return mfree(line);
        if (n > 0 && line[n - 1] == '\n')
                line[n - 1] = 0;
        if (echo)
                cli_print(cli, "%s\n", line);
        return line;
}

static char *history_path(void) {
        const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

        return !isempty(cache) && *cache == '/' ? strf("%s/vmunit/history", cache) :
               !isempty(home)                   ? strf("%s/.cache/vmunit/history", home) : NULL;
}

static char **complete(void *userdata, const char *line, size_t *ret_start) {
        return shell_complete(userdata, line, ret_start);
}

void shell_run(Cli *cli) {
        bool terminal = isatty(fileno(cli->in)) > 0 && isatty(fileno(cli->out)) > 0;
        _cleanup_free_ char *history = terminal ? history_path() : NULL;
        bool editing = terminal && line_editor_begin(cli->program, history, complete, cli);

        cli->interactive = true;
        cli_print_extra(cli, "Welcome to %s, the virtualization interactive terminal.\n\n"
                             "Type:  'help' for help with commands\n"
                             "       'quit' to quit\n\n", cli->program);
        while (cli->interactive) {
                _cleanup_free_ char *prompt = strf("%s %c ", cli->program, cli->readonly ? '>' : '#'), *line = NULL;

                (void) fflush(cli->out);
                if (prompt)
                        line = editing ? line_editor_read(prompt) : read_plain(cli, prompt, !terminal);
                if (!line)
                        break;
                (void) shell_run_line(cli, line);
        }
        cli_print(cli, "\n");
        if (editing)
                line_editor_end();
        cli->interactive = false;
}
