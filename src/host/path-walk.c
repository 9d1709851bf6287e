/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

#include "path-walk.h"
#include "string-util.h"
#include "text.h"

#define LINKS_MAX 40U

/* What is known on the way. */
typedef struct Walk {
        PathWalkFlags flags;
        char *todo;        /* owned: what is left of the path */
        PathWalk found;    /* fd: where we are */
        unsigned n_links;
        bool has_link_owner;
        uid_t link_owner;  /* of the links that others than root made */
        char *foreign_link; /* owned: one of them */
        char *reason;      /* owned */
} Walk;

void path_walk_done(PathWalk *w) {
        w->fd = safe_close(w->fd);
        w->parent_fd = safe_close(w->parent_fd);
        w->last = mfree(w->last);
        w->resolved = mfree(w->resolved);
}

static void walk_done(Walk *w) {
        path_walk_done(&w->found);
        free(w->todo);
        free(w->foreign_link);
        free(w->reason);
}

static int give_reason(Walk *w, int error, const char *at) {
        free(w->reason);
        switch (error) {
        case -ENOENT:
                w->reason = strf("'%s' does not exist", at);
                break;
        case -ENOTDIR:
                w->reason = strf("'%s' is not a directory", at);
                break;
        case -EACCES:
        case -EPERM:
                w->reason = strf("%s at '%s' (uid %u)", strerror(-error), at, (unsigned) geteuid());
                break;
        default:
                w->reason = strf("%s at '%s'", strerror(-error), at);
        }
        return error;
}

static char *join(const char *directory, const char *name) {
        return strf("%s%s%s", directory, streq(directory, "/") ? "" : "/", name);
}

/* Only root can add, remove or rename entries: its own directory, and no one else may write, or a sticky one
 * where others cannot touch what is root's. */
static bool directory_is_safe(const struct stat *st) {
        return (st->st_uid == 0 || st->st_uid == geteuid()) && ((st->st_mode & 022) == 0 || (st->st_mode & S_ISVTX));
}

/* Somebody decides where the link at AT leads. Two such people would decide about each other's files. */
static int note_link_owner(Walk *w, uid_t uid, const char *at) {
        if (uid == 0 || uid == geteuid())
                return 0;
        if (w->has_link_owner && w->link_owner != uid)
                return give_reason(w, -EPERM, at);
        w->has_link_owner = true;
        w->link_owner = uid;
        return free_and_strdup(&w->foreign_link, at);
}

/* Replaces the rest of the path by TARGET/rest. DIR: the directory the link is in. */
static int follow_link(Walk *w, int link_fd, const struct stat *st, const struct stat *dir, const char *at) {
        char target[PATH_MAX];

        if (++w->n_links > LINKS_MAX)
                return give_reason(w, -ELOOP, at);
        ssize_t n = readlinkat(link_fd, "", target, sizeof(target) - 1);
        if (n < 0)
                return give_reason(w, -errno, at);
        if (n == 0 || (size_t) n >= sizeof(target) - 1)
                return give_reason(w, -ENAMETOOLONG, at);
        target[n] = 0;

        int r = note_link_owner(w, st->st_uid, at);
        if (r >= 0 && !directory_is_safe(dir))
                r = note_link_owner(w, dir->st_uid, at);
        if (r < 0)
                return r;

        char *todo = strf("%s/%s", target, w->todo);
        if (!todo)
                return -ENOMEM;
        free(w->todo);
        w->todo = todo;
        if (strlen(todo) >= PATH_MAX)
                return give_reason(w, -ENAMETOOLONG, at);
        if (todo[0] != '/')
                return 0;
        int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return give_reason(w, -errno, "/");
        safe_close(w->found.fd);
        w->found.fd = root;
        return free_and_strdup(&w->found.resolved, "/");
}

/* O_PATH does not trigger automounts. */
static int trigger_automount(int directory, const char *name, int fd) {
        struct statfs sfs;

        if (fstatfs(fd, &sfs) < 0 || sfs.f_type != AUTOFS_SUPER_MAGIC)
                return fd;
        int mounted = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (mounted < 0)
                return fd;
        close(fd);
        return mounted;
}

static int parent_of(const char *path, char **ret) {
        const char *slash = strrchr(path, '/');
        char *p = slash == path ? strdup("/") : strndup(path, (size_t) (slash - path));
        if (!p)
                return -ENOMEM;
        *ret = p;
        return 0;
}

static int step_up(Walk *w) {
        int up = openat(w->found.fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        char *resolved;

        if (up < 0)
                return give_reason(w, -errno, w->found.resolved);
        safe_close(w->found.fd);
        w->found.fd = up;
        if (parent_of(w->found.resolved, &resolved) < 0)
                return -ENOMEM;
        free(w->found.resolved);
        w->found.resolved = resolved;
        return 0;
}

/* Takes one step to NAME; LAST: nothing follows it. 1 when the walk is over because the last component is
 * missing, which is allowed. */
static int step(Walk *w, const char *name, bool last) {
        struct stat st, dir;
        int r;

        if (streq(name, ".."))
                return step_up(w);

        _cleanup_free_ char *at = join(w->found.resolved, name);
        if (!at)
                return -ENOMEM;
        if (fstat(w->found.fd, &dir) < 0)
                return give_reason(w, -errno, w->found.resolved);
        if (!S_ISDIR(dir.st_mode))
                return give_reason(w, -ENOTDIR, w->found.resolved);
        if (!directory_is_safe(&dir))
                w->found.trusted = false;

        _cleanup_close_ int fd = openat(w->found.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && !(errno == ENOENT && last && (w->flags & PATH_WALK_MAY_MISS)))
                return give_reason(w, -errno, errno == EACCES ? w->found.resolved : at);
        if (fd >= 0) {
                if (fstat(fd, &st) < 0)
                        return give_reason(w, -errno, at);
                if (S_ISLNK(st.st_mode))
                        return follow_link(w, fd, &st, &dir, at);
                if (S_ISDIR(st.st_mode))
                        fd = trigger_automount(w->found.fd, name, fd);
        }

        r = free_and_strdup(&w->found.last, name);
        if (r < 0)
                return r;
        free(w->found.resolved);
        w->found.resolved = TAKE_PTR(at);
        safe_close(w->found.parent_fd);
        w->found.parent_fd = w->found.fd;
        w->found.fd = TAKE_FD(fd);
        return w->found.fd < 0;
}

/* Cuts the next component off the path. NULL at its end. */
static char *next_component(Walk *w, bool *ret_last) {
        char *begin = w->todo + strspn(w->todo, "/");
        size_t n = strcspn(begin, "/");

        if (n == 0)
                return NULL;
        char *name = strndup(begin, n), *rest = strdup(begin + n);
        if (!name || !rest) {
                free(name);
                free(rest);
                return NULL;
        }
        *ret_last = rest[strspn(rest, "/")] == 0;
        free(w->todo);
        w->todo = rest;
        return name;
}

/* The rule for links of others than root. */
static int check_owner(Walk *w) {
        struct stat st;

        if (!w->has_link_owner)
                return 0;
        bool parent = w->found.fd < 0 || (w->flags & PATH_WALK_REPLACE);
        if (fstat(parent ? w->found.parent_fd : w->found.fd, &st) < 0)
                return -errno;
        if (st.st_uid == w->link_owner)
                return 0;
        free(w->reason);
        w->reason = strf("the link '%s' of uid %u leads to %s'%s' of uid %u and is not followed", w->foreign_link,
                         (unsigned) w->link_owner, parent ? "the directory of " : "", w->found.resolved,
                         (unsigned) st.st_uid);
        return -EPERM;
}

static int walk(Walk *w) {
        int r = 0;

        for (;;) {
                bool last = false;
                _cleanup_free_ char *name = next_component(w, &last);
                if (!name)
                        break;
                if (streq(name, "."))
                        continue;
                if (strlen(name) > NAME_MAX)
                        return give_reason(w, -ENAMETOOLONG, w->found.resolved);
                r = step(w, name, last);
                if (r != 0)
                        break;
        }
        if (r < 0)
                return r;
        if (r == 0 && w->todo[strspn(w->todo, "/")])
                return -ENOMEM;
        r = check_owner(w);
        if (r < 0)
                return r;
        if (w->found.fd >= 0 && fstat(w->found.fd, &w->found.st) < 0)
                return -errno;
        return 0;
}

int path_walk(const char *path, PathWalkFlags flags, PathWalk *ret, char **ret_reason) {
        _cleanup_(walk_done) Walk w = { .flags = flags, .found = PATH_WALK_EMPTY };
        int r;

        w.found.trusted = true;
        if (!path || path[0] != '/' || strlen(path) >= PATH_MAX) {
                if (ret_reason)
                        *ret_reason = strf("not an absolute path");
                return -EINVAL;
        }
        w.todo = strdup(path);
        w.found.resolved = strdup("/");
        if (!w.todo || !w.found.resolved)
                return -ENOMEM;
        w.found.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = w.found.fd < 0 ? give_reason(&w, -errno, "/") : walk(&w);
        if (r < 0) {
                if (ret_reason)
                        *ret_reason = w.reason ? TAKE_PTR(w.reason) : strf("%s", strerror(-r));
                return r;
        }
        *ret = w.found;
        w.found = PATH_WALK_EMPTY;
        return 0;
}

int path_reopen(int path_fd, int flags) {
        char path[sizeof("/proc/self/fd/") + 11];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
        int fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}
