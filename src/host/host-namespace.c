/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "file-util.h"
#include "host-namespace.h"
#include "scope.h"

static int enter_host_namespace(const char *host_path, const char *own_path, int type) {
        struct stat own, host;

        _cleanup_close_ int fd = open(host_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &host) < 0 || stat(own_path, &own) < 0)
                return -errno;
        if (same_file(&own, &host))
                return 0;
        return setns(fd, type) < 0 ? -errno : 0;
}

int enter_host_network(void) {
        if (vm_is_session())
                return 0;
        return enter_host_namespace("/proc/1/ns/net", "/proc/self/ns/net", CLONE_NEWNET);
}

int enter_host_mounts(void) {
        return enter_host_namespace("/proc/1/ns/mnt", "/proc/self/ns/mnt", CLONE_NEWNS);
}
