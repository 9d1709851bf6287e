/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "capability-check.h"
#include "launch.h"
#include "seccomp-filter.h"
#include "spawn.h"

/* What the child tells over the error pipe; nothing at all when execve() succeeded. */
typedef enum SpawnStep {
        STEP_PARENT,
        STEP_SIGNALS,
        STEP_CGROUP,
        STEP_DIRECTORY,
        STEP_DESCRIPTORS,
        STEP_LABEL,
        STEP_CAPABILITIES,
        STEP_NAMESPACE,
        STEP_FILTER,
        STEP_EXECUTE,
        _STEP_MAX,
} SpawnStep;

typedef struct SpawnError {
        uint32_t step;
        int32_t error;
} SpawnError;

static const char *const step_words[_STEP_MAX] = {
        [STEP_PARENT] = "tie it to the supervisor",
        [STEP_SIGNALS] = "reset signals",
        [STEP_CGROUP] = "enter its cgroup",
        [STEP_DIRECTORY] = "enter its directory",
        [STEP_DESCRIPTORS] = "set up its descriptors",
        [STEP_LABEL] = "set its SELinux label",
        [STEP_CAPABILITIES] = "start it without capabilities",
        [STEP_NAMESPACE] = "make a user namespace for it",
        [STEP_FILTER] = "filter its system calls",
        [STEP_EXECUTE] = "execute it",
};

static int child_signals(void) {
        sigset_t none;

        for (int s = 1; s < NSIG; s++)
                if (s != SIGKILL && s != SIGSTOP)
                        (void) signal(s, SIG_DFL); /* fails for the C library's own two */
        sigemptyset(&none);
        return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Puts every descriptor at its number. In two rounds, through numbers above all targets, since a target may be
 * the source of another. *ERROR_FD moves up likewise. */
static int child_descriptors(const SpawnFd *fds, size_t n_fds, int *error_fd) {
        int moved[LAUNCH_FD_NUMBER_MAX + 1], base = 3;

        if (n_fds > ELEMENTSOF(moved))
                return -E2BIG;
        for (size_t i = 0; i < n_fds; i++)
                base = MAX(base, (int) fds[i].number + 1);
        /* Everything closes at execve(); dup2() makes copies that do not. */
        if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return -errno;
        int fd = fcntl(*error_fd, F_DUPFD_CLOEXEC, base);
        if (fd < 0)
                return -errno;
        *error_fd = fd;
        for (size_t i = 0; i < n_fds; i++) {
                moved[i] = fcntl(fds[i].fd, F_DUPFD_CLOEXEC, base);
                if (moved[i] < 0)
                        return -errno;
        }
        for (size_t i = 0; i < n_fds; i++)
                if (dup2(moved[i], (int) fds[i].number) < 0)
                        return -errno;

        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (dup2(fd, STDIN_FILENO) < 0)
                return -errno;
        return 0;
}

/* setexeccon() is this one write. libselinux would look for the policy's files in every supervisor as it is loaded, and
 * they are none of its business. The kernel checks here that the label is a valid one, and at execve() that it is ours
 * to take. */
static int child_label(const char *label) {
        _cleanup_close_ int fd = open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = write(fd, label, strlen(label));
        return n < 0 ? -errno : n == (ssize_t) strlen(label) ? 0 : -EIO;
}

static int child_capabilities(const SpawnRequest *q) {
        int r = q->check_capabilities ? capabilities_check(q->capabilities, q->what) : 0;
        return r >= 0 && q->drop_capabilities ? capabilities_drop() : r;
}

static int write_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = write(fd, text, strlen(text));
        return n < 0 ? -errno : n == (ssize_t) strlen(text) ? 0 : -EIO;
}

/* All capabilities, over nothing but what it makes itself in there, and the files of the one user. But not the one to give
 * files capabilities: in a directory that is root's on the host, a program with such would be one for the host's users. */
static int child_namespace(void) {
        char uids[32], gids[32];

        (void) snprintf(uids, sizeof(uids), "0 %u 1", (unsigned) geteuid());
        (void) snprintf(gids, sizeof(gids), "0 %u 1", (unsigned) getegid());
        if (unshare(CLONE_NEWUSER) < 0 || prctl(PR_CAPBSET_DROP, CAP_SETFCAP) < 0)
                return -errno;
        /* Or the files are root's, since nobody may look into the supervisor; execve() decides it anew. */
        if (prctl(PR_SET_DUMPABLE, 1) < 0)
                return -errno;
        int r = write_file("/proc/self/setgroups", "deny");
        if (r >= 0)
                r = write_file("/proc/self/uid_map", uids);
        return r < 0 ? r : write_file("/proc/self/gid_map", gids);
}

static int child_filter(const SpawnRequest *q, uint64_t *ret_key) {
        if (getrandom(ret_key, sizeof(*ret_key), 0) != sizeof(*ret_key))
                return -EIO;
        return seccomp_install((SeccompAllow) q->allow, *ret_key);
}

static int child_execute(const SpawnRequest *q, char *const *env, uint64_t key) {
        if (q->filter)
                return seccomp_execute(key, q->program, q->argv, env);
        (void) execve(q->program, q->argv, env);
        return -errno;
}

static _noreturn_ void child_run(const SpawnRequest *q, pid_t parent, int error_fd) {
        SpawnError e = { .step = STEP_PARENT };
        char listen_pid[] = "LISTEN_PID=-2147483648";
        char *const *env = q->env;
        uint64_t key = 0;

        /* The kernel forgets it at an execve() into another domain of SELinux; then systemd alone ends what is left of the
         * unit when its main process is gone. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                e.error = -errno;
        else if (getppid() != parent) /* it died in between */
                e.error = -ESRCH;
        if (e.error == 0) {
                e.step = STEP_SIGNALS;
                e.error = child_signals();
        }
        if (e.error == 0 && q->vm_cgroup) {
                e.step = STEP_CGROUP;
                e.error = unit_cgroup_enter_vm(q->vm_cgroup);
        }
        if (e.error == 0 && q->directory_fd >= 0) {
                e.step = STEP_DIRECTORY;
                e.error = fchdir(q->directory_fd) < 0 ? -errno : 0;
        }
        if (e.error == 0) {
                e.step = STEP_DESCRIPTORS;
                e.error = child_descriptors(q->fds, q->n_fds, &error_fd);
        }
        if (e.error == 0 && q->announce_pid) {
                /* The first entry is kept free for it by the caller. */
                (void) snprintf(listen_pid, sizeof(listen_pid), "LISTEN_PID=%d", (int) getpid());
                ((char **) env)[0] = listen_pid;
        }
        if (e.error == 0 && q->label) {
                e.step = STEP_LABEL;
                e.error = child_label(q->label);
        }
        if (e.error == 0) {
                e.step = STEP_CAPABILITIES;
                e.error = child_capabilities(q);
        }
        if (e.error == 0 && q->root) {
                e.step = STEP_NAMESPACE;
                e.error = child_namespace();
        }
        /* The last thing: what comes before needs calls that are refused from here on. */
        if (e.error == 0 && q->filter) {
                e.step = STEP_FILTER;
                e.error = child_filter(q, &key);
        }
        if (e.error == 0) {
                e.step = STEP_EXECUTE;
                e.error = child_execute(q, env, key);
        }
        ssize_t n = write(error_fd, &e, sizeof(e));
        (void) n;
        _exit(127);
}

static int pidfd_open_(pid_t pid) {
        int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        return fd < 0 ? -errno : fd;
}

/* Reads until the pipe closes: at execve(), or after an error. */
static int read_error(int fd, const char **ret_step) {
        SpawnError e;
        ssize_t n;

        do
                n = read(fd, &e, sizeof(e));
        while (n < 0 && errno == EINTR);
        if (n == 0)
                return 0;
        *ret_step = n == sizeof(e) && e.step < _STEP_MAX ? step_words[e.step] : "start it";
        return n == sizeof(e) && e.error < 0 ? e.error : -EIO;
}

int spawn(const SpawnRequest *q, Child *ret, const char **ret_step) {
        pid_t parent = getpid();
        int pipe_fds[2];

        *ret_step = "fork";
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int read_end = pipe_fds[0];
        _cleanup_close_ int write_end = pipe_fds[1];

        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child_run(q, parent, write_end);

        write_end = safe_close(write_end);
        int pidfd = pidfd_open_(pid);
        int r = pidfd < 0 ? pidfd : read_error(read_end, ret_step);
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                safe_close(pidfd);
                return r;
        }
        *ret = (Child) { .pid = pid, .pidfd = pidfd };
        return 0;
}
