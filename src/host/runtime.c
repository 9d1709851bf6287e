/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "file-util.h"
#include "names.h"
#include "parse-util.h"
#include "runtime.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"

#define LINE_LIMIT 4096U
#define REMOVE_DEPTH_MAX 8U

static int open_directory(int dir_fd, const char *path) {
        int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int runtime_open_in(const char *base, const char *name) {
        _cleanup_free_ char *path = name ? strf("%s/%s", base, name) : strdup(base);

        return path ? open_directory(AT_FDCWD, path) : -ENOMEM;
}

int runtime_open(const char *name, bool create) {
        if (create) {
                _cleanup_free_ char *path = name ? vm_runtime_path(name, NULL) : strdup(vm_directories()->runtime);
                int r = path ? mkdir_parents(path, 0755) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        return runtime_open_in(vm_directories()->runtime, name);
}

int runtime_write(int dir_fd, const char *file, const void *data, size_t size, mode_t mode) {
        return write_file_atomic(dir_fd, file, data, size, mode);
}

int runtime_read(int dir_fd, const char *file, size_t limit, char **ret, size_t *ret_size) {
        return read_file_limited(dir_fd, file, limit, ret, ret_size);
}

int runtime_read_line(int dir_fd, const char *file, char **ret) {
        _cleanup_free_ char *text = NULL;

        int r = read_file_limited(dir_fd, file, LINE_LIMIT, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        *ret = TAKE_PTR(text);
        return 0;
}

/* --- locks --- */

int runtime_lock(int dir_fd, const char *file) {
        _cleanup_close_ int fd = openat(dir_fd, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        return -errno;
        return TAKE_FD(fd);
}

/* --- ids --- */

int runtime_allocate_id(int base_fd, unsigned *ret) {
        _cleanup_free_ char *text = NULL;
        unsigned id = 1;

        _cleanup_close_ int fd = runtime_lock(base_fd, RUNTIME_NEXT_ID);
        if (fd < 0)
                return fd;
        int r = read_fd_limited(fd, LINE_LIMIT, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        if (text[0] && (parse_uint(text, &id) < 0 || id == 0 || id >= INT32_MAX))
                return -EBADMSG;

        /* Fixed width: one write replaces all of it, so a torn one cannot make the number smaller. */
        _cleanup_free_ char *next = strf("%010u\n", id + 1);
        if (!next)
                return -ENOMEM;
        if (pwrite(fd, next, strlen(next), 0) != (ssize_t) strlen(next))
                return -EIO;
        *ret = id;
        return 0;
}

int runtime_read_id(int dir_fd, unsigned *ret) {
        _cleanup_free_ char *line = NULL;
        int r = runtime_read_line(dir_fd, RUNTIME_ID, &line);

        return r < 0 ? r : parse_uint(line, ret);
}

/* --- control groups --- */

int runtime_set_group(int base_fd, const char *unit, const char *group) {
        if (group && mkdirat(base_fd, RUNTIME_GROUPS, 0755) < 0 && errno != EEXIST)
                return -errno;
        _cleanup_close_ int fd = openat(base_fd, RUNTIME_GROUPS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return !group && errno == ENOENT ? 0 : -errno;
        if (unlinkat(fd, unit, 0) < 0 && errno != ENOENT)
                return -errno;
        return group && symlinkat(group, fd, unit) < 0 ? -errno : 0;
}

/* --- state --- */

int runtime_open_state(int dir_fd) {
        int fd = openat(dir_fd, RUNTIME_STATE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        return fd < 0 ? -errno : fd;
}

int runtime_write_state(int state_fd, DomainState state, DomainReason reason) {
        char line[DOMAIN_STATE_LINE];

        domain_state_format(state, reason, line);
        ssize_t n = pwrite(state_fd, line, sizeof(line), 0);
        return n < 0 ? -errno : n == (ssize_t) sizeof(line) ? 0 : -EIO;
}

int runtime_read_state(int dir_fd, DomainState *ret_state, DomainReason *ret_reason) {
        char line[DOMAIN_STATE_LINE + 1];

        _cleanup_close_ int fd = openat(dir_fd, RUNTIME_STATE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = pread(fd, line, sizeof(line), 0);
        if (n < 0)
                return -errno;
        return domain_state_parse(line, (size_t) n, ret_state, ret_reason);
}

/* --- removal --- */

static int remove_content(int dir_fd, char *const *keep, unsigned depth);

static int remove_entry(int dir_fd, const char *name, unsigned depth) {
        if (unlinkat(dir_fd, name, 0) >= 0 || errno == ENOENT)
                return 0;
        if (errno != EISDIR && errno != EPERM)
                return -errno;
        /* The VM's own directory: whatever it has put there, no link is followed. */
        int fd = open_directory(dir_fd, name);
        if (fd < 0)
                return fd;
        int r = depth < REMOVE_DEPTH_MAX ? remove_content(fd, NULL, depth + 1) : -ELOOP;
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && r >= 0)
                r = -errno;
        return r;
}

/* Takes DIR_FD over. */
static int remove_content(int dir_fd, char *const *keep, unsigned depth) {
        _cleanup_close_ int own = dir_fd;
        _cleanup_closedir_ DIR *d = open_entries(own);
        struct dirent *e;
        int r = 0, more;

        if (!d)
                return -errno;
        while ((more = next_entry(d, &e)) > 0) {
                int k = strv_contains(keep, e->d_name) ? 0 : remove_entry(own, e->d_name, depth);
                if (k < 0 && r >= 0)
                        r = k;
        }
        return r < 0 ? r : more;
}

int runtime_clean_at(int base_fd, const char *name, const char *keep) {
        struct stat st;

        int fd = open_directory(base_fd, name);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        bool has_state = fstatat(fd, RUNTIME_STATE, &st, AT_SYMLINK_NOFOLLOW) >= 0;
        int r = remove_content(fd, STRV_MAKE((char *) RUNTIME_STATE, (char *) RUNTIME_LOCK, (char *) keep), 0);
        if (!has_state && unlinkat(base_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && r >= 0)
                r = -errno;
        return r;
}

int runtime_clean(const char *name, const char *keep) {
        _cleanup_free_ char *path = vm_runtime_path(name, NULL);
        if (!path)
                return -ENOMEM;
        _cleanup_close_ int base = runtime_open(NULL, false);
        if (base < 0)
                return base == -ENOENT ? 0 : base;
        return runtime_clean_at(base, strrchr(path, '/') + 1, keep);
}
