/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "machine-runs.h"
#include "names.h"
#include "runtime.h"
#include "string-util.h"
#include "systemd.h"

void machine_runs_done(MachineRuns *m) {
        if (m->owned)
                sd_bus_close_unref(m->bus);
        m->bus = NULL;
}

static bool connect_systemd(MachineRuns *m) {
        if (!m->bus && !m->failed) {
                m->failed = systemd_connect(SYSTEMD_DIRECT, &m->bus) < 0;
                m->owned = !m->failed;
        }
        return m->bus;
}

bool machine_runs(void *userdata, const char *name) {
        _cleanup_free_ char *unit = NULL, *state = NULL, *path = vm_runtime_path(name, NULL);
        MachineRuns *m = userdata;

        if (!path)
                return true;
        _cleanup_close_ int fd = openat(m->base_fd, strrchr(path, '/') + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno != ENOENT;
        int r = runtime_read_line(fd, RUNTIME_UNIT, &unit);
        if (r < 0)
                return r != -ENOENT;
        if (!connect_systemd(m) || systemd_get_string(m->bus, unit, "Unit", "ActiveState", &state) < 0)
                return true;
        return !streq(state, "inactive") && !streq(state, "failed");
}
