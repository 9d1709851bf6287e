/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "control-client.h"
#include "control-events.h"
#include "domain-state.h"
#include "fake-qemu.h"
#include "monitor-protocol.h"
#include "string-util.h"
#include "test-directory.h"
#include "text.h"
#include "time-util.h"

/* vmunit-monitor as a process, between a QEMU (played, or real) and a supervisor (played). */

#define SECOND UINT64_C(1000000)
#define QEMU "/usr/bin/qemu-system-x86_64"

typedef struct Fixture {
        sd_event *event;
        FakeQemu qemu;
        int qmp;      /* the monitors' end */
        char directory[32], path[64];
        int control, plan, state, agent, agent_peer, vnc, cgroup, log, password;
        char vnc_path[64];
        const char *vnc_name; /* of the descriptor; NULL: "vnc-0" */

        pid_t monitor;
        int supervisor; /* our end */
        sd_event_source *supervisor_io, *child;
        unsigned n_monitors, n_exits;
        int exit_status; /* of the last monitor: of waitid() */
        bool no_restart;

        /* what the monitors said */
        unsigned counts[_MONITOR_MESSAGE_MAX];
        DomainState domain_state;
        DomainReason reason, ending;
        uint32_t hello, ending_patient;

        /* when to kill a monitor */
        unsigned kill_at;
        bool kill_answered;
        unsigned n_kills;
} Fixture;

static void start_monitor(Fixture *f);

static char *read_log(Fixture *f) {
        struct stat st;

        assert_int_equal(fstat(f->log, &st), 0);
        char *s = calloc(1, (size_t) st.st_size + 1);
        assert_non_null(s);
        assert_int_equal(pread(f->log, s, (size_t) st.st_size, 0), st.st_size);
        return s;
}

static void assert_logged(Fixture *f, const char *line) {
        _cleanup_free_ char *log = read_log(f);

        if (!strstr(log, line))
                fail_msg("not in the log: %s\n%s", line, log);
}

static void write_state(Fixture *f) {
        char line[DOMAIN_STATE_LINE];

        domain_state_format(f->domain_state, f->reason, line);
        assert_int_equal(pwrite(f->state, line, sizeof(line), 0), sizeof(line));
}

static int on_supervisor(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Fixture *f = userdata;
        MonitorMessage m;

        ssize_t n = recv(fd, &m, sizeof(m), MSG_DONTWAIT);
        if (n <= 0) {
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
                return 0;
        }
        assert_int_equal(n, sizeof(m));
        assert_true(m.type > 0 && m.type < _MONITOR_MESSAGE_MAX);
        f->counts[m.type]++;
        if (m.type == MONITOR_HELLO)
                f->hello = m.a;
        if (m.type == MONITOR_STATE) {
                f->domain_state = m.a;
                f->reason = m.b;
                write_state(f);
        }
        if (m.type == MONITOR_ENDING) {
                f->ending = m.b;
                f->ending_patient = m.a;
        }
        return 0;
}

static int on_child(sd_event_source *s, const siginfo_t *si, void *userdata) {
        Fixture *f = userdata;

        while (f->supervisor >= 0 && sd_event_source_get_enabled(f->supervisor_io, NULL) > 0)
                on_supervisor(f->supervisor_io, f->supervisor, EPOLLIN, f);
        f->n_exits++;
        f->exit_status = si->si_code == CLD_EXITED ? si->si_status : -si->si_status;
        f->monitor = 0;
        f->supervisor_io = sd_event_source_disable_unref(f->supervisor_io);
        f->supervisor = safe_close(f->supervisor);
        f->child = sd_event_source_disable_unref(f->child);
        if (!f->no_restart && f->qemu.fd >= 0)
                start_monitor(f);
        return 0;
}

static void exec_monitor(Fixture *f, int supervisor) {
        const int fds[] = { supervisor, f->qmp, f->plan, f->control, f->state, f->agent, f->vnc, f->cgroup, f->password };
        const char *const names[] = {
                "supervisor", "qmp", "plan", "control", "state", "agent", f->vnc_name ?: "vnc-0", "cgroup", "vnc-password",
        };
        char number[16], list[128] = "";
        int n = 0;

        if (dup2(f->log, STDERR_FILENO) < 0)
                _exit(89);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                if (fds[i] >= 0) {
                        if (fcntl(fds[i], F_DUPFD, 100) < 0) /* 100 + n: in the order of the names */
                                _exit(90);
                        (void) strcat(list, n > 0 ? ":" : "");
                        (void) strcat(list, names[i]);
                        n++;
                }
        for (int i = 0; i < n; i++)
                if (dup2(100 + i, 3 + i) < 0)
                        _exit(91);
        (void) close_range(3 + (unsigned) n, ~0U, 0);
        (void) snprintf(number, sizeof(number), "%d", (int) getpid());
        (void) setenv("LISTEN_PID", number, 1);
        (void) snprintf(number, sizeof(number), "%d", n);
        (void) setenv("LISTEN_FDS", number, 1);
        (void) setenv("LISTEN_FDNAMES", list, 1);
        (void) unsetenv("JOURNAL_STREAM");
        (void) sigprocmask(SIG_SETMASK, &(sigset_t) {}, NULL);
        const char *program = getenv("VMUNIT_MONITOR");
        (void) execl(program ?: VMUNIT_MONITOR, "vmunit-monitor", "web", NULL);
        _exit(127);
}

static void start_monitor(Fixture *f) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        f->monitor = fork();
        if (f->monitor == 0)
                exec_monitor(f, pair[1]);
        assert_true(f->monitor > 0);
        safe_close(pair[1]);
        f->supervisor = pair[0];
        f->n_monitors++;
        assert_true(sd_event_add_io(f->event, &f->supervisor_io, f->supervisor, EPOLLIN, on_supervisor, f) >= 0);
        assert_true(sd_event_add_child(f->event, &f->child, f->monitor, WEXITED, on_child, f) >= 0);
}

static void on_command(FakeQemu *q, bool answered, void *userdata) {
        Fixture *f = userdata;

        if (f->kill_at == 0 || answered != f->kill_answered || q->n_commands != f->kill_at || f->monitor == 0)
                return;
        f->kill_at = 0;
        f->n_kills++;
        assert_int_equal(kill(f->monitor, SIGKILL), 0);
}

static int listen_at(const char *path) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        strcpy(sa.sun_path, path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &sa, sizeof(sa)), 0);
        assert_int_equal(listen(fd, SOMAXCONN), 0);
        return fd;
}

#define PLAN_HEAD "{\"name\": \"no-such-vm\", \"emulator\": \"/bin/true\", \"arguments\": [\"x\"], \"files\": [], \"properties\": []," \
                  "\"consoles\": [{\"alias\": \"serial0\", \"chardev\": \"charserial0\", \"type\": \"pty\"}," \
                  "{\"alias\": \"serial1\", \"chardev\": \"charserial1\", \"type\": \"file\"}]"
#define POLICY(poweroff, reboot, crash) \
        ", \"onPoweroff\": \"" poweroff "\", \"onReboot\": \"" reboot "\", \"onCrash\": \"" crash "\""
#define PLAN PLAN_HEAD POLICY("destroy", "restart", "destroy")

static void setup_files(Fixture *f, const char *plan) {
        *f = (Fixture) { .agent = -EBADF, .agent_peer = -EBADF, .vnc = -EBADF, .cgroup = -EBADF, .qmp = -EBADF, .supervisor = -EBADF, .password = -EBADF };
        assert_int_equal(sigprocmask(SIG_BLOCK, &(sigset_t) { { 1UL << (SIGCHLD - 1) } }, NULL), 0);
        assert_int_equal(sd_event_new(&f->event), 0);
        strcpy(f->directory, "/tmp/test-monitor-XXXXXX");
        assert_non_null(mkdtemp(f->directory));
        (void) snprintf(f->path, sizeof(f->path), "%s/control", f->directory);
        f->control = listen_at(f->path);
        f->plan = memfd_create("plan", MFD_CLOEXEC);
        assert_true(write(f->plan, plan, strlen(plan)) > 0);
        assert_true(write(f->plan, "}", 1) > 0);
        f->state = memfd_create("state", MFD_CLOEXEC);

        if (strstr(plan, "password")) {
                f->password = memfd_create("password", MFD_CLOEXEC);
                assert_int_equal(write(f->password, "x", 1), 1);
        }
        f->log = memfd_create("log", MFD_CLOEXEC);
        assert_int_equal(fcntl(f->log, F_SETFL, O_APPEND), 0);
}

static void setup(Fixture *f, const char *plan) {
        int pair[2];

        setup_files(f, plan);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        f->qmp = pair[0];
        fake_qemu_init(&f->qemu, f->event, pair[1]);
        f->qemu.hook = on_command;
        f->qemu.userdata = f;
}

static void teardown(Fixture *f) {
        f->no_restart = true;
        if (f->monitor > 0) {
                (void) kill(f->monitor, SIGKILL);
                (void) waitpid(f->monitor, NULL, 0);
        }
        sd_event_source_disable_unref(f->supervisor_io);
        sd_event_source_disable_unref(f->child);
        fake_qemu_done(&f->qemu);
        const int fds[] = { f->control, f->plan, f->state, f->agent, f->agent_peer, f->vnc, f->cgroup, f->log, f->qmp, f->supervisor, f->password };
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                safe_close(fds[i]);
        (void) unlink(f->path);
        if (f->vnc_path[0])
                (void) unlink(f->vnc_path);
        assert_int_equal(rmdir(f->directory), 0);
        sd_event_unref(f->event);
}

/* Waits for the next event; false when there is none for a long time. The loop also wakes for a child that has been stopped, or
 * goes on, which is no event to it. */
static bool run_once(Fixture *f) {
        uint64_t end = now_usec() + 30 * SECOND;

        for (;;) {
                uint64_t now = now_usec();
                int r = sd_event_run(f->event, end > now ? end - now : 0);
                if (r != 0 || now >= end)
                        return r > 0;
        }
}

/* Runs the loop until CONDITION; fails when nothing happens for a long time. */
#define RUN_UNTIL(f, condition)                                                                   \
        do {                                                                                      \
                while (!(condition))                                                              \
                        if (!run_once(f) || (f)->n_monitors > 50) {                               \
                                _cleanup_free_ char *_log = read_log(f);                          \
                                fail_msg("never: %s (QEMU %s, %u commands)\n%s", #condition,      \
                                         strempty((f)->qemu.status), (f)->qemu.n_commands, _log); \
                        }                                                                         \
        } while (0)

static void run_until_ready(Fixture *f) {
        if (f->monitor == 0)
                start_monitor(f);
        RUN_UNTIL(f, f->counts[MONITOR_READY] > 0);
}

static void run_until_ended(Fixture *f) {
        RUN_UNTIL(f, f->qemu.fd < 0 && f->monitor == 0);
        assert_int_equal(f->exit_status, 0);
}

static void send_message(Fixture *f, MonitorMessageType type, uint32_t a) {
        MonitorMessage m = { .type = type, .a = a };

        assert_int_equal(send(f->supervisor, &m, sizeof(m), MSG_NOSIGNAL), sizeof(m));
}

/* --- a client that does not wait, so that QEMU can be played in between -------------------------------- */

typedef struct Call {
        bool done;
        char *error, *text; /* owned */
        int fd;
} Call;

static void call_done(Call *c) {
        free(c->error);
        free(c->text);
        safe_close(c->fd);
        *c = (Call) { .fd = -EBADF };
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Call *c = userdata;
        const char *s;

        c->done = true;
        c->fd = -EBADF;
        if (sd_bus_message_is_method_error(m, NULL)) {
                c->error = strdup(sd_bus_message_get_error(m)->name);
                c->text = strdup(strempty(sd_bus_message_get_error(m)->message));
        } else if (sd_bus_message_has_signature(m, "h")) {
                assert_true(sd_bus_message_read(m, "h", &c->fd) > 0);
                c->fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
        } else if (sd_bus_message_has_signature(m, "s") || sd_bus_message_has_signature(m, "ss")) {
                assert_true(sd_bus_message_read(m, "s", &s) > 0);
                c->text = strdup(s);
        }
        return 0;
}

static sd_bus *connect_client(Fixture *f) {
        sd_bus *bus;

        assert_int_equal(control_open_path(f->path, &bus), 0);
        assert_true(sd_bus_attach_event(bus, f->event, 0) >= 0);
        return bus;
}

static void begin_call(sd_bus *bus, Call *c, const char *method, const char *types, va_list ap) {
        sd_bus_message *m;

        *c = (Call) { .fd = -EBADF };
        assert_true(sd_bus_message_new_method_call(bus, &m, NULL, CONTROL_PATH, CONTROL_INTERFACE, method) >= 0);
        if (types)
                assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
        assert_true(sd_bus_call_async(bus, NULL, m, on_answer, c, 60 * SECOND) >= 0);
        sd_bus_message_unref(m);
}

static void call(Fixture *f, sd_bus *bus, Call *c, const char *method, const char *types, ...) {
        va_list ap;

        va_start(ap, types);
        begin_call(bus, c, method, types, ap);
        va_end(ap);
        RUN_UNTIL(f, c->done);
}

/* Without waiting for the answer. */
static void start_call(sd_bus *bus, Call *c, const char *method, const char *types, ...) {
        va_list ap;

        va_start(ap, types);
        begin_call(bus, c, method, types, ap);
        va_end(ap);
}

/* Calls METHOD with MODE (may be NULL), and expects the error ERROR (NULL: none). */
static void call_simple(Fixture *f, const char *method, const char *mode, const char *error, const char *text) {
        sd_bus *bus = connect_client(f);
        Call c;

        call(f, bus, &c, method, mode ? "s" : NULL, mode);
        if (!streq_ptr(c.error, error))
                fail_msg("%s: %s (%s), not %s", method, c.error, c.text, error);
        if (text)
                assert_string_equal(c.text, text);
        call_done(&c);
        sd_bus_flush_close_unref(bus);
}

/* --- life --------------------------------------------------------------------------------------------- */

static void test_start_and_power_off(void **state) {
        Fixture f;

        setup(&f, PLAN ", \"currentMemory\": 1048576, \"statsBalloon\": \"balloon0\", \"statsPeriod\": 5, \"vnc\": {\"present\": true, \"id\": \"vnc0\", \"password\": true}");
        run_until_ready(&f);
        assert_string_equal(f.qemu.status, "running");
        assert_string_equal(f.qemu.password, "x");
        assert_int_equal(f.qemu.balloon, 1048576);
        assert_string_equal(f.qemu.qom_path, "/machine/peripheral/balloon0 guest-stats-polling-interval");
        assert_int_equal(f.qemu.qom_value, 5);
        assert_int_equal(f.qemu.n_conts, 1);
        assert_int_equal(f.hello, 0);
        assert_int_equal(f.counts[MONITOR_HELLO], 1);
        assert_int_equal(f.domain_state, STATE_RUNNING);
        assert_int_equal(f.reason, REASON_BOOTED);
        call_simple(&f, "GetState", NULL, NULL, "running");
        fake_qemu_guest_off(&f.qemu);
        run_until_ended(&f);
        assert_int_equal(f.qemu.n_quits, 1);
        assert_int_equal(f.counts[MONITOR_ENDING], 1);
        assert_int_equal(f.ending, REASON_SHUTDOWN);
        assert_int_equal(f.domain_state, STATE_IN_SHUTDOWN);
        assert_int_equal(f.n_monitors, 1);
        teardown(&f);
}

static void test_start_paused(void **state) {
        Fixture f;

        setup(&f, PLAN ", \"startPaused\": true");
        run_until_ready(&f);
        assert_string_equal(f.qemu.status, "prelaunch");
        assert_int_equal(f.domain_state, STATE_PAUSED);
        call_simple(&f, "Resume", NULL, NULL, NULL);
        assert_string_equal(f.qemu.status, "running");
        teardown(&f);
}

/* QEMU refuses: the VM ends as failed, except where the definition can do without. */
static void test_refusals(void **state) {
        static const char *const needed[] = { "cont", "set_password" };
        static const char *const optional[] = { "balloon", "set-action" };
        Fixture f;

        FOREACH_ARRAY(c, needed, ELEMENTSOF(needed)) {
                setup(&f, PLAN ", \"vnc\": {\"present\": true, \"password\": true}");
                f.qemu.refuse = *c;
                start_monitor(&f);
                run_until_ended(&f);
                assert_int_equal(f.ending, REASON_FAILED);
                assert_int_equal(f.counts[MONITOR_READY], 0);
                assert_logged(&f, "refused by the test");
                teardown(&f);
        }
        FOREACH_ARRAY(c, optional, ELEMENTSOF(optional)) {
                setup(&f, PLAN ", \"currentMemory\": 1048576");
                f.qemu.refuse = *c;
                run_until_ready(&f);
                assert_string_equal(f.qemu.status, "running");
                assert_logged(&f, "refused by the test");
                teardown(&f);
        }
}

static void test_policies(void **state) {
        Fixture f;

        setup(&f, PLAN_HEAD POLICY("restart", "destroy", "restart"));
        run_until_ready(&f);
        assert_true(f.qemu.reset_shuts_down);
        fake_qemu_guest_off(&f.qemu);
        RUN_UNTIL(&f, f.qemu.n_conts == 2 && f.domain_state == STATE_RUNNING);
        RUN_UNTIL(&f, f.qemu.reset_shuts_down);
        assert_int_equal(f.qemu.n_resets, 1);
        assert_false(f.qemu.note_reboot);
        fake_qemu_guest_resets(&f.qemu);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_SHUTDOWN);
        teardown(&f);

        setup(&f, PLAN_HEAD POLICY("preserve", "restart", "restart"));
        run_until_ready(&f);
        fake_qemu_guest_resets(&f.qemu);
        fake_qemu_guest_off(&f.qemu);
        RUN_UNTIL(&f, f.domain_state == STATE_IN_SHUTDOWN);
        call_simple(&f, "Suspend", NULL, CONTROL_ERROR_STATE, "domain is not running");
        assert_int_equal(f.qemu.n_quits, 0);
        send_message(&f, MONITOR_SHUTDOWN, 90000);
        run_until_ended(&f);
        teardown(&f);

        setup(&f, PLAN);
        run_until_ready(&f);
        fake_qemu_guest_panics(&f.qemu);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_CRASHED);
        assert_int_equal(f.counts[MONITOR_RESTART], 0);
        teardown(&f);

        setup(&f, PLAN_HEAD POLICY("destroy", "restart", "restart"));
        run_until_ready(&f);
        fake_qemu_guest_panics(&f.qemu);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_CRASHED);
        assert_int_equal(f.counts[MONITOR_RESTART], 1);
        teardown(&f);

        setup(&f, PLAN_HEAD POLICY("destroy", "restart", "preserve"));
        run_until_ready(&f);
        fake_qemu_guest_panics(&f.qemu);
        RUN_UNTIL(&f, f.domain_state == STATE_CRASHED);
        assert_int_equal(f.reason, REASON_PANICKED);
        call_simple(&f, "GetState", NULL, NULL, "crashed");
        assert_int_equal(f.qemu.n_quits, 0);
        teardown(&f);
}

static void test_calls(void **state) {
        Fixture f;

        setup(&f, PLAN);
        f.qemu.guest_obeys = false;
        run_until_ready(&f);
        call_simple(&f, "Suspend", NULL, NULL, NULL);
        RUN_UNTIL(&f, f.domain_state == STATE_PAUSED && f.reason == REASON_USER);
        call_simple(&f, "Suspend", NULL, NULL, NULL);
        call_simple(&f, "Resume", NULL, NULL, NULL);
        RUN_UNTIL(&f, f.domain_state == STATE_RUNNING && f.reason == REASON_UNPAUSED);
        call_simple(&f, "Resume", NULL, CONTROL_ERROR_STATE, "domain is already running");
        call_simple(&f, "Reset", NULL, NULL, NULL);
        assert_int_equal(f.qemu.n_resets, 1);
        call_simple(&f, "Shutdown", "", NULL, NULL);
        call_simple(&f, "Shutdown", "acpi", NULL, NULL);
        assert_int_equal(f.qemu.n_powerdowns, 2);
        call_simple(&f, "Shutdown", "agent", CONTROL_ERROR_AGENT, "argument unsupported: QEMU guest agent is not configured");
        call_simple(&f, "Qmp", "{\"execute\": \"query-status\"}", NULL,
                    "{\"status\":\"running\",\"singlestep\":false,\"running\":true}");
        call_simple(&f, "Qmp", "{\"execute\": \"no-such\"}", CONTROL_ERROR_QEMU, "no such command");
        call_simple(&f, "Qmp", "{\"execute\": 7}", SD_BUS_ERROR_INVALID_ARGS, NULL);
        call_simple(&f, "Qmp", "nonsense", SD_BUS_ERROR_INVALID_ARGS, NULL);
        call_simple(&f, "Qmp", "", SD_BUS_ERROR_INVALID_ARGS, NULL);
        f.qemu.refuse = "stop";
        call_simple(&f, "Suspend", NULL, CONTROL_ERROR_QEMU, "refused by the test");
        f.qemu.refuse = "system_reset";
        call_simple(&f, "Reset", NULL, CONTROL_ERROR_QEMU, "refused by the test");
        assert_int_equal(f.qemu.n_quits, 0);
        /* QEMU stops while it is paused by us. */
        f.qemu.refuse = NULL;
        call_simple(&f, "Qmp", "{\"execute\": \"quit\"}", NULL, NULL);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_DESTROYED);
        teardown(&f);

        /* Why is known before QEMU is asked, so that it does not matter what it still says. */
        setup(&f, PLAN);
        run_until_ready(&f);
        f.qemu.swallow = "quit";
        sd_bus *bus = connect_client(&f);
        sd_bus_message *m;
        assert_true(sd_bus_message_new_method_call(bus, &m, NULL, CONTROL_PATH, CONTROL_INTERFACE, "Quit") >= 0);
        assert_true(sd_bus_send(bus, m, NULL) >= 0);
        sd_bus_message_unref(m);
        RUN_UNTIL(&f, f.counts[MONITOR_ENDING] > 0);
        assert_int_equal(f.ending, REASON_DESTROYED);
        assert_int_equal(f.ending_patient, 1);
        sd_bus_close_unref(bus);
        teardown(&f);
}

/* A call that waits for QEMU is refused, not forgotten, when QEMU ends. */
static void test_end_during_call(void **state) {
        Fixture f;
        sd_bus *bus;
        Call c;

        setup(&f, PLAN);
        run_until_ready(&f);
        f.qemu.swallow = "stop";
        f.qemu.hostile = "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-shutdown\"}}\r\n";
        bus = connect_client(&f);
        call(&f, bus, &c, "Suspend", NULL);
        assert_string_equal(c.error, CONTROL_ERROR_STATE);
        call_done(&c);
        run_until_ended(&f);
        sd_bus_close_unref(bus);
        teardown(&f);
}

static void test_reboot(void **state) {
        Fixture f;

        setup(&f, PLAN);
        run_until_ready(&f);
        call_simple(&f, "Reboot", "acpi", NULL, NULL);
        RUN_UNTIL(&f, f.qemu.n_conts == 2 && f.domain_state == STATE_RUNNING);
        assert_int_equal(f.qemu.n_resets, 1);
        assert_false(f.qemu.note_reboot);
        /* Once, not for ever. */
        call_simple(&f, "Shutdown", "", NULL, NULL);
        run_until_ended(&f);
        teardown(&f);

        setup(&f, PLAN);
        run_until_ready(&f);
        send_message(&f, MONITOR_REBOOT, 0);
        RUN_UNTIL(&f, f.qemu.n_conts == 2);
        send_message(&f, MONITOR_RESET, 0);
        RUN_UNTIL(&f, f.qemu.n_resets == 2);
        teardown(&f);
}

static void test_stop(void **state) {
        Fixture f;

        setup(&f, PLAN_HEAD POLICY("restart", "restart", "restart"));
        run_until_ready(&f);
        send_message(&f, MONITOR_SHUTDOWN, 90000);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_SHUTDOWN);
        assert_logged(&f, "asked the guest to power off (ACPI)\n");
        assert_logged(&f, "guest powered off after 0.");
        teardown(&f);

        /* A guest that does not obey; an eighth of a limit this short is the margin. */
        setup(&f, PLAN);
        f.qemu.guest_obeys = false;
        run_until_ready(&f);
        send_message(&f, MONITOR_SHUTDOWN, 200);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_DESTROYED);
        assert_logged(&f, "no reaction within 0 s: ending QEMU\n");
        teardown(&f);

        /* A paused one is resumed first. */
        setup(&f, PLAN);
        run_until_ready(&f);
        call_simple(&f, "Suspend", NULL, NULL, NULL);
        send_message(&f, MONITOR_SHUTDOWN, 90000);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_SHUTDOWN);
        assert_logged(&f, "guest is paused: resumed it so that it can power off\n");
        teardown(&f);

        /* Asked for before QEMU has said anything. */
        setup(&f, PLAN);
        f.qemu.status = "running";
        start_monitor(&f);
        send_message(&f, MONITOR_SHUTDOWN, 90000);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_SHUTDOWN);
        teardown(&f);
}

static void test_supervisor(void **state) {
        Fixture f;

        setup(&f, PLAN);
        run_until_ready(&f);
        for (unsigned i = 1; i <= 100; i++) {
                send_message(&f, MONITOR_PING, 0);
                RUN_UNTIL(&f, f.counts[MONITOR_PONG] == i);
        }
        /* What is not a message of ours is passed over. */
        send_message(&f, 77, 0);
        assert_true(send(f.supervisor, "x", 1, 0) == 1);
        send_message(&f, MONITOR_PING, 0);
        RUN_UNTIL(&f, f.counts[MONITOR_PONG] == 101);
        /* Without a supervisor there is nothing to do. */
        f.no_restart = true;
        f.supervisor_io = sd_event_source_disable_unref(f.supervisor_io);
        f.supervisor = safe_close(f.supervisor);
        RUN_UNTIL(&f, f.monitor == 0);
        assert_int_equal(f.exit_status, 0);
        teardown(&f);
}

/* --- killed at every step ------------------------------------------------------------------------------ */

/* Plays a scenario, with the monitor killed at its Nth command, before or after QEMU answers, for every N up to the
 * last: the end must be the same. */
static void at_every_step(const char *plan, void (*play)(Fixture *f)) {
        unsigned n_killed = 0;

        for (unsigned answered = 0; answered < 2; answered++)
                for (unsigned n = 1;; n++) {
                        Fixture f;
                        setup(&f, plan);
                        f.kill_at = n;
                        f.kill_answered = answered;
                        play(&f);
                        bool killed = f.n_kills > 0;
                        if (killed)
                                RUN_UNTIL(&f, f.n_monitors >= 2 || f.qemu.fd < 0);
                        teardown(&f);
                        if (!killed)
                                break;
                        n_killed++;
                        assert_true(n < 100);
                }
        assert_true(n_killed >= 10);
}

static void play_life(Fixture *f) {
        run_until_ready(f);
        assert_string_equal(f->qemu.status, "running");
        assert_string_equal(f->qemu.password, "x");
        fake_qemu_guest_off(&f->qemu);
        RUN_UNTIL(f, f->qemu.fd < 0 && f->monitor == 0);
        assert_int_equal(f->ending, REASON_SHUTDOWN);
        assert_int_equal(f->qemu.n_clients, 1);
}

static void play_fake_reboot(Fixture *f) {
        run_until_ready(f);
        fake_qemu_guest_off(&f->qemu);
        RUN_UNTIL(f, f->qemu.n_resets > 0 && streq(f->qemu.status, "running") && f->domain_state == STATE_RUNNING &&
                             !f->qemu.note_reboot);
        assert_int_equal(f->qemu.n_quits, 0);
}

/* The call of a client may be lost on the way, and then be made again. */
static void play_reboot_call(Fixture *f) {
        Call c;

        run_until_ready(f);
        for (unsigned tries = 0;; tries++) {
                sd_bus *bus = connect_client(f);
                call(f, bus, &c, "Reboot", "s", "acpi");
                sd_bus_flush_close_unref(bus);
                bool lost = c.error != NULL;
                if (lost && !streq(c.error, SD_BUS_ERROR_NO_REPLY))
                        fail_msg("%s: %s", c.error, c.text);
                call_done(&c);
                if (!lost) {
                        RUN_UNTIL(f, f->qemu.n_resets > 0);
                        break;
                }
                assert_true(tries < 3);
        }
        RUN_UNTIL(f, streq(f->qemu.status, "running") && !f->qemu.note_reboot && f->domain_state == STATE_RUNNING);
        assert_int_equal(f->qemu.n_quits, 0);
        /* It is over: the next power-off is one. */
        fake_qemu_guest_off(&f->qemu);
        RUN_UNTIL(f, f->qemu.fd < 0 && f->monitor == 0);
}

static void play_panic(Fixture *f) {
        run_until_ready(f);
        fake_qemu_guest_panics(&f->qemu);
        RUN_UNTIL(f, f->qemu.fd < 0 && f->monitor == 0);
        assert_int_equal(f->ending, REASON_CRASHED);
        assert_true(f->counts[MONITOR_RESTART] > 0);
}

/* Whatever happens to the monitor, a guest that the user has paused stays paused. */
static void play_pause(Fixture *f) {
        Call c;

        run_until_ready(f);
        static const char *const methods[] = { "Suspend", "Reset" };
        for (unsigned done = 0, tries = 0; done < ELEMENTSOF(methods); tries++) {
                assert_true(tries < 5);
                sd_bus *bus = connect_client(f);
                call(f, bus, &c, methods[done], NULL);
                sd_bus_flush_close_unref(bus);
                if (!c.error)
                        done++;
                else if (!streq(c.error, SD_BUS_ERROR_NO_REPLY))
                        fail_msg("%s: %s: %s", methods[done], c.error, c.text);
                call_done(&c);
        }
        assert_string_equal(f->qemu.status, "prelaunch");
        assert_int_equal(f->qemu.n_conts, 1);
        /* One more monitor has a look at it. */
        unsigned n = f->counts[MONITOR_HELLO];
        assert_int_equal(kill(f->monitor, SIGKILL), 0);
        RUN_UNTIL(f, f->counts[MONITOR_HELLO] > n && f->counts[MONITOR_READY] > 1);
        assert_int_equal(f->hello, 1);
        assert_string_equal(f->qemu.status, "prelaunch");
        assert_int_equal(f->qemu.n_conts, 1);
        assert_int_equal(f->domain_state, STATE_PAUSED);
        assert_int_equal(f->reason, REASON_USER);
        for (bool lost = true; lost;) {
                sd_bus *bus = connect_client(f);
                call(f, bus, &c, "Resume", NULL);
                sd_bus_flush_close_unref(bus);
                lost = streq_ptr(c.error, SD_BUS_ERROR_NO_REPLY);
                /* Lost, but done. */
                if (c.error && !lost)
                        assert_string_equal(c.text, "domain is already running");
                call_done(&c);
        }
        assert_string_equal(f->qemu.status, "running");
        RUN_UNTIL(f, !f->qemu.note_paused);
}

static void test_killed_in_life(void **state) {
        at_every_step(PLAN ", \"currentMemory\": 1048576, \"vnc\": {\"present\": true, \"password\": true}", play_life);
}

static void test_killed_in_fake_reboot(void **state) {
        at_every_step(PLAN_HEAD POLICY("restart", "restart", "destroy"), play_fake_reboot);
        at_every_step(PLAN_HEAD POLICY("restart", "destroy", "destroy"), play_fake_reboot);
}

static void test_killed_in_reboot_call(void **state) {
        at_every_step(PLAN, play_reboot_call);
}

static void test_killed_in_panic(void **state) {
        at_every_step(PLAN_HEAD POLICY("destroy", "restart", "restart"), play_panic);
}

static void test_killed_in_pause(void **state) {
        at_every_step(PLAN, play_pause);
}

/* --- a QEMU that has been taken over ------------------------------------------------------------------- */

static void test_hostile(void **state) {
        static const char *const answers[] = {
                "garbage\n",
                "{\"return\": {}}\n[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
                "{\"event\": {\"SHUTDOWN\": 1}}\n",
                "{\"error\": 7, \"return\": 8, \"id\": 9, \"event\": [], \"QMP\": 1}\n",
        };
        Fixture f;

        FOREACH_ARRAY(a, answers, ELEMENTSOF(answers)) {
                setup(&f, PLAN);
                run_until_ready(&f);
                f.no_restart = true;
                fake_qemu_send(&f.qemu, *a);
                RUN_UNTIL(&f, f.monitor == 0);
                assert_int_equal(f.exit_status, EXIT_FAILURE);
                assert_logged(&f, "QEMU breaks the rules of QMP");
                /* The next one gets along. */
                f.no_restart = false;
                f.counts[MONITOR_READY] = 0;
                run_until_ready(&f);
                call_simple(&f, "GetState", NULL, NULL, "running");
                teardown(&f);
        }

        /* Events that make no sense change nothing that is not theirs. */
        setup(&f, PLAN);
        run_until_ready(&f);
        fake_qemu_send(&f.qemu, "{\"event\": \"BLOCK_IO_ERROR\"}\n{\"event\": \"WATCHDOG\", \"data\": {\"action\": {}}}\n"
                                "{\"event\": \"RESET\", \"data\": {\"guest\": []}}\n{\"event\": \"RESUME\", \"data\": 7}\n"
                                "{\"event\": \"\\u0000SHUTDOWN\"}\n{\"event\": \"POWERDOWN\"}\n");
        call_simple(&f, "GetState", NULL, NULL, "running");
        assert_int_equal(f.qemu.n_quits, 0);
        assert_int_equal(f.n_exits, 0);
        teardown(&f);

        /* Answers of the wrong type. */
        static const char *const commands[] = { "query-chardev", "stop" };
        FOREACH_ARRAY(c, commands, ELEMENTSOF(commands)) {
                setup(&f, PLAN);
                run_until_ready(&f);
                f.qemu.swallow = *c;
                f.qemu.hostile = "{\"return\": [[{\"label\": 7}], null], \"id\": \"vmunit-x\"}\n{\"nonsense\": 1}\n";
                sd_bus *bus = connect_client(&f);
                Call call_;
                f.no_restart = true;
                call(&f, bus, &call_, streq(*c, "stop") ? "Suspend" : "GetConsoles", NULL);
                assert_non_null(call_.error);
                call_done(&call_);
                sd_bus_flush_close_unref(bus);
                RUN_UNTIL(&f, f.monitor == 0);
                teardown(&f);
        }
}

/* Floods of events neither stop the watchdog's answers nor the calls. */
static void test_flood(void **state) {
        _cleanup_free_ char *block = NULL;
        Fixture f;

        setup(&f, PLAN);
        run_until_ready(&f);
        const char *line = "{\"event\": \"RESET\", \"data\": {\"guest\": true}}\n";
        block = calloc(1, strlen(line) * 200 + 1);
        for (unsigned i = 0; i < 200; i++)
                memcpy(block + i * strlen(line), line, strlen(line));
        /* Whole lines only, as much as fits: the socket is blocking for no more than the monitor needs. */
        for (unsigned i = 1; i <= 50; i++) {
                assert_true(send(f.qemu.fd, block, strlen(block), MSG_NOSIGNAL) > 0);
                send_message(&f, MONITOR_PING, 0);
                RUN_UNTIL(&f, f.counts[MONITOR_PONG] == i);
        }
        call_simple(&f, "GetState", NULL, NULL, "running");
        teardown(&f);
}

/* --- those who have subscribed ------------------------------------------------------------------------ */

typedef struct Heard {
        Text lines;
        bool agreed, gone;
        unsigned n_events;
        ControlEvents *events;
} Heard;

static void on_heard_state(DomainState state, DomainReason reason, bool agreed, void *userdata) {
        Heard *h = userdata;

        h->agreed = h->agreed || agreed;
        text_appendf(&h->lines, "%s%s/%s; ", agreed ? "agreed " : "", domain_state_to_string(state), domain_reason_to_string(reason));
}

static void on_heard_event(const char *name, uint64_t usec, const char *data, void *userdata) {
        Heard *h = userdata;

        if (++h->n_events < 10)
                text_appendf(&h->lines, "%s %llu %s; ", name, (unsigned long long) usec, data);
}

static void on_heard_gone(void *userdata) {
        Heard *h = userdata;

        h->gone = true;
        h->events = control_events_free(h->events);
}

static void subscribe(Fixture *f, sd_event *event, Heard *h) {
        static const ControlEventsHandlers handlers = { on_heard_state, on_heard_event, on_heard_gone };

        assert_int_equal(control_events_open_path(event, f->path, &handlers, h, &h->events), 0);
        while (!h->agreed) {
                assert_true(sd_event_run(event, SECOND / 100) >= 0);
                if (event != f->event)
                        assert_true(sd_event_run(f->event, 0) >= 0);
        }
}

static void test_events(void **state) {
        sd_event *other = NULL;
        Heard h = {}, lazy = {};
        Fixture f;

        setup(&f, PLAN);
        run_until_ready(&f);
        subscribe(&f, f.event, &h);
        fake_qemu_send(&f.qemu, "{\"timestamp\": {\"seconds\": 5, \"microseconds\": 7}, \"event\": \"RTC_CHANGE\", \"data\": {\"offset\": 1, \"a\": \"/\"}}\n"
                                "{\"event\": \"not a name\"}\n{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"ODD\"}\n");
        RUN_UNTIL(&f, h.n_events == 2);
        /* What follows from an event comes after it. */
        f.qemu.status = "paused";
        fake_qemu_send(&f.qemu, "{\"event\": \"STOP\"}\n");
        RUN_UNTIL(&f, strstr(h.lines.data, "paused"));
        assert_string_equal(h.lines.data, "agreed running/booted; RTC_CHANGE 5000007 {\"offset\":1,\"a\":\"/\"}; ODD 0 ; STOP 0 ; paused/unknown; ");
        text_done(&h.lines);
        h.lines = (Text) {};

        /* The monitor is replaced. */
        assert_int_equal(kill(f.monitor, SIGKILL), 0);
        RUN_UNTIL(&f, h.gone);
        h = (Heard) {};
        subscribe(&f, f.event, &h);
        /* Who is connected before the new one has asked QEMU hears that, too. */
        const char *agreed = startswith(h.lines.data, "paused/unknown; ") ?: h.lines.data;
        assert_string_equal(agreed, "agreed paused/unknown; ");

        /* One that does not read is dropped; the other one gets all of it. */
        assert_int_equal(sd_event_new(&other), 0);
        subscribe(&f, other, &lazy);
        const unsigned many = 60000;
        for (unsigned i = 0; i < many; i++) {
                const char *line = "{\"event\": \"RESET\", \"data\": {\"guest\": true}}\n";
                assert_int_equal(send(f.qemu.fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
                if (i % 50 == 0)
                        RUN_UNTIL(&f, h.n_events + 100 > i);
        }
        RUN_UNTIL(&f, h.n_events == many);
        while (!lazy.gone)
                assert_true(sd_event_run(other, SECOND) > 0);
        assert_true(lazy.n_events < many);
        call_simple(&f, "GetState", NULL, NULL, "paused");
        control_events_free(h.events);
        text_done(&h.lines);
        text_done(&lazy.lines);
        sd_event_unref(other);
        teardown(&f);
}

/* --- the guest agent ----------------------------------------------------------------------------------- */

/* Reads a line from the monitor at the agent's end; its number, or 0. */
static unsigned agent_read(Fixture *f, char *line, size_t size) {
        size_t n = 0;

        while (n == 0 || line[n - 1] != '\n') {
                ssize_t k = recv(f->agent_peer, line + n, 1, MSG_DONTWAIT);
                if (k < 0)
                        assert_true(sd_event_run(f->event, SECOND / 100) >= 0);
                else
                        n += (size_t) k;
                assert_true(n < size);
        }
        line[n] = 0;
        const char *id = strstr(line, "\"id\":");
        return id ? (unsigned) strtoul(id + strlen("\"id\":"), NULL, 10) : 0;
}

static void setup_agent(Fixture *f) {
        int pair[2];

        setup(f, PLAN ", \"agent\": true");
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        f->agent = pair[0];
        f->agent_peer = pair[1];
        f->qemu.guest_obeys = false;
        run_until_ready(f);
}

static void agent_synchronise(Fixture *f) {
        char line[512];

        unsigned id = agent_read(f, line, sizeof(line));
        assert_non_null(strstr(line, "guest-sync-delimited"));
        _cleanup_free_ char *s = strf("\xff{\"return\": %u}\n", id);
        assert_true(send(f->agent_peer, s, strlen(s), MSG_NOSIGNAL) > 0);
}

static void test_agent(void **state) {
        char line[512];
        Fixture f;

        /* The unit's stop: both ways at once. */
        setup_agent(&f);
        send_message(&f, MONITOR_SHUTDOWN, 90000);
        agent_synchronise(&f);
        (void) agent_read(&f, line, sizeof(line));
        assert_non_null(strstr(line, "\"guest-shutdown\""));
        assert_non_null(strstr(line, "\"powerdown\""));
        assert_int_equal(f.qemu.n_powerdowns, 1);
        fake_qemu_guest_off(&f.qemu);
        run_until_ended(&f);
        assert_logged(&f, "guest agent accepted shutdown\n");
        teardown(&f);

        /* A call that wants the agent: refused by it, or accepted by silence and the guest's end. */
        setup_agent(&f);
        sd_bus *bus = connect_client(&f), *other = connect_client(&f);
        sd_bus_message *m;
        Call c = { .fd = -EBADF }, second;
        for (unsigned round = 0; round < 2; round++) {
                assert_true(sd_bus_message_new_method_call(bus, &m, NULL, CONTROL_PATH, CONTROL_INTERFACE,
                                                           round == 0 ? "Reboot" : "Shutdown") >= 0);
                assert_true(sd_bus_message_append(m, "s", "agent") >= 0);
                assert_true(sd_bus_call_async(bus, NULL, m, on_answer, &c, 60 * SECOND) >= 0);
                sd_bus_message_unref(m);
                agent_synchronise(&f);
                (void) agent_read(&f, line, sizeof(line));
                assert_non_null(strstr(line, round == 0 ? "\"reboot\"" : "\"powerdown\""));
                call(&f, other, &second, "Shutdown", "s", "agent");
                assert_string_equal(second.error, CONTROL_ERROR_AGENT);
                call_done(&second);
                assert_false(c.done);
                if (round == 0) {
                        const char *s = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"disabled\"}}\n";
                        assert_true(send(f.agent_peer, s, strlen(s), MSG_NOSIGNAL) > 0);
                } else
                        fake_qemu_guest_off(&f.qemu);
                RUN_UNTIL(&f, c.done);
                if (round == 0) {
                        assert_string_equal(c.error, CONTROL_ERROR_AGENT);
                        assert_string_equal(c.text, "disabled");
                } else
                        assert_null(c.error);
                call_done(&c);
        }
        sd_bus_flush_close_unref(bus);
        sd_bus_flush_close_unref(other);
        run_until_ended(&f);
        assert_int_equal(f.qemu.n_powerdowns, 0);
        teardown(&f);
}

/* Nobody there: the call says so, after its three seconds. */
static void test_agent_absent(void **state) {
        Fixture f;

        setup_agent(&f);
        call_simple(&f, "Shutdown", "agent", CONTROL_ERROR_AGENT,
                    "Guest agent is not responding: QEMU guest agent is not connected");
        /* A call that takes either does not wait for it. */
        call_simple(&f, "Shutdown", "", NULL, NULL);
        assert_int_equal(f.qemu.n_powerdowns, 1);
        teardown(&f);
}

static void agent_say(Fixture *f, const char *s) {
        assert_true(send(f->agent_peer, s, strlen(s), MSG_NOSIGNAL) > 0);
}

static void begin_agent_within(sd_bus *bus, const char *command, uint64_t limit_usec, Call *c) {
        sd_bus_message *m;

        *c = (Call) { .fd = -EBADF };
        assert_true(sd_bus_message_new_method_call(bus, &m, NULL, CONTROL_PATH, CONTROL_INTERFACE, "AgentWithin") >= 0);
        assert_true(sd_bus_message_append(m, "st", command, limit_usec) >= 0);
        assert_true(sd_bus_call_async(bus, NULL, m, on_answer, c, 60 * SECOND) >= 0);
        sd_bus_message_unref(m);
}

/* What a client has for the agent, one at a time. */
static void test_agent_commands(void **state) {
        static const char *const answers[] = {
                "{\"return\": [{\"logical-id\": 0}]}\n",
                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such CPU\"}}\n",
        };
        char line[512];
        Fixture f;

        static const char *const wrong[][2] = {
                { "nonsense", "internal error: cannot parse json nonsense: null expected" },
                { "{\"execute\":", "internal error: cannot parse json {\"execute\":: unexpected end of data" },
                { "[]", "internal error: unable to execute QEMU agent command '<null>': QMP input must be a JSON object" },
                { "{\"a\": 1}", "internal error: unable to execute QEMU agent command '<null>': QMP input lacks member 'execute'" },
        };
        setup_agent(&f);
        sd_bus *bus = connect_client(&f), *other = connect_client(&f);
        Call c = { .fd = -EBADF }, second;
        for (unsigned round = 0; round < 3; round++) {
                sd_bus_message *m;
                assert_true(sd_bus_message_new_method_call(bus, &m, NULL, CONTROL_PATH, CONTROL_INTERFACE, "Agent") >= 0);
                assert_true(sd_bus_message_append(m, "s", "{\"execute\": \"guest-set\", \"arguments\": {\"a\": [1]}}") >= 0);
                assert_true(sd_bus_call_async(bus, NULL, m, on_answer, &c, 60 * SECOND) >= 0);
                sd_bus_message_unref(m);
                agent_synchronise(&f);
                (void) agent_read(&f, line, sizeof(line));
                assert_non_null(strstr(line, "\"guest-set\""));
                assert_non_null(strstr(line, "[1]"));
                call(&f, other, &second, "Agent", "s", "{\"execute\": \"guest-info\"}");
                assert_string_equal(second.error, CONTROL_ERROR_AGENT);
                assert_string_equal(second.text, "the guest agent is being asked already");
                call_done(&second);
                assert_false(c.done);
                if (round < ELEMENTSOF(answers))
                        agent_say(&f, answers[round]);
                else
                        fake_qemu_guest_off(&f.qemu);
                RUN_UNTIL(&f, c.done);
                if (round == 0)
                        assert_null(c.error);
                else
                        assert_string_equal(c.error, CONTROL_ERROR_AGENT);
                assert_string_equal(c.text, round == 0 ? "[{\"logical-id\":0}]" : round == 1 ?
                                    "internal error: unable to execute QEMU agent command 'guest-set': no such CPU" :
                                    "Requested operation is not valid: domain is not running");
                call_done(&c);
                for (size_t i = 0; round == 0 && i < ELEMENTSOF(wrong); i++) {
                        begin_agent_within(bus, wrong[i][0], 10 * SECOND, &c);
                        agent_synchronise(&f);
                        RUN_UNTIL(&f, c.done);
                        assert_string_equal(c.error, CONTROL_ERROR_AGENT);
                        assert_string_equal(c.text, wrong[i][1]);
                        call_done(&c);
                }
        }
        sd_bus_flush_close_unref(bus);
        sd_bus_flush_close_unref(other);
        run_until_ended(&f);
        teardown(&f);

        /* Nobody waits for the answer, but the agent is busy until it has come. */
        setup_agent(&f);
        bus = connect_client(&f);
        begin_agent_within(bus, "{\"execute\": \"guest-fstrim\"}", 0, &c);
        agent_synchronise(&f);
        (void) agent_read(&f, line, sizeof(line));
        RUN_UNTIL(&f, c.done);
        assert_string_equal(c.text, "null");
        call_done(&c);
        call_simple(&f, "Agent", "{\"execute\": \"guest-info\"}", CONTROL_ERROR_AGENT, "the guest agent is being asked already");
        agent_say(&f, "{\"return\": {}}\n");

        sd_bus_flush_close_unref(bus);
        teardown(&f);

        /* That the guest sleeps, the agent does not say. */
        setup_agent(&f);
        bus = connect_client(&f);
        begin_agent_within(bus, "{\"execute\": \"guest-suspend-ram\"}", 60 * SECOND, &c);
        agent_synchronise(&f);
        (void) agent_read(&f, line, sizeof(line));
        assert_false(c.done);
        fake_qemu_send(&f.qemu, "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"SUSPEND\"}\r\n");
        RUN_UNTIL(&f, c.done);
        assert_null(c.error);
        assert_string_equal(c.text, "null");
        call_done(&c);
        call_simple(&f, "GetState", NULL, NULL, "pmsuspended");

        /* A descriptor of the client's goes to QEMU. */
        _cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
        call(&f, bus, &c, "QmpWithFd", "sh", "{\"execute\": \"add-fd\"}", fd);
        call_done(&c);
        assert_true(f.qemu.received_fd >= 0);
        sd_bus_flush_close_unref(bus);
        teardown(&f);

        /* Nobody is there; and there is no agent at all. */
        setup_agent(&f);
        call_simple(&f, "Agent", "{\"execute\": \"guest-info\"}", CONTROL_ERROR_AGENT,
                    "Guest agent is not responding: QEMU guest agent is not connected");
        teardown(&f);
        setup(&f, PLAN);
        run_until_ready(&f);
        call_simple(&f, "Agent", "{\"execute\": \"guest-info\"}", CONTROL_ERROR_AGENT,
                    "argument unsupported: QEMU guest agent is not configured");
        teardown(&f);
}

/* --- those who look at a console ----------------------------------------------------------------------- */

/* What comes out of FD, until all of TEXT has. */
static void expect_seen(Fixture *f, int fd, const char *text) {
        char buffer[256] = "";
        size_t n = 0;

        while (n < strlen(text)) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                while (poll(&p, 1, 50) == 0)
                        while (sd_event_run(f->event, 0) > 0)
                                ;
                ssize_t k = read(fd, buffer + n, sizeof(buffer) - 1 - n);
                assert_true(k > 0);
                n += (size_t) k;
        }
        assert_string_equal(buffer, text);
}

static void say(int fd, const char *text) {
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

static void view(Fixture *f, sd_bus *bus, Call *c) {
        call(f, bus, c, "ViewConsole", "s", "serial0");
        assert_null(c->error);
        assert_true(c->fd >= 0);
}

/* Not waiting: it may be answered much later. */
static void feed(sd_bus *bus, Call *c, ...) {
        va_list ap;

        va_start(ap, c);
        begin_call(bus, c, "FeedConsole", "s", ap);
        va_end(ap);
}

/* Until the monitor reads the pty, so that nothing of what is said is lost: QEMU would look whether somebody is there. */
static void wait_until_open(Fixture *f, int master) {
        struct pollfd p = { .fd = master, .events = POLLOUT };

        while (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP))
                (void) sd_event_run(f->event, 20 * 1000);
}

static void test_viewers(void **state) {
        Call a, b, holder, feeder, again;
        char name[64], block[4096], buffer[4096];
        _cleanup_free_ char *filename = NULL;
        int master, slave;
        Fixture f;

        assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
        safe_close(slave);
        (void) fcntl(master, F_SETFD, FD_CLOEXEC);
        setup(&f, PLAN);
        filename = strf("pty:%s", name);
        f.qemu.console = filename;
        run_until_ready(&f);
        sd_bus *bus = connect_client(&f), *other = connect_client(&f);

        /* Nobody has the console: the monitor reads it itself. */
        view(&f, bus, &a);
        wait_until_open(&f, master);
        say(master, "login: ");
        expect_seen(&f, a.fd, "login: ");
        view(&f, other, &b);
        say(master, "root");
        expect_seen(&f, a.fd, "root");
        expect_seen(&f, b.fd, "root");
        assert_int_equal(write(a.fd, "x", 1), -1); /* of no use for sending */

        /* Whoever wants to have it gets it, and makes the copies from then on. */
        call(&f, bus, &holder, "OpenConsole", "sb", "", 0);
        assert_null(holder.error);
        feed(bus, &feeder, "serial0");
        RUN_UNTIL(&f, feeder.done);
        assert_null(feeder.error);
        say(master, "pass");
        assert_int_equal(read(holder.fd, buffer, sizeof(buffer)), 4);
        say(feeder.fd, "copy");
        expect_seen(&f, a.fd, "copy");
        expect_seen(&f, b.fd, "copy");

        /* One that does not read keeps nobody else from anything. */
        memset(block, 'x', sizeof(block));
        for (unsigned i = 0; i < 64; i++) {
                for (ssize_t k = -1; k < 0;) {
                        k = write(feeder.fd, block, sizeof(block));
                        if (k < 0)
                                assert_true(sd_event_run(f.event, 20 * 1000) >= 0);
                }
                size_t n = 0;
                while (n < sizeof(block)) {
                        ssize_t k = read(b.fd, buffer, sizeof(buffer));
                        if (k < 0)
                                assert_true(sd_event_run(f.event, 20 * 1000) >= 0);
                        else
                                n += (size_t) k;
                }
        }
        call_simple(&f, "GetState", NULL, NULL, "running");

        /* With the last of them the copies end, and the holder says again that it could make some. */
        call_done(&a);
        say(feeder.fd, "more");
        expect_seen(&f, b.fd, "more");
        call_done(&b);
        struct pollfd p = { .fd = feeder.fd };
        assert_int_equal(poll(&p, 1, 30000), 1);
        assert_true(p.revents & POLLERR);
        call_done(&feeder);
        feed(bus, &feeder, "serial0");
        call_simple(&f, "GetState", NULL, NULL, "running");
        assert_false(feeder.done);
        feed(other, &again, "serial0"); /* by one that has taken it */
        RUN_UNTIL(&f, feeder.done);
        assert_string_equal(feeder.error, CONTROL_ERROR_BUSY);
        call_done(&feeder);
        view(&f, bus, &a);
        RUN_UNTIL(&f, again.done);
        say(again.fd, "third");
        expect_seen(&f, a.fd, "third");

        /* When it leaves, the pty itself is read again. */
        call_done(&again);
        call_done(&holder);
        wait_until_open(&f, master);
        say(master, "alone");
        expect_seen(&f, a.fd, "alone");

        /* The end of the monitor is the end of the pipe. */
        sd_bus_close_unref(bus);
        sd_bus_close_unref(other);
        assert_int_equal(kill(f.monitor, SIGKILL), 0);
        RUN_UNTIL(&f, f.counts[MONITOR_HELLO] == 2);
        assert_int_equal(read(a.fd, buffer, sizeof(buffer)), 0);
        call_done(&a);
        bus = connect_client(&f);
        view(&f, bus, &a);
        wait_until_open(&f, master);
        say(master, "next");
        expect_seen(&f, a.fd, "next");
        call(&f, bus, &b, "ViewConsole", "s", "serial9");
        assert_string_equal(b.text, "cannot find character device serial9");
        call_done(&b);

        Call many[20] = {};
        unsigned n = 0;
        for (;; n++) {
                assert_true(n < ELEMENTSOF(many));
                call(&f, bus, many + n, "ViewConsole", "s", "");
                if (many[n].error)
                        break;
        }
        assert_int_equal(n, 15);
        assert_string_equal(many[n].text, "too many sessions look at the consoles of this domain");
        FOREACH_ARRAY(i, many, n + 1)
                call_done(i);
        call_done(&a);
        sd_bus_flush_close_unref(bus);
        safe_close(master);
        teardown(&f);
}

/* --- consoles and VNC ---------------------------------------------------------------------------------- */

static void test_consoles(void **state) {
        char name[64], buffer[8];
        _cleanup_free_ char *filename = NULL;
        int master, slave;
        Call c, d;
        Fixture f;

        assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
        safe_close(slave);
        (void) fcntl(master, F_SETFD, FD_CLOEXEC);
        setup(&f, PLAN);
        filename = strf("pty:%s", name);
        f.qemu.console = filename;
        run_until_ready(&f);
        sd_bus *bus = connect_client(&f), *other = connect_client(&f);
        call(&f, bus, &c, "OpenConsole", "sb", "", 0);
        assert_null(c.error);
        assert_true(c.fd >= 0);
        assert_int_equal(write(c.fd, "in\n", 3), 3);
        assert_int_equal(read(master, buffer, sizeof(buffer)), 3);
        assert_memory_equal(buffer, "in\n", 3);
        assert_int_equal(write(master, "out\n", 4), 4);
        assert_int_equal(read(c.fd, buffer, sizeof(buffer)), 4); /* raw: no carriage return */

        /* Taken, and it stays so when the monitor and the connection are gone. */
        call(&f, other, &d, "OpenConsole", "sb", "serial0", 0);
        assert_string_equal(d.error, CONTROL_ERROR_BUSY);
        assert_string_equal(d.text, "Active console session exists for this domain");
        call_done(&d);
        sd_bus_close_unref(bus);
        sd_bus_close_unref(other);
        assert_int_equal(kill(f.monitor, SIGKILL), 0);
        RUN_UNTIL(&f, f.counts[MONITOR_HELLO] == 2);
        other = connect_client(&f);
        call(&f, other, &d, "OpenConsole", "sb", "serial0", 0);
        assert_string_equal(d.error, CONTROL_ERROR_BUSY);
        call_done(&d);
        /* By force, from one who does not leave. */
        call(&f, other, &d, "OpenConsole", "sb", "serial0", 1);
        assert_null(d.error);
        call_done(&d);
        call_done(&c);
        call(&f, other, &c, "OpenConsole", "sb", "serial0", 0);
        assert_null(c.error);
        call_done(&c);

        call(&f, other, &c, "OpenConsole", "sb", "serial1", 0);
        assert_string_equal(c.error, CONTROL_ERROR_NOT_FOUND);
        assert_string_equal(c.text, "character device serial1 is not using a PTY");
        call_done(&c);
        call(&f, other, &c, "OpenConsole", "sb", "serial9", 0);
        assert_string_equal(c.text, "cannot find character device serial9");
        call_done(&c);
        f.qemu.console = "pty:/dev/pts/999999";
        call(&f, other, &c, "OpenConsole", "sb", "serial0", 0);
        assert_string_equal(c.error, CONTROL_ERROR_NOT_FOUND);
        call_done(&c);
        sd_bus_flush_close_unref(other);
        safe_close(master);
        teardown(&f);

        setup(&f, "{\"name\": \"no-such-vm\", \"emulator\": \"/bin/true\", \"arguments\": [\"x\"], \"files\": [], \"properties\": [],"
                  "\"consoles\": []" POLICY("destroy", "restart", "destroy"));
        run_until_ready(&f);
        other = connect_client(&f);
        call(&f, other, &c, "OpenConsole", "sb", "", 0);
        assert_string_equal(c.error, CONTROL_ERROR_NOT_FOUND);
        assert_string_equal(c.text, "cannot find character device <null>");
        call_done(&c);
        sd_bus_flush_close_unref(other);
        teardown(&f);
}

/* Up to where all that is left to say is that it is safe. */
static sd_bus *save(Fixture *f) {
        sd_bus *bus = connect_client(f);
        char buffer[8];
        Call c;

        call(f, bus, &c, "Save", NULL);
        assert_null(c.error);
        assert_int_equal(read(c.fd, buffer, sizeof(buffer)), 5);
        assert_memory_equal(buffer, "state", 5);
        assert_int_equal(read(c.fd, buffer, sizeof(buffer)), 0);
        call_done(&c);
        call(f, bus, &c, "WaitSaved", NULL);
        assert_null(c.error);
        call_done(&c);
        return bus;
}

/* The machine ends only for the one who has its state, as long as he is there. */
static void test_save(void **state) {
        Fixture f;
        Call c;

        setup(&f, PLAN);
        run_until_ready(&f);
        sd_bus *bus = save(&f);
        call_simple(&f, "EndSaved", NULL, CONTROL_ERROR_STATE, "domain is being saved");
        assert_int_equal(f.qemu.n_quits, 0);
        /* He gives up waiting for a monitor that does not get its turn. */
        assert_int_equal(kill(f.monitor, SIGSTOP), 0);
        start_call(bus, &c, "EndSaved", NULL);
        assert_true(sd_bus_flush(bus) >= 0);
        sd_bus_close_unref(bus);
        assert_int_equal(kill(f.monitor, SIGCONT), 0);
        RUN_UNTIL(&f, f.domain_state == STATE_RUNNING && f.reason == REASON_SAVE_CANCELED && !f.qemu.note_saving);
        assert_int_equal(f.qemu.n_quits, 0);

        bus = save(&f);
        call(&f, bus, &c, "EndSaved", NULL);
        assert_null(c.error);
        call_done(&c);
        run_until_ended(&f);
        assert_int_equal(f.ending, REASON_SAVED);
        sd_bus_flush_close_unref(bus);
        teardown(&f);
}

static int connect_vnc(Fixture *f) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        strcpy(sa.sun_path, f->vnc_path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &sa, sizeof(sa)), 0);
        return fd;
}

static void listen_vnc(Fixture *f) {
        (void) snprintf(f->vnc_path, sizeof(f->vnc_path), "%s/vnc", f->directory);
        f->vnc = listen_at(f->vnc_path);
}

/* --- threads: a directory that plays UNIT/vm (test-threads.c has the details) --------------------------- */

static void put_file(Fixture *f, const char *path, const char *text) {
        int fd = openat(f->cgroup, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        close(fd);
}

static void assert_file(Fixture *f, const char *path, const char *expected) {
        char text[64] = "";
        int fd = openat(f->cgroup, path, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_true(read(fd, text, sizeof(text) - 1) >= 0);
        close(fd);
        assert_string_equal(text, expected);
}

static char *setup_cgroup(Fixture *f) {
        static const char *const files[][2] = {
                { "cgroup.controllers", "cpu cpuset\n" }, { "cgroup.subtree_control", "" },
                { "cgroup.threads", "4711\n4712\n" },     { "cgroup.procs", "4711\n" },
                { "vcpu0/cgroup.type", "threaded\n" },     { "vcpu0/cgroup.threads", "" },
                { "vcpu0/cpu.max", "" },                   { "vcpu0/cpuset.cpus", "" },
        };
        char *directory = test_directory_new();

        assert_non_null(directory);
        f->cgroup = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(f->cgroup >= 0);
        assert_int_equal(mkdirat(f->cgroup, "vcpu0", 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                put_file(f, files[i][0], files[i][1]);
        f->qemu.vcpus = "[{\"cpu-index\": 0, \"thread-id\": 4712}]";
        return directory;
}

#define THREADS ", \"threads\": [{\"kind\": \"vcpu\", \"id\": 0, \"quota\": 25000}]"

static void test_threads(void **state) {
        Fixture f;

        setup(&f, PLAN THREADS);
        char *directory = setup_cgroup(&f);
        run_until_ready(&f);
        assert_file(&f, "vcpu0/cpu.max", "25000 100000");
        assert_file(&f, "vcpu0/cgroup.threads", "4712");
        assert_string_equal(f.qemu.status, "running");

        call_simple(&f, "SetThreads", "[{\"kind\": \"vcpu\", \"id\": 0, \"quota\": 50000}]", NULL, NULL);
        assert_file(&f, "vcpu0/cpu.max", "50000 100000");
        call_simple(&f, "SetThreads", "[{\"kind\": \"vcpu\"", SD_BUS_ERROR_INVALID_ARGS, "not a list of settings of threads");
        put_file(&f, "cgroup.controllers", "");
        put_file(&f, "cgroup.subtree_control", "");
        call_simple(&f, "SetThreads", "[{\"kind\": \"vcpu\", \"id\": 0, \"quota\": 60000}]", CONTROL_ERROR_QEMU,
                    "<quota>: the cgroup controller 'cpu' is not available here");
        assert_file(&f, "vcpu0/cpu.max", "50000 100000");

        /* A new monitor finds what is there, and leaves it. */
        assert_int_equal(kill(f.monitor, SIGKILL), 0);
        f.counts[MONITOR_READY] = 0;
        RUN_UNTIL(&f, f.n_monitors == 2);
        run_until_ready(&f);
        call_simple(&f, "GetState", NULL, NULL, "running");
        assert_file(&f, "vcpu0/cpu.max", "50000 100000");

        /* A QEMU that has been taken over: refused and said, and the guest goes on. */
        f.qemu.vcpus = "[{\"cpu-index\": 0, \"thread-id\": 1}]";
        call_simple(&f, "SetThreads", "[]", CONTROL_ERROR_QEMU, "QEMU gives vcpu 0 a thread that is not its own (1)");
        assert_logged(&f, "QEMU gives vcpu 0 a thread that is not its own (1)");
        f.qemu.vcpus = "7";
        call_simple(&f, "SetThreads", "[]", CONTROL_ERROR_QEMU, "QEMU's list of virtual CPUs is none");
        call_simple(&f, "GetThreads", NULL, CONTROL_ERROR_QEMU, "QEMU's list of virtual CPUs is none");
        assert_string_equal(f.qemu.status, "running");
        teardown(&f);
        test_directory_remove(directory);
}

/* The answer is QEMU's event, which may be there before QEMU has answered. */
static void test_unplug(void **state) {
        Fixture f;
        Call c;

        setup(&f, PLAN);
        run_until_ready(&f);
        call_simple(&f, "Unplug", "gone", NULL, NULL);
        call_simple(&f, "Unplug", "kept", CONTROL_ERROR_GUEST, "the guest keeps the device");
        call_simple(&f, "Unplug", "memory", CONTROL_ERROR_GUEST, "the guest keeps the device");

        sd_bus *bus = connect_client(&f);
        start_call(bus, &c, "Unplug", "s", "later");
        RUN_UNTIL(&f, f.qemu.n_unplugs == 4);
        call_simple(&f, "GetState", NULL, NULL, "running");
        fake_qemu_guest_unplugs(&f.qemu, "DEVICE_DELETED", "another");
        fake_qemu_guest_unplugs(&f.qemu, "DEVICE_DELETED", "late");
        fake_qemu_guest_unplugs(&f.qemu, "DEVICE_DELETED", "later2/lapic");
        fake_qemu_send(&f.qemu, "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"DEVICE_DELETED\"}\r\n");
        call_simple(&f, "GetState", NULL, NULL, "running");
        assert_false(c.done);
        fake_qemu_guest_unplugs(&f.qemu, "DEVICE_DELETED", "later");
        RUN_UNTIL(&f, c.done);
        assert_null(c.error);
        call_done(&c);

        start_call(bus, &c, "Unplug", "s", "later");
        RUN_UNTIL(&f, f.qemu.n_unplugs == 5);
        fake_qemu_guest_unplugs(&f.qemu, "DEVICE_DELETED", "later/lapic");
        RUN_UNTIL(&f, c.done);
        assert_null(c.error);
        call_done(&c);

        f.qemu.refuse = "device_del";
        call_simple(&f, "Unplug", "gone", CONTROL_ERROR_QEMU, "refused by the test");
        f.qemu.refuse = NULL;
        uint64_t begin = now_usec();
        call_simple(&f, "Unplug", "silent", CONTROL_ERROR_TIMEOUT, "the guest does not let go of the device");
        assert_in_range(now_usec() - begin, 4 * SECOND, 20 * SECOND);

        /* With the event, and the end of time, before QEMU has answered at all. */
        f.qemu.swallow = "device_del";
        f.qemu.hostile = "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"DEVICE_DELETED\", "
                         "\"data\": {\"device\": \"early\"}}\r\n";
        call_simple(&f, "Unplug", "early", NULL, NULL);
        f.qemu.hostile = NULL;
        call_simple(&f, "Unplug", "early", CONTROL_ERROR_TIMEOUT, "the guest does not let go of the device");

        /* Nobody is left to be asked. */
        start_call(bus, &c, "Unplug", "s", "later");
        call_simple(&f, "GetState", NULL, NULL, "running");
        fake_qemu_guest_off(&f.qemu);
        RUN_UNTIL(&f, c.done);
        assert_string_equal(c.error, CONTROL_ERROR_STATE);
        call_done(&c);
        sd_bus_flush_close_unref(bus);
        teardown(&f);
}

static void play_threads(Fixture *f) {
        char *directory = setup_cgroup(f);

        run_until_ready(f);
        assert_file(f, "vcpu0/cpu.max", "25000 100000");
        assert_file(f, "vcpu0/cgroup.threads", "4712");
        assert_string_equal(f->qemu.status, "running");
        fake_qemu_guest_off(&f->qemu);
        RUN_UNTIL(f, f->qemu.fd < 0 && f->monitor == 0);
        test_directory_remove(directory);
}

static void test_killed_in_threads(void **state) {
        at_every_step(PLAN THREADS, play_threads);
}

/* What cannot be applied must not start; where nothing is asked for nothing is missed. */
static void test_threads_refused(void **state) {
        Fixture f;

        setup(&f, PLAN THREADS);
        char *directory = setup_cgroup(&f);
        put_file(&f, "cgroup.controllers", "memory\n");
        start_monitor(&f);
        run_until_ended(&f);
        assert_int_equal(f.qemu.n_conts, 0);
        assert_int_equal(f.ending, REASON_FAILED);
        assert_logged(&f, "<quota>: the cgroup controller 'cpu' is not available here");
        teardown(&f);
        test_directory_remove(directory);

        setup(&f, PLAN THREADS);
        start_monitor(&f);
        run_until_ended(&f);
        assert_int_equal(f.qemu.n_conts, 0);
        assert_logged(&f, "this machine has no cgroup of its own");
        teardown(&f);

        setup(&f, PLAN);
        run_until_ready(&f);
        teardown(&f);
}

#define SLOT(socket, rest) "{\"type\": \"x-cpu\", \"vcpus-count\": 1, \"props\": {\"socket-id\": " socket "}" rest "}"

static void test_plugged_vcpus(void **state) {
        Fixture f;

        /* In the plan's order, into the places by number, those of an earlier monitor left out. */
        setup(&f, PLAN ", \"pluggedVcpus\": [3, 1, 2]");
        f.qemu.slots = "[" SLOT("3", "") "," SLOT("2", ", \"qom-path\": \"/machine/peripheral/vcpu2\"") "," SLOT("1", "") ","
                       SLOT("0", ", \"qom-path\": \"/machine/unattached/device[0]\"") "]";
        run_until_ready(&f);
        assert_string_equal(f.qemu.plugged, "vcpu3@3 vcpu1@1 ");
        teardown(&f);

        static const char *const wrong[][2] = {
                { "[]", "QEMU has no place for virtual CPU 3" },
                { "[7]", "cannot plug the virtual CPUs in" },
                { "[{\"type\": \"x\", \"vcpus-count\": 0, \"props\": {}}]", "cannot plug the virtual CPUs in" },
        };
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                setup(&f, PLAN ", \"pluggedVcpus\": [3]");
                f.qemu.slots = wrong[i][0];
                start_monitor(&f);
                run_until_ended(&f);
                assert_int_equal(f.qemu.n_conts, 0);
                assert_logged(&f, wrong[i][1]);
                teardown(&f);
        }
}

static void hand_over(const char *plan) {
        char buffer[8];
        Fixture f;

        setup(&f, plan);
        listen_vnc(&f);
        run_until_ready(&f);
        int client = connect_vnc(&f);
        RUN_UNTIL(&f, f.qemu.received_fd >= 0);
        assert_int_equal(send(f.qemu.received_fd, "RFB", 3, 0), 3);
        assert_int_equal(recv(client, buffer, sizeof(buffer), 0), 3);
        safe_close(client);
        f.qemu.received_fd = safe_close(f.qemu.received_fd);

        /* Refused: the client sees its end, the next one has the same chance. */
        f.qemu.refuse = "getfd";
        client = connect_vnc(&f);
        RUN_UNTIL(&f, f.qemu.received_fd >= 0);
        f.qemu.received_fd = safe_close(f.qemu.received_fd);
        assert_int_equal(recv(client, buffer, sizeof(buffer), 0), 0);
        safe_close(client);
        f.qemu.refuse = NULL;
        client = connect_vnc(&f);
        RUN_UNTIL(&f, f.qemu.received_fd >= 0);
        safe_close(client);
        teardown(&f);
}

static void test_displays(void **state) {
        hand_over(PLAN ", \"vnc\": {\"present\": true, \"listener\": \"vnc-0\"}");
        hand_over(PLAN ", \"spice\": {\"present\": true, \"listener\": \"vnc-0\"}");
        hand_over(PLAN ", \"spice\": {\"present\": true, \"tlsListener\": \"vnc-0\"}");
}

/* What becomes of the machine can be changed while it runs, and a later monitor knows. */
static void test_actions(void **state) {
        Fixture f;

        setup(&f, PLAN);
        run_until_ready(&f);
        call_simple(&f, "SetActions", "destroy.restart", SD_BUS_ERROR_INVALID_ARGS, NULL);
        call_simple(&f, "SetActions", "destroy.restart.explode", SD_BUS_ERROR_INVALID_ARGS, NULL);
        call_simple(&f, "SetActions", "destroy.restart.preserve.", SD_BUS_ERROR_INVALID_ARGS, NULL);
        call_simple(&f, "SetActions", "destroy.restart.destroy", NULL, NULL); /* as it is */
        assert_string_equal(f.qemu.note_actions, "");
        call_simple(&f, "SetActions", "destroy.destroy.destroy", NULL, NULL);
        assert_true(f.qemu.reset_shuts_down);
        call_simple(&f, "SetActions", "destroy.restart.preserve", NULL, NULL);
        assert_false(f.qemu.reset_shuts_down);
        assert_string_equal(f.qemu.note_actions, "vmunit-actions.destroy.restart.preserve");
        f.qemu.refuse = "object-add";
        call_simple(&f, "SetActions", "destroy.restart.destroy", CONTROL_ERROR_QEMU, "refused by the test");
        assert_string_equal(f.qemu.deleted, "vmunit-actions.destroy.destroy.destroy"); /* nothing since the last change */
        /* What is done by half is undone. */
        f.qemu.refuse = "set-action";
        f.qemu.may_undo = true;
        call_simple(&f, "SetActions", "destroy.restart.restart", CONTROL_ERROR_QEMU, "refused by the test");
        RUN_UNTIL(&f, streq(f.qemu.deleted, "vmunit-actions.destroy.restart.restart"));
        (void) snprintf(f.qemu.note_actions, sizeof(f.qemu.note_actions), "vmunit-actions.destroy.restart.preserve");
        f.qemu.may_undo = false;
        f.qemu.refuse = NULL;
        unsigned n_states = f.counts[MONITOR_STATE];
        assert_int_equal(kill(f.monitor, SIGKILL), 0);
        RUN_UNTIL(&f, f.counts[MONITOR_STATE] > n_states);
        fake_qemu_guest_panics(&f.qemu);
        RUN_UNTIL(&f, f.domain_state == STATE_CRASHED);
        call_simple(&f, "GetState", NULL, NULL, "crashed");
        assert_int_equal(f.qemu.n_quits, 0);
        teardown(&f);
}

/* Whoever connects to the port for the guest's systemd and is not the guest is sent away. (The guest itself: tests/host.) */
static void test_notify_foreign(void **state) {
        char buffer[8];
        Fixture f;

        setup(&f, PLAN ", \"ready\": \"vsock-notify\", \"guestCid\": 1");
        listen_vnc(&f);
        f.vnc_name = "guest-notify";
        start_monitor(&f);
        RUN_UNTIL(&f, f.qemu.n_conts > 0 && f.domain_state == STATE_RUNNING);
        for (unsigned i = 0; i < 3; i++) {
                int client = connect_vnc(&f);
                (void) send(client, "READY=1\n", 8, MSG_NOSIGNAL);
                assert_true(recv(client, buffer, sizeof(buffer), 0) <= 0);
                safe_close(client);
        }
        /* Answered behind all that. */
        send_message(&f, MONITOR_PING, 0);
        RUN_UNTIL(&f, f.counts[MONITOR_PONG] > 0);
        assert_int_equal(f.counts[MONITOR_READY], 0);
        assert_logged(&f, "ready when the guest's systemd says so");
        assert_logged(&f, "somebody else than the guest speaks to the port for the guest's systemd: not heard");
        /* Said once: a new monitor of a machine that is not ready yet waits on … */
        unsigned n_states = f.counts[MONITOR_STATE];
        assert_int_equal(kill(f.monitor, SIGKILL), 0);
        RUN_UNTIL(&f, f.counts[MONITOR_STATE] > n_states);
        send_message(&f, MONITOR_PING, 0);
        RUN_UNTIL(&f, f.counts[MONITOR_PONG] > 1);
        assert_int_equal(f.counts[MONITOR_READY], 0);
        /* … and when the unit ends before, that is told. */
        send_message(&f, MONITOR_SHUTDOWN, UINT32_MAX);
        RUN_UNTIL(&f, f.qemu.n_powerdowns > 0);
        assert_logged(&f, "stopped before the guest's systemd had said that it is ready, after ");
        teardown(&f);

        /* One that was ready before this monitor: nothing was missed. */
        setup(&f, PLAN ", \"ready\": \"vsock-notify\", \"guestCid\": 1");
        start_monitor(&f);
        RUN_UNTIL(&f, f.counts[MONITOR_HELLO] > 0);
        send_message(&f, MONITOR_WAS_READY, 0);
        RUN_UNTIL(&f, f.domain_state == STATE_RUNNING);
        send_message(&f, MONITOR_SHUTDOWN, UINT32_MAX);
        RUN_UNTIL(&f, f.qemu.n_powerdowns > 0);
        _cleanup_free_ char *log = read_log(&f);
        assert_null(strstr(log, "stopped before"));
        teardown(&f);

        /* What stands still, or goes on from where it was saved, is not waited for. */
        setup(&f, PLAN ", \"ready\": \"vsock-notify\", \"startPaused\": true");
        run_until_ready(&f);
        teardown(&f);
}

/* --- the real thing ------------------------------------------------------------------------------------ */

static int on_qemu(sd_event_source *s, const siginfo_t *si, void *userdata) {
        *(bool *) userdata = true;
        return 0;
}

static pid_t start_qemu(Fixture *f, int fd) {
        char socket[64];

        (void) snprintf(socket, sizeof(socket), "socket,id=m,fd=%d", fd);
        pid_t pid = fork();
        if (pid == 0) {
                (void) fcntl(fd, F_SETFD, 0);
                (void) sigprocmask(SIG_SETMASK, &(sigset_t) {}, NULL);
                int null = open("/dev/null", O_RDWR);
                (void) dup2(null, STDOUT_FILENO);
                execl(QEMU, QEMU, "-S", "-no-user-config", "-nodefaults", "-no-shutdown", "-display", "none", "-machine",
                      "q35,accel=tcg", "-m", "32", "-vnc", "none", "-chardev", socket, "-mon", "chardev=m,mode=control",
                      "-chardev", "pty,id=charserial0", "-device", "isa-serial,chardev=charserial0", "-device", "pvpanic",
                      NULL);
                _exit(127);
        }
        assert_true(pid > 0);
        return pid;
}

static void kill_monitor(Fixture *f) {
        unsigned n = f->counts[MONITOR_READY];

        RUN_UNTIL(f, f->monitor > 0);
        assert_int_equal(kill(f->monitor, SIGKILL), 0);
        RUN_UNTIL(f, f->counts[MONITOR_READY] > n);
}

static void test_real_qemu(void **state) {
        sd_event_source *child;
        char buffer[16] = {};
        bool ended = false;
        int pair[2];
        Fixture f;
        Call c;

        if (access(QEMU, X_OK) < 0) {
                print_message("%s is not installed\n", QEMU);
                skip();
        }
        setup_files(&f, PLAN ", \"vnc\": {\"present\": true, \"listener\": \"vnc-0\"}");
        listen_vnc(&f);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        f.qmp = pair[0];
        f.qemu.fd = f.qemu.received_fd = -EBADF;
        pid_t pid = start_qemu(&f, pair[1]);
        /* For on_child(): there is a QEMU, though not ours to play. */
        f.qemu.fd = pair[1];
        assert_true(sd_event_add_child(f.event, &child, pid, WEXITED, on_qemu, &ended) >= 0);
        run_until_ready(&f);
        assert_int_equal(f.domain_state, STATE_RUNNING);
        assert_int_equal(f.hello, 0);

        kill_monitor(&f);
        assert_int_equal(f.hello, 1);
        assert_int_equal(f.domain_state, STATE_RUNNING);
        assert_int_equal(f.reason, REASON_BOOTED);
        call_simple(&f, "Suspend", NULL, NULL, NULL);
        kill_monitor(&f);
        assert_int_equal(f.domain_state, STATE_PAUSED);
        assert_int_equal(f.reason, REASON_USER);
        call_simple(&f, "Reset", NULL, NULL, NULL);
        kill_monitor(&f);
        call_simple(&f, "Qmp", "{\"execute\": \"query-status\"}", NULL,
                    "{\"status\":\"prelaunch\",\"singlestep\":false,\"running\":false}");
        call_simple(&f, "Resume", NULL, NULL, NULL);
        call_simple(&f, "Qmp", "{\"execute\": \"query-status\"}", NULL,
                    "{\"status\":\"running\",\"singlestep\":false,\"running\":true}");
        call_simple(&f, "Reset", NULL, NULL, NULL);

        sd_bus *bus = connect_client(&f);
        call(&f, bus, &c, "OpenConsole", "sb", "", 0);
        assert_null(c.error);
        call_done(&c);
        sd_bus_flush_close_unref(bus);

        int client = connect_vnc(&f);
        for (size_t n = 0; n < 12;) {
                ssize_t k = recv(client, buffer + n, 12 - n, MSG_DONTWAIT);
                if (k < 0)
                        assert_true(sd_event_run(f.event, SECOND / 100) >= 0);
                else
                        n += (size_t) k;
        }
        assert_string_equal(buffer, "RFB 003.008\n");
        safe_close(client);

        /* The firmware does not hear the power button. */
        send_message(&f, MONITOR_SHUTDOWN, 200);
        f.no_restart = true;
        f.qemu.fd = safe_close(f.qemu.fd);
        RUN_UNTIL(&f, ended && f.monitor == 0);
        assert_int_equal(f.exit_status, 0);
        assert_int_equal(f.ending, REASON_DESTROYED);
        sd_event_source_disable_unref(child);
        f.qemu = (FakeQemu) { .fd = -EBADF, .received_fd = -EBADF };
        teardown(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_start_and_power_off),   cmocka_unit_test(test_start_paused),
                cmocka_unit_test(test_refusals),              cmocka_unit_test(test_policies),
                cmocka_unit_test(test_calls),                 cmocka_unit_test(test_end_during_call),
                cmocka_unit_test(test_reboot),                cmocka_unit_test(test_stop),
                cmocka_unit_test(test_supervisor),            cmocka_unit_test(test_killed_in_life),
                cmocka_unit_test(test_killed_in_fake_reboot), cmocka_unit_test(test_killed_in_reboot_call),
                cmocka_unit_test(test_killed_in_panic),       cmocka_unit_test(test_killed_in_pause),
                cmocka_unit_test(test_hostile),               cmocka_unit_test(test_events),
                cmocka_unit_test(test_flood),
                cmocka_unit_test(test_agent),                 cmocka_unit_test(test_agent_absent),
                cmocka_unit_test(test_agent_commands),
                cmocka_unit_test(test_viewers),
                cmocka_unit_test(test_consoles),              cmocka_unit_test(test_displays),
                cmocka_unit_test(test_notify_foreign),        cmocka_unit_test(test_actions),
                cmocka_unit_test(test_threads),               cmocka_unit_test(test_threads_refused),
                cmocka_unit_test(test_plugged_vcpus),         cmocka_unit_test(test_killed_in_threads),
                cmocka_unit_test(test_unplug),                cmocka_unit_test(test_save),
                cmocka_unit_test(test_real_qemu),
        };
        return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
