/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "domain-platform.h"
#include "file-util.h"
#include "names.h"
#include "string-util.h"
#include "tpm-state.h"

/* All that is in the directory FD; ENTER: also what is in directories in it, and no deeper. Links are removed and not
 * followed. */
static int empty_directory(int fd, bool enter) {
        _cleanup_closedir_ DIR *d = open_entries(fd);
        struct dirent *e;
        int r;

        if (!d)
                return -errno;
        while ((r = next_entry(d, &e)) > 0) {
                _cleanup_close_ int below = enter ? openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -EBADF;
                r = below >= 0 ? empty_directory(below, false) : 0;
                if (r < 0)
                        return r;
                if (unlinkat(fd, e->d_name, below >= 0 ? AT_REMOVEDIR : 0) < 0)
                        return -errno;
        }
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
