/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "categories.h"
#include "parse-util.h"
#include "string-util.h"
#include "text.h"

int category_parse(const char **s, unsigned *ret) {
        const char *p = *s;
        char digits[8];
        unsigned n;

        if (*p++ != 'c')
                return -EINVAL;
        size_t length = strspn(p, DIGITS);
        if (length == 0 || length >= sizeof(digits) || (length > 1 && *p == '0'))
                return -EINVAL;
        memcpy(digits, p, length);
        digits[length] = 0;
        int r = parse_uint(digits, &n);
        if (r < 0 || n >= CATEGORY_MAX)
                return -EINVAL;
        *s = p + length;
        *ret = n;
        return 0;
}

int categories_parse(const char *s, NumberSet *ret) {
        NumberSet set = {};
        unsigned first, last;

        for (;; s++) {
                if (category_parse(&s, &first) < 0)
                        return -EINVAL;
                last = first;
                if (*s == '.') {
                        s++;
                        if (category_parse(&s, &last) < 0 || last < first)
                                return -EINVAL;
                }
                for (; first <= last; first++)
                        number_set_add(&set, first);
                if (*s == 0)
                        break;
                if (*s != ',')
                        return -EINVAL;
        }
        *ret = set;
        return 0;
}

char *categories_format(const NumberSet *s) {
        _cleanup_text_ Text t = {};
        char *text;

        for (unsigned c = 0; c < CATEGORY_MAX; c++) {
                unsigned last = c;
                if (!number_set_has(s, c))
                        continue;
                while (number_set_has(s, last + 1))
                        last++;
                text_appendf(&t, "%sc%u", t.length > 0 ? "," : "", c);
                if (last > c)
                        text_appendf(&t, "%cc%u", last > c + 1 ? '.' : ',', last);
                c = last;
        }
        return text_finish(&t, &text) < 0 ? NULL : text;
}
