/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "cli.h"

/* What a query answers, said once: each value with the name of its member and the text that virsh prints for it. Without
 * --json the text is printed, with it the value becomes a part of one document, which cli_run() prints when the verb
 * is done; cli_print() says nothing then. What a document looks like is written beside the verb (Verb.json), and in
 * vmunit(1). */

#define REPORT_DEPTH_MAX 8U

typedef struct Report {
        json_object *open[REPORT_DEPTH_MAX]; /* [0] is owned, each of the others is a part of the one before */
        unsigned depth; /* of the innermost one that is open */
} Report;

/* IS_LIST: the document is an array. */
int report_init(Report *r, bool is_list);
void report_done(Report *r);
#define _cleanup_report_ _cleanup_(report_done)

/* Prints the document; where the verb FAILED, only what it could say before that. */
void report_print(Cli *cli, const Report *r, bool failed);

/* A value with its text. KEY is NULL in a list; VALUE (NULL: null) is taken over. */
void report(Cli *cli, const char *key, json_object *value, const char *format, ...) _printf_(4, 5);
/* A value that has no text of its own. */
void report_value(Cli *cli, const char *key, json_object *value);
/* Values up to report_close() are parts of a new object or list, which is the member KEY, or the next item. */
void report_open(Cli *cli, const char *key, json_type type);
void report_close(Cli *cli);

/* S as a value, null if there is none. What is not UTF-8 is replaced: a path is bytes, JSON is not. */
json_object *report_text(const char *s);
/* "a,b" as a list. */
json_object *report_words(const char *s);
/* S, as a number if it IS_NUMBER. */
json_object *report_word(const char *s, bool is_number);
static inline json_object *report_u64(uint64_t v) {
        return json_object_new_uint64(v);
}
static inline json_object *report_bool(bool b) {
        return json_object_new_boolean(b);
}
