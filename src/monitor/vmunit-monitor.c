/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>

#include "log.h"
#include "monitor.h"
#include "strv.h"

/* What QEMU and the guest write is read here, so there is little to be had: no new privileges, no memory that others of
 * our uid can read, and no life without the supervisor. */
static int restrict_ourselves(void) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        return 0;
}

int main(int argc, char *argv[]) {
        MonitorFds fds = MONITOR_FDS_NONE;
        _cleanup_(monitor_freep) Monitor *m = NULL;
        _cleanup_strv_ char **names = NULL;
        sd_event *event = NULL;

        int r = restrict_ourselves();
        if (r < 0) {
                log_error_errno(r, "cannot give up privileges");
                return EXIT_FAILURE;
        }
        int n = sd_listen_fds_with_names(1, &names);
        if (n > 0)
                monitor_fds_sort(&fds, SD_LISTEN_FDS_START, names, n);
        if (fds.supervisor < 0 || fds.qmp < 0 || fds.plan < 0) {
                log_error("vmunit-monitor is started by vmunit-supervisor, not by hand");
                return EXIT_FAILURE;
        }
        (void) signal(SIGPIPE, SIG_IGN); /* the supervisor has reset it */
        r = sd_event_new(&event);
        if (r >= 0)
                r = monitor_new(event, &fds, &m);
        if (r >= 0)
                r = monitor_start(m);
        if (r >= 0)
                r = sd_event_loop(event);
        if (r < 0)
                log_error_errno(r, "the monitor cannot run");
        m = monitor_free(m);
        sd_event_unref(event);
        return r < 0 ? EXIT_FAILURE : r;
}
