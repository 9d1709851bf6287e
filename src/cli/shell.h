/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

/* Runs the words of one command; 0 or -1. */
int shell_run_words(Cli *cli, char *const *words);
/* Runs the commands of a line, if all of them can be parsed; what the last one returned. */
int shell_run_line(Cli *cli, const char *line);
/* Asks for lines and runs them until there are no more, or `quit`. */
void shell_run(Cli *cli);

/* What may stand at the end of LINE, a list that ends with NULL; all begin with the word that LINE ends with, at *ret_start in
 * it, and are written as that is, with its quote. Behind the name of a directory there is a "/". NULL: nothing. */
char **shell_complete(Cli *cli, const char *line, size_t *ret_start);
