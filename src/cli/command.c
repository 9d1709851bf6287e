/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>

#include "parse-util.h"
#include "string-util.h"
#include "verbs.h"

static bool takes_value(const Option *o) {
        return o->type != OPTION_BOOL;
}

static const char *type_word(const Option *o) {
        return o->type == OPTION_INT ? "number" : "string";
}

static int option_index(const Verb *v, const char *name, size_t n) {
        int i = 0;

        FOREACH_OPTION(o, v) {
                if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
                        return i;
                i++;
        }
        return -ENOENT;
}

/* The option that takes the next word without a name in front: the first one without a value, as in virsh. */
static int next_positional(const Command *c) {
        int i = 0;

        FOREACH_OPTION(o, c->verb) {
                if (takes_value(o) && !o->named && (!c->values[i] || o->type == OPTION_ARGV))
                        return i;
                i++;
        }
        return -ENOENT;
}

static int set_value(Cli *cli, Command *c, int i, char *value) {
        const Option *o = &c->verb->options[i];
        int number;

        if (o->type == OPTION_INT && parse_int(value, &number) < 0) {
                cli_error(cli, "Numeric value '%s' for <%s> option is malformed or out of range", value,
                          o->name);
                return -EINVAL;
        }
        if (o->type == OPTION_ARGV) {
                if (!ARRAY_GROW(c->rest, c->n_rest))
                        return -ENOMEM;
                c->rest[c->n_rest++] = value;
        }
        c->values[i] = value;
        return 0;
}

/* WORD begins with "--"; *argv stands on it and is moved when its value is the word behind. */
static int parse_option(Cli *cli, Command *c, char *const **argv) {
        const char *name = **argv + 2, *equals = strchr(name, '=');
        size_t n = equals ? (size_t) (equals - name) : strlen(name);
        int i = option_index(c->verb, name, n);

        if (i < 0) {
                cli_error(cli, "command '%s' doesn't support option --%.*s", c->verb->name, (int) n, name);
                return -EINVAL;
        }
        const Option *o = &c->verb->options[i];
        if (c->values[i] && o->type != OPTION_ARGV) {
                cli_error(cli, "option --%s already seen", o->name);
                return -EINVAL;
        }
        if (!takes_value(o)) {
                if (equals) {
                        cli_error(cli, "invalid '=' after option --%s", o->name);
                        return -EINVAL;
                }
                c->values[i] = "";
                return 0;
        }
        if (equals)
                return set_value(cli, c, i, (char *) equals + 1);
        if (!(*argv)[1]) {
                cli_error(cli, "expected syntax: --%s <%s>", o->name, type_word(o));
                return -EINVAL;
        }
        (*argv)++;
        return set_value(cli, c, i, **argv);
}

static int parse_words(Cli *cli, Command *c, char *const *argv) {
        bool data_only = false;
        int r;

        for (; *argv; argv++) {
                if (!data_only && streq(*argv, "--")) {
                        data_only = true;
                        continue;
                }
                if (!data_only && streq(*argv, "--help")) {
                        c->help = true;
                        return 0;
                }
                if (!data_only && startswith(*argv, "--")) {
                        r = parse_option(cli, c, &argv);
                        if (r < 0)
                                return r;
                        continue;
                }
                int i = next_positional(c);
                if (i < 0) {
                        cli_error(cli, "unexpected data '%s'", *argv);
                        return -EINVAL;
                }
                r = set_value(cli, c, i, *argv);
                if (r < 0)
                        return r;
        }
        return 0;
}

int command_parse(Cli *cli, char *const *argv, Command *ret) {
        _cleanup_command_ Command c = {};
        int r;

        c.verb = verb_find(argv[0]);
        if (!c.verb) {
                cli_error(cli, "unknown command: '%s'", argv[0]);
                return -EINVAL;
        }
        if (!c.verb->run) {
                cli_error(cli, "not yet supported: %s", c.verb->name);
                return -EOPNOTSUPP;
        }
        r = parse_words(cli, &c, argv + 1);
        if (r < 0)
                return r;

        size_t i = 0;
        FOREACH_OPTION(o, c.verb) {
                if (o->required && !c.values[i] && !c.help) {
                        cli_error(cli, o->type == OPTION_DATA ? "command '%s' requires <%s> option" :
                                                                "command '%s' requires --%s option",
                                  c.verb->name, o->name);
                        return -EINVAL;
                }
                i++;
        }
        *ret = c;
        c = (Command) {};
        return 0;
}

void command_done(Command *c) {
        free(c->rest);
        *c = (Command) {};
}

const char *command_get(const Command *c, const char *option) {
        int i = option_index(c->verb, option, strlen(option));

        assert(i >= 0);
        return c->values[i];
}

bool command_has(const Command *c, const char *option) {
        return command_get(c, option) != NULL;
}

int command_get_nonempty(Cli *cli, const Command *c, const char *option, const char **ret) {
        const char *value = command_get(c, option);

        if (value && !*value) {
                cli_error(cli, "Failed to get option '%s': Option argument is empty", option);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}
