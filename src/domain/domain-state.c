/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-state.h"
#include "string-util.h"

static const char *const domain_state_words[] = {
        [STATE_UNKNOWN] = "no state",   [STATE_RUNNING] = "running",   [STATE_IDLE] = "idle",
        [STATE_PAUSED] = "paused",      [STATE_IN_SHUTDOWN] = "in shutdown",
        [STATE_SHUT_OFF] = "shut off",  [STATE_CRASHED] = "crashed",   [STATE_PMSUSPENDED] = "pmsuspended",
};
DEFINE_STRING_TABLE(domain_state, DomainState)

static const char *const domain_reason_words[] = {
        [REASON_UNKNOWN] = "unknown",
        [REASON_BOOTED] = "booted",
        [REASON_UNPAUSED] = "unpaused",
        [REASON_RESTORED] = "restored",
        [REASON_MIGRATED] = "migrated",
        [REASON_WAKEUP] = "event wakeup",
        [REASON_SAVE_CANCELED] = "save canceled",
        [REASON_CRASHED] = "crashed",
        [REASON_USER] = "user",
        [REASON_SAVING] = "saving",
        [REASON_DUMPING] = "dumping",
        [REASON_IO_ERROR] = "I/O error",
        [REASON_WATCHDOG] = "watchdog",
        [REASON_SHUTTING_DOWN] = "shutting down",
        [REASON_STARTING_UP] = "starting up",
        [REASON_GUEST_PANICKED] = "crashed",
        [REASON_SHUTDOWN] = "shutdown",
        [REASON_DESTROYED] = "destroyed",
        [REASON_SAVED] = "saved",
        [REASON_FAILED] = "failed",
        [REASON_PANICKED] = "panicked",
};
DEFINE_STRING_TABLE(domain_reason, DomainReason)

void domain_state_format(DomainState state, DomainReason reason, char ret[DOMAIN_STATE_LINE]) {
        const char *s = strempty(domain_state_to_string(state)), *r = strempty(domain_reason_to_string(reason));
        size_t n = strlen(s), m = strlen(r);

        memset(ret, ' ', DOMAIN_STATE_LINE);
        memcpy(ret, s, n);
        ret[n] = '/';
        memcpy(ret + n + 1, r, m);
        ret[DOMAIN_STATE_LINE - 1] = '\n';
}

int domain_state_from_words(const char *state, const char *reason, DomainState *ret_state, DomainReason *ret_reason) {
        int s = domain_state_from_string(state), w = domain_reason_from_string(reason);

        if (s < 0 || w < 0)
                return -EINVAL;
        if (w == REASON_CRASHED && s == STATE_PAUSED)
                w = REASON_GUEST_PANICKED;
        *ret_state = (DomainState) s;
        *ret_reason = (DomainReason) w;
        return 0;
}

int domain_state_parse(const char *line, size_t size, DomainState *ret_state, DomainReason *ret_reason) {
        char copy[DOMAIN_STATE_LINE];

        if (size != DOMAIN_STATE_LINE || line[size - 1] != '\n')
                return -EINVAL;
        memcpy(copy, line, size);
        for (size_t n = size - 1; n > 0 && (copy[n] == '\n' || copy[n] == ' '); n--)
                copy[n] = 0;
        char *slash = strchr(copy, '/');
        if (!slash)
                return -EINVAL;
        *slash = 0;
        /* "I/O error" has a slash of its own, behind the first. */
        return domain_state_from_words(copy, slash + 1, ret_state, ret_reason);
}
