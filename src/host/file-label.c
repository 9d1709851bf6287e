/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "file-label.h"
#include "file-util.h"
#include "string-util.h"
#include "strv.h"

#define VALUE_MAX 16384U
#define USERS_MAX (1U << 20)

/* --- attributes --- */

/* By a path, as descriptors for nothing but the path (O_PATH) have no attributes. */
#define FD_PATH_MAX 32U
static const char *fd_path(int fd, char buffer[FD_PATH_MAX]) {
        (void) snprintf(buffer, FD_PATH_MAX, "/proc/self/fd/%d", fd);
        return buffer;
}

/* *ret is NULL when the file has none. */
static int read_attribute(int fd, const char *name, char **ret) {
        _cleanup_free_ char *value = malloc(VALUE_MAX + 1);
        char path[FD_PATH_MAX];

        if (!value)
                return -ENOMEM;
        ssize_t n = getxattr(fd_path(fd, path), name, value, VALUE_MAX);
        if (n < 0 && errno != ENODATA)
                return -errno;
        if (n >= 0) {
                value[n] = 0;
                *ret = strdup(value);
                return *ret ? 0 : -ENOMEM;
        }
        *ret = NULL;
        return 0;
}

int file_label_write(const char *attribute, int fd, const char *label) {
        char path[FD_PATH_MAX];

        return setxattr(fd_path(fd, path), attribute, label, strlen(label) + 1, 0) < 0 ? -errno : 0;
}

static int remove_attribute(int fd, const char *name) {
        char path[FD_PATH_MAX];

        return removexattr(fd_path(fd, path), name) < 0 && errno != ENODATA && errno != EOPNOTSUPP ? -errno : 0;
}

static bool is_unsupported(int r) {
        return r == -EOPNOTSUPP || r == -EROFS;
}

/* --- what is remembered --- */

typedef struct Memory {
        char *original, *label; /* owned; NULL: nothing is remembered */
        char **users;           /* owned */
} Memory;

static void memory_done(Memory *m) {
        free(m->original);
        free(m->label);
        strv_free(m->users);
        *m = (Memory) {};
}

static char *users_file(dev_t dev, ino_t ino) {
        return strf("file-%llx-%llx", (unsigned long long) dev, (unsigned long long) ino);
}

/* "ORIGINAL LABEL", and a user on each further line. */
static int read_users(const FileLabels *l, const char *file, Memory *m) {
        _cleanup_strv_ char **lines = NULL, **words = NULL;
        _cleanup_free_ char *text = NULL;

        int r = read_file_limited(l->registry_fd, file, USERS_MAX, &text, NULL);
        if (r >= 0)
                r = strv_split(text, "\n", &lines);
        if (r >= 0)
                r = strv_split(lines ? lines[0] : "", " ", &words);
        if (r < 0 || strv_length(words) != 2)
                return r == -ENOENT ? 0 : r;
        r = free_and_strdup(&m->original, words[0]);
        if (r >= 0)
                r = free_and_strdup(&m->label, words[1]);
        STRV_FOREACH(user, lines + 1)
                if (r >= 0)
                        r = strv_extend(&m->users, *user);
        return r;
}

static int write_users(const FileLabels *l, const char *file, const Memory *m) {
        _cleanup_free_ char *users = strv_join(m->users, "\n");
        _cleanup_free_ char *text = users ? strf("%s %s\n%s\n", m->original, m->label, users) : NULL;

        return text ? write_file_atomic(l->registry_fd, file, text, strlen(text), 0600) : -ENOMEM;
}

static int read_memory(const FileLabels *l, int fd, Memory *m) {
        _cleanup_free_ char *value = NULL;
        _cleanup_strv_ char **words = NULL;

        int r = read_attribute(fd, l->memory_attribute, &value);
        if (r >= 0 && value)
                r = strv_split(value, " ", &words);
        if (r < 0 || strv_length(words) != 3)
                return r == -ENOMEM ? r : 0;
        r = free_and_strdup(&m->original, words[1]);
        return r < 0 ? r : free_and_strdup(&m->label, words[2]);
}

static int write_memory(const FileLabels *l, int fd, const Memory *m) {
        _cleanup_free_ char *value = strf("%s %s %s", l->boot_id, m->original, m->label);

        return value ? file_label_write(l->memory_attribute, fd, value) : -ENOMEM;
}

/* Leaves those that run, and not this machine itself. */
static int drop_users(const FileLabels *l, Memory *m) {
        _cleanup_strv_ char **users = NULL;

        STRV_FOREACH(user, m->users) {
                if (streq(*user, l->machine) || (l->runs && !l->runs(l->userdata, *user)))
                        continue;
                int r = strv_extend(&users, *user);
                if (r < 0)
                        return r;
        }
        strv_free(m->users);
        m->users = TAKE_PTR(users);
        return 0;
}

/* --- setting --- */

/* What the file has to get back some day: CURRENT, unless that is what a machine of earlier has left behind. Then it gets
 * it now, so that what is remembered next is true from the first moment. */
static int find_original(const FileLabels *l, int fd, char **current, Memory *m) {
        int r = 0;

        if (!streq_ptr(m->label, *current)) {
                memory_done(m);
                r = read_memory(l, fd, m);
        }
        if (r >= 0 && streq_ptr(m->label, *current) && !streq(m->original, *current)) {
                r = file_label_write(l->label_attribute, fd, m->original);
                if (r >= 0)
                        r = free_and_strdup(current, m->original);
        }
        return r < 0 ? r : free_and_strdup(&m->original, *current);
}

static int undo(const FileLabels *l, int fd, const char *file, int error) {
        (void) remove_attribute(fd, l->memory_attribute);
        (void) unlinkat(l->registry_fd, file, 0);
        return error;
}

/* First what it was, then what it is: wherever this is cut off, it can be told what to do. */
static int set_first(const FileLabels *l, int fd, const char *file, char **current, const char *label, Memory *m) {
        int r = find_original(l, fd, current, m);
        if (r >= 0)
                r = free_and_strdup(&m->label, label);
        if (r >= 0)
                r = strv_extend(&m->users, l->machine);
        if (r >= 0)
                r = write_users(l, file, m);
        if (r < 0)
                return r;
        int remembered = write_memory(l, fd, m);
        if (remembered < 0 && !is_unsupported(remembered) && remembered != -EPERM && remembered != -ENOSPC)
                return undo(l, fd, file, remembered);
        if (!streq(*current, label) && (r = file_label_write(l->label_attribute, fd, label)) < 0)
                return undo(l, fd, file, is_unsupported(r) ? -EOPNOTSUPP : r);
        return remembered < 0 ? FILE_LABELLED_UNREMEMBERED : FILE_LABELLED;
}

static int set_further(const FileLabels *l, int fd, const char *file, const char *current, const char *label, Memory *m,
                       char **ret_user) {
        if (!streq(m->label, label))
                return ret_user && free_and_strdup(ret_user, m->users[0]) < 0 ? -ENOMEM : -EBUSY;
        int r = strv_extend(&m->users, l->machine);
        if (r >= 0)
                r = write_users(l, file, m);
        if (r >= 0 && !streq(current, label))
                r = file_label_write(l->label_attribute, fd, label);
        return r < 0 ? r : FILE_LABELLED;
}

int file_label_set(const FileLabels *l, int fd, const char *label, char **ret_user) {
        _cleanup_(memory_done) Memory m = {};
        _cleanup_free_ char *current = NULL, *file = NULL;
        struct stat st;

        _cleanup_close_ int lock = label_registry_lock(l->registry_fd);
        if (lock < 0)
                return lock;
        if (fstat(fd, &st) < 0)
                return -errno;
        file = users_file(st.st_dev, st.st_ino);
        int r = file ? read_attribute(fd, l->label_attribute, &current) : -ENOMEM;
        if (r < 0 || !current)
                return r == -ENOMEM ? r : -EOPNOTSUPP;
        r = read_users(l, file, &m);
        if (r >= 0)
                r = drop_users(l, &m);
        if (r < 0)
                return r;
        return m.users ? set_further(l, fd, file, current, label, &m, ret_user) : set_first(l, fd, file, &current, label, &m);
}

/* --- restoring --- */

/* What somebody else has labelled meanwhile stays as he wants it. */
static int give_back(const FileLabels *l, int fd, const Memory *m) {
        _cleanup_free_ char *current = NULL;

        int r = read_attribute(fd, l->label_attribute, &current);
        if (r >= 0 && streq_ptr(current, m->label) && !streq(m->original, m->label))
                r = file_label_write(l->label_attribute, fd, m->original);
        return r < 0 ? r : remove_attribute(fd, l->memory_attribute);
}

int file_label_restore(const FileLabels *l, int fd, dev_t dev, ino_t ino) {
        _cleanup_free_ char *file = users_file(dev, ino);
        _cleanup_(memory_done) Memory m = {};

        _cleanup_close_ int lock = file ? label_registry_lock(l->registry_fd) : -ENOMEM;
        if (lock < 0)
                return lock;
        int r = read_users(l, file, &m);
        if (r < 0 || !m.label || !strv_contains(m.users, l->machine))
                return r;
        r = drop_users(l, &m);
        if (r < 0)
                return r;
        if (m.users)
                return write_users(l, file, &m);
        r = fd >= 0 ? give_back(l, fd, &m) : 0;
        if (r >= 0 && unlinkat(l->registry_fd, file, 0) < 0)
                r = -errno;
        return r;
}
