/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "monitor.h"
#include "string-util.h"

/* When the unit counts as started. Nothing is asked of a guest before it has opened the agent's channel, which QEMU tells;
 * then the agent is asked, and asked again as long as the channel is open and nobody answers: the program that has
 * opened it may still be on its way. The guest's systemd tells by itself, once in its life (monitor-notify.c). */

static void tell(Monitor *m) {
        m->ready_awaited = false;
        monitor_send(m, MONITOR_READY, 0, 0);
}

static bool must_wait(const Monitor *m) {
        /* Of a guest that is to stand still nothing can be expected. */
        if (m->lifecycle.start_paused || m->was_ready)
                return false;
        /* One that goes on from where it was saved has said it before, to another port. */
        return m->plan->ready == READY_GUEST_AGENT ? m->agent != NULL :
                m->plan->ready == READY_VSOCK_NOTIFY && !m->plan->restores;
}

void monitor_ready(Monitor *m) {
        if (!must_wait(m)) {
                tell(m);
                return;
        }
        m->ready_awaited = true;
        m->ready_since = monitor_now(m);
        if (m->plan->ready == READY_VSOCK_NOTIFY) {
                log_info("ready when the guest's systemd says so");
                return;
        }
        log_info("ready when the guest agent answers");
        /* Before this monitor, or before the guest was saved, the channel can have been opened already. */
        if (m->agent_connected || m->attach.again || m->plan->restores)
                monitor_agent_probe(m);
}

static double waited(const Monitor *m) {
        return (double) (monitor_now(m) - m->ready_since) / USEC_PER_SEC;
}

void monitor_ready_agent(Monitor *m, int result) {
        if (!m->ready_awaited || m->plan->ready != READY_GUEST_AGENT)
                return;
        if (result >= 0) {
                log_info("guest agent answers: ready after %.1f s", waited(m));
                tell(m);
        } else if (result == -ETIMEDOUT && m->agent_connected)
                monitor_agent_probe(m);
}

void monitor_ready_event(Monitor *m, const char *name, json_object *data) {
        const char *id = json_member_string(data, "id");

        if (!streq(name, "VSERPORT_CHANGE") || !streq_ptr(id, m->plan->agent_channel))
                return;
        m->agent_connected = json_object_get_boolean(json_member(data, "open", json_type_boolean));
        if (m->agent_connected && m->ready_awaited && m->plan->ready == READY_GUEST_AGENT)
                monitor_agent_probe(m);
}

void monitor_ready_notified(Monitor *m) {
        if (!m->ready_awaited || m->plan->ready != READY_VSOCK_NOTIFY)
                return;
        log_info("guest's systemd says that it is ready after %.1f s", waited(m));
        tell(m);
}

void monitor_ready_stop(Monitor *m) {
        if (m->ready_awaited)
                log_error("stopped before %s, after %.1f s", m->plan->ready == READY_GUEST_AGENT ? "the guest agent had answered" :
                          "the guest's systemd had said that it is ready", waited(m));
        m->ready_awaited = false;
}
