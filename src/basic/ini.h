/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* Configuration files: [Section], Key=value, as systemd writes them (comments with # and ;, "\" at a line's end goes on
 * in the next), and `key = "value"` or `key = [ "a", "b" ]` (over several lines, too), as libvirt does. */

#define INI_FILE_MAX (1U << 20)
#define INI_VALUE_MAX 65536U

typedef struct IniLine {
        const char *file; /* for messages */
        unsigned number;
        const char *section; /* NULL before the first */
        const char *key;     /* NULL: the head of the section */
        const char *value;   /* without quotes; the items of a list separated by blanks */
        bool list;           /* it was written in brackets */
} IniLine;

/* Gets each head and each assignment; problems of theirs go into DIAG. Negative errno ends the file. */
typedef int (*IniFunction)(void *userdata, const IniLine *line, Diag *diag);

/* "FILE:LINE: …" is in the text of messages: there are several files, and one Diag. 0; -EINVAL when lines could not be
 * read, the others were handed over; or what FUNCTION returned. */
int ini_parse(const char *text, size_t size, const char *file, IniFunction function, void *userdata, Diag *diag);

int ini_error(Diag *diag, const IniLine *line, const char *format, ...) _printf_(3, 4);
int ini_warning(Diag *diag, const IniLine *line, const char *format, ...) _printf_(3, 4);
