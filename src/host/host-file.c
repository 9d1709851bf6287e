/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "file-util.h"
#include "host-file.h"
#include "string-util.h"

#define SMALL_MAX (64U * 1024U)

static char *read_small(const char *format, va_list ap) {
        _cleanup_free_ char *path = strfv(format, ap);
        char *text = NULL;

        return path && read_file_limited(AT_FDCWD, path, SMALL_MAX, &text, NULL) >= 0 ? text : NULL;
}

char *host_read_text(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        char *text = read_small(format, ap);
        va_end(ap);
        return text;
}

char *host_read_line(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        char *text = read_small(format, ap);
        va_end(ap);
        if (text)
                text[strcspn(text, "\n")] = 0;
        return text;
}

void host_read_set(NumberSet *ret, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *text = read_small(format, ap);
        va_end(ap);
        if (text)
                text[strcspn(text, "\n")] = 0;
        if (!text || number_set_parse(text, ret) < 0)
                *ret = (NumberSet) {};
}
