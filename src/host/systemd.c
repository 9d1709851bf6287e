/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pwd.h>
#include <systemd/sd-daemon.h>

#include "parse-util.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "systemd.h"
#include "text.h"
#include "unit-dbus.h"
#include "unit-overrides.h"
#include "time-util.h"

#define SYSTEMD "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"
#define BUS_DAEMON "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"
/* Generators, ours among them, run before a reload is done. */
#define RELOAD_USEC (UINT64_C(90) * 1000000)

static int refused(Diag *diag, int error, const sd_bus_error *e, const char *what, const char *unit) {
        return diag_error_code(diag, error, (SrcLoc) {}, "cannot %s%s%s: %s", what, unit ? " " : "", strempty(unit),
                               e && e->message ? e->message : strerror(-error));
}

/* As D-Bus writes addresses: what is not in this set has its number. */
static char *socket_address(const char *path) {
        _cleanup_text_ Text t = {};
        char *address;

        text_append(&t, "unix:path=");
        for (const char *p = path; *p; p++)
                if (strchr(ALPHANUMERICAL "-_/.", *p))
                        text_append_char(&t, *p);
                else
                        text_appendf(&t, "%%%02x", (unsigned char) *p);
        return text_finish(&t, &address) < 0 ? NULL : address;
}

static int open_direct(sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        _cleanup_free_ char *address = socket_address(vm_directories()->manager);

        int r = address ? sd_bus_new(&bus) : -ENOMEM;
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

/* Whom the bus does not let in learns that only when something is asked. */
static int open_system(sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        const char *name;

        int r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &name);
        /* Neither stands for a systemd that is not there, or a domain. */
        if (r < 0)
                return r == -ENOTCONN || r == -ENOENT ? -ECONNREFUSED : r;
        *ret = TAKE_PTR(bus);
        return 0;
}

int systemd_connect(SystemdConnectFlags flags, sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        int r;

        if (vm_is_session()) {
                r = open_direct(&bus);
                if (r == -ENOENT || r == -ECONNREFUSED)
                        return -ENOTCONN;
        } else if (sd_booted() <= 0)
                return -ENOTCONN;
        else {
                bool root = geteuid() == 0, direct_first = root && !(flags & SYSTEMD_JOBS);
                r = direct_first ? open_direct(&bus) : -EACCES;
                if (r < 0 && !(flags & SYSTEMD_DIRECT))
                        r = open_system(&bus);
                if (r < 0 && root && !direct_first)
                        r = open_direct(&bus);
        }
        if (r < 0)
                return r;
        r = sd_bus_set_method_call_timeout(bus, SYSTEMD_CALL_USEC);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

/* --- properties --- */

char *systemd_unit_path(const char *unit) {
        char *path = NULL;
        return sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0 ? NULL : path;
}

typedef struct PropertyPlace {
        char *path;  /* owned */
        char *iface; /* owned */
} PropertyPlace;

static void property_place_done(PropertyPlace *p) {
        free(p->path);
        free(p->iface);
}

static int property_place(const char *unit, const char *iface, PropertyPlace *ret) {
        *ret = (PropertyPlace) {
                .path = systemd_unit_path(unit),
                .iface = strf("org.freedesktop.systemd1.%s", iface),
        };
        return ret->path && ret->iface ? 0 : -ENOMEM;
}

static int get_trivial(sd_bus *bus, const char *unit, const char *iface, const char *property, char type, void *ret) {
        _cleanup_(property_place_done) PropertyPlace p = {};
        int r = property_place(unit, iface, &p);

        return r < 0 ? r : sd_bus_get_property_trivial(bus, "org.freedesktop.systemd1", p.path, p.iface, property, NULL,
                                                       type, ret);
}

int systemd_get_u32(sd_bus *bus, const char *unit, const char *iface, const char *property, uint32_t *ret) {
        return get_trivial(bus, unit, iface, property, 'u', ret);
}

int systemd_get_u64(sd_bus *bus, const char *unit, const char *iface, const char *property, uint64_t *ret) {
        return get_trivial(bus, unit, iface, property, 't', ret);
}

int systemd_get_string(sd_bus *bus, const char *unit, const char *iface, const char *property, char **ret) {
        _cleanup_(property_place_done) PropertyPlace p = {};
        int r = property_place(unit, iface, &p);

        return r < 0 ? r : sd_bus_get_property_string(bus, "org.freedesktop.systemd1", p.path, p.iface, property, NULL, ret);
}

int systemd_get_job(sd_bus *bus, const char *unit, uint32_t *ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(property_place_done) PropertyPlace p = {};

        int r = property_place(unit, "Unit", &p);
        if (r >= 0)
                r = sd_bus_get_property(bus, "org.freedesktop.systemd1", p.path, p.iface, "Job", NULL, &reply, "(uo)");
        return r < 0 ? r : MIN(sd_bus_message_read(reply, "(uo)", ret, NULL), 0);
}

int systemd_get_values(sd_bus *bus, const char *unit, const char *iface, const UnitProperty *p, char ***ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(property_place_done) PropertyPlace place = {};
        const char *type = unit_property_type(p->kind);

        int r = type ? property_place(unit, iface, &place) : -EINVAL;
        if (r >= 0)
                r = sd_bus_get_property(bus, "org.freedesktop.systemd1", place.path, place.iface, p->bus_name, NULL, &reply, type);
        return r < 0 ? r : unit_property_read(reply, p->kind, ret);
}

static int get_label(sd_bus *bus, const char *unit, const char *property, char **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(property_place_done) PropertyPlace p = {};
        const char *context;
        int ignore;

        int r = property_place(unit, "Service", &p);
        if (r >= 0)
                r = sd_bus_get_property(bus, "org.freedesktop.systemd1", p.path, p.iface, property, NULL, &reply, "(bs)");
        if (r >= 0)
                r = sd_bus_message_read(reply, "(bs)", &ignore, &context);
        return r < 0 ? r : free_and_strdup(ret, *context ? context : NULL);
}

int systemd_get_selinux_context(sd_bus *bus, const char *unit, char **ret) {
        return get_label(bus, unit, "SELinuxContext", ret);
}

int systemd_get_apparmor_profile(sd_bus *bus, const char *unit, char **ret) {
        return get_label(bus, unit, "AppArmorProfile", ret);
}

static int read_wanted(sd_bus_message *m, const SystemdWanted *w) {
        const char *text;
        uint64_t number;
        int flag;

        int r = sd_bus_message_enter_container(m, 'v', w->type);
        if (r < 0)
                return r;
        switch (w->type[0]) {
        case 's':
                r = sd_bus_message_read(m, "s", &text);
                if (r >= 0)
                        r = free_and_strdup(w->ret, text);
                break;
        case '(':
                r = sd_bus_message_read(m, "(bs)", &flag, &text);
                if (r >= 0)
                        r = free_and_strdup(w->ret, *text ? text : NULL);
                break;
        case 'a':
                r = sd_bus_message_read_strv(m, w->ret);
                break;
        case 't':
                r = sd_bus_message_read(m, "t", &number);
                if (r >= 0)
                        *(uint64_t *) w->ret = number;
                break;
        case 'b':
                r = sd_bus_message_read(m, "b", &flag);
                if (r >= 0)
                        *(bool *) w->ret = flag != 0;
                break;
        default:
                return -EINVAL;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* One of a{sv}; 1 when it was one of those wanted. */
static int read_entry(sd_bus_message *m, const SystemdWanted *wanted, size_t n) {
        const char *property;

        int r = sd_bus_message_read(m, "s", &property);
        if (r < 0)
                return r;
        FOREACH_ARRAY(w, wanted, n)
                if (streq(w->property, property)) {
                        r = read_wanted(m, w);
                        return r < 0 ? r : 1;
                }
        r = sd_bus_message_skip(m, "v");
        return MIN(r, 0);
}

int systemd_get_several(sd_bus *bus, const char *unit, const SystemdWanted *wanted, size_t n) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *path = systemd_unit_path(unit);
        size_t found = 0;

        if (!path)
                return -ENOMEM;
        /* No interface: of all that the unit has. */
        int r = sd_bus_call_method(bus, "org.freedesktop.systemd1", path, "org.freedesktop.DBus.Properties", "GetAll", NULL, &reply,
                                   "s", "");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = read_entry(reply, wanted, n);
                if (r > 0)
                        found++;
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : found < n ? -ENODATA : 0;
}

/* --- jobs --- */

/* Jobs end in signals that may come before the answer to the call that queued them: all endings seen since the
 * wait was set up are kept until one is asked for. */
typedef struct JobEnd {
        char *job, *result; /* owned */
} JobEnd;

struct SystemdJobWait {
        sd_bus *bus;         /* referenced */
        sd_bus_slot *filter; /* owned */
        char *rule;          /* owned; NULL where no bus daemon has it */
        JobEnd *ends;        /* owned */
        size_t n_ends;
        bool lost;
};

#define JOB_ENDS_MAX 4096U

SystemdJobWait *systemd_job_wait_free(SystemdJobWait *w) {
        if (!w)
                return NULL;
        FOREACH_ARRAY(e, w->ends, w->n_ends) {
                free(e->job);
                free(e->result);
        }
        free(w->ends);
        if (w->rule && sd_bus_is_open(w->bus) > 0)
                (void) sd_bus_call_method_async(w->bus, NULL, BUS_DAEMON, "RemoveMatch", NULL, NULL, "s", w->rule);
        free(w->rule);
        sd_bus_slot_unref(w->filter);
        sd_bus_unref(w->bus);
        return mfree(w);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SystemdJobWait *w = userdata;
        const char *job, *result;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &job, NULL, &result) < 0)
                return 0;
        if (w->n_ends >= JOB_ENDS_MAX || !ARRAY_GROW(w->ends, w->n_ends)) {
                w->lost = true;
                return 0;
        }
        JobEnd e = { strdup(job), strdup(result) };
        if (!e.job || !e.result) {
                free(e.job);
                free(e.result);
                w->lost = true;
                return 0;
        }
        w->ends[w->n_ends++] = e;
        return 0;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_message_is_signal(m, "org.freedesktop.systemd1.Manager", "JobRemoved") > 0 ? on_job_removed(m, userdata, error) : 0;
}

/* Nothing has to be subscribed to: who has queued a job is told of its end. A bus daemon is asked for that of UNIT alone, or N
 * machines that are started at once would be told of N ends each; sd_bus_add_match() cannot say so, as it looks at no argument
 * behind a number. */
int systemd_job_wait_new(sd_bus *bus, const char *unit, SystemdJobWait **ret) {
        _cleanup_(systemd_job_wait_freep) SystemdJobWait *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->bus = sd_bus_ref(bus);
        int r = sd_bus_add_filter(bus, &w->filter, on_message, w);
        if (r < 0)
                return r;
        if (sd_bus_is_bus_client(bus) > 0) {
                w->rule = strf("type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',"
                               "interface='org.freedesktop.systemd1.Manager',member='JobRemoved',arg2='%s'", unit);
                r = w->rule ? sd_bus_call_method(bus, BUS_DAEMON, "AddMatch", NULL, NULL, "s", w->rule) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(w);
        return 0;
}

/* 1 when JOB has ended, then *ret is its result; 0 when not yet. */
static int find_end(SystemdJobWait *w, const char *job, char **ret) {
        FOREACH_ARRAY(e, w->ends, w->n_ends)
                if (streq(e->job, job)) {
                        *ret = strdup(e->result);
                        return *ret ? 1 : -ENOMEM;
                }
        return w->lost ? -ENOBUFS : 0;
}

int systemd_wait_job(SystemdJobWait *w, const char *job, uint64_t limit_usec, char **ret_result) {
        uint64_t now = now_usec(), deadline = limit_usec > UINT64_MAX - now ? UINT64_MAX : now + limit_usec;
        _cleanup_free_ char *result = NULL;
        int r;

        while ((r = find_end(w, job, &result)) == 0) {
                r = sd_bus_process(w->bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                now = now_usec();
                if (now >= deadline)
                        return -ETIMEDOUT;
                r = sd_bus_wait(w->bus, deadline == UINT64_MAX ? UINT64_MAX : deadline - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        if (r < 0)
                return r;
        r = streq(result, "done") || streq(result, "skipped") ? 0 : -ECANCELED;
        if (ret_result)
                *ret_result = TAKE_PTR(result);
        return r;
}

/* Asked while there is a job: the unit is loaded then. */
static uint64_t limit_of_start(sd_bus *bus, const char *unit, uint64_t more_usec) {
        uint64_t own;

        if (systemd_get_u64(bus, unit, "Service", "TimeoutStartUSec", &own) < 0)
                own = 0;
        return own > UINT64_MAX - more_usec ? UINT64_MAX : own + more_usec;
}

bool systemd_is_lost(int error) {
        return error == -ENOTCONN || error == -ECONNRESET || error == -EPIPE;
}

void systemd_note_job(const SystemdJobNote *note, const char *job) {
        const char *number = job ? strrchr(job, '/') : NULL;
        unsigned n = 0;

        if (note && (!job || (number && parse_uint(number + 1, &n) >= 0)))
                note->note(n, note->userdata);
}

typedef struct JobCall {
        const char *method, *unit, *mode;
        uint64_t limit_usec;
        bool beyond_own; /* the limit is what is added to the unit's own */
        const SystemdJobNote *note;
} JobCall;

/* Says nothing when the connection is lost. */
static int try_job(sd_bus *bus, const JobCall *c, Diag *diag, char **ret_result) {
        _cleanup_(systemd_job_wait_freep) SystemdJobWait *w = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *result = NULL;
        const char *job;

        int r = systemd_job_wait_new(bus, c->unit, &w);
        if (r < 0)
                return r;
        systemd_note_job(c->note, NULL);
        r = sd_bus_call_method(bus, SYSTEMD, c->method, &error, &reply, "ss", c->unit, c->mode);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &job);
        if (systemd_is_lost(r))
                return r;
        if (r < 0 && streq(c->mode, "fail") && sd_bus_error_has_name(&error, "org.freedesktop.systemd1.TransactionIsDestructive"))
                return -ECANCELED;
        if (r < 0)
                return refused(diag, r, &error, streq(c->method, "StopUnit") ? "stop" : "start", c->unit);
        systemd_note_job(c->note, job);
        r = systemd_wait_job(w, job, c->beyond_own ? limit_of_start(bus, c->unit, c->limit_usec) : c->limit_usec, &result);
        if (r == -ECANCELED && !ret_result)
                (void) diag_error(diag, (SrcLoc) {}, "job for %s ended with '%s'", c->unit, result);
        else if (r < 0 && r != -ECANCELED && !systemd_is_lost(r))
                (void) refused(diag, r, NULL, "wait for", c->unit);
        if (ret_result && (r >= 0 || r == -ECANCELED))
                *ret_result = TAKE_PTR(result);
        return r;
}

/* A bus daemon that ends takes nothing from the job, which is asked for once more: systemd has one for all who ask for the same. */
static int run_job(sd_bus *bus, const JobCall *c, Diag *diag, char **ret_result) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *direct = NULL;

        int r = try_job(bus, c, diag, ret_result);
        if (!systemd_is_lost(r))
                return r;
        if (systemd_connect(SYSTEMD_DIRECT, &direct) >= 0)
                r = try_job(direct, c, diag, ret_result);
        return systemd_is_lost(r) ? refused(diag, r, NULL, "wait for", c->unit) : r;
}

int systemd_run_job(sd_bus *bus, const char *method, const char *unit, const char *mode, uint64_t limit_usec, Diag *diag,
                    char **ret_result) {
        return run_job(bus, &(JobCall) { .method = method, .unit = unit, .mode = mode, .limit_usec = limit_usec }, diag, ret_result);
}

int systemd_start_unit(sd_bus *bus, const char *unit, uint64_t more_usec, const SystemdJobNote *note, Diag *diag, char **ret_result) {
        const JobCall c = {
                .method = "StartUnit", .unit = unit, .mode = "replace", .limit_usec = more_usec, .beyond_own = true, .note = note,
        };

        return run_job(bus, &c, diag, ret_result);
}

int systemd_stop_unit(sd_bus *bus, const char *unit, uint64_t limit_usec, Diag *diag, char **ret_result) {
        return systemd_run_job(bus, "StopUnit", unit, "replace", limit_usec, diag, ret_result);
}

int systemd_settle_unit(sd_bus *bus, const char *unit, uint64_t limit_usec, Diag *diag) {
        _cleanup_free_ char *result = NULL, *state = NULL;

        /* One that was not ready yet has the job of its own start, which nobody waits for any more. Any other is the next one's. */
        int r = systemd_get_string(bus, unit, "Unit", "ActiveState", &state);
        const char *mode = r >= 0 && streq(state, "activating") ? "replace" : "fail";
        r = systemd_run_job(bus, "StopUnit", unit, mode, limit_usec, diag, &result);
        return r == -ECANCELED ? 0 : r;
}

/* --- other calls --- */

int systemd_kill_unit(sd_bus *bus, const char *unit, const char *whom, int signo, Diag *diag) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(bus, SYSTEMD, "KillUnit", &error, NULL, "ssi", unit, whom, (int32_t) signo);

        return r < 0 ? refused(diag, r, &error, "send a signal to", unit) : 0;
}

int systemd_reset_failed(sd_bus *bus, const char *unit, Diag *diag) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(bus, SYSTEMD, "ResetFailedUnit", &error, NULL, "s", unit);

        return r < 0 ? refused(diag, r, &error, "reset", unit) : 0;
}

int systemd_is_going_down(sd_bus *bus, bool *ret) {
        _cleanup_free_ char *state = NULL;

        /* As soon as there is a job for shutdown.target. */
        int r = sd_bus_get_property_string(bus, SYSTEMD, "SystemState", NULL, &state);
        if (r >= 0)
                *ret = streq(state, "stopping");
        return MIN(r, 0);
}

int systemd_queue_start(sd_bus *bus, const char *unit, Diag *diag) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(bus, SYSTEMD, "StartUnit", &error, NULL, "ss", unit, "replace");

        return r < 0 ? refused(diag, r, &error, "start", unit) : 0;
}

int systemd_enable_unit(sd_bus *bus, const char *unit, bool enable, Diag *diag) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, enable ? "EnableUnitFiles" : "DisableUnitFiles");
        if (r >= 0)
                r = sd_bus_message_append(m, "asb", 1, unit, false);
        /* Links that are in the way and are none of this unit's are not replaced. */
        if (r >= 0 && enable)
                r = sd_bus_message_append(m, "b", false);
        if (r >= 0)
                r = sd_bus_call(bus, m, SYSTEMD_CALL_USEC, &error, NULL);
        return r < 0 ? refused(diag, r, &error, enable ? "enable" : "disable", unit) : 0;
}

int systemd_reload(sd_bus *bus, Diag *diag) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, "Reload");
        if (r >= 0)
                r = sd_bus_call(bus, m, RELOAD_USEC, &error, NULL);
        /* The answer can get lost while systemd sorts its connections; the reload is done then. */
        if (r < 0 && !sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY))
                return refused(diag, r, &error, "reload systemd", NULL);
        return 0;
}

int systemd_set_live_properties(sd_bus *bus, const char *unit, const UnitProperties *p, Diag *diag) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", unit, /* runtime= */ 1);
        if (r >= 0)
                r = unit_properties_append(m, p, UNIT_APPEND_LIVE);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, &error, NULL);
        if (r < 0)
                return refused(diag, r, &error, "set properties of", unit);
        const UnitProperty *quota = unit_properties_find(p, "CPUQuota");
        if (quota && !endswith(quota->values[0], "00"))
                r = unit_overrides_mend_quota("", unit, quota->values[0]);
        return r < 0 ? refused(diag, r, NULL, "keep the CPU quota of", unit) : 0;
}

int systemd_lookup_user(sd_bus *bus, const char *user, uid_t *ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t uid;

        int r = sd_bus_call_method(bus, SYSTEMD, "LookupDynamicUserByName", NULL, &reply, "s", user);
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", &uid);
        if (r >= 0) {
                *ret = (uid_t) uid;
                return 0;
        }
        if (r == -ETIMEDOUT)
                return r;
        /* A user of this name that exists on the machine is taken by systemd as it is. */
        errno = 0;
        const struct passwd *p = getpwnam(user);
        if (!p)
                return errno > 0 ? -errno : -ESRCH;
        *ret = p->pw_uid;
        return 0;
}
