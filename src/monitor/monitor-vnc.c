/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>

#include "log.h"
#include "monitor.h"

/* QEMU has no network of its own; who connects to the VNC port is accepted here and handed over (getfd, add_client).
 * One at a time: the others wait in the queue of the listening socket, so a flood costs nothing. */

#define VNC_FD_NAME "vmunit-vnc"

static void done(Monitor *m) {
        m->vnc_client = safe_close(m->vnc_client);
        (void) sd_event_source_set_enabled(m->vnc_io, SD_EVENT_ON);
}

static void on_added(Qmp *q, int result, json_object *reply, void *userdata) {
        if (result == -EREMOTEIO)
                log_warning("QEMU refuses a VNC client: %s", qmp_error_text(reply));
        done(userdata);
}

static void on_got(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (result == -EREMOTEIO)
                log_warning("QEMU takes no VNC client: %s", qmp_error_text(reply));
        json_object *o = result >= 0 ? json_object_new_object() : NULL;
        if (o) {
                json_object_object_add(o, "protocol", json_object_new_string("vnc"));
                json_object_object_add(o, "fdname", json_object_new_string(VNC_FD_NAME));
                json_object_object_add(o, "skipauth", json_object_new_boolean(0));
                if (qmp_call(q, "add_client", o, -1, MONITOR_QMP_USEC, on_added, m) >= 0)
                        return;
        }
        done(m);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Monitor *m = userdata;

        m->vnc_client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (m->vnc_client < 0)
                return 0;
        json_object *o = json_object_new_object();
        json_object_object_add(o, "fdname", json_object_new_string(VNC_FD_NAME));
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (qmp_call(m->qmp, "getfd", o, m->vnc_client, MONITOR_QMP_USEC, on_got, m) < 0)
                done(m);
        return 0;
}

int monitor_vnc_start(Monitor *m) {
        if (m->vnc_listener < 0)
                return 0;
        return sd_event_add_io(m->event, &m->vnc_io, m->vnc_listener, EPOLLIN, on_client, m);
}
