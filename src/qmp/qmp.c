/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-id128.h>

#include "parse-util.h"
#include "qmp.h"
#include "string-util.h"

#define READ_CHUNK (64U * 1024U)

/* A command that waits for its reply. */
typedef struct Pending {
        Qmp *qmp;
        unsigned id;
        bool negotiation;
        QmpReply reply;
        void *userdata;
        sd_event_source *timer; /* owned */
        struct Pending *next;
} Pending;

/* Something to be sent. */
typedef struct Output {
        char *data; /* owned */
        size_t size, sent;
        int fd; /* owned; -EBADF: none */
        struct Output *next;
} Output;

struct Qmp {
        sd_event *event; /* referenced */
        sd_event_source *io; /* owned */
        int fd; /* owned */
        QmpHandlers handlers;
        bool agent;   /* one command at a time, replies without ids, garbage is tolerated */
        bool ready;   /* negotiated */
        bool closed;  /* handlers.closed has been called */
        bool freed;   /* qmp_free() has been called from a callback */
        unsigned busy; /* callbacks under way */

        char prefix[sizeof("vmunit-0123456789abcdef-")]; /* of our ids: no earlier client has used it */
        unsigned last_id;
        Pending *pending; /* owned; oldest first */
        unsigned n_pending;

        Output *output, *output_last; /* owned */
        size_t output_size;

        char *input; /* owned */
        size_t input_size, input_capacity, input_scanned;
        bool skip_line; /* the agent sent a line that is too long */

        uint64_t event_usec; /* of the event that is being reported */
};

static size_t message_limit(const Qmp *q) {
        return q->agent ? QMP_AGENT_MESSAGE_MAX : QMP_MESSAGE_MAX;
}

/* The agent is listened to only while it owes an answer: what a guest writes unasked stays with QEMU. */
static int update_io(Qmp *q) {
        return sd_event_source_set_io_events(q->io, (!q->agent || q->pending ? EPOLLIN : 0) |
                                                     (q->output ? EPOLLOUT : 0));
}

/* --- life of the object ------------------------------------------------------------------------------- */

static void qmp_destroy(Qmp *q) {
        while (q->pending) {
                Pending *p = q->pending;
                q->pending = p->next;
                sd_event_source_disable_unref(p->timer);
                free(p);
        }
        while (q->output) {
                Output *o = q->output;
                q->output = o->next;
                safe_close(o->fd);
                free(o->data);
                free(o);
        }
        sd_event_source_disable_unref(q->io);
        sd_event_unref(q->event);
        safe_close(q->fd);
        free(q->input);
        free(q);
}

/* Callbacks may free Q. They are called between enter() and leave(); leave() says whether Q is still there. */
static void enter(Qmp *q) {
        q->busy++;
}

static bool leave(Qmp *q) {
        if (--q->busy > 0 || !q->freed)
                return !q->freed;
        qmp_destroy(q);
        return false;
}

Qmp *qmp_free(Qmp *q) {
        if (!q)
                return NULL;
        if (q->busy > 0) {
                q->freed = true;
                q->closed = true;
                (void) sd_event_source_set_enabled(q->io, SD_EVENT_OFF);
                return NULL;
        }
        qmp_destroy(q);
        return NULL;
}

/* Takes P out of the list; the caller owns it then. */
static void pending_unlink(Qmp *q, Pending *p) {
        for (Pending **i = &q->pending; *i; i = &(*i)->next)
                if (*i == p) {
                        *i = p->next;
                        q->n_pending--;
                        (void) update_io(q);
                        return;
                }
}

/* Ends P with RESULT. To be called between enter() and leave(). */
static void pending_finish(Qmp *q, Pending *p, int result, json_object *reply) {
        pending_unlink(q, p);
        sd_event_source_disable_unref(p->timer);
        if (p->reply && !q->freed)
                p->reply(q, result, reply, p->userdata);
        free(p);
}

/* The end of the connection: everybody who waits hears of it. To be called between enter() and leave(). */
static void qmp_close(Qmp *q, int error) {
        if (q->closed)
                return;
        q->closed = true;
        q->ready = false;
        (void) sd_event_source_set_enabled(q->io, SD_EVENT_OFF);
        while (q->pending && !q->freed)
                pending_finish(q, q->pending, error, NULL);
        if (!q->freed && q->handlers.closed)
                q->handlers.closed(q, error, q->handlers.userdata);
}

/* --- output ------------------------------------------------------------------------------------------- */

/* Sends a piece of O; the descriptor goes with the first byte. What sendmsg() returns. */
static ssize_t output_send(Qmp *q, Output *o) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec iov = { .iov_base = o->data + o->sent, .iov_len = o->size - o->sent };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (o->fd >= 0) {
                mh.msg_control = &control;
                mh.msg_controllen = sizeof(control.space);
                control.header = (struct cmsghdr) {
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(sizeof(int)),
                };
                memcpy(CMSG_DATA(&control.header), &o->fd, sizeof(int));
        }
        return sendmsg(q->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Sends what the socket takes. 0 or negative errno. */
static int flush(Qmp *q) {
        while (q->output) {
                Output *o = q->output;
                ssize_t n = output_send(q, o);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        if (errno == EAGAIN)
                                break;
                        return errno == EPIPE ? -ECONNRESET : -errno;
                }
                o->fd = safe_close(o->fd);
                o->sent += (size_t) n;
                q->output_size -= (size_t) n;
                if (o->sent < o->size)
                        continue;
                q->output = o->next;
                if (!q->output)
                        q->output_last = NULL;
                free(o->data);
                free(o);
        }
        return update_io(q);
}

/* Queues DATA (taken over, also on failure) and FD (copied). */
static int queue_output(Qmp *q, char *data, size_t size, int fd) {
        _cleanup_free_ char *owned = data;
        _cleanup_close_ int copy = -EBADF;

        if (size > QMP_OUTPUT_MAX || q->output_size > QMP_OUTPUT_MAX - size)
                return -ENOBUFS;
        if (fd >= 0) {
                copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                if (copy < 0)
                        return -errno;
        }
        Output *o = calloc(1, sizeof(Output));
        if (!o)
                return -ENOMEM;
        *o = (Output) { .data = TAKE_PTR(owned), .size = size, .fd = TAKE_FD(copy) };
        *(q->output_last ? &q->output_last->next : &q->output) = o;
        q->output_last = o;
        q->output_size += size;
        /* Errors of the socket are met again, and reported, by the event loop. */
        if (q->output == o)
                (void) flush(q);
        return update_io(q);
}

/* --- commands ----------------------------------------------------------------------------------------- */

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Pending *p = userdata;
        Qmp *q = p->qmp;

        enter(q);
        /* Replies of the agent carry no id: after a lost one only a new synchronisation helps. */
        if (q->agent)
                q->ready = false;
        pending_finish(q, p, -ETIMEDOUT, NULL);
        (void) leave(q);
        return 0;
}

/* Sends the command object OBJECT (taken over) with our id, after PREFIX, and waits for its reply. */
static int send_command(Qmp *q, const char *prefix, json_object *object, int fd, uint64_t timeout_usec,
                        bool negotiation, QmpReply reply, void *userdata) {
        char id[sizeof(q->prefix) + 16];
        char *data = NULL;
        int r, n;

        Pending *p = calloc(1, sizeof(Pending));
        if (!p) {
                json_object_put(object);
                return -ENOMEM;
        }
        *p = (Pending) {
                .qmp = q,
                .id = ++q->last_id,
                .negotiation = negotiation,
                .reply = reply,
                .userdata = userdata,
        };
        if (!q->agent) {
                (void) snprintf(id, sizeof(id), "%s%u", q->prefix, p->id);
                json_object_object_add(object, "id", json_object_new_string(id));
        }
        const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
        n = text ? asprintf(&data, "%s%s\n", prefix, text) : -1;
        json_object_put(object);
        if (n < 0) {
                r = -ENOMEM;
                goto fail;
        }
        r = sd_event_add_time_relative(q->event, &p->timer, CLOCK_MONOTONIC, timeout_usec, 0, on_timeout, p);
        if (r < 0) {
                free(data);
                goto fail;
        }
        r = queue_output(q, data, (size_t) n, fd);
        if (r < 0)
                goto fail;
        Pending **last = &q->pending;
        while (*last)
                last = &(*last)->next;
        *last = p;
        q->n_pending++;
        return update_io(q);
fail:
        sd_event_source_disable_unref(p->timer);
        free(p);
        return r;
}

/* {"execute": COMMAND, "arguments": ARGUMENTS}; takes ARGUMENTS over. NULL when memory is out. */
static json_object *command_object(const char *command, json_object *arguments) {
        json_object *o = json_object_new_object(), *name = json_object_new_string(command);

        if (!o || !name || json_object_object_add(o, "execute", name) < 0) {
                json_object_put(o);
                json_object_put(name);
                json_object_put(arguments);
                return NULL;
        }
        if (arguments && json_object_object_add(o, "arguments", arguments) < 0) {
                json_object_put(o);
                json_object_put(arguments);
                return NULL;
        }
        return o;
}

int qmp_call(Qmp *q, const char *command, json_object *arguments, int fd, uint64_t timeout_usec, QmpReply reply,
             void *userdata) {
        int r = 0;

        if (!q->ready)
                r = -ENOTCONN;
        else if (q->n_pending >= (q->agent ? 1U : QMP_PENDING_MAX))
                r = -EBUSY;
        if (r < 0) {
                json_object_put(arguments);
                return r;
        }
        json_object *o = command_object(command, arguments);
        if (!o)
                return -ENOMEM;
        return send_command(q, "", o, fd, timeout_usec, false, reply, userdata);
}

int qmp_negotiate(Qmp *q, uint64_t timeout_usec, QmpReply reply, void *userdata) {
        if (q->closed)
                return -ENOTCONN;
        if (q->n_pending > 0)
                return -EBUSY;
        q->ready = false;
        json_object *o = command_object("qmp_capabilities", NULL);
        if (!o)
                return -ENOMEM;
        /* 0xff ends whatever an earlier client had half written; QEMU answers that with an error without id. */
        return send_command(q, "\xff", o, -1, timeout_usec, true, reply, userdata);
}

int qmp_negotiate_agent(Qmp *q, uint64_t timeout_usec, QmpReply reply, void *userdata) {
        if (q->closed)
                return -ENOTCONN;
        if (!q->agent)
                return -EINVAL;
        if (q->n_pending > 0)
                return -EBUSY;
        q->ready = false;
        json_object *arguments = json_object_new_object();
        /* The number the answer must carry; not to be guessed from an earlier one. */
        if (arguments)
                json_object_object_add(arguments, "id", json_object_new_int64((int64_t) q->last_id + 1));
        json_object *o = command_object("guest-sync-delimited", arguments);
        if (!o)
                return -ENOMEM;
        return send_command(q, "\xff", o, -1, timeout_usec, true, reply, userdata);
}

/* --- input -------------------------------------------------------------------------------------------- */

static json_object *member(json_object *o, const char *key, json_type type) {
        json_object *v;

        return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

/* The command whose reply this is, or NULL. */
static Pending *find_pending(Qmp *q, json_object *message) {
        unsigned id;

        if (q->agent)
                return q->pending;
        json_object *v = member(message, "id", json_type_string);
        if (!v)
                return NULL;
        const char *s = startswith(json_object_get_string(v), q->prefix);
        if (!s || parse_uint(s, &id) < 0)
                return NULL;
        for (Pending *p = q->pending; p; p = p->next)
                if (p->id == id)
                        return p;
        return NULL;
}

/* A reply to qmp_capabilities. Negotiated before, by a client that has died, is as good. */
static int negotiation_result(json_object *error) {
        if (!error)
                return 0;
        json_object *class = member(error, "class", json_type_string);
        return class && streq(json_object_get_string(class), "CommandNotFound") ? 1 : -EREMOTEIO;
}

/* A reply to guest-sync-delimited: only the number we sent counts. */
static bool is_synchronised(const Pending *p, json_object *result) {
        return result && json_object_is_type(result, json_type_int) &&
                json_object_get_int64(result) == (int64_t) p->id;
}

static void on_reply(Qmp *q, json_object *message) {
        json_object *result = NULL, *error = member(message, "error", json_type_object);
        bool has_result = json_object_object_get_ex(message, "return", &result);
        Pending *p = find_pending(q, message);
        int r = error ? -EREMOTEIO : 0;

        /* Of an earlier client, of a command whose time was over, or the answer to our 0xff. */
        if (!p)
                return;
        if (p->negotiation && q->agent) {
                if (error || !is_synchronised(p, result))
                        return;
                q->ready = true;
        } else if (p->negotiation) {
                r = negotiation_result(error);
                q->ready = r >= 0;
        } else if (!error && !has_result)
                r = -EBADMSG;
        pending_finish(q, p, r, error ?: result);
}

/* 2^63 microseconds are no time that a clock shows. */
static uint64_t event_time(json_object *message) {
        json_object *t = member(message, "timestamp", json_type_object);
        json_object *seconds = t ? member(t, "seconds", json_type_int) : NULL;
        json_object *usec = t ? member(t, "microseconds", json_type_int) : NULL;
        int64_t s = seconds ? json_object_get_int64(seconds) : -1, u = usec ? json_object_get_int64(usec) : -1;

        return s < 0 || u < 0 || u > 999999 || s > INT64_MAX / 1000000 - 1 ? 0 : (uint64_t) s * 1000000 + (uint64_t) u;
}

uint64_t qmp_event_time(const Qmp *q) {
        return q->event_usec;
}

/* 0 or -EBADMSG. */
static int on_message(Qmp *q, json_object *message) {
        json_object *event, *v;

        if (!json_object_is_type(message, json_type_object))
                return -EBADMSG;
        if (json_object_object_get_ex(message, "event", &event)) {
                if (!json_object_is_type(event, json_type_string))
                        return -EBADMSG;
                q->event_usec = event_time(message);
                if (q->handlers.event)
                        q->handlers.event(q, json_object_get_string(event),
                                          member(message, "data", json_type_object), q->handlers.userdata);
                return 0;
        }
        if (json_object_object_get_ex(message, "return", &v) || member(message, "error", json_type_object)) {
                on_reply(q, message);
                return 0;
        }
        /* The greeting. */
        return member(message, "QMP", json_type_object) ? 0 : -EBADMSG;
}

/* 0, -EBADMSG or -ENOMEM. */
static int parse(const char *line, size_t size, json_object **ret) {
        json_tokener *t = json_tokener_new_ex(QMP_DEPTH_MAX);
        if (!t)
                return -ENOMEM;
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        json_object *o = json_tokener_parse_ex(t, line, (int) size);
        enum json_tokener_error e = json_tokener_get_error(t);
        json_tokener_free(t);
        if (e != json_tokener_success || !o) {
                json_object_put(o);
                return -EBADMSG;
        }
        *ret = o;
        return 0;
}

/* What came up to the end of a line. 0, or the error that ends the connection. */
static int on_line(Qmp *q, const char *line, size_t size) {
        json_object *message = NULL;

        /* Never part of a valid message: what stands before it is the rest of something else. */
        const char *reset = memrchr(line, 0xff, size);
        if (reset) {
                size -= (size_t) (reset + 1 - line);
                line = reset + 1;
        }
        while (size > 0 && strchr(WHITESPACE, line[size - 1]))
                size--;
        if (size == 0)
                return 0;
        int r = parse(line, size, &message);
        if (r >= 0)
                r = on_message(q, message);
        json_object_put(message);
        /* Before the negotiation is over, it is what an earlier client has left: half a line, perhaps. */
        if (r != -EBADMSG || !q->ready)
                return r == -ENOMEM ? r : 0;
        if (!q->agent)
                return r;
        q->ready = false;
        if (q->pending)
                pending_finish(q, q->pending, -EBADMSG, NULL);
        return 0;
}

/* Handles all whole lines. 0, or the error that ends the connection. */
static int on_input(Qmp *q) {
        size_t start = 0;
        int r = 0;

        for (;;) {
                char *end = memchr(q->input + q->input_scanned, '\n', q->input_size - q->input_scanned);
                if (!end)
                        break;
                size_t next = (size_t) (end + 1 - q->input);
                q->input_scanned = next;
                if (q->skip_line)
                        q->skip_line = false;
                else
                        r = on_line(q, q->input + start, next - 1 - start);
                start = next;
                if (r < 0 || q->closed)
                        return r;
        }
        q->input_size -= start;
        memmove(q->input, q->input + start, q->input_size);
        q->input_scanned = q->input_size;
        if (q->input_size < message_limit(q))
                return 0;
        if (!q->agent)
                return -EBADMSG;
        q->skip_line = true;
        q->input_size = q->input_scanned = 0;
        return 0;
}

static int make_room(Qmp *q) {
        if (q->input_capacity - q->input_size >= READ_CHUNK)
                return 0;
        size_t capacity = MAX(q->input_capacity * 2, (size_t) (2 * READ_CHUNK));
        char *p = realloc(q->input, capacity);
        if (!p)
                return -ENOMEM;
        q->input = p;
        q->input_capacity = capacity;
        return 0;
}

/* Reads one piece only, so that a flood of events leaves room for the other sources of the loop. */
static int receive(Qmp *q) {
        int r = make_room(q);
        if (r < 0)
                return r;
        ssize_t n = recv(q->fd, q->input + q->input_size, READ_CHUNK, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        q->input_size += (size_t) n;
        r = on_input(q);
        if (r >= 0 && q->input_size == 0 && q->input_capacity > 2 * READ_CHUNK) {
                q->input = mfree(q->input);
                q->input_capacity = 0;
        }
        return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Qmp *q = userdata;
        int r = 0, k = 0;

        enter(q);
        /* A peer that is gone may have said something before: what it sent is read first, to its end. */
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
                r = receive(q);
        if (r >= 0 && !q->closed && revents & EPOLLOUT)
                k = flush(q);
        if (k == -ECONNRESET)
                /* It takes no more, but what it has sent before is still to be read, up to the end of file. */
                (void) sd_event_source_set_io_events(q->io, EPOLLIN);
        else if (k < 0)
                r = k;
        if (r < 0)
                qmp_close(q, r);
        (void) leave(q);
        return 0;
}

static int new(sd_event *event, int fd, bool agent, const QmpHandlers *handlers, Qmp **ret) {
        _cleanup_close_ int owned = fd;
        sd_id128_t random;

        int r = sd_id128_randomize(&random);
        if (r < 0)
                return r;
        Qmp *q = calloc(1, sizeof(Qmp));
        if (!q)
                return -ENOMEM;
        *q = (Qmp) { .event = sd_event_ref(event), .fd = TAKE_FD(owned) };
        if (handlers)
                q->handlers = *handlers;
        (void) snprintf(q->prefix, sizeof(q->prefix), "vmunit-%016llx-", (unsigned long long) random.qwords[0]);
        q->agent = agent;
        /* The agent's only id is this number, and an answer to an earlier client must not fit. */
        if (agent)
                q->last_id = (unsigned) (random.qwords[1] & 0xffffff);
        r = sd_event_add_io(event, &q->io, q->fd, agent ? 0 : EPOLLIN, on_io, q);
        if (r < 0) {
                qmp_destroy(q);
                return r;
        }
        *ret = q;
        return 0;
}

int qmp_new(sd_event *event, int fd, const QmpHandlers *handlers, Qmp **ret) {
        return new(event, fd, false, handlers, ret);
}

int qmp_new_agent(sd_event *event, int fd, const QmpHandlers *handlers, Qmp **ret) {
        return new(event, fd, true, handlers, ret);
}

bool qmp_is_ready(const Qmp *q) {
        return q->ready;
}

const char *qmp_error_text(json_object *reply) {
        json_object *desc = reply && json_object_is_type(reply, json_type_object) ?
                member(reply, "desc", json_type_string) : NULL;

        return desc ? json_object_get_string(desc) : "no reason given";
}
