/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include "log.h"
#include "monitor.h"
#include "notify-text.h"
#include "qemu-argv.h"
#include "string-util.h"

/* What the guest's systemd reports to the address in its credential vmm.notify_socket: each message is a connection of its
 * own, and PID 1 of the guest waits until we have closed it. So it is listened as long as the machine runs, though nothing
 * matters but READY=1. Whoever in whatever machine can connect; those that are not this guest are sent away. */

#define CLIENTS_MAX 4U
/* systemd tells of a boot in a dozen messages. More than that many in a second wait in the queue of the socket. */
#define CLIENTS_PER_SEC 32U

typedef struct NotifyClient {
        Monitor *monitor; /* NULL: there is none here */
        int fd;           /* owned */
        sd_event_source *io; /* owned */
        NotifyText text;
        uint64_t number;  /* of all that ever came */
} NotifyClient;

struct NotifyListener {
        sd_event_source *io; /* owned */
        NotifyClient clients[CLIENTS_MAX];
        uint64_t n_clients;
        bool said_foreign;
};

static void client_done(NotifyClient *c) {
        if (!c->monitor)
                return;
        sd_event_source_disable_unref(c->io);
        safe_close(c->fd);
        *c = (NotifyClient) {};
}

/* A message is over when its connection is. The rest of one that says READY=1 is read, too: to close before would reset it. */
static int on_data(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        NotifyClient *c = userdata;
        char buffer[512];

        ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        NotifyVerdict verdict = n > 0 ? notify_text_add(&c->text, buffer, (size_t) n) : notify_text_end(&c->text);
        if (verdict == NOTIFY_READY)
                monitor_ready_notified(c->monitor);
        if (n <= 0 || verdict == NOTIFY_NOTHING)
                client_done(c);
        return 0;
}

/* A free place, or that of who has been there longest: a guest that stops in the middle of a message keeps no other waiting. */
static NotifyClient *make_room(NotifyListener *l) {
        NotifyClient *oldest = l->clients;

        FOREACH_ARRAY(c, l->clients, CLIENTS_MAX) {
                if (!c->monitor)
                        return c;
                if (c->number < oldest->number)
                        oldest = c;
        }
        client_done(oldest);
        return oldest;
}

static bool is_guest(const Monitor *m, const struct sockaddr_vm *peer, socklen_t size) {
        return size >= sizeof(*peer) && peer->svm_family == AF_VSOCK && m->plan->guest_cid != 0 && peer->svm_cid == m->plan->guest_cid;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Monitor *m = userdata;
        struct sockaddr_vm peer = {};
        socklen_t size = sizeof(peer);

        _cleanup_close_ int connection = accept4(fd, (struct sockaddr *) &peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection < 0)
                return 0;
        if (!is_guest(m, &peer, size)) {
                if (!m->notify->said_foreign)
                        log_warning("somebody else than the guest speaks to the port for the guest's systemd: not heard");
                m->notify->said_foreign = true;
                return 0;
        }
        NotifyClient *c = make_room(m->notify);
        *c = (NotifyClient) { .monitor = m, .fd = TAKE_FD(connection), .number = ++m->notify->n_clients };
        if (sd_event_add_io(m->event, &c->io, c->fd, EPOLLIN, on_data, c) < 0)
                client_done(c);
        return 0;
}

int monitor_notify_start(Monitor *m) {
        int fd = m->plan->ready == READY_VSOCK_NOTIFY ? monitor_find_fd(m, QEMU_FD_NOTIFY) : -EBADF;
        if (fd < 0)
                return 0;
        m->notify = calloc(1, sizeof(NotifyListener));
        int r = m->notify ? sd_event_add_io(m->event, &m->notify->io, fd, EPOLLIN, on_connection, m) : -ENOMEM;
        return r < 0 ? r : sd_event_source_set_ratelimit(m->notify->io, USEC_PER_SEC, CLIENTS_PER_SEC);
}

void monitor_notify_stop(Monitor *m) {
        if (!m->notify)
                return;
        FOREACH_ARRAY(c, m->notify->clients, CLIENTS_MAX)
                client_done(c);
        sd_event_source_disable_unref(m->notify->io);
        m->notify = mfree(m->notify);
}
