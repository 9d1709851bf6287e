/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file-util.h"
#include "string-util.h"
#include "target-file.h"

void target_done(Target *t) {
        if (t->temporary)
                (void) unlink(t->temporary);
        free(t->temporary);
        free(t->dir);
        safe_close(t->fd);
}

int target_open(const char *path, Target *ret) {
        _cleanup_(target_done) Target t = { .path = path, .fd = -EBADF };
        const char *slash = strrchr(path, '/');
        struct stat st;

        t.dir = slash ? strf("%.*s", (int) MAX(slash - path, 1), path) : strdup(".");
        if (!t.dir)
                return -ENOMEM;
        if (stat(path, &st) >= 0 && !S_ISREG(st.st_mode)) {
                t.direct = S_ISBLK(st.st_mode);
                t.fd = t.direct ? open(path, O_RDWR | O_CLOEXEC) : -EBADF;
                if (t.fd < 0)
                        return t.direct ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        } else {
                t.fd = open(t.dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
                if (t.fd < 0 && errno != EOPNOTSUPP && errno != EISDIR)
                        return -errno;
        }
        if (t.fd < 0) {
                t.temporary = strf("%s.XXXXXX", path);
                t.fd = t.temporary ? mkostemp(t.temporary, O_CLOEXEC) : -EBADF;
                if (t.fd < 0)
                        return t.temporary ? -errno : -ENOMEM;
        }
        *ret = t;
        t = (Target) { .fd = -EBADF };
        return 0;
}

static int target_name(Target *t) {
        _cleanup_free_ char *fd_path = strf("/proc/self/fd/%d", t->fd);

        if (t->temporary)
                return 0;
        for (unsigned i = 0; i < 100; i++) {
                _cleanup_free_ char *name = strf("%s" TARGET_SUFFIX, t->path, (int) getpid(), i);
                if (!name || !fd_path)
                        return -ENOMEM;
                if (linkat(AT_FDCWD, fd_path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) >= 0) {
                        t->temporary = TAKE_PTR(name);
                        return 0;
                }
                if (errno != EEXIST)
                        return -errno;
        }
        return -EEXIST;
}

int target_finish(Target *t) {
        int r = fsync(t->fd) < 0 && errno != EINVAL ? -errno : 0;
        return r >= 0 && !t->direct ? target_name(t) : r;
}

/* Somebody else has given the file its name: for a managed save, whoever cleans up behind the machine. */
static bool has_name(const Target *t) {
        struct stat ours, there;

        return fstat(t->fd, &ours) >= 0 && lstat(t->path, &there) >= 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int target_commit(Target *t) {
        _cleanup_close_ int dir = -EBADF;

        if (t->direct)
                return 0;
        dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        if (rename(t->temporary, t->path) < 0 && (errno != ENOENT || !has_name(t)))
                return -errno;
        t->temporary = mfree(t->temporary);
        return fsync(dir) < 0 && errno != EINVAL ? -errno : 0;
}
