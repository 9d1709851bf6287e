/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* NULL-terminated arrays of strings that own their strings. NULL is the empty array. */

size_t strv_length(char *const *l) _pure_;
bool strv_contains(char *const *l, const char *s) _pure_;
/* The same strings in the same order. */
bool strv_equal(char *const *a, char *const *b) _pure_;

/* Appends a copy of S. 0 or -ENOMEM. */
int strv_extend(char ***l, const char *s) _warn_unused_;
/* Appends a formatted string. */
int strv_extendf(char ***l, const char *format, ...) _printf_(2, 3) _warn_unused_;
/* Appends S itself, which belongs to the array then; frees it on failure. */
int strv_consume(char ***l, char *s) _warn_unused_;

/* Splits S at any of the characters of SEPARATORS; empty parts are left out. */
int strv_split(const char *s, const char *separators, char ***ret) _warn_unused_;

/* Splits S at line breaks; empty lines are kept, but for what comes behind the last break. */
int strv_split_lines(const char *s, char ***ret) _warn_unused_;

/* NULL when memory is out. */
char *strv_join(char *const *l, const char *separator);
void strv_sort(char **l);

char **strv_free(char **l);
DEFINE_CLEANUP(char **, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

#define STRV_FOREACH(s, l) for (char *const *s = (char *const *) (l); s && *s; s++)
#define STRV_MAKE(...) ((char *[]) { __VA_ARGS__, NULL })
