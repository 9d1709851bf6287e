/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <sys/stat.h>

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

/* What files there are that begin with WORD; those whose names begin with a dot only if it does. */
static char **list_files(const char *word) {
        const char *slash = strrchr(word, '/'), *begun = slash ? slash + 1 : word;
        _cleanup_free_ char *directory = slash ? strndup(word, (size_t) (slash + 1 - word)) : strdup("");
        _cleanup_strv_ char **found = NULL;
        DIR *dir = directory ? opendir(*directory ? directory : ".") : NULL;

        for (struct dirent *e; dir && (e = readdir(dir));) {
                struct stat st;
                if (!startswith(e->d_name, begun) || (*e->d_name == '.' && *begun != '.') || !utf8_is_printable(e->d_name))
                        continue;
                bool is_directory = fstatat(dirfd(dir), e->d_name, &st, 0) >= 0 && S_ISDIR(st.st_mode);
                if (strv_extendf(&found, "%s%s%s", directory, e->d_name, is_directory ? "/" : "") < 0)
                        break;
        }
        if (dir)
                (void) closedir(dir);
        strv_sort(found);
        return TAKE_PTR(found);
}

char **shell_complete(Cli *cli, const char *line, size_t *ret_start) {
        _cleanup_split_line_ SplitLine l = {};
        _cleanup_strv_ char **none = NULL;
        size_t size = strlen(line);
        char **list = NULL;

        bool files;
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
        if (**words[0] == '-' || cli->connection.host || complete_words(cli, *words, n, false, &list, &files) < 0)
                return NULL;
        if (!list && files)
                list = list_files((*words)[n - 1]);
        return quote_all(list, line + *ret_start, l.missing);
}
