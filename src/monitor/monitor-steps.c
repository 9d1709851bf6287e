/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "log.h"
#include "monitor.h"
#include "qemu-argv.h"
#include "string-util.h"
#include "strv.h"

#define SECRET_MAX 1024

static void job_advance(Job *job);

static void add_string(json_object *o, const char *key, const char *value) {
        json_object_object_add(o, key, json_object_new_string(value));
}

/* --- what the steps are in QMP ------------------------------------------------------------------------ */

static json_object *note(const char *id) {
        json_object *o = json_object_new_object();

        /* The lightest object that has a name and does nothing. */
        add_string(o, "qom-type", "secret");
        add_string(o, "id", id);
        add_string(o, "data", "1");
        return o;
}

static json_object *forget(const char *id) {
        json_object *o = json_object_new_object();

        add_string(o, "id", id);
        return o;
}

static json_object *note_reboot(Monitor *m) {
        return note(NOTE_REBOOT);
}

static json_object *note_paused(Monitor *m) {
        return note(NOTE_PAUSED);
}

static json_object *forget_reboot(Monitor *m) {
        return forget(NOTE_REBOOT);
}

static json_object *forget_paused(Monitor *m) {
        return forget(NOTE_PAUSED);
}

static json_object *note_saving(Monitor *m) {
        return note(NOTE_SAVING);
}

static json_object *forget_saving(Monitor *m) {
        return forget(NOTE_SAVING);
}

static json_object *set_actions(Monitor *m) {
        json_object *o = json_object_new_object();

        add_string(o, "shutdown", "pause");
        add_string(o, "reboot", m->lifecycle.on_reboot == ACTION_DESTROY ? "shutdown" : "reset");
        return o;
}

static json_object *allow_reset(Monitor *m) {
        json_object *o = json_object_new_object();

        add_string(o, "reboot", "reset");
        return o;
}

static const struct {
        const char *command;
        json_object *(*arguments)(Monitor *m); /* NULL: none */
        bool quiet; /* its failure is of no interest */
} step_commands[_STEP_MAX] = {
        [STEP_SET_ACTIONS] = { "set-action", set_actions, false },
        [STEP_CONT] = { "cont", NULL, false },
        [STEP_STOP] = { "stop", NULL, false },
        [STEP_RESET] = { "system_reset", NULL, false },
        [STEP_POWERDOWN] = { "system_powerdown", NULL, false },
        [STEP_WAKEUP] = { "system_wakeup", NULL, false },
        [STEP_QUIT] = { "quit", NULL, false },
        [STEP_ALLOW_RESET] = { "set-action", allow_reset, false },
        [STEP_NOTE_REBOOT] = { "object-add", note_reboot, true },
        [STEP_FORGET_REBOOT] = { "object-del", forget_reboot, true },
        [STEP_NOTE_PAUSED] = { "object-add", note_paused, true },
        [STEP_FORGET_PAUSED] = { "object-del", forget_paused, true },
        [STEP_NOTE_SAVING] = { "object-add", note_saving, true },
        [STEP_FORGET_SAVING] = { "object-del", forget_saving, true },
        [STEP_SAVE] = { "migrate", NULL, false },
        [STEP_ABANDON_SAVE] = { "migrate_cancel", NULL, false },
        [STEP_RESTORE] = { "migrate-incoming", NULL, false },
        [STEP_MARK_USED] = { "cont", NULL, false },
};

/* Steps of more than one command. */
static void (*const long_steps[_STEP_MAX])(Job *job) = {
        [STEP_SAVE] = monitor_save_begin,
        [STEP_ABANDON_SAVE] = monitor_save_abandon,
        [STEP_RESTORE] = monitor_restore_begin,
        [STEP_MARK_USED] = monitor_mark_used,
};

/* The parts of STEP_PREPARE_GUEST: each gives the arguments of its command's I-th call, or NULL when the plan
 * has no use for that many. */
typedef struct GuestPart {
        const char *command;
        json_object *(*arguments)(Monitor *m, unsigned i);
        bool optional;
        const char *what;
} GuestPart;

/* Read when it is needed, and not kept. Without it QEMU lets nobody in. */
static void add_secret(Monitor *m, json_object *o, const char *key, const char *name) {
        char secret[SECRET_MAX + 1];
        int fd = monitor_find_fd(m, name);
        ssize_t n = fd < 0 ? -1 : pread(fd, secret, SECRET_MAX, 0);

        if (n < 0)
                log_warning("cannot read secret '%s'", name);
        json_object_object_add(o, key, json_object_new_string_len(secret, n < 0 ? 0 : (int) n));
        explicit_bzero(secret, sizeof(secret));
}

/* The Ith of the displays that WANTED is about. */
static json_object *display_arguments(Monitor *m, unsigned i, bool (*wanted)(const PlanDisplay *p), const PlanDisplay **ret) {
        const PlanDisplay *const displays[] = { &m->plan->vnc, &m->plan->spice };

        for (size_t k = 0; k < ELEMENTSOF(displays); k++) {
                if (!displays[k]->present || !wanted(displays[k]) || i-- > 0)
                        continue;
                json_object *o = json_object_new_object();
                add_string(o, "protocol", displays[k] == &m->plan->vnc ? "vnc" : "spice");
                if (displays[k]->id)
                        add_string(o, "display", displays[k]->id);
                *ret = displays[k];
                return o;
        }
        return NULL;
}

static bool has_password(const PlanDisplay *p) {
        return p->password;
}

static bool has_expiry(const PlanDisplay *p) {
        return p->expires;
}

static json_object *display_password(Monitor *m, unsigned i) {
        const PlanDisplay *p;
        json_object *o = display_arguments(m, i, has_password, &p);

        if (o)
                add_secret(m, o, "password", p == &m->plan->vnc ? QEMU_FD_VNC_PASSWORD : QEMU_FD_SPICE_PASSWORD);
        return o;
}

static json_object *display_expiry(Monitor *m, unsigned i) {
        const PlanDisplay *p;
        json_object *o = display_arguments(m, i, has_expiry, &p);

        if (o)
                add_string(o, "time", p->expires);
        return o;
}

static json_object *link_down(Monitor *m, unsigned i) {
        if (i >= strv_length(m->plan->links_down))
                return NULL;
        json_object *o = json_object_new_object();
        add_string(o, "name", m->plan->links_down[i]);
        json_object_object_add(o, "up", json_object_new_boolean(false));
        return o;
}

static json_object *balloon_target(Monitor *m, unsigned i) {
        if (i > 0 || m->plan->memory_current == 0)
                return NULL;
        json_object *o = json_object_new_object();
        json_object_object_add(o, "value", json_object_new_int64((int64_t) m->plan->memory_current));
        return o;
}

static json_object *balloon_statistics(Monitor *m, unsigned i) {
        _cleanup_free_ char *path = NULL;

        if (i > 0 || !m->plan->stats_balloon)
                return NULL;
        path = strf("/machine/peripheral/%s", m->plan->stats_balloon);
        json_object *o = json_object_new_object();
        add_string(o, "path", strempty(path));
        add_string(o, "property", "guest-stats-polling-interval");
        json_object_object_add(o, "value", json_object_new_int64((int64_t) m->plan->stats_period));
        return o;
}

static const GuestPart guest_parts[] = {
        { "set_password", display_password, false, "the password of a display" },
        { "expire_password", display_expiry, false, "when the password of a display expires" },
        { "set_link", link_down, false, "an interface's link" },
        { "balloon", balloon_target, true, "the balloon's target" },
        { "qom-set", balloon_statistics, true, "the balloon's statistics" },
};

/* --- jobs --------------------------------------------------------------------------------------------- */

static void job_free(Job *job) {
        Monitor *m = job->monitor;

        monitor_agent_forget(m, job);
        if (job->previous_job)
                job->previous_job->next_job = job->next_job;
        else
                m->jobs = job->next_job;
        if (job->next_job)
                job->next_job->previous_job = job->previous_job;
        free(job);
}

void monitor_jobs_free(Monitor *m) {
        while (m->jobs) {
                if (m->jobs->request)
                        control_reply_error(m->jobs->request, CONTROL_ERROR_STATE, "domain is not running");
                job_free(m->jobs);
        }
}

static const struct {
        int error;
        const char *name, *text;
} error_texts[] = {
        { -ETIMEDOUT, CONTROL_ERROR_TIMEOUT, "QEMU does not answer" },
        { -ECONNRESET, CONTROL_ERROR_STATE, "domain is not running" },
        { -ENOTCONN, CONTROL_ERROR_STATE, "domain is not running" },
        { -EBUSY, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many commands at a time" },
        { -ENOBUFS, SD_BUS_ERROR_LIMITS_EXCEEDED, "QEMU does not read its commands" },
        { -EBADMSG, CONTROL_ERROR_QEMU, "QEMU's answer makes no sense" },
};

static void describe(int result, json_object *reply, const char **ret_name, const char **ret_text) {
        *ret_name = CONTROL_ERROR_QEMU;
        *ret_text = result == -EREMOTEIO ? qmp_error_text(reply) : strerror(-result);
        for (size_t i = 0; i < ELEMENTSOF(error_texts); i++)
                if (result == error_texts[i].error) {
                        *ret_name = error_texts[i].name;
                        *ret_text = error_texts[i].text;
                }
}

void monitor_reply_qmp_error(ControlRequest *r, int result, json_object *reply) {
        const char *name, *text;

        describe(result, reply, &name, &text);
        control_reply_error(r, name, "%s", text);
}

static const char *step_name(const Job *job) {
        StepType type = job->steps[job->next].type;

        if (type != STEP_PREPARE_GUEST)
                return strempty(step_commands[type].command);
        return job->part < ELEMENTSOF(guest_parts) ? guest_parts[job->part].what : "cannot prepare the virtual CPUs and threads";
}

static bool job_saves(const Job *job) {
        FOREACH_ARRAY(s, job->steps, job->n_steps)
                if (s->type == STEP_SAVE)
                        return true;
        return false;
}

static void input(Monitor *m, LifecycleInputType type) {
        LifecycleInput in = { .type = type, .now = monitor_now(m) };

        monitor_input(m, &in, NULL);
}

/* A step that cannot be left out has failed. */
static void job_fail(Job *job, int result, const char *name, const char *text) {
        Monitor *m = job->monitor;
        Step *s = job->steps + job->next;
        bool refused = result == -EREMOTEIO && s->type != STEP_QUIT && !job->request;
        bool timeout = result == -ETIMEDOUT && s->type != STEP_QUIT && !job->request;
        bool saves = result != -ECONNRESET && job_saves(job);

        if (job->request && s->type == STEP_QUIT && result == -ECONNRESET)
                control_reply(TAKE_PTR(job->request)); /* as it was asked to */
        else if (job->request)
                control_reply_error(TAKE_PTR(job->request), name, "%s", text);
        else if (result != -ECONNRESET)
                log_error("QEMU: %s: %s", step_name(job), text);
        job_free(job);
        if (saves)
                input(m, LIFECYCLE_SAVE_FAILED);
        else if (refused)
                input(m, LIFECYCLE_FAILED);
        else if (timeout)
                /* Whether it was done is not known: somebody has to look at QEMU afresh. */
                monitor_give_up(m, "QEMU does not answer");
}

void job_step_done(Job *job, int result, const char *error_name, const char *error_text) {
        Step *s = job->steps + job->next;

        if (s->type == STEP_QUIT && result == -ECONNRESET) /* It has gone, as it was told to. */
                result = 0;
        if (result < 0 && !s->optional && !job->part_optional) {
                job_fail(job, result, error_name, error_text);
                return;
        }
        if (result < 0 && result != -ECONNRESET)
                log_message(step_commands[s->type].quiet ? LOG_DEBUG : LOG_WARNING, "QEMU: %s: %s", step_name(job), error_text);
        if (s->type == STEP_PREPARE_GUEST)
                job->repetition++;
        else {
                if (result >= 0 && s->text[0])
                        log_message(s->priority, "%s", s->text);
                job->next++;
        }
        job->part_optional = false;
        if (result != -ECONNRESET)
                job_advance(job);
        else
                job_free(job);
}

static void on_reply(Qmp *q, int result, json_object *reply, void *userdata) {
        const char *name, *text;

        describe(result, reply, &name, &text);
        job_step_done(userdata, result, name, text);
}

static void job_send(Job *job, const char *command, json_object *arguments) {
        Monitor *m = job->monitor;

        int r = qmp_call(m->qmp, command, arguments, -1, MONITOR_QMP_USEC, on_reply, job);
        if (r < 0)
                on_reply(m->qmp, r, NULL, job);
}

/* Sends the next part that the plan wants; false when there is none left. */
static bool send_guest_part(Job *job) {
        for (; job->part < ELEMENTSOF(guest_parts); job->part++, job->repetition = 0) {
                const GuestPart *p = guest_parts + job->part;
                json_object *arguments = p->arguments(job->monitor, job->repetition);
                if (!arguments)
                        continue;
                job->part_optional = p->optional;
                job_send(job, p->command, arguments);
                return true;
        }
        return false;
}

/* Jobs overlap, so what is told is the state of now, not the one of when the step was made; and it is told once. */
static void tell_state(Monitor *m) {
        DomainState state = m->lifecycle.state;
        DomainReason reason = m->lifecycle.reason;

        if (m->told && m->told_state == state && m->told_reason == reason)
                return;
        m->told = true;
        m->told_state = state;
        m->told_reason = reason;
        monitor_send(m, MONITOR_STATE, state, reason);
        if (m->control)
                control_server_state_changed(m->control, state, reason);
}

/* Does S if that needs nobody's answer; false when it does. */
static bool do_at_once(Monitor *m, const Step *s) {
        switch (s->type) {
        case STEP_TELL_STATE:
                tell_state(m);
                break;
        case STEP_TELL_READY:
                monitor_ready(m);
                break;
        case STEP_TELL_RESTART:
                monitor_send(m, MONITOR_RESTART, 0, 0);
                break;
        case STEP_TELL_ENDING:
                monitor_send(m, MONITOR_ENDING, s->patient, s->reason);
                break;
        case STEP_LOG:
                log_message(s->priority, "%s", s->text);
                break;
        case STEP_MARK_UNUSED:
                monitor_mark_unused(m);
                break;
        case STEP_AGENT_SHUTDOWN:
        case STEP_AGENT_REBOOT:
                if (!s->optional)
                        return false;
                monitor_agent_ask(m, s->type == STEP_AGENT_REBOOT, NULL);
                break;
        default:
                return false;
        }
        return true;
}

static void job_advance(Job *job) {
        Monitor *m = job->monitor;

        while (job->next < job->n_steps) {
                Step *s = job->steps + job->next;
                if (do_at_once(m, s)) {
                        job->next++;
                        continue;
                }
                if (s->type == STEP_PREPARE_GUEST) {
                        if (send_guest_part(job))
                                return;
                        /* Behind the parts that are one command each. */
                        if (job->part++ == ELEMENTSOF(guest_parts) && monitor_threads_prepare(job))
                                return;
                        job->next++;
                        continue;
                }
                if (long_steps[s->type])
                        long_steps[s->type](job);
                else if (s->type == STEP_AGENT_SHUTDOWN || s->type == STEP_AGENT_REBOOT)
                        monitor_agent_ask(m, s->type == STEP_AGENT_REBOOT, job);
                else
                        job_send(job, step_commands[s->type].command,
                                 step_commands[s->type].arguments ? step_commands[s->type].arguments(m) : NULL);
                return;
        }
        if (job->request && job_saves(job))
                monitor_save_reply(m, TAKE_PTR(job->request));
        else if (job->request)
                control_reply(TAKE_PTR(job->request));
        job_free(job);
}

void monitor_run_steps(Monitor *m, const LifecycleOutput *out, ControlRequest *request) {
        Job *job = calloc(1, sizeof(Job));
        if (!job) {
                if (request)
                        control_reply_error(request, CONTROL_ERROR_QEMU, "out of memory");
                monitor_give_up(m, "out of memory");
                return;
        }
        *job = (Job) { .monitor = m, .n_steps = out->n_steps, .request = request, .next_job = m->jobs };
        memcpy(job->steps, out->steps, out->n_steps * sizeof(Step));
        if (job->next_job)
                job->next_job->previous_job = job;
        m->jobs = job;
        job_advance(job);
}
