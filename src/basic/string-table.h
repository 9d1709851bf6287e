/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* An enum's words, in the order of its values. Value 0 of every enum of the model is "not given" and has
 * no word (NULL); _INVALID is -EINVAL. */
typedef struct StringTable {
        const char *const *words;
        size_t n_words;
} StringTable;

/* The word of VALUE, or NULL when it has none. */
const char *string_table_word(const StringTable *t, int value) _pure_;
/* The value of WORD, or -EINVAL. */
int string_table_value(const StringTable *t, const char *word) _pure_;
/* "a, b, c": all the words, for messages. NULL when memory is out. */
char *string_table_words(const StringTable *t);

/* Defines NAME_table, NAME_to_string() and NAME_from_string() over the array NAME_words. */
#define DEFINE_STRING_TABLE(name, type)                                                           \
        const StringTable name##_table = { name##_words, ELEMENTSOF(name##_words) };              \
        const char *name##_to_string(type v) { return string_table_word(&name##_table, (int) v); } \
        type name##_from_string(const char *s) { return (type) string_table_value(&name##_table, s); }

#define DECLARE_STRING_TABLE(name, type)                                                          \
        extern const StringTable name##_table;                                                    \
        const char *name##_to_string(type v) _pure_;                                              \
        type name##_from_string(const char *s) _pure_
