/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <stdio.h>

#include "backend-test.h"
#include "cli.h"
#include "log.h"
#include "manager.h"
#include "string-util.h"

typedef struct Program {
        Cli cli;
        Manager *manager;       /* owned: the connection's */
        SystemBackend *backend; /* owned: the manager's; or NULL, and this is: */
        TestBackend *test;      /* owned */
} Program;

static void program_done(Program *p) {
        cli_done(&p->cli);
        manager_free(p->manager);
        system_backend_free(p->backend);
        test_backend_free(p->test);
}

static int open_system(const Connection *c, Diag *diag, SystemBackend **ret_backend, Manager **ret) {
        int r = system_backend_new(c->session ? VM_SCOPE_SESSION : VM_SCOPE_SYSTEM, diag, ret_backend);
        if (r >= 0)
                r = manager_new(&manager_backend_system, *ret_backend, NULL, ret);
        if (r >= 0)
                (*ret)->session = c->session;
        return r;
}

static int open_test(Diag *diag, TestBackend **ret_backend, Manager **ret) {
        int r = test_backend_new(diag, ret_backend);

        return r < 0 ? r : test_backend_manager(*ret_backend, ret);
}

static int open_connection(Cli *cli, const Connection *c, Diag *diag) {
        Program *p = (Program *) ((char *) cli - offsetof(Program, cli));
        _cleanup_(system_backend_freep) SystemBackend *backend = NULL;
        _cleanup_(test_backend_freep) TestBackend *test = NULL;
        _cleanup_(manager_freep) Manager *manager = NULL;

        if (c->host) /* whose own vmunit does what is to be done */
                return 0;
        int r = c->test ? open_test(diag, &test, &manager) : open_system(c, diag, &backend, &manager);
        if (r < 0)
                return r;
        manager_free(p->manager);
        system_backend_free(p->backend);
        test_backend_free(p->test);
        p->manager = TAKE_PTR(manager);
        p->backend = TAKE_PTR(backend);
        p->test = TAKE_PTR(test);
        cli->manager = p->manager;
        return 0;
}

int main(int argc, char **argv) {
        (void) setlocale(LC_CTYPE, ""); /* for the width of what stands in tables */

        const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
        const char *name = argc > 0 ? slash ? slash + 1 : argv[0] : "vmunit";
        _cleanup_(program_done) Program p = {
                .cli = {
                        .in = stdin,
                        .out = stdout,
                        .err = stderr,
                        .program = streq(name, "virsh") ? "virsh" : "vmunit",
                        .escape = CLI_ESCAPE_DEFAULT,
                        .open_connection = open_connection,
                },
        };
        int r = open_connection(&p.cli, &(Connection) {}, NULL);
        if (r < 0) {
                log_error_errno(r, "cannot begin");
                return EXIT_FAILURE;
        }
        return cli_run(&p.cli, argc, argv);
}
