/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "qmp.h"
#include "string-util.h"
#include "text.h"

#define SECOND UINT64_C(1000000)
#define QEMU "/usr/bin/qemu-system-x86_64"

/* A client with a scripted peer at the other end of a socket pair. */
typedef struct Fixture {
        sd_event *event;
        Qmp *qmp;
        int peer;
        char received[65536]; /* by the peer, not yet looked at */
        size_t n_received;

        /* what the callbacks saw */
        unsigned n_replies, n_events, n_closed;
        int result, closed;
        char *reply, *event_name; /* owned */
        bool free_in_callback;
} Fixture;

static void on_event(Qmp *q, const char *name, json_object *data, void *userdata) {
        Fixture *f = userdata;

        f->n_events++;
        assert_int_equal(free_and_strdup(&f->event_name, name), 0);
        if (f->free_in_callback)
                f->qmp = qmp_free(q);
}

static void on_closed(Qmp *q, int error, void *userdata) {
        Fixture *f = userdata;

        f->n_closed++;
        f->closed = error;
        if (f->free_in_callback)
                f->qmp = qmp_free(q);
}

static void on_reply(Qmp *q, int result, json_object *reply, void *userdata) {
        Fixture *f = userdata;

        f->n_replies++;
        f->result = result;
        assert_int_equal(free_and_strdup(&f->reply,
                                         reply ? json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN) : NULL),
                         0);
        if (f->free_in_callback)
                f->qmp = qmp_free(q);
}

static void setup_kind(Fixture *f, bool agent) {
        QmpHandlers handlers = { .event = on_event, .closed = on_closed, .userdata = f };
        int fds[2];

        *f = (Fixture) {};
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        f->peer = fds[1];
        assert_int_equal((agent ? qmp_new_agent : qmp_new)(f->event, fds[0], &handlers, &f->qmp), 0);
}

static void setup(Fixture *f) {
        setup_kind(f, false);
}

static void teardown(Fixture *f) {
        qmp_free(f->qmp);
        safe_close(f->peer);
        sd_event_unref(f->event);
        free(f->reply);
        free(f->event_name);
}

/* Runs the loop while there is something to do. */
static void settle(Fixture *f) {
        int r;

        while ((r = sd_event_run(f->event, 0)) > 0)
                ;
        assert_int_equal(r, 0);
}

/* Runs the loop until *COUNT has grown to N. */
static void run_until(Fixture *f, const unsigned *count, unsigned n) {
        for (unsigned i = 0; *count < n; i++) {
                assert_true(i < 100000);
                int r = sd_event_run(f->event, 10 * SECOND);
                assert_true(r > 0);
        }
}

static void peer_send_n(Fixture *f, const void *data, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n = send(f->peer, (const char *) data + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0 && errno == EAGAIN && f->qmp && f->n_closed == 0) {
                        settle(f);
                        continue;
                }
                if (n < 0)
                        return;
                done += (size_t) n;
        }
}

static void peer_send(Fixture *f, const char *s) {
        peer_send_n(f, s, strlen(s));
}

/* The next command the client has sent, as an object; the caller's. Leading 0xff bytes are counted. */
static json_object *peer_receive(Fixture *f, unsigned *ret_resets) {
        unsigned resets = 0;

        for (;;) {
                char *end = memchr(f->received, '\n', f->n_received);
                if (!end) {
                        settle(f);
                        ssize_t n = recv(f->peer, f->received + f->n_received, sizeof(f->received) - f->n_received,
                                         MSG_DONTWAIT);
                        assert_true(n > 0);
                        f->n_received += (size_t) n;
                        continue;
                }
                *end = 0;
                char *p = f->received;
                for (; (unsigned char) *p == 0xff; p++)
                        resets++;
                json_object *o = json_tokener_parse(p);
                assert_non_null(o);
                f->n_received -= (size_t) (end + 1 - f->received);
                memmove(f->received, end + 1, f->n_received);
                if (ret_resets)
                        *ret_resets = resets;
                return o;
        }
}

static const char *get(json_object *o, const char *key) {
        json_object *v;

        return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : NULL;
}

/* Answers the next command with MEMBER ("\"return\": {}"). */
static void peer_answer(Fixture *f, const char *member) {
        json_object *o = peer_receive(f, NULL);
        _cleanup_free_ char *s = strf("{%s, \"id\": \"%s\"}\r\n", member, get(o, "id"));

        peer_send(f, s);
        json_object_put(o);
}

static void negotiate(Fixture *f) {
        assert_int_equal(qmp_negotiate(f->qmp, 10 * SECOND, on_reply, f), 0);
        peer_answer(f, "\"return\": {}");
        run_until(f, &f->n_replies, 1);
        assert_int_equal(f->result, 0);
        assert_true(qmp_is_ready(f->qmp));
        f->n_replies = 0;
}

static int call(Fixture *f, const char *command) {
        return qmp_call(f->qmp, command, NULL, -1, 10 * SECOND, on_reply, f);
}

static void test_greeting_and_reply(void **state) {
        Fixture f;
        unsigned resets;

        setup(&f);
        assert_int_equal(call(&f, "query-status"), -ENOTCONN);
        peer_send(&f, "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n");
        assert_int_equal(qmp_negotiate(f.qmp, 10 * SECOND, on_reply, &f), 0);
        json_object *o = peer_receive(&f, &resets);
        assert_int_equal(resets, 1);
        assert_string_equal(get(o, "execute"), "qmp_capabilities");
        peer_send(&f, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\r\n");
        _cleanup_free_ char *s = strf("{\"return\": {}, \"id\": \"%s\"}\r\n", get(o, "id"));
        peer_send(&f, s);
        json_object_put(o);
        run_until(&f, &f.n_replies, 1);
        assert_int_equal(f.result, 0);

        json_object *arguments = json_object_new_object();
        json_object_object_add(arguments, "a", json_object_new_string("\"\n\xc3\xa9"));
        assert_int_equal(qmp_call(f.qmp, "x", arguments, -1, SECOND, on_reply, &f), 0);
        o = peer_receive(&f, &resets);
        assert_int_equal(resets, 0);
        assert_string_equal(get(json_object_object_get(o, "arguments"), "a"), "\"\n\xc3\xa9");
        s = mfree(s);
        s = strf("{\"id\": \"%s\", \"return\": [1, 2]}\n", get(o, "id"));
        json_object_put(o);
        /* One byte at a time. */
        for (char *p = s; *p; p++) {
                assert_int_equal(f.n_replies, 1);
                peer_send_n(&f, p, 1);
                settle(&f);
        }
        assert_int_equal(f.n_replies, 2);
        assert_string_equal(f.reply, "[1,2]");
        teardown(&f);
}

/* An earlier client was killed: half a line, its replies, events nobody has read, and no greeting. */
static void test_takes_over(void **state) {
        Fixture f;

        setup(&f);
        peer_send(&f, "us\": \"running\"}, \"id\": \"vmunit-0-1\"}\r\n{\"return\": 7, \"id\": \"vmunit-0-2\"}\r\n"
                      "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}\r\n");
        assert_int_equal(qmp_negotiate(f.qmp, 10 * SECOND, on_reply, &f), 0);
        settle(&f);
        assert_int_equal(f.n_events, 1);
        assert_string_equal(f.event_name, "SHUTDOWN");
        assert_int_equal(f.n_replies, 0);
        peer_answer(&f, "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"already complete\"}");
        run_until(&f, &f.n_replies, 1);
        assert_int_equal(f.result, 1);
        assert_int_equal(call(&f, "query-status"), 0);
        peer_send(&f, "{\"return\": 7, \"id\": \"vmunit-0-3\"}\r\n{\"return\": 8, \"id\": 3}\r\n{\"return\": 9}\r\n");
        settle(&f);
        assert_int_equal(f.n_replies, 1);
        peer_answer(&f, "\"return\": 10");
        run_until(&f, &f.n_replies, 2);
        assert_string_equal(f.reply, "10");
        teardown(&f);
}

static void test_refused(void **state) {
        Fixture f;

        setup(&f);
        assert_int_equal(qmp_negotiate(f.qmp, 10 * SECOND, on_reply, &f), 0);
        peer_answer(&f, "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}");
        run_until(&f, &f.n_replies, 1);
        assert_int_equal(f.result, -EREMOTEIO);
        assert_false(qmp_is_ready(f.qmp));
        f.n_replies = 0;
        negotiate(&f);
        assert_int_equal(call(&f, "cont"), 0);
        peer_answer(&f, "\"error\": {\"class\": \"GenericError\", \"desc\": \"lock\"}");
        run_until(&f, &f.n_replies, 1);
        assert_int_equal(f.result, -EREMOTEIO);
        assert_string_equal(f.reply, "{\"class\":\"GenericError\",\"desc\":\"lock\"}");
        json_object *o = json_tokener_parse(f.reply);
        assert_string_equal(qmp_error_text(o), "lock");
        json_object_put(o);
        assert_string_equal(qmp_error_text(NULL), "no reason given");
        teardown(&f);
}

static void test_time_limit(void **state) {
        Fixture f;

        setup(&f);
        negotiate(&f);
        assert_int_equal(qmp_call(f.qmp, "slow", NULL, -1, 1000, on_reply, &f), 0);
        run_until(&f, &f.n_replies, 1);
        assert_int_equal(f.result, -ETIMEDOUT);
        /* The late reply is dropped, the next one is not mistaken for it. */
        assert_int_equal(call(&f, "next"), 0);
        peer_answer(&f, "\"return\": \"late\"");
        settle(&f);
        assert_int_equal(f.n_replies, 1);
        peer_answer(&f, "\"return\": \"next\"");
        run_until(&f, &f.n_replies, 2);
        assert_string_equal(f.reply, "\"next\"");
        teardown(&f);
}

static void test_limits_of_output(void **state) {
        Fixture f;
        unsigned n;

        setup(&f);
        negotiate(&f);
        for (n = 0; n < QMP_PENDING_MAX; n++)
                assert_int_equal(call(&f, "x"), 0);
        assert_int_equal(call(&f, "x"), -EBUSY);
        for (n = 0; n < QMP_PENDING_MAX; n++)
                peer_answer(&f, "\"return\": {}");
        run_until(&f, &f.n_replies, QMP_PENDING_MAX);

        /* A peer that does not read. */
        size_t size = QMP_OUTPUT_MAX / 3;
        char *big = calloc(1, size + 1);
        assert_non_null(big);
        memset(big, 'x', size);
        int r = 0;
        for (n = 0; n < 10 && r == 0; n++) {
                json_object *o = json_object_new_object();
                json_object_object_add(o, "a", json_object_new_string(big));
                r = qmp_call(f.qmp, "x", o, -1, 10 * SECOND, on_reply, &f);
        }
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(n, 4);
        free(big);
        teardown(&f);
}

/* A command that goes out in pieces arrives whole. */
static void test_partial_writes(void **state) {
        Fixture f;
        Text t = {};

        setup(&f);
        negotiate(&f);
        for (unsigned i = 0; i < 300000; i++)
                text_appendf(&t, "%u,", i);
        json_object *o = json_object_new_object();
        json_object_object_add(o, "a", json_object_new_string(t.data));
        assert_int_equal(qmp_call(f.qmp, "x", o, -1, 10 * SECOND, on_reply, &f), 0);
        enum { PIECE = 7001, MORE = 1000 };
        char *all = calloc(1, t.length + MORE + PIECE);
        size_t n = 0;
        while (n == 0 || all[n - 1] != '\n') {
                settle(&f);
                ssize_t k = recv(f.peer, all + n, PIECE, MSG_DONTWAIT);
                assert_true(k > 0);
                n += (size_t) k;
                assert_true(n < t.length + MORE);
        }
        o = json_tokener_parse(all);
        assert_string_equal(get(json_object_object_get(o, "arguments"), "a"), t.data);
        json_object_put(o);
        free(all);
        text_done(&t);
        teardown(&f);
}

static void test_passes_fd(void **state) {
        Fixture f;
        char buffer[1024], space[CMSG_SPACE(sizeof(int))] = {};
        struct iovec iov = { buffer, sizeof(buffer) };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
        int fd, p[2];

        setup(&f);
        negotiate(&f);
        assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(qmp_call(f.qmp, "getfd", NULL, p[1], SECOND, on_reply, &f), 0);
        safe_close(p[1]); /* ours was copied or sent */
        settle(&f);
        assert_true(recvmsg(f.peer, &mh, MSG_DONTWAIT) > 0);
        struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
        assert_non_null(c);
        assert_int_equal(c->cmsg_type, SCM_RIGHTS);
        memcpy(&fd, CMSG_DATA(c), sizeof(int));
        assert_int_equal(write(fd, "x", 1), 1);
        assert_int_equal(read(p[0], buffer, 1), 1);
        safe_close(fd);
        assert_int_equal(read(p[0], buffer, 1), 0); /* nobody else has kept one */
        safe_close(p[0]);
        teardown(&f);
}

static char *nested(unsigned depth) {
        char *s = malloc(2 * depth + 64);
        char *p = stpcpy(s, "{\"event\": \"X\", \"data\": {\"a\": ");
        memset(p, '[', depth);
        memset(p + depth, ']', depth);
        strcpy(p + 2 * depth, "}}\n");
        return s;
}

static void test_breaches(void **state) {
        static const char *const lines[] = {
                "garbage\n", "{\"return\": }\n", "[]\n", "1\n", "{}\n", "\"x\"\n", "{\"event\": 7}\n",
                "{\"event\": null}\n", "{\"QMP\": []}\n", "{\"error\": \"x\"}\n", "{\"event\": \"X\"} {}\n",
                "{\"event\": \"\xc3(\"}\n", "{'event': 'X'}\n",
        };
        Fixture f;

        FOREACH_ARRAY(l, lines, ELEMENTSOF(lines)) {
                setup(&f);
                negotiate(&f);
                assert_int_equal(call(&f, "x"), 0);
                peer_send(&f, *l);
                run_until(&f, &f.n_closed, 1);
                assert_int_equal(f.closed, -EBADMSG);
                assert_int_equal(f.n_replies, 1);
                assert_int_equal(f.result, -EBADMSG);
                assert_int_equal(call(&f, "x"), -ENOTCONN);
                assert_int_equal(qmp_negotiate(f.qmp, SECOND, on_reply, &f), -ENOTCONN);
                teardown(&f);
        }
        for (unsigned depth = QMP_DEPTH_MAX - 1; depth < 200000; depth *= 20) {
                char *s = nested(depth);
                setup(&f);
                negotiate(&f);
                peer_send(&f, s);
                free(s);
                run_until(&f, &f.n_closed, 1);
                assert_int_equal(f.closed, -EBADMSG);
                teardown(&f);
        }
        /* One less is allowed. */
        char *s = nested(QMP_DEPTH_MAX - 2);
        setup(&f);
        negotiate(&f);
        peer_send(&f, s);
        free(s);
        run_until(&f, &f.n_events, 1);
        teardown(&f);
}

/* Sends a line of SIZE bytes with the newline. */
static void send_long(Fixture *f, size_t size) {
        const char *begin = "{\"event\": \"", *end = "\"}\n";
        size_t n = size - strlen(begin) - strlen(end);
        char *filler = malloc(n);

        memset(filler, 'x', n);
        peer_send(f, begin);
        peer_send_n(f, filler, n);
        peer_send(f, end);
        free(filler);
}

static void test_long_lines(void **state) {
        Fixture f;

        setup(&f);
        negotiate(&f);
        send_long(&f, QMP_MESSAGE_MAX - 1024);
        run_until(&f, &f.n_events, 1);
        peer_send(&f, "{\"event\": \"SHORT\"}\n");
        run_until(&f, &f.n_events, 2);
        assert_string_equal(f.event_name, "SHORT");
        send_long(&f, QMP_MESSAGE_MAX + 65536);
        run_until(&f, &f.n_closed, 1);
        assert_int_equal(f.closed, -EBADMSG);
        teardown(&f);
}

/* A flood of events neither grows anything nor keeps other sources from their turn. */
static int on_tick(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

static void test_flood(void **state) {
        sd_event_source *tick = NULL; /* of a descriptor that always has something */
        int ready = eventfd(1, EFD_CLOEXEC);
        unsigned ticks = 0;
        Text t = {};
        Fixture f;

        setup(&f);
        negotiate(&f);
        for (unsigned i = 0; i < 20000; i++)
                text_append(&t, "{\"event\": \"RTC_CHANGE\", \"data\": {\"offset\": 1}}\r\n");
        assert_int_equal(sd_event_add_io(f.event, &tick, ready, EPOLLIN, on_tick, &ticks), 0);
        for (size_t done = 0; done < t.length;) {
                ssize_t n = send(f.peer, t.data + done, t.length - done, MSG_DONTWAIT);
                if (n > 0)
                        done += (size_t) n;
                assert_true(sd_event_run(f.event, 0) >= 0);
        }
        while (f.n_events < 20000)
                assert_true(sd_event_run(f.event, SECOND) > 0);
        assert_true(ticks >= t.length / 65536);
        sd_event_source_disable_unref(tick);
        safe_close(ready);
        text_done(&t);
        teardown(&f);
}

static void test_end(void **state) {
        Fixture f;

        setup(&f);
        negotiate(&f);
        assert_int_equal(call(&f, "quit"), 0);
        peer_send(&f, "{\"event\": \"SHUTDOWN\", \"data\": {}}\r\n");
        f.peer = safe_close(f.peer); /* with our command unread: a reset instead of an end */
        run_until(&f, &f.n_closed, 1);
        assert_int_equal(f.n_events, 1);
        assert_int_equal(f.closed, -ECONNRESET);
        assert_int_equal(f.n_replies, 1);
        assert_int_equal(f.result, -ECONNRESET);
        settle(&f);
        assert_int_equal(f.n_closed, 1);
        teardown(&f);
}

static void test_free_in_callbacks(void **state) {
        Fixture f;

        setup(&f);
        negotiate(&f);
        assert_int_equal(call(&f, "x"), 0);
        assert_int_equal(call(&f, "y"), 0);
        f.free_in_callback = true;
        peer_answer(&f, "\"return\": {}");
        peer_send(&f, "{\"event\": \"X\"}\n");
        settle(&f);
        assert_null(f.qmp);
        assert_int_equal(f.n_replies, 1);
        assert_int_equal(f.n_events, 0);
        teardown(&f);

        setup(&f);
        f.free_in_callback = true;
        peer_send(&f, "{\"event\": \"X\"}\n{\"event\": \"Y\"}\n");
        settle(&f);
        assert_null(f.qmp);
        assert_int_equal(f.n_events, 1);
        teardown(&f);

        setup(&f);
        negotiate(&f);
        assert_int_equal(call(&f, "x"), 0);
        assert_int_equal(call(&f, "y"), 0);
        f.free_in_callback = true;
        f.peer = safe_close(f.peer);
        settle(&f);
        assert_null(f.qmp);
        assert_int_equal(f.n_replies, 1);
        assert_int_equal(f.n_closed, 0);
        teardown(&f);

        setup(&f);
        negotiate(&f);
        assert_int_equal(qmp_call(f.qmp, "x", NULL, -1, 1000, on_reply, &f), 0);
        f.free_in_callback = true;
        run_until(&f, &f.n_replies, 1);
        assert_null(f.qmp);
        teardown(&f);
}

/* --- guest agent -------------------------------------------------------------------------------------- */

static void synchronise(Fixture *f) {
        unsigned resets;

        assert_int_equal(qmp_negotiate_agent(f->qmp, 10 * SECOND, on_reply, f), 0);
        json_object *o = peer_receive(f, &resets);
        assert_int_equal(resets, 1);
        assert_string_equal(get(o, "execute"), "guest-sync-delimited");
        assert_null(get(o, "id"));
        const char *id = get(json_object_object_get(o, "arguments"), "id");
        /* What is in the way: the rest of an answer, an answer to something else, another number. */
        _cleanup_free_ char *s = strf("alf an answer\"}\n{\"return\": {}}\n\xff{\"return\": 99999}\nx\xff{\"return\": %s}\n",
                                      id);
        json_object_put(o);
        peer_send(f, s);
        run_until(f, &f->n_replies, 1);
        assert_int_equal(f->result, 0);
        f->n_replies = 0;
}

static void test_agent(void **state) {
        Fixture f;

        setup_kind(&f, true);
        assert_int_equal(qmp_call(f.qmp, "guest-ping", NULL, -1, SECOND, on_reply, &f), -ENOTCONN);
        synchronise(&f);
        assert_int_equal(call(&f, "guest-ping"), 0);
        assert_int_equal(call(&f, "guest-ping"), -EBUSY);
        json_object_put(peer_receive(&f, NULL));
        peer_send(&f, "{\"return\": {}}\n");
        run_until(&f, &f.n_replies, 1);
        assert_string_equal(f.reply, "{}");

        /* After a lost answer nothing is believed before the next synchronisation. */
        assert_int_equal(qmp_call(f.qmp, "guest-shutdown", NULL, -1, 1000, on_reply, &f), 0);
        json_object_put(peer_receive(&f, NULL));
        run_until(&f, &f.n_replies, 2);
        assert_int_equal(f.result, -ETIMEDOUT);
        assert_int_equal(call(&f, "guest-ping"), -ENOTCONN);
        peer_send(&f, "{\"return\": \"late\"}\n");
        f.n_replies = 0;
        synchronise(&f);

        /* Garbage ends the command, not the connection; so does a line without end. */
        assert_int_equal(call(&f, "guest-ping"), 0);
        json_object_put(peer_receive(&f, NULL));
        peer_send(&f, "garbage\n");
        run_until(&f, &f.n_replies, 1);
        assert_int_equal(f.result, -EBADMSG);
        f.n_replies = 0;
        synchronise(&f);
        assert_int_equal(call(&f, "guest-ping"), 0);
        json_object_put(peer_receive(&f, NULL));
        send_long(&f, 3 * QMP_AGENT_MESSAGE_MAX);
        peer_send(&f, "{\"return\": 5}\n");
        run_until(&f, &f.n_replies, 1);
        assert_string_equal(f.reply, "5");
        assert_int_equal(f.n_closed, 0);
        teardown(&f);
}

/* Nobody asked the guest: what it writes stays where it is. */
static void test_agent_unasked(void **state) {
        char block[4096];
        Fixture f;
        ssize_t n;

        setup_kind(&f, true);
        memset(block, 'x', sizeof(block));
        while ((n = send(f.peer, block, sizeof(block), MSG_DONTWAIT)) > 0)
                settle(&f);
        assert_int_equal(errno, EAGAIN);
        settle(&f);
        assert_int_equal(send(f.peer, block, sizeof(block), MSG_DONTWAIT), -1);
        teardown(&f);
}

/* --- the real thing ----------------------------------------------------------------------------------- */

static void answer_of(Fixture *f, const char *command, json_object *arguments, int result) {
        unsigned n = f->n_replies;

        assert_int_equal(qmp_call(f->qmp, command, arguments, -1, 30 * SECOND, on_reply, f), 0);
        run_until(f, &f->n_replies, n + 1);
        assert_int_equal(f->result, result);
}

static void connect_qemu(Fixture *f, int fd, int expected) {
        QmpHandlers handlers = { .event = on_event, .closed = on_closed, .userdata = f };

        assert_int_equal(qmp_new(f->event, fcntl(fd, F_DUPFD_CLOEXEC, 3), &handlers, &f->qmp), 0);
        f->n_replies = 0;
        assert_int_equal(qmp_negotiate(f->qmp, 60 * SECOND, on_reply, f), 0);
        run_until(f, &f->n_replies, 1);
        assert_int_equal(f->result, expected);
}

static void test_real_qemu(void **state) {
        static const char *const remains[] = {
                "", "{\"execute\": \"query-st", "{\"execute\":", "{\"execute\": \"query-status\", \"id\": \"vmunit-0-1\"}",
                "{\"execute\": \"query-status\", \"arguments\": {\"a\": [[[", "\"", "{\"execute\": \"\\",
        };
        Fixture f = { .peer = -EBADF };
        char number[32];
        int fds[2];

        if (access(QEMU, X_OK) < 0) {
                print_message("%s is not installed\n", QEMU);
                skip();
        }
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
                (void) fcntl(fds[1], F_SETFD, 0);
                (void) snprintf(number, sizeof(number), "socket,id=m,fd=%d", fds[1]);
                execl(QEMU, QEMU, "-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", "none", "-chardev",
                      number, "-mon", "chardev=m,mode=control", NULL);
                _exit(127);
        }
        assert_true(pid > 0);
        safe_close(fds[1]);
        assert_int_equal(sd_event_new(&f.event), 0);
        connect_qemu(&f, fds[0], 0);
        for (size_t i = 0; i < ELEMENTSOF(remains); i++) {
                /* The client dies in the middle of a command; the next one gets along all the same. */
                f.qmp = qmp_free(f.qmp);
                assert_int_equal(write(fds[0], remains[i], strlen(remains[i])), strlen(remains[i]));
                connect_qemu(&f, fds[0], 1);
                answer_of(&f, "query-status", NULL, 0);
                assert_non_null(strstr(f.reply, "\"status\":\"prelaunch\""));
        }
        answer_of(&f, "no-such-command", NULL, -EREMOTEIO);
        answer_of(&f, "query-qmp-schema", NULL, 0);
        assert_true(strlen(f.reply) > 100000);
        assert_int_equal(call(&f, "quit"), 0);
        safe_close(fds[0]);
        run_until(&f, &f.n_closed, 1);
        assert_int_equal(f.closed, -ECONNRESET);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        teardown(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_greeting_and_reply), cmocka_unit_test(test_takes_over),
                cmocka_unit_test(test_refused),            cmocka_unit_test(test_time_limit),
                cmocka_unit_test(test_limits_of_output),   cmocka_unit_test(test_partial_writes),
                cmocka_unit_test(test_passes_fd),          cmocka_unit_test(test_breaches),
                cmocka_unit_test(test_long_lines),         cmocka_unit_test(test_flood),
                cmocka_unit_test(test_end),                cmocka_unit_test(test_free_in_callbacks),
                cmocka_unit_test(test_agent),              cmocka_unit_test(test_agent_unasked),
                cmocka_unit_test(test_real_qemu),
        };
        return cmocka_run_group_tests_name("qmp", tests, NULL, NULL);
}
