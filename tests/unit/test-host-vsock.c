/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
/* after the above */
#include <cmocka.h>

#include "fd-pass.h"
#include "runtime.h"
#include "ssh-proxy.h"
#include "string-util.h"
#include "strv.h"
#include "test-directory.h"
#include "vsock.h"

#include <fcntl.h>

/* Addresses for <vsock>, and ssh's way to a machine, on a kernel and with a network made up. */

/* --- addresses --- */

static unsigned taken_up_to;    /* these are other machines' */
static int set_error;
static unsigned n_calls;

static int fake_set_cid(int fd, unsigned cid) {
        n_calls++;
        return set_error < 0 ? set_error : cid <= taken_up_to ? -EADDRINUSE : 0;
}

static void expect_claim(DomainVsock v, unsigned taken, int error, unsigned cid, const char *message) {
        _cleanup_diag_ Diag diag = {};

        taken_up_to = taken;
        set_error = error;
        n_calls = 0;
        int r = vsock_claim(-1, fake_set_cid, &v, &diag);
        assert_int_equal(r < 0, message != NULL);
        if (message)
                assert_string_equal(diag_first_error(&diag), message);
        else
                assert_int_equal(v.cid.value, cid);
}

static void test_claim(void **state) {
        DomainVsock automatic = { .auto_cid = TRI_YES }, fixed = { .auto_cid = TRI_NO, .cid = OPT_UINT(77) };
        DomainVsock again = { .auto_cid = TRI_YES, .cid = OPT_UINT(9) }; /* of an earlier run */

        expect_claim(automatic, 0, 0, 3, NULL);
        expect_claim(automatic, 3, 0, 4, NULL);
        expect_claim(automatic, 102, 0, 103, NULL);
        assert_int_equal(n_calls, 101);
        expect_claim(again, 0, 0, 3, NULL);
        expect_claim(fixed, 76, 0, 77, NULL);
        expect_claim(fixed, 77, 0, 0, "vsock: address 77 is in use, by another machine of this host");
        assert_int_equal(n_calls, 1); /* nobody asked for another one */
        expect_claim(automatic, UINT_MAX, 0, 0, "vsock: the addresses 3 to 65538 are all in use");
        expect_claim(automatic, 0, -ENOTTY, 0, "vsock: cannot take the address 3: Inappropriate ioctl for device");
        assert_int_equal(n_calls, 1);
}

/* --- ssh --- */

static unsigned asked_cid, asked_port;
static int connect_result; /* 0: a socket */

static int fake_connect(unsigned cid, unsigned port) {
        int pair[2];

        asked_cid = cid;
        asked_port = port;
        if (connect_result < 0)
                return connect_result;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(write(pair[1], "SSH-2.0-guest", 13), 13);
        close(pair[1]);
        return pair[0];
}

static void make_machine(const char *base, const char *name, const char *id, const char *cid) {
        _cleanup_free_ char *path = strf("%s/%s", base, name);

        assert_true(mkdir(base, 0755) == 0 || errno == EEXIST);
        assert_int_equal(mkdir(path, 0755), 0);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (id)
                assert_int_equal(runtime_write(fd, RUNTIME_ID, id, strlen(id), 0644), 0);
        if (cid)
                assert_int_equal(runtime_write(fd, RUNTIME_CID, cid, strlen(cid), 0644), 0);
}

static void refused(char **bases, const char *host, const char *port, const char *message) {
        _cleanup_diag_ Diag diag = {};

        asked_cid = 0;
        assert_true(ssh_proxy_connect(bases, host, port, fake_connect, &diag) < 0);
        assert_string_equal(diag_first_error(&diag), message);
        assert_true(asked_cid == 0 || connect_result < 0);
}

static int reached(char **bases, const char *host, const char *port, unsigned cid) {
        _cleanup_diag_ Diag diag = {};

        int fd = ssh_proxy_connect(bases, host, port, fake_connect, &diag);
        if (fd < 0)
                fail_msg("%s: %s", host, diag_first_error(&diag));
        assert_int_equal(asked_cid, cid);
        return fd;
}

/* What ssh does at its end. */
static void expect_passed(int socket) {
        char byte, text[32] = {}, space[CMSG_SPACE(sizeof(int))];
        struct iovec iov = { &byte, 1 };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
        int fd;

        assert_int_equal(recvmsg(socket, &m, 0), 1);
        const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        assert_non_null(c);
        assert_int_equal(c->cmsg_type, SCM_RIGHTS);
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        assert_int_equal(read(fd, text, sizeof(text)), 13);
        assert_string_equal(text, "SSH-2.0-guest");
        close(fd);
}

static void test_ssh(void **state) {
        char *dir = test_directory_new();
        _cleanup_free_ char *system = strf("%s/system", dir), *session = strf("%s/session", dir);
        char **bases = STRV_MAKE(system, session);
        int pair[2];

        make_machine(system, "web", "3\n", "7\n");
        make_machine(system, "My VM", "4\n", "8\n");
        make_machine(system, "bare", "5\n", NULL);
        make_machine(system, "ended", NULL, "9\n"); /* an address that nobody has any more */
        make_machine(system, "broken", "6\n", "seven\n");
        make_machine(session, "web", "1\n", "70\n");
        make_machine(session, "mine", "2\n", "71\n");
        make_machine(dir, "outside", "1\n", "99\n");

        int fd = reached(bases, "vm/web", "22", 7);
        assert_int_equal(asked_port, 22);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(fd_send(pair[0], fd), 0);
        close(fd);
        expect_passed(pair[1]);
        close(pair[0]);
        close(pair[1]);
        close(reached(bases, "vm/My VM", "2222", 8));
        assert_int_equal(asked_port, 2222);
        close(reached(bases, "vm/mine", "22", 71));

        refused(bases, "web", "22", "'web' is not vm/NAME");
        refused(bases, "vsock/3", "22", "'vsock/3' is not vm/NAME");
        refused(bases, "vm/", "22", "the name is empty");
        refused(bases, "vm/../outside", "22", "name '../outside' cannot contain '/'");
        refused(bases, "vm/..", "22", "name '..' cannot begin with '.'");
        refused(bases, "vm/web/", "22", "name 'web/' cannot contain '/'");
        refused(bases, "vm/w\x1b[2J", "22", "the name contains control characters or is not UTF-8");
        refused(bases, "vm/nobody", "22", "domain 'nobody' does not run");
        refused(bases, "vm/ended", "22", "domain 'ended' does not run");
        refused(bases, "vm/bare", "22", "domain 'bare' has no vsock: its definition needs <vsock><cid auto='yes'/></vsock>");
        refused(bases, "vm/broken", "22", "cannot read the address of domain 'broken': Bad message");
        refused(bases, "vm/web", "0", "'0' is not a port");
        refused(bases, "vm/web", "ssh", "'ssh' is not a port");
        refused(bases, "vm/web", "4294967295", "'4294967295' is not a port");

        connect_result = -ENODEV;
        refused(bases, "vm/web", "22", "domain 'web' does not answer: its guest has no driver for vsock, or not yet");
        connect_result = -ECONNRESET;
        refused(bases, "vm/web", "22", "nobody listens at vsock port 22 in domain 'web': systemd 256 and later do with sshd, by themselves");
        connect_result = -EACCES;
        refused(bases, "vm/web", "22", "cannot connect to vsock port 22 of domain 'web': Permission denied");
        connect_result = 0;
        test_directory_remove(dir);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_claim),
                cmocka_unit_test(test_ssh),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
