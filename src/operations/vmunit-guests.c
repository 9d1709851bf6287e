/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "config-file.h"
#include "definition.h"
#include "host-namespace.h"
#include "journal.h"
#include "log.h"
#include "monitor-protocol.h"
#include "names.h"
#include "notify.h"
#include "runtime.h"
#include "saved.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "systemd.h"
#include "time-util.h"

/* What happens to virtual machines when the host goes down, and when it is back.
 *
 * vmunit-guests stop INSTANCE is the ExecStop= of the unit of each machine that is saved or ended then, and of all transient
 * ones, as root: it does nothing unless the host goes down.
 * Then a machine that is to be saved is saved, and one that is to be destroyed is ended; all that is left over gets
 * systemd's SIGTERM next, at which the supervisor asks the guest to power off. systemd keeps the order and the limits.
 *
 * vmunit-guests start is vmunit-guests.service: it starts what was saved. */

/* While something is written the unit's limit is put off: a save that goes on is not cut off. */
#define PROGRESS_MESSAGE "EXTEND_TIMEOUT_USEC=60000000"

/* As the machine was started with, or else what holds for all of them now. */
static HostShutdown chosen_action(const char *name) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_config_ Config config = {};
        _cleanup_free_ char *json = NULL;
        size_t size;

        _cleanup_close_ int dir_fd = runtime_open(name, false);
        if (dir_fd >= 0 && runtime_read(dir_fd, RUNTIME_PLAN, RUNTIME_PLAN_MAX, &json, &size) >= 0 &&
            plan_from_json(json, size, &plan) >= 0 && plan->host_shutdown != HOST_SHUTDOWN_UNSET)
                return plan->host_shutdown;
        (void) config_load(&config, NULL);
        return config.host_shutdown ?: HOST_SHUTDOWN_SHUTDOWN;
}

static void on_progress(unsigned percent, void *userdata) {
        (void) notify(PROGRESS_MESSAGE);
}

static uint64_t saved_size(const char *name) {
        _cleanup_free_ char *path = vm_state_path(name, MANAGED_SAVE_FILE);
        struct stat st;

        return path && stat(path, &st) >= 0 ? (uint64_t) st.st_size : 0;
}

static void save(const JournalContext *j) {
        SaveOptions options = { .progress = on_progress, .host_goes_down = true };
        _cleanup_(system_backend_freep) SystemBackend *backend = NULL;
        _cleanup_(manager_freep) Manager *m = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        uint64_t begin = now_usec();

        int r = system_backend_new(vm_scope(), &diag, &backend);
        if (r >= 0)
                r = manager_new(&manager_backend_system, backend, NULL, &m);
        if (r >= 0)
                r = vm_lookup(m, j->name, VM_BY_NAME, &diag, &vm);
        if (r >= 0)
                r = vm_managed_save(m, &vm, &options, &diag);
        double seconds = (double) (now_usec() - begin) / USEC_PER_SEC;
        if (r < 0)
                journal_log(j, LOG_WARNING, MESSAGE_ID_HOST_GOES_DOWN,
                            "The host goes down: cannot save virtual machine %s (after %.1f s), so its guest is asked to power off: %s",
                            j->name, seconds, diag_first_error(&diag) ?: strerror(-r));
        else
                journal_log(j, LOG_INFO, MESSAGE_ID_HOST_GOES_DOWN,
                            "The host goes down: virtual machine %s was saved in %.2f s (%llu MiB); the next boot starts it again.",
                            j->name, seconds, (unsigned long long) saved_size(j->name) >> 20);
}

static void destroy(sd_bus *bus, const JournalContext *j) {
        _cleanup_diag_ Diag diag = {};

        journal_log(j, LOG_INFO, MESSAGE_ID_HOST_GOES_DOWN, "The host goes down: ending virtual machine %s at once.", j->name);
        if (systemd_kill_unit(bus, j->unit, "main", SUPERVISOR_SIGNAL_DESTROY, &diag) < 0)
                journal_log_diag(j, NULL, &diag);
}

static int stop(const char *instance) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_free_ char *name = NULL, *unit = NULL;
        bool going_down = false;

        /* It has ended by itself. */
        if (!getenv("MAINPID"))
                return 0;
        int r = enter_host_mounts();
        if (r >= 0)
                r = vm_instance_to_name(instance, &name);
        if (r >= 0)
                r = systemd_connect(SYSTEMD_DIRECT, &bus);
        if (r >= 0)
                r = systemd_is_going_down(bus, &going_down);
        if (r < 0)
                return log_error_errno(r, "cannot find out whether the host goes down");
        if (!going_down)
                return 0;
        const char *source = getenv("VMUNIT_SOURCE");
        unit = source && startswith(source, vm_directories()->transient) ? vm_transient_unit(name) : vm_unit(name);
        if (!unit)
                return -ENOMEM;
        JournalContext j = { .name = name, .unit = unit };
        HostShutdown action = chosen_action(name);
        if (action == HOST_SHUTDOWN_SAVE)
                save(&j);
        else if (action == HOST_SHUTDOWN_DESTROY)
                destroy(bus, &j);
        return 0;
}

/* --- the next boot --- */

static int list_saved(char ***ret) {
        _cleanup_strv_ char **names = NULL;

        DIR *d = opendir(vm_directories()->state);
        int r = d ? 0 : errno == ENOENT ? 0 : -errno;
        for (struct dirent *e; d && r >= 0 && (e = readdir(d));)
                if (vm_name_check(e->d_name, (SrcLoc) {}, NULL) >= 0 && managed_save_is_for_boot(e->d_name))
                        r = strv_extend(&names, e->d_name);
        if (d)
                closedir(d);
        if (r < 0)
                return r;
        strv_sort(names);
        *ret = TAKE_PTR(names);
        return 0;
}

static int start_one(sd_bus *bus, const char *name) {
        _cleanup_free_ char *unit = vm_unit(name);
        _cleanup_diag_ Diag diag = {};

        if (!unit)
                return -ENOMEM;
        if (!managed_save_exists(name)) /* it was not finished, or has been used */
                return managed_save_mark_boot(name, false);
        int r = systemd_queue_start(bus, unit, &diag);
        if (r < 0)
                log_error("cannot start virtual machine %s, which is saved: %s", name, diag_first_error(&diag) ?: strerror(-r));
        else
                log_info("starting virtual machine %s, which the last shutdown has saved", name);
        return r;
}

static int start(void) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_strv_ char **names = NULL;

        int r = list_saved(&names);
        if (r >= 0)
                r = systemd_connect(SYSTEMD_DIRECT, &bus);
        if (r < 0)
                return log_error_errno(r, "cannot begin");
        STRV_FOREACH(name, names) {
                int k = start_one(bus, *name);
                r = r < 0 ? r : k;
        }
        return r;
}

int main(int argc, char *argv[]) {
        if (argc == 2 && streq(argv[1], "--version"))
                (void) printf("vmunit %s\n", VMUNIT_VERSION);
        else if (argc == 2 && streq(argv[1], "start"))
                return start() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        else if (argc == 3 && streq(argv[1], "stop"))
                return stop(argv[2]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        else {
                log_error("usage: vmunit-guests start | stop INSTANCE (run by systemd)");
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
