/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* Lines from a terminal, with history and completion where libedit is there (also when the program runs: a machine without it
 * has plain lines). One per process: so libedit's interface for programs written for readline wants it. */

/* As shell_complete(). */
typedef char **(*LineCompleter)(void *userdata, const char *line, size_t *ret_start);

/* HISTORY: the file that keeps it, or NULL. False: there is no editor. */
bool line_editor_begin(const char *program, const char *history, LineCompleter complete, void *userdata);
/* The next line, without its end; the caller's. NULL at the end. */
char *line_editor_read(const char *prompt);
void line_editor_end(void);
