/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <wchar.h>

#include "string-util.h"
#include "table.h"

int table_init(Table *t, const char *const *head) {
        *t = (Table) {};
        for (const char *const *h = head; *h; h++) {
                int r = table_add(t, *h);
                if (r < 0)
                        return r;
                t->n_columns++;
        }
        return 0;
}

int table_add(Table *t, const char *cell) {
        char *copy = strdup(cell);

        if (!copy || !ARRAY_GROW(t->cells, t->n_cells)) {
                free(copy);
                return -ENOMEM;
        }
        /* What users write into titles must not move the cursor. */
        for (char *p = copy; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        *p = ' ';
        t->cells[t->n_cells++] = copy;
        return 0;
}

int table_addf(Table *t, const char *format, ...) {
        _cleanup_free_ char *s = NULL;
        va_list ap;

        va_start(ap, format);
        int n = vasprintf(&s, format, ap);
        va_end(ap);
        return n < 0 ? -ENOMEM : table_add(t, s);
}

/* Columns on the screen, or bytes where the locale cannot tell. */
static size_t width(const char *s) {
        size_t w = 0, left = strlen(s);
        mbstate_t state = {};

        while (left > 0) {
                wchar_t c;
                size_t n = mbrtowc(&c, s, left, &state);
                if (n == 0 || n > left)
                        return w + left;
                int k = wcwidth(c);
                w += k < 0 ? 0 : (size_t) k;
                s += n;
                left -= n;
        }
        return w;
}

static void print_row(Cli *cli, const Table *t, size_t first, const size_t *widths) {
        for (size_t c = 0; c < t->n_columns; c++) {
                const char *cell = t->cells[first + c];
                if (c + 1 < t->n_columns)
                        cli_print(cli, " %s%*s", cell, (int) (widths[c] - width(cell) + 2), "");
                else
                        cli_print(cli, " %s\n", cell);
        }
}

void table_print(Cli *cli, const Table *t) {
        _cleanup_free_ size_t *widths = calloc(t->n_columns, sizeof(size_t));
        size_t total = 0;

        if (!widths)
                return;
        /* A head that is not printed does not count. */
        for (size_t i = cli->quiet ? t->n_columns : 0; i < t->n_cells; i++)
                widths[i % t->n_columns] = MAX(widths[i % t->n_columns], width(t->cells[i]));
        for (size_t c = 0; c < t->n_columns; c++)
                total += widths[c] + 3;

        if (!cli->quiet) {
                print_row(cli, t, 0, widths);
                for (size_t i = 0; i < total; i++)
                        cli_print(cli, "-");
                cli_print(cli, "\n");
        }
        for (size_t i = t->n_columns; i + t->n_columns <= t->n_cells; i += t->n_columns)
                print_row(cli, t, i, widths);
}

void table_done(Table *t) {
        for (size_t i = 0; i < t->n_cells; i++)
                free(t->cells[i]);
        free(t->cells);
        *t = (Table) {};
}
