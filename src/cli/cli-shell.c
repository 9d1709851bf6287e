/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pwd.h>
#include <unistd.h>

#include "string-util.h"
#include "text.h"
#include "verbs.h"

/* cd, connect, echo, exit, pwd, quit: what is about the program itself */

static const char *home_directory(void) {
        const char *home = getenv("HOME");
        struct passwd *p = isempty(home) ? getpwuid(geteuid()) : NULL;

        return !isempty(home) ? home : p && !isempty(p->pw_dir) ? p->pw_dir : "/";
}

static int verb_cd(Cli *cli, const Command *c) {
        const char *dir = command_get(c, "dir");

        if (!cli->interactive)
                return cli_error(cli, "cd: command valid only in interactive mode");
        if (isempty(dir))
                dir = home_directory();
        return chdir(dir) < 0 ? cli_error(cli, "cd: %s: %s", strerror(errno), dir) : 0;
}

static int verb_pwd(Cli *cli, const Command *c) {
        _cleanup_free_ char *dir = getcwd(NULL, 0);

        if (!dir)
                return cli_error(cli, "pwd: cannot get current directory: %s", strerror(errno));
        cli_print(cli, "%s\n", dir);
        return 0;
}

static void append_xml(Text *t, const char *s) {
        static const struct {
                char c;
                const char *entity;
        } entities[] = { { '<', "&lt;" }, { '>', "&gt;" }, { '&', "&amp;" }, { '"', "&quot;" }, { '\'', "&apos;" } };

        for (; *s; s++) {
                const char *entity = NULL;
                for (size_t i = 0; i < ELEMENTSOF(entities); i++)
                        if (entities[i].c == *s)
                                entity = entities[i].entity;
                if (entity)
                        text_append(t, entity);
                else
                        text_append_char(t, *s);
        }
}

/* "a,b": each on a line; ",," is a comma. */
static void append_split(Text *t, const char *s) {
        for (; *s; s++)
                if (*s != ',')
                        text_append_char(t, *s);
                else if (s[1] == ',')
                        text_append_char(t, *s++);
                else
                        text_append_char(t, '\n');
        text_append_char(t, '\n');
}

static int verb_echo(Cli *cli, const Command *c) {
        bool xml = command_has(c, "xml"), shell = command_has(c, "shell"), split = command_has(c, "split");
        _cleanup_free_ char *text = NULL;
        _cleanup_text_ Text t = {};

        if (command_exclusive(cli, c, "shell", "xml") < 0 || command_exclusive(cli, c, "shell", "split") < 0 ||
            command_exclusive(cli, c, "xml", "split") < 0)
                return -1;
        FOREACH_ARRAY(word, c->rest, c->n_rest) {
                if (word != c->rest)
                        text_append_char(&t, ' ');
                if (shell)
                        text_append_shell(&t, *word);
                else if (xml)
                        append_xml(&t, *word);
                else if (split)
                        append_split(&t, *word);
                else
                        text_append(&t, *word);
        }
        if (text_finish(&t, &text) < 0)
                return cli_error(cli, "out of memory");
        if (command_has(c, "err")) {
                if (c->n_rest > 0)
                        cli_error(cli, "%s", text);
                return 0;
        }
        cli_print(cli, "%s", text);
        return 0;
}

static int verb_quit(Cli *cli, const Command *c) {
        cli->interactive = false;
        return 0;
}

static int verb_connect(Cli *cli, const Command *c) {
        const char *name;

        if (command_get_nonempty(cli, c, "name", &name) < 0)
                return -1;
        if (cli_connect(cli, name ?: cli->connection.uri) < 0)
                return -1;
        cli->readonly = command_has(c, "readonly") || (!name && cli->readonly);
        return 0;
}

static const Option cd_options[] = {
        { .name = "dir", .type = OPTION_STRING, .hint = HINT_FILE, .help = "directory to switch to (default: home or else root)" },
        OPTIONS_END,
};
static const Option echo_options[] = {
        OPTION_FLAG("shell", "escape for shell use"),
        OPTION_FLAG("xml", "escape for XML use"),
        OPTION_FLAG("split", "split each argument on ','; ',,' is an escape sequence"),
        OPTION_FLAG("err", "output to stderr"),
        { .name = "string", .type = OPTION_ARGV, .former = "str", .help = "arguments to echo" },
        OPTIONS_END,
};
static const Option connect_options[] = {
        { .name = "name", .type = OPTION_STRING, .help = "hypervisor connection URI" },
        OPTION_FLAG("readonly", "read-only connection"),
        OPTIONS_END,
};

static const Verb shell_verbs[] = {
        { "cd", GROUP_VIRSH, verb_cd, cd_options, "change the current directory", "Change the current directory.", .local = true },
        { "echo", GROUP_VIRSH, verb_echo, echo_options, "echo arguments. Used for internal testing.",
          "Echo back arguments, possibly with quoting. Used for internal testing.", .local = true },
        { "exit", GROUP_VIRSH, verb_quit, NULL, "quit this interactive terminal", NULL, .local = true },
        { "pwd", GROUP_VIRSH, verb_pwd, NULL, "print the current directory", "Print the current directory.", .local = true },
        { "quit", GROUP_VIRSH, verb_quit, NULL, "quit this interactive terminal", NULL, .local = true },
        { "connect", GROUP_VIRSH, verb_connect, connect_options, "(re)connect to hypervisor",
          "Connect to local hypervisor. This is built-in command after shell start up.", .local = true },
};
DEFINE_VERB_TABLE(shell);
