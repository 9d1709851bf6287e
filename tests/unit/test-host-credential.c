/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where secrets are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "credential.h"
#include "domain-disk.h"
#include "domain-first-boot.h"
#include "file-util.h"
#include "open-files.h"
#include "test-directory.h"

#define NAME "vmunit.secret.x"

static char *dir; /* of the test that runs */

static int setup(void **state) {
        dir = test_directory_new();
        return dir && unsetenv("CREDENTIALS_DIRECTORY") == 0 ? 0 : -1;
}

static int teardown(void **state) {
        test_directory_remove(dir);
        dir = NULL;
        return 0;
}

static char *make_file(const char *place, const char *data, size_t size, mode_t mode) {
        _cleanup_free_ char *parent = strf("%s%s", dir, place);
        char *path = strf("%s/" NAME, parent);

        assert_int_equal(mkdir_parents(parent, 0755), 0);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, data, size, 0600), 0);
        assert_int_equal(chmod(path, mode), 0);
        return path;
}

static void finds(const char *expected, size_t size) {
        _cleanup_free_ char *data = NULL, *reason = NULL;
        size_t n = 0;

        assert_int_equal(credential_read(dir, NAME, &data, &n, &reason), 0);
        assert_null(reason);
        assert_int_equal(n, size);
        assert_memory_equal(data, expected, size);
}

static void refuses(int error, const char *why) {
        _cleanup_free_ char *data = NULL, *reason = NULL;
        size_t n = 0;

        assert_int_equal(credential_read(dir, NAME, &data, &n, &reason), error);
        assert_null(data);
        assert_non_null(reason);
        if (!strstr(reason, why))
                fail_msg("'%s' does not say '%s'", reason, why);
}

/* What QEMU reads of P; "" when it is refused with MESSAGE. */
static void hands_over(PlanFd p, const char *expected, const char *message) {
        _cleanup_diag_ Diag diag = {};
        OpenedFd opened = {};
        char *text;

        p.kind = PLAN_FD_SECRET;
        p.element = (char *) "credential 'x' of the guest";
        p.name = (char *) "guest-credential-0";
        int r = open_plan_fd(&p, 0, &diag, &opened);
        assert_int_equal(r < 0, message != NULL);
        if (message) {
                assert_string_equal(strempty(diag_first_error(&diag)), message);
                return;
        }
        assert_int_equal(diag.n_entries, 0);
        assert_int_equal(read_fd_limited(opened.fds[0], 1 << 20, &text, NULL), 0);
        assert_string_equal(text, expected);
        assert_int_equal(write(opened.fds[0], "x", 1), -1); /* QEMU cannot change it */
        free(text);
        opened_fd_done(&opened);
}

static void test_guest(void **state) {
        _cleanup_free_ char *store = make_file("/given", "a\nb\n", 4, 0600), *given = strf("%s/given", dir);
        _cleanup_free_ char *large = calloc(1, CREDENTIAL_VALUE_MAX + 2);

        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", given, 1), 0);
        hands_over((PlanFd) { .guest_name = (char *) "x", .smbios = true, .secret = (char *) "db, the first" },
                   "io.systemd.credential.binary:x=ZGIsIHRoZSBmaXJzdA==", NULL);
        hands_over((PlanFd) { .guest_name = (char *) "x", .smbios = true, .credential = (char *) NAME }, "io.systemd.credential.binary:x=YQpiCg==", NULL);
        hands_over((PlanFd) { .guest_name = (char *) "x", .credential = (char *) NAME }, "a\nb\n", NULL);
        hands_over((PlanFd) { .guest_name = (char *) "x", .smbios = true, .secret = (char *) "" }, "io.systemd.credential.binary:x=", NULL);
        memset(large, 'a', CREDENTIAL_VALUE_MAX + 1);
        hands_over((PlanFd) { .guest_name = (char *) "x", .smbios = true, .secret = large }, NULL,
                   "credential 'x' of the guest is larger than 16384 bytes");
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void test_places(void **state) {
        _cleanup_free_ char *vendor = NULL, *local = NULL, *run = NULL, *etc = NULL, *given = NULL, *given_dir = strf("%s/given", dir);

        refuses(-ENOENT, "there is no credential '" NAME "' in /etc/credstore.encrypted or /etc/credstore");
        vendor = make_file("/usr/lib/credstore", "vendor", 6, 0600);
        finds("vendor", 6);
        local = make_file("/usr/local/lib/credstore", "local", 5, 0600);
        finds("local", 5);
        run = make_file("/run/credstore", "run", 3, 0400);
        finds("run", 3);
        etc = make_file("/etc/credstore", "etc", 3, 0600);
        finds("etc", 3);
        /* systemd's own directory has modes of its own. */
        given = make_file("/given", "given", 5, 0440);
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", given_dir, 1), 0);
        finds("given", 5);
        assert_int_equal(unlink(given), 0);
        finds("etc", 3);
}

static void test_bytes(void **state) {
        static const char data[] = "a\0b\377\n";
        _cleanup_free_ char *path = make_file("/etc/credstore", data, sizeof(data) - 1, 0600), *large = calloc(1, CREDENTIAL_MAX + 1);

        assert_non_null(large);
        finds(data, sizeof(data) - 1);
        free(path);
        path = make_file("/etc/credstore", large, CREDENTIAL_MAX, 0600);
        finds(large, CREDENTIAL_MAX);
        free(path);
        path = make_file("/etc/credstore", large, CREDENTIAL_MAX + 1, 0600);
        refuses(-EFBIG, "it is larger than 64 KiB");
        free(path);
        path = make_file("/etc/credstore", "", 0, 0600);
        refuses(-ENODATA, "it is empty");
}

static void test_who_may_read(void **state) {
        static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0644 };
        _cleanup_free_ char *path = make_file("/etc/credstore", "x", 1, 0600), *vendor = make_file("/usr/lib/credstore", "y", 1, 0600);

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                assert_int_equal(chmod(path, modes[i]), 0);
                /* Nor is one used that is behind it. */
                refuses(-EPERM, "others can read it, run: chmod 0600 '");
        }
        if (geteuid() == 0) {
                assert_int_equal(chmod(path, 0600), 0);
                assert_int_equal(chown(path, 4711, (gid_t) -1), 0);
                refuses(-EPERM, "it belongs to somebody else");
        }
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        refuses(-EINVAL, "it is not a regular file");
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        refuses(-EINVAL, "it is not a regular file");
}

static void test_encrypted(void **state) {
        _cleanup_free_ char *path = make_file("/etc/credstore.encrypted", "this is not one", 15, 0644);
        _cleanup_free_ char *plain = make_file("/etc/credstore", "x", 1, 0600);

        refuses(access("/usr/bin/systemd-creds", X_OK) < 0 ? -ENOENT : -EBADMSG, "/etc/credstore.encrypted/" NAME "': ");
}

static void test_names(void **state) {
        static const struct {
                const char *usage, *name;
        } cases[] = {
                { "/srv/a.img", "vmunit.secret.-srv-a.img" }, { "a b:c-d", "vmunit.secret.a\\x20b\\x3ac\\x2dd" },
                { ".x", "vmunit.secret.\\x2ex" }, { "\303\274", "vmunit.secret.\\xc3\\xbc" },
        };
        SecretRef s = { .has_uuid = true, .uuid = { 0x0a, 0x81 } };
        _cleanup_free_ char *uuid = secret_credential(&s);

        assert_string_equal(uuid, "vmunit.secret.0a810000-0000-0000-0000-000000000000");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                SecretRef named = { .usage = (char *) cases[i].usage };
                _cleanup_free_ char *name = secret_credential(&named);
                assert_string_equal(name, cases[i].name);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_guest), TEST(test_places), TEST(test_bytes), TEST(test_who_may_read), TEST(test_encrypted), TEST(test_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
