/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "monitor.h"

/* The guest agent: one request at a time, each after a synchronisation that shows whether anybody is there. Shutting
 * down is never confirmed by the agent itself: it refuses, or the guest goes down, or nothing is said. */

static void finish(Monitor *m, int result, const char *name, const char *text) {
        Job *job = m->agent_request.job;
        bool reboot = m->agent_request.reboot;

        m->agent_request = (AgentRequest) {};
        if (result >= 0)
                log_info("guest agent accepted %s", reboot ? "the reboot" : "shutdown");
        else if (!job)
                log_debug("%s", text);
        if (job)
                job_step_done(job, result, name, text);
}

static void on_done(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (!m->agent_request.active)
                return;
        if (result == -ETIMEDOUT)
                result = 0; /* No reply is the usual one. */
        if (result >= 0)
                finish(m, 0, NULL, NULL);
        else if (result == -EREMOTEIO)
                finish(m, result, CONTROL_ERROR_AGENT, qmp_error_text(reply));
        else
                finish(m, -EHOSTDOWN, CONTROL_ERROR_AGENT,
                       "Guest agent is not responding: its answer makes no sense");
}

static void on_synchronised(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (!m->agent_request.active)
                return;
        json_object *arguments = json_object_new_object();
        if (result >= 0 && arguments) {
                json_object_object_add(arguments, "mode",
                                       json_object_new_string(m->agent_request.reboot ? "reboot" : "powerdown"));
                result = qmp_call(q, "guest-shutdown", arguments, -1, MONITOR_AGENT_USEC, on_done, m);
        } else
                json_object_put(arguments);
        if (result < 0)
                finish(m, -EHOSTDOWN, CONTROL_ERROR_AGENT,
                       "Guest agent is not responding: QEMU guest agent is not connected");
}

void monitor_agent_ask(Monitor *m, bool reboot, Job *job) {
        if (m->agent_request.active || !m->agent) {
                if (job)
                        job_step_done(job, -EBUSY, CONTROL_ERROR_AGENT,
                                      m->agent ? "the guest agent is being asked already" :
                                                 "QEMU guest agent is not configured");
                return;
        }
        m->agent_request = (AgentRequest) { .active = true, .reboot = reboot, .job = job };
        int r = qmp_negotiate_agent(m->agent, MONITOR_AGENT_USEC, on_synchronised, m);
        if (r < 0)
                finish(m, -EHOSTDOWN, CONTROL_ERROR_AGENT,
                       "Guest agent is not responding: QEMU guest agent is not connected");
}

void monitor_agent_settle(Monitor *m) {
        if (m->agent_request.active && qmp_is_ready(m->agent))
                finish(m, 0, NULL, NULL);
}

void monitor_agent_forget(Monitor *m, Job *job) {
        if (m->agent_request.job == job)
                m->agent_request.job = NULL;
}
