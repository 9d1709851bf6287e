/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "ini.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

typedef struct Reader {
        char *const *lines; /* of the file */
        size_t at;
        IniLine line;
        char *section; /* owned */
        IniFunction function;
        void *userdata;
        Diag *diag;
        bool wrong;
} Reader;

int ini_error(Diag *diag, const IniLine *line, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *text = strfv(format, ap);
        va_end(ap);
        return diag_error(diag, (SrcLoc) {}, "%s:%u: %s", line->file, line->number, strempty(text));
}

int ini_warning(Diag *diag, const IniLine *line, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *text = strfv(format, ap);
        va_end(ap);
        return diag_warning(diag, (SrcLoc) {}, "%s:%u: %s", line->file, line->number, strempty(text));
}

static char *strip(char *s) {
        size_t n;

        s += strspn(s, WHITESPACE);
        for (n = strlen(s); n > 0 && strchr(WHITESPACE, s[n - 1]); n--)
                ;
        s[n] = 0;
        return s;
}

static bool is_comment(const char *s) {
        return *s == '#' || *s == ';';
}

/* What may stand behind a closing quote or bracket. */
static bool is_end(const char *s) {
        s += strspn(s, WHITESPACE);
        return !*s || *s == '#';
}

static int bad_line(Reader *r, const char *what) {
        r->wrong = true;
        (void) ini_error(r->diag, &r->line, "%s", what);
        return 0;
}

/* The next line of something that goes on, without what is around it; NULL at the end of the file. Comments between are
 * none of it. */
static char *next_line(Reader *r) {
        while (r->lines[r->at]) {
                char *s = strip(r->lines[r->at++]);
                if (!is_comment(s))
                        return s;
        }
        return NULL;
}

/* "…\" and the lines behind it: one line. */
static int join_lines(Reader *r, char *first, char **ret) {
        _cleanup_text_ Text t = {};

        for (char *s = first; s;) {
                bool more = endswith(s, "\\");
                text_append_n(&t, s, strlen(s) - more);
                if (!more)
                        break;
                text_append_char(&t, ' ');
                s = next_line(r);
        }
        return text_finish(&t, ret);
}

/* [ "a", "b" ], which may be spread over lines. Blanks in items are not possible: no list has such items. */
static int read_list(Reader *r, char *s, char **ret) {
        _cleanup_text_ Text t = {};

        for (s++; s; s = next_line(r)) {
                const char *end = strchr(s, ']');
                size_t n = end ? (size_t) (end - s) : strcspn(s, "#");
                for (size_t i = 0; i < n; i++)
                        text_append_char(&t, strchr("\",", s[i]) ? ' ' : s[i]);
                text_append_char(&t, ' ');
                if (end)
                        return is_end(end + 1) ? text_finish(&t, ret) : -EINVAL;
        }
        return -EINVAL;
}

static int read_value(Reader *r, char *s, char **ret) {
        if (*s == '[')
                return read_list(r, s, ret);
        if (*s != '"') {
                /* A number of libvirt's may have a comment behind it, with a blank before. */
                size_t digits = strspn(s, DIGITS);
                bool commented = digits > 0 && strchr(WHITESPACE, s[digits]) && is_end(s + digits);
                *ret = commented ? strndup(s, digits) : strdup(s);
                return *ret ? 0 : -ENOMEM;
        }
        const char *end = strchr(s + 1, '"');
        if (!end || !is_end(end + 1))
                return -EINVAL;
        *ret = strndup(s + 1, (size_t) (end - s) - 1);
        return *ret ? 0 : -ENOMEM;
}

static int read_section(Reader *r, char *s) {
        char *end = strchr(s, ']');

        r->line.section = NULL;
        r->section = mfree(r->section);
        if (!end || end == s + 1 || !is_end(end + 1))
                return bad_line(r, "the head of a section is [Name]");
        r->section = strndup(s + 1, (size_t) (end - s) - 1);
        if (!r->section)
                return -ENOMEM;
        r->line.section = r->section;
        r->line.key = r->line.value = NULL;
        return r->function(r->userdata, &r->line, r->diag);
}

static int read_assignment(Reader *r, char *s) {
        _cleanup_free_ char *value = NULL;
        char *equals = strchr(s, '=');

        if (!equals || equals == s)
                return bad_line(r, "neither a [Section] nor an assignment, Key=value");
        *equals = 0;
        char *key = strip(s), *text = strip(equals + 1);
        r->line.list = *text == '[';
        int k = read_value(r, text, &value);
        if (k == -ENOMEM)
                return k;
        if (k < 0)
                return bad_line(r, r->line.list ? "a list begins with [ and ends with ]" :
                                                  "a value that begins with \" ends with \"");
        if (strlen(value) > INI_VALUE_MAX)
                return bad_line(r, "the value is too long");
        r->line.key = key;
        r->line.value = strip(value);
        return r->function(r->userdata, &r->line, r->diag);
}

static int read_line(Reader *r) {
        _cleanup_free_ char *joined = NULL;

        r->line.number = (unsigned) r->at + 1;
        char *s = strip(r->lines[r->at++]);
        if (!*s || is_comment(s))
                return 0;
        int k = join_lines(r, s, &joined);
        if (k < 0)
                return k;
        s = strip(joined);
        return *s == '[' ? read_section(r, s) : read_assignment(r, s);
}

int ini_parse(const char *text, size_t size, const char *file, IniFunction function, void *userdata, Diag *diag) {
        Reader r = { .line = { .file = file, .number = 1 }, .function = function, .userdata = userdata, .diag = diag };
        _cleanup_strv_ char **lines = NULL;

        if (size > INI_FILE_MAX)
                return ini_error(diag, &r.line, "more than %u bytes", INI_FILE_MAX);
        if (strlen(text) != size)
                return ini_error(diag, &r.line, "not a text: there is a NUL in it");
        int k = strv_split_lines(startswith(text, "\xef\xbb\xbf") ?: text, &lines);
        r.lines = lines;
        while (k >= 0 && lines && lines[r.at])
                k = read_line(&r);
        free(r.section);
        return k < 0 ? k : r.wrong ? -EINVAL : 0;
}
