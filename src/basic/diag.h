/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* Where something stands in a definition; {} when it stands nowhere. Lines and columns count from 1,
 * columns in bytes, as compilers do. */
typedef struct SrcLoc {
        unsigned line;
        unsigned column;
} SrcLoc;

typedef enum DiagSeverity {
        DIAG_ERROR,
        DIAG_WARNING,
} DiagSeverity;

typedef struct DiagEntry {
        DiagSeverity severity;
        SrcLoc loc;
        char *text; /* owned */
} DiagEntry;

/* What there is to say about one definition, for people. Functions of the pure core add to it and go on
 * where they can, so that all problems are reported at once. NULL is allowed wherever a Diag is taken. */
typedef struct Diag {
        char *file; /* owned; NULL when the definition has no name */
        DiagEntry *entries; /* owned, n_entries */
        size_t n_entries;
        size_t n_errors;
} Diag;

/* Forgets everything and begins with FILE (copied, may be NULL). 0 or -ENOMEM. */
int diag_init(Diag *d, const char *file);
void diag_done(Diag *d);
#define _cleanup_diag_ _cleanup_(diag_done)

/* Forgets all but the first N entries, errors among them as well. */
void diag_truncate(Diag *d, size_t n);

/* Adds an error and returns -EINVAL, so that `return diag_error(d, loc, …)` reads well. After
 * DIAG_ENTRIES_MAX entries further ones are counted but not kept. */
int diag_error(Diag *d, SrcLoc loc, const char *format, ...) _printf_(3, 4);
/* The same with an error number of the caller's, negative. */
int diag_error_code(Diag *d, int code, SrcLoc loc, const char *format, ...) _printf_(4, 5);
/* Adds a warning and returns 0. */
int diag_warning(Diag *d, SrcLoc loc, const char *format, ...) _printf_(3, 4);

/* Adds what FROM says and D does not say yet. */
void diag_add(Diag *d, const Diag *from);

#define DIAG_ENTRIES_MAX 100U

/* "web.xml:3:5: error: text" (newline not included). NULL when memory is out. */
char *diag_entry_format(const Diag *d, const DiagEntry *e);
/* The first error's text without the place, or NULL. */
const char *diag_first_error(const Diag *d);
