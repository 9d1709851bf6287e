/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file-util.h"
#include "string-util.h"
#include "target-file.h"

/* What the survivor is told: that all is written, that there is nothing left to do. */
#define WHOLE "w"
#define SETTLED "s"
#define NAMES_MAX 100U

void target_done(Target *t) {
        if (t->temporary)
                (void) unlink(t->temporary);
        if (t->survivor.pid > 0)
                survivor_tell(&t->survivor, SETTLED);
        survivor_end(&t->survivor);
        free(t->temporary);
        free(t->dir);
        safe_close(t->fd);
}

static const char *last_part(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

/* Whether FD is what NAME says. */
static bool is_named(int fd, int dir, const char *name) {
        struct stat ours, there;

        return fstat(fd, &ours) >= 0 && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) >= 0 && same_file(&ours, &there);
}

/* The I-th name that it may have before it is PATH; without the directory, or NULL. */
static char *early_name(const Target *t, unsigned i) {
        if (t->temporary)
                return i == 0 ? strdup(last_part(t->temporary)) : NULL;
        return i < NAMES_MAX ? strf("%s" TARGET_SUFFIX, last_part(t->path), (int) t->writer, i) : NULL;
}

/* What is PATH meanwhile was written later: it is not replaced. Clocks can be wrong, so what was to replace it stays as well. */
static bool is_late(int fd, int dir, const char *name) {
        struct stat ours, there;

        return fstat(fd, &ours) >= 0 && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISREG(there.st_mode) &&
                (there.st_mtim.tv_sec > ours.st_mtim.tv_sec ||
                 (there.st_mtim.tv_sec == ours.st_mtim.tv_sec && there.st_mtim.tv_nsec > ours.st_mtim.tv_nsec));
}

static void settle_name(const Target *t, bool whole, int fd, int dir, const char *name) {
        const char *path = last_part(t->path);

        int r = whole && t->counts ? t->counts(t->userdata) : 0;
        if (r == 0)
                (void) unlinkat(dir, name, 0);
        else if (r > 0 && !is_late(fd, dir, path) && renameat(dir, name, dir, path) >= 0)
                (void) fsync(dir);
}

/* The survivor: nothing else than this very file is touched, whatever its names are now. */
static void settle(const char *said, int fd, const void *userdata) {
        const Target *t = userdata;

        if (strstr(said, SETTLED))
                return;
        _cleanup_close_ int dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0;; i++) {
                _cleanup_free_ char *name = early_name(t, i);
                if (!name)
                        return;
                if (is_named(fd, dir, name)) {
                        settle_name(t, strstr(said, WHOLE), fd, dir, name);
                        return;
                }
        }
}

static int open_unnamed(Target *t) {
        t->fd = open(t->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (t->fd < 0 && errno != EOPNOTSUPP && errno != EISDIR)
                return -errno;
        if (t->fd < 0) {
                t->temporary = strf("%s.XXXXXX", t->path);
                t->fd = t->temporary ? mkostemp(t->temporary, O_CLOEXEC) : -EBADF;
                if (t->fd < 0)
                        return t->temporary ? -errno : -ENOMEM;
        }
        return survivor_start(&t->survivor, settle, t->fd, t);
}

int target_open(const char *path, TargetCounts counts, const void *userdata, Target *ret) {
        _cleanup_(target_done) Target t = {
                .path = path, .fd = -EBADF, .writer = getpid(), .counts = counts, .userdata = userdata, .survivor = SURVIVOR_NONE,
        };
        const char *slash = strrchr(path, '/');
        struct stat st;

        _cleanup_free_ char *dir = slash ? strf("%.*s", (int) MAX(slash - path, 1), path) : strdup(".");
        if (!dir)
                return -ENOMEM;
        t.dir = realpath(dir, NULL);
        if (!t.dir)
                return -errno;
        if (stat(path, &st) >= 0 && !S_ISREG(st.st_mode)) {
                t.direct = S_ISBLK(st.st_mode);
                t.fd = t.direct ? open(path, O_RDWR | O_CLOEXEC) : -EBADF;
                if (t.fd < 0)
                        return t.direct ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        } else {
                int r = open_unnamed(&t);
                if (r < 0)
                        return r;
        }
        *ret = t;
        t = (Target) TARGET_NONE;
        return 0;
}

static int target_name(Target *t) {
        _cleanup_free_ char *fd_path = strf("/proc/self/fd/%d", t->fd);

        if (t->temporary)
                return 0;
        for (unsigned i = 0; i < NAMES_MAX; i++) {
                _cleanup_free_ char *name = strf("%s" TARGET_SUFFIX, t->path, (int) t->writer, i);
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
        if (r < 0 || t->direct)
                return r;
        survivor_tell(&t->survivor, WHOLE);
        return target_name(t);
}

int target_commit(Target *t) {
        _cleanup_close_ int dir = -EBADF;

        if (t->direct)
                return 0;
        dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        /* Somebody else may have given it its name: for a managed save, whoever cleans up behind the machine. */
        if (rename(t->temporary, t->path) < 0 && (errno != ENOENT || !is_named(t->fd, AT_FDCWD, t->path)))
                return -errno;
        t->temporary = mfree(t->temporary);
        return fsync(dir) < 0 && errno != EINVAL ? -errno : 0;
}
