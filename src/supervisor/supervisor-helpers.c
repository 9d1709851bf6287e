/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "file-util.h"
#include "log.h"
#include "seccomp-filter.h"
#include "string-util.h"
#include "supervisor-helpers.h"
#include "supervisor-monitor.h"
#include "time-util.h"

/* What is done before the machine starts. */
#define ENDS_USEC (60 * USEC_PER_SEC)
/* When QEMU ends, its helpers often are gone before it is. */
#define LOST_USEC (USEC_PER_SEC / 2)
/* They write down what they have, after QEMU's end … */
#define END_USEC (3 * USEC_PER_SEC)
/* … and get a SIGTERM, and after this SIGKILL. */
#define TERMINATE_USEC (1 * USEC_PER_SEC)

static char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", home_variable[] = "HOME=/";
static char *const environment[] = { path_variable, home_variable, NULL };

/* Where the other end of the pair NAME is kept; NULL: there is none. */
static int *find_pair(Supervisor *s, const char *name) {
        for (size_t i = 0; i < s->launch.n_fds; i++)
                if (s->launch.fds[i].helper && streq(s->launch.fds[i].name, name))
                        return &s->pair_fds[i];
        return NULL;
}

static int find_fd(Supervisor *s, const LaunchFd *fd) {
        const int *pair = fd->pair ? find_pair(s, fd->name) : NULL;
        int found = fd->pair ? (pair ? *pair : -ENOENT) : passed_fds_find(&s->passed, fd->name);

        if (found < 0)
                log_error("no descriptor '%s' was passed by systemd", fd->name);
        return found;
}

static int spawn_helper(Supervisor *s, const LaunchHelper *h, Child *ret) {
        _cleanup_free_ SpawnFd *fds = calloc(h->n_fds + 1, sizeof(SpawnFd));
        const char *step;
        int directory = -EBADF;

        if (!fds)
                return log_error_errno(-ENOMEM, "cannot start '%s'", h->program);
        for (size_t i = 0; i < h->n_fds; i++) {
                int fd = find_fd(s, &h->fds[i]);
                if (fd < 0)
                        return fd;
                fds[i] = (SpawnFd) { .fd = fd, .number = h->fds[i].number };
        }
        if (h->directory && (directory = passed_fds_find(&s->passed, h->directory)) < 0)
                return log_error_errno(directory, "no descriptor '%s' was passed by systemd", h->directory);
        SpawnRequest q = {
                .program = h->program,
                .argv = h->argv,
                .env = environment,
                .fds = fds,
                .n_fds = h->n_fds,
                .directory_fd = directory,
                .filter = true,
                .allow = h->allow | (s->launch.session ? 0U : SECCOMP_ALLOW_UNIX),
                .check_capabilities = s->launch.unit,
                .capabilities = s->launch.capabilities,
                .drop_capabilities = s->launch.capabilities != 0,
                .root = h->allow & SECCOMP_ALLOW_ROOT,
                .what = h->name,
        };
        int r = spawn(&q, ret, &step);
        if (r < 0)
                return log_error_errno(r, "cannot %s: %s", step, h->program);
        /* QEMU's end of the pair is its own way to see that the other one has gone, and the other way round. */
        for (size_t i = 0; i < h->n_fds; i++)
                if (h->fds[i].pair) {
                        int *pair = find_pair(s, h->fds[i].name);
                        *pair = safe_close(*pair);
                }
        return 0;
}

/* Takes the end of C, if it has ended. */
static bool reap(Child *c, siginfo_t *si) {
        *si = (siginfo_t) {};
        if (waitid(P_PID, (id_t) c->pid, si, WEXITED | WNOHANG) < 0 || si->si_pid == 0)
                return false;
        c->pid = 0;
        c->pidfd = safe_close(c->pidfd);
        return true;
}

static bool wait_for_child(const Child *c, uint64_t until) {
        struct pollfd p = { .fd = c->pidfd, .events = POLLIN };

        for (;;) {
                uint64_t now = now_usec();
                int n = poll(&p, 1, now < until ? (int) ((until - now) / 1000) : 0);
                if (n >= 0 || errno != EINTR)
                        return n > 0;
        }
}

static void end_child(Child *c) {
        siginfo_t si;

        (void) kill(c->pid, SIGKILL);
        (void) wait_for_child(c, now_usec() + TERMINATE_USEC);
        (void) reap(c, &si);
}

/* Whoever ends the unit does not wait for this: the signals that we have blocked are seen here as well. */
static int wait_for_work(Supervisor *s, const LaunchHelper *h, Child *c) {
        uint64_t until = now_usec() + ENDS_USEC;
        struct signalfd_siginfo signal;
        siginfo_t si;

        while (!reap(c, &si)) {
                struct pollfd p[] = { { .fd = c->pidfd, .events = POLLIN }, { .fd = s->signal_fd, .events = POLLIN } };
                uint64_t now = now_usec();
                bool stop = false;

                int n = now < until ? poll(p, ELEMENTSOF(p), (int) ((until - now) / 1000)) : 0;
                while (n > 0 && p[1].revents && read(s->signal_fd, &signal, sizeof(signal)) == sizeof(signal))
                        stop |= signal.ssi_signo != SIGCHLD;
                if (n > 0 && !stop)
                        continue;
                if (n < 0 && errno == EINTR)
                        continue;
                end_child(c);
                log_error("'%s' for %s was ended: %s", h->program, h->name, stop ? "the machine is stopped" : "it took too long");
                return stop ? -ECANCELED : -ETIMEDOUT;
        }
        if (si.si_code == CLD_EXITED && si.si_status == 0)
                return 0;
        log_error("'%s' for %s ended with %s %d; what it said is above", h->program, h->name,
                  si.si_code == CLD_EXITED ? "status" : "signal", si.si_status);
        return -EPROTO;
}

int supervisor_start_helpers(Supervisor *s) {
        if (s->launch.n_helpers == 0)
                return 0;
        s->helpers = calloc(s->launch.n_helpers, sizeof(Child));
        if (!s->helpers)
                return log_error_errno(-ENOMEM, "cannot start QEMU's helpers");
        for (size_t i = 0; i < s->launch.n_helpers; i++)
                s->helpers[i].pidfd = -EBADF;
        for (size_t i = 0; i < s->launch.n_helpers; i++) {
                const LaunchHelper *h = s->launch.helpers + i;
                int r = spawn_helper(s, h, &s->helpers[i]);
                if (r >= 0 && h->ends)
                        r = wait_for_work(s, h, &s->helpers[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

void supervisor_poll_helpers(const Supervisor *s, struct pollfd *p) {
        for (size_t i = 0; i < s->launch.n_helpers; i++)
                p[i] = (struct pollfd) { .fd = s->helpers[i].pidfd, .events = POLLIN };
}

void supervisor_reap_helpers(Supervisor *s) {
        siginfo_t si;

        for (size_t i = 0; i < s->launch.n_helpers; i++) {
                if (s->helpers[i].pid == 0 || !reap(&s->helpers[i], &si))
                        continue;
                s->helper_lost = s->launch.helpers[i].name;
                s->helper_code = si.si_code;
                s->helper_status = si.si_status;
                s->helper_lost_at = now_usec() + LOST_USEC;
        }
}

bool supervisor_has_lost_helper(Supervisor *s) {
        supervisor_reap_helpers(s);
        if (s->helper_lost_at == UINT64_MAX)
                return false;
        s->helper_lost_at = 0;
        return true;
}

void supervisor_helper_timers(Supervisor *s, uint64_t now) {
        if (now < s->helper_lost_at)
                return;
        s->helper_lost_at = UINT64_MAX;
        if (s->destroying)
                return;
        log_error("%s: its process ended with %s %d, before QEMU: a device of the machine is gone", s->helper_lost,
                  s->helper_code == CLD_EXITED ? "status" : "signal", s->helper_status);
        /* Nobody would answer QEMU, which can wait for it for ever before it answers anybody itself. */
        if (!s->ready) {
                (void) kill(s->qemu.pid, SIGKILL);
                return;
        }
        s->helper_told = true;
        /* One that is not there yet is told when it has said HELLO. */
        if (s->monitor_said_hello)
                supervisor_monitor_send(s, MONITOR_HELPER_LOST, 0);
}

void supervisor_end_helpers(Supervisor *s) {
        uint64_t until = now_usec() + END_USEC;
        siginfo_t si;

        for (size_t i = 0; s->helpers && i < s->launch.n_helpers; i++) {
                Child *c = &s->helpers[i];
                if (c->pid == 0)
                        continue;
                if (!wait_for_child(c, until)) {
                        log_warning("%s: its process does not end with QEMU: ending it", s->launch.helpers[i].name);
                        (void) kill(c->pid, SIGTERM);
                        (void) wait_for_child(c, now_usec() + TERMINATE_USEC);
                }
                if (!reap(c, &si))
                        end_child(c);
        }
}
