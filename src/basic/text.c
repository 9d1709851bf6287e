/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

static bool text_reserve(Text *t, size_t n) {
        if (t->failed)
                return false;
        if (n >= SIZE_MAX / 2 - t->length) {
                t->failed = true;
                return false;
        }
        size_t needed = t->length + n + 1;
        if (needed <= t->capacity)
                return true;

        size_t capacity = MAX(needed, MAX(t->capacity * 2, (size_t) 64));
        char *data = realloc(t->data, capacity);
        if (!data) {
                t->failed = true;
                return false;
        }
        t->data = data;
        t->capacity = capacity;
        return true;
}

void text_append_n(Text *t, const char *s, size_t n) {
        if (!text_reserve(t, n))
                return;
        memcpy(t->data + t->length, s, n);
        t->length += n;
        t->data[t->length] = 0;
}

void text_append(Text *t, const char *s) {
        text_append_n(t, s, strlen(s));
}

void text_append_char(Text *t, char c) {
        text_append_n(t, &c, 1);
}

void text_append_shell(Text *t, const char *s) {
        if (*s && !s[strcspn(s, " \t\r\n!\"#$&'()*;<>?[\\]^`{|}~")]) {
                text_append(t, s);
                return;
        }
        text_append_char(t, '\'');
        for (; *s; s++)
                if (*s == '\'')
                        text_append(t, "'\\''");
                else
                        text_append_char(t, *s);
        text_append_char(t, '\'');
}

void text_appendf(Text *t, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        int n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        if (n < 0) {
                t->failed = true;
                return;
        }
        if (!text_reserve(t, n))
                return;
        va_start(ap, format);
        (void) vsnprintf(t->data + t->length, n + 1, format, ap);
        va_end(ap);
        t->length += n;
}

int text_finish(Text *t, char **ret) {
        if (!text_reserve(t, 0)) {
                text_done(t);
                return -ENOMEM;
        }
        t->data[t->length] = 0;
        *ret = TAKE_PTR(t->data);
        *t = (Text) {};
        return 0;
}

void text_done(Text *t) {
        free(t->data);
        *t = (Text) {};
}
