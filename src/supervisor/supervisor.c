/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "file-util.h"
#include "log.h"
#include "seccomp-filter.h"
#include "string-util.h"
#include "supervisor-helpers.h"
#include "supervisor-monitor.h"
#include "supervisor.h"
#include "time-util.h"

/* QEMU writes its caches back when it gets SIGTERM; after this it is killed. */
#define DESTROY_GRACE_USEC (3 * USEC_PER_SEC)
/* What is kept of the unit's stop timeout for ending QEMU ourselves, so that systemd need not kill the unit. */
#define STOP_MARGIN_USEC (5 * USEC_PER_SEC)
#define STATUS_INTERVAL_USEC (USEC_PER_SEC / 2)
#define READY_INTERVAL_USEC (USEC_PER_SEC / 2)
#define STATE_INTERVAL_USEC (USEC_PER_SEC / 10)
#define POLL_AGAIN_USEC (USEC_PER_SEC / 20)

/* A guest that pauses and goes on in a loop, as a hostile QEMU can pretend, is no reason to keep PID 1 busy. */
static void send_status(Supervisor *s) {
        char status[128];
        uint64_t now = now_usec();

        s->status_pending = now < s->status_at;
        if (s->status_pending)
                return;
        s->status_at = now + STATUS_INTERVAL_USEC;
        /* Both words come from our own tables, so there is no line break in them to smuggle a field in. */
        (void) snprintf(status, sizeof(status), "STATUS=%s (%s)", strempty(domain_state_to_string(s->state)),
                        strempty(domain_reason_to_string(s->reason)));
        (void) notify(status);
}

/* Until it is written, who asks is told the state before; so it is tried again. */
static void write_state(Supervisor *s) {
        char line[DOMAIN_STATE_LINE];
        ssize_t n;

        domain_state_format(s->state, s->reason, line);
        do
                n = pwrite(s->state_fd, line, sizeof(line), 0);
        while (n < 0 && errno == EINTR);
        if (n != sizeof(line) && s->state_at == UINT64_MAX)
                log_warning_errno(n < 0 ? -errno : -EIO, "cannot write the state file: trying again");
        s->state_at = n == sizeof(line) ? UINT64_MAX : now_usec() + STATE_INTERVAL_USEC;
}

void supervisor_set_state(Supervisor *s, DomainState state, DomainReason reason) {
        if (s->state == state && s->reason == reason)
                return;
        s->state = state;
        s->reason = reason;
        if (s->state_fd >= 0)
                write_state(s);
        send_status(s);
}

/* The start waits for nothing else, and it is said once. */
void supervisor_tell_ready(Supervisor *s) {
        int r = notify("READY=1");

        if (r < 0 && s->ready_at == UINT64_MAX)
                log_warning_errno(r, "cannot tell systemd that the guest has started: trying again");
        s->ready_at = r < 0 ? now_usec() + READY_INTERVAL_USEC : UINT64_MAX;
}

static int read_launch(Supervisor *s) {
        _cleanup_free_ char *record = NULL;
        size_t size;

        int fd = passed_fds_find(&s->passed, SUPERVISOR_FD_LAUNCH);
        if (fd < 0)
                return fd;
        /* The descriptor has been through the fd store and a failed start may have read from it. */
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        int r = read_fd_limited(fd, LAUNCH_MAX, &record, &size);
        if (r < 0)
                return r;
        return launch_parse(TAKE_PTR(record), size, &s->launch);
}

static int make_pairs(Supervisor *s, SpawnFd *qemu_fds, int *qemu_ends) {
        int pair[2];

        FOREACH_ARRAY(fd, s->launch.fds, s->launch.n_fds) {
                size_t i = (size_t) (fd - s->launch.fds);
                int source;
                if (fd->pair) {
                        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                                return -errno;
                        source = qemu_ends[i] = pair[0];
                        s->pair_fds[i] = pair[1];
                } else {
                        source = passed_fds_find(&s->passed, fd->name);
                        if (source < 0) {
                                log_error("no descriptor '%s' was passed by systemd", fd->name);
                                return source;
                        }
                }
                qemu_fds[i] = (SpawnFd) { .fd = source, .number = fd->number };
        }
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        qemu_fds[s->launch.n_fds] = (SpawnFd) { .fd = pair[0], .number = LAUNCH_FD_QMP };
        qemu_ends[s->launch.n_fds] = pair[0];
        s->qmp_fd = pair[1];
        return 0;
}

/* A script has to execute what it wraps, so it cannot be kept from executing. */
static bool is_script(const char *path) {
        char head[2] = {};

        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, head, sizeof(head)) != sizeof(head) || head[0] != '#' || head[1] != '!')
                return false;
        log_notice("'%s' is a script: it and QEMU may execute other programs", path);
        return true;
}

#define PROFILE_MAX 1024U

/* systemd has set it, and QEMU and the monitor inherit it. Without, they would be held back by nothing of AppArmor's, and
 * nobody would see. */
static int check_profile(const char *profile) {
        char own[PROFILE_MAX] = {};

        _cleanup_close_ int fd = open("/proc/thread-self/attr/apparmor/current", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, own, sizeof(own) - 1);
        if (n < 0)
                return log_error_errno(-errno, "cannot find out the profile of AppArmor, which must be '%s'", profile);
        const char *rest = startswith(own, profile); /* "vmunit-web (enforce)" */
        if (rest && startswith(rest, " ("))
                return 0;
        own[strcspn(own, "\n")] = 0;
        return log_error_errno(-EPERM, "the profile of AppArmor is '%s' and not '%s'", own, profile);
}

/* The threads of the kernel that serve a vhost device belong to QEMU's control group, and hold its memory, until the last
 * descriptor of the device is closed; and systemd waits for them when the unit ends. So QEMU has the only one. */
static void give_up_vhost(Supervisor *s) {
        FOREACH_ARRAY(fd, s->launch.fds, s->launch.n_fds)
                if (!fd->pair && (startswith(fd->name, "vhost-") || startswith(fd->name, "vsock-")))
                        passed_fds_give_up(&s->passed, fd->name);
}

static int start_qemu(Supervisor *s) {
        size_t n = s->launch.n_fds + 1;
        _cleanup_free_ SpawnFd *fds = calloc(n, sizeof(SpawnFd));
        _cleanup_free_ int *ends = calloc(n, sizeof(int));
        const char *step;

        s->pair_fds = calloc(n, sizeof(int));
        if (!fds || !ends || !s->pair_fds)
                return log_error_errno(-ENOMEM, "cannot start QEMU");
        for (size_t i = 0; i < n; i++)
                ends[i] = s->pair_fds[i] = -EBADF;

        if (s->launch.unit && s->launch.capabilities != 0)
                log_notice("QEMU keeps the capability to send raw SCSI commands (CAP_SYS_RAWIO): a disk has rawio='yes'");
        int r = s->launch.profile ? check_profile(s->launch.profile) : 0;
        if (r >= 0)
                r = make_pairs(s, fds, ends);
        if (r >= 0)
                r = supervisor_start_helpers(s);
        if (r >= 0) {
                SpawnRequest q = {
                        .program = s->launch.emulator,
                        .argv = s->launch.argv,
                        .env = s->launch.env,
                        .fds = fds,
                        .n_fds = n,
                        .vm_cgroup = &s->cgroup,
                        .directory_fd = -EBADF,
                        .label = s->launch.label,
                        .filter = true,
                        .allow = s->launch.allow | (is_script(s->launch.emulator) ? SECCOMP_ALLOW_SPAWN : 0U) |
                                 (s->launch.session ? 0U : SECCOMP_ALLOW_UNIX),
                        .check_capabilities = s->launch.unit,
                        .capabilities = s->launch.capabilities,
                        .what = "QEMU",
                };
                r = spawn(&q, &s->qemu, &step);
                if (r < 0)
                        log_error_errno(r, "cannot %s: %s%s%s", step, s->launch.emulator, s->launch.label ? " as " : "",
                                        strempty(s->launch.label));
                else
                        give_up_vhost(s);
        }
        for (size_t i = 0; i < n; i++)
                safe_close(ends[i]);
        return r;
}

int supervisor_init(Supervisor *s) {
        sigset_t mask;
        int r;

        *s = (Supervisor) {
                .cgroup.fd = -EBADF, .signal_fd = -EBADF, .state_fd = -EBADF, .qmp_fd = -EBADF,
                .monitor_socket = -EBADF, .qemu.pidfd = -EBADF, .monitor.pidfd = -EBADF,
                .kill_at = UINT64_MAX, .helper_lost_at = UINT64_MAX, .terminate_at = UINT64_MAX,
                .monitor_start_at = UINT64_MAX, .ping_at = UINT64_MAX, .pong_deadline = UINT64_MAX,
                .ready_at = UINT64_MAX, .state_at = UINT64_MAX,
        };
        r = passed_fds_receive(&s->passed);
        if (r < 0)
                return log_error_errno(r, "no descriptors were passed: this program is started by vm@.service");
        r = read_launch(s);
        if (r < 0)
                return log_error_errno(r, "cannot read the launch record");
        s->state_fd = passed_fds_find(&s->passed, SUPERVISOR_FD_STATE);
        r = unit_cgroup_setup(&s->cgroup);
        if (r < 0)
                return log_error_errno(r, "cannot set up the unit's cgroup");

        sigemptyset(&mask);
        FOREACH_ARRAY(n, ((int[]) { SIGTERM, SIGINT, SIGCHLD, SUPERVISOR_SIGNAL_POWEROFF,
                                    SUPERVISOR_SIGNAL_DESTROY, SUPERVISOR_SIGNAL_RESET }), 6)
                sigaddset(&mask, *n);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return log_error_errno(-errno, "cannot block signals");
        s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        if (s->signal_fd < 0)
                return log_error_errno(-errno, "cannot receive signals");
        return 0;
}

void supervisor_done(Supervisor *s) {
        unit_cgroup_remove_vm(&s->cgroup);
        for (size_t i = 0; s->pair_fds && i <= s->launch.n_fds; i++)
                safe_close(s->pair_fds[i]);
        free(s->pair_fds);
        for (size_t i = 0; s->helpers && i < s->launch.n_helpers; i++)
                safe_close(s->helpers[i].pidfd);
        free(s->helpers);
        safe_close(s->cgroup.fd);
        safe_close(s->signal_fd);
        safe_close(s->qmp_fd);
        safe_close(s->monitor_socket);
        safe_close(s->qemu.pidfd);
        safe_close(s->monitor.pidfd);
        launch_done(&s->launch);
        passed_fds_done(&s->passed);
}

void supervisor_destroy(Supervisor *s, DomainReason reason) {
        if (s->destroying)
                return;
        s->destroying = true;
        s->destroy_reason = reason;
        s->terminate_at = UINT64_MAX;
        (void) kill(s->qemu.pid, SIGTERM);
        (void) kill(s->qemu.pid, SIGCONT);
        s->kill_at = now_usec() + DESTROY_GRACE_USEC;
}

uint32_t supervisor_stop_budget_ms(const Supervisor *s) {
        if (s->terminate_at == UINT64_MAX)
                return UINT32_MAX;
        uint64_t now = now_usec();
        return now >= s->terminate_at ? 0 : (uint32_t) MIN((s->terminate_at - now) / 1000, (uint64_t) UINT32_MAX - 1);
}

static void begin_stop(Supervisor *s) {
        if (s->stopping || s->destroying)
                return;
        s->stopping = true;
        s->stop_started = now_usec();
        uint64_t timeout = s->launch.stop_timeout_usec;
        if (timeout != UINT64_MAX)
                s->terminate_at = s->stop_started + timeout - MIN(timeout / 5, STOP_MARGIN_USEC);
        (void) notify("STOPPING=1\nSTATUS=shutting down");
        log_info("stopping: asking the guest to shut down");
        supervisor_monitor_send(s, MONITOR_SHUTDOWN, supervisor_stop_budget_ms(s));
}

static void on_signal(Supervisor *s, int signo) {
        if (signo == SIGTERM || signo == SUPERVISOR_SIGNAL_POWEROFF)
                begin_stop(s);
        else if (signo == SIGINT)
                supervisor_monitor_send(s, MONITOR_REBOOT, 0);
        else if (signo == SUPERVISOR_SIGNAL_RESET)
                supervisor_monitor_send(s, MONITOR_RESET, 0);
        else if (signo == SUPERVISOR_SIGNAL_DESTROY && !s->destroying) {
                log_info("destroyed by request");
                supervisor_destroy(s, REASON_DESTROYED);
        } else if (signo == SIGCHLD)
                supervisor_monitor_check_stopped(s);
}

static void read_signals(Supervisor *s) {
        struct signalfd_siginfo si;
        sigset_t pending;

        /* SIGTERM, which the stop of the unit sends behind it, has the lower number and would be read first: then a paused
         * guest would be resumed, so that it can power off. */
        if (sigpending(&pending) >= 0 && sigismember(&pending, SUPERVISOR_SIGNAL_DESTROY) > 0)
                on_signal(s, SUPERVISOR_SIGNAL_DESTROY);
        while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si))
                on_signal(s, (int) si.ssi_signo);
}

/* Does what has become due; returns poll()'s timeout in milliseconds. */
static int run_timers(Supervisor *s) {
        uint64_t now = now_usec(), next = UINT64_MAX;

        if (now >= s->terminate_at) {
                log_warning("still running %.1f s after the request to end: ending QEMU",
                            (double) (now - s->stop_started) / USEC_PER_SEC);
                supervisor_destroy(s, REASON_DESTROYED);
        }
        if (now >= s->kill_at) {
                log_warning("QEMU does not end: killing it");
                (void) kill(s->qemu.pid, SIGKILL);
                s->kill_at = UINT64_MAX;
        }
        supervisor_monitor_timers(s, now);
        supervisor_helper_timers(s, now);
        if (now >= s->ready_at)
                supervisor_tell_ready(s);
        if (now >= s->state_at)
                write_state(s);
        if (s->status_pending && now >= s->status_at)
                send_status(s);

        FOREACH_ARRAY(t, ((uint64_t[]) { s->terminate_at, s->kill_at, s->monitor_start_at, s->ping_at,
                                         s->pong_deadline, s->helper_lost_at, s->ready_at, s->state_at,
                                         s->status_pending ? s->status_at : UINT64_MAX }), 9)
                next = MIN(next, *t);
        if (next == UINT64_MAX)
                return -1;
        now = now_usec();
        return next <= now ? 0 : (int) MIN(DIV_ROUND_UP(next - now, (uint64_t) 1000), (uint64_t) 3600 * 1000);
}

/* The status and reason with which the VM is over. See the comment at supervisor_run(). */
static int conclude(Supervisor *s, const siginfo_t *si) {
        DomainReason reason = s->ending;
        int status = si->si_status;

        if (s->destroying) {
                reason = s->ending != REASON_UNKNOWN ? s->ending : s->destroy_reason;
                status = 0;
        } else if (si->si_code != CLD_EXITED) {
                log_error("QEMU was killed by signal SIG%s", strempty(sigabbrev_np(si->si_status)));
                reason = REASON_CRASHED;
                status = -si->si_status;
        } else if (status != 0) {
                log_error("QEMU ended with status %d", status);
                reason = s->ready ? REASON_CRASHED : REASON_FAILED;
        } else if (reason == REASON_UNKNOWN)
                reason = REASON_SHUTDOWN;
        else if (reason == REASON_CRASHED)
                status = EXIT_GUEST_CRASHED;
        if (s->restart && !s->destroying && !s->stopping && status >= 0)
                status = EXIT_FORCE_RESTART;
        supervisor_set_state(s, STATE_SHUT_OFF, reason);
        return status;
}

static bool reap_qemu(Supervisor *s, siginfo_t *si) {
        *si = (siginfo_t) {};
        if (waitid(P_PID, (id_t) s->qemu.pid, si, WEXITED | WNOHANG) < 0 || si->si_pid == 0)
                return false;
        s->qemu.pid = 0;
        return true;
}

int supervisor_run(Supervisor *s) {
        struct pollfd p[4 + LAUNCH_HELPERS_MAX];
        siginfo_t si;
        int r;

        (void) notify("STATUS=starting QEMU");
        r = start_qemu(s);
        if (r < 0) {
                supervisor_end_helpers(s);
                supervisor_set_state(s, STATE_SHUT_OFF, REASON_FAILED);
                return EXIT_FAILURE;
        }
        s->monitor_start_at = 0;
        for (;;) {
                int timeout = run_timers(s);
                p[0] = (struct pollfd) { .fd = s->signal_fd, .events = POLLIN };
                p[1] = (struct pollfd) { .fd = s->qemu.pidfd, .events = POLLIN };
                p[2] = (struct pollfd) { .fd = s->monitor.pidfd, .events = POLLIN };
                p[3] = (struct pollfd) { .fd = s->monitor_socket, .events = POLLIN };
                supervisor_poll_helpers(s, p + 4);
                if (poll(p, 4 + s->launch.n_helpers, timeout) < 0 && errno != EINTR) {
                        if (errno != ENOMEM) {
                                log_error_errno(-errno, "cannot wait for events");
                                return EXIT_FAILURE;
                        }
                        /* Nothing that a guest has to end by; nor is it waited for with all of a CPU. */
                        (void) usleep(POLL_AGAIN_USEC);
                }
                if (p[0].revents)
                        read_signals(s);
                /* Before a child's end is looked at: its last words. */
                if (p[3].revents)
                        supervisor_monitor_read(s);
                if (p[1].revents && reap_qemu(s, &si)) {
                        /* The monitor said what it knew of the end before it told QEMU to end. Who hears of it from the
                         * monitor, or that there is none any more, finds the end written down. */
                        supervisor_monitor_read(s);
                        r = conclude(s, &si);
                        supervisor_end_helpers(s);
                        supervisor_monitor_end(s);
                        return r;
                }
                if (p[2].revents)
                        supervisor_monitor_reap(s);
                supervisor_reap_helpers(s);
        }
}
