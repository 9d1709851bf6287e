/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

/* A table as virsh prints it: " Id   Name   State", a line of dashes, one row per line. */
typedef struct Table {
        size_t n_columns;
        char **cells; /* owned, row by row; the first row is the head */
        size_t n_cells;
} Table;

/* HEAD: the titles of the columns, up to NULL. */
int table_init(Table *t, const char *const *head);
/* Adds a cell (copied). Rows are complete when printed. */
int table_add(Table *t, const char *cell);
int table_addf(Table *t, const char *format, ...) _printf_(2, 3);
/* The head is left out with --quiet. */
void table_print(Cli *cli, const Table *t);
void table_done(Table *t);
#define _cleanup_table_ _cleanup_(table_done)
