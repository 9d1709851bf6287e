/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "supervisor.h"

/* The supervisor's side of the monitor: starting it (again), its messages, its watchdog. */

/* Sends a request; when there is no monitor to take it, the next one gets what is still to be done. */
void supervisor_monitor_send(Supervisor *s, MonitorMessageType type, uint32_t a);
void supervisor_monitor_read(Supervisor *s);
/* Its process has ended: plans the next one. */
void supervisor_monitor_reap(Supervisor *s);
/* A monitor that was stopped (SIGSTOP) is as good as dead. */
void supervisor_monitor_check_stopped(Supervisor *s);
void supervisor_monitor_timers(Supervisor *s, uint64_t now);
/* QEMU has ended: gives the monitor a moment to answer who waits for that, and ends it. */
void supervisor_monitor_end(Supervisor *s);

/* supervisor.c */
void supervisor_set_state(Supervisor *s, DomainState state, DomainReason reason);
uint32_t supervisor_stop_budget_ms(const Supervisor *s);
