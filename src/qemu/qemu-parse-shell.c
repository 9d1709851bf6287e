/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-parse.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Words as a shell makes them. */

typedef struct Shell {
        const char *text;
        size_t size, at;
        SrcLoc here;
        Diag *diag;
        Text word;
        bool in_word; /* also when it is empty: "" */
} Shell;

static char shell_next(Shell *s) {
        char c = s->text[s->at++];

        if (c == '\n')
                s->here = (SrcLoc) { s->here.line + 1, 1 };
        else
                s->here.column++;
        return c;
}

static char shell_peek(const Shell *s) {
        return s->at < s->size ? s->text[s->at] : 0;
}

static void shell_add(Shell *s, char c) {
        text_append_char(&s->word, c);
        s->in_word = true;
}

static int shell_single_quotes(Shell *s, SrcLoc begin) {
        s->in_word = true;
        while (s->at < s->size) {
                char c = shell_next(s);
                if (c == '\'')
                        return 0;
                shell_add(s, c);
        }
        return diag_error(s->diag, begin, "a ' without its end");
}

static int shell_double_quotes(Shell *s, SrcLoc begin) {
        s->in_word = true;
        while (s->at < s->size) {
                SrcLoc here = s->here;
                char c = shell_next(s);
                if (c == '"')
                        return 0;
                if (c == '$' || c == '`')
                        return diag_error(s->diag, here, "%c is for a shell to replace; write what it stands for", c);
                if (c == '\\' && s->at < s->size && strchr("\"\\$`\n", shell_peek(s))) {
                        c = shell_next(s);
                        if (c == '\n')
                                continue;
                }
                shell_add(s, c);
        }
        return diag_error(s->diag, begin, "a \" without its end");
}

static int shell_end_word(Shell *s, char ***l, size_t *n) {
        _cleanup_free_ char *word = NULL;

        if (!s->in_word)
                return 0;
        s->in_word = false;
        if (++*n > QEMU_PARSE_WORDS_MAX)
                return diag_error(s->diag, s->here, "more than %u words", QEMU_PARSE_WORDS_MAX);
        int r = text_finish(&s->word, &word);
        return r < 0 ? r : strv_consume(l, TAKE_PTR(word));
}

/* 1: the rest of the text is not of this command. */
static int shell_character(Shell *s, char ***l, size_t *n) {
        SrcLoc here = s->here;
        char c = shell_next(s);

        switch (c) {
        case '\'':
                return shell_single_quotes(s, here);
        case '"':
                return shell_double_quotes(s, here);
        case '\\':
                if (s->at >= s->size)
                        return 0;
                c = shell_next(s);
                if (c == '\r' && shell_peek(s) == '\n')
                        c = shell_next(s);
                if (c != '\n')
                        shell_add(s, c);
                return 0;
        case ' ':
        case '\t':
        case '\r':
                return shell_end_word(s, l, n);
        case '\n': {
                int r = shell_end_word(s, l, n);
                return r < 0 ? r : *n > 0;
        }
        case '#':
                if (s->in_word)
                        break;
                while (s->at < s->size && shell_peek(s) != '\n')
                        shell_next(s);
                return 0;
        case 0:
                return diag_error(s->diag, here, "there is a NUL byte");
        case '$':
        case '`':
                return diag_error(s->diag, here, "%c is for a shell to replace; write what it stands for", c);
        case ';':
        case '&':
        case '|':
        case '<':
        case '>':
        case '(':
        case ')':
                return diag_error(s->diag, here, "%c is not part of a command line of QEMU; quote it if it is", c);
        default:
                break;
        }
        shell_add(s, c);
        return 0;
}

/* "NAME=value", as in front of a program. */
static bool is_assignment(const char *word) {
        size_t n = strspn(word, ALPHANUMERICAL "_");

        return n > 0 && !strchr(DIGITS, word[0]) && word[n] == '=';
}

int qemu_parse_shell(const char *text, size_t size, Diag *diag, char ***ret_env, char ***ret_argv) {
        _cleanup_strv_ char **words = NULL, **env = NULL, **argv = NULL;
        Shell s = { .text = text, .size = size, .here = { 1, 1 }, .diag = diag };
        size_t n = 0;
        int r = 0;

        if (size > QEMU_PARSE_TEXT_MAX)
                return diag_error(diag, (SrcLoc) {}, "more than %u KiB", QEMU_PARSE_TEXT_MAX / 1024);
        while (r == 0 && s.at < s.size)
                r = shell_character(&s, &words, &n);
        if (r == 0)
                r = shell_end_word(&s, &words, &n);
        while (r == 1 && s.at < s.size) {
                if (shell_peek(&s) == 0 || !strchr(WHITESPACE, shell_peek(&s)))
                        r = diag_error(diag, s.here, "a second command; a line goes on after a \\ at its end");
                else
                        shell_next(&s);
        }
        text_done(&s.word);
        bool program = false;
        for (char **w = words; r >= 0 && w && *w; w++) {
                program |= !is_assignment(*w);
                r = strv_extend(program ? &argv : &env, *w);
        }
        if (r < 0)
                return r;
        if (!argv)
                return diag_error(diag, (SrcLoc) { 1, 1 }, "there is no command line");
        *ret_env = TAKE_PTR(env);
        *ret_argv = TAKE_PTR(argv);
        return 0;
}
