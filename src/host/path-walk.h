/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>

#include "macro.h"

/* Root opens files by paths that lead through directories other people may write to. So a path is walked
 * component by component, which also tells exactly where it ends when it does not lead anywhere.
 *
 * Links that root (or the caller's own uid) made are followed. A link of anybody else is followed only to
 * something that belongs to its owner: so nobody can lend a VM, which he may control, a file that is not his.
 * A link in a directory of somebody else's counts as his, whoever made it: he may rename it.
 * Ordinary directories and files need no such rule: who may replace a file by another can only put his own
 * there (fs.protected_hardlinks). What was found is pinned by a descriptor, so nothing can be swapped between
 * the check and the use. */
typedef struct PathWalk {
        int fd;         /* owned: O_PATH descriptor of what was found; -EBADF when only the last component is missing */
        int parent_fd;  /* owned: O_PATH descriptor of the directory it is in */
        char *last;     /* owned: its name there; NULL for "/" */
        char *resolved; /* owned: the path without links */
        struct stat st; /* of fd, when there is one */
        bool trusted;   /* only root, and the caller's own uid, can change where the path leads */
} PathWalk;

#define PATH_WALK_EMPTY ((PathWalk) { .fd = -EBADF, .parent_fd = -EBADF })

typedef enum PathWalkFlags {
        PATH_WALK_MAY_MISS = 1 << 0, /* the last component need not exist */
        PATH_WALK_REPLACE = 1 << 1,  /* it is to be replaced: the rule for links looks at the directory it is in */
} PathWalkFlags;

/* PATH must be absolute. 0 or negative errno; then *ret_reason, if not NULL, says where and why: "'/srv/vm'
 * does not exist", "Permission denied at '/srv' (uid 0)"; owned by the caller, NULL when memory is out. */
int path_walk(const char *path, PathWalkFlags flags, PathWalk *ret, char **ret_reason);
void path_walk_done(PathWalk *w);
#define _cleanup_path_walk_ _cleanup_(path_walk_done)

/* Opens what an O_PATH descriptor stands for. A descriptor or negative errno. */
int path_reopen(int path_fd, int flags);
