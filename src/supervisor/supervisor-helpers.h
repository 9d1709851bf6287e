/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "supervisor.h"

/* The processes beside QEMU that serve its devices (src/qemu/qemu-helper.h). */

/* Starts them in their order, after the socket pairs were made and before QEMU; waits for the end of those that end. 0 or
 * negative errno, logged. */
int supervisor_start_helpers(Supervisor *s);
/* One pollfd each, from P on, of which there are launch.n_helpers. */
void supervisor_poll_helpers(const Supervisor *s, struct pollfd *p);
/* Some may have ended. When it is not QEMU's end that they follow, the monitor is told what to make of it, after a moment:
 * helper_lost_at is a time to look at. */
void supervisor_reap_helpers(Supervisor *s);
void supervisor_helper_timers(Supervisor *s, uint64_t now);
/* Whether one has ended that QEMU, which is still there, needs. That is then dealt with at once. */
bool supervisor_has_lost_helper(Supervisor *s);
/* QEMU has ended: so do they, of their own will or not. */
void supervisor_end_helpers(Supervisor *s);
