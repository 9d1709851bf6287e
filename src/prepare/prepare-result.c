/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "prepare-result.h"
#include "string-util.h"

void service_result_read(ServiceResult *ret) {
        const char *code = strempty(getenv("EXIT_CODE")), *status = strempty(getenv("EXIT_STATUS"));

        *ret = (ServiceResult) { .word = strempty(getenv("SERVICE_RESULT")) };
        ret->code = streq(code, "exited") ? RESULT_EXITED :
                    streq(code, "killed") ? RESULT_KILLED :
                    streq(code, "dumped") ? RESULT_DUMPED : RESULT_NONE;
        if (ret->code == RESULT_EXITED)
                (void) parse_int(status, &ret->status);
        else if (ret->code != RESULT_NONE)
                ret->signal_name = status;
}

bool service_result_is_abnormal(const ServiceResult *r) {
        return streq(r->word, "signal") || streq(r->word, "core-dump") || streq(r->word, "timeout") ||
                streq(r->word, "watchdog");
}

void derive_final_state(const ServiceResult *r, DomainState last_state, DomainReason last_reason,
                        DomainState *ret_state, DomainReason *ret_reason) {
        bool started = last_state != STATE_UNKNOWN &&
                !(last_state == STATE_PAUSED && last_reason == REASON_STARTING_UP);
        DomainReason reason;

        /* First, since $EXIT_CODE may still be that of an earlier run. */
        if (r->code == RESULT_NONE || !started)
                reason = REASON_FAILED;
        else if (r->code == RESULT_KILLED || r->code == RESULT_DUMPED)
                /* systemd itself kills what does not stop in time; the guest was on its way out then. */
                reason = last_state == STATE_IN_SHUTDOWN || streq(r->word, "timeout") ? REASON_DESTROYED : REASON_CRASHED;
        else if (streq(r->word, "success"))
                reason = REASON_SHUTDOWN;
        else
                reason = REASON_CRASHED;
        *ret_state = STATE_SHUT_OFF;
        *ret_reason = reason;
}

char *service_result_describe(const ServiceResult *r) {
        switch (r->code) {
        case RESULT_EXITED:
                return strf("exit status %d", r->status);
        case RESULT_KILLED:
                return strf("killed by signal %s", r->signal_name);
        case RESULT_DUMPED:
                return strf("killed by signal %s, core dumped", r->signal_name);
        default:
                return NULL;
        }
}
