/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

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

/* --- steps -------------------------------------------------------------------------------------------- */

static Step *emit(LifecycleOutput *out, StepType type) {
        assert(out->n_steps < STEPS_MAX);
        Step *s = out->steps + out->n_steps++;
        *s = (Step) { .type = type, .priority = LOG_INFO };
        return s;
}

static Step *emit_optional(LifecycleOutput *out, StepType type) {
        Step *s = emit(out, type);
        s->optional = true;
        return s;
}

_printf_(3, 4) static void say(Step *s, int priority, const char *format, ...) {
        va_list ap;

        s->priority = priority;
        va_start(ap, format);
        (void) vsnprintf(s->text, sizeof(s->text), format, ap);
        va_end(ap);
}

static void set_state(Lifecycle *lc, LifecycleOutput *out, DomainState state, DomainReason reason) {
        if (lc->state == state && lc->reason == reason)
                return;
        lc->state = state;
        lc->reason = reason;
        Step *s = emit(out, STEP_TELL_STATE);
        s->state = state;
        s->reason = reason;
}

static double seconds(uint64_t usec) {
        return (double) usec / 1e6;
}

static double stop_seconds(const Lifecycle *lc, uint64_t now) {
        return seconds(now - lc->stop_since);
}

static void set_timer(Lifecycle *lc) {
        lc->timer = lc->stopping && !lc->ending ? MIN(lc->stop_deadline, lc->stop_ask) : UINT64_MAX;
}

static void end(Lifecycle *lc, LifecycleOutput *out, DomainReason reason) {
        lc->ending = true;
        emit(out, STEP_TELL_ENDING)->reason = lc->quit_asked ? REASON_DESTROYED : reason;
        emit(out, STEP_QUIT);
}

static void forget_reboot(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->reboot_wanted)
                emit_optional(out, STEP_FORGET_REBOOT);
        lc->reboot_wanted = false;
}

static void note_paused(Lifecycle *lc, LifecycleOutput *out) {
        if (!lc->paused_noted)
                emit_optional(out, STEP_NOTE_PAUSED);
        lc->paused_noted = true;
}

static void forget_paused(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->paused_noted)
                emit_optional(out, STEP_FORGET_PAUSED);
        lc->paused_noted = false;
}

static void note_saving(Lifecycle *lc, LifecycleOutput *out) {
        if (!lc->save_noted)
                emit(out, STEP_NOTE_SAVING);
        lc->save_noted = true;
}

static void forget_saving(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->save_noted)
                emit_optional(out, STEP_FORGET_SAVING);
        lc->save_noted = false;
}

static bool forbids_reset(const Lifecycle *lc) {
        return lc->on_reboot == ACTION_DESTROY;
}

/* --- what the guest's end means ----------------------------------------------------------------------- */

/* A guest that has powered off is reset and goes on: what libvirt calls a fake reboot. The note is there until
 * the reset has come, so that a later monitor carries on. */
static void reset_and_continue(Lifecycle *lc, LifecycleOutput *out) {
        if (!lc->reboot_wanted)
                emit_optional(out, STEP_NOTE_REBOOT);
        lc->reboot_wanted = true;
        lc->resetting = lc->restarting = true;
        if (forbids_reset(lc))
                emit(out, STEP_ALLOW_RESET);
        say(emit(out, STEP_RESET), LOG_INFO, "guest powered off: starting it again");
}

static void on_poweroff(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
        if (lc->stopping) {
                say(emit(out, STEP_LOG), LOG_INFO, "guest powered off after %.1f s", stop_seconds(lc, now));
                end(lc, out, REASON_SHUTDOWN);
        } else if (lc->reboot_wanted || lc->on_poweroff == ACTION_RESTART)
                reset_and_continue(lc, out);
        else if (lc->on_poweroff == ACTION_PRESERVE)
                say(emit(out, STEP_LOG), LOG_INFO, "guest powered off: kept, as on_poweroff says");
        else {
                say(emit(out, STEP_LOG), LOG_INFO, "guest powered off");
                end(lc, out, REASON_SHUTDOWN);
        }
}

/* QEMU calls a reset a shutdown when it has been told to (on_reboot=destroy). */
static void on_forbidden_reset(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
        say(emit(out, STEP_LOG), LOG_INFO, "guest rebooted: ending it, as on_reboot says");
        end(lc, out, REASON_SHUTDOWN);
}

static void on_panic(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        set_state(lc, out, STATE_CRASHED, REASON_PANICKED);
        if (lc->on_crash == ACTION_PRESERVE && !lc->stopping) {
                forget_reboot(lc, out);
                say(emit(out, STEP_LOG), LOG_ERR, "guest panicked: kept, as on_crash says");
                return;
        }
        bool restart = lc->on_crash == ACTION_RESTART && !lc->stopping;
        say(emit(out, STEP_LOG), LOG_ERR, restart ? "guest panicked: starting it again" : "guest panicked");
        if (restart)
                emit(out, STEP_TELL_RESTART);
        end(lc, out, REASON_CRASHED);
}

/* swtpm has ended, say. What the guest had in that device is gone with it. */
static void on_helper_lost(Lifecycle *lc, LifecycleOutput *out) {
        bool keep = lc->on_crash == ACTION_PRESERVE && !lc->stopping, restart = lc->on_crash == ACTION_RESTART && !lc->stopping;

        if (lc->ending)
                return;
        say(emit(out, STEP_LOG), LOG_ERR, keep ? "a device of the guest is gone: kept, as on_crash says" :
            restart ? "a device of the guest is gone: starting it again" : "a device of the guest is gone: ending it, as on_crash says");
        if (restart)
                emit(out, STEP_TELL_RESTART);
        if (!keep)
                end(lc, out, REASON_CRASHED);
}

static void on_qemu_quits(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        lc->ending = true;
        set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
        emit(out, STEP_TELL_ENDING)->reason = REASON_DESTROYED;
}

/* Whoever sent QEMU a signal, usually the supervisor, knows why. */
static void on_qemu_killed(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        lc->ending = true;
        set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
}

typedef void (*CauseHandler)(Lifecycle *lc, uint64_t now, LifecycleOutput *out);

static const CauseHandler cause_handlers[_CAUSE_MAX] = {
        [CAUSE_NONE] = on_poweroff,
        [CAUSE_HOST_ERROR] = on_poweroff,
        [CAUSE_HOST_QMP_QUIT] = on_qemu_quits,
        [CAUSE_HOST_QMP_SYSTEM_RESET] = on_forbidden_reset,
        [CAUSE_HOST_SIGNAL] = on_qemu_killed,
        [CAUSE_HOST_UI] = on_poweroff,
        [CAUSE_GUEST_SHUTDOWN] = on_poweroff,
        [CAUSE_GUEST_RESET] = on_forbidden_reset,
        [CAUSE_GUEST_PANIC] = on_panic,
        [CAUSE_SUBSYSTEM_RESET] = on_forbidden_reset,
        [CAUSE_SNAPSHOT_LOAD] = on_poweroff,
};

/* --- events ------------------------------------------------------------------------------------------- */

typedef void (*EventHandler)(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);

static void on_shutdown(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->ending)
                cause_handlers[in->cause](lc, in->now, out);
}

static void on_reset(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->resetting) {
                lc->resetting = false;
                if (forbids_reset(lc))
                        emit_optional(out, STEP_SET_ACTIONS);
                /* First the note, then cont: a note that outlived cont would turn the next power-off into a
                 * reboot. */
                forget_reboot(lc, out);
                lc->next_resume = REASON_BOOTED;
                emit(out, STEP_CONT);
                return;
        }
        if (!in->guest_did)
                return;
        forget_reboot(lc, out);
        if (lc->stopping)
                say(emit(out, STEP_LOG), LOG_WARNING, "guest rebooted instead of powering off, after %.1f s",
                    stop_seconds(lc, in->now));
        else
                say(emit(out, STEP_LOG), LOG_INFO, "guest rebooted");
}

static void on_stop(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        /* Behind SHUTDOWN, GUEST_PANICKED and SUSPEND there is a STOP that says nothing new. */
        if (lc->state == STATE_RUNNING)
                set_state(lc, out, STATE_PAUSED, lc->next_pause);
        lc->next_pause = REASON_UNKNOWN;
}

static void on_resume(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        set_state(lc, out, STATE_RUNNING, lc->next_resume);
        lc->next_resume = REASON_UNPAUSED;
        lc->restarting = lc->restored = false;
        forget_paused(lc, out);
}

static void on_suspend(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        set_state(lc, out, STATE_PMSUSPENDED, REASON_UNKNOWN);
}

static void on_wakeup(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->state == STATE_PMSUSPENDED)
                set_state(lc, out, STATE_RUNNING, REASON_WAKEUP);
}

static void on_panicked(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (in->pauses)
                on_panic(lc, in->now, out);
        else
                say(emit(out, STEP_LOG), LOG_WARNING, "guest panicked and runs on");
}

static void on_crashloaded(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        say(emit(out, STEP_LOG), LOG_WARNING, "guest crashed and loads its crash kernel");
}

static void on_io_error(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!in->pauses)
                return;
        lc->next_pause = REASON_IO_ERROR;
        say(emit(out, STEP_LOG), LOG_ERR, "I/O error of a disk: guest is paused");
}

static void on_watchdog(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (in->pauses)
                lc->next_pause = REASON_WATCHDOG;
        say(emit(out, STEP_LOG), LOG_WARNING, "the guest's watchdog fired%s", in->pauses ? ": guest is paused" : "");
}

static const EventHandler event_handlers[_EVENT_MAX] = {
        [EVENT_SHUTDOWN] = on_shutdown,
        [EVENT_RESET] = on_reset,
        [EVENT_STOP] = on_stop,
        [EVENT_RESUME] = on_resume,
        [EVENT_SUSPEND] = on_suspend,
        [EVENT_SUSPEND_DISK] = on_suspend,
        [EVENT_WAKEUP] = on_wakeup,
        [EVENT_GUEST_PANICKED] = on_panicked,
        [EVENT_GUEST_CRASHLOADED] = on_crashloaded,
        [EVENT_BLOCK_IO_ERROR] = on_io_error,
        [EVENT_WATCHDOG] = on_watchdog,
};

static void on_event(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->attached) {
                /* Nobody has read it until now. Where things stand is what query-status will say, but it does
                 * not say why. */
                if (in->event == EVENT_SHUTDOWN) {
                        lc->early_shutdown = true;
                        lc->early_cause = in->cause;
                } else if (in->event == EVENT_RESET || in->event == EVENT_RESUME)
                        lc->early_shutdown = false;
                return;
        }
        if (lc->ending && in->event != EVENT_SHUTDOWN)
                return;
        if (event_handlers[in->event])
                event_handlers[in->event](lc, in, out);
}

static void ask_for_reboot(LifecycleOutput *out) {
        say(emit_optional(out, STEP_POWERDOWN), LOG_INFO, "asked the guest to power off for a reboot (ACPI)");
}

/* --- beginning ---------------------------------------------------------------------------------------- */

static void attach_prelaunch(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->reboot_wanted) {
                /* After the reset of a reboot that an earlier monitor has begun. */
                forget_reboot(lc, out);
                lc->restarting = true;
                lc->next_resume = REASON_BOOTED;
                emit(out, STEP_CONT);
        } else if (lc->paused_noted)
                set_state(lc, out, STATE_PAUSED, REASON_USER);
        else {
                if (!lc->start_paused)
                        set_state(lc, out, STATE_PAUSED, REASON_STARTING_UP);
                emit(out, STEP_PREPARE_GUEST);
                if (lc->start_paused)
                        set_state(lc, out, STATE_PAUSED, REASON_USER);
                else {
                        lc->next_resume = REASON_BOOTED;
                        emit(out, STEP_CONT);
                }
        }
}

/* The devices are completed first: what is read has to meet the same machine. */
static void attach_restoring(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (in->again) {
                say(emit(out, STEP_LOG), LOG_ERR, "the monitor ended while it restored the guest");
                end(lc, out, REASON_FAILED);
                return;
        }
        lc->restoring = true;
        set_state(lc, out, STATE_PAUSED, REASON_STARTING_UP);
        emit(out, STEP_PREPARE_GUEST);
        emit(out, STEP_RESTORE);
}

/* Whoever asked an earlier monitor for it has lost it. */
static void attach_saving(Lifecycle *lc, LifecycleOutput *out) {
        lc->save = SAVE_ABANDONED;
        set_state(lc, out, STATE_PAUSED, REASON_SAVING);
        emit(out, STEP_ABANDON_SAVE);
}

/* Restored or not, the guest has not gone on yet. */
static bool is_restoring(const Lifecycle *lc, const LifecycleInput *in) {
        return lc->restores && (in->status == GUEST_INMIGRATE || (in->status == GUEST_PAUSED &&
                in->remembered_state == STATE_PAUSED && in->remembered_reason == REASON_STARTING_UP));
}

static bool is_saving(const LifecycleInput *in) {
        return in->status != GUEST_RUNNING &&
                (in->note_saving || (in->remembered_state == STATE_PAUSED && in->remembered_reason == REASON_SAVING));
}

static void on_attached(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        DomainState state;
        DomainReason reason;

        lc->attached = true;
        lc->reboot_wanted = in->note_reboot;
        lc->paused_noted = in->note_paused;
        lc->save_noted = in->note_saving;
        if (in->note_actions)
                lifecycle_set_actions(lc, &in->actions);
        emit_optional(out, STEP_SET_ACTIONS);
        if (is_restoring(lc, in)) {
                attach_restoring(lc, in, out);
                return;
        }
        if (is_saving(in)) {
                attach_saving(lc, out);
                emit(out, STEP_TELL_READY);
                return;
        }
        switch (in->status) {
        case GUEST_PRELAUNCH:
                attach_prelaunch(lc, out);
                break;
        case GUEST_SHUTDOWN:
                cause_handlers[lc->early_shutdown ? lc->early_cause : CAUSE_GUEST_SHUTDOWN](lc, in->now, out);
                break;
        case GUEST_PANICKED:
                on_panic(lc, in->now, out);
                break;
        default:
                guest_status_to_state(in->status, &state, &reason);
                if (state == in->remembered_state)
                        reason = in->remembered_reason;
                set_state(lc, out, state, reason);
                if (state == STATE_RUNNING) {
                        forget_paused(lc, out);
                        forget_saving(lc, out);
                        /* Noted, but perhaps not yet asked for; to be asked twice does a guest no harm. */
                        if (lc->reboot_wanted)
                                ask_for_reboot(out);
                }
        }
        if (!lc->ending)
                emit(out, STEP_TELL_READY);
}

/* --- requests ----------------------------------------------------------------------------------------- */

typedef int (*RequestHandler)(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);

static int refuse(LifecycleOutput *out, const char *why) {
        out->n_steps = 0;
        out->refusal = why;
        return -EINVAL;
}

static int request_suspend(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        switch (lc->state) {
        case STATE_RUNNING:
                lc->next_pause = REASON_USER;
                emit(out, STEP_STOP);
                return 0;
        case STATE_PAUSED:
        case STATE_CRASHED: /* it stands still anyway */
                return 0;
        case STATE_PMSUSPENDED:
                return refuse(out, "domain is pmsuspended");
        default:
                return refuse(out, "domain is not running");
        }
}

static int request_resume(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        switch (lc->state) {
        case STATE_PAUSED:
        case STATE_CRASHED:
                lc->next_resume = REASON_UNPAUSED;
                emit(out, STEP_CONT);
                return 0;
        case STATE_RUNNING:
                return refuse(out, "domain is already running");
        case STATE_PMSUSPENDED:
                return refuse(out, "domain is pmsuspended");
        default:
                return refuse(out, "domain is not running");
        }
}

static bool can_be_asked(const Lifecycle *lc) {
        return lc->state == STATE_RUNNING || lc->state == STATE_PAUSED || lc->state == STATE_PMSUSPENDED;
}

static int request_power(Lifecycle *lc, PowerMode mode, bool reboot, LifecycleOutput *out) {
        if (reboot && lc->restarting)
                return 0; /* It is under way. */
        /* As in libvirt, only what runs can hear of a shutdown; a reboot may wait for it to be resumed. */
        if (!can_be_asked(lc) || ((!reboot || mode == POWER_AGENT) && lc->state != STATE_RUNNING))
                return refuse(out, "domain is not running");
        if (mode == POWER_AGENT && !lc->has_agent)
                return refuse(out, REFUSAL_UNSUPPORTED "QEMU guest agent is not configured");
        if (!reboot)
                forget_reboot(lc, out);
        else if (mode != POWER_AGENT && !lc->reboot_wanted) {
                emit(out, STEP_NOTE_REBOOT);
                lc->reboot_wanted = true;
        }
        if (mode != POWER_AGENT)
                say(emit(out, STEP_POWERDOWN), LOG_INFO, "asked the guest to %s (ACPI)",
                    reboot ? "power off for a reboot" : "power off");
        if (mode == POWER_AGENT || (mode == POWER_ANY && lc->has_agent))
                emit(out, reboot ? STEP_AGENT_REBOOT : STEP_AGENT_SHUTDOWN)->optional = mode == POWER_ANY;
        return 0;
}

static int request_shutdown(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        return request_power(lc, in->mode, false, out);
}

static int request_reboot(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        /* As in libvirt: a guest that may not reboot is shut down. */
        return request_power(lc, in->mode, lc->on_reboot != ACTION_DESTROY && lc->on_reboot != ACTION_PRESERVE, out);
}

static int request_reset(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->resetting)
                return 0;
        /* Reset does not set a stopped guest going, and afterwards QEMU calls it prelaunch. */
        if (lc->state != STATE_RUNNING)
                note_paused(lc, out);
        emit(out, STEP_RESET);
        if (lc->state == STATE_CRASHED)
                set_state(lc, out, STATE_PAUSED, REASON_GUEST_PANICKED);
        else if (lc->state != STATE_RUNNING)
                set_state(lc, out, STATE_PAUSED, REASON_USER);
        return 0;
}

/* --- saving and restoring ------------------------------------------------------------------------------ */

static int request_save(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->state == STATE_RUNNING) {
                /* Noted first, so that a later monitor knows that the guest is to go on. */
                note_saving(lc, out);
                lc->next_pause = REASON_SAVING;
                emit(out, STEP_STOP);
        } else if (lc->state == STATE_PAUSED && lc->reason != REASON_STARTING_UP)
                set_state(lc, out, STATE_PAUSED, REASON_SAVING);
        else
                return refuse(out, lc->state == STATE_PMSUSPENDED ? "domain is pmsuspended" : "domain is not running");
        lc->save = SAVE_UNDER_WAY;
        emit(out, STEP_SAVE);
        return 0;
}

/* In whatever state it is: a guest that has crashed above all. */
static int request_dump(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->state == STATE_PAUSED && lc->reason == REASON_STARTING_UP)
                return refuse(out, "domain is not running");
        /* QEMU wakes up a guest that sleeps when it writes its state. */
        if (!in->memory && (lc->state == STATE_RUNNING || lc->state == STATE_PMSUSPENDED))
                note_saving(lc, out);
        if (lc->state == STATE_RUNNING || lc->state == STATE_PMSUSPENDED)
                lc->next_pause = REASON_DUMPING;
        if (lc->state == STATE_RUNNING && !in->memory && !in->live)
                emit(out, STEP_STOP);
        lc->save = SAVE_UNDER_WAY;
        lc->dump = true;
        emit(out, STEP_SAVE);
        return 0;
}

static int request_save_end(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->save != SAVE_DONE || lc->dump)
                return refuse(out, "domain is not saved");
        say(emit(out, STEP_LOG), LOG_INFO, "guest is saved: ending QEMU");
        end(lc, out, REASON_SAVED);
        return 0;
}

static void ask_to_power_off(Lifecycle *lc, uint64_t now, LifecycleOutput *out);

/* It goes on as before. */
static void go_on(Lifecycle *lc, LifecycleOutput *out) {
        bool run = lc->save_noted, dump = lc->dump;

        lc->save = SAVE_NONE;
        lc->dump = false;
        if (lc->ending)
                return;
        if (lc->next_pause == REASON_DUMPING)
                lc->next_pause = REASON_UNKNOWN;
        if (run && lc->state != STATE_RUNNING) {
                lc->next_resume = dump ? REASON_UNPAUSED : REASON_SAVE_CANCELED;
                emit(out, STEP_CONT);
        } else if (!run && !dump)
                set_state(lc, out, STATE_PAUSED, REASON_USER);
        forget_saving(lc, out);
}

static int request_dump_end(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->save != SAVE_DONE || !lc->dump)
                return refuse(out, "domain is not being dumped");
        if (in->dump_end == DUMP_CRASH) {
                say(emit(out, STEP_LOG), LOG_INFO, "guest is dumped: ending QEMU");
                end(lc, out, REASON_CRASHED);
                return 0;
        }
        bool stopped = lc->state != STATE_RUNNING && lc->reason != REASON_DUMPING;
        go_on(lc, out);
        if (in->dump_end == DUMP_RESET && stopped)
                return request_reset(lc, in, out);
        /* Only when it runs: one that is reset between the end of a migration and that does not find its feet again. */
        if (in->dump_end == DUMP_RESET)
                emit(out, STEP_RESET);
        return 0;
}

static void on_save_failed(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        bool run = lc->save_noted;

        go_on(lc, out);
        if (lc->ending)
                return;
        if (lc->stopping) {
                if (!run)
                        emit_optional(out, STEP_CONT);
                ask_to_power_off(lc, in->now, out);
        }
}

static int request_save_abort(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->save == SAVE_DONE || lc->save == SAVE_UNDER_WAY) {
                lc->save = SAVE_ABANDONED;
                emit(out, STEP_ABANDON_SAVE);
        }
        return 0;
}

static void on_saved(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->save == SAVE_UNDER_WAY)
                lc->save = SAVE_DONE;
}

static void on_restored(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->restoring || lc->ending)
                return;
        lc->restoring = false;
        lc->restored = !lc->start_paused;
        emit(out, STEP_MARK_USED);
        say(emit(out, STEP_LOG), LOG_INFO, "guest is restored");
        if (lc->start_paused)
                set_state(lc, out, STATE_PAUSED, REASON_USER);
        else {
                lc->next_resume = REASON_RESTORED;
                emit(out, STEP_CONT);
        }
        emit(out, STEP_TELL_READY);
}

/* --- the end of the unit -------------------------------------------------------------------------------- */

static void ask_to_power_off(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        bool again = now > lc->stop_since;

        forget_reboot(lc, out);
        Step *s = emit_optional(out, STEP_POWERDOWN);
        if (again)
                say(s, LOG_INFO, "still running after %.1f s: asked again", stop_seconds(lc, now));
        else
                say(s, LOG_INFO, "asked the guest to power off (ACPI)");
        if (lc->has_agent)
                emit_optional(out, STEP_AGENT_SHUTDOWN);
        lc->stop_ask = now + STOP_ASK_USEC;
}

static int request_stop(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->stopping)
                lc->stop_since = in->now;
        lc->stopping = true;
        lc->stop_deadline = UINT64_MAX;
        if (in->limit_usec != UINT64_MAX) {
                /* QEMU needs a little time itself to end, before the supervisor uses force. No more than that: a guest that
                 * still makes it is not to be ended. */
                uint64_t margin = MIN(STOP_MARGIN_USEC, in->limit_usec / 8);
                lc->stop_deadline = in->now + in->limit_usec - margin;
        }
        lc->resetting = false;
        if (lc->save != SAVE_NONE) {
                say(emit(out, STEP_LOG), LOG_INFO, "guest is being saved: that is given up, so that it can power off");
                lc->stop_ask = in->now + STOP_ASK_USEC;
                return request_save_abort(lc, in, out);
        }
        switch (lc->state) {
        case STATE_RUNNING:
                break;
        case STATE_PAUSED:
                if (lc->reason == REASON_STARTING_UP) {
                        /* Its first instruction is still to come, or just has: nothing can be lost. */
                        say(emit(out, STEP_LOG), LOG_INFO, "guest has not started yet: ending QEMU");
                        end(lc, out, REASON_SHUTDOWN);
                        return 0;
                }
                lc->next_resume = REASON_UNPAUSED;
                say(emit_optional(out, STEP_CONT), LOG_INFO, "guest is paused: resumed it so that it can power off");
                break;
        case STATE_PMSUSPENDED:
                say(emit_optional(out, STEP_WAKEUP), LOG_INFO, "guest is suspended: woke it so that it can power off");
                break;
        default:
                /* Crashed or powered off, and kept: there is nobody to be asked. */
                say(emit(out, STEP_LOG), LOG_INFO, "guest does not run: ending QEMU");
                end(lc, out, lc->state == STATE_CRASHED ? REASON_CRASHED : REASON_SHUTDOWN);
                return 0;
        }
        ask_to_power_off(lc, in->now, out);
        return 0;
}

/* Why it ends is said before: QEMU may be gone before it has told, and the unit be stopped before we have heard. Until it is
 * gone the machine is as it was: nothing ends it if it does not. */
static int request_quit(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        Step *s = emit(out, STEP_TELL_ENDING);

        s->reason = REASON_DESTROYED;
        s->patient = true;
        lc->quit_asked = true;
        emit(out, STEP_QUIT);
        return 0;
}

static const RequestHandler request_handlers[_REQUEST_MAX] = {
        [REQUEST_SUSPEND] = request_suspend,
        [REQUEST_RESUME] = request_resume,
        [REQUEST_SHUTDOWN] = request_shutdown,
        [REQUEST_REBOOT] = request_reboot,
        [REQUEST_RESET] = request_reset,
        [REQUEST_STOP] = request_stop,
        [REQUEST_SAVE] = request_save,
        [REQUEST_QUIT] = request_quit,
        [REQUEST_SAVE_END] = request_save_end,
        [REQUEST_SAVE_ABORT] = request_save_abort,
        [REQUEST_DUMP] = request_dump,
        [REQUEST_DUMP_END] = request_dump_end,
};

/* While a guest is being saved it stays as it is. */
static bool waits_for_save(LifecycleRequest request) {
        return request != REQUEST_STOP && request != REQUEST_QUIT && request != REQUEST_SAVE_END && request != REQUEST_SAVE_ABORT && request != REQUEST_DUMP_END;
}

static int on_request(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->attached || lc->ending)
                return refuse(out, "domain is not running");
        if (lc->save != SAVE_NONE && waits_for_save(in->request))
                return refuse(out, lc->dump ? "domain is being dumped" : "domain is being saved");
        return request_handlers[in->request](lc, in, out);
}

static void on_timer(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->stopping || lc->ending)
                return;
        if (in->now >= lc->stop_deadline) {
                say(emit(out, STEP_LOG), LOG_WARNING, "no reaction within %.0f s: ending QEMU",
                    stop_seconds(lc, in->now));
                end(lc, out, REASON_DESTROYED);
        } else if (in->now >= lc->stop_ask)
                ask_to_power_off(lc, in->now, out);
}

void lifecycle_set_actions(Lifecycle *lc, const LifecycleActions *actions) {
        lc->on_poweroff = actions->on_poweroff;
        lc->on_reboot = actions->on_reboot;
        lc->on_crash = actions->on_crash;
        lc->actions_noted = true;
}

void lifecycle_init(Lifecycle *lc) {
        lc->timer = UINT64_MAX;
        lc->next_resume = REASON_UNPAUSED;
}

int lifecycle_input(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        int r = 0;

        *out = (LifecycleOutput) {};
        switch (in->type) {
        case LIFECYCLE_ATTACHED:
                on_attached(lc, in, out);
                break;
        case LIFECYCLE_EVENT:
                on_event(lc, in, out);
                break;
        case LIFECYCLE_REQUEST:
                r = on_request(lc, in, out);
                break;
        case LIFECYCLE_TIMER:
                on_timer(lc, in, out);
                break;
        case LIFECYCLE_FAILED:
                if (lc->restored)
                        emit(out, STEP_MARK_UNUSED);
                if (!lc->ending)
                        end(lc, out, REASON_FAILED);
                break;
        case LIFECYCLE_SAVED:
                on_saved(lc, in, out);
                break;
        case LIFECYCLE_SAVE_FAILED:
                on_save_failed(lc, in, out);
                break;
        case LIFECYCLE_HELPER_LOST:
                on_helper_lost(lc, out);
                break;
        case LIFECYCLE_RESTORED:
                on_restored(lc, in, out);
                break;
        }
        set_timer(lc);
        return r;
}
