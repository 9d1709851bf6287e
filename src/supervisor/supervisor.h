/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cgroup.h"
#include "domain-state.h"
#include "launch.h"
#include "monitor-protocol.h"
#include "notify.h"
#include "spawn.h"

/* The unit's main process: starts QEMU and the monitor, waits, forwards signals, says READY=1, and ends as QEMU
 * ended. It reads nothing that QEMU, guest or client wrote; from the monitor it takes numbers only. */
typedef struct Supervisor {
        PassedFds passed;
        Launch launch;
        UnitCgroup cgroup;
        int signal_fd;  /* owned */
        int state_fd;   /* the list's (PassedFds); negative: none */
        int qmp_fd;     /* owned: the monitor's end of the QMP pair, kept for the next monitor */
        int *pair_fds;  /* owned: the other ends of the pairs, one per launch.fds, -EBADF where it is no pair */

        Child qemu, monitor;
        Child *helpers;          /* owned: one for each of launch.helpers; NULL: not started yet */
        const char *helper_lost; /* the last one that ended before QEMU, with … */
        int helper_code, helper_status; /* … CLD_EXITED or not, and the status or signal */
        uint64_t helper_lost_at; /* when that is taken for a crash; UINT64_MAX: it is not */
        bool helper_told;        /* it was */
        int monitor_socket;        /* owned */
        bool monitor_said_hello;   /* this one */
        unsigned monitor_failures; /* ended before HELLO, one after another */
        unsigned monitor_farewells; /* ended because QEMU had closed its side, before the guest ran */
        uint64_t monitor_start_at; /* when to start the next one; UINT64_MAX: one runs */
        uint64_t monitor_started;  /* the one that runs */
        uint64_t ping_at, pong_deadline;
        uint64_t status_at;    /* no STATUS= before that */
        bool status_pending;   /* the last state is still to be sent */

        bool ready;
        uint64_t ready_at;     /* when systemd is told once more that it is; UINT64_MAX: it knows, or it is not */
        DomainState state;
        DomainReason reason;
        uint64_t state_at;     /* when it is written once more; UINT64_MAX: it has been */
        DomainReason ending;   /* what the monitor said QEMU's end will be; REASON_UNKNOWN: nothing */
        bool restart;          /* MONITOR_RESTART */
        bool stopping;         /* SIGTERM was received */
        uint64_t stop_started; /* CLOCK_MONOTONIC, microseconds */
        bool destroying;       /* it is us who end QEMU */
        DomainReason destroy_reason;
        uint64_t kill_at;      /* when SIGKILL follows SIGTERM; UINT64_MAX: not now */
        uint64_t terminate_at; /* when a stop that went nowhere becomes a destroy */
} Supervisor;

/* Runs until QEMU has ended. Returns the exit status, or minus the number of the signal that ended QEMU and
 * that the caller should end by as well. */
int supervisor_run(Supervisor *s);
/* Takes the descriptors that systemd passed and reads the launch record. 0 or negative errno, logged. */
int supervisor_init(Supervisor *s);
void supervisor_done(Supervisor *s);
/* The guest is there: says so to systemd, until it is said. */
void supervisor_tell_ready(Supervisor *s);
/* Ends QEMU now, with REASON: SIGTERM, which lets it write back what it holds, then SIGKILL. */
void supervisor_destroy(Supervisor *s, DomainReason reason);
