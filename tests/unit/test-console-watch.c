/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after the above */
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "console-copy.h"
#include "console-watch.h"
#include "control-server.h"
#include "string-util.h"

#define LIMIT_MSEC 20000

static char directory[] = "/tmp/test-console-watch-XXXXXX";

/* A monitor of our own, at a socket that stays when it is replaced. */
static void refuse(ControlRequest *r, void *userdata) {
        unsigned *calls = userdata;

        assert_int_equal(r->method, CONTROL_FEED_CONSOLE);
        (*calls)++;
        control_reply_error(r, SD_BUS_ERROR_UNKNOWN_METHOD, "an older one");
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
        assert_int_equal(control_server_new(event, fd, refuse, NULL, &calls, &server), 0);
        assert_int_equal(console_watch_open_path(again, "serial0", &watches[0]), 0);
        assert_int_equal(console_watch_open_path(again, "serial1", &watches[1]), 0);
        serve_until(event, &calls, 2, watches, 2);

        /* The end of a monitor is no take-over, and the next one is heard. */
        server = control_server_free(server);
        assert_int_equal(control_server_new(event, fd, refuse, NULL, &calls, &server), 0);
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
        assert_int_equal(control_server_new(event, fd, refuse, NULL, &calls, &server), 0);
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

/* --- copies --- */

typedef struct Feed {
        unsigned calls;
        ControlRequest *wanted; /* not answered yet */
} Feed;

static void keep(ControlRequest *r, void *userdata) {
        Feed *f = userdata;

        assert_int_equal(r->method, CONTROL_FEED_CONSOLE);
        assert_string_equal(r->text, "serial0");
        assert_null(f->wanted);
        f->wanted = r;
        f->calls++;
}

static void expect_calls(sd_event *event, ConsoleWatch *w, const Feed *f, unsigned n) {
        while (f->calls < n) {
                assert_true(sd_event_run(event, 10000) >= 0);
                assert_false(console_watch_is_taken(w));
        }
}

static void answer_with(sd_event *event, ConsoleWatch *w, Feed *f, int fd) {
        struct pollfd p = { .fd = console_watch_get_fd(w), .events = POLLIN };

        control_reply_fd(f->wanted, fd);
        f->wanted = NULL;
        assert_int_equal(poll(&p, 1, LIMIT_MSEC), 1);
        assert_false(console_watch_is_taken(w));
}

static void expect_read(int fd, const char *text) {
        char buffer[256];

        ssize_t n = read(fd, buffer, sizeof(buffer) - 1);
        assert_true(n >= 0);
        buffer[n] = '\0';
        assert_string_equal(buffer, text);
}

static void test_copies(void **state) {
        ControlServer *server;
        ConsoleWatch *watch;
        sd_event *event;
        ConsoleCopy copy;
        char again[80];
        Feed f = {};
        int out, pair[2];

        int fd = listen_again(again, sizeof(again));
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(control_server_new(event, fd, keep, NULL, &f, &server), 0);
        assert_int_equal(console_watch_open_path(again, "serial0", &watch), 0);
        expect_calls(event, watch, &f, 1);
        console_watch_copy(watch, "nobody", 6);

        /* What is wanted is said from then on, and no longer than somebody reads it; then the next may ask. */
        assert_int_equal(console_copy_open(&copy, &out), 0);
        answer_with(event, watch, &f, copy.fd);
        console_copy_close(&copy);
        console_watch_copy(watch, "first", 5);
        expect_read(out, "first");
        safe_close(out);
        expect_calls(event, watch, &f, 2);

        /* What is no pipe might make us wait, and is not written to. */
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        answer_with(event, watch, &f, pair[1]);
        console_watch_copy(watch, "x", 1);
        safe_close(pair[1]);
        expect_read(pair[0], "");
        safe_close(pair[0]);

        /* The next monitor is offered it again. */
        server = control_server_free(server);
        assert_int_equal(control_server_new(event, fd, keep, NULL, &f, &server), 0);
        expect_calls(event, watch, &f, 3);
        assert_int_equal(console_copy_open(&copy, &out), 0);
        answer_with(event, watch, &f, copy.fd);
        console_copy_close(&copy);
        console_watch_copy(watch, "second", 6);
        expect_read(out, "second");

        safe_close(out);
        console_watch_free(watch);
        control_server_free(server);
        sd_event_unref(event);
        safe_close(fd);
        assert_int_equal(unlink(again), 0);
}

/* A reader that does not read: the writer goes on, and a line tells what is missing. */
static void test_lost(void **state) {
        char block[1000], *all = calloc(1, 1024 * 1024);
        const size_t n_blocks = 200;
        unsigned long long lost;
        ConsoleCopy copy;
        size_t n = 0;
        ssize_t k;
        int fd;

        assert_non_null(all);
        memset(block, 'x', sizeof(block));
        assert_int_equal(console_copy_open(&copy, &fd), 0);
        assert_int_equal(console_copy_write(&copy, "begin", 5), 0);
        for (size_t i = 0; i < n_blocks; i++)
                assert_true(console_copy_write(&copy, block, sizeof(block)) >= 0);
        assert_int_equal(console_copy_write(&copy, block, sizeof(block)), 1);
        while ((k = read(fd, all + n, 1024 * 1024 - n)) > 0)
                n += (size_t) k;
        assert_int_equal(errno, EAGAIN);
        const size_t taken = n;
        assert_int_equal(console_copy_write(&copy, NULL, 0), 0);
        assert_int_equal(console_copy_write(&copy, "end", 3), 0);
        k = read(fd, all + n, 1024 * 1024 - n - 1);
        assert_true(k > 0);
        assert_int_equal(sscanf(all + n, "\r\n[vmunit: %llu bytes are missing here]\r\nend", &lost), 1);
        assert_int_equal(lost + taken, 5 + (n_blocks + 1) * sizeof(block));
        assert_string_equal(all + n + (size_t) k - 3, "end");
        safe_close(fd);
        (void) signal(SIGPIPE, SIG_IGN);
        assert_int_equal(console_copy_write(&copy, "z", 1), -EPIPE);
        console_copy_close(&copy);
        free(all);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_console_watch),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_lost),
        };
        if (!mkdtemp(directory))
                return 1;
        (void) alarm(60);
        int r = cmocka_run_group_tests_name("console-watch", tests, NULL, NULL);
        (void) rmdir(directory);
        return r;
}
