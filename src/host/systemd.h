/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "diag.h"
#include "unit-properties.h"

/* systemd over D-Bus. All functions return 0 or more on success, or negative errno; where there is a Diag, the
 * reason is in it (systemd's own words). Every call has a time limit (SYSTEMD_CALL_USEC unless said otherwise). */
#define SYSTEMD_CALL_USEC (UINT64_C(25) * 1000000)

/* Root speaks to PID 1 directly, which needs no bus daemon; everybody else over the system bus, where polkit
 * decides. In a session (scope.h) it is the user's own systemd, always directly. -ENOTCONN: there is no systemd; any
 * other error: there is one, but it cannot be asked. */
typedef enum SystemdConnectFlags {
        SYSTEMD_DIRECT = 1 << 0, /* only directly: what must work without a bus daemon */
        /* Who will wait for jobs: over the system bus, if there is one. What is connected directly gets each signal of systemd's,
         * so that N machines that are started at once would be N² messages. */
        SYSTEMD_JOBS = 1 << 1,
} SystemdConnectFlags;
int systemd_connect(SystemdConnectFlags flags, sd_bus **ret);

/* The object path of UNIT; owned by the caller, NULL when memory is out. */
char *systemd_unit_path(const char *unit);

/* Properties of a unit. IFACE is "Unit", "Service", "Scope" … A unit that is not loaded is loaded by this. */
int systemd_get_string(sd_bus *bus, const char *unit, const char *iface, const char *property, char **ret);
int systemd_get_u32(sd_bus *bus, const char *unit, const char *iface, const char *property, uint32_t *ret);
int systemd_get_u64(sd_bus *bus, const char *unit, const char *iface, const char *property, uint64_t *ret);
/* The one that P is, of one of the kinds of unit_property_type(). */
int systemd_get_values(sd_bus *bus, const char *unit, const char *iface, const UnitProperty *p, char ***ret);

/* Several of one unit by a single call: a unit that is not loaded is loaded for each call, with all it refers to, and
 * forgotten after it, and everyone who listens is told. TYPE is D-Bus's: "s" (char *), "as" (char **), "t" (uint64_t), "b" (bool) or
 * "(bs)" (char *: a label, as below); what RET points to is initialised, and the caller's even after a failure. -ENODATA: the unit has
 * not all of them. */
typedef struct SystemdWanted {
        const char *property, *type;
        void *ret;
} SystemdWanted;
int systemd_get_several(sd_bus *bus, const char *unit, const SystemdWanted *wanted, size_t n);

/* SELinuxContext= of a service; *ret is NULL when it has none. */
int systemd_get_selinux_context(sd_bus *bus, const char *unit, char **ret);
/* The same of AppArmorProfile=. */
int systemd_get_apparmor_profile(sd_bus *bus, const char *unit, char **ret);

/* Queues a job: METHOD is "StartUnit", "StopUnit", "RestartUnit" …, MODE "replace" or "fail". Waits for its end
 * for LIMIT_USEC (UINT64_MAX: for ever). 0 when the job is done; -ECANCELED when it failed: *ret_result is
 * systemd's word then ("failed", "dependency", "timeout", …; owned by the caller) and DIAG is left alone, unless
 * RET_RESULT is NULL; the same, without a result, when MODE is "fail" and another job would have to go; -ETIMEDOUT. */
int systemd_run_job(sd_bus *bus, const char *method, const char *unit, const char *mode, uint64_t limit_usec,
                    Diag *diag, char **ret_result);
/* Waits for the end of a unit whose process ends by itself. Who starts it meanwhile waits for that as well: such a job stays. */
int systemd_settle_unit(sd_bus *bus, const char *unit, uint64_t limit_usec, Diag *diag);
/* Called with 0 when the job is about to be asked for, and with its number when there is one; perhaps several times. */
typedef struct SystemdJobNote SystemdJobNote;
struct SystemdJobNote {
        void (*note)(uint32_t job, void *userdata);
        void *userdata;
};
/* Here the limit is what is added to the unit's own (TimeoutStartSec=). NOTE may be NULL. */
int systemd_start_unit(sd_bus *bus, const char *unit, uint64_t more_usec, const SystemdJobNote *note, Diag *diag, char **ret_result);
/* The same for callers that queue the job themselves; JOB is NULL, or the object path that the call has returned. */
void systemd_note_job(const SystemdJobNote *note, const char *job);
/* The number of the job that the unit has, 0 without one. */
int systemd_get_job(sd_bus *bus, const char *unit, uint32_t *ret);
int systemd_stop_unit(sd_bus *bus, const char *unit, uint64_t limit_usec, Diag *diag, char **ret_result);

/* For callers that queue the job themselves (StartTransientUnit): prepare before the call, wait after it. */
typedef struct SystemdJobWait SystemdJobWait;
int systemd_job_wait_new(sd_bus *bus, const char *unit, SystemdJobWait **ret);
SystemdJobWait *systemd_job_wait_free(SystemdJobWait *w);
DEFINE_CLEANUP(SystemdJobWait *, systemd_job_wait_free)
/* JOB is the object path the call returned. Return values as of systemd_run_job(). */
int systemd_wait_job(SystemdJobWait *w, const char *job, uint64_t limit_usec, char **ret_result);

/* The connection is gone, and what became of the job is not known: to be asked for again, by systemd_run_job(). */
bool systemd_is_lost(int error);

/* WHOM is "main", "control" or "all". */
int systemd_kill_unit(sd_bus *bus, const char *unit, const char *whom, int signo, Diag *diag);
int systemd_reset_failed(sd_bus *bus, const char *unit, Diag *diag);
/* `systemctl enable`, or (not ENABLE) disable, without a daemon-reload. */
int systemd_enable_unit(sd_bus *bus, const char *unit, bool enable, Diag *diag);
/* daemon-reload; takes as long as the generators of this machine do. */
int systemd_reload(sd_bus *bus, Diag *diag);

/* Whether the machine is about to go down: off, to reboot or into another system. */
int systemd_is_going_down(sd_bus *bus, bool *ret);
/* Queues the start of UNIT and waits for nothing. */
int systemd_queue_start(sd_bus *bus, const char *unit, Diag *diag);

/* SetUnitProperties: the live ones (cgroup properties) of P, until the unit is unloaded or the next reboot. */
int systemd_set_live_properties(sd_bus *bus, const char *unit, const UnitProperties *p, Diag *diag);

/* The uid systemd gave to the unit with this User= and DynamicUser=yes, or that of an existing user. */
int systemd_lookup_user(sd_bus *bus, const char *user, uid_t *ret);
