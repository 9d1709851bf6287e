/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "macro.h"

/* Reads what is left of FD, at most LIMIT bytes; a NUL is added behind the content. -EFBIG when there is
 * more. *ret is owned by the caller; ret_size may be NULL. */
int read_fd_limited(int fd, size_t limit, char **ret, size_t *ret_size);
/* The same for a file below DIR_FD (AT_FDCWD). Regular files only: -EISDIR, -EBADF for others. */
int read_file_limited(int dir_fd, const char *path, size_t limit, char **ret, size_t *ret_size);
/* The same for what somebody named: also from pipes, sockets and character devices, such as /dev/stdin, of which
 * it waits for the end. -EISDIR, -EBADF for directories and block devices. */
int read_stream_limited(const char *path, size_t limit, char **ret, size_t *ret_size);

/* Writes all of DATA; goes on after EINTR and short writes. 0 or negative errno. */
int write_all(int fd, const void *data, size_t size);

/* Replaces PATH by DATA so that a reader, or a machine that loses power, sees the old file or the new one:
 * temporary file beside it, fsync, rename, fsync of the directory. A link at PATH is replaced, not followed.
 * 0 or negative errno. */
int write_file_atomic(int dir_fd, const char *path, const void *data, size_t size, mode_t mode);

/* That PATH is there, or is not any more, outlives a loss of power when this returns. 0 or negative errno. */
int sync_directory_of(int dir_fd, const char *path);

/* Whether one PARTth of the file system that FD is on is free for us. */
bool leaves_room(int fd, unsigned part);

/* Whether what was found is one and the same file, under whatever names. */
static inline bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Makes PATH and what is missing above it. 0, also when it is there. */
int mkdir_parents(const char *path, mode_t mode);

/* What is in the directory FD, from its beginning: FD stays the caller's, and where it stands does not matter. NULL with errno. */
DIR *open_entries(int fd);
/* The next one that is neither "." nor ".."; it is good until the next call. 1; 0 at the end; negative errno. */
int next_entry(DIR *d, struct dirent **ret);

static inline void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}
#define _cleanup_closedir_ _cleanup_(closedirp)
