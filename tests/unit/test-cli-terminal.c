/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after the above */
#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "terminal.h"

/* A guest at one end of a socket pair, the session in a process of its own, we at the other side of its
 * terminal. */

typedef struct Fixture {
        int keyboard, guest, other; /* our ends; OTHER is where the session is told that it is taken */
        pid_t pid;
} Fixture;

/* What is no "taken" is none. */
static bool is_taken(void *userdata) {
        char c;

        return read(*(int *) userdata, &c, 1) == 1 && c == 't';
}

static void copy(void *userdata, const char *data, size_t n) {
        assert_int_equal(write(*(int *) userdata, data, n), (ssize_t) n);
}

/* STREAM is the session's, GUEST its other end; both are taken over. */
static void start_on(Fixture *f, bool read_only, int stream, int guest, unsigned short rows, unsigned short columns) {
        int terminal, watch[2];
        struct termios mode;

        assert_int_equal(openpty(&f->keyboard, &terminal, NULL, NULL, &(struct winsize) { .ws_row = rows, .ws_col = columns }), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, watch), 0);
        /* Raw beforehand, so that nothing typed before the session has set its mode is echoed or lost. */
        assert_int_equal(tcgetattr(terminal, &mode), 0);
        cfmakeraw(&mode);
        assert_int_equal(tcsetattr(terminal, TCSANOW, &mode), 0);
        f->pid = fork();
        assert_true(f->pid >= 0);
        if (f->pid == 0) {
                close(guest);
                close(watch[0]);
                close(f->keyboard);
                int r = terminal_attach(terminal, terminal, stream, 0x1d, &(TerminalWatch) { watch[1], is_taken, copy, &watch[1], read_only });
                _exit(r < 0 ? 100 : r);
        }
        close(stream);
        close(watch[1]);
        close(terminal);
        f->guest = guest;
        f->other = watch[0];
}

static void start_as(Fixture *f, bool read_only) {
        int stream[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
        start_on(f, read_only, stream[1], stream[0], 24, 80);
}

static void start(Fixture *f) {
        start_as(f, false);
}

static int finish(Fixture *f) {
        int status;

        assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
        if (f->guest >= 0)
                close(f->guest);
        close(f->other);
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

static void resize(int keyboard, unsigned short rows, unsigned short columns) {
        assert_int_equal(ioctl(keyboard, TIOCSWINSZ, &(struct winsize) { .ws_row = rows, .ws_col = columns }), 0);
}

static bool has_size(int guest, unsigned short rows, unsigned short columns) {
        struct winsize size = {};

        assert_int_equal(ioctl(guest, TIOCGWINSZ, &size), 0);
        return size.ws_row == rows && size.ws_col == columns;
}

/* A serial console that is a pty has the size of the window, also when that changes; who only looks on changes nothing. */
static void test_window_size(void **state) {
        for (int read_only = 0; read_only < 2; read_only++) {
                int guest, stream;
                struct termios mode;
                Fixture f;

                assert_int_equal(openpty(&guest, &stream, NULL, NULL, NULL), 0);
                assert_int_equal(tcgetattr(stream, &mode), 0);
                cfmakeraw(&mode);
                assert_int_equal(tcsetattr(stream, TCSANOW, &mode), 0);
                start_on(&f, read_only, stream, guest, 33, 77);
                say(f.guest, "begun");
                expect_bytes(f.keyboard, "begun");
                assert_true(has_size(guest, read_only ? 0 : 33, read_only ? 0 : 77));
                resize(f.keyboard, 50, 132);
                /* Nobody's controlling terminal: the kernel tells nobody. */
                assert_int_equal(kill(f.pid, SIGWINCH), 0);
                for (unsigned i = 0; i < 1000 && !has_size(guest, 50, 132) && (!read_only || i < 10); i++) {
                        say(f.guest, ".");
                        expect_bytes(f.keyboard, ".");
                }
                assert_true(has_size(guest, read_only ? 0 : 50, read_only ? 0 : 132));
                say(f.keyboard, "\x1d");
                assert_int_equal(finish(&f), 0);
        }
}

static void test_end_of_stream(void **state) {
        Fixture f;

        start(&f);
        say(f.guest, "power down");
        close(f.guest);
        f.guest = -1;
        expect_bytes(f.keyboard, "power down");
        assert_int_equal(finish(&f), TERMINAL_ENDED);
}

/* It ends at once; what the guest says from then on, and what has not reached the guest, is the other's. */
static void test_taken(void **state) {
        char buffer[8];
        Fixture f;

        start(&f);
        say(f.guest, "x");
        expect_bytes(f.keyboard, "x");
        say(f.other, "-");
        say(f.guest, "y");
        expect_bytes(f.keyboard, "y"); /* it goes on */
        say(f.other, "t");
        assert_int_equal(waitid(P_PID, (id_t) f.pid, &(siginfo_t) {}, WEXITED | WNOWAIT), 0);
        say(f.keyboard, "late");
        assert_int_equal(recv(f.guest, buffer, sizeof(buffer), MSG_DONTWAIT), 0); /* closed */
        assert_int_equal(finish(&f), TERMINAL_TAKEN);
}

/* All that is shown is copied, once. */
static void test_copy(void **state) {
        Fixture f;

        start(&f);
        say(f.guest, "login: ");
        expect_bytes(f.keyboard, "login: ");
        say(f.guest, "root");
        expect_bytes(f.keyboard, "root");
        say(f.keyboard, "\x1d");
        expect_bytes(f.other, "login: root");
        assert_int_equal(finish(&f), TERMINAL_LEFT);
}

static void test_read_only(void **state) {
        char buffer[8];
        Fixture f;

        start_as(&f, true);
        say(f.guest, "x");
        expect_bytes(f.keyboard, "x");
        say(f.keyboard, "halt\r");
        say(f.guest, "y");
        expect_bytes(f.keyboard, "y");
        say(f.keyboard, "q\x1d");
        assert_int_equal(waitid(P_PID, (id_t) f.pid, &(siginfo_t) {}, WEXITED | WNOWAIT), 0);
        assert_int_equal(recv(f.guest, buffer, sizeof(buffer), 0), 0); /* nothing but the end */
        assert_int_equal(finish(&f), TERMINAL_LEFT);
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
        /* More than there is room for, in the session and in the kernel. */
        for (unsigned i = 0; i < 1024; i++)
                assert_int_equal(write(f.keyboard, block, sizeof(block)), sizeof(block));
        say(f.keyboard, "\x1d");
        assert_int_equal(finish(&f), 0);

        start(&f);
        say(f.guest, "x");
        expect_bytes(f.keyboard, "x");
        kill(f.pid, SIGHUP);
        assert_int_equal(finish(&f), 0);
}

/* All of what was pasted arrives, in its order, at a guest that takes it slowly. */
static void test_slow_guest(void **state) {
        char block[1000], buffer[97];
        size_t n = 0;
        Fixture f;

        start(&f);
        say(f.guest, "x");
        expect_bytes(f.keyboard, "x");
        for (unsigned i = 0; i < 200; i++) {
                memset(block, 'a' + (int) (i % 26), sizeof(block));
                assert_int_equal(write(f.keyboard, block, sizeof(block)), sizeof(block));
        }
        while (n < 200 * sizeof(block)) {
                ssize_t k = read(f.guest, buffer, sizeof(buffer));
                assert_true(k > 0);
                for (ssize_t i = 0; i < k; i++)
                        assert_int_equal(buffer[i], 'a' + (int) (n++ / sizeof(block) % 26));
        }
        say(f.keyboard, "\x1d");
        assert_int_equal(finish(&f), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_directions_until_escape),
                cmocka_unit_test(test_window_size),
                cmocka_unit_test(test_end_of_stream),
                cmocka_unit_test(test_taken),
                cmocka_unit_test(test_copy),
                cmocka_unit_test(test_read_only),
                cmocka_unit_test(test_signal_ends_it),
                cmocka_unit_test(test_stuck_guest),
                cmocka_unit_test(test_slow_guest),
        };
        (void) alarm(20);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
