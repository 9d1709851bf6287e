/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-split.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

typedef struct Splitter {
        const char *text, *p;
        SplitLine line;
        bool new_command; /* the next word begins one */
        size_t n_words;
} Splitter;

void split_line_done(SplitLine *l) {
        FOREACH_ARRAY(c, l->commands, l->n_commands)
                strv_free(c->words);
        free(l->commands);
        *l = (SplitLine) {};
}

static bool is_continuation(const char *p) {
        return p[0] == '\\' && p[1] == '\n';
}

/* Blanks, and comments where a word could begin. */
static void skip_blanks(Splitter *s) {
        for (;;)
                if (*s->p == ' ' || *s->p == '\t')
                        s->p++;
                else if (is_continuation(s->p))
                        s->p += 2;
                else if (*s->p == '#') {
                        s->p += strcspn(s->p, "\n");
                        s->line.comment = !*s->p;
                } else
                        return;
}

/* Takes one word into T. A quote that is not closed is noted. 0 or -EINVAL. */
static int take_word(Splitter *s, Text *t) {
        char quote = 0;

        for (; *s->p; s->p++) {
                if (!quote && strchr(" \t;\n", *s->p))
                        return 0;
                if (*s->p == quote) {
                        quote = 0;
                        continue;
                }
                if (!quote && (*s->p == '"' || *s->p == '\'')) {
                        quote = *s->p;
                        continue;
                }
                if (*s->p == '\\' && quote != '\'') {
                        s->p++;
                        if (*s->p == '\n')
                                continue;
                        if (!*s->p) {
                                s->line.error = "dangling \\";
                                return -EINVAL;
                        }
                }
                text_append_char(t, *s->p);
        }
        s->line.missing = quote;
        if (quote == '"') {
                s->line.error = "missing \"";
                return -EINVAL;
        }
        return 0;
}

static int add_word(Splitter *s, char *word) {
        if (!word)
                return -ENOMEM;
        if (s->new_command) {
                if (!ARRAY_GROW(s->line.commands, s->line.n_commands)) {
                        free(word);
                        return -ENOMEM;
                }
                s->line.commands[s->line.n_commands++] = (SplitCommand) {};
                s->new_command = false;
        }
        return strv_consume(&s->line.commands[s->line.n_commands - 1].words, word);
}

static int next_word(Splitter *s) {
        _cleanup_text_ Text t = {};
        char *word;

        if (++s->n_words > COMMAND_WORDS_MAX)
                return -E2BIG;
        s->line.last = (size_t) (s->p - s->text);
        int wrong = take_word(s, &t);
        int r = text_finish(&t, &word);
        if (r >= 0)
                r = add_word(s, word);
        if (r < 0)
                return r;
        s->line.commands[s->line.n_commands - 1].open = !*s->p;
        return wrong;
}

int command_split(const char *text, SplitLine *ret) {
        Splitter s = { .text = text, .p = text, .new_command = true };
        int r = 0;

        while (r >= 0) {
                skip_blanks(&s);
                if (!*s.p)
                        break;
                if (*s.p == ';' || *s.p == '\n') {
                        s.p++;
                        s.new_command = true;
                } else
                        r = next_word(&s);
        }
        if (r < 0 && r != -EINVAL)
                split_line_done(&s.line);
        *ret = s.line;
        return r;
}

char *command_quote(const char *word, char quote) {
        const char *special = quote == '"' ? "\"\\" : quote ? "" : " \t;'\"\\#";
        _cleanup_text_ Text t = {};
        char *result;

        if (quote)
                text_append_char(&t, quote);
        for (; *word; word++)
                if (quote == '\'' && *word == '\'')
                        text_append(&t, "'\\''");
                else if (!quote && *word == '\n') /* behind "\" it would be nothing */
                        text_append(&t, "'\n'");
                else {
                        if (strchr(special, *word))
                                text_append_char(&t, '\\');
                        text_append_char(&t, *word);
                }
        return text_finish(&t, &result) < 0 ? NULL : result;
}
