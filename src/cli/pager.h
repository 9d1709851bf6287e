/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "cli.h"

/* Whether CLI prints to a terminal. */
bool cli_on_terminal(const Cli *cli);
/* Whether it may print in colours: on a terminal that has some, unless NO_COLOR or SYSTEMD_COLORS forbid it. */
bool cli_wants_colours(const Cli *cli);

/* What is printed from here on goes through a pager, as with systemctl: SYSTEMD_PAGER, PAGER, or what there is of pager, less and
 * more; with the options of SYSTEMD_LESS. Only on a terminal. pager_close() waits for its end. */
typedef struct Pager {
        pid_t pid;    /* 0: there is none */
        int saved_fd; /* owned: the terminal */
} Pager;
void pager_open(Cli *cli, Pager *p);
void pager_close(Cli *cli, Pager *p);

/* Runs ARGV and waits for it. Its exit status, or negative errno. */
int cli_run_program(Cli *cli, char *const *argv);
