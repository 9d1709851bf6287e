/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "text.h"

/* Options that QEMU takes only as "first,key=value,…": the one place where a comma in a value is doubled.
 * Initialise with {}. */
typedef struct Options {
        Text text;
} Options;

/* A part without "key=": the first one, or a flag. */
void options_word(Options *o, const char *word);
/* Nothing is added when VALUE is NULL. */
void options_add(Options *o, const char *key, const char *value);
void options_addf(Options *o, const char *key, const char *format, ...) _printf_(3, 4);
void options_bool(Options *o, const char *key, bool value); /* "on", "off" */

/* 0 or -ENOMEM; O is empty afterwards. */
int options_finish(Options *o, char **ret);
void options_done(Options *o);
#define _cleanup_options_ _cleanup_(options_done)
