/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>

#include "domain-platform.h"
#include "file-util.h"
#include "names.h"
#include "string-util.h"
#include "tpm-state.h"

/* All that is in the directory FD; ENTER: also what is in directories in it, and no deeper. Links are removed and not
 * followed. */
static int empty_directory(int fd, bool enter) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), r = 0;
        DIR *d = copy < 0 ? NULL : fdopendir(copy);

        if (!d) {
                safe_close(copy);
                return -errno;
        }
        rewinddir(d);
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                _cleanup_close_ int below = enter ? openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -EBADF;
                if (below >= 0)
                        r = empty_directory(below, false);
                if (r >= 0 && unlinkat(fd, e->d_name, below >= 0 ? AT_REMOVEDIR : 0) < 0)
                        r = -errno;
        }
        (void) closedir(d);
        return r;
}

int tpm_state_remove(const char *name) {
        _cleanup_free_ char *path = vm_state_path(name, TPM_STATE_DIRECTORY);
        if (!path)
                return -ENOMEM;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        int r = empty_directory(fd, true);
        return r < 0 ? r : rmdir(path) < 0 ? -errno : 0;
}
