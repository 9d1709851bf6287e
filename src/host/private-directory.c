/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ftw.h>
#include <stdio.h>

#include "private-directory.h"
#include "string-util.h"

static int remove_entry(const char *path, _unused_ const struct stat *st, _unused_ int flag, _unused_ struct FTW *ftw) {
        return remove(path);
}

void directory_remove(const char *path) {
        (void) nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void sweep(_unused_ const char *said, _unused_ int keep_fd, const void *path) {
        directory_remove(path);
}

int private_directory_new(const char *name, PrivateDirectory **ret) {
        _cleanup_(private_directory_freep) PrivateDirectory *d = calloc(1, sizeof(PrivateDirectory));
        const char *base = getenv("TMPDIR");

        if (!d)
                return -ENOMEM;
        d->sweeper.fd = -EBADF;
        _cleanup_free_ char *path = strf("%s/%s-XXXXXX", base && *base == '/' ? base : "/tmp", name);
        if (!path)
                return -ENOMEM;
        if (!mkdtemp(path)) /* 0700 */
                return -errno;
        d->path = TAKE_PTR(path);
        int r = survivor_start(&d->sweeper, sweep, -EBADF, d->path);
        if (r >= 0)
                *ret = TAKE_PTR(d);
        return r;
}

PrivateDirectory *private_directory_free(PrivateDirectory *d) {
        if (!d)
                return NULL;
        bool swept = d->sweeper.pid > 0;
        survivor_end(&d->sweeper);
        if (!swept && d->path)
                directory_remove(d->path);
        free(d->path);
        return mfree(d);
}
