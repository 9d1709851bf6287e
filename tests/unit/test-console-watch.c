/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after the above */
#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "console-watch.h"
#include "control-server.h"
#include "string-util.h"

#define LIMIT_MSEC 20000

static char directory[] = "/tmp/test-console-watch-XXXXXX";

/* A monitor of our own, at a socket that stays when it is replaced. */
static void reply_state(ControlRequest *r, void *userdata) {
        unsigned *calls = userdata;

        assert_int_equal(r->method, CONTROL_GET_STATE);
        (*calls)++;
        control_reply_state(r, STATE_RUNNING, REASON_BOOTED);
}

static int listen_again(char *ret_path, size_t size) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        (void) snprintf(ret_path, size, "%s/again", directory);
        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/again", directory);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &sa, sizeof(sa)), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

/* Until the watches have said N calls that they are there. */
static void serve_until(sd_event *event, const unsigned *calls, unsigned n, ConsoleWatch *const *watches, size_t n_watches) {
        while (*calls < n) {
                assert_true(sd_event_run(event, 10000) >= 0);
                FOREACH_ARRAY(w, watches, n_watches)
                        assert_false(console_watch_is_taken(*w));
        }
}

static void expect_taken(sd_event *event, ConsoleWatch *w) {
        struct pollfd p = { .fd = console_watch_get_fd(w), .events = POLLIN };

        do {
                while (sd_event_run(event, 0) > 0)
                        ;
                assert_int_equal(poll(&p, 1, LIMIT_MSEC), 1);
        } while (!console_watch_is_taken(w));
        assert_true(console_watch_is_taken(w)); /* and it stays so */
}

static void test_console_watch(void **state) {
        ConsoleWatch *watches[2];
        ControlServer *server;
        unsigned calls = 0;
        sd_event *event;
        char again[80];

        int fd = listen_again(again, sizeof(again));
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(control_server_new(event, fd, reply_state, NULL, &calls, &server), 0);
        assert_int_equal(console_watch_open_path(again, "serial0", &watches[0]), 0);
        assert_int_equal(console_watch_open_path(again, "serial1", &watches[1]), 0);
        serve_until(event, &calls, 2, watches, 2);

        /* The end of a monitor is no take-over, and the next one is heard. */
        server = control_server_free(server);
        assert_int_equal(control_server_new(event, fd, reply_state, NULL, &calls, &server), 0);
        serve_until(event, &calls, 4, watches, 2);
        assert_false(control_server_has_subscribers(server));
        control_server_console_taken(server, "serial1");
        expect_taken(event, watches[1]);
        assert_false(console_watch_is_taken(watches[0]));
        console_watch_free(watches[1]);

        /* Nor is it that there is no monitor for a while, at the beginning or later. */
        server = control_server_free(server);
        safe_close(fd);
        assert_int_equal(unlink(again), 0);
        assert_int_equal(console_watch_open_path(again, "serial1", &watches[1]), 0);
        FOREACH_ARRAY(w, watches, 2)
                assert_false(console_watch_is_taken(*w));
        fd = listen_again(again, sizeof(again));
        assert_int_equal(control_server_new(event, fd, reply_state, NULL, &calls, &server), 0);
        serve_until(event, &calls, 6, watches, 2);
        control_server_console_taken(server, "serial0");
        expect_taken(event, watches[0]);
        assert_false(console_watch_is_taken(watches[1]));

        FOREACH_ARRAY(w, watches, 2)
                console_watch_free(*w);
        control_server_free(server);
        sd_event_unref(event);
        safe_close(fd);
        assert_int_equal(unlink(again), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_console_watch),
        };
        if (!mkdtemp(directory))
                return 1;
        (void) alarm(60);
        int r = cmocka_run_group_tests_name("console-watch", tests, NULL, NULL);
        (void) rmdir(directory);
        return r;
}
