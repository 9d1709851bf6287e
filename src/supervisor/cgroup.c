/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup.h"
#include "file-util.h"
#include "string-util.h"
#include "strv.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
/* The unit's own group, which is read-only where the others are (units/hardening.conf). */
#define CGROUP_OWN "/run/vmunit/.group"

/* The directory FD again, by the mount at which it can be written; FD when there is none. Takes FD over. */
static int writable(int fd) {
        struct stat st, own;

        _cleanup_close_ int found = open(CGROUP_OWN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (found < 0 || fstat(fd, &st) < 0 || fstat(found, &own) < 0 || !same_file(&st, &own))
                return fd;
        (void) close(fd);
        return TAKE_FD(found);
}

/* Opens the directory of this process's cgroup v2; -ENOENT without one. */
static int open_own_cgroup(void) {
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **lines = NULL;
        struct statfs fs;
        int r;

        r = read_file_limited(AT_FDCWD, "/proc/self/cgroup", 64 * 1024, &text, NULL);
        if (r < 0)
                return r;
        r = strv_split(text, "\n", &lines);
        if (r < 0)
                return r;
        STRV_FOREACH(line, lines) {
                const char *path = startswith(*line, "0::");
                if (!path)
                        continue;
                _cleanup_free_ char *directory = strf(CGROUP_ROOT "%s", path);
                if (!directory)
                        return -ENOMEM;
                _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
                if (fstatfs(fd, &fs) < 0)
                        return -errno;
                if (fs.f_type != CGROUP2_SUPER_MAGIC)
                        return -ENOENT;
                return writable(TAKE_FD(fd));
        }
        return -ENOENT;
}

static int write_at(int dir_fd, const char *path, const char *value) {
        _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return write_all(fd, value, strlen(value));
}

static int enable_controllers(int dir_fd) {
        static const char *const wanted[] = { "cpu", "cpuset" };
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **available = NULL;

        int r = read_file_limited(dir_fd, "cgroup.controllers", 4096, &text, NULL);
        if (r < 0)
                return r;
        r = strv_split(text, WHITESPACE, &available);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                if (!strv_contains(available, wanted[i]))
                        continue;
                _cleanup_free_ char *value = strf("+%s", wanted[i]);
                if (!value)
                        return -ENOMEM;
                r = write_at(dir_fd, "cgroup.subtree_control", value);
                if (r < 0)
                        return r;
        }
        return 0;
}

int unit_cgroup_setup(UnitCgroup *ret) {
        _cleanup_close_ int fd = open_own_cgroup();
        int r;

        *ret = (UnitCgroup) { .fd = -EBADF };
        if (fd == -ENOENT)
                return 0;
        if (fd < 0)
                return fd;
        /* Not delegated to us: started by hand. */
        if (faccessat(fd, ".", W_OK, 0) < 0 || faccessat(fd, "cgroup.subtree_control", W_OK, 0) < 0)
                return 0;

        if (mkdirat(fd, "supervisor", 0755) < 0 && errno != EEXIST)
                return -errno;
        /* First out of the way: a cgroup with processes of its own cannot hand controllers down. */
        r = write_at(fd, "supervisor/cgroup.procs", "0");
        if (r < 0)
                return r;
        if (mkdirat(fd, "vm", 0755) < 0 && errno != EEXIST)
                return -errno;
        r = enable_controllers(fd);
        if (r < 0)
                return r;
        ret->fd = TAKE_FD(fd);
        return 0;
}

int unit_cgroup_open_vm(const UnitCgroup *c) {
        if (c->fd < 0)
                return -EBADF;
        int fd = openat(c->fd, "vm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -EBADF : fd;
}

int unit_cgroup_enter_vm(const UnitCgroup *c) {
        return c->fd < 0 ? 0 : write_at(c->fd, "vm/cgroup.procs", "0");
}

void unit_cgroup_remove_vm(const UnitCgroup *c) {
        if (c->fd < 0)
                return;
        int fd = openat(c->fd, "vm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return;
        DIR *d = fdopendir(fd);
        if (!d) {
                safe_close(fd);
                return;
        }
        for (struct dirent *e; (e = readdir(d));)
                if (e->d_type == DT_DIR && e->d_name[0] != '.')
                        (void) unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
        (void) closedir(d);
        (void) unlinkat(c->fd, "vm", AT_REMOVEDIR);
}
