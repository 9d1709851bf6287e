/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "string-util.h"
#include "strv.h"
#include "text.h"

size_t strv_length(char *const *l) {
        size_t n = 0;
        STRV_FOREACH(s, l)
                n++;
        return n;
}

bool strv_contains(char *const *l, const char *s) {
        STRV_FOREACH(i, l)
                if (streq(*i, s))
                        return true;
        return false;
}

bool strv_equal(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!streq(a[i], b[i]))
                        return false;
        return true;
}

int strv_consume(char ***l, char *s) {
        if (!s)
                return -ENOMEM;
        size_t n = strv_length(*l);
        char **p = reallocarray(*l, n + 2, sizeof(char *));
        if (!p) {
                free(s);
                return -ENOMEM;
        }
        p[n] = s;
        p[n + 1] = NULL;
        *l = p;
        return 0;
}

int strv_extend(char ***l, const char *s) {
        return strv_consume(l, strdup(s));
}

int strv_extendf(char ***l, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        char *s = strfv(format, ap);
        va_end(ap);
        return strv_consume(l, s);
}

/* Of what is put together here: L has N strings, and room up to the next power of two. Takes S over. */
static int append(char ***l, size_t *n, char *s) {
        if (!s)
                return -ENOMEM;
        if ((*n & (*n + 1)) == 0) {
                char **p = reallocarray(*l, 2 * *n + 2, sizeof(char *));
                if (!p) {
                        free(s);
                        return -ENOMEM;
                }
                *l = p;
        }
        (*l)[(*n)++] = s;
        (*l)[*n] = NULL;
        return 0;
}

int strv_split(const char *s, const char *separators, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        size_t count = 0;

        for (const char *p = s;;) {
                p += strspn(p, separators);
                size_t n = strcspn(p, separators);
                if (n == 0)
                        break;
                int r = append(&l, &count, strndup(p, n));
                if (r < 0)
                        return r;
                p += n;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

int strv_split_lines(const char *s, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        size_t count = 0;

        while (*s) {
                size_t n = strcspn(s, "\n");
                int r = append(&l, &count, strndup(s, n));
                if (r < 0)
                        return r;
                s += n + (s[n] == '\n');
        }
        *ret = TAKE_PTR(l);
        return 0;
}

char *strv_join(char *const *l, const char *separator) {
        _cleanup_text_ Text t = {};
        char *joined;

        STRV_FOREACH(s, l) {
                if (s != l)
                        text_append(&t, separator);
                text_append(&t, *s);
        }
        return text_finish(&t, &joined) < 0 ? NULL : joined;
}

static int compare_strings(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(char **l) {
        if (l)
                qsort(l, strv_length(l), sizeof(char *), compare_strings);
}

char **strv_free(char **l) {
        STRV_FOREACH(s, l)
                free(*s);
        free(l);
        return NULL;
}
