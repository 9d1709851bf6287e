/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "log.h"
#include "seccomp-filter.h"
#include "string-util.h"
#include "strv.h"
#include "supervisor-helpers.h"
#include "supervisor-monitor.h"
#include "text.h"
#include "time-util.h"

/* Rare on purpose: a monitor that hangs is noticed at once by whoever asks it something, this is for the rest. */
#define PING_INTERVAL_USEC (30 * USEC_PER_SEC)
#define PONG_LIMIT_USEC (15 * USEC_PER_SEC)
#define RESTART_DELAY_MAX_USEC (5 * USEC_PER_SEC)
#define MONITOR_PROVEN_USEC (10 * USEC_PER_SEC)
#define ENDING_LIMIT_USEC (30 * USEC_PER_SEC)
#define QEMU_END_USEC (2 * USEC_PER_SEC)
#define LAST_WORDS_MSEC 2000
/* So many monitors find that QEMU has closed its side, some seconds in all, until a start is given up. */
#define FAREWELLS_MAX 6U

/* The descriptors of a monitor and the matching LISTEN_FDNAMES. */
typedef struct MonitorFds {
        SpawnFd *fds; /* owned */
        size_t n_fds;
        Text names;
} MonitorFds;

static void monitor_fds_done(MonitorFds *m) {
        free(m->fds);
        text_done(&m->names);
}

static int add(MonitorFds *m, const char *name, int fd) {
        if (fd < 0) {
                log_error("no descriptor '%s' for the monitor", name);
                return -ENOENT;
        }
        if (!ARRAY_GROW(m->fds, m->n_fds))
                return -ENOMEM;
        m->fds[m->n_fds] = (SpawnFd) { .fd = fd, .number = PASSED_FD_FIRST + (unsigned) m->n_fds };
        m->n_fds++;
        text_appendf(&m->names, "%s%s", m->names.length > 0 ? ":" : "", name);
        return 0;
}

static int collect(Supervisor *s, int socket, int cgroup, MonitorFds *m) {
        int r = add(m, MONITOR_FD_SUPERVISOR, socket);
        if (r >= 0)
                r = add(m, MONITOR_FD_QMP, s->qmp_fd);
        if (r >= 0)
                r = add(m, MONITOR_FD_PLAN, passed_fds_find(&s->passed, MONITOR_FD_PLAN));
        if (r >= 0)
                r = add(m, MONITOR_FD_CONTROL, passed_fds_find(&s->passed, MONITOR_FD_CONTROL));
        if (r >= 0 && cgroup >= 0)
                r = add(m, MONITOR_FD_CGROUP, cgroup);
        for (size_t i = 0; r >= 0 && i < s->launch.n_monitor_fds; i++)
                r = add(m, s->launch.monitor_fds[i], passed_fds_find(&s->passed, s->launch.monitor_fds[i]));
        for (size_t i = 0; r >= 0 && i < s->launch.n_fds; i++)
                if (s->launch.fds[i].pair && !s->launch.fds[i].helper)
                        r = add(m, s->launch.fds[i].name, s->pair_fds[i]);
        return r;
}

static int environment(const MonitorFds *m, char ***ret) {
        static const char *const kept[] = { "JOURNAL_STREAM", "VMUNIT_LOG_LEVEL", "INVOCATION_ID" };
        _cleanup_strv_ char **env = NULL;

        /* spawn() writes LISTEN_PID into the first one. */
        int r = strv_extend(&env, "LISTEN_PID=");
        if (r >= 0)
                r = strv_extendf(&env, "LISTEN_FDS=%zu", m->n_fds);
        if (r >= 0)
                r = strv_extendf(&env, "LISTEN_FDNAMES=%s", strempty(m->names.data));
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(kept); i++) {
                const char *value = getenv(kept[i]);
                if (value)
                        r = strv_extendf(&env, "%s=%s", kept[i], value);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(env);
        return 0;
}

static int start_monitor(Supervisor *s) {
        _cleanup_(monitor_fds_done) MonitorFds m = {};
        _cleanup_strv_ char **env = NULL;
        const char *step;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        _cleanup_close_ int theirs = pair[1];
        _cleanup_close_ int ours = pair[0];
        _cleanup_close_ int cgroup = unit_cgroup_open_vm(&s->cgroup);
        r = collect(s, theirs, cgroup, &m);
        if (r < 0)
                return r;
        r = environment(&m, &env);
        if (r < 0)
                return r;

        char program[] = "vmunit-monitor";
        char *argv[] = { program, (char *) s->launch.name, NULL };
        SpawnRequest q = {
                .program = s->launch.monitor ?: VMUNIT_LIBEXECDIR "/vmunit-monitor",
                .argv = argv,
                .env = env,
                .fds = m.fds,
                .n_fds = m.n_fds,
                .directory_fd = -EBADF,
                .announce_pid = true,
                /* It reads what QEMU and the guest write, and starts nothing either. */
                .filter = true,
                .allow = SECCOMP_ALLOW_UNIX | SECCOMP_ALLOW_SCHEDULE,
                .check_capabilities = s->launch.unit,
                .capabilities = s->launch.capabilities,
                .drop_capabilities = s->launch.capabilities != 0,
                .what = "the monitor",
        };
        /* The strings of `env` are freed with it; the first one is replaced in the child only. */
        r = spawn(&q, &s->monitor, &step);
        if (r < 0)
                return log_error_errno(r, "cannot %s: %s", step, q.program);
        s->monitor_socket = TAKE_FD(ours);
        s->monitor_said_hello = false;
        s->monitor_start_at = UINT64_MAX;
        s->monitor_started = now_usec();
        s->ping_at = now_usec() + PING_INTERVAL_USEC;
        s->pong_deadline = UINT64_MAX;
        return 0;
}

/* A monitor that was killed is replaced at once; one that gave QEMU up, or never came to talk to it, would only do so
 * again: each time later, unless it has lived for a while. */
static void plan_restart(Supervisor *s, bool gave_up, uint64_t delay) {
        if (s->monitor_said_hello && (!gave_up || now_usec() - s->monitor_started >= MONITOR_PROVEN_USEC))
                s->monitor_failures = 0;
        else {
                s->monitor_failures++;
                delay = MIN(USEC_PER_SEC / 20 << MIN(s->monitor_failures, 8U), RESTART_DELAY_MAX_USEC);
        }
        s->monitor_start_at = now_usec() + delay;
        s->ping_at = s->pong_deadline = UINT64_MAX;
}

static void kill_monitor(Supervisor *s, const char *why) {
        log_warning("the monitor %s: ending it", why);
        (void) kill(s->monitor.pid, SIGKILL);
        s->ping_at = s->pong_deadline = UINT64_MAX;
}

static void send_message(Supervisor *s, MonitorMessageType type, uint32_t a) {
        MonitorMessage m = { .type = type, .a = a };
        ssize_t n;

        if (s->monitor_socket < 0)
                return;
        /* Never waits: a monitor that does not read is found out by the watchdog. */
        do
                n = send(s->monitor_socket, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        int r = n < 0 ? -errno : 0;
        if (r == 0 || r == -EPIPE || r == -ECONNRESET)
                return;
        log_warning_errno(r, "cannot send to the monitor");
        /* It would not know, and go on as if nothing had been said; the next one is told what matters when it says hello. */
        if (r != -EAGAIN && s->monitor.pid != 0)
                kill_monitor(s, "has missed a message");
}

void supervisor_monitor_send(Supervisor *s, MonitorMessageType type, uint32_t a) {
        if (s->monitor.pid == 0 && type != MONITOR_SHUTDOWN)
                log_warning("the monitor is being replaced: a request was lost, repeat it");
        send_message(s, type, a);
}

static void on_message(Supervisor *s, const MonitorMessage *m) {
        switch (m->type) {
        case MONITOR_HELLO:
                s->monitor_said_hello = true;
                if (s->ready)
                        send_message(s, MONITOR_WAS_READY, 0);
                if (s->stopping)
                        send_message(s, MONITOR_SHUTDOWN, supervisor_stop_budget_ms(s));
                if (s->helper_told)
                        send_message(s, MONITOR_HELPER_LOST, 0);
                break;
        case MONITOR_READY:
                /* A machine without one of its devices is none that is ready: its start fails. */
                if (!s->ready && !supervisor_has_lost_helper(s)) {
                        s->ready = true;
                        supervisor_tell_ready(s);
                }
                break;
        case MONITOR_STATE:
                /* Shut off is what we find out ourselves, when QEMU has ended. */
                if (m->a < _STATE_MAX && m->a != STATE_SHUT_OFF && m->b < _REASON_MAX)
                        supervisor_set_state(s, (DomainState) m->a, (DomainReason) m->b);
                break;
        case MONITOR_ENDING:
                if (m->b < _REASON_MAX)
                        s->ending = (DomainReason) m->b;
                /* QEMU may hang on its way out, and the monitor has done what it can. */
                if (m->a == 0 && s->terminate_at == UINT64_MAX && !s->destroying) {
                        s->stop_started = now_usec();
                        s->terminate_at = s->stop_started + ENDING_LIMIT_USEC;
                }
                break;
        case MONITOR_RESTART:
                s->restart = true;
                break;
        case MONITOR_PONG:
                s->pong_deadline = UINT64_MAX;
                break;
        default:
                log_warning("message %u from the monitor is not known", m->type);
        }
}

void supervisor_monitor_read(Supervisor *s) {
        MonitorMessage m;

        while (s->monitor_socket >= 0) {
                ssize_t n = recv(s->monitor_socket, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);
                if (n == sizeof(m))
                        on_message(s, &m);
                else if (n < 0 && errno == EINTR)
                        continue;
                else if (n < 0 && errno == EAGAIN)
                        return;
                else
                        /* Closed, or something else than a record: its process is dealt with when it ends. */
                        s->monitor_socket = safe_close(s->monitor_socket);
        }
}

/* A guest that runs may go on without QMP; one that is not there yet will never be. */
static void say_farewell(Supervisor *s) {
        if (++s->monitor_farewells < FAREWELLS_MAX || s->destroying)
                return;
        log_error("QEMU has closed its QMP connection, and does not end: ending it");
        supervisor_destroy(s, REASON_FAILED);
}

void supervisor_monitor_reap(Supervisor *s) {
        siginfo_t si = {};
        uint64_t delay = 0;

        if (s->monitor.pid == 0 || waitid(P_PID, (id_t) s->monitor.pid, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
                return;
        supervisor_monitor_read(s);
        if (si.si_code == CLD_EXITED && si.si_status == 0) {
                /* QEMU has closed its side: it is about to end, which we are about to see. */
                delay = QEMU_END_USEC;
                if (!s->ready)
                        say_farewell(s);
        } else if (si.si_code == CLD_EXITED)
                log_warning("the monitor ended with status %d: starting another one", si.si_status);
        else
                log_warning("the monitor was killed by signal SIG%s: starting another one",
                            strempty(sigabbrev_np(si.si_status)));
        s->monitor = (Child) { .pidfd = safe_close(s->monitor.pidfd) };
        s->monitor_socket = safe_close(s->monitor_socket);
        plan_restart(s, si.si_code == CLD_EXITED && si.si_status != 0, delay);
}

void supervisor_monitor_check_stopped(Supervisor *s) {
        siginfo_t si = {};

        if (s->monitor.pid != 0 && waitid(P_PID, (id_t) s->monitor.pid, &si, WSTOPPED | WNOHANG) == 0 && si.si_pid != 0)
                kill_monitor(s, "was stopped");
}

void supervisor_monitor_timers(Supervisor *s, uint64_t now) {
        if (now >= s->monitor_start_at) {
                if (start_monitor(s) < 0)
                        plan_restart(s, true, 0);
                return;
        }
        if (now >= s->pong_deadline)
                kill_monitor(s, "does not answer");
        else if (now >= s->ping_at) {
                send_message(s, MONITOR_PING, 0);
                s->ping_at = now + PING_INTERVAL_USEC;
                if (s->pong_deadline == UINT64_MAX)
                        s->pong_deadline = now + PONG_LIMIT_USEC;
        }
}

void supervisor_monitor_end(Supervisor *s) {
        struct pollfd p = { .fd = s->monitor.pidfd, .events = POLLIN };

        if (s->monitor.pid == 0)
                return;
        /* It leaves by itself, and who has asked it for the end has an answer first. */
        if (poll(&p, 1, LAST_WORDS_MSEC) <= 0)
                log_warning("the monitor outlives QEMU: ending it");
        (void) kill(s->monitor.pid, SIGKILL);
        (void) waitpid(s->monitor.pid, NULL, 0);
        s->monitor = (Child) { .pidfd = safe_close(s->monitor.pidfd) };
        s->monitor_socket = safe_close(s->monitor_socket);
}
