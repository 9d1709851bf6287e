/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-state.h"

/* How systemd says a service has ended: $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS (systemd.exec(5)). */
typedef enum ResultCode {
        RESULT_NONE, /* the main process was never there */
        RESULT_EXITED,
        RESULT_KILLED,
        RESULT_DUMPED,
} ResultCode;

typedef struct ServiceResult {
        const char *word; /* "success", "exit-code", "signal" …; never NULL */
        ResultCode code;
        int status;              /* RESULT_EXITED */
        const char *signal_name; /* RESULT_KILLED, RESULT_DUMPED: "KILL" */
} ServiceResult;

/* From the environment; the strings are the environment's. */
void service_result_read(ServiceResult *ret);

/* What Restart=on-abnormal restarts after. */
bool service_result_is_abnormal(const ServiceResult *r) _pure_;

/* The final state of a VM whose supervisor has not written one: LAST_STATE, LAST_REASON are the last it wrote. */
void derive_final_state(const ServiceResult *r, DomainState last_state, DomainReason last_reason,
                        DomainState *ret_state, DomainReason *ret_reason);

/* "killed by signal KILL", "exit status 1"; NULL when there is nothing to say. Owned by the caller. */
char *service_result_describe(const ServiceResult *r);
