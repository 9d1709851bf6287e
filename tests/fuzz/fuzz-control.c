/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "control-server.h"
#include "fuzz.h"
#include "monitor.h"
#include "string-util.h"
#include "text.h"
#include "thread-plan.h"

/* What comes over a VM's control socket. The first byte of the input says what the rest is: bytes as they are, with or
 * without an authentication before, or calls in words: a byte that chooses the method, one that chooses the kinds of the
 * arguments, one for the length of the text that follows. And whether answers come at once, or when the client has gone,
 * or the server. */
enum { RAW = 1, UNAUTHENTICATED = 2, LATE = 4, AFTER_SERVER = 8 };

#define PENDING_MAX 64U

typedef struct Target {
        uint8_t mode;
        ControlRequest *pending[PENDING_MAX];
        size_t n_pending;
        unsigned n_requests;
} Target;

static void answer(ControlRequest *r) {
        static const ControlThreadReply threads[] = { { "vcpu", 0, 1, "0-3" } };
        static const char *const consoles[][2] = { { "serial0", "/dev/pts/1" } };
        ThreadSetting *settings = NULL;
        json_object *o;
        size_t n = 0;

        switch (r->method) {
        case CONTROL_QMP:
        case CONTROL_AGENT:
                /* Answers by itself when it is no command. */
                o = monitor_parse_command(r);
                if (o)
                        control_reply_text(r, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
                json_object_put(o);
                break;
        case CONTROL_SET_THREADS:
                if (thread_settings_from_json(r->text, strlen(r->text), &settings, &n) < 0)
                        control_reply_error(r, SD_BUS_ERROR_INVALID_ARGS, "not a list: %s", r->text);
                else
                        control_reply(r);
                free(settings);
                break;
        case CONTROL_OPEN_CONSOLE:
                must(r->text, "no alias");
                if (r->force)
                        control_reply_fd(r, STDERR_FILENO);
                else
                        control_reply_error(r, CONTROL_ERROR_NOT_FOUND, "no console '%s'", r->text);
                break;
        case CONTROL_GET_STATE:
                control_reply_state(r, STATE_RUNNING, REASON_BOOTED);
                break;
        case CONTROL_SUBSCRIBE: {
                ControlServer *server = r->server;
                (void) control_subscribe(r);
                control_reply_state(r, STATE_RUNNING, REASON_BOOTED);
                for (unsigned i = 0; server && i < 3; i++)
                        control_server_event(server, "RESET", i, i > 0 ? "{}" : "");
                break;
        }
        case CONTROL_GET_CONSOLES:
                control_reply_consoles(r, consoles, ELEMENTSOF(consoles));
                break;
        case CONTROL_GET_THREADS:
                control_reply_threads(r, threads, ELEMENTSOF(threads));
                break;
        default:
                must(r->method > 0 && r->method < _CONTROL_METHOD_MAX, "method %d", (int) r->method);
                control_reply(r);
        }
}

static void on_request(ControlRequest *r, void *userdata) {
        Target *t = userdata;

        t->n_requests++;
        if (t->mode & LATE && t->n_pending < PENDING_MAX)
                t->pending[t->n_pending++] = r;
        else
                answer(r);
}

static void answer_pending(Target *t) {
        for (size_t i = 0; i < t->n_pending; i++)
                answer(t->pending[i]);
        t->n_pending = 0;
}

/* --- messages in words --- */

static const char *const members[] = {
        "GetState", "Suspend", "Resume", "Shutdown", "Reboot", "Reset", "OpenConsole", "GetConsoles", "Qmp", "Agent",
        "SetThreads", "GetThreads", "Unplug", "AgentWithin", "QmpWithFd", "Introspect", "GetAll", "Ping", "Hello", "Nothing", "Subscribe",
};

static void align(Text *t, size_t start, size_t to) {
        while ((t->length - start) % to != 0)
                text_append_n(t, "", 1);
}

static void number(Text *t, uint32_t v) {
        text_append_n(t, (const char *) &v, sizeof(v));
}

static void string(Text *t, const char *s, size_t size) {
        number(t, (uint32_t) size);
        text_append_n(t, s, size);
        text_append_n(t, "", 1);
}

static void field(Text *t, size_t start, char code, const char *type, const char *value) {
        align(t, start, 8);
        text_append_n(t, &code, 1);
        text_append_n(t, "\1", 1);
        text_append_n(t, type, 2);
        string(t, value, strlen(value));
}

static void message(Text *t, uint32_t serial, uint8_t member, uint8_t kind, const char *s, size_t size) {
        static const char *const signatures[] = { "s", "sb", "", "ss", "v" };
        const char *signature = signatures[kind % ELEMENTSOF(signatures)];
        const char *name = members[member % ELEMENTSOF(members)];
        bool other = streq(name, "Introspect") || streq(name, "Ping");
        _cleanup_text_ Text body = {}, fields = {};

        if (streq(signature, "v"))
                text_append_n(&body, "\1s\0", 4);
        for (const char *c = signature; *c; c++) {
                align(&body, 0, 4);
                if (*c == 'b')
                        number(&body, kind >> 7);
                else
                        string(&body, s, size);
        }
        field(&fields, 0, 1, "o", kind & 64 ? "/" : CONTROL_PATH);
        field(&fields, 0, 2, "s", other ? "org.freedesktop.DBus.Peer" : streq(name, "GetAll") ? "org.freedesktop.DBus.Properties" : CONTROL_INTERFACE);
        field(&fields, 0, 3, "s", name);
        if (*signature) {
                align(&fields, 0, 8);
                text_append_n(&fields, "\10\1g\0", 4);
                char length = (char) strlen(signature);
                text_append_n(&fields, &length, 1);
                text_append_n(&fields, signature, strlen(signature) + 1);
        }
        size_t start = t->length;
        text_append_n(t, "l\1\0\1", 4);
        number(t, (uint32_t) body.length);
        number(t, serial);
        number(t, (uint32_t) fields.length);
        text_append_n(t, fields.data, fields.length);
        align(t, start, 8);
        if (body.length > 0)
                text_append_n(t, body.data, body.length);
}

static void messages(Text *t, const uint8_t *data, size_t size) {
        for (uint32_t serial = 1; size >= 3; serial++) {
                size_t n = MIN((size_t) data[2], size - 3);
                message(t, serial, data[0], data[1], (const char *) data + 3, n);
                data += 3 + n;
                size -= 3 + n;
        }
}

/* --- */

static void run(sd_event *e) {
        while (sd_event_run(e, 0) > 0)
                ;
}

static void send_all(sd_event *e, int fd, const char *data, size_t size) {
        char sink[4096];

        for (unsigned idle = 0; size > 0 && idle < 3;) {
                ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0 && errno != EAGAIN)
                        return;
                if (n > 0) {
                        data += n;
                        size -= (size_t) n;
                        idle = 0;
                } else
                        idle++;
                run(e);
                while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                        ;
        }
}

/* The one listening socket, which is connected to anew each time. */
static int listener(struct sockaddr_un *sa) {
        static struct sockaddr_un address = { .sun_family = AF_UNIX };
        static int fd = -EBADF;

        if (fd < 0) {
                (void) snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fuzz-control-%d", (int) getpid());
                (void) unlink(address.sun_path);
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                must(fd >= 0 && bind(fd, (struct sockaddr *) &address, sizeof(address)) >= 0 && listen(fd, 16) >= 0, "%m");
        }
        *sa = address;
        return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char authentication[] = "\0AUTH ANONYMOUS\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
        _cleanup_text_ Text text = {};
        ControlServer *server = NULL;
        struct sockaddr_un sa;
        sd_event *e = NULL;

        if (size < 1)
                return 0;
        Target t = { .mode = data[0] };
        int fd = listener(&sa), client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        must(client >= 0 && connect(client, (struct sockaddr *) &sa, sizeof(sa)) >= 0, "%m");
        must(sd_event_new(&e) >= 0 && control_server_new(e, fd, on_request, NULL, &t, &server) >= 0, "no server");

        if (!(t.mode & UNAUTHENTICATED))
                text_append_n(&text, authentication, sizeof(authentication) - 1);
        if (t.mode & RAW)
                text_append_n(&text, (const char *) data + 1, size - 1);
        else
                messages(&text, data + 1, size - 1);
        send_all(e, client, text.data, text.length);
        run(e);
        control_server_state_changed(server, STATE_PAUSED, REASON_USER);
        (void) close(client);
        run(e);
        if (!(t.mode & AFTER_SERVER))
                answer_pending(&t);
        control_server_free(server);
        answer_pending(&t);
        sd_event_unref(e);
        return 0;
}
