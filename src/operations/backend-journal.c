/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <syslog.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#include "backend-journal.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "systemd.h"
#include "time-util.h"

#define LINES_MAX 5U
#define JOURNAL_WAIT_USEC (UINT64_C(2000) * 1000)
#define SCAN_MAX 500U /* entries looked at, from the newest back */

/* The id of the unit's last run. On the bus it is 16 bytes. */
static int get_invocation(sd_bus *bus, const char *unit, char ret[33]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *path = systemd_unit_path(unit);
        const void *bytes;
        sd_id128_t id;
        size_t n;

        if (!path)
                return -ENOMEM;
        int r = sd_bus_get_property(bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit",
                                    "InvocationID", NULL, &reply, "ay");
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &bytes, &n);
        if (r < 0)
                return r;
        if (n != sizeof(id.bytes))
                return -ENODATA;
        memcpy(id.bytes, bytes, n);
        if (sd_id128_is_null(id))
                return -ENODATA;
        sd_id128_to_string(id, ret);
        return 0;
}

static char *get_field(sd_journal *j, const char *field) {
        const void *data;
        size_t n, skip = strlen(field) + 1;

        if (sd_journal_get_data(j, field, &data, &n) < 0 || n < skip)
                return NULL;
        return strndup((const char *) data + skip, n - skip);
}

/* Those are already gone when a unit's processes wrote into the journal: "error: " of programs that do not know
 * that they write to it. */
static const char *without_prefix(const char *message) {
        return startswith(message, "error: ") ?: message;
}

/* Errors, and what QEMU says on its stderr, which the journal takes for information. */
static bool is_reason(const char *priority, const char *message) {
        return (priority && atoi(priority) <= LOG_ERR) || startswith(message, "qemu-system-");
}

static int collect_errors(sd_journal *j, char *lines[LINES_MAX]) {
        unsigned n = 0;

        sd_journal_seek_tail(j);
        for (unsigned i = 0; i < SCAN_MAX && n < LINES_MAX && sd_journal_previous(j) > 0; i++) {
                _cleanup_free_ char *priority = get_field(j, "PRIORITY"), *message = NULL;

                message = get_field(j, "MESSAGE");
                /* It goes to the terminal of who has asked for the start, and QEMU may have written it. */
                if (message && is_reason(priority, message) && (lines[n] = string_printable(message)))
                        n++;
        }
        return (int) n;
}

/* What the unit's processes wrote, not what systemd says about it: that is only that it failed. Root's steps say for
 * themselves which run they belong to (src/host/journal.h). */
static int open_journal(const char *invocation, sd_journal **ret) {
        _cleanup_(sd_journal_closep) sd_journal *j = NULL;
        _cleanup_free_ char *own = strf("_SYSTEMD_INVOCATION_ID=%s", invocation);
        _cleanup_free_ char *said = strf("OBJECT_SYSTEMD_INVOCATION_ID=%s", invocation);
        char own_uid[32];

        (void) snprintf(own_uid, sizeof(own_uid), "_UID=%u", vm_is_session() ? getuid() : 0);
        if (!own || !said)
                return -ENOMEM;
        int r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | (vm_is_session() ? SD_JOURNAL_CURRENT_USER : SD_JOURNAL_SYSTEM));
        if (r >= 0)
                r = sd_journal_add_match(j, own, 0);
        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        if (r >= 0)
                r = sd_journal_add_match(j, said, 0);
        if (r >= 0)
                r = sd_journal_add_match(j, own_uid, 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(j);
        return 0;
}

/* A transient unit that fails is gone at once, and the bus knows nothing of its run any more. What systemd wrote about
 * UNIT since then names it. */
static int invocation_of_journal(const char *unit, uint64_t since_usec, uint64_t until_usec, char ret[33]) {
        _cleanup_(sd_journal_closep) sd_journal *j = NULL;
        _cleanup_free_ char *about = strf("UNIT=%s", unit);

        if (!about)
                return -ENOMEM;
        int r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = sd_journal_add_match(j, "_PID=1", 0);
        if (r >= 0)
                r = sd_journal_add_match(j, about, 0);
        while (r >= 0) {
                _cleanup_free_ char *invocation = NULL;
                sd_id128_t boot, id;
                uint64_t usec, now;

                sd_journal_seek_tail(j);
                if (sd_journal_previous(j) > 0 && sd_journal_get_monotonic_usec(j, &usec, &boot) >= 0 && usec >= since_usec)
                        invocation = get_field(j, "INVOCATION_ID");
                if (invocation && sd_id128_from_string(invocation, &id) >= 0) {
                        sd_id128_to_string(id, ret);
                        return 0;
                }
                now = now_usec();
                if (now >= until_usec)
                        return -ENODATA;
                r = sd_journal_wait(j, until_usec - now);
        }
        return r;
}

/* Not everybody may read the journal, a user's own part of it included; the first error of the prepare step is in the unit's
 * status as well. What the supervisor says there of a VM that runs is no error. */
static int explain_by_status(sd_bus *bus, const char *unit, Diag *diag) {
        _cleanup_free_ char *text = NULL;
        uint32_t code;

        if (!vm_is_session() || systemd_get_u32(bus, unit, "Service", "ExecMainPID", &code) < 0 || code > 0 ||
            systemd_get_string(bus, unit, "Service", "StatusText", &text) < 0 || !*text)
                return 0;
        (void) diag_error(diag, (SrcLoc) {}, "%s", text);
        return 1;
}

int journal_explain_failure(sd_bus *bus, const char *unit, uint64_t since_usec, Diag *diag) {
        _cleanup_(sd_journal_closep) sd_journal *j = NULL;
        uint64_t until = now_usec() + JOURNAL_WAIT_USEC;
        char *lines[LINES_MAX] = {};
        char invocation[33];

        int r = get_invocation(bus, unit, invocation);
        if (r < 0 && !vm_is_session())
                r = invocation_of_journal(unit, since_usec, until, invocation);
        if (r >= 0)
                r = open_journal(invocation, &j);
        if (r < 0)
                return explain_by_status(bus, unit, diag);
        /* The job's end may be known here before the journal has written what came before it. */
        for (;;) {
                r = collect_errors(j, lines);
                uint64_t now = now_usec();
                if (r != 0 || now >= until || sd_journal_wait(j, until - now) < 0)
                        break;
        }
        for (int i = r - 1; i >= 0; i--) {
                diag_error(diag, (SrcLoc) {}, "%s", without_prefix(lines[i]));
                free(lines[i]);
        }
        return r > 0 ? r : explain_by_status(bus, unit, diag);
}

/* --- the last lines --- */

/* What systemd's own tools show of a unit: what its processes wrote, what systemd says of it, and what root said for it. A
 * user's unit is called as those of other users and of the system are: all of it is said by that user. */
static int match_unit(sd_journal *j, const char *unit) {
        static const struct {
                const char *field, *user_field, *sender;
        } matches[] = {
                { "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT", NULL }, { "UNIT", "USER_UNIT", "_PID=1" },
                { "OBJECT_SYSTEMD_UNIT", "OBJECT_SYSTEMD_UNIT", "_UID=0" },
        };
        char own_uid[32];
        int r = 0;

        (void) snprintf(own_uid, sizeof(own_uid), "_UID=%u", getuid());
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(matches); i++) {
                const char *sender = vm_is_session() ? own_uid : matches[i].sender;
                _cleanup_free_ char *match = strf("%s=%s", vm_is_session() ? matches[i].user_field : matches[i].field, unit);
                r = match ? sd_journal_add_match(j, match, 0) : -ENOMEM;
                if (r >= 0 && sender)
                        r = sd_journal_add_match(j, sender, 0);
                if (r >= 0)
                        r = sd_journal_add_disjunction(j);
        }
        return r;
}

/* "Nov 21 17:26:00 vmunit-monitor[42]: the guest has stopped" */
static char *format_entry(sd_journal *j) {
        _cleanup_free_ char *message = get_field(j, "MESSAGE"), *program = get_field(j, "SYSLOG_IDENTIFIER") ?: get_field(j, "_COMM"),
                            *pid = get_field(j, "_PID"), *line = NULL;
        char when[32] = "";
        uint64_t usec;
        struct tm tm;

        if (sd_journal_get_realtime_usec(j, &usec) >= 0) {
                time_t t = (time_t) (usec / USEC_PER_SEC);
                if (localtime_r(&t, &tm))
                        (void) strftime(when, sizeof(when), "%b %d %H:%M:%S", &tm);
        }
        line = strf("%s %s[%s]: %s", when, program ?: "?", pid ?: "?", strempty(message));
        return line ? string_printable(line) : NULL;
}

int journal_last_lines(const char *const *units, unsigned n, char ***ret) {
        _cleanup_(sd_journal_closep) sd_journal *j = NULL;
        _cleanup_strv_ char **lines = NULL;
        unsigned back = 0;

        int r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
        for (; r >= 0 && *units; units++)
                r = match_unit(j, *units);
        if (r >= 0)
                r = sd_journal_seek_tail(j);
        if (r < 0)
                return r;
        while (back < n && sd_journal_previous(j) > 0)
                back++;
        for (unsigned i = 0; i < back && r >= 0; i++) {
                r = strv_consume(&lines, format_entry(j));
                if (r >= 0 && i + 1 < back && sd_journal_next(j) <= 0)
                        break;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(lines);
        return 0;
}
