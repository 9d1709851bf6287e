/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-member.h"
#include "monitor.h"
#include "string-util.h"

/* What there is to know of a guest that is being saved or dumped. QEMU itself does not answer before whoever asked for it
 * has read what it writes, so they tell how far they are; and hear from us that they may stop. What QEMU counted is asked
 * for at the end, and kept until somebody has read it. The numbers have libvirt's names. */

static const struct {
        const char *name, *where, *key; /* in query-migrate */
} statistics[] = {
        { "downtime", NULL, "downtime" },
        { "setup_time", NULL, "setup-time" },
        { "data_total", "ram", "total" },
        { "data_processed", "ram", "transferred" },
        { "data_remaining", "ram", "remaining" },
        { "memory_total", "ram", "total" },
        { "memory_processed", "ram", "transferred" },
        { "memory_remaining", "ram", "remaining" },
        { "memory_constant", "ram", "duplicate" },
        { "memory_normal", "ram", "normal" },
        { "memory_normal_bytes", "ram", "normal-bytes" },
        { "memory_dirty_rate", "ram", "dirty-pages-rate" },
        { "memory_iteration", "ram", "dirty-sync-count" },
        { "memory_postcopy_requests", "ram", "postcopy-requests" },
        { "memory_page_size", "ram", "page-size" },
};

/* The guest may have to be stopped first; then there is nothing to give up yet. */
static bool has_begun(const Monitor *m) {
        for (const Job *j = m->jobs; j; j = j->next_job)
                for (size_t i = j->next + 1; i < j->n_steps; i++)
                        if (j->steps[i].type == STEP_SAVE)
                                return false;
        return m->saving;
}

static bool is_active(const Monitor *m) {
        return (m->lifecycle.save == SAVE_UNDER_WAY || m->lifecycle.save == SAVE_DONE) && has_begun(m);
}

static json_object *describe(const Monitor *m, const char *status) {
        json_object *o = json_strings("status", status, "operation", m->lifecycle.dump ? "dump" : "save", NULL);

        if (o)
                json_object_object_add(o, "time_elapsed", json_object_new_uint64((monitor_now(m) - m->job_record.since) / 1000));
        return o;
}

void monitor_job_begin(Monitor *m) {
        m->job_record.since = monitor_now(m);
        m->job_record.processed = m->job_record.total = 0;
}

static void on_statistics(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;
        json_object *ram = json_member(reply, "ram", json_type_object), *mbps = json_object_object_get(ram, "mbps");
        json_object *o = result >= 0 ? m->job_record.ending : NULL;

        if (!o)
                return;
        m->job_record.ending = NULL;
        for (size_t i = 0; i < ELEMENTSOF(statistics); i++) {
                json_object *v = json_member(statistics[i].where ? ram : reply, statistics[i].key, json_type_int);
                if (v)
                        json_object_object_add(o, statistics[i].name, json_object_new_int64(MAX(json_object_get_int64(v), (int64_t) 0)));
        }
        double rate = mbps ? json_object_get_double(mbps) : 0;
        if (rate > 0 && rate < 1e9)
                json_object_object_add(o, "memory_bps", json_object_new_uint64((uint64_t) (rate * 1000 * 1000 / 8)));
        json_object_put(m->job_record.completed);
        m->job_record.completed = o;
        monitor_tell_event(m, CONTROL_EVENT_JOB, 0, o);
}

void monitor_job_completed(Monitor *m) {
        json_object_put(m->job_record.ending);
        m->job_record.ending = describe(m, "completed");
        (void) qmp_call(m->qmp, "query-migrate", NULL, -1, MONITOR_QMP_USEC, on_statistics, m);
}

void monitor_job_free(Monitor *m) {
        json_object_put(m->job_record.ending);
        json_object_put(m->job_record.completed);
}

/* --- calls --- */

static void add_progress(const Monitor *m, json_object *o, const char *what) {
        uint64_t total = m->job_record.total, processed = MIN(m->job_record.processed, total);
        const struct {
                const char *suffix;
                uint64_t value;
        } members[] = { { "total", total }, { "processed", processed }, { "remaining", total - processed } };

        FOREACH_ARRAY(i, members, ELEMENTSOF(members)) {
                _cleanup_free_ char *key = strf("%s_%s", what, i->suffix);
                if (key)
                        json_object_object_add(o, key, json_object_new_uint64(i->value));
        }
}

void monitor_job_get(Monitor *m, ControlRequest *r) {
        json_object *o;

        if (r->completed) {
                o = r->keep ? json_object_get(m->job_record.completed) : m->job_record.completed;
                if (!r->keep)
                        m->job_record.completed = NULL;
        } else
                o = is_active(m) ? describe(m, "active") : NULL;
        if (o && !r->completed && m->job_record.total > 0) {
                if (!monitor_save_is_memory(m))
                        add_progress(m, o, "data");
                add_progress(m, o, "memory");
        }
        control_reply_text(r, o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN) : "{}");
        json_object_put(o);
}

void monitor_job_progress(Monitor *m, ControlRequest *r) {
        const char *error = NULL;

        if (!monitor_save_has_client(m, r->client, &error))
                control_reply_error(r, CONTROL_ERROR_STATE, "domain is not being saved");
        else if (!is_active(m))
                control_reply_error(r, CONTROL_ERROR_QEMU, "%s", error ?: "the guest was not saved");
        else {
                m->job_record.processed = r->processed;
                m->job_record.total = r->total;
                control_reply(r);
        }
}

void monitor_job_abort(Monitor *m, ControlRequest *r) {
        LifecycleInput in = { .type = LIFECYCLE_REQUEST, .now = monitor_now(m), .request = REQUEST_SAVE_ABORT };

        if (!is_active(m)) {
                control_reply_error(r, CONTROL_ERROR_STATE, "no job is active on the domain");
                return;
        }
        if (monitor_save_is_memory(m)) {
                control_reply_error(r, CONTROL_ERROR_STATE, "cannot abort memory-only dump");
                return;
        }
        monitor_save_set_error(m, m->lifecycle.dump ? "operation aborted: domain core dump job: canceled by client" :
                                                      "operation aborted: domain save job: canceled by client");
        monitor_input(m, &in, r);
}
