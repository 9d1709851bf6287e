/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "connection.h"
#include "diag.h"
#include "macro.h"

typedef struct Manager Manager;
typedef struct Report Report;
typedef struct Guards Guards;

/* One run of the program. */
typedef struct Cli {
        Manager *manager; /* not owned: of the connection */
        Connection connection; /* owned; empty: none yet, and MANAGER is the machine's */
        /* Makes MANAGER the one of another connection; NULL: there is but one. */
        int (*open_connection)(struct Cli *cli, const Connection *c, Diag *diag);
        FILE *in, *out, *err; /* not owned */
        FILE *log; /* owned: errors go there, too; NULL: nowhere */
        const char *program; /* "vmunit" or "virsh", for --help */
        bool quiet;
        bool readonly;
        bool timing;
        bool interactive; /* in the shell; `quit` turns it off */
        char escape; /* of the console: ^] */
        Report *report; /* not owned; NULL without --json */
        bool no_pager;
        bool colours; /* for people: see pager.h */
        Guards *guards;  /* owned; NULL: no machine ends with the connection (autodestroy.h) */
        int exit_status; /* set by verbs that say more than 0 or 1 with it; 0: they say no more */
} Cli;

#define CLI_ESCAPE_DEFAULT ((char) 0x1d)

void cli_done(Cli *cli);

/* Runs the command line; argv as main() gets it. The exit status: 0 or 1, or what a verb says. */
int cli_run(Cli *cli, int argc, char **argv);

/* Goes over to what URI says; NULL or "": to what is meant without one. 0, or -1 with virsh's message printed; then all is as it was. */
int cli_connect(Cli *cli, const char *uri);
/* To what is meant without a URI, if there is no connection yet. */
int cli_connect_first(Cli *cli);
/* How many words from WORD, an option in front of the verb, on belong to it: 1, or 2 with a value behind; 0 when there is no such
 * option. */
unsigned cli_global_words(const char *word);
/* The I-th of these options, NULL behind the last; "" for one that has only a letter. */
const char *cli_global_name(size_t i);

/* What commands print as text: always, and unless --quiet was given. Nothing of it with --json: see report.h. */
void cli_print(Cli *cli, const char *format, ...) _printf_(2, 3);
void cli_print_extra(Cli *cli, const char *format, ...) _printf_(2, 3);
/* Whether S is a whole number as strtol() reads it, like virsh: "1", "+1", "0x1" with base 0. */
bool cli_is_int(const char *s, int base, int *ret);

/* "error: …" on stderr. Returns -1, for `return cli_error(…)`. */
int cli_error(Cli *cli, const char *format, ...) _printf_(2, 3);
/* The headline and what DIAG says, as virsh prints an error: "error: Failed to start domain 'web'" and
 * "error: REASON". Without reasons, the text of the errno R. Returns -1. */
int cli_error_diag(Cli *cli, int r, const Diag *diag, const char *format, ...) _printf_(4, 5);
/* What DIAG warns of, on stderr. */
void cli_warnings(Cli *cli, const Diag *diag);
