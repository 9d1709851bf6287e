/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "diag.h"
#include "string-util.h"
#include "text.h"

int diag_init(Diag *d, const char *file) {
        diag_done(d);
        return free_and_strdup(&d->file, file);
}

void diag_done(Diag *d) {
        FOREACH_ARRAY(e, d->entries, d->n_entries)
                free(e->text);
        free(d->entries);
        free(d->file);
        *d = (Diag) {};
}

void diag_truncate(Diag *d, size_t n) {
        if (!d)
                return;
        while (d->n_entries > n) {
                DiagEntry *e = d->entries + --d->n_entries;
                d->n_errors -= e->severity == DIAG_ERROR && d->n_errors > 0;
                free(e->text);
        }
}

static void diag_addv(Diag *d, DiagSeverity severity, SrcLoc loc, const char *format, va_list ap) {
        if (!d)
                return;
        if (severity == DIAG_ERROR)
                d->n_errors++;
        if (d->n_entries >= DIAG_ENTRIES_MAX || !ARRAY_GROW(d->entries, d->n_entries))
                return;

        DiagEntry e = { .severity = severity, .loc = loc };
        if (vasprintf(&e.text, format, ap) < 0)
                return;
        /* What is quoted from a definition must not be able to fake further lines or drive a terminal. */
        string_blank_controls(e.text);
        d->entries[d->n_entries++] = e;
}

int diag_error(Diag *d, SrcLoc loc, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        diag_addv(d, DIAG_ERROR, loc, format, ap);
        va_end(ap);
        return -EINVAL;
}

int diag_error_code(Diag *d, int code, SrcLoc loc, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        diag_addv(d, DIAG_ERROR, loc, format, ap);
        va_end(ap);
        return code;
}

int diag_warning(Diag *d, SrcLoc loc, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        diag_addv(d, DIAG_WARNING, loc, format, ap);
        va_end(ap);
        return 0;
}

static bool says(const Diag *d, const DiagEntry *e) {
        FOREACH_ARRAY(i, d->entries, d->n_entries)
                if (i->severity == e->severity && i->loc.line == e->loc.line && i->loc.column == e->loc.column && streq(i->text, e->text))
                        return true;
        return false;
}

void diag_add(Diag *d, const Diag *from) {
        FOREACH_ARRAY(e, from->entries, from->n_entries)
                if (d && !says(d, e))
                        (void) (e->severity == DIAG_ERROR ? diag_error : diag_warning)(d, e->loc, "%s", e->text);
}

char *diag_entry_format(const Diag *d, const DiagEntry *e) {
        _cleanup_text_ Text t = {};
        char *s;

        if (d->file && e->loc.line > 0)
                text_appendf(&t, "%s:%u:%u: ", d->file, e->loc.line, e->loc.column);
        else if (d->file)
                text_appendf(&t, "%s: ", d->file);
        text_appendf(&t, "%s: %s", e->severity == DIAG_ERROR ? "error" : "warning", e->text);
        return text_finish(&t, &s) < 0 ? NULL : s;
}

const char *diag_first_error(const Diag *d) {
        FOREACH_ARRAY(e, d->entries, d->n_entries)
                if (e->severity == DIAG_ERROR)
                        return e->text;
        return NULL;
}
