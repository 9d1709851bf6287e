/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "monitor.h"
#include "string-util.h"

/* What becomes of the machine when its guest powers off, reboots or crashes, changed while it runs: QEMU is told what is its
 * part of it, and keeps a note of the rest for a later monitor, as with everything that the plan does not say. */

struct ActionsChange {
        ControlRequest *request; /* owned */
        LifecycleActions from, to;
        unsigned step;
};

static void next(Monitor *m);

static void finish(Monitor *m, const char *error, const char *text) {
        ActionsChange *c = TAKE_PTR(m->actions_change);

        if (error)
                control_reply_error(c->request, error, "%s", text);
        else {
                lifecycle_set_actions(&m->lifecycle, &c->to);
                control_reply(c->request);
        }
        free(c);
}

static void on_done(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;
        ActionsChange *c = m->actions_change;

        if (!c)
                return;
        if (result < 0) {
                const char *text = result == -EREMOTEIO ? qmp_error_text(reply) : strerror(-result);
                finish(m, result == -ETIMEDOUT ? CONTROL_ERROR_TIMEOUT : CONTROL_ERROR_QEMU, text);
                return;
        }
        c->step++;
        next(m);
}

static json_object *note(const LifecycleActions *a, bool add) {
        char id[NOTE_ACTIONS_MAX];

        guest_note_actions(a, id);
        return add ? json_strings("qom-type", "secret", "id", id, "data", "1", NULL) : json_strings("id", id, NULL);
}

/* The new note is there before the old one goes. */
static void next(Monitor *m) {
        ActionsChange *c = m->actions_change;
        json_object *arguments = NULL;
        const char *command = NULL;

        if (c->step == 0) {
                command = "object-add";
                arguments = note(&c->to, true);
        } else if (c->step == 1) {
                command = "set-action";
                arguments = json_strings("shutdown", "pause", "reboot", c->to.on_reboot == ACTION_DESTROY ? "shutdown" : "reset", NULL);
        } else if (c->step == 2 && m->lifecycle.actions_noted) {
                command = "object-del";
                arguments = note(&c->from, false);
        }
        if (!command)
                finish(m, NULL, NULL);
        else {
                int r = qmp_call(m->qmp, command, arguments, -1, MONITOR_QMP_USEC, on_done, m);
                if (r < 0)
                        finish(m, CONTROL_ERROR_QEMU, strerror(-r));
        }
}

static bool same(const LifecycleActions *a, const LifecycleActions *b) {
        return a->on_poweroff == b->on_poweroff && a->on_reboot == b->on_reboot && a->on_crash == b->on_crash;
}

void monitor_set_actions(Monitor *m, ControlRequest *r) {
        LifecycleActions from = { m->lifecycle.on_poweroff, m->lifecycle.on_reboot, m->lifecycle.on_crash }, to;

        if (!guest_actions_parse(r->text, &to))
                control_reply_error(r, SD_BUS_ERROR_INVALID_ARGS, "'%s' are no lifecycle actions", r->text);
        else if (!m->lifecycle.attached || m->lifecycle.ending)
                control_reply_error(r, CONTROL_ERROR_STATE, "domain is not running");
        else if (m->actions_change || m->lifecycle.resetting)
                control_reply_error(r, CONTROL_ERROR_BUSY, "domain is about to restart, or its lifecycle actions are being changed");
        else if (same(&to, &from))
                control_reply(r);
        else {
                m->actions_change = calloc(1, sizeof(ActionsChange));
                if (!m->actions_change) {
                        control_reply_error(r, CONTROL_ERROR_QEMU, "out of memory");
                        return;
                }
                *m->actions_change = (ActionsChange) { .request = r, .from = from, .to = to };
                next(m);
        }
}

void monitor_actions_free(Monitor *m) {
        if (m->actions_change)
                finish(m, CONTROL_ERROR_STATE, "domain is not running");
}
