/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "pager.h"
#include "string-util.h"
#include "strv.h"

#define LESS_DEFAULT "FRSXMK"

bool cli_on_terminal(const Cli *cli) {
        int fd = fileno(cli->out);

        return fd >= 0 && isatty(fd);
}

bool cli_wants_colours(const Cli *cli) {
        const char *colours = getenv("SYSTEMD_COLORS"), *none = getenv("NO_COLOR"), *term = getenv("TERM");

        if (colours && *colours)
                return !streq(colours, "0") && !streq(colours, "no") && !streq(colours, "false");
        return cli_on_terminal(cli) && isempty(none) && term && !streq(term, "dumb");
}

static int wait_for(pid_t pid) {
        int status;

        /* ^C is for the program that runs. */
        void (*old_int)(int) = signal(SIGINT, SIG_IGN);
        void (*old_quit)(int) = signal(SIGQUIT, SIG_IGN);
        pid_t r;
        do
                r = waitpid(pid, &status, 0);
        while (r < 0 && errno == EINTR);
        (void) signal(SIGINT, old_int);
        (void) signal(SIGQUIT, old_quit);
        if (r < 0)
                return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int cli_run_program(Cli *cli, char *const *argv) {
        (void) fflush(cli->out);
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                execvp(argv[0], argv);
                _exit(127);
        }
        return wait_for(pid);
}

/* Those who got here with sudo and the like, or by any other way from a session of somebody else, must not get a shell out of
 * less. */
static bool is_secure(void) {
        static const char *const variables[] = { "SUDO_UID", "DOAS_USER", "PKEXEC_UID" };
        const char *word = getenv("SYSTEMD_PAGERSECURE");
        uid_t owner;

        if (word && *word)
                return !streq(word, "0") && !streq(word, "no") && !streq(word, "false");
        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                if (getenv(variables[i]))
                        return true;
        return sd_pid_get_owner_uid(0, &owner) >= 0 && owner != geteuid();
}

/* In the child. */
static _noreturn_ void execute(const char *words) {
        static const char *const usual[] = { "pager", "less", "more" };
        const char *less = getenv("SYSTEMD_LESS"), *charset = getenv("SYSTEMD_LESSCHARSET");
        bool secure = is_secure();

        (void) setenv("LESS", less ?: LESS_DEFAULT, 1);
        /* more(1), where there is no less, does not wait at the end of the text. */
        (void) setenv("MORE", "-e", 0);
        if (charset)
                (void) setenv("LESSCHARSET", charset, 1);
        if (secure)
                (void) setenv("LESSSECURE", "1", 1);
        if (words && !secure) {
                execl("/bin/sh", "sh", "-c", words, (char *) NULL);
                _exit(127);
        }
        /* Only less knows of LESSSECURE. */
        for (size_t i = secure ? 1 : 0; i < (secure ? 2 : ELEMENTSOF(usual)); i++)
                execlp(usual[i], usual[i], (char *) NULL);
        /* Nothing there: what comes is passed on. */
        execlp("cat", "cat", (char *) NULL);
        _exit(127);
}

void pager_open(Cli *cli, Pager *p) {
        const char *words = getenv("SYSTEMD_PAGER") ?: getenv("PAGER");
        int fds[2];

        *p = (Pager) { .saved_fd = -EBADF };
        if (!cli_on_terminal(cli) || (words && (!*words || streq(words, "cat"))) || pipe2(fds, O_CLOEXEC) < 0)
                return;
        (void) fflush(cli->out);
        _cleanup_close_ int reader = fds[0], writer = fds[1], saved = fcntl(fileno(cli->out), F_DUPFD_CLOEXEC, 3);
        pid_t pid = saved < 0 ? -1 : fork();
        if (pid < 0)
                return;
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                if (dup2(reader, STDIN_FILENO) < 0)
                        _exit(126);
                execute(words);
        }
        if (dup2(writer, fileno(cli->out)) < 0)
                return;
        p->pid = pid;
        p->saved_fd = TAKE_FD(saved);
}

void pager_close(Cli *cli, Pager *p) {
        if (p->pid <= 0)
                return;
        /* One that was left early does not want the rest. */
        void (*old_pipe)(int) = signal(SIGPIPE, SIG_IGN);
        (void) fflush(cli->out);
        clearerr(cli->out);
        (void) dup2(p->saved_fd, fileno(cli->out));
        (void) signal(SIGPIPE, old_pipe);
        (void) wait_for(p->pid);
        p->saved_fd = safe_close(p->saved_fd);
        p->pid = 0;
}
