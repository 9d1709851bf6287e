/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-util.h"
#include "text-diff.h"
#include "text.h"

#define CONTEXT 3U
#define CELLS_MAX (4U << 20) /* of the table below; what is larger is not compared line by line */

typedef struct Lines {
        const char **items; /* owned; not ended by NUL */
        size_t *sizes;      /* owned */
        size_t n;
} Lines;

static void lines_done(Lines *l) {
        free(l->items);
        free(l->sizes);
}

static int split(const char *text, Lines *l) {
        size_t n = 1;

        for (const char *p = text; *p; p++)
                n += *p == '\n';
        *l = (Lines) { .items = calloc(n, sizeof(char *)), .sizes = calloc(n, sizeof(size_t)) };
        if (!l->items || !l->sizes)
                return -ENOMEM;
        while (*text) {
                size_t size = strcspn(text, "\n");
                l->items[l->n] = text;
                l->sizes[l->n++] = size;
                text += size + (text[size] == '\n');
        }
        return 0;
}

static bool same(const Lines *a, size_t i, const Lines *b, size_t j) {
        return a->sizes[i] == b->sizes[j] && memcmp(a->items[i], b->items[j], a->sizes[i]) == 0;
}

typedef struct Diff {
        Lines a, b;
        bool *gone, *new; /* owned: lines of a, of b */
} Diff;

static void diff_done(Diff *d) {
        lines_done(&d->a);
        lines_done(&d->b);
        free(d->gone);
        free(d->new);
}

/* The longest common sequence of lines A[from…to_a[ and B[from…to_b[, by the table that everybody knows. */
static void mark(Diff *d, size_t from, size_t to_a, size_t to_b) {
        size_t n = to_a - from, m = to_b - from, width = m + 1;
        _cleanup_free_ unsigned *length = NULL;

        if (n > 0 && m > 0 && n + 1 <= CELLS_MAX / width)
                length = calloc((n + 1) * width, sizeof(unsigned));
        for (size_t i = n; length && i-- > 0;)
                for (size_t j = m; j-- > 0;)
                        length[i * width + j] = same(&d->a, from + i, &d->b, from + j) ? length[(i + 1) * width + j + 1] + 1 :
                                                MAX(length[(i + 1) * width + j], length[i * width + j + 1]);
        size_t i = 0, j = 0;
        while (i < n || j < m) {
                if (length && i < n && j < m && same(&d->a, from + i, &d->b, from + j)) {
                        i++;
                        j++;
                } else if (i < n && (!length || j == m || length[(i + 1) * width + j] >= length[i * width + j + 1]))
                        d->gone[from + i++] = true;
                else
                        d->new[from + j++] = true;
        }
}

static void append_line(Text *t, char sign, const Lines *l, size_t i) {
        text_append_char(t, sign);
        text_append_n(t, l->items[i], l->sizes[i]);
        text_append_char(t, '\n');
}

static void append_range(Text *t, char sign, size_t start, size_t n) {
        text_appendf(t, "%c%zu", sign, n == 0 ? start : start + 1);
        if (n != 1)
                text_appendf(t, ",%zu", n);
}

/* One hunk: from line I of A and J of B on. Both are moved behind it. */
static void append_hunk(Text *t, const Diff *d, size_t *i, size_t *j) {
        size_t a = *i, b = *j, quiet = 0;

        while ((a < d->a.n || b < d->b.n) && quiet <= 2 * CONTEXT) {
                if (a < d->a.n && d->gone[a]) {
                        a++;
                        quiet = 0;
                } else if (b < d->b.n && d->new[b]) {
                        b++;
                        quiet = 0;
                } else {
                        a++;
                        b++;
                        quiet++;
                }
        }
        /* No more than three lines behind the last change. */
        size_t extra = quiet > CONTEXT ? quiet - CONTEXT : 0, end_a = a - extra, end_b = b - extra;

        text_append(t, "@@ ");
        append_range(t, '-', *i, end_a - *i);
        text_append_char(t, ' ');
        append_range(t, '+', *j, end_b - *j);
        text_append(t, " @@\n");
        for (a = *i, b = *j; a < end_a || b < end_b;) {
                if (a < end_a && d->gone[a])
                        append_line(t, '-', &d->a, a++);
                else if (b < end_b && d->new[b])
                        append_line(t, '+', &d->b, b++);
                else {
                        append_line(t, ' ', &d->a, a++);
                        b++;
                }
        }
        *i = end_a;
        *j = end_b;
}

static void append_hunks(Text *t, const Diff *d) {
        size_t i = 0, j = 0, free_lines = 0; /* unchanged since the last hunk */

        while (i < d->a.n || j < d->b.n) {
                if (!(i < d->a.n && d->gone[i]) && !(j < d->b.n && d->new[j])) {
                        i++;
                        j++;
                        free_lines++;
                        continue;
                }
                size_t before = MIN(free_lines, (size_t) CONTEXT);
                i -= before;
                j -= before;
                append_hunk(t, d, &i, &j);
                free_lines = 0;
        }
}

int text_diff(const char *a, const char *b, const char *name_a, const char *name_b, char **ret) {
        _cleanup_(diff_done) Diff d = {};
        _cleanup_text_ Text t = {};
        size_t from = 0;

        int r = split(a, &d.a);
        if (r >= 0)
                r = split(b, &d.b);
        if (r < 0)
                return r;
        d.gone = calloc(d.a.n + 1, sizeof(bool));
        d.new = calloc(d.b.n + 1, sizeof(bool));
        if (!d.gone || !d.new)
                return -ENOMEM;
        size_t to_a = d.a.n, to_b = d.b.n;
        while (from < to_a && from < to_b && same(&d.a, from, &d.b, from))
                from++;
        while (to_a > from && to_b > from && same(&d.a, to_a - 1, &d.b, to_b - 1)) {
                to_a--;
                to_b--;
        }
        if (from < to_a || from < to_b) {
                mark(&d, from, to_a, to_b);
                text_appendf(&t, "--- %s\n+++ %s\n", name_a, name_b);
                append_hunks(&t, &d);
        }
        return text_finish(&t, ret);
}
