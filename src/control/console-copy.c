/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "console-copy.h"

int console_copy_open(ConsoleCopy *ret, int *ret_fd) {
        int fds[2];

        /* The flag belongs to each end by itself: a reader that clears its own does not make the writer wait. */
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        *ret_fd = fds[0];
        *ret = (ConsoleCopy) { .fd = fds[1] };
        return 0;
}

int console_copy_adopt(ConsoleCopy *ret, int fd) {
        _cleanup_close_ int owned = fd;
        struct stat st;

        if (fstat(owned, &st) < 0)
                return -errno;
        if (!S_ISFIFO(st.st_mode))
                return -ENOTTY;
        int flags = fcntl(owned, F_GETFL);
        if (flags < 0 || fcntl(owned, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        *ret = (ConsoleCopy) { .fd = TAKE_FD(owned) };
        return 0;
}

/* All or nothing, which a pipe promises for so little. 0, -EAGAIN or another negative errno. */
static int write_piece(int fd, const char *data, size_t n) {
        ssize_t k;

        do
                k = write(fd, data, n);
        while (k < 0 && errno == EINTR);
        return k < 0 ? -errno : 0;
}

/* The line, and behind it as much of DATA as goes with it: a line by itself would fit where nothing else does, and come again
 * and again. The number of bytes of DATA, or negative errno. */
static ssize_t write_noted(ConsoleCopy *c, const char *data, size_t n) {
        char piece[PIPE_BUF];

        int size = snprintf(piece, sizeof(piece), "\r\n[vmunit: %llu bytes are missing here]\r\n", (unsigned long long) c->lost);
        n = MIN(n, sizeof(piece) - (size_t) size);
        if (n > 0)
                memcpy(piece + size, data, n);
        int r = write_piece(c->fd, piece, (size_t) size + n);
        if (r < 0)
                return r;
        c->lost = 0;
        return (ssize_t) n;
}

static ssize_t write_some(ConsoleCopy *c, const char *data, size_t n) {
        if (c->lost > 0)
                return write_noted(c, data, n);
        n = MIN(n, (size_t) PIPE_BUF);
        int r = write_piece(c->fd, data, n);
        return r < 0 ? r : (ssize_t) n;
}

int console_copy_write(ConsoleCopy *c, const char *data, size_t n) {
        ssize_t k = 0;

        if (c->fd < 0)
                return 0;
        while (k >= 0 && (n > 0 || c->lost > 0)) {
                k = write_some(c, data, n);
                if (k > 0) {
                        data += k;
                        n -= (size_t) k;
                }
        }
        if (k < 0 && k != -EAGAIN)
                return (int) k;
        c->lost += n;
        return c->lost > 0;
}

void console_copy_close(ConsoleCopy *c) {
        safe_close(c->fd);
        *c = CONSOLE_COPY_NONE;
}
