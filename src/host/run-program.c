/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "path-walk.h"
#include "run-program.h"
#include "string-util.h"

#define SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define COMPLAINT_MAX 4096
/* The shell's. */
#define EXIT_NOT_FOUND 127

static int fail(char **ret_reason, int error, char *reason) {
        *ret_reason = reason;
        return error;
}

static _Noreturn void execute(const char *const *argv, bool quiet, int complaints) {
        char *const environment[] = { (char *) "PATH=" SEARCH_PATH, (char *) "LANG=C.UTF-8", NULL };
        sigset_t none;

        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) signal(SIGPIPE, SIG_DFL);
        (void) umask(0022);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || (quiet && dup2(null, STDOUT_FILENO) < 0) ||
            dup2(complaints, STDERR_FILENO) < 0 || setenv("PATH", SEARCH_PATH, 1) < 0)
                _exit(EXIT_FAILURE);
        (void) close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
        (void) execvpe(argv[0], (char *const *) argv, environment);
        _exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_FAILURE);
}

/* How the process has ended, as waitid() says; -ETIMEDOUT when it had to be killed. */
static int wait_for(pid_t pid, unsigned seconds, siginfo_t *ret) {
        int r;

        _cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        do
                r = fd < 0 ? -1 : poll(&(struct pollfd) { .fd = fd, .events = POLLIN }, 1, (int) seconds * 1000);
        while (r < 0 && errno == EINTR);
        int error = r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
        if (error < 0)
                (void) kill(pid, SIGKILL);
        while (waitid(P_PID, (id_t) pid, ret, WEXITED) < 0)
                if (errno != EINTR)
                        return -errno;
        return error;
}

/* The last line, without "PROGRAM: " before it; NULL when there is none. */
static char *last_line(int fd, const char *program) {
        char text[COMPLAINT_MAX + 1];
        const char *slash = strrchr(program, '/');

        off_t size = lseek(fd, 0, SEEK_END);
        ssize_t n = pread(fd, text, COMPLAINT_MAX, size > COMPLAINT_MAX ? size - COMPLAINT_MAX : 0);
        while (n > 0 && (unsigned char) text[n - 1] <= ' ')
                n--;
        if (n <= 0)
                return NULL;
        text[n] = 0;
        const char *line = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
        const char *rest = startswith(line, slash ? slash + 1 : program);
        if (rest && rest[0] == ':' && rest[1] == ' ')
                line = rest + 2;
        char *s = strdup(line);
        for (char *p = s; p && *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        *p = ' ';
        return s;
}

static int judge(const siginfo_t *info, const char *program, int complaints, char **ret_reason) {
        if (info->si_code == CLD_EXITED && info->si_status == 0)
                return 0;
        if (info->si_code == CLD_EXITED && info->si_status == EXIT_NOT_FOUND && !strchr(program, '/'))
                return fail(ret_reason, -ENOENT, strf("there is no program '%s'", program));
        char *line = last_line(complaints, program);
        if (line)
                return fail(ret_reason, -EREMOTEIO, line);
        return fail(ret_reason, -EREMOTEIO, strf(info->si_code == CLD_EXITED ? "it has ended with status %d" : "it was killed by signal %d",
                                                 info->si_status));
}

int run_program(const char *const *argv, bool quiet, unsigned seconds, char **ret_reason) {
        siginfo_t info = {};

        _cleanup_close_ int complaints = memfd_create("stderr", MFD_CLOEXEC);
        if (complaints < 0)
                return fail(ret_reason, -errno, strdup(strerror(errno)));
        pid_t pid = fork();
        if (pid < 0)
                return fail(ret_reason, -errno, strdup(strerror(errno)));
        if (pid == 0)
                execute(argv, quiet, complaints);
        int r = wait_for(pid, seconds, &info);
        if (r == -ETIMEDOUT)
                return fail(ret_reason, r, strf("it has not ended within %u seconds", seconds));
        return r < 0 ? fail(ret_reason, r, strdup(strerror(-r))) : judge(&info, argv[0], complaints, ret_reason);
}

int check_program(const char *path, char **ret_reason) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        int r = path_walk(path, 0, &w, ret_reason);

        if (r < 0)
                return r;
        if (!S_ISREG(w.st.st_mode) || !(w.st.st_mode & 0111))
                return fail(ret_reason, -EACCES, strf("it is not a program"));
        if (!w.trusted || w.st.st_uid != geteuid() || (w.st.st_mode & 0022))
                return fail(ret_reason, -EPERM, strf("others than root can change it"));
        return 0;
}
