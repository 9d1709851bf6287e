/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>

#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

static bool takes_value(const Option *o) {
        return o->type != OPTION_BOOL;
}

static const char *type_word(const Option *o) {
        return o->type == OPTION_INT ? "number" : "string";
}

static bool is_word(const char *word, const char *s, size_t n) {
        return word && strlen(word) == n && memcmp(word, s, n) == 0;
}

static int option_index(const Verb *v, const char *name, size_t n) {
        int i = 0;

        FOREACH_OPTION(o, v) {
                if (is_word(o->name, name, n) || is_word(o->former, name, n))
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

static int set_value(Command *c, int i, char *value) {
        const Option *o = &c->verb->options[i];

        if (o->type == OPTION_ARGV) {
                if (!ARRAY_GROW(c->rest, c->n_rest))
                        return -ENOMEM;
                c->rest[c->n_rest++] = value;
        }
        c->values[i] = value;
        return 0;
}

/* `help` leaves out what it does not understand. */
static bool takes_anything(const Verb *v) {
        return streq(v->name, "help");
}

/* WORD begins with "--"; *argv stands on it and is moved when its value is the word behind. */
static int parse_option(Cli *cli, Command *c, char *const **argv) {
        const char *name = **argv + 2, *equals = strchr(name, '=');
        size_t n = equals ? (size_t) (equals - name) : strlen(name);
        int i = option_index(c->verb, name, n);

        if (i < 0 && c->verb->json && !equals && is_word("json", name, n)) {
                c->json = true;
                return 0;
        }
        if (i < 0 && streq(name, "help")) {
                c->help = true;
                return 0;
        }
        if (i < 0 && takes_anything(c->verb))
                return 0;
        if (i < 0) {
                cli_error(cli, "command '%s' doesn't support option --%.*s", c->verb->name, (int) n, name);
                return -EINVAL;
        }
        const Option *o = &c->verb->options[i];
        c->json = c->json || (c->verb->json && streq(o->name, "json"));
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
                return set_value(c, i, (char *) equals + 1);
        if (!(*argv)[1]) {
                cli_error(cli, "expected syntax: --%s <%s>", o->name, type_word(o));
                return -EINVAL;
        }
        (*argv)++;
        return set_value(c, i, **argv);
}

/* "-n", "-n5": the option that this is. */
static const Option *letter_option(const Verb *v, const char *word) {
        if (word[0] != '-' || !word[1] || word[1] == '-')
                return NULL;
        FOREACH_OPTION(o, v)
                if (o->letter && o->letter == word[1] && (takes_value(o) || !word[2]))
                        return o;
        return NULL;
}

static int parse_letter(Cli *cli, Command *c, char *const **argv) {
        const Option *o = letter_option(c->verb, **argv);
        char *value = **argv + 2;

        if (c->values[o - c->verb->options]) {
                cli_error(cli, "option --%s already seen", o->name);
                return -EINVAL;
        }
        if (takes_value(o) && !*value && !(value = *++*argv)) {
                (*argv)--;
                cli_error(cli, "expected syntax: -%c <%s>", o->letter, type_word(o));
                return -EINVAL;
        }
        return set_value(c, (int) (o - c->verb->options), value);
}

static int parse_words(Cli *cli, Command *c, char *const *argv) {
        bool data_only = false;
        int r;

        for (; *argv; argv++) {
                if (!data_only && streq(*argv, "--")) {
                        data_only = true;
                        continue;
                }
                if (!data_only && letter_option(c->verb, *argv)) {
                        r = parse_letter(cli, c, &argv);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (!data_only && startswith(*argv, "--") && isalnum((unsigned char) (*argv)[2])) {
                        r = parse_option(cli, c, &argv);
                        if (r < 0)
                                return r;
                        continue;
                }
                int i = next_positional(c);
                if (i < 0 && takes_anything(c->verb))
                        continue;
                if (i < 0) {
                        cli_error(cli, "unexpected data '%s'", *argv);
                        return -EINVAL;
                }
                r = set_value(c, i, *argv);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool verb_has_common_json(const Verb *v) {
        return v->json && option_index(v, "json", strlen("json")) < 0;
}

const Option *verb_option(const Verb *v, const char *name, size_t n) {
        int i = option_index(v, name, n);
        return i < 0 ? NULL : &v->options[i];
}

const Option *command_next_data(const Command *c) {
        int i = next_positional(c);
        return i < 0 ? NULL : &c->verb->options[i];
}

int command_parse_begun(const Verb *v, char *const *words, Command *ret, const Option **ret_option, bool *ret_data) {
        _cleanup_command_ Command c = { .verb = v };
        const Option *option = NULL;
        bool data = false;

        STRV_FOREACH(w, words) {
                bool named = !data && !option && startswith(*w, "--");
                if (named && streq(*w, "--")) {
                        data = true;
                        continue;
                }
                if (named && streq(*w, "--json") && verb_has_common_json(v)) {
                        c.json = true;
                        continue;
                }
                size_t n = strcspn(*w, "=");
                int i = option ? (int) (option - v->options) : named ? option_index(v, *w + 2, n - 2) : next_positional(&c);
                if (i < 0)
                        return -EINVAL;
                bool waits = named && !(*w)[n] && takes_value(&v->options[i]);
                option = waits ? &v->options[i] : NULL;
                int r = waits ? 0 : set_value(&c, i, named && (*w)[n] ? *w + n + 1 : takes_value(&v->options[i]) ? *w : (char *) "");
                if (r < 0)
                        return r;
        }
        *ret = c;
        c = (Command) {};
        *ret_option = option;
        *ret_data = data;
        return 0;
}

void command_missing(Cli *cli, const Verb *v) {
        if (v->description)
                cli_error(cli, "not supported: %s: %s", v->name, v->description);
        else
                cli_error(cli, "not yet supported: %s", v->name);
}

int command_parse_cut(Cli *cli, char *const *argv, Command *ret) {
        _cleanup_command_ Command c = { .words = argv };

        c.verb = verb_find(argv[0]);
        if (!c.verb) {
                cli_error(cli, "unknown command: '%s'", argv[0]);
                return -EINVAL;
        }
        if (!c.verb->run) {
                command_missing(cli, c.verb);
                return -EOPNOTSUPP;
        }
        int r = parse_words(cli, &c, argv + 1);
        if (r < 0)
                return r;
        *ret = c;
        c = (Command) {};
        return 0;
}

int command_parse(Cli *cli, char *const *argv, Command *ret) {
        _cleanup_command_ Command c = {};
        size_t i = 0;

        int r = command_parse_cut(cli, argv, &c);
        if (r < 0)
                return r;

        bool complete = true;
        FOREACH_OPTION(o, c.verb) {
                if (o->required && !c.values[i] && !c.help) {
                        complete = false;
                        cli_error(cli, o->type == OPTION_DATA || o->type == OPTION_ARGV ? "command '%s' requires <%s> option" :
                                                                "command '%s' requires --%s option",
                                  c.verb->name, o->name);
                }
                i++;
        }
        if (!complete)
                return -EINVAL;
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

/* The digits at the beginning of S, and what is behind them. */
static int read_digits(const char *s, bool *ret_negative, uint64_t *ret, const char **ret_end) {
        char *end;

        while (isspace((unsigned char) *s))
                s++;
        *ret_negative = *s == '-';
        if (*s == '-' || *s == '+')
                s++;
        if (!isdigit((unsigned char) *s))
                return -EINVAL;
        errno = 0;
        *ret = strtoull(s, &end, 10);
        *ret_end = end;
        return -errno;
}

int read_wrapping(const char *s, uint64_t *ret, const char **ret_end) {
        const char *end;
        bool negative;
        uint64_t v;

        int r = read_digits(s, &negative, &v, &end);
        if (r < 0 || (!ret_end && *end))
                return r < 0 ? r : -EINVAL;
        *ret = negative ? -v : v;
        if (ret_end)
                *ret_end = end;
        return 0;
}

int read_positive(const char *s, uint64_t *ret, const char **ret_end) {
        bool negative;

        int r = read_digits(s, &negative, ret, ret_end);
        return r < 0 || negative ? -EINVAL : 0;
}

/* A number from LOWEST (0 or below) to HIGHEST. */
static int get_number(Cli *cli, const Command *c, const char *option, int64_t lowest, uint64_t highest, bool *ret_negative,
                      uint64_t *ret) {
        const char *s = command_get(c, option), *end;

        if (!s)
                return 0;
        if (read_digits(s, ret_negative, ret, &end) >= 0 && !*end &&
            (*ret_negative ? lowest < 0 && *ret <= -(uint64_t) lowest : *ret <= highest))
                return 1;
        cli_error(cli, "Numeric value '%s' for <%s> option is malformed or out of range", s, option);
        return -EINVAL;
}

int command_get_int(Cli *cli, const Command *c, const char *option, int *ret) {
        bool negative;
        uint64_t v;

        int r = get_number(cli, c, option, INT_MIN, INT_MAX, &negative, &v);
        if (r > 0)
                *ret = (int) (negative ? -(int64_t) v : (int64_t) v);
        return r;
}

int command_get_i64(Cli *cli, const Command *c, const char *option, int64_t *ret) {
        bool negative;
        uint64_t v;

        int r = get_number(cli, c, option, -INT64_MAX, INT64_MAX, &negative, &v);
        if (r > 0)
                *ret = negative ? -(int64_t) v : (int64_t) v;
        return r;
}

static int get_unsigned(Cli *cli, const Command *c, const char *option, uint64_t highest, uint64_t *ret) {
        bool negative;

        return get_number(cli, c, option, 0, highest, &negative, ret);
}

int command_get_u64(Cli *cli, const Command *c, const char *option, uint64_t *ret) {
        return get_unsigned(cli, c, option, UINT64_MAX, ret);
}

int command_get_uint(Cli *cli, const Command *c, const char *option, unsigned *ret) {
        uint64_t v;

        int r = get_unsigned(cli, c, option, UINT_MAX, &v);
        if (r > 0)
                *ret = (unsigned) v;
        return r;
}

int command_get_scaled(Cli *cli, const Command *c, const char *option, uint64_t scale, uint64_t max, uint64_t *ret) {
        return command_get_scaled_or(cli, c, option, NULL, scale, max, ret);
}

int command_get_scaled_or(Cli *cli, const Command *c, const char *option, const char *headline, uint64_t scale, uint64_t max,
                          uint64_t *ret) {
        const char *s = command_get(c, option), *unit = NULL;
        bool negative;
        uint64_t v;

        if (!s)
                return 0;
        int r = read_digits(s, &negative, &v, &unit);
        bool is_number = r >= 0 && !negative;
        if (is_number && *unit)
                scale = unit_size(unit);
        if (is_number && scale > 0 && v <= max / scale) {
                *ret = v * scale;
                return 1;
        }
        cli_error(cli, "Scaled numeric value '%s' for <%s> option is malformed or out of range", s, option);
        if (headline)
                cli_error(cli, "%s", headline);
        if (is_number && scale == 0)
                cli_error(cli, "invalid argument: unknown suffix '%s'", unit);
        else if (is_number)
                cli_error(cli, "numerical overflow: value too large: %" PRIu64 "%s", v, unit);
        return -EINVAL;
}

int command_exclusive(Cli *cli, const Command *c, const char *a, const char *b) {
        if (!command_has(c, a) || !command_has(c, b))
                return 0;
        return cli_error(cli, "Options --%s and --%s are mutually exclusive", a, b);
}
