/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "config-file.h"
#include "host-info.h"
#include "string-util.h"

int host_info(Manager *m, Diag *diag, HostSettings *ret) {
        const char *root = *m->host_root ? m->host_root : "/";
        _cleanup_close_ int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_config_ Config config = {};

        *ret = (HostSettings) {};
        if (root_fd < 0)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot open '%s': %s", root, strerror(errno));
        int problem = config_load(&config, diag);
        int r = host_settings_read(root_fd, &config, ret);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "%s", strerror(-r)) : problem;
}
