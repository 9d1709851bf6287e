/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <wchar.h>

#include "string-util.h"
#include "table.h"

int table_init(Table *t, const TableColumn *head) {
        *t = (Table) { .columns = head };
        for (const TableColumn *c = head; c->title; c++) {
                int r = table_add(t, c->title);
                if (r < 0)
                        return r;
                t->n_columns++;
        }
        return 0;
}

int table_add_value(Table *t, const char *cell, json_object *value) {
        char *copy = strdup(cell);

        if (!copy || !ARRAY_GROW(t->cells, t->n_cells)) {
                free(copy);
                json_object_put(value);
                return -ENOMEM;
        }
        /* What users write into titles must not move the cursor. */
        string_blank_controls(copy);
        t->cells[t->n_cells++] = (TableCell) { .text = copy, .value = value };
        return 0;
}

int table_add(Table *t, const char *cell) {
        return table_add_value(t, cell, report_text(cell));
}

int table_add_number(Table *t, uint64_t number) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%" PRIu64, number);
        return table_add_value(t, text, report_u64(number));
}

int table_add_text(Table *t, const char *text) {
        return table_add_value(t, text ?: "-", report_text(text));
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
                const char *cell = t->cells[first + c].text;
                if (c + 1 < t->n_columns)
                        cli_print(cli, " %s%*s", cell, (int) (widths[c] - width(cell) + 2), "");
                else
                        cli_print(cli, " %s\n", cell);
        }
}

static void report_row(Cli *cli, const Table *t, size_t first) {
        report_open(cli, NULL, json_type_object);
        for (size_t c = 0; c < t->n_columns; c++)
                report_value(cli, t->columns[c].key, json_object_get(t->cells[first + c].value));
        report_close(cli);
}

void table_print(Cli *cli, const Table *t) {
        _cleanup_free_ size_t *widths = calloc(t->n_columns, sizeof(size_t));
        size_t total = 0;

        if (!widths)
                return;
        /* A head that is not printed does not count. */
        for (size_t i = cli->quiet ? t->n_columns : 0; i < t->n_cells; i++)
                widths[i % t->n_columns] = MAX(widths[i % t->n_columns], width(t->cells[i].text));
        for (size_t i = t->n_columns; cli->report && i + t->n_columns <= t->n_cells; i += t->n_columns)
                report_row(cli, t, i);
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
        FOREACH_ARRAY(c, t->cells, t->n_cells) {
                free(c->text);
                json_object_put(c->value);
        }
        free(t->cells);
        *t = (Table) {};
}
