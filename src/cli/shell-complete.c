/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-split.h"
#include "shell.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* Behind what stands on LINE already, up to the last command's last word, which may be empty. */
static SplitCommand *last_command(const char *line, SplitLine *l) {
        size_t end = strlen(line);

        while (end > 0 && strchr(" \t", line[end - 1]))
                end--;
        /* Behind ";" a command begins. */
        return l->n_commands > 0 && !(end > 0 && line[end - 1] == ';') ? &l->commands[l->n_commands - 1] : NULL;
}

/* The words of LIST as they have to be written behind BEGUN, without those that go on otherwise: what completes a word must not
 * begin another command. Takes LIST over. */
static char **quote_all(char **list, const char *begun, char quote) {
        _cleanup_strv_ char **given = list, **quoted = NULL;

        STRV_FOREACH(w, given) {
                _cleanup_free_ char *word = command_quote(*w, quote);
                if (!word || (startswith(word, begun) && strv_extend(&quoted, word) < 0))
                        return NULL;
        }
        return TAKE_PTR(quoted);
}

char **shell_complete(Cli *cli, const char *line, size_t *ret_start, bool *ret_files) {
        _cleanup_split_line_ SplitLine l = {};
        _cleanup_strv_ char **none = NULL;
        size_t size = strlen(line);
        char **list = NULL;

        *ret_files = false;
        int r = command_split(line, &l);
        if (l.comment || (r < 0 && (r != -EINVAL || !l.missing)))
                return NULL;
        SplitCommand *last = last_command(line, &l);
        char ***words = last ? &last->words : &none;
        if ((!last || !last->open) && strv_extend(words, "") < 0)
                return NULL;

        size_t n = strv_length(*words);
        *ret_start = last && last->open ? l.last : size;
        /* What stands in front of a verb was told when the shell began; and nothing is asked of another host while somebody types. */
        if (**words[0] == '-' || cli->connection.host || complete_words(cli, *words, n, false, &list, ret_files) < 0)
                return NULL;
        return quote_all(list, line + *ret_start, l.missing);
}
