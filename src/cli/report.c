/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>

#include "parse-util.h"
#include "report.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

int report_init(Report *r, bool is_list) {
        *r = (Report) {};
        r->open[0] = is_list ? json_object_new_array() : json_object_new_object();
        return r->open[0] ? 0 : -ENOMEM;
}

void report_done(Report *r) {
        json_object_put(r->open[0]);
        *r = (Report) {};
}

void report_print(Cli *cli, const Report *r, bool failed) {
        json_object *o = r->open[0];
        bool empty = json_object_is_type(o, json_type_array) ? json_object_array_length(o) == 0 : json_object_object_length(o) == 0;

        if (failed && empty)
                return;
        (void) fprintf(cli->out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

void report_value(Cli *cli, const char *key, json_object *value) {
        if (!cli->report) {
                json_object_put(value);
                return;
        }
        json_object *o = cli->report->open[cli->report->depth];
        assert((key == NULL) == (bool) json_object_is_type(o, json_type_array));
        if (key)
                (void) json_object_object_add(o, key, value);
        else
                (void) json_object_array_add(o, value);
}

void report(Cli *cli, const char *key, json_object *value, const char *format, ...) {
        va_list ap;

        report_value(cli, key, value);
        if (cli->report)
                return;
        va_start(ap, format);
        (void) vfprintf(cli->out, format, ap);
        va_end(ap);
}

void report_open(Cli *cli, const char *key, json_type type) {
        if (!cli->report)
                return;
        json_object *o = type == json_type_array ? json_object_new_array() : json_object_new_object();
        assert(cli->report->depth + 1 < REPORT_DEPTH_MAX);
        report_value(cli, key, o);
        cli->report->open[++cli->report->depth] = o;
}

void report_close(Cli *cli) {
        if (!cli->report)
                return;
        assert(cli->report->depth > 0);
        cli->report->depth--;
}

json_object *report_text(const char *s) {
        _cleanup_free_ char *copy = NULL;
        _cleanup_text_ Text t = {};

        if (!s)
                return NULL;
        while (*s) {
                size_t n = utf8_sequence(s);
                if (n == 0)
                        text_append(&t, "\xef\xbf\xbd");
                else
                        text_appendf(&t, "%.*s", (int) n, s);
                s += MAX(n, (size_t) 1);
        }
        return text_finish(&t, &copy) < 0 ? NULL : json_object_new_string(strempty(copy));
}

json_object *report_word(const char *s, bool is_number) {
        uint64_t u;

        if (is_number && parse_u64(s, 10, &u) >= 0)
                return json_object_new_uint64(u);
        if (is_number && *s == '-' && parse_u64(s + 1, 10, &u) >= 0 && u <= INT64_MAX)
                return json_object_new_int64(-(int64_t) u);
        return report_text(s);
}

json_object *report_words(const char *s) {
        json_object *list = json_object_new_array();
        _cleanup_strv_ char **words = NULL;

        if (strv_split(s, ",", &words) < 0)
                return list;
        STRV_FOREACH(w, words)
                (void) json_object_array_add(list, report_text(*w));
        return list;
}
