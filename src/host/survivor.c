/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "survivor.h"

static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* Up to the end of the pipe. */
static void read_words(int fd, char ret[SURVIVOR_SAID_MAX + 1]) {
        size_t at = 0;
        ssize_t n;

        while ((n = read(fd, ret + at, SURVIVOR_SAID_MAX - at)) > 0 || (n < 0 && errno == EINTR))
                at += n > 0 ? (size_t) n : 0;
        ret[at] = 0;
}

/* Our output may be read up to its end by somebody, and the pipes of other survivors would not end as long as we have them. */
static void keep_only(int a, int b) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        unsigned first = (unsigned) MIN(a, b), second = (unsigned) MAX(a, b);

        for (int fd = 0; fd <= STDERR_FILENO; fd++)
                (void) dup2(null, fd);
        if (first > 3)
                (void) close_range(3, first - 1, 0);
        if (second > first + 1)
                (void) close_range(first + 1, second - 1, 0);
        (void) close_range(second + 1, UINT_MAX, 0);
}

static _noreturn_ void survive(int fd, int keep_fd, SurvivorWork work, const void *userdata) {
        char said[SURVIVOR_SAID_MAX + 1];

        (void) setsid();
        FOREACH_ARRAY(s, ignored, ELEMENTSOF(ignored))
                (void) signal(*s, SIG_IGN);
        /* Out of the way of the standard ones. */
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        keep_fd = keep_fd < 0 ? keep_fd : fcntl(keep_fd, F_DUPFD_CLOEXEC, 3);
        keep_only(fd, keep_fd < 0 ? fd : keep_fd);
        (void) chdir("/");
        read_words(fd, said);
        work(said, keep_fd, userdata);
        _exit(EXIT_SUCCESS);
}

int survivor_start(Survivor *ret, SurvivorWork work, int keep_fd, const void *userdata) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int reader = fds[0], writer = fds[1];
        (void) fflush(NULL);
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                writer = safe_close(writer);
                survive(reader, keep_fd, work, userdata);
        }
        *ret = (Survivor) { .pid = pid, .fd = TAKE_FD(writer) };
        return 0;
}

/* Somebody may have killed it: that is not our end. */
void survivor_tell(Survivor *s, const char *word) {
        void (*old)(int) = signal(SIGPIPE, SIG_IGN);

        (void) !write(s->fd, word, strlen(word));
        (void) signal(SIGPIPE, old);
}

void survivor_end(Survivor *s) {
        s->fd = safe_close(s->fd);
        while (s->pid > 0 && waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        s->pid = 0;
}
