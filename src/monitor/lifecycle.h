/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-enums.h"
#include "domain-state.h"
#include "lifecycle-actions.h"

/* What becomes of a VM when QEMU, the user or the clock say something: a state machine without I/O. Inputs go in
 * one at a time, the steps that come out are to be carried out in their order. It is rebuilt from QEMU by
 * every new monitor (LIFECYCLE_ATTACHED), so nothing that matters is only in here: QEMU's run state tells nearly all
 * of it, and the rest is kept in QEMU as two notes (objects by which a later monitor knows what was intended). */

/* QEMU's run states (query-status). */
typedef enum GuestStatus {
        GUEST_UNKNOWN,
        GUEST_RUNNING,
        GUEST_PRELAUNCH,
        GUEST_PAUSED,
        GUEST_SHUTDOWN,
        GUEST_PANICKED,
        GUEST_IO_ERROR,
        GUEST_WATCHDOG,
        GUEST_SUSPENDED,
        GUEST_INTERNAL_ERROR,
        GUEST_INMIGRATE,
        GUEST_FINISH_MIGRATE,
        GUEST_POSTMIGRATE,
        GUEST_SAVE_VM,
        GUEST_RESTORE_VM,
        GUEST_DEBUG,
        GUEST_COLO,
        _GUEST_STATUS_MAX,
} GuestStatus;
DECLARE_STRING_TABLE(guest_status, GuestStatus); /* "running", "prelaunch" … */

/* QEMU's events that matter here. */
typedef enum GuestEvent {
        EVENT_NONE,
        EVENT_SHUTDOWN, /* cause */
        EVENT_RESET,    /* guest_did */
        EVENT_STOP,
        EVENT_RESUME,
        EVENT_SUSPEND,
        EVENT_SUSPEND_DISK,
        EVENT_WAKEUP,
        EVENT_POWERDOWN,
        EVENT_GUEST_PANICKED,    /* pauses */
        EVENT_GUEST_CRASHLOADED,
        EVENT_BLOCK_IO_ERROR,    /* pauses */
        EVENT_WATCHDOG,          /* pauses */
        _EVENT_MAX,
} GuestEvent;
DECLARE_STRING_TABLE(guest_event, GuestEvent); /* "SHUTDOWN", "RESET" … */

/* Why QEMU says SHUTDOWN. */
typedef enum ShutdownCause {
        CAUSE_NONE,
        CAUSE_HOST_ERROR,
        CAUSE_HOST_QMP_QUIT,
        CAUSE_HOST_QMP_SYSTEM_RESET,
        CAUSE_HOST_SIGNAL,
        CAUSE_HOST_UI,
        CAUSE_GUEST_SHUTDOWN,
        CAUSE_GUEST_RESET,
        CAUSE_GUEST_PANIC,
        CAUSE_SUBSYSTEM_RESET,
        CAUSE_SNAPSHOT_LOAD,
        _CAUSE_MAX,
} ShutdownCause;
DECLARE_STRING_TABLE(shutdown_cause, ShutdownCause); /* "host-qmp-quit", "guest-shutdown" … */

/* What can be asked for. STOP is the unit's stop, which insists; SHUTDOWN asks once, as virsh does. */
typedef enum LifecycleRequest {
        REQUEST_NONE,
        REQUEST_SUSPEND,
        REQUEST_RESUME,
        REQUEST_SHUTDOWN, /* mode */
        REQUEST_REBOOT,   /* mode */
        REQUEST_RESET,
        REQUEST_STOP, /* limit_usec */
        REQUEST_SAVE,
        REQUEST_SAVE_END,   /* what was saved is safe: end */
        REQUEST_SAVE_ABORT, /* go on as before */
        REQUEST_QUIT,       /* QEMU is asked to end, whatever the guest does */
        REQUEST_DUMP,       /* live, memory */
        REQUEST_DUMP_END,   /* what was written is safe: dump_end */
        _REQUEST_MAX,
} LifecycleRequest;

typedef enum PowerMode {
        POWER_ANY, /* ACPI, and the guest agent beside it where there is one */
        POWER_ACPI,
        POWER_AGENT,
} PowerMode;

typedef enum DumpEnd {
        DUMP_GO_ON,
        DUMP_RESET, /* and go on */
        DUMP_CRASH, /* end */
} DumpEnd;

typedef enum LifecycleInputType {
        LIFECYCLE_ATTACHED = 1, /* status, remembered state and reason, notes */
        LIFECYCLE_EVENT,
        LIFECYCLE_REQUEST,
        LIFECYCLE_TIMER, /* the time lifecycle.timer has come */
        LIFECYCLE_FAILED, /* QEMU refused a step that nobody asked for, without which the guest cannot run */
        LIFECYCLE_SAVED,       /* all of the guest's state has been written */
        LIFECYCLE_SAVE_FAILED, /* … or it has not, and QEMU does nothing about it any more */
        LIFECYCLE_HELPER_LOST, /* a process that serves one of its devices has ended */
        LIFECYCLE_RESTORED,    /* all of it has been read, and it is what was saved */
} LifecycleInputType;

typedef struct LifecycleInput {
        LifecycleInputType type;
        uint64_t now; /* usec, CLOCK_MONOTONIC */

        GuestStatus status;
        DomainState remembered_state; /* what an earlier monitor said last */
        DomainReason remembered_reason;
        bool note_reboot, note_paused, note_saving, note_actions;
        LifecycleActions actions; /* with note_actions */
        bool again; /* an earlier monitor was at work before */

        GuestEvent event;
        ShutdownCause cause;
        bool guest_did; /* the guest itself reset */
        bool pauses;    /* the event's action stops the guest's CPUs */

        LifecycleRequest request;
        PowerMode mode;
        bool live;   /* the guest runs while it is dumped */
        bool memory; /* only that: QEMU itself stops the guest, and lets it go on */
        DumpEnd dump_end;
        uint64_t limit_usec; /* time left until systemd ends the unit by force; UINT64_MAX: none */
} LifecycleInput;

typedef enum StepType {
        /* to be sent to QEMU */
        STEP_SET_ACTIONS = 1, /* set-action: shutdown=pause, reboot=… */
        STEP_PREPARE_GUEST,   /* passwords, balloon: before the guest's first instruction */
        STEP_CONT,
        STEP_STOP,
        STEP_RESET,
        STEP_POWERDOWN,
        STEP_WAKEUP,
        STEP_QUIT,
        STEP_ALLOW_RESET, /* set-action reboot=reset */
        STEP_NOTE_REBOOT, /* the next power-off is to be a reboot */
        STEP_FORGET_REBOOT,
        STEP_NOTE_PAUSED, /* a guest in prelaunch is to stay there */
        STEP_FORGET_PAUSED,
        STEP_NOTE_SAVING, /* a guest that is stopped only to be saved */
        STEP_FORGET_SAVING,
        STEP_SAVE,         /* begin to write the guest's state */
        STEP_ABANDON_SAVE, /* … and stop that; LIFECYCLE_SAVE_FAILED follows */
        STEP_RESTORE,      /* begin to read it; LIFECYCLE_RESTORED or LIFECYCLE_FAILED follows */
        STEP_MARK_USED,    /* what was read is not to be read again: the guest goes on */
        STEP_MARK_UNUSED,  /* … which it did not */
        /* to the guest agent */
        STEP_AGENT_SHUTDOWN,
        STEP_AGENT_REBOOT,
        /* to the supervisor and to clients */
        STEP_TELL_STATE,   /* state, reason */
        STEP_TELL_READY,
        STEP_TELL_RESTART,
        STEP_TELL_ENDING, /* reason */
        STEP_LOG,
        _STEP_MAX,
} StepType;

typedef struct Step {
        StepType type;
        bool optional; /* its failure is noted and the next step is taken; else the rest is dropped */
        DomainState state;
        DomainReason reason;
        bool patient;    /* STEP_TELL_ENDING: QEMU may take as long as it likes */
        int priority;    /* of text */
        char text[96];   /* to be logged when the step has been done; "" for nothing */
} Step;

#define STEPS_MAX 12U
/* A refusal that begins so is not about the state. */
#define REFUSAL_UNSUPPORTED "argument unsupported: "

typedef struct LifecycleOutput {
        Step steps[STEPS_MAX];
        size_t n_steps;
        const char *refusal; /* why a request was refused */
} LifecycleOutput;

typedef enum SavePhase {
        SAVE_NONE,
        SAVE_UNDER_WAY,
        SAVE_DONE,      /* and whoever asked for it makes it safe */
        SAVE_ABANDONED, /* until QEMU has let go of it */
} SavePhase;

/* Why the guest is dumped without anybody asking. */
typedef enum CoreDump {
        CORE_NONE,
        CORE_CRASH,    /* and then on_crash's other half */
        CORE_WATCHDOG, /* and then it goes on */
} CoreDump;

typedef struct Lifecycle {
        /* from the plan; the actions, unless others have been noted since */
        bool actions_noted;
        LifecycleAction on_poweroff, on_reboot, on_crash;
        bool start_paused, has_agent, restores, watchdog_dumps;

        DomainState state;
        DomainReason reason;
        uint64_t timer; /* when LIFECYCLE_TIMER is due; UINT64_MAX: never */

        bool attached;
        bool quit_asked;  /* REQUEST_QUIT; nothing else follows from it */
        bool ending;      /* QEMU has been told to end, or said so itself */
        bool reboot_wanted; /* the note is set */
        bool paused_noted;
        bool resetting;   /* our system_reset is under way, to be followed by cont */
        bool restarting;  /* from then on until the guest runs again */
        DomainReason next_pause, next_resume; /* reasons of the next STOP and RESUME */
        SavePhase save;
        bool dump;       /* it is one: the guest goes on behind it */
        CoreDump core;   /* … and for this it is made */
        bool save_noted; /* the guest ran before */
        bool restoring;
        bool restored; /* but the guest has not gone on yet */
        /* what was seen before LIFECYCLE_ATTACHED, in the order of arrival; the last one counts */
        ShutdownCause early_cause;
        bool early_shutdown;

        bool stopping; /* REQUEST_STOP */
        uint64_t stop_since, stop_deadline, stop_ask;
} Lifecycle;

#define STOP_ASK_USEC (UINT64_C(10) * 1000000)
#define STOP_MARGIN_USEC (UINT64_C(5) * 1000000)

void lifecycle_init(Lifecycle *lc);
/* Others than the plan's, from now on; QEMU has a note of them. */
void lifecycle_set_actions(Lifecycle *lc, const LifecycleActions *actions);

/* 0, or -EINVAL when a request is refused: then out->refusal says why and there are no steps. */
int lifecycle_input(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);

/* The state that QEMU's run state means by itself. */
void guest_status_to_state(GuestStatus status, DomainState *ret_state, DomainReason *ret_reason);
