/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION /* where in our source a message was made helps nobody */
#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "journal.h"
#include "log.h"
#include "string-util.h"

#define FIELDS_MAX 10U

typedef struct Fields {
        char *texts[FIELDS_MAX]; /* owned */
        size_t n;
} Fields;

static void fields_done(Fields *f) {
        for (size_t i = 0; i < f->n; i++)
                free(f->texts[i]);
}

static void add_field(Fields *f, const char *name, const char *value) {
        if (value && f->n < FIELDS_MAX) {
                f->texts[f->n] = strf("%s=%s", name, value);
                if (f->texts[f->n])
                        f->n++;
        }
}

static int to_journal(const JournalContext *c, int priority, const char *message_id, const char *text) {
        _cleanup_(fields_done) Fields f = {};
        struct iovec iov[FIELDS_MAX];
        char level[2] = { (char) ('0' + (priority & 7)), 0 };

        /* Set by systemd for what it starts with a journal behind: elsewhere messages belong on stderr. */
        if (!getenv("JOURNAL_STREAM"))
                return -ENOTCONN;
        add_field(&f, "MESSAGE", text);
        add_field(&f, "PRIORITY", level);
        add_field(&f, "VM_NAME", c->name);
        add_field(&f, "VM_UUID", c->uuid);
        add_field(&f, "MESSAGE_ID", message_id);
        add_field(&f, "OBJECT_SYSTEMD_UNIT", c->unit);
        add_field(&f, "OBJECT_SYSTEMD_INVOCATION_ID", c->unit ? getenv("INVOCATION_ID") : NULL);
        add_field(&f, "SYSLOG_IDENTIFIER", program_invocation_short_name);
        for (size_t i = 0; i < f.n; i++)
                iov[i] = (struct iovec) { f.texts[i], strlen(f.texts[i]) };
        return sd_journal_sendv(iov, (int) f.n);
}

void journal_log(const JournalContext *c, int priority, const char *message_id, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        int n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return;
        }
        if (to_journal(c, priority, message_id, text) < 0)
                log_message(priority, "%s", text);
}

void journal_log_diag(const JournalContext *c, const char *message_id, const Diag *diag) {
        FOREACH_ARRAY(e, diag->entries, diag->n_entries) {
                bool error = e->severity == DIAG_ERROR;
                _cleanup_free_ char *text = diag_entry_format(diag, e);

                if (!text)
                        continue;
                if (to_journal(c, error ? LOG_ERR : LOG_WARNING, error ? message_id : NULL, text) < 0)
                        (void) fprintf(stderr, "%s\n", text);
        }
}
