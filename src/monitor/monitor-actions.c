/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "monitor.h"
#include "qemu-argv.h"
#include "string-util.h"

/* What becomes of the machine when its guest powers off, reboots or crashes, changed while it runs: QEMU is told what is its
 * part of it, and keeps a note of the rest for a later monitor, as with everything that the plan does not say. */

struct ActionsChange {
        ControlRequest *request; /* owned */
        LifecycleActions from, to;
        unsigned step;
        bool undoing; /* REQUEST has been answered: it has failed */
};

static void next(Monitor *m);

static void finish(Monitor *m) {
        ActionsChange *c = TAKE_PTR(m->actions_change);

        if (c->request) {
                lifecycle_set_actions(&m->lifecycle, &c->to);
                control_reply(c->request);
        }
        free(c);
}

/* What was done before is undone, as far as QEMU lets us: a later monitor is to find one note, and the right one. */
static void give_up(Monitor *m, const char *error, const char *text) {
        ActionsChange *c = m->actions_change;

        control_reply_error(TAKE_PTR(c->request), error, "%s", text);
        c->undoing = true;
}

static void on_done(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;
        ActionsChange *c = m->actions_change;

        if (!c)
                return;
        if (result < 0 && !c->undoing)
                give_up(m, result == -ETIMEDOUT ? CONTROL_ERROR_TIMEOUT : CONTROL_ERROR_QEMU,
                        result == -EREMOTEIO ? qmp_error_text(reply) : strerror(-result));
        else if (!c->undoing)
                c->step++;
        next(m);
}

static json_object *note(const LifecycleActions *a, bool add) {
        char id[NOTE_ACTIONS_MAX];

        guest_note_actions(a, id);
        return add ? json_strings("qom-type", "secret", "id", id, "data", "1", NULL) : json_strings("id", id, NULL);
}

static json_object *part_of_qemu(const LifecycleActions *a) {
        return json_strings("shutdown", "pause", "reboot", a->on_reboot == ACTION_DESTROY ? "shutdown" : "reset", NULL);
}

/* The new note is there before the old one goes. NULL: that was all. */
static const char *forward(const Monitor *m, json_object **ret_arguments) {
        const ActionsChange *c = m->actions_change;

        switch (c->step) {
        case 0:
                *ret_arguments = note(&c->to, true);
                return "object-add";
        case 1:
                *ret_arguments = part_of_qemu(&c->to);
                return "set-action";
        case 2:
                *ret_arguments = note(&c->from, false);
                return m->lifecycle.actions_noted ? "object-del" : NULL;
        default:
                return NULL;
        }
}

static const char *back(ActionsChange *c, json_object **ret_arguments) {
        if (c->step == 0)
                return NULL;
        c->step--;
        *ret_arguments = c->step == 0 ? note(&c->to, false) : part_of_qemu(&c->from);
        return c->step == 0 ? "object-del" : "set-action";
}

static void next(Monitor *m) {
        ActionsChange *c = m->actions_change;
        json_object *arguments = NULL;

        const char *command = c->undoing ? back(c, &arguments) : forward(m, &arguments);
        if (!command) {
                json_object_put(arguments);
                finish(m);
                return;
        }
        int r = qmp_call(m->qmp, command, arguments, -1, MONITOR_QMP_USEC, on_done, m);
        if (r >= 0)
                return;
        if (!c->undoing)
                give_up(m, CONTROL_ERROR_QEMU, strerror(-r));
        finish(m);
}

void monitor_set_actions(Monitor *m, ControlRequest *r) {
        LifecycleActions from = { m->lifecycle.on_poweroff, m->lifecycle.on_reboot, m->lifecycle.on_crash }, to;

        if (!lifecycle_actions_parse(r->text, &to))
                control_reply_error(r, SD_BUS_ERROR_INVALID_ARGS, "'%s' are no lifecycle actions", r->text);
        else if (lifecycle_action_dumps(to.on_crash) && monitor_find_fd(m, QEMU_FD_DUMP) < 0)
                control_reply_error(r, CONTROL_ERROR_STATE, "on_crash '%s' needs a start of the domain: what runs has no place for a dump",
                                    lifecycle_action_to_string(to.on_crash));
        else if (!m->lifecycle.attached || m->lifecycle.ending)
                control_reply_error(r, CONTROL_ERROR_STATE, "domain is not running");
        else if (m->actions_change || m->lifecycle.resetting)
                control_reply_error(r, CONTROL_ERROR_BUSY, "domain is about to restart, or its lifecycle actions are being changed");
        else if (lifecycle_actions_equal(&to, &from))
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
        if (!m->actions_change)
                return;
        if (m->actions_change->request)
                give_up(m, CONTROL_ERROR_STATE, "domain is not running");
        finish(m);
}
