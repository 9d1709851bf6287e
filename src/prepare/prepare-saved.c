/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "names.h"
#include "prepare.h"
#include "string-util.h"

/* What the guest goes on from, if it does not begin anew: a managed save in the VM's state directory, or what
 * `vmunit restore` reads out to it. */

/* A pipe is not waited for: who writes to it is there already. */
static int open_stream(int dir_fd) {
        struct stat st;

        _cleanup_close_ int fd = openat(dir_fd, RESTORE_STREAM, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISFIFO(st.st_mode) ? TAKE_FD(fd) : -EBADMSG;
}

static int take_from_elsewhere(Prepare *p, int base_fd) {
        _cleanup_free_ char *name = restore_directory(p->name);

        if (!name)
                return -ENOMEM;
        _cleanup_close_ int dir = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = dir < 0 ? -errno : 0;
        if (r >= 0)
                r = saved_file_open(dir, RESTORE_HEAD, SAVED_OPEN_OWN | SAVED_OPEN_HEAD, &p->diag, &p->saved);
        if (r >= 0) {
                p->saved.fd = safe_close(p->saved.fd);
                r = p->saved.fd = open_stream(dir);
        }
        /* It is somebody else's, who keeps it as it is. */
        if (r >= 0) {
                p->saved_mark = open("/dev/null", O_WRONLY | O_CLOEXEC);
                r = p->saved_mark < 0 ? -errno : 0;
        }
        return r < 0 && p->diag.n_errors == 0 ?
                diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot read what is to be restored: %s", strerror(-r)) : MIN(r, 0);
}

static int take_managed(Prepare *p) {
        _cleanup_free_ char *path = vm_state_path(p->name, MANAGED_SAVE_FILE);
        _cleanup_diag_ Diag diag = {};

        if (!path)
                return -ENOMEM;
        (void) managed_save_remove_used(p->name);
        int r = saved_file_open(AT_FDCWD, path, SAVED_OPEN_OWN, &diag, &p->saved);
        if (r == -ENOENT)
                return 0;
        if (r >= 0 && p->saved.header.compression != SAVED_RAW)
                r = -EOPNOTSUPP;
        if (r >= 0)
                r = p->saved_mark = managed_save_open_mark(p->name);
        return r < 0 ? diag_error_code(&p->diag, r, (SrcLoc) {}, "%s; it is kept, and 'vmunit managedsave-remove %s' removes it",
                                       diag_first_error(&diag) ?: (r == -EOPNOTSUPP ? "a managed save that is compressed cannot be restored" : strerror(-r)), p->name) : 0;
}

int take_saved(Prepare *p, int base_fd, StartOptionFlags options) {
        if (options & START_OPTION_RESTORE)
                return take_from_elsewhere(p, base_fd);
        if (p->transient)
                return 0;
        if (options & START_OPTION_FORCE_BOOT) {
                int r = managed_save_remove(p->name);
                return r < 0 ? diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot remove the managed save: %s", strerror(-r)) : 0;
        }
        return take_managed(p);
}
