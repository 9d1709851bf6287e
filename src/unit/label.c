/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label.h"
#include "siphash.h"
#include "string-util.h"

#define LEVEL_MAX 4096U

/* --- contexts --- */

void selinux_context_done(SelinuxContext *c) {
        free(c->user);
        free(c->role);
        free(c->type);
        free(c->level);
        *c = (SelinuxContext) {};
}

static bool is_context_word(const char *s, size_t n) {
        return n > 0 && n < 256 && strspn(s, ALPHANUMERICAL "_.-") >= n;
}

int selinux_context_parse(const char *s, SelinuxContext *ret) {
        _cleanup_selinux_context_ SelinuxContext c = {};
        char **const parts[] = { &c.user, &c.role, &c.type };

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                size_t n = strcspn(s, ":");
                if (!is_context_word(s, n) || (s[n] == 0 && i < 2))
                        return -EINVAL;
                *parts[i] = strndup(s, n);
                if (!*parts[i])
                        return -ENOMEM;
                s += n + (s[n] != 0);
        }
        if (*s) {
                if (strlen(s) > LEVEL_MAX || !in_charset(s, ALPHANUMERICAL "_.,:-"))
                        return -EINVAL;
                c.level = strdup(s);
                if (!c.level)
                        return -ENOMEM;
        }
        *ret = c;
        c = (SelinuxContext) {};
        return 0;
}

char *selinux_context_format(const SelinuxContext *c) {
        return strf("%s:%s:%s%s%s", c->user, c->role, c->type, c->level ? ":" : "", strempty(c->level));
}

int selinux_context_with_level(const char *s, const char *level, char **ret) {
        _cleanup_selinux_context_ SelinuxContext c = {};

        int r = selinux_context_parse(s, &c);
        if (r >= 0)
                r = free_and_strdup(&c.level, level);
        if (r < 0)
                return r;
        *ret = selinux_context_format(&c);
        return *ret ? 0 : -ENOMEM;
}

/* --- categories --- */

/* What is behind the sensitivity: "c1,c2" of "s0:c1,c2". */
static const char *skip_sensitivity(const char *level) {
        const char *colon = strchr(level, ':');

        return *level == 's' && colon ? colon + 1 : level;
}

int category_pair_parse(const char *level, CategoryPair *ret) {
        const char *s = skip_sensitivity(level);
        unsigned a, b;

        if (strchr(level, '-') || category_parse(&s, &a) < 0 || *s++ != ',' || category_parse(&s, &b) < 0 || *s || a == b)
                return -EINVAL;
        *ret = (CategoryPair) { MIN(a, b), MAX(a, b) };
        return 0;
}

void category_pair_format(CategoryPair pair, char ret[CATEGORY_PAIR_MAX]) {
        _cleanup_free_ char *s = strf("c%u,c%u", pair.low % CATEGORY_MAX, pair.high % CATEGORY_MAX);

        memset(ret, 0, CATEGORY_PAIR_MAX);
        if (s)
                memcpy(ret, s, MIN(strlen(s), CATEGORY_PAIR_MAX - 1));
}

int category_pair_of_context(const char *context, CategoryPair *ret) {
        _cleanup_selinux_context_ SelinuxContext c = {};

        int r = selinux_context_parse(context, &c);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return c.level && category_pair_parse(c.level, ret) >= 0;
}

/* --- sets of pairs --- */

#define PAIRS (CATEGORY_MAX * (CATEGORY_MAX - 1) / 2)

/* Pairs in the order of their greater number. */
static size_t pair_index(CategoryPair p) {
        return (size_t) p.high * (p.high - 1) / 2 + p.low;
}

static bool pair_is_valid(CategoryPair p) {
        return p.low < p.high && p.high < CATEGORY_MAX;
}

void category_pairs_done(CategoryPairs *s) {
        free(s->bits);
        *s = (CategoryPairs) {};
}

int category_pairs_add(CategoryPairs *s, CategoryPair pair) {
        if (!pair_is_valid(pair))
                return -EINVAL;
        if (!s->bits && !(s->bits = calloc(DIV_ROUND_UP(PAIRS, 64), sizeof(uint64_t))))
                return -ENOMEM;
        size_t i = pair_index(pair);
        s->bits[i / 64] |= UINT64_C(1) << (i % 64);
        return 0;
}

void category_pairs_remove(CategoryPairs *s, CategoryPair pair) {
        if (!s->bits || !pair_is_valid(pair))
                return;
        size_t i = pair_index(pair);
        s->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

bool category_pairs_has(const CategoryPairs *s, CategoryPair pair) {
        if (!s->bits || !pair_is_valid(pair))
                return false;
        size_t i = pair_index(pair);
        return s->bits[i / 64] >> (i % 64) & 1;
}

/* --- choice --- */

/* A walk through all pairs of a list. */
typedef struct PairWalk {
        unsigned list[CATEGORY_MAX];
        size_t n, low, high; /* positions */
} PairWalk;

static void walk_to(PairWalk *w, size_t k) {
        for (w->high = 1; k >= w->high; w->high++)
                k -= w->high;
        w->low = k;
}

static void walk_on(PairWalk *w) {
        if (++w->low < w->high)
                return;
        w->low = 0;
        if (++w->high == w->n)
                w->high = 1;
}

static uint64_t hash_name(const char *name) {
        static const uint8_t key[16] = "vmunit category";
        uint8_t digest[16];
        uint64_t n = 0;

        siphash128(name, strlen(name), key, digest);
        for (size_t i = 0; i < sizeof(n); i++)
                n = n << 8 | digest[i];
        return n;
}

int category_pair_choose(const char *name, const NumberSet *categories, LabelOwner owner, const CategoryPairs *taken,
                         CategoryPair *ret) {
        PairWalk w = {};

        for (unsigned c = 0; c < CATEGORY_MAX; c++)
                if (number_set_has(categories, c))
                        w.list[w.n++] = c;
        size_t pairs = w.n < 2 ? 0 : w.n * (w.n - 1) / 2;
        if (pairs == 0)
                return -ENOSPC;
        walk_to(&w, hash_name(name) % pairs);
        for (size_t i = 0; i < pairs; i++, walk_on(&w)) {
                CategoryPair p = { w.list[w.low], w.list[w.high] };
                if ((p.low + p.high) % 2 == (owner == LABEL_OF_DEFINITION ? 0U : 1U) && !category_pairs_has(taken, p)) {
                        *ret = p;
                        return 0;
                }
        }
        return -ENOSPC;
}
