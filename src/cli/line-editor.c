/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
/* after the above */
#include <editline/readline.h>

#include "file-util.h"
#include "line-editor.h"
#include "string-util.h"
#include "strv.h"

/* The library is opened when there is a terminal to edit lines on: every other call goes without it. */

#define HISTORY_MAX 500

static struct {
        void *library;
        typeof(readline) *readline;
        typeof(add_history) *add_history;
        typeof(using_history) *using_history;
        typeof(stifle_history) *stifle_history;
        typeof(read_history) *read_history;
        typeof(write_history) *write_history;
        const char **rl_readline_name;
        rl_completion_func_t **rl_attempted_completion_function;
        int *rl_attempted_completion_over;
        char **rl_line_buffer;
        int *rl_point, *rl_completion_append_character;
        const char **rl_basic_word_break_characters;

        char *history; /* owned: its file */
        char *last;    /* owned: what was added to it last */
        LineCompleter complete;
        void *userdata;
} editor;

static const struct {
        const char *name;
        void *place;
} symbols[] = {
#define SYMBOL(name) { #name, &editor.name }
        SYMBOL(readline),       SYMBOL(add_history),      SYMBOL(using_history),
        SYMBOL(stifle_history), SYMBOL(read_history),     SYMBOL(write_history),
        SYMBOL(rl_line_buffer), SYMBOL(rl_readline_name), SYMBOL(rl_attempted_completion_function),
        SYMBOL(rl_point),       SYMBOL(rl_completion_append_character),
        SYMBOL(rl_attempted_completion_over), SYMBOL(rl_basic_word_break_characters),
};

static bool open_library(void) {
        /* It frees nothing of what it keeps for itself, so it stays: another shell goes on with that. */
        editor.library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!editor.library)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(symbols); i++) {
                void *p = dlsym(editor.library, symbols[i].name);
                if (!p)
                        return false;
                memcpy(symbols[i].place, &p, sizeof(p));
        }
        return true;
}

/* What all of the list begin with; the caller's. */
static char *common_beginning(char *const *list) {
        size_t n = strlen(*list);

        STRV_FOREACH(s, list)
                for (size_t i = 0; i < n; i++)
                        if ((*s)[i] != (*list)[i])
                                n = i;
        return strndup(*list, n);
}

/* The list as readline wants it: in front, what the word becomes. */
static char **matches(char **list) {
        size_t n = strv_length(list);
        char **result = n > 0 ? calloc(n + 2, sizeof(char *)) : NULL;

        if (result)
                *result = common_beginning(list);
        if (!result || !*result) {
                strv_free(list);
                return mfree(result);
        }
        memcpy(result + 1, list, n * sizeof(char *));
        free(list);
        return result;
}

static char **attempt(const char *text, int start, int end) {
        _cleanup_free_ char *line = strndup(*editor.rl_line_buffer, (size_t) end);
        size_t begin;

        *editor.rl_attempted_completion_over = 1;
        char **list = line ? editor.complete(editor.userdata, line, &begin) : NULL;
        /* Behind a directory goes on what is in it. */
        *editor.rl_completion_append_character = strv_length(list) == 1 && endswith(*list, "/") ? 0 : ' ';
        /* A word in quotes, or with "=" in it, begins elsewhere for the library. */
        if (list && begin < (size_t) start)
                STRV_FOREACH(s, list) {
                        size_t skip = MIN((size_t) start - begin, strlen(*s));
                        memmove(*s, *s + skip, strlen(*s + skip) + 1);
                }
        return list ? matches(list) : NULL;
}

bool line_editor_begin(const char *program, const char *history, LineCompleter complete, void *userdata) {
        if (!open_library()) {
                line_editor_end();
                return false;
        }
        editor.complete = complete;
        editor.userdata = userdata;
        *editor.rl_readline_name = program;
        *editor.rl_attempted_completion_function = attempt;
        *editor.rl_basic_word_break_characters = " \t\n;'\"\\";
        editor.using_history();
        (void) editor.stifle_history(HISTORY_MAX);
        editor.history = history ? strdup(history) : NULL;
        if (editor.history)
                (void) editor.read_history(editor.history);
        return true;
}

char *line_editor_read(const char *prompt) {
        char *line = editor.readline(prompt);

        if (line && *line && !streq(line, strempty(editor.last))) {
                (void) editor.add_history(line);
                (void) free_and_strdup(&editor.last, line);
        }
        return line;
}

/* Lines may hold passwords: nobody else may read them. */
static void write_file(void) {
        _cleanup_free_ char *dir = strndup(editor.history, (size_t) (strrchr(editor.history, '/') - editor.history));

        if (!dir || mkdir_parents(dir, 0700) < 0)
                return;
        mode_t mask = umask(0077);
        (void) editor.write_history(editor.history);
        (void) umask(mask);
}

void line_editor_end(void) {
        if (editor.library && editor.history && editor.last)
                write_file();
        free(editor.history);
        free(editor.last);
        if (editor.library)
                (void) dlclose(editor.library);
        memset(&editor, 0, sizeof(editor));
}
