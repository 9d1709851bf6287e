/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of systemd, of one that is made up: a process at the other end of a socket pair, with one unit. */
#include <setjmp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "string-util.h"
#include "strv.h"
#include "systemd.h"

#define UNIT "vm@a.service"
#define JOB "/org/freedesktop/systemd1/job/7"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define SECOND UINT64_C(1000000)

static pid_t server_pid;
static sd_bus *bus;

/* --- the other end ------------------------------------------------------------------------------------------ */

/* What jobs come to: the mode of StartUnit says it. */
static int on_start(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *unit, *mode;

        int r = sd_bus_message_read(m, "ss", &unit, &mode);
        if (r < 0)
                return r;
        if (streq(unit, "lost.service"))
                _exit(0);
        if (!streq(unit, UNIT))
                return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit not found.");
        /* Before the answer, as it happens. */
        r = sd_bus_emit_signal(sd_bus_message_get_bus(m), "/org/freedesktop/systemd1", MANAGER, "JobRemoved", "uoss", 6,
                               "/org/freedesktop/systemd1/job/6", "other.service", "failed");
        if (r >= 0 && !streq(mode, "fail"))
                r = sd_bus_emit_signal(sd_bus_message_get_bus(m), "/org/freedesktop/systemd1", MANAGER, "JobRemoved", "uoss", 7, JOB,
                                       unit, streq(mode, "replace") ? "done" : "dependency");
        return r < 0 ? r : sd_bus_reply_method_return(m, "o", JOB);
}

static int get_text(sd_bus *b, const char *path, const char *iface, const char *property, sd_bus_message *reply, void *userdata,
                    sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", streq(property, "User") ? "vm-a" : "loaded");
}

static int get_job(sd_bus *b, const char *path, const char *iface, const char *property, sd_bus_message *reply, void *userdata,
                   sd_bus_error *error) {
        return sd_bus_message_append(reply, "(uo)", 7, JOB);
}

static int get_yes(sd_bus *b, const char *path, const char *iface, const char *property, sd_bus_message *reply, void *userdata,
                   sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", true);
}

static int get_environment(sd_bus *b, const char *path, const char *iface, const char *property, sd_bus_message *reply, void *userdata,
                           sd_bus_error *error) {
        return sd_bus_message_append(reply, "as", 2, "A=1", "B=2");
}

static int get_label(sd_bus *b, const char *path, const char *iface, const char *property, sd_bus_message *reply, void *userdata,
                     sd_bus_error *error) {
        return sd_bus_message_append(reply, "(bs)", true, streq(property, "SELinuxContext") ? "u:r:t:s0" : "");
}

static int get_limit(sd_bus *b, const char *path, const char *iface, const char *property, sd_bus_message *reply, void *userdata,
                     sd_bus_error *error) {
        return sd_bus_message_append(reply, "t", UINT64_C(300) * SECOND);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("StartUnit", "ss", "o", on_start, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
        SD_BUS_VTABLE_END,
};
static const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("LoadState", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("NeedDaemonReload", "b", get_yes, 0, 0),
        SD_BUS_PROPERTY("Job", "(uo)", get_job, 0, 0),
        SD_BUS_VTABLE_END,
};
static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Environment", "as", get_environment, 0, 0),
        SD_BUS_PROPERTY("SELinuxContext", "(bs)", get_label, 0, 0),
        SD_BUS_PROPERTY("AppArmorProfile", "(bs)", get_label, 0, 0),
        SD_BUS_PROPERTY("TimeoutStartUSec", "t", get_limit, 0, 0),
        SD_BUS_PROPERTY("User", "s", get_text, 0, 0),
        SD_BUS_VTABLE_END,
};

static int serve(int fd) {
        _cleanup_free_ char *path = systemd_unit_path(UNIT);
        sd_bus *b = NULL;
        sd_id128_t id = {};

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        int r = sd_bus_new(&b);
        if (r >= 0)
                r = sd_bus_set_fd(b, fd, fd);
        if (r >= 0)
                r = sd_bus_set_server(b, 1, id);
        if (r >= 0)
                r = sd_bus_set_sender(b, "org.freedesktop.systemd1");
        if (r >= 0)
                r = sd_bus_start(b);
        if (r >= 0)
                r = sd_bus_add_object_vtable(b, NULL, "/org/freedesktop/systemd1", MANAGER, manager_vtable, NULL);
        if (r >= 0)
                r = sd_bus_add_object_vtable(b, NULL, path, "org.freedesktop.systemd1.Unit", unit_vtable, NULL);
        if (r >= 0)
                r = sd_bus_add_object_vtable(b, NULL, path, "org.freedesktop.systemd1.Service", service_vtable, NULL);
        while (r >= 0) {
                r = sd_bus_process(b, NULL);
                if (r == 0)
                        r = sd_bus_wait(b, UINT64_MAX);
        }
        sd_bus_unref(b);
        return r;
}

static int group_setup(void **state) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        server_pid = fork();
        assert_true(server_pid >= 0);
        if (server_pid == 0) {
                (void) close(fds[0]);
                _exit(serve(fds[1]) == -ECONNRESET ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        (void) close(fds[1]);
        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_true(sd_bus_set_method_call_timeout(bus, 20 * SECOND) >= 0);
        return 0;
}

static int group_teardown(void **state) {
        bus = sd_bus_flush_close_unref(bus);
        (void) kill(server_pid, SIGKILL);
        (void) waitpid(server_pid, NULL, 0);
        return 0;
}

/* --- tests -------------------------------------------------------------------------------------------------- */

/* Of both interfaces at once, in any order. */
static void test_several(void **state) {
        _cleanup_free_ char *user = NULL, *loaded = NULL, *context = NULL, *profile = strdup("old");
        _cleanup_strv_ char **environment = NULL;
        uint64_t limit = 0;
        bool reload = false;
        const SystemdWanted wanted[] = {
                { "User", "s", &user },
                { "LoadState", "s", &loaded },
                { "NeedDaemonReload", "b", &reload },
                { "Environment", "as", &environment },
                { "SELinuxContext", "(bs)", &context },
                { "AppArmorProfile", "(bs)", &profile },
                { "TimeoutStartUSec", "t", &limit },
        };

        assert_int_equal(systemd_get_several(bus, UNIT, wanted, ELEMENTSOF(wanted)), 0);
        assert_string_equal(user, "vm-a");
        assert_string_equal(loaded, "loaded");
        assert_true(reload);
        assert_int_equal(strv_length(environment), 2);
        assert_string_equal(environment[1], "B=2");
        assert_string_equal(context, "u:r:t:s0");
        assert_null(profile);
        assert_true(limit == 300 * SECOND);
}

static void test_several_wrong(void **state) {
        _cleanup_free_ char *text = NULL;
        uint64_t number = 0;
        const SystemdWanted missing = { "Nothing", "s", &text }, other_type = { "User", "t", &number };

        assert_int_equal(systemd_get_several(bus, UNIT, &missing, 1), -ENODATA);
        assert_true(systemd_get_several(bus, UNIT, &other_type, 1) < 0);
        assert_true(systemd_get_several(bus, "none.service", &missing, 1) < 0);
        assert_null(text);
}

static void note_job(uint32_t job, void *userdata) {
        char *notes = userdata;

        (void) sprintf(notes + strlen(notes), "%" PRIu32 ";", job);
}

/* Who is to know of the job knows it before it has ended. */
static void test_start(void **state) {
        _cleanup_free_ char *result = NULL;
        char notes[64] = "";
        uint32_t job = 99;

        assert_int_equal(systemd_start_unit(bus, UNIT, 20 * SECOND, &(SystemdJobNote) { note_job, notes }, NULL, &result), 0);
        assert_string_equal(result, "done");
        assert_string_equal(notes, "0;7;");
        assert_int_equal(systemd_get_job(bus, UNIT, &job), 0);
        assert_int_equal(job, 7);
        assert_true(systemd_get_job(bus, "none.service", &job) < 0);
}

/* Another job's end, which came before, is not this one's. */
static void test_job_fails(void **state) {
        _cleanup_free_ char *result = NULL;
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(systemd_run_job(bus, "StartUnit", UNIT, "isolate", 20 * SECOND, &diag, &result), -ECANCELED);
        assert_string_equal(result, "dependency");
        assert_null(diag_first_error(&diag));
        assert_int_equal(systemd_run_job(bus, "StartUnit", UNIT, "isolate", 20 * SECOND, &diag, NULL), -ECANCELED);
        assert_string_equal(diag_first_error(&diag), "job for " UNIT " ended with 'dependency'");
}

static void test_job_without_end(void **state) {
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(systemd_run_job(bus, "StartUnit", UNIT, "fail", 1000, &diag, NULL), -ETIMEDOUT);
        assert_non_null(strstr(diag_first_error(&diag), "cannot wait for " UNIT));
}

static void test_job_refused(void **state) {
        _cleanup_diag_ Diag diag = {};

        assert_true(systemd_start_unit(bus, "none.service", SECOND, NULL, &diag, NULL) < 0);
        assert_string_equal(diag_first_error(&diag), "cannot start none.service: Unit not found.");
}

/* The last one: nobody is there any more. A real systemd would be asked again; here is none. */
static void test_connection_lost(void **state) {
        _cleanup_diag_ Diag diag = {};

        assert_true(systemd_start_unit(bus, "lost.service", SECOND, NULL, &diag, NULL) < 0);
        assert_non_null(strstr(diag_first_error(&diag), "cannot wait for lost.service: "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_several),   cmocka_unit_test(test_several_wrong),   cmocka_unit_test(test_start),
                cmocka_unit_test(test_job_fails), cmocka_unit_test(test_job_without_end), cmocka_unit_test(test_job_refused),
                cmocka_unit_test(test_connection_lost),
        };
        return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
