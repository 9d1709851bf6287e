/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <syslog.h>

#include "lifecycle-internal.h"

/* --- what the guest's end means ----------------------------------------------------------------------- */

/* A guest that has powered off is reset and goes on: what libvirt calls a fake reboot. The note is there until
 * the reset has come, so that a later monitor carries on. */
static void reset_and_continue(Lifecycle *lc, LifecycleOutput *out) {
        if (!lc->reboot_wanted)
                step_emit_optional(out, STEP_NOTE_REBOOT);
        lc->reboot_wanted = true;
        lc->resetting = lc->restarting = true;
        if (lifecycle_forbids_reset(lc))
                step_emit(out, STEP_ALLOW_RESET);
        step_say(step_emit(out, STEP_RESET), LOG_INFO, "guest powered off: starting it again");
}

static void on_poweroff(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        lifecycle_set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
        if (lc->stopping) {
                step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest powered off after %.1f s", lifecycle_stop_seconds(lc, now));
                lifecycle_end(lc, out, REASON_SHUTDOWN);
        } else if (lc->reboot_wanted || lc->on_poweroff == ACTION_RESTART)
                reset_and_continue(lc, out);
        else if (lc->on_poweroff == ACTION_PRESERVE)
                step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest powered off: kept, as on_poweroff says");
        else {
                step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest powered off");
                lifecycle_end(lc, out, REASON_SHUTDOWN);
        }
}

/* QEMU calls a reset a shutdown when it has been told to (on_reboot=destroy). */
static void on_forbidden_reset(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        lifecycle_set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
        step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest rebooted: ending it, as on_reboot says");
        lifecycle_end(lc, out, REASON_SHUTDOWN);
}

static void on_panic(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        if (lc->core == CORE_CRASH) /* QEMU says it twice */
                return;
        lifecycle_set_state(lc, out, STATE_CRASHED, REASON_PANICKED);
        if (lifecycle_action_dumps(lc->on_crash) && !lc->stopping && lc->save == SAVE_NONE) {
                step_say(step_emit(out, STEP_LOG), LOG_ERR, "guest panicked: dumping its memory");
                lifecycle_dump_core(lc, CORE_CRASH, out);
                return;
        }
        if (lc->on_crash == ACTION_PRESERVE && !lc->stopping) {
                lifecycle_forget_reboot(lc, out);
                step_say(step_emit(out, STEP_LOG), LOG_ERR, "guest panicked: kept, as on_crash says");
                return;
        }
        bool restart = lifecycle_action_restarts(lc->on_crash) && !lc->stopping;
        step_say(step_emit(out, STEP_LOG), LOG_ERR, restart ? "guest panicked: starting it again" : "guest panicked");
        if (restart)
                step_emit(out, STEP_TELL_RESTART);
        lifecycle_end(lc, out, REASON_CRASHED);
}

/* swtpm has ended, say. What the guest had in that device is gone with it. */
static void on_helper_lost(Lifecycle *lc, LifecycleOutput *out) {
        bool keep = lc->on_crash == ACTION_PRESERVE && !lc->stopping, restart = lifecycle_action_restarts(lc->on_crash) && !lc->stopping;

        if (lc->ending)
                return;
        step_say(step_emit(out, STEP_LOG), LOG_ERR, keep ? "a device of the guest is gone: kept, as on_crash says" :
            restart ? "a device of the guest is gone: starting it again" : "a device of the guest is gone: ending it, as on_crash says");
        if (restart)
                step_emit(out, STEP_TELL_RESTART);
        if (!keep)
                lifecycle_end(lc, out, REASON_CRASHED);
}

static void on_qemu_quits(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        lc->ending = true;
        lifecycle_set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
        step_emit(out, STEP_TELL_ENDING)->reason = REASON_DESTROYED;
}

/* Whoever sent QEMU a signal, usually the supervisor, knows why. */
static void on_qemu_killed(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        lc->ending = true;
        lifecycle_set_state(lc, out, STATE_IN_SHUTDOWN, REASON_USER);
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
                if (lifecycle_forbids_reset(lc))
                        step_emit_optional(out, STEP_SET_ACTIONS);
                /* First the note, then cont: a note that outlived cont would turn the next power-off into a
                 * reboot. */
                lifecycle_forget_reboot(lc, out);
                lc->next_resume = REASON_BOOTED;
                step_emit(out, STEP_CONT);
                return;
        }
        if (!in->guest_did)
                return;
        lifecycle_forget_reboot(lc, out);
        if (lc->stopping)
                step_say(step_emit(out, STEP_LOG), LOG_WARNING, "guest rebooted instead of powering off, after %.1f s",
                         lifecycle_stop_seconds(lc, in->now));
        else
                step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest rebooted");
}

static void on_stop(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        /* Behind SHUTDOWN, GUEST_PANICKED and SUSPEND there is a STOP that says nothing new. */
        if (lc->state == STATE_RUNNING)
                lifecycle_set_state(lc, out, STATE_PAUSED, lc->next_pause);
        lc->next_pause = REASON_UNKNOWN;
}

static void on_resume(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        lifecycle_set_state(lc, out, STATE_RUNNING, lc->next_resume);
        lc->next_resume = REASON_UNPAUSED;
        lc->restarting = lc->restored = false;
        lifecycle_forget_paused(lc, out);
}

static void on_suspend(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        lifecycle_set_state(lc, out, STATE_PMSUSPENDED, REASON_UNKNOWN);
}

static void on_wakeup(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->state == STATE_PMSUSPENDED)
                lifecycle_set_state(lc, out, STATE_RUNNING, REASON_WAKEUP);
}

static void on_panicked(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (in->pauses)
                on_panic(lc, in->now, out);
        else
                step_say(step_emit(out, STEP_LOG), LOG_WARNING, "guest panicked and runs on");
}

static void on_crashloaded(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        step_say(step_emit(out, STEP_LOG), LOG_WARNING, "guest crashed and loads its crash kernel");
}

static void on_io_error(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!in->pauses)
                return;
        lc->next_pause = REASON_IO_ERROR;
        step_say(step_emit(out, STEP_LOG), LOG_ERR, "I/O error of a disk: guest is paused");
}

static void on_watchdog(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (in->pauses)
                lc->next_pause = REASON_WATCHDOG;
        bool dumps = in->pauses && lc->watchdog_dumps && lc->save == SAVE_NONE && !lc->stopping;
        step_say(step_emit(out, STEP_LOG), LOG_WARNING, "the guest's watchdog fired%s",
                 dumps ? ": dumping the guest's memory" : in->pauses ? ": guest is paused" : "");
        if (!dumps)
                return;
        /* It goes on afterwards, also by a later monitor. */
        lifecycle_note_saving(lc, out);
        step_emit(out, STEP_STOP);
        lifecycle_dump_core(lc, CORE_WATCHDOG, out);
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
        step_say(step_emit_optional(out, STEP_POWERDOWN), LOG_INFO, "asked the guest to power off for a reboot (ACPI)");
}

/* --- beginning ---------------------------------------------------------------------------------------- */

static void attach_prelaunch(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->reboot_wanted) {
                /* After the reset of a reboot that an earlier monitor has begun. */
                lifecycle_forget_reboot(lc, out);
                lc->restarting = true;
                lc->next_resume = REASON_BOOTED;
                step_emit(out, STEP_CONT);
        } else if (lc->paused_noted)
                lifecycle_set_state(lc, out, STATE_PAUSED, REASON_USER);
        else {
                if (!lc->start_paused)
                        lifecycle_set_state(lc, out, STATE_PAUSED, REASON_STARTING_UP);
                step_emit(out, STEP_PREPARE_GUEST);
                if (lc->start_paused)
                        lifecycle_set_state(lc, out, STATE_PAUSED, REASON_USER);
                else {
                        lc->next_resume = REASON_BOOTED;
                        step_emit(out, STEP_CONT);
                }
        }
}

/* The devices are completed first: what is read has to meet the same machine. */
static void attach_restoring(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (in->again) {
                step_say(step_emit(out, STEP_LOG), LOG_ERR, "the monitor ended while it restored the guest");
                lifecycle_end(lc, out, REASON_FAILED);
                return;
        }
        lc->restoring = true;
        lifecycle_set_state(lc, out, STATE_PAUSED, REASON_STARTING_UP);
        step_emit(out, STEP_PREPARE_GUEST);
        step_emit(out, STEP_RESTORE);
}

/* Whoever asked an earlier monitor for it has lost it. */
static void attach_saving(Lifecycle *lc, LifecycleOutput *out) {
        lc->save = SAVE_ABANDONED;
        lifecycle_set_state(lc, out, STATE_PAUSED, REASON_SAVING);
        step_emit(out, STEP_ABANDON_SAVE);
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
        step_emit_optional(out, STEP_SET_ACTIONS);
        if (is_restoring(lc, in)) {
                attach_restoring(lc, in, out);
                return;
        }
        if (is_saving(in)) {
                attach_saving(lc, out);
                step_emit(out, STEP_TELL_READY);
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
                lifecycle_set_state(lc, out, state, reason);
                if (state == STATE_RUNNING) {
                        lifecycle_forget_paused(lc, out);
                        lifecycle_forget_saving(lc, out);
                        /* Noted, but perhaps not yet asked for; to be asked twice does a guest no harm. */
                        if (lc->reboot_wanted)
                                ask_for_reboot(out);
                }
        }
        if (!lc->ending)
                step_emit(out, STEP_TELL_READY);
}

static void set_timer(Lifecycle *lc) {
        lc->timer = lc->stopping && !lc->ending ? MIN(lc->stop_deadline, lc->stop_ask) : UINT64_MAX;
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
                r = lifecycle_request(lc, in, out);
                break;
        case LIFECYCLE_TIMER:
                lifecycle_on_timer(lc, in, out);
                break;
        case LIFECYCLE_FAILED:
                if (lc->restored)
                        step_emit(out, STEP_MARK_UNUSED);
                if (!lc->ending)
                        lifecycle_end(lc, out, REASON_FAILED);
                break;
        case LIFECYCLE_SAVED:
                lifecycle_on_saved(lc, in, out);
                break;
        case LIFECYCLE_SAVE_FAILED:
                lifecycle_on_save_failed(lc, in, out);
                break;
        case LIFECYCLE_HELPER_LOST:
                on_helper_lost(lc, out);
                break;
        case LIFECYCLE_RESTORED:
                lifecycle_on_restored(lc, in, out);
                break;
        }
        set_timer(lc);
        return r;
}
