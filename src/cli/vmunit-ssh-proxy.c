/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <unistd.h>

#include "fd-pass.h"
#include "session.h"
#include "ssh-proxy.h"
#include "strv.h"
#include "vsock.h"

/* What ssh runs for `ssh vm/NAME` (ssh_config.d/20-vmunit.conf): connects to the guest's sshd over vsock and hands the
 * connection over on its standard output. The machines of the system first, then those of the user's session. */

static int add_runtime(char ***bases) {
        return strv_extend(bases, vm_directories()->runtime);
}

int main(int argc, char **argv) {
        _cleanup_strv_ char **bases = NULL;
        _cleanup_diag_ Diag diag = {};

        if (argc != 3) {
                fprintf(stderr, "usage: %s vm/NAME PORT\n", program_invocation_short_name);
                return EXIT_FAILURE;
        }
        int r = add_runtime(&bases);
        if (r >= 0 && session_enter(VM_SCOPE_SESSION, NULL) >= 0)
                r = add_runtime(&bases);
        int fd = r < 0 ? r : ssh_proxy_connect(bases, argv[1], argv[2], vsock_connect, &diag);
        if (fd < 0) {
                fprintf(stderr, "%s: %s\n", program_invocation_short_name, diag_first_error(&diag) ?: strerror(-fd));
                return EXIT_FAILURE;
        }
        r = fd_send(STDOUT_FILENO, fd);
        (void) close(fd);
        if (r < 0) {
                fprintf(stderr, "%s: cannot hand the connection over: %s\n", program_invocation_short_name, strerror(-r));
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
