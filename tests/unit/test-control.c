/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "control-client.h"
#include "control-events.h"
#include "control-server.h"
#include "file-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define SECOND UINT64_C(1000000)
#define LIMIT (20 * SECOND)
#define BIG (5U * 1024U * 1024U)

static char directory[] = "/tmp/test-control-XXXXXX";
static char path[64];
static pid_t server_pid;

/* --- the server: a process with a handler that does something else for every call ----------------------- */

typedef struct Server {
        sd_event *event;
        ControlServer *control;
        ControlRequest *waiting[64];
        size_t n_waiting;
} Server;

static int on_later(sd_event_source *s, uint64_t usec, void *userdata) {
        control_reply(userdata);
        return 0;
}

static void handle_qmp(Server *s, ControlRequest *r) {
        if (streq(r->text, "big")) {
                _cleanup_free_ char *big = calloc(1, BIG + 1);
                memset(big, 'b', BIG);
                control_reply_text(r, big);
        } else if (streq(r->text, "flood")) {
                for (unsigned i = 0; i < 100000; i++)
                        control_server_state_changed(s->control, STATE_PAUSED, REASON_IO_ERROR);
                control_reply_text(r, "flooded");
        } else if (streq(r->text, "events")) {
                _cleanup_free_ char *big = calloc(1, CONTROL_EVENT_DATA_MAX + 2);
                memset(big, 'b', CONTROL_EVENT_DATA_MAX + 1);
                control_server_event(s->control, "RESET", 5, "{\"guest\":true}");
                control_server_event(s->control, "", 5, "");
                control_server_event(s->control, "NO NAME", 5, "");
                control_server_event(s->control, "TOO_LONG", 5, big);
                control_server_event(s->control, "NO_TEXT", 5, "\xff");
                control_server_event(s->control, "STOP", 0, "");
                control_server_state_changed(s->control, STATE_PAUSED, REASON_GUEST_PANICKED);
                control_reply_text(r, control_server_has_subscribers(s->control) ? "told" : "nobody");
        } else if (startswith(r->text, "events ")) {
                /* Several MiB: the kernel keeps as much for a client. */
                for (unsigned i = 0, n = (unsigned) atoi(startswith(r->text, "events ")); i < n; i++)
                        control_server_event(s->control, "RESET", i, "{}");
                control_reply_text(r, "told");
        } else if (streq(r->text, "not text"))
                control_reply_text(r, "\xff");
        else if (streq(r->text, "answer all")) {
                while (s->n_waiting > 0)
                        control_reply(s->waiting[--s->n_waiting]);
                control_reply_text(r, "{}");
        } else if (streq(r->text, "refuse"))
                control_reply_error(r, CONTROL_ERROR_QEMU, "%s", "bad \n\x1b[2J\xff text");
        else
                control_reply_text(r, r->text);
}

static void handle(ControlRequest *r, void *userdata) {
        static const ControlThreadReply threads[] = { { "vcpu", 0, 4711, "0-1" }, { "emulator", 0, 4700, "3" } };
        static const char *const consoles[][2] = { { "serial0", "/dev/pts/3" }, { "console1", "" } };
        Server *s = userdata;
        int p[2];

        switch (r->method) {
        case CONTROL_GET_STATE:
                control_reply_state(r, STATE_PAUSED, REASON_GUEST_PANICKED);
                break;
        case CONTROL_SUBSCRIBE:
                if (control_subscribe(r) < 0)
                        control_reply_error(r, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many");
                else
                        control_reply_state(r, STATE_RUNNING, REASON_BOOTED);
                break;
        case CONTROL_SUSPEND:
                control_reply_error(r, CONTROL_ERROR_STATE, "domain is not running");
                break;
        case CONTROL_RESUME:
                s->waiting[s->n_waiting++] = r;
                break;
        case CONTROL_SHUTDOWN:
        case CONTROL_REBOOT:
                control_reply_error(r, CONTROL_ERROR_AGENT, "mode %u of %u", r->mode, r->method);
                break;
        case CONTROL_RESET:
                (void) sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC, 1000, 0, on_later, r);
                break;
        case CONTROL_OPEN_CONSOLE:
                if (streq(r->text, "busy") && !r->force) {
                        control_reply_error(r, CONTROL_ERROR_BUSY, "Active console session exists for this domain");
                        break;
                }
                control_server_console_taken(s->control, "serial0");
                if (pipe2(p, O_CLOEXEC) < 0)
                        abort();
                control_reply_fd(r, p[1]);
                if (write(p[1], "x", 1) != 1)
                        abort();
                safe_close(p[0]);
                safe_close(p[1]);
                break;
        case CONTROL_GET_CONSOLES:
                control_reply_consoles(r, consoles, 2);
                break;
        case CONTROL_QMP:
                handle_qmp(s, r);
                break;
        case CONTROL_SET_THREADS:
                if (streq(r->text, "[]"))
                        control_reply(r);
                else
                        control_reply_error(r, CONTROL_ERROR_QEMU, "<vcpupin vcpu='0'>: no");
                break;
        case CONTROL_UNPLUG:
                if (streq(r->text, "vcpu1"))
                        control_reply(r);
                else
                        control_reply_error(r, CONTROL_ERROR_GUEST, "kept");
                break;
        case CONTROL_GET_THREADS:
                control_reply_threads(r, threads, ELEMENTSOF(threads));
                break;
        default:
                abort();
        }
}

static int run_server(int fd) {
        Server s = {};

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sd_event_new(&s.event) < 0 || control_server_new(s.event, fd, handle, NULL, &s, &s.control) < 0)
                return 1;
        (void) sd_event_add_signal(s.event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL);
        (void) sd_event_loop(s.event);
        s.control = control_server_free(s.control);
        while (s.n_waiting > 0)
                control_reply(s.waiting[--s.n_waiting]);
        sd_event_unref(s.event);
        safe_close(fd);
        return 0;
}

static int group_setup(void **state) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/control", directory);
        strcpy(sa.sun_path, path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &sa, sizeof(sa)) < 0 || chmod(path, 0600) < 0 ||
            listen(fd, SOMAXCONN) < 0)
                return -1;
        server_pid = fork();
        if (server_pid == 0)
                _exit(run_server(fd));
        safe_close(fd);
        return server_pid > 0 ? 0 : -1;
}

static int group_teardown(void **state) {
        int status;

        (void) kill(server_pid, SIGTERM);
        (void) waitpid(server_pid, &status, 0);
        (void) unlink(path);
        (void) rmdir(directory);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static sd_bus *open_bus(void) {
        sd_bus *bus = NULL;

        assert_int_equal(control_open_path(path, &bus), 0);
        return bus;
}

static void close_bus(sd_bus *bus) {
        sd_bus_flush_close_unref(bus);
}

/* A call on a connection of its own: 0, or the error of opening it or of the call. Whether a server that turns us away
 * is noticed by the one or by the other is a matter of time. */
static int call_once(Diag *diag) {
        sd_bus *bus = NULL;

        int r = control_open_path(path, &bus);
        if (r < 0)
                return r;
        r = control_reset(bus, LIMIT, diag);
        sd_bus_close_unref(bus);
        return r;
}

/* --- tests -------------------------------------------------------------------------------------------- */

static void test_calls(void **state) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *text = NULL;
        sd_bus *bus = open_bus();
        ControlConsole *consoles;
        DomainReason reason;
        DomainState s;
        size_t n;

        assert_int_equal(control_get_state(bus, LIMIT, &diag, &s, &reason), 0);
        assert_int_equal(s, STATE_PAUSED);
        assert_int_equal(reason, REASON_GUEST_PANICKED);
        assert_int_equal(control_reset(bus, LIMIT, &diag), 0);
        assert_int_equal(control_get_consoles(bus, LIMIT, &diag, &consoles, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(consoles[0].alias, "serial0");
        assert_string_equal(consoles[0].device, "/dev/pts/3");
        assert_string_equal(consoles[1].device, "");
        control_consoles_free(consoles, n);
        ControlThread *threads;
        assert_int_equal(control_get_threads(bus, LIMIT, &diag, &threads, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(threads[0].kind, "vcpu");
        assert_int_equal(threads[0].tid, 4711);
        assert_string_equal(threads[0].cpus, "0-1");
        assert_string_equal(threads[1].kind, "emulator");
        control_threads_free(threads, n);
        assert_int_equal(control_set_threads(bus, "[]", LIMIT, &diag), 0);
        assert_int_equal(control_unplug(bus, "vcpu1", LIMIT, &diag), 0);
        assert_int_equal(control_qmp(bus, "{\"execute\": \"x\"}", LIMIT, &diag, &text), 0);
        assert_string_equal(text, "{\"execute\": \"x\"}");
        text = mfree(text);
        assert_int_equal(control_qmp(bus, "big", LIMIT, &diag, &text), 0);
        assert_int_equal(strlen(text), BIG);
        assert_int_equal(diag.n_entries, 0);
        close_bus(bus);
}

static void expect_error(Diag *diag, int r, int error, const char *text) {
        assert_int_equal(r, error);
        assert_string_equal(diag_first_error(diag), text);
        diag_done(diag);
        *diag = (Diag) {};
}

static void test_errors(void **state) {
        Diag d = {};
        char *text;
        sd_bus *bus = open_bus();

        expect_error(&d, control_suspend(bus, LIMIT, &d), -EINVAL,
                     "Requested operation is not valid: domain is not running");
        expect_error(&d, control_shutdown(bus, NULL, LIMIT, &d), -EHOSTDOWN, "mode 0 of 4");
        expect_error(&d, control_shutdown(bus, "acpi", LIMIT, &d), -EHOSTDOWN, "mode 1 of 4");
        expect_error(&d, control_reboot(bus, "agent", LIMIT, &d), -EHOSTDOWN, "mode 2 of 5");
        expect_error(&d, control_reboot(bus, "initctl", LIMIT, &d), -EINVAL,
                     "Unknown mode specifier 'initctl', expecting 'acpi' or 'agent'");
        expect_error(&d, control_qmp(bus, "refuse", LIMIT, &d, &text), -EREMOTEIO, "bad ??[2J? text");
        expect_error(&d, control_qmp(bus, "not text", LIMIT, &d, &text), -EREMOTEIO, "the answer is not valid text");
        expect_error(&d, control_resume(bus, 1000, &d), -ETIMEDOUT, "the VM's monitor did not answer in time");
        expect_error(&d, control_set_threads(bus, "[{}]", LIMIT, &d), -EREMOTEIO, "<vcpupin vcpu='0'>: no");
        expect_error(&d, control_unplug(bus, "vcpu2", LIMIT, &d), -ECANCELED, "kept");
        assert_int_equal(control_suspend(bus, LIMIT, NULL), -EINVAL);
        close_bus(bus);
        assert_int_equal(control_open_path("/nonexistent/control", &bus), -ENOENT);
        assert_int_equal(control_open("no such vm", &bus), -ENOENT);
}

static int on_taken(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        char **alias = userdata;
        const char *s;

        assert_true(sd_bus_message_read(m, "s", &s) > 0);
        assert_int_equal(free_and_strdup(alias, s), 0);
        return 0;
}

static void test_console(void **state) {
        _cleanup_free_ char *taken = NULL;
        Diag d = {};
        sd_bus *bus = open_bus(), *other = open_bus();
        struct stat st;
        int fd;

        assert_true(sd_bus_match_signal(other, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "ConsoleTaken", on_taken,
                                        &taken) >= 0);
        /* So that the server knows it before the signal is sent. */
        assert_int_equal(control_reset(other, LIMIT, NULL), 0);
        expect_error(&d, control_open_console(bus, "busy", false, LIMIT, &d, &fd), -EBUSY,
                     "Active console session exists for this domain");
        assert_int_equal(control_open_console(bus, "busy", true, LIMIT, &d, &fd), 0);
        close_bus(bus);
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(S_ISFIFO(st.st_mode));
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        safe_close(fd);
        while (!taken) {
                int r = sd_bus_process(other, NULL);
                assert_true(r >= 0);
                if (r == 0)
                        assert_true(sd_bus_wait(other, LIMIT) > 0);
        }
        assert_string_equal(taken, "serial0");
        close_bus(other);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        unsigned *counts = userdata;

        counts[sd_bus_message_is_method_error(m, NULL) ? 1 : 0]++;
        return 0;
}

static void process_until(sd_bus *bus, const unsigned *count, unsigned n) {
        while (*count < n) {
                int r = sd_bus_process(bus, NULL);
                assert_true(r >= 0);
                if (r == 0)
                        assert_true(sd_bus_wait(bus, LIMIT) > 0);
        }
}

/* Calls wait side by side, up to a limit, and do not hold up others. */
static void test_asynchronous(void **state) {
        unsigned counts[2] = {};
        _cleanup_free_ char *text = NULL;
        sd_bus *bus = open_bus(), *other = open_bus();

        for (unsigned i = 0; i < CONTROL_REQUESTS_MAX + 3; i++)
                assert_true(sd_bus_call_method_async(bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "Resume", on_answer,
                                                     counts, NULL) >= 0);
        process_until(bus, counts + 1, 3);
        assert_int_equal(counts[0], 0);
        assert_int_equal(control_qmp(other, "answer all", LIMIT, NULL, &text), 0);
        process_until(bus, counts, CONTROL_REQUESTS_MAX);
        assert_int_equal(counts[1], 3);
        assert_int_equal(control_reset(bus, LIMIT, NULL), 0);
        close_bus(other);
        close_bus(bus);
}

/* A client that has gone while its call waits leaves nothing that hurts. */
static void test_gone(void **state) {
        _cleanup_free_ char *text = NULL;
        sd_bus *bus;

        for (unsigned i = 0; i < 10; i++) {
                bus = open_bus();
                assert_true(sd_bus_call_method_async(bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "Resume", NULL, NULL,
                                                     NULL) >= 0);
                assert_int_equal(control_reset(bus, LIMIT, NULL), 0);
                close_bus(bus);
        }
        bus = open_bus();
        assert_int_equal(control_qmp(bus, "answer all", LIMIT, NULL, &text), 0);
        close_bus(bus);
}

static void test_many_connections(void **state) {
        sd_bus *buses[CONTROL_CLIENTS_MAX];

        for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
                buses[i] = open_bus();
                assert_int_equal(control_reset(buses[i], LIMIT, NULL), 0);
        }
        assert_int_equal(call_once(NULL), -ECONNRESET);
        assert_int_equal(control_reset(buses[0], LIMIT, NULL), 0);
        for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
                close_bus(buses[i]);
        /* The server learns of it when it gets round to it. */
        for (unsigned i = 0; i < 1000; i++)
                if (call_once(NULL) == 0)
                        return;
        fail();
}

/* A client that does not read is dropped; others see nothing of it. */
static void test_does_not_read(void **state) {
        sd_bus *lazy = open_bus(), *bus;
        pid_t pid;
        int status;

        assert_int_equal(control_reset(lazy, LIMIT, NULL), 0);
        /* The one who asks for the flood does not read it either, and is dropped with the lazy one. */
        pid = fork();
        if (pid == 0) {
                char *text;
                bus = open_bus();
                (void) control_qmp(bus, "flood", LIMIT, NULL, &text);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        bus = open_bus();
        assert_int_equal(control_reset(bus, LIMIT, NULL), 0);
        close_bus(bus);
        assert_int_equal(control_reset(lazy, LIMIT, NULL), -ECONNRESET);
        sd_bus_close_unref(lazy);
}

typedef struct Heard {
        Text lines;
        unsigned n_events;
        bool agreed, gone, quiet;
        ControlEvents *events;
} Heard;

static void on_heard_state(DomainState state, DomainReason reason, bool agreed, void *userdata) {
        Heard *h = userdata;

        h->agreed = h->agreed || agreed;
        text_appendf(&h->lines, "%s%d/%d ", agreed ? "agreed " : "", state, reason);
}

static void on_heard_event(const char *name, uint64_t usec, const char *data, void *userdata) {
        Heard *h = userdata;

        assert_int_equal(h->quiet ? h->n_events : usec, usec);
        h->n_events++;
        if (!h->quiet)
                text_appendf(&h->lines, "%s %d %s ", name, (int) usec, data);
}

static void on_heard_gone(void *userdata) {
        Heard *h = userdata;

        h->gone = true;
        h->events = control_events_free(h->events);
}

static const ControlEventsHandlers heard_handlers = { on_heard_state, on_heard_event, on_heard_gone };

static void ask_for(const char *what, const char *expected) {
        _cleanup_free_ char *text = NULL;
        sd_bus *bus = open_bus();

        assert_int_equal(control_qmp(bus, what, LIMIT, NULL, &text), 0);
        assert_string_equal(text, expected);
        close_bus(bus);
}

/* What is told to subscribers, in its order; one that does not read is dropped, and what it has been sent is still there. */
static void test_subscription(void **state) {
        sd_event *event = NULL;
        Heard h = {};

        assert_int_equal(sd_event_new(&event), 0);
        ask_for("events", "nobody");
        /* Who may be about to subscribe hears it already. */
        sd_bus *silent = open_bus();
        ask_for("events", "told");
        sd_bus_close_unref(silent);
        assert_int_equal(control_events_open_path(event, path, &heard_handlers, &h, &h.events), 0);
        while (!h.agreed)
                assert_true(sd_event_run(event, LIMIT) >= 0);
        ask_for("events", "told");
        while (h.n_events < 2 || !strstr(h.lines.data, " 3/"))
                assert_true(sd_event_run(event, LIMIT) > 0);
        _cleanup_free_ char *expected = strf("agreed %d/%d RESET 5 {\"guest\":true} STOP 0  %d/%d ", STATE_RUNNING, REASON_BOOTED,
                                             STATE_PAUSED, REASON_GUEST_PANICKED);
        assert_string_equal(h.lines.data, expected);
        h.quiet = true;
        h.n_events = 0;
        ask_for("events 100000", "told");
        while (!h.gone)
                assert_true(sd_event_run(event, LIMIT) > 0);
        /* As many as the kernel and the server keep for it. */
        assert_in_range(h.n_events, 50, 99999);
        text_done(&h.lines);
        sd_event_unref(event);
}

/* One that comes while a guest makes events without end gets to its call all the same; what it has missed is not hidden
 * from it. */
static void test_flood_before_call(void **state) {
        sd_bus *slow = open_bus(), *late = open_bus();
        _cleanup_diag_ Diag diag = {};

        ask_for("events 40000", "told");
        assert_int_equal(control_reset(slow, LIMIT, NULL), 0);
        close_bus(slow);
        sd_bus_error error = SD_BUS_ERROR_NULL;
        assert_true(sd_bus_call_method(late, NULL, CONTROL_PATH, CONTROL_INTERFACE, "Subscribe", &error, NULL, NULL) < 0);
        assert_string_equal(error.name, SD_BUS_ERROR_LIMITS_EXCEEDED);
        sd_bus_error_free(&error);
        assert_int_equal(control_reset(late, LIMIT, &diag), 0);
        close_bus(late);
}

/* Subscribers stay, so they do not get all the room there is. */
static void test_many_subscribers(void **state) {
        Heard heard[CONTROL_SUBSCRIBERS_MAX + 1] = {};
        sd_event *event = NULL;

        assert_int_equal(sd_event_new(&event), 0);
        for (size_t i = 0; i < ELEMENTSOF(heard); i++) {
                Heard *h = heard + i;
                assert_int_equal(control_events_open_path(event, path, &heard_handlers, h, &h->events), 0);
                while (!h->agreed && !h->gone)
                        assert_true(sd_event_run(event, LIMIT) >= 0);
                assert_int_equal(h->gone, i == CONTROL_SUBSCRIBERS_MAX);
        }
        sd_bus *bus = open_bus();
        assert_int_equal(control_reset(bus, LIMIT, NULL), 0);
        close_bus(bus);
        FOREACH_ARRAY(h, heard, ELEMENTSOF(heard)) {
                control_events_free(h->events);
                text_done(&h->lines);
        }
        sd_event_unref(event);
}

static void test_peers(void **state) {
        assert_true(control_peer_allowed(0, 0));
        assert_true(control_peer_allowed(1000, 1000));
        assert_true(control_peer_allowed(0, 1000));
        assert_true(control_peer_allowed(65534, 65534)); /* root, unmapped, on both sides */
        assert_false(control_peer_allowed(65534, 0));
        assert_false(control_peer_allowed(1000, 0));

        /* For real: another uid, though the mode of the file would let it in. */
        int status;
        if (geteuid() != 0) {
                print_message("not root: the refusal of another uid is not tried\n");
                return;
        }
        assert_int_equal(chmod(directory, 0755), 0);
        assert_int_equal(chmod(path, 0666), 0);
        for (unsigned uid = 0; uid < 65534; uid += 65533) {
                pid_t pid = fork();
                if (pid == 0) {
                        if (setresuid(uid, uid, uid) < 0)
                                _exit(2);
                        /* Turned away by the server, that is, not by the file's mode or for want of it. */
                        int r = call_once(NULL);
                        _exit(r == 0 ? 0 : r == -ECONNRESET ? 1 : 3);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), uid == 0 ? 0 : 1);
        }
        assert_int_equal(chmod(path, 0600), 0);
}

static void test_busctl(void **state) {
        if (access("/usr/bin/busctl", X_OK) < 0) {
                print_message("busctl is not installed\n");
                skip();
        }
        _cleanup_free_ char *command = strf("busctl --address=unix:path=%s call org.vmunit %s %s GetState 2>&1", path,
                                            CONTROL_PATH, CONTROL_INTERFACE);
        char line[256] = {};
        FILE *f = popen(command, "r");
        assert_non_null(f);
        (void) !fgets(line, sizeof(line), f);
        assert_int_equal(pclose(f), 0);
        assert_string_equal(line, "ss \"paused\" \"crashed\"\n");
}

static void test_garbage(void **state) {
        static const char words[][24] = { "GET / HTTP/1.0\r\n\r\n", "\0AUTH EXTERNAL 30\r\n", "", "\0BEGIN\r\nxxxxxxxxxxxxxxxx" };
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        strcpy(sa.sun_path, path);
        FOREACH_ARRAY(w, words, ELEMENTSOF(words)) {
                int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_int_equal(connect(fd, (struct sockaddr *) &sa, sizeof(sa)), 0);
                (void) !send(fd, *w, sizeof(*w), MSG_NOSIGNAL);
                safe_close(fd);
        }
        sd_bus *bus = open_bus();
        assert_int_equal(control_reset(bus, LIMIT, NULL), 0);
        close_bus(bus);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_calls),       cmocka_unit_test(test_errors),
                cmocka_unit_test(test_console),     cmocka_unit_test(test_asynchronous),
                cmocka_unit_test(test_gone),        cmocka_unit_test(test_many_connections),
                cmocka_unit_test(test_subscription),
                cmocka_unit_test(test_many_subscribers),
                cmocka_unit_test(test_flood_before_call),
                cmocka_unit_test(test_does_not_read), cmocka_unit_test(test_peers),
                cmocka_unit_test(test_busctl),      cmocka_unit_test(test_garbage),
        };
        return cmocka_run_group_tests_name("control", tests, group_setup, group_teardown);
}
