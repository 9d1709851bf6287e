/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
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

int host_read_file(size_t max, char **ret, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *path = strfv(format, ap);
        va_end(ap);
        return path ? read_file_limited(AT_FDCWD, path, max, ret, NULL) : -ENOMEM;
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

uint64_t host_find_amount(const char *text, const char *key) {
        unsigned long long kib;

        for (const char *p = text; p && (p = strstr(p, key)); p++)
                if (p == text || p[-1] == '\n' || p[-1] == ' ')
                        return sscanf(p + strlen(key), " %llu", &kib) == 1 && kib <= UINT64_MAX / 1024 ? kib * 1024 : 0;
        return 0;
}

/* "name            :          10000.553380", in milliseconds. */
static bool parse_sched_line(const char *line, const char *key, uint64_t *ret_nsec) {
        size_t name = strcspn(line, " :\n"), size = strlen(key);
        unsigned long long msec;
        unsigned nsec;

        if (name < size || strncmp(line + name - size, key, size) != 0 || (name > size && line[name - size - 1] != '.'))
                return false;
        const char *value = line + name + strspn(line + name, " ");
        if (*value != ':' || sscanf(value + 1, " %12llu.%6u", &msec, &nsec) != 2)
                return false;
        *ret_nsec = msec * 1000000 + nsec;
        return true;
}

int host_read_sched(const char *root, const char *process, const char *key, uint64_t *ret_nsec) {
        _cleanup_free_ char *text = host_read_text("%s/proc/%s/sched", root, process);

        for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                if (parse_sched_line(line, key, ret_nsec))
                        return 0;
        return -ENODATA;
}
