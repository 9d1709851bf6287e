/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdarg.h>

#include "macro.h"

#define streq(a, b) (strcmp((a), (b)) == 0)

static inline bool streq_ptr(const char *a, const char *b) {
        return a == b || (a && b && streq(a, b));
}

static inline bool isempty(const char *s) {
        return !s || !*s;
}

static inline const char *strempty(const char *s) {
        return s ?: "";
}

/* Returns what follows PREFIX in S, or NULL if S does not begin with it. */
static inline const char *startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);
        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool endswith(const char *s, const char *suffix) _pure_;

/* Replaces *P by a copy of S (NULL allowed). 0 or -ENOMEM. */
int free_and_strdup(char **p, const char *s);

/* asprintf() that returns the string, or NULL when memory is out. */
char *strf(const char *format, ...) _printf_(1, 2);
char *strfv(const char *format, va_list ap) _printf_(1, 0);

/* True if every character of S is in the set ALLOWED; true for the empty string. */
bool in_charset(const char *s, const char *allowed) _pure_;

/* Bytes of the UTF-8 sequence at S, 0 if there is none; overlong forms and surrogates are none. */
size_t utf8_sequence(const void *s) _pure_;
/* True if S is valid UTF-8 without control characters. */
bool utf8_is_printable(const char *s) _pure_;
/* A copy of S in which "?" stands for what is not printable; owned by the caller, NULL when memory is out. */
char *string_printable(const char *s);
/* Blanks in place of what drives a terminal, or begins a line; what is no UTF-8 stays. */
void string_blank_controls(char *s);

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALPHANUMERICAL LETTERS DIGITS
#define WHITESPACE " \t\n\r"
