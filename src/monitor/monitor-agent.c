/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "monitor.h"
#include "string-util.h"

/* The guest agent: one request at a time, each after a synchronisation that shows whether anybody is there. Shutting
 * down is never confirmed by the agent itself: it refuses, or the guest goes down, or nothing is said. */

#define NOT_CONNECTED "Guest agent is not responding: QEMU guest agent is not connected"

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

/* --- a client's command --- */

/* Once, with what there is; the agent is busy until its own answer has come, or its time is up. */
static void reply_once(Monitor *m, int result, json_object *reply) {
        ControlRequest *r = m->agent_request.request;
        json_object *command = m->agent_request.command;

        m->agent_request.request = NULL;
        if (!r)
                return;
        if (result >= 0)
                control_reply_text(r, json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
        else if (result == -EREMOTEIO)
                control_reply_error(r, CONTROL_ERROR_AGENT, "internal error: unable to execute QEMU agent command '%s': %s",
                                    strempty(json_member_string(command, "execute")), qmp_error_text(reply));
        else if (result == -ECANCELED)
                control_reply_error(r, CONTROL_ERROR_AGENT, "Requested operation is not valid: domain is not running");
        else
                control_reply_error(r, CONTROL_ERROR_AGENT, "%s", result == -ETIMEDOUT ?
                                    "Guest agent is not responding: it took the command and does not answer" : NOT_CONNECTED);
}

static void answer(Monitor *m, int result, json_object *reply) {
        reply_once(m, result, reply);
        json_object_put(m->agent_request.command);
        m->agent_request = (AgentRequest) {};
}

static void on_answer(Qmp *q, int result, json_object *reply, void *userdata) {
        answer(userdata, result, reply);
}

static void refuse_wrong(Monitor *m) {
        ControlRequest *r = TAKE_PTR(m->agent_request.request);

        if (r)
                control_reply_error(r, CONTROL_ERROR_AGENT, "%s",
                                    json_member_string(m->agent_request.command, AGENT_COMMAND_WRONG) ?: "out of memory");
}

static void send_command(Monitor *m, Qmp *q, int result) {
        json_object *command = m->agent_request.command;
        bool waits = m->agent_request.limit_usec > 0;

        if (result >= 0 && !json_member_string(command, "execute"))
                refuse_wrong(m);
        if (result >= 0 && m->agent_request.request)
                result = qmp_call(q, json_member_string(command, "execute"),
                                  json_object_get(json_member(command, "arguments", json_type_object)), -1,
                                  waits ? m->agent_request.limit_usec : MONITOR_AGENT_COMMAND_USEC, on_answer, m);
        else
                result = -ENOTCONN;
        if (result < 0)
                answer(m, result, NULL);
        else if (!waits)
                reply_once(m, 0, NULL);
}

/* A probe is nobody's: whoever wants something of the agent goes on with its synchronisation. */
static bool is_busy(const Monitor *m) {
        return m->agent_request.active && !m->agent_request.probe;
}

static int synchronise(Monitor *m, AgentRequest request);

void monitor_agent_command(Monitor *m, ControlRequest *r, uint64_t limit_usec) {
        json_object *command;

        if (is_busy(m) || !m->agent) {
                control_reply_error(r, CONTROL_ERROR_AGENT, "%s", m->agent ? "the guest agent is being asked already" :
                                    "argument unsupported: QEMU guest agent is not configured");
                return;
        }
        command = monitor_parse_agent_command(r);
        if (!command)
                return;
        int k = synchronise(m, (AgentRequest) { .active = true, .request = r, .command = command,
                                                .limit_usec = MIN(limit_usec, MONITOR_AGENT_LIMIT_USEC) });
        if (k < 0)
                answer(m, -ENOTCONN, NULL);
}

/* --- power --- */

static void on_done(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (!m->agent_request.active || m->agent_request.command)
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

static void send_power(Monitor *m, Qmp *q, int result) {
        json_object *arguments = json_object_new_object();
        if (result >= 0 && arguments) {
                json_object_object_add(arguments, "mode",
                                       json_object_new_string(m->agent_request.reboot ? "reboot" : "powerdown"));
                result = qmp_call(q, "guest-shutdown", arguments, -1, MONITOR_AGENT_USEC, on_done, m);
        } else
                json_object_put(arguments);
        if (result < 0)
                finish(m, -EHOSTDOWN, CONTROL_ERROR_AGENT, NOT_CONNECTED);
}

static void on_synchronised(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (m->agent_request.command)
                send_command(m, q, result);
        else if (m->agent_request.probe)
                m->agent_request = (AgentRequest) {};
        else if (m->agent_request.active)
                send_power(m, q, result);
        monitor_ready_agent(m, result);
}

static int synchronise(Monitor *m, AgentRequest request) {
        bool under_way = m->agent_request.active;

        m->agent_request = request;
        return under_way ? 0 : qmp_negotiate_agent(m->agent, MONITOR_AGENT_USEC, on_synchronised, m);
}

void monitor_agent_probe(Monitor *m) {
        if (!m->agent_request.active && synchronise(m, (AgentRequest) { .active = true, .probe = true }) < 0)
                m->agent_request = (AgentRequest) {};
}

void monitor_agent_ask(Monitor *m, bool reboot, Job *job) {
        if (is_busy(m) || !m->agent) {
                if (job)
                        job_step_done(job, -EBUSY, CONTROL_ERROR_AGENT,
                                      m->agent ? "the guest agent is being asked already" :
                                                 "QEMU guest agent is not configured");
                return;
        }
        int r = synchronise(m, (AgentRequest) { .active = true, .reboot = reboot, .job = job });
        if (r < 0)
                finish(m, -EHOSTDOWN, CONTROL_ERROR_AGENT, NOT_CONNECTED);
}

void monitor_agent_settle(Monitor *m) {
        if (m->agent_request.request)
                reply_once(m, -ECANCELED, NULL);
        else if (is_busy(m) && !m->agent_request.command && qmp_is_ready(m->agent))
                finish(m, 0, NULL, NULL);
}

void monitor_agent_asleep(Monitor *m) {
        if (startswith(strempty(json_member_string(m->agent_request.command, "execute")), "guest-suspend-"))
                reply_once(m, 0, NULL);
}

void monitor_agent_forget(Monitor *m, Job *job) {
        if (m->agent_request.job == job)
                m->agent_request.job = NULL;
}
