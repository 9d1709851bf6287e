/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <systemd/sd-daemon.h>

#include "fd-store.h"
#include "string-util.h"

#define FD_NAME_MAX 255U

bool fd_name_is_valid(const char *name) {
        return !isempty(name) && strlen(name) <= FD_NAME_MAX && in_charset(name, ALPHANUMERICAL "._-");
}

/* sd_notify() says 0 when there is nobody to notify. */
static int result(int r) {
        return r == 0 ? -ENOTCONN : r < 0 ? r : 0;
}

int fd_store_push(int fd, const char *name) {
        if (fd < 0)
                return -EBADF;
        if (!fd_name_is_valid(name))
                return -EINVAL;
        _cleanup_free_ char *state = strf("FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
        if (!state)
                return -ENOMEM;
        return result(sd_pid_notify_with_fds(0, 0, state, &fd, 1));
}

int fd_store_remove(const char *name) {
        if (!fd_name_is_valid(name))
                return -EINVAL;
        _cleanup_free_ char *state = strf("FDSTOREREMOVE=1\nFDNAME=%s", name);
        if (!state)
                return -ENOMEM;
        return result(sd_notify(0, state));
}

int fd_store_barrier(uint64_t timeout_usec) {
        return result(sd_notify_barrier(0, timeout_usec));
}

int notify_status(const char *text) {
        _cleanup_free_ char *state = strf("STATUS=%s", text);
        if (!state)
                return -ENOMEM;
        /* One line, or the rest of it would be read as assignments. */
        for (char *p = state; *p; p++)
                if ((unsigned char) *p < 0x20)
                        *p = ' ';
        return result(sd_notify(0, state));
}
