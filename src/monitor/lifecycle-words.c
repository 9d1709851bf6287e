/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle.h"

static const char *const guest_status_words[] = {
        [GUEST_RUNNING] = "running",       [GUEST_PRELAUNCH] = "prelaunch",
        [GUEST_PAUSED] = "paused",         [GUEST_SHUTDOWN] = "shutdown",
        [GUEST_PANICKED] = "guest-panicked", [GUEST_IO_ERROR] = "io-error",
        [GUEST_WATCHDOG] = "watchdog",     [GUEST_SUSPENDED] = "suspended",
        [GUEST_INTERNAL_ERROR] = "internal-error", [GUEST_INMIGRATE] = "inmigrate",
        [GUEST_FINISH_MIGRATE] = "finish-migrate", [GUEST_POSTMIGRATE] = "postmigrate",
        [GUEST_SAVE_VM] = "save-vm",       [GUEST_RESTORE_VM] = "restore-vm",
        [GUEST_DEBUG] = "debug",           [GUEST_COLO] = "colo",
};
DEFINE_STRING_TABLE(guest_status, GuestStatus)

static const char *const guest_event_words[] = {
        [EVENT_SHUTDOWN] = "SHUTDOWN",         [EVENT_RESET] = "RESET",
        [EVENT_STOP] = "STOP",                 [EVENT_RESUME] = "RESUME",
        [EVENT_SUSPEND] = "SUSPEND",           [EVENT_SUSPEND_DISK] = "SUSPEND_DISK",
        [EVENT_WAKEUP] = "WAKEUP",             [EVENT_POWERDOWN] = "POWERDOWN",
        [EVENT_GUEST_PANICKED] = "GUEST_PANICKED", [EVENT_GUEST_CRASHLOADED] = "GUEST_CRASHLOADED",
        [EVENT_BLOCK_IO_ERROR] = "BLOCK_IO_ERROR", [EVENT_WATCHDOG] = "WATCHDOG",
};
DEFINE_STRING_TABLE(guest_event, GuestEvent)

static const char *const shutdown_cause_words[] = {
        [CAUSE_NONE] = "none",
        [CAUSE_HOST_ERROR] = "host-error",
        [CAUSE_HOST_QMP_QUIT] = "host-qmp-quit",
        [CAUSE_HOST_QMP_SYSTEM_RESET] = "host-qmp-system-reset",
        [CAUSE_HOST_SIGNAL] = "host-signal",
        [CAUSE_HOST_UI] = "host-ui",
        [CAUSE_GUEST_SHUTDOWN] = "guest-shutdown",
        [CAUSE_GUEST_RESET] = "guest-reset",
        [CAUSE_GUEST_PANIC] = "guest-panic",
        [CAUSE_SUBSYSTEM_RESET] = "subsystem-reset",
        [CAUSE_SNAPSHOT_LOAD] = "snapshot-load",
};
DEFINE_STRING_TABLE(shutdown_cause, ShutdownCause)

static const struct {
        DomainState state;
        DomainReason reason;
} status_states[_GUEST_STATUS_MAX] = {
        [GUEST_UNKNOWN] = { STATE_UNKNOWN, REASON_UNKNOWN },
        [GUEST_RUNNING] = { STATE_RUNNING, REASON_BOOTED },
        [GUEST_PRELAUNCH] = { STATE_PAUSED, REASON_STARTING_UP },
        [GUEST_PAUSED] = { STATE_PAUSED, REASON_USER },
        [GUEST_SHUTDOWN] = { STATE_IN_SHUTDOWN, REASON_USER },
        [GUEST_PANICKED] = { STATE_CRASHED, REASON_PANICKED },
        [GUEST_IO_ERROR] = { STATE_PAUSED, REASON_IO_ERROR },
        [GUEST_WATCHDOG] = { STATE_PAUSED, REASON_WATCHDOG },
        [GUEST_SUSPENDED] = { STATE_PMSUSPENDED, REASON_UNKNOWN },
        [GUEST_INTERNAL_ERROR] = { STATE_PAUSED, REASON_UNKNOWN },
        [GUEST_INMIGRATE] = { STATE_PAUSED, REASON_STARTING_UP },
        [GUEST_FINISH_MIGRATE] = { STATE_PAUSED, REASON_UNKNOWN },
        [GUEST_POSTMIGRATE] = { STATE_PAUSED, REASON_UNKNOWN },
        [GUEST_SAVE_VM] = { STATE_PAUSED, REASON_SAVING },
        [GUEST_RESTORE_VM] = { STATE_PAUSED, REASON_STARTING_UP },
        [GUEST_DEBUG] = { STATE_PAUSED, REASON_UNKNOWN },
        [GUEST_COLO] = { STATE_PAUSED, REASON_UNKNOWN },
};

void guest_status_to_state(GuestStatus status, DomainState *ret_state, DomainReason *ret_reason) {
        assert(status < _GUEST_STATUS_MAX);
        *ret_state = status_states[status].state;
        *ret_reason = status_states[status].reason;
}
