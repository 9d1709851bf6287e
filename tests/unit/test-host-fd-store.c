/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is sent to systemd, seen from systemd's side. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "fd-store.h"
#include "string-util.h"
#include "test-directory.h"

static char *dir;
static int server = -EBADF;

static int setup(void **state) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        dir = test_directory_new();
        server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (!dir || server < 0)
                return -1;
        (void) snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", dir);
        if (bind(server, (struct sockaddr *) &a, sizeof(a)) < 0)
                return -1;
        return setenv("NOTIFY_SOCKET", a.sun_path, 1);
}

static int teardown(void **state) {
        server = safe_close(server);
        test_directory_remove(dir);
        return unsetenv("NOTIFY_SOCKET");
}

/* The next message, without its end of line; its descriptor, or -1. */
static int receive(char *text, size_t size) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
        } control;
        struct iovec iov = { text, size - 1 };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
        int fd = -1;

        ssize_t n = recvmsg(server, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        assert_true(n > 0);
        text[n] = 0;
        text[strcspn(text, "") - (n > 0 && text[n - 1] == '\n')] = 0;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
                if (c->cmsg_type == SCM_RIGHTS)
                        memcpy(&fd, CMSG_DATA(c), sizeof(int));
        return fd;
}

static void test_push(void **state) {
        struct stat a, b;
        char text[256];

        _cleanup_close_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        assert_int_equal(fd_store_push(fd, "disk-vda.1"), 0);
        _cleanup_close_ int got = receive(text, sizeof(text));
        assert_string_equal(text, "FDSTORE=1\nFDNAME=disk-vda.1\nFDPOLL=0");
        assert_true(got >= 0);
        assert_int_equal(fstat(fd, &a), 0);
        assert_int_equal(fstat(got, &b), 0);
        assert_int_equal(a.st_ino, b.st_ino);
}

static void test_remove(void **state) {
        char text[256];

        assert_int_equal(fd_store_remove("tap-net0"), 0);
        assert_int_equal(receive(text, sizeof(text)), -1);
        assert_string_equal(text, "FDSTOREREMOVE=1\nFDNAME=tap-net0");
}

/* A name must not become another assignment. */
static void test_names(void **state) {
        char text[256], longest[257];

        assert_int_equal(fd_store_push(0, "a\nMAINPID=1"), -EINVAL);
        assert_int_equal(fd_store_remove("a:b"), -EINVAL);
        assert_int_equal(fd_store_push(0, ""), -EINVAL);
        assert_int_equal(fd_store_push(-1, "a"), -EBADF);
        memset(longest, 'a', sizeof(longest) - 1);
        longest[256] = 0;
        assert_false(fd_name_is_valid(longest));
        longest[255] = 0;
        assert_true(fd_name_is_valid(longest));
        assert_int_equal(notify_status("bad\nMAINPID=1"), 0);
        assert_int_equal(receive(text, sizeof(text)), -1);
        assert_string_equal(text, "STATUS=bad MAINPID=1");
}

static void test_nobody_listens(void **state) {
        assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
        assert_int_equal(fd_store_push(0, "a"), -ENOTCONN);
        assert_int_equal(fd_store_remove("a"), -ENOTCONN);
        assert_int_equal(fd_store_barrier(1000), -ENOTCONN);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { TEST(test_push), TEST(test_remove), TEST(test_names), TEST(test_nobody_listens) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
