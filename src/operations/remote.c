/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remote.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

static int add_pair(char ***argv, const char *option, const char *value) {
        int r = strv_extend(argv, option);

        return r < 0 ? r : strv_extend(argv, value);
}

static char *remote_command(const Connection *c, const RemoteCall *call) {
        _cleanup_text_ Text t = {};
        char *command;

        text_appendf(&t, "vmunit -c qemu:///%s", c->session ? "session" : "system");
        STRV_FOREACH(o, call->options) {
                text_append_char(&t, ' ');
                text_append_shell(&t, *o);
        }
        text_append(&t, " --");
        STRV_FOREACH(w, call->words) {
                text_append_char(&t, ' ');
                text_append_shell(&t, *w);
        }
        return text_finish(&t, &command) < 0 ? NULL : command;
}

int remote_argv(const Connection *c, const RemoteCall *call, char ***ret) {
        _cleanup_free_ char *port = strf("%u", c->port), *command = remote_command(c, call);
        _cleanup_strv_ char **argv = NULL;

        if (!port || !command)
                return -ENOMEM;
        int r = strv_extend(&argv, c->ssh ?: "ssh");
        if (r >= 0 && c->port > 0)
                r = add_pair(&argv, "-p", port);
        if (r >= 0 && c->user)
                r = add_pair(&argv, "-l", c->user);
        if (r >= 0 && c->keyfile)
                r = add_pair(&argv, "-i", c->keyfile);
        if (r >= 0 && c->no_verify)
                r = add_pair(&argv, "-o", "StrictHostKeyChecking=no");
        if (r >= 0 && c->no_tty)
                r = add_pair(&argv, "-o", "BatchMode=yes");
        if (r >= 0)
                r = strv_extend(&argv, call->terminal && !c->no_tty ? "-t" : "-T");
        /* Only the terminal's end of a console is ours; ssh's own escapes would be in the way. */
        if (r >= 0)
                r = add_pair(&argv, "-e", "none");
        if (r >= 0)
                r = strv_extend(&argv, "--");
        if (r >= 0)
                r = add_pair(&argv, c->host, command);
        if (r >= 0)
                *ret = TAKE_PTR(argv);
        return r;
}

/* As long as the other one runs, the keys that end it are for it. */
typedef struct Signals {
        struct sigaction interrupt, quit;
} Signals;

static void ignore_keys(Signals *old) {
        struct sigaction ignore = { .sa_handler = SIG_IGN };

        (void) sigaction(SIGINT, &ignore, &old->interrupt);
        (void) sigaction(SIGQUIT, &ignore, &old->quit);
}

static void restore_keys(const Signals *old) {
        (void) sigaction(SIGINT, &old->interrupt, NULL);
        (void) sigaction(SIGQUIT, &old->quit, NULL);
}

/* Does not return. */
static void run_child(char *const *argv, bool no_input, const Signals *signals) {
        restore_keys(signals);
        if (no_input) {
                int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
                if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
                        _exit(255);
        }
        (void) execvp(argv[0], argv);
        fprintf(stderr, "error: cannot run '%s': %m\n", argv[0]);
        _exit(255);
}

int remote_run(const Connection *c, const RemoteCall *call, Diag *diag) {
        _cleanup_strv_ char **argv = NULL;
        Signals old;
        int status = 0;
        pid_t pid, p = 0;

        int r = remote_argv(c, call, &argv);
        if (r < 0)
                return r;
        ignore_keys(&old);
        pid = fork();
        if (pid == 0)
                run_child(argv, call->no_input, &old);
        if (pid > 0)
                while ((p = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
                        ;
        if (pid < 0 || p < 0)
                r = -errno;
        restore_keys(&old);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot run '%s': %s", argv[0], strerror(-r));
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
