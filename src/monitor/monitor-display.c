/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <netdb.h>
#include <sys/socket.h>

#include "json-member.h"
#include "log.h"
#include "monitor.h"

/* QEMU has no network of its own; who connects to a display's port is accepted here and handed over (getfd, add_client).
 * One at a time from each port: the others wait in the queue of the listening socket, so a flood costs nothing. */

static const struct {
        const char *protocol, *fd_name;
        bool tls;
} ports[_DISPLAY_PORT_MAX] = {
        [DISPLAY_PORT_VNC] = { "vnc", "vmunit-vnc", false },
        [DISPLAY_PORT_SPICE] = { "spice", "vmunit-spice", false },
        [DISPLAY_PORT_SPICE_TLS] = { "spice", "vmunit-spice-tls", true },
        [DISPLAY_PORT_DBUS] = { "@dbus-display", "vmunit-dbus", false },
};

static void done(DisplayListener *l) {
        l->client = safe_close(l->client);
        (void) sd_event_source_set_enabled(l->io, SD_EVENT_ON);
}

/* One end of a connection, as QEMU tells it. NULL: no such address. */
static json_object *describe_end(const struct sockaddr_storage *sa, socklen_t size) {
        char host[NI_MAXHOST], service[NI_MAXSERV];

        if (sa->ss_family == AF_UNIX)
                return json_strings("family", "unix", "host", "", "service", "", NULL);
        if (getnameinfo((const struct sockaddr *) sa, size, host, sizeof(host), service, sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                return NULL;
        return json_strings("family", sa->ss_family == AF_INET6 ? "ipv6" : "ipv4", "host", host, "service", service, NULL);
}

/* QEMU tells of VNC clients that it has accepted itself only. (Of SPICE's it tells all.) */
static void tell_connected(const DisplayListener *l) {
        struct sockaddr_storage ours = {}, theirs = {};
        socklen_t our_size = sizeof(ours), their_size = sizeof(theirs);

        if (l->port != DISPLAY_PORT_VNC || getsockname(l->client, (struct sockaddr *) &ours, &our_size) < 0 ||
            getpeername(l->client, (struct sockaddr *) &theirs, &their_size) < 0)
                return;
        json_object *server = describe_end(&ours, our_size), *client = describe_end(&theirs, their_size), *o = json_object_new_object();
        if (server && client && o) {
                json_object_object_add(o, "server", json_object_get(server));
                json_object_object_add(o, "client", json_object_get(client));
                monitor_tell_event(l->monitor, CONTROL_EVENT_VNC, 0, o);
        }
        json_object_put(server);
        json_object_put(client);
        json_object_put(o);
}

static void on_added(Qmp *q, int result, json_object *reply, void *userdata) {
        DisplayListener *l = userdata;

        if (result >= 0)
                tell_connected(l);
        if (result == -EREMOTEIO)
                log_warning("QEMU refuses a %s client: %s", ports[l->port].protocol, qmp_error_text(reply));
        done(l);
}

static void on_got(Qmp *q, int result, json_object *reply, void *userdata) {
        DisplayListener *l = userdata;

        if (result == -EREMOTEIO)
                log_warning("QEMU takes no %s client: %s", ports[l->port].protocol, qmp_error_text(reply));
        json_object *o = result >= 0 ? json_object_new_object() : NULL;
        if (o) {
                json_object_object_add(o, "protocol", json_object_new_string(ports[l->port].protocol));
                json_object_object_add(o, "fdname", json_object_new_string(ports[l->port].fd_name));
                json_object_object_add(o, "skipauth", json_object_new_boolean(0));
                if (ports[l->port].tls)
                        json_object_object_add(o, "tls", json_object_new_boolean(1));
                if (qmp_call(q, "add_client", o, -1, MONITOR_QMP_USEC, on_added, l) >= 0)
                        return;
        }
        done(l);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        DisplayListener *l = userdata;

        l->client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (l->client < 0)
                return 0;
        json_object *o = json_object_new_object();
        json_object_object_add(o, "fdname", json_object_new_string(ports[l->port].fd_name));
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (qmp_call(l->monitor->qmp, "getfd", o, l->client, MONITOR_QMP_USEC, on_got, l) < 0)
                done(l);
        return 0;
}

int monitor_displays_start(Monitor *m) {
        const char *const names[_DISPLAY_PORT_MAX] = {
                [DISPLAY_PORT_VNC] = m->plan->vnc.listener,
                [DISPLAY_PORT_SPICE] = m->plan->spice.listener,
                [DISPLAY_PORT_SPICE_TLS] = m->plan->spice.tls_listener,
                [DISPLAY_PORT_DBUS] = m->plan->dbus.listener,
        };
        int r = 0;

        for (DisplayPort i = 0; r >= 0 && i < _DISPLAY_PORT_MAX; i++) {
                int fd = names[i] ? monitor_find_fd(m, names[i]) : -EBADF;
                DisplayListener *l = m->listeners + i;
                *l = (DisplayListener) { .monitor = m, .port = i, .client = -EBADF };
                if (fd >= 0)
                        r = sd_event_add_io(m->event, &l->io, fd, EPOLLIN, on_client, l);
        }
        return r;
}

void monitor_displays_stop(Monitor *m) {
        FOREACH_ARRAY(l, m->listeners, _DISPLAY_PORT_MAX) {
                if (!l->monitor)
                        continue;
                sd_event_source_disable_unref(l->io);
                safe_close(l->client);
        }
}
