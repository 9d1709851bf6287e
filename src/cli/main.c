/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <stdio.h>

#include "cli.h"
#include "log.h"
#include "manager.h"
#include "string-util.h"

int main(int argc, char **argv) {
        _cleanup_(system_backend_freep) SystemBackend *backend = NULL;
        _cleanup_(manager_freep) Manager *manager = NULL;

        (void) setlocale(LC_CTYPE, ""); /* for the width of what stands in tables */

        int r = system_backend_new(&backend);
        if (r >= 0)
                r = manager_new(&manager_backend_system, backend, NULL, &manager);
        if (r < 0) {
                log_error_errno(r, "cannot begin");
                return EXIT_FAILURE;
        }

        const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
        const char *name = argc > 0 ? slash ? slash + 1 : argv[0] : "vmunit";
        Cli cli = {
                .manager = manager,
                .in = stdin,
                .out = stdout,
                .err = stderr,
                .program = streq(name, "virsh") ? "virsh" : "vmunit",
                .escape = CLI_ESCAPE_DEFAULT,
        };
        return cli_run(&cli, argc, argv);
}
