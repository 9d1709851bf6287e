/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "bus-util.h"
#include "control-server.h"
#include "string-util.h"

typedef struct Client {
        ControlServer *server;
        sd_bus *bus; /* owned */
        unsigned n_requests;
        bool subscribed;
        bool has_called;
        bool missed;   /* events, before it has called */
        size_t unsent; /* at most so many bytes of events */
        struct Client *next;
} Client;

struct ControlServer {
        sd_event *event; /* referenced */
        sd_event_source *accept_source; /* owned */
        int listen_fd;
        sd_id128_t id;
        ControlHandler handler;
        ControlGone gone; /* NULL: nobody cares */
        void *userdata;
        Client *clients; /* owned */
        unsigned n_clients;
        ControlRequest *requests; /* not owned: they end when they are answered */
};

static void client_free(Client *c) {
        for (ControlRequest *r = c->server->requests; r; r = r->next)
                if (r->client == c)
                        r->client = NULL;
        for (Client **p = &c->server->clients; *p; p = &(*p)->next)
                if (*p == c) {
                        *p = c->next;
                        break;
                }
        c->server->n_clients--;
        if (c->server->gone)
                c->server->gone(c, c->server->userdata);
        sd_bus_close_unref(c->bus);
        free(c);
}

/* A client that does not take what it is sent must not fill our memory. */
static bool is_full(Client *c) {
        uint64_t n;

        if (sd_bus_get_n_queued_write(c->bus, &n) < 0)
                return true;
        if (n == 0)
                c->unsent = 0;
        return n > (c->subscribed ? CONTROL_EVENTS_MAX : CONTROL_QUEUE_MAX) || c->unsent > CONTROL_EVENTS_SIZE_MAX;
}

static void client_check(Client *c) {
        if (is_full(c))
                client_free(c);
}

/* The end of a client may be the reason for further signals, and these for the end of others. */
static void check_clients(ControlServer *s) {
        for (Client *c = s->clients; c;)
                if (is_full(c)) {
                        client_free(c);
                        c = s->clients;
                } else
                        c = c->next;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        client_free(userdata);
        return 0;
}

/* busctl and sd-bus clients say Hello before anything else, as they would to a bus daemon. */
static int on_hello(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "s", ":1.0");
}

static const sd_bus_vtable hello_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Hello", NULL, "s", on_hello, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static const struct {
        const char *member;
        ControlMethod method;
} methods[] = {
        { "GetState", CONTROL_GET_STATE },
        { "Suspend", CONTROL_SUSPEND },
        { "Resume", CONTROL_RESUME },
        { "Shutdown", CONTROL_SHUTDOWN },
        { "Reboot", CONTROL_REBOOT },
        { "Reset", CONTROL_RESET },
        { "OpenConsole", CONTROL_OPEN_CONSOLE },
        { "ViewConsole", CONTROL_VIEW_CONSOLE },
        { "FeedConsole", CONTROL_FEED_CONSOLE },
        { "GetConsoles", CONTROL_GET_CONSOLES },
        { "Qmp", CONTROL_QMP },
        { "Agent", CONTROL_AGENT },
        { "AgentWithin", CONTROL_AGENT_WITHIN },
        { "QmpWithFd", CONTROL_QMP_WITH_FD },
        { "SetThreads", CONTROL_SET_THREADS },
        { "GetThreads", CONTROL_GET_THREADS },
        { "Unplug", CONTROL_UNPLUG },
        { "Save", CONTROL_SAVE },
        { "WaitSaved", CONTROL_WAIT_SAVED },
        { "EndSaved", CONTROL_END_SAVED },
        { "Subscribe", CONTROL_SUBSCRIBE },
        { "Dump", CONTROL_DUMP },
        { "DumpTo", CONTROL_DUMP_TO },
        { "EndDump", CONTROL_END_DUMP },
        { "Quit", CONTROL_QUIT },
        { "SetActions", CONTROL_SET_ACTIONS },
        { "Progress", CONTROL_PROGRESS },
        { "GetJob", CONTROL_GET_JOB },
        { "AbortJob", CONTROL_ABORT_JOB },
};

static const char *const mode_words[] = {
        [CONTROL_MODE_ANY] = "",
        [CONTROL_MODE_ACPI] = "acpi",
        [CONTROL_MODE_AGENT] = "agent",
};

static int decode(ControlRequest *r, sd_bus_error *error) {
        sd_bus_message *m = r->message;
        int k, force = 0, keep = 0;

        for (size_t i = 0; i < ELEMENTSOF(methods); i++)
                if (streq(sd_bus_message_get_member(m), methods[i].member))
                        r->method = methods[i].method;
        switch (r->method) {
        case CONTROL_OPEN_CONSOLE:
        case CONTROL_DUMP:
                k = sd_bus_message_read(m, "sb", &r->text, &force);
                r->force = force;
                return k;
        case CONTROL_GET_JOB:
                k = sd_bus_message_read(m, "bb", &force, &keep);
                r->completed = force;
                r->keep = keep;
                return k;
        case CONTROL_PROGRESS:
                return sd_bus_message_read(m, "tt", &r->processed, &r->total);
        case CONTROL_AGENT_WITHIN:
                return sd_bus_message_read(m, "st", &r->text, &r->limit_usec);
        case CONTROL_QMP_WITH_FD:
        case CONTROL_DUMP_TO:
                return sd_bus_message_read(m, "sh", &r->text, &r->fd);
        case CONTROL_VIEW_CONSOLE:
        case CONTROL_FEED_CONSOLE:
        case CONTROL_QMP:
        case CONTROL_AGENT:
        case CONTROL_SET_THREADS:
        case CONTROL_SET_ACTIONS:
        case CONTROL_UNPLUG:
        case CONTROL_END_DUMP:
                return sd_bus_message_read(m, "s", &r->text);
        case CONTROL_SHUTDOWN:
        case CONTROL_REBOOT:
                k = sd_bus_message_read(m, "s", &r->text);
                if (k < 0)
                        return k;
                for (size_t i = 0; i < ELEMENTSOF(mode_words); i++)
                        if (streq(r->text, mode_words[i])) {
                                r->mode = (ControlMode) i;
                                return 0;
                        }
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "Unknown mode specifier '%s', expecting 'acpi' or 'agent'", r->text);
        default:
                return 0;
        }
}

static int on_method(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Client *c = userdata;
        ControlServer *s = c->server;

        c->has_called = true;
        if (c->n_requests >= CONTROL_REQUESTS_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls at a time");
        ControlRequest *r = calloc(1, sizeof(ControlRequest));
        if (!r)
                return -ENOMEM;
        r->message = sd_bus_message_ref(m);
        int k = decode(r, error);
        if (k < 0) {
                sd_bus_message_unref(r->message);
                free(r);
                return k;
        }
        r->server = s;
        r->client = c;
        r->next = s->requests;
        if (r->next)
                r->next->previous = r;
        s->requests = r;
        c->n_requests++;
        s->handler(r, s->userdata);
        return 1;
}

/* The definition of the interface; control.h tells it in words. */
static const sd_bus_vtable machine_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_NAMES("GetState", NULL, , "ss", SD_BUS_PARAM(state) SD_BUS_PARAM(reason), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Suspend", NULL, NULL, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Resume", NULL, NULL, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Shutdown", "s", SD_BUS_PARAM(mode), NULL, , on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Reboot", "s", SD_BUS_PARAM(mode), NULL, , on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Quit", NULL, NULL, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Reset", NULL, NULL, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("OpenConsole", "sb", SD_BUS_PARAM(alias) SD_BUS_PARAM(force), "h",
                                 SD_BUS_PARAM(stream), on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("ViewConsole", "s", SD_BUS_PARAM(alias), "h", SD_BUS_PARAM(stream), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("FeedConsole", "s", SD_BUS_PARAM(alias), "h", SD_BUS_PARAM(stream), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("GetConsoles", NULL, , "a(ss)", SD_BUS_PARAM(consoles), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Qmp", "s", SD_BUS_PARAM(command), "s", SD_BUS_PARAM(result), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Agent", "s", SD_BUS_PARAM(command), "s", SD_BUS_PARAM(result), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("AgentWithin", "st", SD_BUS_PARAM(command) SD_BUS_PARAM(limit), "s", SD_BUS_PARAM(result),
                                 on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("QmpWithFd", "sh", SD_BUS_PARAM(command) SD_BUS_PARAM(fd), "s", SD_BUS_PARAM(result),
                                 on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("SetThreads", "s", SD_BUS_PARAM(settings), NULL, , on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("SetActions", "s", SD_BUS_PARAM(actions), NULL, , on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("GetThreads", NULL, , "a(suus)", SD_BUS_PARAM(threads), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Unplug", "s", SD_BUS_PARAM(device), NULL, , on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Save", NULL, , "h", SD_BUS_PARAM(stream), on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("WaitSaved", NULL, NULL, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("EndSaved", NULL, NULL, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Subscribe", NULL, , "ss", SD_BUS_PARAM(state) SD_BUS_PARAM(reason), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Dump", "sb", SD_BUS_PARAM(format) SD_BUS_PARAM(live), "h", SD_BUS_PARAM(stream), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("DumpTo", "sh", SD_BUS_PARAM(format) SD_BUS_PARAM(file), NULL, , on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("EndDump", "s", SD_BUS_PARAM(then), NULL, , on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("Progress", "tt", SD_BUS_PARAM(processed) SD_BUS_PARAM(total), NULL, , on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_NAMES("GetJob", "bb", SD_BUS_PARAM(completed) SD_BUS_PARAM(keep), "s", SD_BUS_PARAM(job), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AbortJob", NULL, NULL, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_NAMES("StateChanged", "ss", SD_BUS_PARAM(state) SD_BUS_PARAM(reason), 0),
        SD_BUS_SIGNAL_WITH_NAMES("ConsoleTaken", "s", SD_BUS_PARAM(alias), 0),
        SD_BUS_SIGNAL_WITH_NAMES("Event", "sts", SD_BUS_PARAM(name) SD_BUS_PARAM(usec) SD_BUS_PARAM(data), 0),
        SD_BUS_VTABLE_END,
};

bool control_peer_allowed(uid_t uid, uid_t owner) {
        return uid == 0 || uid == owner;
}

/* Who may use the socket is what its file says: the prepare step makes it 0600 in a directory that only root
 * writes, so the kernel has already turned away whoever is neither its owner nor root. SO_PEERCRED is looked at
 * all the same, so that a loosened mode opens nothing: the peer must be root or the owner of the file. Our own
 * uid is not enough, QEMU has it too. Both uids are read in our user namespace: under PrivateUsers= a root
 * that is not mapped is the overflow uid on both sides, and the comparison still holds. Without a file
 * (unlinked, or not visible in our mount namespace) only root may. */
static int check_peer(int listen_fd, int fd) {
        struct sockaddr_un sa = {};
        socklen_t size = sizeof(sa) - 1, cred_size = sizeof(struct ucred);
        struct ucred cred;
        struct stat st;
        uid_t owner = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_size) < 0)
                return -errno;
        if (getsockname(listen_fd, (struct sockaddr *) &sa, &size) >= 0 && sa.sun_path[0] == '/' &&
            lstat(sa.sun_path, &st) >= 0 && S_ISSOCK(st.st_mode))
                owner = st.st_uid;
        return control_peer_allowed(cred.uid, owner) ? 0 : -EACCES;
}

static int client_start(Client *c, int *fd) {
        int r = sd_bus_set_fd(c->bus, *fd, *fd);
        if (r < 0)
                return r;
        TAKE_FD(*fd);
        /* No authentication in the protocol: the socket has done it. */
        if ((r = sd_bus_set_anonymous(c->bus, 1)) < 0 || (r = sd_bus_negotiate_fds(c->bus, 1)) < 0 ||
            (r = sd_bus_set_server(c->bus, 1, c->server->id)) < 0 || (r = sd_bus_start(c->bus)) < 0)
                return r;
        r = sd_bus_add_object_vtable(c->bus, NULL, "/org/freedesktop/DBus", "org.freedesktop.DBus", hello_vtable, c);
        if (r < 0)
                return r;
        r = sd_bus_add_object_vtable(c->bus, NULL, CONTROL_PATH, CONTROL_INTERFACE, machine_vtable, c);
        if (r < 0)
                return r;
        r = bus_match_disconnected(c->bus, on_disconnected, c);
        if (r < 0)
                return r;
        return sd_bus_attach_event(c->bus, c->server->event, SD_EVENT_PRIORITY_NORMAL);
}

static int client_new(ControlServer *s, int *fd) {
        Client *c = calloc(1, sizeof(Client));
        if (!c)
                return -ENOMEM;
        c->server = s;
        int r = sd_bus_new(&c->bus);
        if (r < 0) {
                free(c);
                return r;
        }
        c->next = s->clients;
        s->clients = c;
        s->n_clients++;
        r = client_start(c, fd);
        if (r < 0)
                client_free(c);
        return r;
}

static int on_connection(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata) {
        ControlServer *s = userdata;

        _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return 0;
        /* One that is not welcome, or one too many, sees its connection closed. */
        if (s->n_clients >= CONTROL_CLIENTS_MAX || check_peer(listen_fd, fd) < 0)
                return 0;
        (void) client_new(s, &fd);
        return 0;
}

int control_server_new(sd_event *event, int listen_fd, ControlHandler handler, ControlGone gone, void *userdata, ControlServer **ret) {
        ControlServer *s = calloc(1, sizeof(ControlServer));
        if (!s)
                return -ENOMEM;
        *s = (ControlServer) {
                .event = sd_event_ref(event),
                .listen_fd = listen_fd,
                .handler = handler,
                .gone = gone,
                .userdata = userdata,
        };
        int r = sd_id128_randomize(&s->id);
        if (r >= 0)
                r = sd_event_add_io(event, &s->accept_source, listen_fd, EPOLLIN, on_connection, s);
        if (r < 0) {
                control_server_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

ControlServer *control_server_free(ControlServer *s) {
        if (!s)
                return NULL;
        s->gone = NULL;
        while (s->clients)
                client_free(s->clients);
        for (ControlRequest *r = s->requests; r; r = r->next)
                r->server = NULL;
        sd_event_source_disable_unref(s->accept_source);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

static void broadcast(ControlServer *s, const char *member, const char *first, const char *second) {
        for (Client *c = s->clients; c; c = c->next)
                /* The signature is as long as there are strings. */
                (void) sd_bus_emit_signal(c->bus, CONTROL_PATH, CONTROL_INTERFACE, member, second ? "ss" : "s", first,
                                          second);
        check_clients(s);
}

void control_server_state_changed(ControlServer *s, DomainState state, DomainReason reason) {
        broadcast(s, "StateChanged", strempty(domain_state_to_string(state)),
                  strempty(domain_reason_to_string(reason)));
}

void control_server_console_taken(ControlServer *s, const char *alias) {
        broadcast(s, "ConsoleTaken", alias, NULL);
}

/* Who has not called yet may be about to subscribe: then what happens until that is done, such as a guest's start, is in front
 * of the answer. The others do not care. */
static bool is_heard_by(const Client *c) {
        return c->subscribed || !c->has_called;
}

/* Who has not called has not asked for events either, and may get to its call after any number of them, if the guest makes
 * them fast enough: it is not dropped for that, but told no more. */
static bool has_room(Client *c) {
        uint64_t n;

        if (c->subscribed)
                return true;
        if (sd_bus_get_n_queued_write(c->bus, &n) < 0 || n >= CONTROL_UNASKED_MAX || c->unsent > CONTROL_EVENTS_SIZE_MAX / 2)
                c->missed = true;
        return !c->missed;
}

void control_server_event(ControlServer *s, const char *name, uint64_t usec, const char *data) {
        size_t n = strlen(name), size = strlen(data);

        if (n == 0 || n > CONTROL_EVENT_NAME_MAX || size > CONTROL_EVENT_DATA_MAX || !in_charset(name, ALPHANUMERICAL "_-"))
                return;
        for (Client *c = s->clients; c; c = c->next) {
                if (!is_heard_by(c) || !has_room(c))
                        continue;
                /* What is no UTF-8 is refused here. */
                (void) sd_bus_emit_signal(c->bus, CONTROL_PATH, CONTROL_INTERFACE, "Event", "sts", name, usec, data);
                c->unsent += n + size;
        }
        check_clients(s);
}

bool control_server_has_subscribers(const ControlServer *s) {
        for (const Client *c = s->clients; c; c = c->next)
                if (is_heard_by(c))
                        return true;
        return false;
}

int control_subscribe(ControlRequest *r) {
        Client *c = r->client;
        unsigned n = 0;

        if (!c || c->subscribed)
                return 0;
        if (c->missed)
                return -ENOBUFS;
        for (const Client *i = c->server->clients; i; i = i->next)
                n += i->subscribed;
        if (n >= CONTROL_SUBSCRIBERS_MAX)
                return -EBUSY;
        c->subscribed = true;
        return 0;
}

bool control_client_is_there(const ControlRequest *r) {
        const Client *c = r->client;
        struct pollfd p = { .fd = c ? sd_bus_get_fd(c->bus) : -EBADF };

        return p.fd >= 0 && poll(&p, 1, 0) >= 0 && !(p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* SENT: whether the client has been answered. One that has not would wait; it hears of the end of its connection instead, and we
 * later, for our caller is in the middle of something. */
static void request_end(ControlRequest *r, bool sent) {
        Client *c = r->client;

        if (r->server) {
                if (r->previous)
                        r->previous->next = r->next;
                else
                        r->server->requests = r->next;
                if (r->next)
                        r->next->previous = r->previous;
                if (c) {
                        c->n_requests--;
                        if (!sent)
                                (void) shutdown(sd_bus_get_fd(c->bus), SHUT_RDWR);
                        client_check(c);
                }
        }
        sd_bus_message_unref(r->message);
        free(r);
}

/* Ends R, whose answer was sent with result K. When the client has gone, sending fails, and that is all there is to say about it;
 * for want of memory as well, and then the error may still get through. */
static void request_answered(ControlRequest *r, int k) {
        if (k < 0)
                k = sd_bus_reply_method_errnof(r->message, k, "cannot answer");
        request_end(r, k >= 0);
}

void control_reply(ControlRequest *r) {
        request_answered(r, sd_bus_reply_method_return(r->message, NULL));
}

void control_reply_state(ControlRequest *r, DomainState state, DomainReason reason) {
        request_answered(r, sd_bus_reply_method_return(r->message, "ss", strempty(domain_state_to_string(state)),
                                                       strempty(domain_reason_to_string(reason))));
}

void control_reply_text(ControlRequest *r, const char *text) {
        int k = sd_bus_reply_method_return(r->message, "s", text);

        if (k == -EINVAL)
                /* Not UTF-8, which D-Bus refuses. */
                k = sd_bus_reply_method_errorf(r->message, CONTROL_ERROR_QEMU, "the answer is not valid text");
        request_answered(r, k);
}

void control_reply_fd(ControlRequest *r, int fd) {
        request_answered(r, sd_bus_reply_method_return(r->message, "h", fd));
}

/* Sends M, which building ended with K, and ends R. */
static void reply_with(ControlRequest *r, sd_bus_message *m, int k) {
        if (k >= 0)
                k = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        request_answered(r, k);
}

void control_reply_consoles(ControlRequest *r, const char *const (*consoles)[2], size_t n) {
        sd_bus_message *m = NULL;

        int k = sd_bus_message_new_method_return(r->message, &m);
        if (k >= 0)
                k = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; k >= 0 && i < n; i++)
                k = sd_bus_message_append(m, "(ss)", consoles[i][0], consoles[i][1]);
        if (k >= 0)
                k = sd_bus_message_close_container(m);
        reply_with(r, m, k);
}

void control_reply_threads(ControlRequest *r, const ControlThreadReply *threads, size_t n) {
        sd_bus_message *m = NULL;

        int k = sd_bus_message_new_method_return(r->message, &m);
        if (k >= 0)
                k = sd_bus_message_open_container(m, 'a', "(suus)");
        FOREACH_ARRAY(t, threads, n)
                if (k >= 0)
                        k = sd_bus_message_append(m, "(suus)", t->kind, t->id, t->tid, t->cpus);
        if (k >= 0)
                k = sd_bus_message_close_container(m);
        reply_with(r, m, k);
}

void control_reply_error(ControlRequest *r, const char *name, const char *format, ...) {
        char text[1024];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        /* Part of it may come from QEMU or the guest's agent, and be cut in the middle of a character. */
        bool plain = utf8_is_printable(text);
        for (char *p = text; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f || (!plain && (unsigned char) *p >= 0x80))
                        *p = '?';
        request_answered(r, sd_bus_reply_method_errorf(r->message, name, "%s", text));
}
