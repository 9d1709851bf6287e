/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* A growing string. Appending never fails visibly: the first failure sticks, later calls do nothing, and
 * text_finish() reports it. So code that renders something long checks once. Initialise with {}. */
typedef struct Text {
        char *data; /* owned; NUL terminated whenever not NULL */
        size_t length;
        size_t capacity;
        bool failed;
} Text;

void text_append(Text *t, const char *s);
void text_append_n(Text *t, const char *s, size_t n);
void text_append_char(Text *t, char c);
/* As one word for a shell, in quotes where it needs them. */
void text_append_shell(Text *t, const char *s);
void text_appendf(Text *t, const char *format, ...) _printf_(2, 3);

/* Hands the string over (never NULL on success, "" when nothing was appended). 0 or -ENOMEM. */
int text_finish(Text *t, char **ret) _warn_unused_;

void text_done(Text *t);
#define _cleanup_text_ _cleanup_(text_done)
