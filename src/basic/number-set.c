/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "number-set.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

unsigned number_set_count(const NumberSet *s) {
        unsigned n = 0;
        for (size_t i = 0; i < ELEMENTSOF(s->bits); i++)
                n += (unsigned) __builtin_popcountll(s->bits[i]);
        return n;
}

int number_set_last(const NumberSet *s) {
        for (unsigned i = NUMBER_SET_MAX; i > 0; i--)
                if (number_set_has(s, i - 1))
                        return (int) i - 1;
        return -1;
}

bool number_set_is_empty(const NumberSet *s) {
        return number_set_count(s) == 0;
}

void number_set_unite(NumberSet *s, const NumberSet *with) {
        for (size_t i = 0; i < ELEMENTSOF(s->bits); i++)
                s->bits[i] |= with->bits[i];
}

void number_set_intersect(NumberSet *s, const NumberSet *with) {
        for (size_t i = 0; i < ELEMENTSOF(s->bits); i++)
                s->bits[i] &= with->bits[i];
}

void number_set_subtract(NumberSet *s, const NumberSet *what) {
        for (size_t i = 0; i < ELEMENTSOF(s->bits); i++)
                s->bits[i] &= ~what->bits[i];
}

bool number_set_is_subset(const NumberSet *a, const NumberSet *b) {
        for (size_t i = 0; i < ELEMENTSOF(a->bits); i++)
                if (a->bits[i] & ~b->bits[i])
                        return false;
        return true;
}

bool number_set_overlaps(const NumberSet *a, const NumberSet *b) {
        for (size_t i = 0; i < ELEMENTSOF(a->bits); i++)
                if (a->bits[i] & b->bits[i])
                        return true;
        return false;
}

static int parse_range(char *s, unsigned *ret_from, unsigned *ret_to) {
        char *dash = strchr(s, '-');
        int r;

        if (dash)
                *dash = 0;
        r = parse_uint(s, ret_from);
        if (r < 0)
                return r;
        *ret_to = *ret_from;
        if (dash) {
                r = parse_uint(dash + 1, ret_to);
                if (r < 0)
                        return r;
        }
        if (*ret_to < *ret_from)
                return -EINVAL;
        return *ret_to < NUMBER_SET_MAX ? 0 : -ERANGE;
}

int number_set_parse(const char *s, NumberSet *ret) {
        _cleanup_strv_ char **parts = NULL;
        NumberSet set = {};
        int r;

        /* Commas that separate nothing are an error here, unlike for strv_split(). */
        if (*s == ',' || endswith(s, ",") || strstr(s, ",,"))
                return -EINVAL;
        r = strv_split(s, ",", &parts);
        if (r < 0)
                return r;
        STRV_FOREACH(p, parts) {
                char *part = *p + strspn(*p, WHITESPACE);
                size_t n = strlen(part);
                while (n > 0 && strchr(WHITESPACE, part[n - 1]))
                        part[--n] = 0;
                bool remove = *part == '^';
                unsigned from, to;
                r = parse_range(part + remove, &from, &to);
                if (r < 0)
                        return r;
                for (unsigned i = from; i <= to; i++)
                        (remove ? number_set_remove : number_set_add)(&set, i);
        }
        if (number_set_is_empty(&set))
                return -EINVAL;
        *ret = set;
        return 0;
}

/* A number and the blanks behind it. */
static int read_number(const char **s, unsigned *ret) {
        unsigned v = 0;

        if (**s < '0' || **s > '9')
                return -EINVAL;
        for (; **s >= '0' && **s <= '9'; (*s)++) {
                v = v * 10 + (unsigned) (**s - '0');
                if (v >= NUMBER_SET_MAX)
                        return -EINVAL;
        }
        *s += strspn(*s, WHITESPACE);
        *ret = v;
        return 0;
}

int number_set_parse_words(const char *s, NumberSet *ret) {
        NumberSet set = {};

        s += strspn(s, WHITESPACE);
        do {
                unsigned from, to;
                bool remove = *s == '^';
                s += remove;
                if (read_number(&s, &from) < 0)
                        return -EINVAL;
                to = from;
                if (*s == '-' && !remove) {
                        s++;
                        s += strspn(s, WHITESPACE);
                        if (read_number(&s, &to) < 0 || to < from)
                                return -EINVAL;
                }
                for (unsigned i = from; i <= to; i++)
                        (remove ? number_set_remove : number_set_add)(&set, i);
                if (*s && *s != ',')
                        return -EINVAL;
                if (*s)
                        s += 1 + strspn(s + 1, WHITESPACE);
        } while (*s);
        *ret = set;
        return 0;
}

char *number_set_format(const NumberSet *s) {
        _cleanup_text_ Text t = {};
        char *text;

        for (unsigned i = 0; i < NUMBER_SET_MAX; i++) {
                if (!number_set_has(s, i))
                        continue;
                unsigned last = i;
                while (number_set_has(s, last + 1))
                        last++;
                text_appendf(&t, "%s%u", t.length > 0 ? "," : "", i);
                if (last > i)
                        text_appendf(&t, "-%u", last);
                i = last;
        }
        return text_finish(&t, &text) < 0 ? NULL : text;
}
