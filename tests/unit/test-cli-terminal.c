/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after the above */
#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "terminal.h"

/* A guest at one end of a socket pair, the session in a process of its own, we at the other side of its
 * terminal. */

typedef struct Fixture {
        int keyboard, guest; /* our ends */
        pid_t pid;
} Fixture;

static void start(Fixture *f) {
        int terminal, stream[2];
        struct termios mode;

        assert_int_equal(openpty(&f->keyboard, &terminal, NULL, NULL, NULL), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
        /* Raw beforehand, so that nothing typed before the session has set its mode is echoed or lost. */
        assert_int_equal(tcgetattr(terminal, &mode), 0);
        cfmakeraw(&mode);
        assert_int_equal(tcsetattr(terminal, TCSANOW, &mode), 0);
        f->pid = fork();
        assert_true(f->pid >= 0);
        if (f->pid == 0) {
                close(stream[0]);
                close(f->keyboard);
                int r = terminal_attach(terminal, terminal, stream[1], 0x1d);
                _exit(r < 0 ? 100 : r);
        }
        close(stream[1]);
        close(terminal);
        f->guest = stream[0];
}

static int finish(Fixture *f) {
        int status;

        assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
        if (f->guest >= 0)
                close(f->guest);
        close(f->keyboard);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_bytes(int fd, const char *s) {
        char buffer[256];
        size_t n = 0, wanted = strlen(s);

        while (n < wanted) {
                ssize_t k = read(fd, buffer + n, wanted - n);
                assert_true(k > 0);
                n += (size_t) k;
        }
        assert_memory_equal(buffer, s, wanted);
}

static void say(int fd, const char *s) {
        assert_int_equal(write(fd, s, strlen(s)), (ssize_t) strlen(s));
}

static void test_both_directions_until_escape(void **state) {
        Fixture f;

        start(&f);
        say(f.guest, "login: ");
        expect_bytes(f.keyboard, "login: ");
        say(f.keyboard, "root\r\x03");
        expect_bytes(f.guest, "root\r\x03");
        /* What was typed before the escape character arrives, what comes behind it does not. */
        say(f.keyboard, "bye\x1dignored");
        expect_bytes(f.guest, "bye");
        assert_int_equal(finish(&f), 0);
}

static void test_end_of_stream(void **state) {
        Fixture f;

        start(&f);
        say(f.guest, "power down");
        close(f.guest);
        f.guest = -1;
        expect_bytes(f.keyboard, "power down");
        assert_int_equal(finish(&f), 1);
}

static void test_signal_ends_it(void **state) {
        Fixture f;

        start(&f);
        say(f.guest, "x");
        expect_bytes(f.keyboard, "x"); /* it runs, so signals are watched */
        kill(f.pid, SIGTERM);
        assert_int_equal(finish(&f), 0);
}

/* A guest that reads nothing must not keep us here. */
static void test_stuck_guest(void **state) {
        char block[1024];
        Fixture f;

        memset(block, 'x', sizeof(block));
        start(&f);
        say(f.guest, "x");
        expect_bytes(f.keyboard, "x");
        assert_true(fcntl(f.keyboard, F_SETFL, O_NONBLOCK) >= 0);
        for (unsigned i = 0; i < 64; i++)
                if (write(f.keyboard, block, sizeof(block)) < 0)
                        break;
        assert_true(fcntl(f.keyboard, F_SETFL, 0) >= 0);
        kill(f.pid, SIGHUP);
        assert_int_equal(finish(&f), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_directions_until_escape),
                cmocka_unit_test(test_end_of_stream),
                cmocka_unit_test(test_signal_ends_it),
                cmocka_unit_test(test_stuck_guest),
        };
        (void) alarm(20);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
