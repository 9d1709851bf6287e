/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lifecycle.h"

/* What the parts of the state machine share; nobody else includes this. */

/* lifecycle-steps.c: the steps that come out, and what is remembered together with them. */

/* It is OUT's, and informs at LOG_INFO. */
Step *step_emit(LifecycleOutput *out, StepType type);
Step *step_emit_optional(LifecycleOutput *out, StepType type);
void step_say(Step *s, int priority, const char *format, ...) _printf_(3, 4);
void lifecycle_set_state(Lifecycle *lc, LifecycleOutput *out, DomainState state, DomainReason reason);
double lifecycle_stop_seconds(const Lifecycle *lc, uint64_t now);
void lifecycle_end(Lifecycle *lc, LifecycleOutput *out, DomainReason reason);
void lifecycle_forget_reboot(Lifecycle *lc, LifecycleOutput *out);
void lifecycle_note_paused(Lifecycle *lc, LifecycleOutput *out);
void lifecycle_forget_paused(Lifecycle *lc, LifecycleOutput *out);
void lifecycle_note_saving(Lifecycle *lc, LifecycleOutput *out);
void lifecycle_forget_saving(Lifecycle *lc, LifecycleOutput *out);
bool lifecycle_forbids_reset(const Lifecycle *lc);

/* lifecycle-request.c */

/* The guest's memory becomes a file, if nothing else is being written. */
void lifecycle_dump_core(Lifecycle *lc, CoreDump why, LifecycleOutput *out);

/* 0, or -EINVAL with OUT's refusal. */
int lifecycle_request(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);
void lifecycle_on_timer(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);
void lifecycle_on_saved(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);
void lifecycle_on_save_failed(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);
void lifecycle_on_restored(Lifecycle *lc, const LifecycleInput *in, LifecycleOutput *out);
