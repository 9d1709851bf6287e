/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "qemu-options.h"
#include "string-util.h"

static void append_escaped(Text *t, const char *s) {
        for (; *s; s++) {
                if (*s == ',')
                        text_append_char(t, ',');
                text_append_char(t, *s);
        }
}

void options_word(Options *o, const char *word) {
        if (o->text.length > 0)
                text_append_char(&o->text, ',');
        append_escaped(&o->text, word);
}

void options_add(Options *o, const char *key, const char *value) {
        if (!value)
                return;
        if (o->text.length > 0)
                text_append_char(&o->text, ',');
        text_append(&o->text, key);
        text_append_char(&o->text, '=');
        append_escaped(&o->text, value);
}

void options_addf(Options *o, const char *key, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *s = strfv(format, ap);
        va_end(ap);
        if (s)
                options_add(o, key, s);
        else
                o->text.failed = true;
}

void options_bool(Options *o, const char *key, bool value) {
        options_add(o, key, value ? "on" : "off");
}

int options_finish(Options *o, char **ret) {
        return text_finish(&o->text, ret);
}

void options_done(Options *o) {
        text_done(&o->text);
}
