/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-table.h"
#include "string-util.h"
#include "text.h"

const char *string_table_word(const StringTable *t, int value) {
        return value >= 0 && (size_t) value < t->n_words ? t->words[value] : NULL;
}

int string_table_value(const StringTable *t, const char *word) {
        if (!word)
                return -EINVAL;
        for (size_t i = 0; i < t->n_words; i++)
                if (t->words[i] && streq(t->words[i], word))
                        return (int) i;
        return -EINVAL;
}

char *string_table_words(const StringTable *t) {
        _cleanup_text_ Text text = {};
        char *s;

        for (size_t i = 0; i < t->n_words; i++) {
                if (!t->words[i])
                        continue;
                if (text.length > 0)
                        text_append(&text, ", ");
                text_append(&text, t->words[i]);
        }
        return text_finish(&text, &s) < 0 ? NULL : s;
}
