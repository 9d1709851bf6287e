/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "file-util.h"
#include "parse-util.h"
#include "string-util.h"

int read_fd_limited(int fd, size_t limit, char **ret, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0, capacity = 0;

        for (;;) {
                /* One byte over the limit is read on purpose: it tells "full" from "too large". */
                if (size + 1 >= capacity) {
                        capacity = MIN(MAX(capacity * 2, (size_t) 4096), limit + 2);
                        char *n = realloc(data, capacity);
                        if (!n)
                                return -ENOMEM;
                        data = n;
                }
                ssize_t n = read(fd, data + size, capacity - size - 1);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > limit)
                        return -EFBIG;
        }
        data[size] = 0;
        *ret = TAKE_PTR(data);
        if (ret_size)
                *ret_size = size;
        return 0;
}

int read_file_limited(int dir_fd, const char *path, size_t limit, char **ret, size_t *ret_size) {
        struct stat st;

        /* O_NONBLOCK: a fifo in the place of the file must not hang us. */
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EBADF;
        return read_fd_limited(fd, limit, ret, ret_size);
}

/* The descriptor of our own that a path stands for, negative: none. */
static int own_descriptor(const char *path) {
        const char *number = streq(path, "/dev/stdin") ? "0" : startswith(path, "/dev/fd/") ?: startswith(path, "/proc/self/fd/");
        unsigned fd;

        return number && parse_uint(number, &fd) >= 0 && fd <= INT_MAX ? (int) fd : -EBADF;
}

int read_stream_limited(const char *path, size_t limit, char **ret, size_t *ret_size) {
        struct stat st;

        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        /* A socket cannot be opened a second time; neither can what belongs to the user that we were before. */
        if (fd < 0 && (errno == ENXIO || errno == EACCES)) {
                int error = errno, own = own_descriptor(path);
                fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 3) : -1;
                if (fd < 0)
                        return -error;
        }
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (S_ISBLK(st.st_mode))
                return -EBADF;
        return read_fd_limited(fd, limit, ret, ret_size);
}

int write_all(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

bool leaves_room(int fd, unsigned part) {
        struct statvfs s;

        return fstatvfs(fd, &s) < 0 || s.f_bavail >= s.f_blocks / part;
}

int sync_directory_of(int dir_fd, const char *path) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *directory = !slash ? strdup(".") : slash == path ? strdup("/") :
                                                                   strndup(path, (size_t) (slash - path));
        if (!directory)
                return -ENOMEM;
        _cleanup_close_ int fd = openat(dir_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}

int write_file_atomic(int dir_fd, const char *path, const void *data, size_t size, mode_t mode) {
        const char *slash = strrchr(path, '/');
        int n = slash ? (int) (slash + 1 - path) : 0;

        /* A leading dot and no ".xml" at the end: nobody takes the temporary file for a definition. */
        _cleanup_free_ char *temporary = strf("%.*s.#%s.%lx", n, path, path + n, (unsigned long) getpid());
        if (!temporary)
                return -ENOMEM;
        (void) unlinkat(dir_fd, temporary, 0);
        _cleanup_close_ int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return -errno;

        int r = write_all(fd, data, size);
        if (r >= 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(dir_fd, temporary, 0);
                return r;
        }
        return sync_directory_of(dir_fd, path);
}

int mkdir_parents(const char *path, mode_t mode) {
        _cleanup_free_ char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1;; p++) {
                if (*p && *p != '/')
                        continue;
                char c = *p;
                *p = 0;
                if (mkdir(copy, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = c;
                if (!c)
                        return 0;
        }
}

DIR *open_entries(int fd) {
        _cleanup_close_ int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = own < 0 ? NULL : fdopendir(own);

        if (d)
                TAKE_FD(own);
        return d;
}

int next_entry(DIR *d, struct dirent **ret) {
        do {
                errno = 0;
                *ret = readdir(d);
        } while (*ret && (streq((*ret)->d_name, ".") || streq((*ret)->d_name, "..")));
        return *ret ? 1 : -errno;
}
