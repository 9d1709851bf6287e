/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

#include "backend-journal.h"
#include "backend-transient.h"
#include "control-client.h"
#include "host-probe.h"
#include "manager.h"
#include "names.h"
#include "qemu-probe.h"
#include "session.h"
#include "string-util.h"
#include "strv.h"
#include "systemd.h"
#include "time-util.h"
#include "unit-watch.h"

/* The real machine. The connection to systemd is made when it is first needed and kept for the run of the
 * program; those to monitors live for one call. */

struct SystemBackend {
        sd_bus *bus; /* owned */
        bool jobs;   /* it is one to wait for jobs with */
};

/* No start takes longer than the unit's own limit and what goes before it; this is for a systemd that does not answer. */
#define START_LIMIT_USEC (UINT64_C(600) * 1000000)
#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

int system_backend_new(VmScope scope, Diag *diag, SystemBackend **ret) {
        _cleanup_(system_backend_freep) SystemBackend *b = calloc(1, sizeof(SystemBackend));

        if (!b)
                return -ENOMEM;
        int r = session_enter(scope, diag);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}

SystemBackend *system_backend_free(SystemBackend *b) {
        if (!b)
                return NULL;
        sd_bus_flush_close_unref(b->bus);
        return mfree(b);
}

/* There is one at a time: what is connected directly is sent all signals, whether it reads them or not. */
static int open_bus(SystemBackend *b, bool jobs, sd_bus **ret) {
        /* A systemd that executes itself anew has closed it, which the first call finds out. */
        if (b->bus && (sd_bus_is_open(b->bus) <= 0 || (jobs && !b->jobs)))
                b->bus = sd_bus_flush_close_unref(b->bus);
        if (!b->bus) {
                int r = systemd_connect(jobs ? SYSTEMD_JOBS : 0, &b->bus);
                if (r < 0)
                        return r;
                b->jobs = jobs;
        }
        *ret = b->bus;
        return 0;
}

static int get_bus(SystemBackend *b, sd_bus **ret) {
        return open_bus(b, false, ret);
}

static int explain_bus(int r, Diag *diag) {
        if (r == -ENOTCONN && vm_is_session())
                return diag_error_code(diag, r, (SrcLoc) {}, "the systemd of uid %u does not run: is he logged in? "
                                       "'loginctl enable-linger' starts it at boot", getuid());
        if (r == -ENOTCONN)
                return diag_error_code(diag, r, (SrcLoc) {}, "systemd does not run here");
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot connect to systemd: %s", strerror(-r));
        return 0;
}

static int get_bus_or_say(SystemBackend *b, Diag *diag, sd_bus **ret) {
        return explain_bus(open_bus(b, false, ret), diag);
}

/* For who waits for the job then. */
static int get_jobs_or_say(SystemBackend *b, Diag *diag, sd_bus **ret) {
        return explain_bus(open_bus(b, true, ret), diag);
}

/* --- units --- */

static const struct {
        const char *word;
        UnitActivity activity;
} activities[] = {
        { "inactive", UNIT_INACTIVE },
        { "failed", UNIT_FAILED },
        { "activating", UNIT_ACTIVATING },
        { "active", UNIT_ACTIVE },
        { "reloading", UNIT_ACTIVE },
        { "deactivating", UNIT_DEACTIVATING },
        { "maintenance", UNIT_ACTIVATING },
};

static UnitActivity activity_from_word(const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(activities); i++)
                if (streq(activities[i].word, word))
                        return activities[i].activity;
        return UNIT_INACTIVE;
}

static int add_unit(const char *id, const char *active, VmUnit **units, size_t *n) {
        _cleanup_free_ char *name = NULL, *unit = NULL;
        bool transient;

        /* The patterns also find what is no VM's unit. */
        int r = vm_name_from_unit(id, &name, &transient);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        unit = strdup(id);
        if (!unit || !array_grow(units, *n, sizeof(VmUnit)))
                return -ENOMEM;
        (*units)[(*n)++] = (VmUnit) {
                .unit = TAKE_PTR(unit), .name = TAKE_PTR(name), .transient = transient,
                .activity = activity_from_word(active),
        };
        return 0;
}

static int read_units(sd_bus_message *reply, VmUnit **units, size_t *n) {
        const char *id, *active;

        int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(ssssssouso)", &id, NULL, NULL, &active, NULL, NULL, NULL,
                                        NULL, NULL, NULL)) > 0) {
                r = add_unit(id, active, units, n);
                if (r < 0)
                        return r;
        }
        return r;
}

static int system_list_units(void *userdata, VmUnit **ret, size_t *ret_n) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        VmUnit *units = NULL;
        size_t n = 0;
        sd_bus *bus = NULL;

        int r = get_bus(userdata, &bus);
        if (r < 0)
                return r;
        /* From here on there is a systemd, whether it answers or not: -ENOTCONN would say that there is none. */
        r = sd_bus_message_new_method_call(bus, &call, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                           "ListUnitsByPatterns");
        if (r >= 0)
                r = sd_bus_message_append_strv(call, NULL);
        if (r >= 0)
                r = sd_bus_message_append(call, "as", 2, "vm@*.service", "vmunit-vm-*.service");
        if (r >= 0)
                r = sd_bus_call(bus, call, SYSTEMD_CALL_USEC, NULL, &reply);
        if (r >= 0)
                r = read_units(reply, &units, &n);
        if (r < 0) {
                vm_units_free(units, n);
                return r == -ENOTCONN ? -ECONNRESET : r;
        }
        *ret = units;
        *ret_n = n;
        return 0;
}

static int system_unit_activity(void *userdata, const char *unit, UnitActivity *ret) {
        _cleanup_free_ char *word = NULL;
        sd_bus *bus = NULL;

        int r = get_bus(userdata, &bus);
        if (r >= 0)
                r = systemd_get_string(bus, unit, "Unit", "ActiveState", &word);
        if (r < 0)
                return r;
        *ret = activity_from_word(word);
        return 0;
}

static int take_environment(char *const *environment, VmUnitLoad *load) {
        STRV_FOREACH(e, environment) {
                const char *digest = startswith(*e, "VMUNIT_DIGEST=");
                const char *source = startswith(*e, "VMUNIT_SOURCE=");
                if ((digest && free_and_strdup(&load->digest, digest) < 0) ||
                    (source && free_and_strdup(&load->source, source) < 0))
                        return -ENOMEM;
        }
        return 0;
}

static int system_unit_load(void *userdata, const char *unit, VmUnitLoad *ret) {
        _cleanup_(vm_unit_load_done) VmUnitLoad load = {};
        _cleanup_strv_ char **environment = NULL;
        _cleanup_free_ char *state = NULL;
        const SystemdWanted wanted[] = {
                { "LoadState", "s", &state },
                { "NeedDaemonReload", "b", &load.needs_reload },
                { "Environment", "as", &environment },
                { "SELinuxContext", "(bs)", &load.context },
                { "AppArmorProfile", "(bs)", &load.profile },
                { "User", "s", &load.user },
        };
        sd_bus *bus = NULL;

        int r = get_bus(userdata, &bus);
        if (r >= 0)
                r = systemd_get_several(bus, unit, wanted, ELEMENTSOF(wanted));
        if (r >= 0)
                r = take_environment(environment, &load);
        if (r < 0)
                return r;
        load.masked = streq(state, "masked");
        *ret = load;
        load = (VmUnitLoad) {};
        return 0;
}

static int system_unit_status(void *userdata, const char *unit, VmUnitStatus *ret) {
        VmUnitStatus s = {};
        uint32_t pid = 0;
        sd_bus *bus = NULL;

        int r = get_bus(userdata, &bus);
        if (r >= 0)
                r = systemd_get_string(bus, unit, "Unit", "ActiveState", &s.active);
        if (r >= 0)
                r = systemd_get_string(bus, unit, "Unit", "SubState", &s.sub);
        if (r >= 0)
                r = systemd_get_string(bus, unit, "Service", "Result", &s.result);
        if (r >= 0)
                r = systemd_get_u64(bus, unit, "Unit", "StateChangeTimestamp", &s.since_usec);
        if (r >= 0)
                r = systemd_get_u32(bus, unit, "Service", "MainPID", &pid);
        if (r < 0) {
                vm_unit_status_done(&s);
                return r;
        }
        s.main_pid = pid;
        *ret = s;
        return 0;
}

static int system_unit_log(void *userdata, const char *const *units, unsigned n, char ***ret) {
        return journal_last_lines(units, n, ret);
}

static bool system_unit_enabled(void *userdata, const char *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *state;
        sd_bus *bus = NULL;

        if (get_bus(userdata, &bus) < 0 ||
            sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnitFileState", NULL,
                               &reply, "s", unit) < 0 ||
            sd_bus_message_read(reply, "s", &state) < 0)
                return false;
        return startswith(state, "enabled") != NULL;
}

static int system_set_unit_enabled(void *userdata, const char *unit, bool enabled, Diag *diag) {
        sd_bus *bus = NULL;

        int r = get_bus_or_say(userdata, diag, &bus);
        return r < 0 ? r : systemd_enable_unit(bus, unit, enabled, diag);
}

static int system_unit_cpu_usage(void *userdata, const char *unit, uint64_t *ret_nsec) {
        uint64_t nsec;
        sd_bus *bus = NULL;

        int r = get_bus(userdata, &bus);
        if (r >= 0)
                r = systemd_get_u64(bus, unit, "Service", "CPUUsageNSec", &nsec);
        if (r < 0)
                return r;
        if (nsec == UINT64_MAX)
                return -ENODATA;
        *ret_nsec = nsec;
        return 0;
}

static int system_unit_cgroup(void *userdata, const char *unit, char **ret) {
        _cleanup_free_ char *group = NULL;
        sd_bus *bus = NULL;

        int r = get_bus(userdata, &bus);
        if (r >= 0)
                r = systemd_get_string(bus, unit, "Service", "ControlGroup", &group);
        if (r < 0)
                return r;
        if (!*group)
                return -ENODATA;
        *ret = TAKE_PTR(group);
        return 0;
}

static int system_set_unit_properties(void *userdata, const char *unit, const UnitProperties *p, Diag *diag) {
        sd_bus *bus = NULL;

        int r = get_bus_or_say(userdata, diag, &bus);
        return r < 0 ? r : systemd_set_live_properties(bus, unit, p, diag);
}

/* All of the single numbers that can change. */
static int system_get_unit_properties(void *userdata, const char *unit, UnitProperties *ret) {
        _cleanup_(unit_properties_done) UnitProperties p = {};
        UnitPropertyRow row;
        sd_bus *bus = NULL;

        int r = get_bus(userdata, &bus);
        for (size_t i = 0; r >= 0 && unit_property_row(i, &row); i++) {
                _cleanup_strv_ char **values = NULL;

                if (!row.property.live)
                        continue;
                r = systemd_get_values(bus, unit, "Service", &row.property, &values);
                if (r >= 0)
                        r = unit_properties_add(&p, row.property.section, row.property.name, values);
        }
        if (r < 0)
                return r;
        *ret = p;
        p = (UnitProperties) {};
        return 0;
}

static int system_reload(void *userdata, Diag *diag) {
        sd_bus *bus = NULL;

        int r = get_bus_or_say(userdata, diag, &bus);
        return r < 0 ? r : systemd_reload(bus, diag);
}

/* --- jobs --- */

static int explain_start(sd_bus *bus, const char *unit, uint64_t since_usec, int r, const char *result, Diag *diag) {
        if (r != -ECANCELED)
                return r < 0 && diag && diag->n_errors == 0 ?
                        diag_error_code(diag, r, (SrcLoc) {}, "unit '%s': %s", unit, strerror(-r)) : r;
        if (journal_explain_failure(bus, unit, since_usec, diag) > 0)
                return r;
        return diag_error_code(diag, r, (SrcLoc) {},
                               "unit '%s' failed to start (%s); see: journalctl %s '%s'", unit,
                               result ?: "failed", vm_is_session() ? "--user-unit" : "-u", unit);
}

static int system_start_unit(void *userdata, const char *unit, const SystemdJobNote *note, Diag *diag) {
        _cleanup_free_ char *result = NULL;
        uint64_t since = now_usec();
        sd_bus *bus = NULL;

        int r = get_jobs_or_say(userdata, diag, &bus);
        if (r < 0)
                return r;
        /* Earlier failures count against the unit's limit of starts; one that the user asks for does not. */
        (void) systemd_reset_failed(bus, unit, NULL);
        r = systemd_start_unit(bus, unit, START_LIMIT_USEC, note, diag, &result);
        return r < 0 ? explain_start(bus, unit, since, r, result, diag) : 0;
}

static int system_start_transient(void *userdata, const TransientStart *start, const SystemdJobNote *note, Diag *diag) {
        _cleanup_free_ char *result = NULL;
        uint64_t since = now_usec();
        HostFacts facts;
        sd_bus *bus = NULL;

        int r = get_jobs_or_say(userdata, diag, &bus);
        if (r < 0)
                return r;
        r = host_facts_gather(&facts);
        if (r < 0)
                return r;
        r = transient_start(bus, start, &facts, START_LIMIT_USEC + start->domain->ready.timeout.value * UINT64_C(1000000), note, diag,
                            &result);
        host_facts_done(&facts);
        return r < 0 ? explain_start(bus, start->unit, since, r, result, diag) : 0;
}

static int system_stop_unit(void *userdata, const char *unit, uint64_t limit_usec, Diag *diag) {
        sd_bus *bus = NULL;

        int r = get_jobs_or_say(userdata, diag, &bus);
        return r < 0 ? r : systemd_stop_unit(bus, unit, limit_usec, diag, NULL);
}

static int system_settle_unit(void *userdata, const char *unit, uint64_t limit_usec, Diag *diag) {
        sd_bus *bus = NULL;

        int r = get_jobs_or_say(userdata, diag, &bus);
        return r < 0 ? r : systemd_settle_unit(bus, unit, limit_usec, diag);
}

static int system_kill_unit(void *userdata, const char *unit, bool main_only, int signo, Diag *diag) {
        sd_bus *bus = NULL;

        int r = get_bus_or_say(userdata, diag, &bus);
        return r < 0 ? r : systemd_kill_unit(bus, unit, main_only ? "main" : "all", signo, diag);
}

/* --- monitors --- */

/* The socket is root's. */
static int open_monitor(const char *name, Diag *diag, sd_bus **ret) {
        int r = control_open(name, ret);
        if (r == -EACCES || r == -EPERM)
                return diag_error_code(diag, r, (SrcLoc) {}, "access denied: only %s may control domain '%s'", vm_is_session() ? "its user" : "root", name);
        return r;
}

static int system_monitor_call(void *userdata, const char *name, MonitorVerb verb, const char *mode,
                               Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        if (r < 0)
                return r;
        switch (verb) {
        case MONITOR_VERB_SUSPEND:
                return control_suspend(bus, CONTROL_TIMEOUT_USEC, diag);
        case MONITOR_VERB_RESUME:
                return control_resume(bus, CONTROL_TIMEOUT_USEC, diag);
        case MONITOR_VERB_SHUTDOWN:
                return control_shutdown(bus, mode, CONTROL_TIMEOUT_USEC, diag);
        case MONITOR_VERB_REBOOT:
                return control_reboot(bus, mode, CONTROL_TIMEOUT_USEC, diag);
        case MONITOR_VERB_RESET:
                return control_reset(bus, CONTROL_TIMEOUT_USEC, diag);
        case MONITOR_VERB_QUIT:
                return control_quit(bus, CONTROL_TIMEOUT_USEC, diag);
        }
        return -EINVAL;
}

/* The watch knows a console by its alias: the first one's is asked for. */
static int watch_console(sd_bus *bus, const char *name, const char *alias, ConsoleWatch **ret, Diag *diag) {
        ControlConsole *consoles = NULL;
        size_t n = 0;

        int r = isempty(alias) ? control_get_consoles(bus, CONTROL_TIMEOUT_USEC, diag, &consoles, &n) : 0;
        if (r < 0)
                return r;
        r = console_watch_open(name, n > 0 ? consoles[0].alias : strempty(alias), ret);
        control_consoles_free(consoles, n);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "%s", strerror(-r)) : 0;
}

static int system_monitor_open_console(void *userdata, const char *name, const char *alias, bool force,
                                       ConsoleWatch **ret_watch, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_close_ int fd = -EBADF;

        int r = open_monitor(name, diag, &bus);
        if (r >= 0)
                r = control_open_console(bus, alias, force, CONTROL_TIMEOUT_USEC, diag, &fd);
        if (r >= 0)
                r = watch_console(bus, name, alias, ret_watch, diag);
        return r < 0 ? r : TAKE_FD(fd);
}

static int system_monitor_view_console(void *userdata, const char *name, const char *alias, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int fd;

        int r = open_monitor(name, diag, &bus);
        if (r >= 0)
                r = control_view_console(bus, alias, CONTROL_TIMEOUT_USEC, diag, &fd);
        return r < 0 ? r : fd;
}

static int system_monitor_consoles(void *userdata, const char *name, VmConsole **ret, size_t *ret_n,
                                   Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        ControlConsole *consoles = NULL;
        size_t n = 0;

        int r = open_monitor(name, diag, &bus);
        if (r >= 0)
                r = control_get_consoles(bus, CONTROL_TIMEOUT_USEC, diag, &consoles, &n);
        if (r < 0)
                return r;
        VmConsole *list = calloc(n + 1, sizeof(VmConsole));
        for (size_t i = 0; list && i < n; i++)
                list[i] = (VmConsole) { .alias = TAKE_PTR(consoles[i].alias),
                                        .device = TAKE_PTR(consoles[i].device) };
        control_consoles_free(consoles, n);
        if (!list)
                return -ENOMEM;
        *ret = list;
        *ret_n = n;
        return 0;
}

static int system_monitor_qmp(void *userdata, const char *name, const char *command, char **ret, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_qmp(bus, command, CONTROL_TIMEOUT_USEC, diag, ret);
}

static int system_monitor_qmp_with_fd(void *userdata, const char *name, const char *command, int fd, char **ret, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_qmp_with_fd(bus, command, fd, CONTROL_TIMEOUT_USEC, diag, ret);
}

static int system_monitor_agent(void *userdata, const char *name, const char *command, uint64_t limit_usec, char **ret,
                                Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_agent_within(bus, command, limit_usec, diag, ret);
}

static int system_monitor_set_threads(void *userdata, const char *name, const char *settings, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_set_threads(bus, settings, CONTROL_TIMEOUT_USEC, diag);
}

static int system_monitor_set_actions(void *userdata, const char *name, const char *actions, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_set_actions(bus, actions, CONTROL_TIMEOUT_USEC, diag);
}

static int system_monitor_unplug(void *userdata, const char *name, const char *device, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_unplug(bus, device, CONTROL_TIMEOUT_USEC, diag);
}

/* The session is the connection: when it ends, so does the saving. */
static int system_monitor_save(void *userdata, const char *name, Diag *diag, SaveSession **ret_session, int *ret_fd) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        if (r >= 0)
                r = control_save(bus, CONTROL_TIMEOUT_USEC, diag, ret_fd);
        if (r >= 0)
                *ret_session = (SaveSession *) TAKE_PTR(bus);
        return r;
}

static int system_monitor_wait_saved(void *userdata, SaveSession *session, Diag *diag) {
        return control_wait_saved((sd_bus *) session, CONTROL_TIMEOUT_USEC, diag);
}

static int system_monitor_end_saved(void *userdata, SaveSession *session, Diag *diag) {
        return control_end_saved((sd_bus *) session, CONTROL_TIMEOUT_USEC, diag);
}

static int system_monitor_dump(void *userdata, const char *name, const char *format, bool live, int file, Diag *diag,
                               SaveSession **ret_session, int *ret_fd) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        if (r >= 0)
                r = file < 0 ? control_dump(bus, format, live, CONTROL_TIMEOUT_USEC, diag, ret_fd) :
                        control_dump_to(bus, format, file, CONTROL_TIMEOUT_USEC, diag);
        if (r >= 0)
                *ret_session = (SaveSession *) TAKE_PTR(bus);
        return r;
}

static int system_monitor_end_dump(void *userdata, SaveSession *session, const char *then, Diag *diag) {
        return control_end_dump((sd_bus *) session, then, CONTROL_TIMEOUT_USEC, diag);
}

static int system_monitor_progress(void *userdata, SaveSession *session, uint64_t processed, uint64_t total, Diag *diag) {
        return control_progress((sd_bus *) session, processed, total, CONTROL_TIMEOUT_USEC, diag);
}

static int system_monitor_job(void *userdata, const char *name, bool completed, bool keep, char **ret, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_get_job(bus, completed, keep, CONTROL_TIMEOUT_USEC, diag, ret);
}

static int system_monitor_abort_job(void *userdata, const char *name, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = open_monitor(name, diag, &bus);
        return r < 0 ? r : control_abort_job(bus, CONTROL_TIMEOUT_USEC, diag);
}

static void system_monitor_save_close(void *userdata, SaveSession *session) {
        sd_bus_flush_close_unref((sd_bus *) session);
}

static int system_monitor_threads(void *userdata, const char *name, VmThread **ret, size_t *ret_n, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        ControlThread *threads = NULL;
        size_t n = 0;

        int r = open_monitor(name, diag, &bus);
        if (r >= 0)
                r = control_get_threads(bus, CONTROL_TIMEOUT_USEC, diag, &threads, &n);
        if (r < 0)
                return r;
        VmThread *list = calloc(n + 1, sizeof(VmThread));
        if (!list)
                r = -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n; i++) {
                ThreadKind kind = thread_kind_from_string(threads[i].kind);
                list[i] = (VmThread) { .kind = kind, .id = threads[i].id, .tid = threads[i].tid };
                if ((int) kind < 0 || number_set_parse(threads[i].cpus, &list[i].cpus) < 0)
                        r = diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "the VM's monitor talks nonsense");
        }
        control_threads_free(threads, n);
        if (r < 0) {
                free(list);
                return r;
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

/* --- events --- */

typedef struct SystemUnitWatch {
        UnitWatch *watch; /* owned */
        void (*changed)(const char *unit, UnitActivity activity, bool lost, void *userdata);
        void *userdata;
} SystemUnitWatch;

static void on_unit_changed(const char *unit, const char *active, bool lost, void *userdata) {
        SystemUnitWatch *w = userdata;

        w->changed(unit, lost ? UNIT_INACTIVE : activity_from_word(active), lost, w->userdata);
}

static void system_unwatch_units(void *userdata, void *watch) {
        SystemUnitWatch *w = watch;

        unit_watch_free(w->watch);
        free(w);
}

static int system_watch_units(void *userdata, sd_event *event,
                              void (*changed)(const char *unit, UnitActivity activity, bool lost, void *changed_userdata),
                              void *changed_userdata, void **ret) {
        SystemUnitWatch *w = calloc(1, sizeof(SystemUnitWatch));

        if (!w)
                return -ENOMEM;
        *w = (SystemUnitWatch) { .changed = changed, .userdata = changed_userdata };
        int r = unit_watch_new(event, on_unit_changed, w, &w->watch);
        if (r < 0) {
                free(w);
                return r;
        }
        *ret = w;
        return 0;
}

static int system_watch_monitor(void *userdata, sd_event *event, const char *name, const ControlEventsHandlers *handlers,
                                void *handlers_userdata, void **ret) {
        ControlEvents *e = NULL;

        int r = control_events_open(event, name, handlers, handlers_userdata, &e);
        if (r >= 0)
                *ret = e;
        return r;
}

static void system_drain_monitor(void *userdata, void *watch) {
        control_events_drain(watch);
}

static void system_unwatch_monitor(void *userdata, void *watch) {
        control_events_free(watch);
}

/* --- facts --- */

static int system_emulator_caps(void *userdata, const char *emulator, bool only_cached, Diag *diag,
                                QemuCaps **ret) {
        return only_cached ? qemu_caps_get_cached(emulator, ret) : qemu_caps_get(emulator, diag, ret);
}

static int system_host_facts(void *userdata, HostFacts *ret) {
        return host_facts_gather(ret);
}

const ManagerBackend manager_backend_system = {
        .list_units = system_list_units,
        .unit_activity = system_unit_activity,
        .unit_load = system_unit_load,
        .unit_status = system_unit_status,
        .unit_log = system_unit_log,
        .unit_enabled = system_unit_enabled,
        .set_unit_enabled = system_set_unit_enabled,
        .set_unit_properties = system_set_unit_properties,
        .get_unit_properties = system_get_unit_properties,
        .unit_cpu_usage = system_unit_cpu_usage,
        .unit_cgroup = system_unit_cgroup,
        .reload = system_reload,
        .start_unit = system_start_unit,
        .start_transient = system_start_transient,
        .stop_unit = system_stop_unit,
        .settle_unit = system_settle_unit,
        .kill_unit = system_kill_unit,
        .monitor_call = system_monitor_call,
        .monitor_open_console = system_monitor_open_console,
        .monitor_view_console = system_monitor_view_console,
        .monitor_consoles = system_monitor_consoles,
        .monitor_qmp = system_monitor_qmp,
        .monitor_agent = system_monitor_agent,
        .monitor_qmp_with_fd = system_monitor_qmp_with_fd,
        .monitor_set_threads = system_monitor_set_threads,
        .monitor_set_actions = system_monitor_set_actions,
        .monitor_threads = system_monitor_threads,
        .monitor_unplug = system_monitor_unplug,
        .monitor_save = system_monitor_save,
        .monitor_wait_saved = system_monitor_wait_saved,
        .monitor_end_saved = system_monitor_end_saved,
        .monitor_save_close = system_monitor_save_close,
        .monitor_progress = system_monitor_progress,
        .monitor_job = system_monitor_job,
        .monitor_abort_job = system_monitor_abort_job,
        .watch_units = system_watch_units,
        .unwatch_units = system_unwatch_units,
        .watch_monitor = system_watch_monitor,
        .drain_monitor = system_drain_monitor,
        .unwatch_monitor = system_unwatch_monitor,
        .monitor_dump = system_monitor_dump,
        .monitor_end_dump = system_monitor_end_dump,
        .emulator_caps = system_emulator_caps,
        .host_facts = system_host_facts,
};
