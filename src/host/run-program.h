/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* Runs a program of the host's and waits for its end, SECONDS at most; then it is killed. It gets a clean environment,
 * nothing to read, and no descriptor of ours; what it says goes to the journal, unless QUIET; its complaints are kept. ARGV[0] is a
 * path, or a name that is looked for where root's programs are. 0 or negative errno; then *ret_reason says why: the
 * program's last line, or how it has ended. Owned by the caller, NULL when memory is out. */
int run_program(const char *const *argv, bool quiet, unsigned seconds, char **ret_reason);

/* Whether the file at PATH is a program that root may run for a definition: nobody else can change it, or put something else
 * in its place. 0 or negative errno with the reason, owned by the caller. */
int check_program(const char *path, char **ret_reason);
