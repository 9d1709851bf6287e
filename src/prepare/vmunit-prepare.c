/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "log.h"
#include "prepare.h"
#include "session.h"
#include "string-util.h"

static const struct {
        const char *word;
        int (*run)(Prepare *p);
} verbs[] = {
        { "start", prepare_start },
        { "register", prepare_register },
        { "cleanup", prepare_cleanup },
};

/* In a session there is nothing to leave: these steps have the user's own view. */
static int begin(bool user) {
        _cleanup_diag_ Diag diag = {};

        if (!user) {
                int r = enter_host_mounts();
                return r < 0 ? log_error_errno(r, "cannot enter the mount namespace of the host") : 0;
        }
        int r = session_enter(VM_SCOPE_SESSION, &diag);
        if (r < 0)
                log_error("%s", diag_first_error(&diag) ?: strerror(-r));
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_(prepare_done) Prepare p = {};

        if (argc == 2 && streq(argv[1], "--version")) {
                (void) printf("vmunit %s\n", VMUNIT_VERSION);
                return EXIT_SUCCESS;
        }
        /* By hand, it would take a running VM's files away from it. */
        if (!getenv("NOTIFY_SOCKET")) {
                log_error("this program is run by systemd, as a step of a VM's unit: use vmunit(1) or systemctl(1)");
                return EXIT_FAILURE;
        }
        bool user = argc > 1 && streq(argv[1], "--user");
        if (begin(user) < 0)
                return EXIT_FAILURE;
        argc -= user;
        argv += user;
        (void) umask(user ? 077 : 022);
        /* Nothing is executed but an emulator that is to be asked, and that one drops everything itself. */
        (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        for (size_t i = 0; argc == 3 && i < ELEMENTSOF(verbs); i++) {
                if (!streq(argv[1], verbs[i].word))
                        continue;
                int r = prepare_init(&p, argv[2]);
                if (r >= 0)
                        return verbs[i].run(&p);
                if (p.diag.n_errors == 0)
                        log_error_errno(r, "cannot begin");
                journal_log_diag(&p.journal, MESSAGE_ID_VM_PREPARE_FAILED, &p.diag);
                return EXIT_FAILURE;
        }
        log_error("usage: vmunit-prepare [--user] start|register|cleanup INSTANCE (run by systemd as a step of a VM's unit)");
        return EXIT_FAILURE;
}
