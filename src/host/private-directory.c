/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "private-directory.h"
#include "string-util.h"

static int remove_entry(const char *path, _unused_ const struct stat *st, _unused_ int flag, _unused_ struct FTW *ftw) {
        return remove(path);
}

void directory_remove(const char *path) {
        (void) nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Nothing of the process that it waits for is kept open by it, and no signal of its terminal reaches it. */
_noreturn_ static void sweep(const char *path, int life_fd) {
        char byte;

        (void) setsid();
        (void) dup2(life_fd, 0);
        (void) close_range(1, UINT_MAX, 0);
        (void) chdir("/");
        while (read(0, &byte, 1) < 0 && errno == EINTR)
                ;
        directory_remove(path);
        _exit(EXIT_SUCCESS);
}

static int start_sweeper(PrivateDirectory *d) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        d->sweeper = fork();
        if (d->sweeper == 0) {
                close(fds[1]);
                sweep(d->path, fds[0]);
        }
        int r = d->sweeper < 0 ? -errno : 0;
        close(fds[0]);
        d->life_fd = fds[1];
        return r;
}

int private_directory_new(const char *name, PrivateDirectory **ret) {
        _cleanup_(private_directory_freep) PrivateDirectory *d = calloc(1, sizeof(PrivateDirectory));
        const char *base = getenv("TMPDIR");

        if (!d)
                return -ENOMEM;
        d->life_fd = -EBADF;
        _cleanup_free_ char *path = strf("%s/%s-XXXXXX", base && *base == '/' ? base : "/tmp", name);
        if (!path)
                return -ENOMEM;
        if (!mkdtemp(path)) /* 0700 */
                return -errno;
        d->path = TAKE_PTR(path);
        int r = start_sweeper(d);
        if (r >= 0)
                *ret = TAKE_PTR(d);
        return r;
}

PrivateDirectory *private_directory_free(PrivateDirectory *d) {
        if (!d)
                return NULL;
        safe_close(d->life_fd);
        if (d->sweeper > 0)
                while (waitpid(d->sweeper, NULL, 0) < 0 && errno == EINTR)
                        ;
        else if (d->path)
                directory_remove(d->path);
        free(d->path);
        return mfree(d);
}
