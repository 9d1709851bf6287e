/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-split.h"
#include "fuzz.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Lines of commands, as the shell takes them. What was split is the same when it is put into quotes and split again. */

static char *quoted(const SplitLine *line) {
        Text t = {};
        char *result;

        FOREACH_ARRAY(c, line->commands, line->n_commands) {
                must(strv_length(c->words) > 0);
                text_append(&t, ";");
                STRV_FOREACH(w, c->words) {
                        text_append_char(&t, ' ');
                        for (const char *p = *w; *p; p++) {
                                /* "\" and a line feed would be nothing. */
                                text_append(&t, *p == '\n' ? "'" : "\\");
                                text_append_char(&t, *p);
                                text_append(&t, *p == '\n' ? "'" : "");
                        }
                        if (!**w)
                                text_append(&t, "''");
                }
        }
        return text_finish(&t, &result) < 0 ? NULL : result;
}

/* What is offered for it in the shell is that word, whatever quote it was begun with. */
static void check_quote(const char *word, char quote) {
        _cleanup_free_ char *begun = command_quote(word, quote), *closed = NULL;
        _cleanup_split_line_ SplitLine line = {};
        _cleanup_text_ Text t = {};

        if (!begun || (!*word && !quote))
                return;
        text_append(&t, begun);
        if (quote)
                text_append_char(&t, quote);
        must(text_finish(&t, &closed) >= 0 && command_split(closed, &line) >= 0, "%s", begun);
        must(line.n_commands == 1 && strv_length(line.commands->words) == 1 && streq(*line.commands->words, word), "%s", begun);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup((const char *) data, size), *again = NULL;
        _cleanup_split_line_ SplitLine line = {}, same = {};

        int r = text ? command_split(text, &line) : -ENOMEM;
        must((r == -EINVAL) == (line.error != NULL));
        if (r < 0 && r != -EINVAL) {
                must(line.n_commands == 0);
                return 0;
        }
        FOREACH_ARRAY(c, line.commands, line.n_commands)
                STRV_FOREACH(w, c->words)
                        for (size_t i = 0; i < 3; i++)
                                check_quote(*w, "\0'\""[i]);
        again = quoted(&line);
        if (!again || command_split(again, &same) < 0)
                must(!again, "%s", again);
        must(!again || same.n_commands == line.n_commands, "%s", again);
        for (size_t i = 0; again && i < line.n_commands; i++)
                must(strv_equal(line.commands[i].words, same.commands[i].words), "%s", again);
        return 0;
}
