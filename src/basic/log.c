/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "log.h"
#include "string-util.h"
#include "text.h"

static bool to_journal(void) {
        return getenv("JOURNAL_STREAM") != NULL;
}

static bool debug_enabled(void) {
        const char *s = getenv("VMUNIT_LOG_LEVEL");
        return s && strcmp(s, "debug") == 0;
}

static void log_line(int priority, int error, const char *format, va_list ap) {
        static const char *const words[] = {
                [LOG_EMERG] = "error: ", [LOG_ALERT] = "error: ", [LOG_CRIT] = "error: ", [LOG_ERR] = "error: ",
                [LOG_WARNING] = "warning: ", [LOG_NOTICE] = "", [LOG_INFO] = "", [LOG_DEBUG] = "debug: ",
        };
        _cleanup_text_ Text t = {};
        char body[1024];

        if (priority == LOG_DEBUG && !debug_enabled())
                return;
        (void) vsnprintf(body, sizeof(body), format, ap);
        /* One message is one line, whatever was quoted in it. */
        string_blank_controls(body);
        if (to_journal())
                text_appendf(&t, "<%d>%s", priority, body);
        else
                text_appendf(&t, "%s%s", words[priority & LOG_PRIMASK], body);
        if (error != 0)
                text_appendf(&t, ": %s", strerror(-error));
        text_append_char(&t, '\n');
        if (!t.failed) {
                ssize_t n = write(STDERR_FILENO, t.data, t.length);
                (void) n;
        }
}

void log_message(int priority, const char *format, ...) {
        int e = errno;
        va_list ap;

        va_start(ap, format);
        log_line(priority, 0, format, ap);
        va_end(ap);
        errno = e;
}

int log_errno(int priority, int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        log_line(priority, error, format, ap);
        va_end(ap);
        return error;
}
