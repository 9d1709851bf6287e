/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* A line of virsh's language: commands of words. ";" and line feeds end a command, blanks end a word, 'words' and "words" keep
 * what is in them, "\" keeps the character behind it, but in '…', and with a line feed it is nothing at all. "#" where a word
 * begins is a comment up to the end of the line. */

typedef struct SplitCommand {
        char **words; /* owned; at least one */
        bool open;    /* the text ends behind the last word, with no blank between */
} SplitCommand;

typedef struct SplitLine {
        SplitCommand *commands; /* owned */
        size_t n_commands;
        const char *error; /* static: what is wrong at the end of the last command, or NULL */
        char missing;      /* the quote that is not closed, or 0 */
        bool comment;      /* the text ends in one */
        size_t last;       /* where in the text the last word begins, with its quote */
} SplitLine;

#define COMMAND_WORDS_MAX 4096U

/* 0; -EINVAL with ret->error set, and the commands before it, the last with the words it has; -E2BIG or -ENOMEM.
 * As in virsh, a ' may be missing at the end. */
int command_split(const char *text, SplitLine *ret);
/* How WORD is written so that it is one word, from behind a quote (' or ") or from its beginning (0); what is open stays open.
 * NULL when memory is out. */
char *command_quote(const char *word, char quote);
void split_line_done(SplitLine *l);
#define _cleanup_split_line_ _cleanup_(split_line_done)
