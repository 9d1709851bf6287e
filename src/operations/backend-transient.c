/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend-transient.h"
#include "systemd.h"
#include "unit-dbus.h"
#include "unit-properties.h"

static int append_call(sd_bus_message *m, const char *unit, const UnitProperties *p) {
        int r = sd_bus_message_append(m, "ss", unit, "fail");

        if (r >= 0)
                r = unit_properties_append(m, p, UNIT_APPEND_ALL);
        /* No units beside it. */
        return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0);
}

static int call_start(sd_bus *bus, const char *unit, const UnitProperties *p, uint64_t limit_usec, const SystemdJobNote *note,
                      Diag *diag, char **ret_result) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(systemd_job_wait_freep) SystemdJobWait *wait = NULL;
        const char *job;

        int r = systemd_job_wait_new(bus, unit, &wait);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.systemd1",
                                                   "/org/freedesktop/systemd1",
                                                   "org.freedesktop.systemd1.Manager", "StartTransientUnit");
        if (r >= 0)
                r = append_call(call, unit, p);
        if (r < 0)
                return r;
        systemd_note_job(note, NULL);
        r = sd_bus_call(bus, call, SYSTEMD_CALL_USEC, &error, &reply);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot make unit '%s': %s", unit,
                                       error.message ?: strerror(-r));
        r = sd_bus_message_read(reply, "o", &job);
        if (r >= 0) {
                systemd_note_job(note, job);
                r = systemd_wait_job(wait, job, limit_usec, ret_result);
        }
        return systemd_is_lost(r) ? systemd_run_job(bus, "StartUnit", unit, "replace", limit_usec, diag, ret_result) : r;
}

int transient_start(sd_bus *bus, const TransientStart *start, const HostFacts *facts, uint64_t limit_usec,
                    const SystemdJobNote *note, Diag *diag, char **ret_result) {
        _cleanup_(unit_properties_done) UnitProperties own = {}, all = {};

        int r = unit_properties_new(start->domain, facts, start->digest, start->source_path, diag, &own);
        if (r >= 0)
                r = unit_properties_for_transient(&own, start->name, facts->session, &all);
        return r < 0 ? r : call_start(bus, start->unit, &all, limit_usec, note, diag, ret_result);
}
