/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fd-pass.h"
#include "file-util.h"
#include "open-folder.h"
#include "path-walk.h"
#include "string-util.h"

static const char *purpose(const PlanFd *p) {
        return p->element ?: p->name;
}

static int cannot(const PlanFd *p, Diag *diag, int error, const char *reason) {
        return diag_error_code(diag, error, p->loc, "cannot hand over directory '%s' for %s: %s", p->path, purpose(p),
                               reason ?: strerror(-error));
}

/* --- a user namespace, which says who is whom in a mount --- */

static int write_map(pid_t pid, const char *file, unsigned from, unsigned to) {
        _cleanup_free_ char *path = strf("/proc/%d/%s", (int) pid, file), *line = strf("%u %u 1\n", from, to);

        if (!path || !line)
                return -ENOMEM;
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = write(fd, line, strlen(line));
        return n < 0 ? -errno : n == (ssize_t) strlen(line) ? 0 : -EIO;
}

/* It is there as long as somebody is in it, or has it open. */
static _noreturn_ void stay_in_namespace(int ready, int gone) {
        char byte = 0;

        if (unshare(CLONE_NEWUSER) >= 0 && write(ready, &byte, 1) == 1 && read(gone, &byte, 1) >= 0)
                _exit(EXIT_SUCCESS);
        _exit(EXIT_FAILURE);
}

static int open_namespace(pid_t pid, const struct stat *st, uid_t uid, gid_t gid) {
        _cleanup_free_ char *path = strf("/proc/%d/ns/user", (int) pid);
        int r = path ? write_map(pid, "uid_map", st->st_uid, uid) : -ENOMEM;

        if (r >= 0)
                r = write_map(pid, "gid_map", st->st_gid, gid);
        if (r < 0)
                return r;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Only its map is of interest, so nobody ever does anything in it. A descriptor or negative errno. */
static int make_namespace(const struct stat *st, uid_t uid, gid_t gid) {
        int ready[2], gone[2];
        char byte;

        if (pipe2(ready, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int ready_read = ready[0];
        _cleanup_close_ int ready_write = ready[1];
        if (pipe2(gone, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int gone_read = gone[0];
        _cleanup_close_ int gone_write = gone[1];

        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                safe_close(gone_write);
                stay_in_namespace(ready_write, gone_read);
        }
        ready_write = safe_close(ready_write);
        int r = read(ready_read, &byte, 1) == 1 ? open_namespace(pid, st, uid, gid) : -EPERM;
        gone_write = safe_close(gone_write);
        (void) waitpid(pid, NULL, 0);
        return r;
}

/* --- the mount --- */

static int set_attributes(int mount, const struct mount_attr *a) {
        return syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | AT_RECURSIVE, a, sizeof(*a)) < 0 ? -errno : 0;
}

/* With what is mounted below it, as the host sees the directory now. */
static int clone_mount(int directory, bool writable) {
        struct mount_attr a = {
                .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (writable ? 0 : MOUNT_ATTR_RDONLY),
                .propagation = MS_PRIVATE,
        };
        _cleanup_close_ int mount = (int) syscall(SYS_open_tree, directory, "",
                                                  AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (mount < 0)
                return -errno;
        int r = set_attributes(mount, &a);
        return r < 0 ? r : TAKE_FD(mount);
}

/* What there is to mount here is a copy of the host's tree of mounts; W was found in the host's own. */
static _noreturn_ void clone_in_namespace(const PathWalk *w, bool writable, int socket) {
        struct stat st;

        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                _exit(errno);
        int fd = open(w->resolved, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                _exit(errno);
        if (!same_file(&st, &w->st))
                _exit(ESTALE);
        int mount = clone_mount(fd, writable), r = mount < 0 ? mount : fd_send(socket, mount);
        _exit(-r);
}

/* Without rights a mount can be made in a user namespace alone; it outlives that one by its descriptor. */
static int clone_mount_unprivileged(const PathWalk *w, bool writable) {
        int pair[2], status;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        _cleanup_close_ int ours = pair[0];
        _cleanup_close_ int theirs = pair[1];
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                clone_in_namespace(w, writable, theirs);
        theirs = safe_close(theirs);
        int fd = fd_receive(ours);
        if (waitpid(pid, &status, 0) < 0)
                status = -1;
        if (fd >= 0)
                return fd;
        return WIFEXITED(status) && WEXITSTATUS(status) > 0 ? -WEXITSTATUS(status) : fd;
}

int open_detached(const PathWalk *w, bool writable, uid_t uid, const char **ret_reason) {
        bool own = uid == geteuid();
        int fd = own ? clone_mount_unprivileged(w, writable) : clone_mount(w->fd, writable);

        *ret_reason = own && (fd == -EPERM || fd == -ENOSPC) ? "that takes a user namespace, and this user may make none" : NULL;
        return fd;
}

static int map_owner(const PlanFd *p, int mount, const struct stat *st, uid_t uid, gid_t gid, Diag *diag) {
        if (st->st_uid == uid && st->st_gid == gid)
                return 0;
        _cleanup_close_ int namespace = make_namespace(st, uid, gid);
        struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t) MAX(namespace, 0) };
        int r = namespace < 0 ? namespace : set_attributes(mount, &a);
        if (r >= 0)
                return 0;
        /* -EINVAL: the file system, or one mounted below, has none; -EPERM: it is mapped already, or mounted by a container. */
        return diag_warning(diag, p->loc, "%s: owners in '%s' are not mapped (%s): the machine has the rights there that uid %u has",
                            purpose(p), p->path, r == -EINVAL ? "its file system cannot do that" : strerror(-r), uid);
}

/* --- where it is --- */

/* In /proc/self/mountinfo, "\040" is a space. */
static void unescape(char *s) {
        char *to = s;

        for (; *s; s++)
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
                        *to++ = (char) ((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
                        s += 3;
                } else
                        *to++ = *s;
        *to = 0;
}

/* PATH in the file system that LINE's mount shows; NULL when it shows another, or memory is out. */
static char *inside_of_mount(char *line, uint64_t id, const char *path) {
        unsigned long long number;
        char *root = NULL, *place = NULL;

        if (sscanf(line, "%llu %*u %*u:%*u %ms %ms", &number, &root, &place) == 3 && number == id) {
                unescape(root);
                unescape(place);
        } else
                place = mfree(place);
        _cleanup_free_ char *shown = root, *mounted = place;
        const char *rest = !mounted ? NULL : streq(mounted, "/") ? path : startswith(path, mounted);
        if (!rest || (*rest && *rest != '/'))
                return NULL;
        return streq(shown, "/") && *rest ? strdup(rest) : strf("%s%s", shown, streq(rest, "/") ? "" : rest);
}

char *path_inside(const PathWalk *w) {
        _cleanup_free_ char *line = NULL;
        char *found = NULL;
        size_t size = 0;
        struct statx sx;

        if (statx(w->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0 || !(sx.stx_mask & STATX_MNT_ID))
                return NULL;
        FILE *f = fopen("/proc/self/mountinfo", "re");
        while (f && !found && getline(&line, &size, f) > 0)
                found = inside_of_mount(line, sx.stx_mnt_id, w->resolved);
        if (f)
                (void) fclose(f);
        return found;
}

int open_folder(const PlanFd *p, uid_t uid, gid_t gid, Diag *diag, OpenedFd *ret) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;
        const char *why;

        int r = path_walk(p->path, 0, &w, &reason);
        if (r < 0)
                return cannot(p, diag, r, reason);
        if (!S_ISDIR(w.st.st_mode))
                return cannot(p, diag, -ENOTDIR, "it is not a directory");
        _cleanup_close_ int fd = open_detached(&w, p->writable, uid, &why);
        if (fd < 0)
                return cannot(p, diag, fd, why);
        if (uid != geteuid())
                r = map_owner(p, fd, &w.st, uid, gid, diag);
        if (r >= 0)
                r = opened_fd_take(ret, &fd);
        if (r >= 0)
                ret->inside = path_inside(&w);
        return MIN(r, 0);
}
