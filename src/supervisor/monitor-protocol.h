/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* Supervisor and monitor talk over a SOCK_SEQPACKET pair in records of fixed size. The monitor reads what a
 * hostile QEMU and guest write, so the supervisor takes nothing from it but numbers of enums that it checks:
 * no text that could end up in a notification to systemd. */
typedef enum MonitorMessageType {
        /* monitor → supervisor */
        MONITOR_HELLO = 1, /* QMP is up; a: 1 if QEMU was found already started by an earlier monitor */
        MONITOR_READY,     /* the guest runs (or is paused, as asked): READY=1 */
        MONITOR_STATE,     /* a: DomainState, b: DomainReason */
        MONITOR_ENDING,    /* QEMU is about to end of its own will; b: DomainReason of "shut off"; a: 1 if nobody minds when it does not */
        MONITOR_RESTART,   /* when QEMU has ended, end with EXIT_FORCE_RESTART: on_*=restart */
        MONITOR_PONG,
        /* supervisor → monitor */
        MONITOR_SHUTDOWN,  /* graceful; a: milliseconds left until systemd's own limit, UINT32_MAX: none */
        MONITOR_REBOOT,    /* graceful */
        MONITOR_RESET,
        MONITOR_PING,
        MONITOR_WAS_READY, /* to one that has said HELLO: an earlier one has said READY */
        MONITOR_HELPER_LOST, /* a process that serves a device of QEMU's has ended */
        _MONITOR_MESSAGE_MAX,
} MonitorMessageType;

typedef struct MonitorMessage {
        uint32_t type;
        uint32_t a, b;
} MonitorMessage;

/* The supervisor's exit status that makes systemd start the VM again (RestartForceExitStatus=). */
#define EXIT_FORCE_RESTART 133
/* Its exit status after a guest that crashed was ended, as on_crash asks: the unit has failed. */
#define EXIT_GUEST_CRASHED 134

/* Names of the descriptors the monitor is started with (sd_listen_fds_with_names(3)): MONITOR_FD_SUPERVISOR,
 * MONITOR_FD_QMP, MONITOR_FD_PLAN (plan.json, read with pread), MONITOR_FD_CONTROL (listening), MONITOR_FD_CGROUP (the
 * directory UNIT/vm, where the unit has a delegated cgroup), and the
 * PLAN_USER_MONITOR and PLAN_FD_PAIR descriptors of the plan under their own names. */
#define MONITOR_FD_SUPERVISOR "supervisor"
#define MONITOR_FD_QMP "qmp"
#define MONITOR_FD_PLAN "plan"
#define MONITOR_FD_CONTROL "control"
#define MONITOR_FD_CGROUP "cgroup"

/* The descriptors of the supervisor itself in the fd store, pushed by the prepare step beside the plan's. */
#define SUPERVISOR_FD_LAUNCH "launch" /* the launch record (plan.h), a sealed memfd */
#define SUPERVISOR_FD_STATE "state"   /* /run/vmunit/NAME/state, open for writing */

/* Signals to the supervisor: systemd's own meanings (systemd(1), machinectl). */
#define SUPERVISOR_SIGNAL_POWEROFF (SIGRTMIN + 4)
#define SUPERVISOR_SIGNAL_DESTROY (SIGRTMIN + 14) /* at once */
#define SUPERVISOR_SIGNAL_RESET (SIGRTMIN + 15)   /* at once */
