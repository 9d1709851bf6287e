/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "report.h"

/* A table as virsh prints it: " Id   Name   State", a line of dashes, one row per line. */
typedef struct TableColumn {
        const char *title, *key; /* as text; in JSON */
} TableColumn;

typedef struct TableCell {
        char *text; /* owned */
        json_object *value; /* owned */
} TableCell;

typedef struct Table {
        const TableColumn *columns; /* not owned */
        size_t n_columns;
        TableCell *cells; /* owned, row by row; the first row is the head */
        size_t n_cells;
} Table;

/* HEAD: the columns, up to one without a title. */
int table_init(Table *t, const TableColumn *head);
/* Adds a cell (copied). Rows are complete when printed. */
int table_add(Table *t, const char *cell);
/* A cell with the value it stands for (taken over; NULL: null) in JSON. */
int table_add_value(Table *t, const char *cell, json_object *value);
int table_add_number(Table *t, uint64_t number);
/* TEXT, or "-" and null if there is none. */
int table_add_text(Table *t, const char *text);
/* The head is left out with --quiet. With --json, each row is an object in the list that is open. */
void table_print(Cli *cli, const Table *t);
void table_done(Table *t);
#define _cleanup_table_ _cleanup_(table_done)
