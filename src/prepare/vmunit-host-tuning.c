/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>

#include "config-file.h"
#include "host-tuning.h"
#include "log.h"
#include "string-util.h"

/* Writes the [Host] settings of vmunit.conf(5) to the kernel's files; run by vmunit-host-tuning.service. */

static void log_diag(const Diag *diag) {
        FOREACH_ARRAY(e, diag->entries, diag->n_entries)
                log_message(e->severity == DIAG_ERROR ? LOG_ERR : LOG_WARNING, "%s", e->text);
}

int main(int argc, char *argv[]) {
        _cleanup_config_ Config config = {};
        _cleanup_diag_ Diag diag = {};

        if (argc == 2 && streq(argv[1], "--version")) {
                (void) printf("vmunit %s\n", VMUNIT_VERSION);
                return EXIT_SUCCESS;
        }
        if (argc != 1) {
                log_error("usage: vmunit-host-tuning (run by vmunit-host-tuning.service)");
                return EXIT_FAILURE;
        }
        _cleanup_close_ int root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0) {
                log_error_errno(-errno, "cannot open '/'");
                return EXIT_FAILURE;
        }
        int r = config_load(&config, &diag);
        bool wrong = r < 0 && (config.wrong & CONFIG_FOR_TUNING);
        /* What can be used is: the rest of a file is not worse for one line in it. */
        r = host_tuning_apply(root_fd, &config, &diag);
        log_diag(&diag);
        if (r < 0 && diag.n_errors == 0)
                log_error_errno(r, "cannot apply the settings");
        return r < 0 || wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
