/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* From a command line of QEMU back to a definition. Nothing is looked at but the words. */

/* The most that is read. */
#define QEMU_PARSE_TEXT_MAX (1U << 20)
#define QEMU_PARSE_WORDS_MAX 8192U

/* Splits TEXT as a shell would: quotes, backslashes, lines that go on after a backslash, comments. What stands
 * before the program with a "=" in it is its environment. Variables, substitutions and further commands are
 * errors, with their places. 0 or negative errno with the reason in DIAG. */
int qemu_parse_shell(const char *text, size_t size, Diag *diag, char ***ret_env, char ***ret_argv);

/* The definition of what ARGV (with the program) would run. What has no element becomes <qemu:commandline>, with
 * a warning; so nothing is lost. NAME is for a command line that gives none; NULL: the same is an error. The result
 * is what could have been written: neither completed nor validated. 0 or negative errno. */
int qemu_parse_argv(char *const *env, char *const *argv, const char *name, Diag *diag, Domain **ret);

/* Two command lines that make the same machine: the same options with the same values in any order, where nodes,
 * back ends and objects may be called differently. The first difference is added to DIAG as an error (which may be
 * NULL). 1: the same, 0: not, -ENOMEM. */
int qemu_argv_equal(char *const *a, char *const *b, Diag *diag);
