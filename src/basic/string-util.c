/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "string-util.h"

bool endswith(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);
        return n >= m && streq(s + n - m, suffix);
}

int free_and_strdup(char **p, const char *s) {
        char *copy = NULL;

        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }
        free(*p);
        *p = copy;
        return 0;
}

char *strfv(const char *format, va_list ap) {
        char *s;

        return vasprintf(&s, format, ap) < 0 ? NULL : s;
}

char *strf(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        char *s = strfv(format, ap);
        va_end(ap);
        return s;
}

bool in_charset(const char *s, const char *allowed) {
        return s[strspn(s, allowed)] == 0;
}

size_t utf8_sequence(const void *p) {
        const unsigned char *s = p;

        if (s[0] < 0x80)
                return 1;
        size_t n = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : s[0] >= 0xe0 && s[0] <= 0xef ? 3 :
                                                     s[0] >= 0xc2 && s[0] <= 0xdf  ? 2 : 0;
        for (size_t i = 1; i < n; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
            (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
                return 0;
        return n;
}

bool utf8_is_printable(const char *s) {
        const unsigned char *p = (const unsigned char *) s;

        while (*p) {
                size_t n = utf8_sequence(p);
                if (n == 0 || *p < 0x20 || *p == 0x7f || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0))
                        return false;
                p += n;
        }
        return true;
}

char *string_printable(const char *s) {
        bool valid = utf8_is_printable(s);
        char *copy = strdup(s);

        for (unsigned char *p = (unsigned char *) copy; !valid && p && *p; p++) {
                size_t n = utf8_sequence(p);
                /* The second set of control characters, too. */
                bool control = *p < 0x20 || *p == 0x7f || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
                if (n > 0 && !control) {
                        p += n - 1;
                        continue;
                }
                for (size_t k = 0; k < MAX(n, (size_t) 1); k++)
                        p[k] = '?';
                p += n > 1 ? n - 1 : 0;
        }
        return copy;
}

void string_blank_controls(char *s) {
        for (; *s; s++) {
                /* The second set, in UTF-8: U+009B is as good as an escape and a bracket. */
                bool second = (unsigned char) s[0] == 0xc2 && (unsigned char) s[1] >= 0x80 && (unsigned char) s[1] < 0xa0;
                if ((unsigned char) *s < 0x20 || *s == 0x7f || second)
                        *s = ' ';
                if (second)
                        *++s = ' ';
        }
}
