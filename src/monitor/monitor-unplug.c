/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"
#include "string-util.h"

/* Devices that are taken out of a machine: QEMU asks the guest, and says by an event when the guest has let go of one, or
 * will not. A guest that says nothing is not waited for any longer than libvirt waits. */

#define UNPLUG_USEC (5 * USEC_PER_SEC)

struct Unplug {
        Monitor *monitor;
        ControlRequest *request; /* owned until it is answered; NULL */
        sd_event_source *timer;  /* owned */
        bool asked;              /* QEMU has answered: it asks the guest */
        Unplug *next;
};

static void unplug_free(Unplug *u) {
        for (Unplug **p = &u->monitor->unplugs; *p; p = &(*p)->next)
                if (*p == u) {
                        *p = u->next;
                        break;
                }
        sd_event_source_disable_unref(u->timer);
        free(u);
}

/* ERROR_NAME is NULL: it is done. What QEMU has not answered yet has to wait for that. */
static void finish(Unplug *u, const char *error_name, const char *text) {
        ControlRequest *r = u->request;

        u->request = NULL;
        if (r && error_name)
                control_reply_error(r, error_name, "%s", text);
        else if (r)
                control_reply(r);
        if (u->asked)
                unplug_free(u);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        finish(userdata, CONTROL_ERROR_TIMEOUT, "the guest does not let go of the device");
        return 0;
}

static void on_asked(Qmp *q, int result, json_object *reply, void *userdata) {
        Unplug *u = userdata;

        u->asked = true;
        if (u->request && result >= 0)
                return; /* what comes now is an event, or the end of time */
        if (u->request)
                monitor_reply_qmp_error(u->request, result, reply);
        unplug_free(u);
}

void monitor_unplug(Monitor *m, ControlRequest *r) {
        json_object *arguments = json_object_new_object();
        Unplug *u = calloc(1, sizeof(Unplug));
        int k = -ENOMEM;

        if (u && arguments) {
                *u = (Unplug) { .monitor = m, .request = r, .next = m->unplugs };
                m->unplugs = u;
                json_object_object_add(arguments, "id", json_object_new_string(r->text));
                k = sd_event_add_time_relative(m->event, &u->timer, CLOCK_MONOTONIC, UNPLUG_USEC, USEC_PER_SEC / 10, on_timeout, u);
        }
        if (k >= 0)
                k = qmp_call(m->qmp, "device_del", TAKE_PTR(arguments), -1, MONITOR_QMP_USEC, on_asked, u);
        if (k >= 0)
                return;
        json_object_put(arguments);
        if (u && u->monitor)
                unplug_free(u);
        else
                free(u);
        monitor_reply_qmp_error(r, k, NULL);
}

/* Also by a part of it: without KVM, QEMU 7.2 never lets go of the object of a virtual CPU, but of its APIC. */
static bool is_about(const char *device, json_object *data) {
        const char *path = json_member_string(data, "path"), *part = path ? startswith(path, "/machine/peripheral/") : NULL;

        if (streq_ptr(json_member_string(data, "device"), device))
                return true;
        part = part ? startswith(part, device) : NULL;
        return part && *part == '/';
}

void monitor_unplug_event(Monitor *m, const char *name, json_object *data) {
        bool gone = streq(name, "DEVICE_DELETED");

        if (!gone && !streq(name, "DEVICE_UNPLUG_GUEST_ERROR") && !streq(name, "MEM_UNPLUG_ERROR"))
                return;
        for (Unplug *u = m->unplugs, *next; u; u = next) {
                next = u->next;
                if (u->request && is_about(u->request->text, data))
                        finish(u, gone ? NULL : CONTROL_ERROR_GUEST, "the guest keeps the device");
        }
}

void monitor_unplugs_free(Monitor *m) {
        while (m->unplugs) {
                m->unplugs->asked = true;
                finish(m->unplugs, CONTROL_ERROR_STATE, "domain is not running");
        }
}
