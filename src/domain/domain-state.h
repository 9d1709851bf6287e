/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "string-table.h"

/* States and reasons of a VM with virsh's words (virsh domstate --reason). */
typedef enum DomainState {
        STATE_UNKNOWN, /* "no state" */
        STATE_RUNNING,
        STATE_IDLE,
        STATE_PAUSED,
        STATE_IN_SHUTDOWN,
        STATE_SHUT_OFF,
        STATE_CRASHED,
        STATE_PMSUSPENDED,
        _STATE_MAX,
        _STATE_INVALID = -EINVAL,
} DomainState;

typedef enum DomainReason {
        REASON_UNKNOWN,
        /* running */
        REASON_BOOTED,
        REASON_UNPAUSED,
        REASON_RESTORED,
        REASON_MIGRATED,
        REASON_WAKEUP,
        REASON_CRASHED, /* also shut off */
        /* paused */
        REASON_USER, /* also in shutdown */
        REASON_SAVING,
        REASON_DUMPING,
        REASON_IO_ERROR,
        REASON_WATCHDOG,
        REASON_SHUTTING_DOWN,
        REASON_STARTING_UP,
        REASON_GUEST_PANICKED,
        /* shut off */
        REASON_SHUTDOWN,
        REASON_DESTROYED,
        REASON_SAVED,
        REASON_FAILED,
        /* crashed */
        REASON_PANICKED,
        /* Later ones come last: a supervisor goes on with the monitor of a newer version. */
        REASON_SAVE_CANCELED, /* running */
        _REASON_MAX,
        _REASON_INVALID = -EINVAL,
} DomainReason;

DECLARE_STRING_TABLE(domain_state, DomainState);   /* "running", "shut off" … */
DECLARE_STRING_TABLE(domain_reason, DomainReason); /* "booted", "I/O error" … */

/* Both words together: two reasons share one, "crashed", and which is meant follows from the state. An unknown word: -EINVAL. */
int domain_state_from_words(const char *state, const char *reason, DomainState *ret_state, DomainReason *ret_reason);

/* The state file /run/vmunit/NAME/state: one line of DOMAIN_STATE_LINE bytes, written with a single pwrite()
 * so that readers never see half of it. "running/booted" and spaces up to the newline. */
#define DOMAIN_STATE_LINE 64U
void domain_state_format(DomainState state, DomainReason reason, char ret[DOMAIN_STATE_LINE]);
int domain_state_parse(const char *line, size_t size, DomainState *ret_state, DomainReason *ret_reason);
