/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <syslog.h>

#include "lifecycle-internal.h"

/* What is asked of a machine, by clients and by the end of its unit, and what follows from that later. */

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
                step_emit(out, STEP_STOP);
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
                step_emit(out, STEP_CONT);
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
                lifecycle_forget_reboot(lc, out);
        else if (mode != POWER_AGENT && !lc->reboot_wanted) {
                step_emit(out, STEP_NOTE_REBOOT);
                lc->reboot_wanted = true;
        }
        if (mode != POWER_AGENT)
                step_say(step_emit(out, STEP_POWERDOWN), LOG_INFO, "asked the guest to %s (ACPI)",
                         reboot ? "power off for a reboot" : "power off");
        if (mode == POWER_AGENT || (mode == POWER_ANY && lc->has_agent))
                step_emit(out, reboot ? STEP_AGENT_REBOOT : STEP_AGENT_SHUTDOWN)->optional = mode == POWER_ANY;
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
                lifecycle_note_paused(lc, out);
        step_emit(out, STEP_RESET);
        if (lc->state == STATE_CRASHED)
                lifecycle_set_state(lc, out, STATE_PAUSED, REASON_GUEST_PANICKED);
        else if (lc->state != STATE_RUNNING)
                lifecycle_set_state(lc, out, STATE_PAUSED, REASON_USER);
        return 0;
}

/* --- saving and restoring ------------------------------------------------------------------------------ */

static int request_save(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->state == STATE_RUNNING) {
                /* Noted first, so that a later monitor knows that the guest is to go on. */
                lifecycle_note_saving(lc, out);
                lc->next_pause = REASON_SAVING;
                step_emit(out, STEP_STOP);
        } else if (lc->state == STATE_PAUSED && lc->reason != REASON_STARTING_UP)
                lifecycle_set_state(lc, out, STATE_PAUSED, REASON_SAVING);
        else
                return refuse(out, lc->state == STATE_PMSUSPENDED ? "domain is pmsuspended" : "domain is not running");
        lc->save = SAVE_UNDER_WAY;
        step_emit(out, STEP_SAVE);
        return 0;
}

/* In whatever state it is: a guest that has crashed above all. */
static int request_dump(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->state == STATE_PAUSED && lc->reason == REASON_STARTING_UP)
                return refuse(out, "domain is not running");
        /* QEMU wakes up a guest that sleeps when it writes its state. */
        if (!in->memory && (lc->state == STATE_RUNNING || lc->state == STATE_PMSUSPENDED))
                lifecycle_note_saving(lc, out);
        if (lc->state == STATE_RUNNING || lc->state == STATE_PMSUSPENDED)
                lc->next_pause = REASON_DUMPING;
        if (lc->state == STATE_RUNNING && !in->memory && !in->live)
                step_emit(out, STEP_STOP);
        lc->save = SAVE_UNDER_WAY;
        lc->dump = true;
        step_emit(out, STEP_SAVE);
        return 0;
}

static int request_save_end(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->save != SAVE_DONE || lc->dump)
                return refuse(out, "domain is not saved");
        step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest is saved: ending QEMU");
        lifecycle_end(lc, out, REASON_SAVED);
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
                step_emit(out, STEP_CONT);
        } else if (!run && !dump)
                lifecycle_set_state(lc, out, STATE_PAUSED, REASON_USER);
        lifecycle_forget_saving(lc, out);
}

void lifecycle_dump_core(Lifecycle *lc, CoreDump why, LifecycleOutput *out) {
        if (lc->save != SAVE_NONE)
                return;
        lc->save = SAVE_UNDER_WAY;
        lc->dump = true;
        lc->core = why;
        step_emit(out, STEP_SAVE);
}

/* The memory of a guest that has crashed is in its file, or it is not: then the guest stays, as in libvirt, and somebody may
 * find room and dump it. */
static void crash_dumped(Lifecycle *lc, bool done, LifecycleOutput *out) {
        bool restart = lc->on_crash == ACTION_COREDUMP_RESTART && !lc->stopping;

        lc->save = SAVE_NONE;
        lc->dump = false;
        if (lc->ending)
                return;
        if (!done && !lc->stopping) {
                lifecycle_forget_reboot(lc, out);
                step_say(step_emit(out, STEP_LOG), LOG_ERR, "guest panicked and was not dumped: kept");
                return;
        }
        step_say(step_emit(out, STEP_LOG), LOG_INFO, !done ? "guest was not dumped: ending it" :
                 restart ? "guest is dumped: starting it again" : "guest is dumped: ending it");
        if (restart)
                step_emit(out, STEP_TELL_RESTART);
        lifecycle_end(lc, out, REASON_CRASHED);
}

static int request_dump_end(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->save != SAVE_DONE || !lc->dump)
                return refuse(out, "domain is not being dumped");
        if (in->dump_end == DUMP_CRASH) {
                step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest is dumped: ending QEMU");
                lifecycle_end(lc, out, REASON_CRASHED);
                return 0;
        }
        bool stopped = lc->state != STATE_RUNNING && lc->reason != REASON_DUMPING;
        go_on(lc, out);
        if (in->dump_end == DUMP_RESET && stopped)
                return request_reset(lc, in, out);
        /* Only when it runs: one that is reset between the end of a migration and that does not find its feet again. */
        if (in->dump_end == DUMP_RESET)
                step_emit(out, STEP_RESET);
        return 0;
}

void lifecycle_on_save_failed(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        bool run = lc->save_noted;
        CoreDump core = lc->core;

        lc->core = CORE_NONE;
        if (core == CORE_CRASH) {
                crash_dumped(lc, false, out);
                return;
        }
        go_on(lc, out);
        if (lc->ending)
                return;
        if (lc->stopping) {
                if (!run)
                        step_emit_optional(out, STEP_CONT);
                ask_to_power_off(lc, in->now, out);
        }
}

static int request_save_abort(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (lc->save == SAVE_DONE || lc->save == SAVE_UNDER_WAY) {
                lc->save = SAVE_ABANDONED;
                step_emit(out, STEP_ABANDON_SAVE);
        }
        return 0;
}

void lifecycle_on_saved(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        CoreDump core = lc->core;

        if (lc->save == SAVE_UNDER_WAY)
                lc->save = SAVE_DONE;
        lc->core = CORE_NONE;
        if (core == CORE_CRASH)
                crash_dumped(lc, true, out);
        else if (core == CORE_WATCHDOG)
                go_on(lc, out);
}

void lifecycle_on_restored(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->restoring || lc->ending)
                return;
        lc->restoring = false;
        lc->restored = !lc->start_paused;
        step_emit(out, STEP_MARK_USED);
        step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest is restored");
        if (lc->start_paused)
                lifecycle_set_state(lc, out, STATE_PAUSED, REASON_USER);
        else {
                lc->next_resume = REASON_RESTORED;
                step_emit(out, STEP_CONT);
        }
        step_emit(out, STEP_TELL_READY);
}

/* --- the end of the unit -------------------------------------------------------------------------------- */

static void ask_to_power_off(Lifecycle *lc, uint64_t now, LifecycleOutput *out) {
        bool again = now > lc->stop_since;

        lifecycle_forget_reboot(lc, out);
        Step *s = step_emit_optional(out, STEP_POWERDOWN);
        if (again)
                step_say(s, LOG_INFO, "still running after %.1f s: asked again", lifecycle_stop_seconds(lc, now));
        else
                step_say(s, LOG_INFO, "asked the guest to power off (ACPI)");
        if (lc->has_agent)
                step_emit_optional(out, STEP_AGENT_SHUTDOWN);
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
                step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest is being saved: that is given up, so that it can power off");
                lc->stop_ask = in->now + STOP_ASK_USEC;
                return request_save_abort(lc, in, out);
        }
        switch (lc->state) {
        case STATE_RUNNING:
                break;
        case STATE_PAUSED:
                if (lc->reason == REASON_STARTING_UP) {
                        /* Its first instruction is still to come, or just has: nothing can be lost. */
                        step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest has not started yet: ending QEMU");
                        lifecycle_end(lc, out, REASON_SHUTDOWN);
                        return 0;
                }
                lc->next_resume = REASON_UNPAUSED;
                step_say(step_emit_optional(out, STEP_CONT), LOG_INFO, "guest is paused: resumed it so that it can power off");
                break;
        case STATE_PMSUSPENDED:
                step_say(step_emit_optional(out, STEP_WAKEUP), LOG_INFO, "guest is suspended: woke it so that it can power off");
                break;
        default:
                /* Crashed or powered off, and kept: there is nobody to be asked. */
                step_say(step_emit(out, STEP_LOG), LOG_INFO, "guest does not run: ending QEMU");
                lifecycle_end(lc, out, lc->state == STATE_CRASHED ? REASON_CRASHED : REASON_SHUTDOWN);
                return 0;
        }
        ask_to_power_off(lc, in->now, out);
        return 0;
}

/* Why it ends is said before: QEMU may be gone before it has told, and the unit be stopped before we have heard. Until it is
 * gone the machine is as it was: nothing ends it if it does not. */
static int request_quit(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        Step *s = step_emit(out, STEP_TELL_ENDING);

        s->reason = REASON_DESTROYED;
        s->patient = true;
        lc->quit_asked = true;
        step_emit(out, STEP_QUIT);
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

int lifecycle_request(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->attached || lc->ending)
                return refuse(out, "domain is not running");
        if (lc->save != SAVE_NONE && waits_for_save(in->request))
                return refuse(out, lc->dump ? "domain is being dumped" : "domain is being saved");
        return request_handlers[in->request](lc, in, out);
}

void lifecycle_on_timer(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out) {
        if (!lc->stopping || lc->ending)
                return;
        if (in->now >= lc->stop_deadline) {
                step_say(step_emit(out, STEP_LOG), LOG_WARNING, "no reaction within %.0f s: ending QEMU",
                         lifecycle_stop_seconds(lc, in->now));
                lifecycle_end(lc, out, REASON_DESTROYED);
        } else if (in->now >= lc->stop_ask)
                ask_to_power_off(lc, in->now, out);
}
