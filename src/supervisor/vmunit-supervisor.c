/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "log.h"
#include "supervisor.h"

/* Ends by SIGNO as QEMU did, so that systemd sees the true cause. No core: QEMU has left its own. */
static _noreturn_ void die_by_signal(int signo) {
        struct rlimit none = {};
        sigset_t set;

        (void) setrlimit(RLIMIT_CORE, &none);
        (void) signal(signo, SIG_DFL);
        (void) kill(getpid(), signo);
        sigemptyset(&set);
        sigaddset(&set, signo);
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        /* A signal whose default is not to end a process. */
        _exit(128 + signo);
}

int main(void) {
        Supervisor s;
        int r;

        /* QEMU runs under the same uid: it must neither trace us nor reach our descriptors through /proc. */
        if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
                log_error_errno(-errno, "cannot protect the supervisor");
                return EXIT_FAILURE;
        }
        /* Nothing here is urgent to a millisecond; a thousand supervisors should wake up together. */
        (void) prctl(PR_SET_TIMERSLACK, 50UL * 1000 * 1000);

        r = supervisor_init(&s);
        if (r >= 0)
                r = supervisor_run(&s);
        else
                r = EXIT_FAILURE;
        supervisor_done(&s);
        if (r < 0)
                die_by_signal(-r);
        return r;
}
