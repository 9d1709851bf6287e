/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "lifecycle-internal.h"

Step *step_emit(LifecycleOutput *out, StepType type) {
        assert(out->n_steps < STEPS_MAX);
        Step *s = out->steps + out->n_steps++;
        *s = (Step) { .type = type, .priority = LOG_INFO };
        return s;
}

Step *step_emit_optional(LifecycleOutput *out, StepType type) {
        Step *s = step_emit(out, type);
        s->optional = true;
        return s;
}

void step_say(Step *s, int priority, const char *format, ...) {
        va_list ap;

        s->priority = priority;
        va_start(ap, format);
        (void) vsnprintf(s->text, sizeof(s->text), format, ap);
        va_end(ap);
}

void lifecycle_set_state(Lifecycle *lc, LifecycleOutput *out, DomainState state, DomainReason reason) {
        if (lc->state == state && lc->reason == reason)
                return;
        lc->state = state;
        lc->reason = reason;
        Step *s = step_emit(out, STEP_TELL_STATE);
        s->state = state;
        s->reason = reason;
}

static double seconds(uint64_t usec) {
        return (double) usec / 1e6;
}

double lifecycle_stop_seconds(const Lifecycle *lc, uint64_t now) {
        return seconds(now - lc->stop_since);
}

void lifecycle_end(Lifecycle *lc, LifecycleOutput *out, DomainReason reason) {
        lc->ending = true;
        step_emit(out, STEP_TELL_ENDING)->reason = lc->quit_asked ? REASON_DESTROYED : reason;
        step_emit(out, STEP_QUIT);
}

void lifecycle_forget_reboot(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->reboot_wanted)
                step_emit_optional(out, STEP_FORGET_REBOOT);
        lc->reboot_wanted = false;
}

void lifecycle_note_paused(Lifecycle *lc, LifecycleOutput *out) {
        if (!lc->paused_noted)
                step_emit_optional(out, STEP_NOTE_PAUSED);
        lc->paused_noted = true;
}

void lifecycle_forget_paused(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->paused_noted)
                step_emit_optional(out, STEP_FORGET_PAUSED);
        lc->paused_noted = false;
}

void lifecycle_note_saving(Lifecycle *lc, LifecycleOutput *out) {
        if (!lc->save_noted)
                step_emit(out, STEP_NOTE_SAVING);
        lc->save_noted = true;
}

void lifecycle_forget_saving(Lifecycle *lc, LifecycleOutput *out) {
        if (lc->save_noted)
                step_emit_optional(out, STEP_FORGET_SAVING);
        lc->save_noted = false;
}

bool lifecycle_forbids_reset(const Lifecycle *lc) {
        return lc->on_reboot == ACTION_DESTROY;
}
