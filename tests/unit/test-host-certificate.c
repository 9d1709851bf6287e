/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The days of certificates, and what is none. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "certificate.h"
#include "file-util.h"
#include "open-files.h"
#include "string-util.h"

static char *pem(const char *name, size_t *ret_size) {
        _cleanup_free_ char *path = strf(VMUNIT_PKI "/%s.pem", name);
        char *text = NULL;

        assert_int_equal(read_file_limited(AT_FDCWD, path, CERTIFICATE_FILE_MAX, &text, ret_size), 0);
        return text;
}

static void test_days(void **state) {
        _cleanup_free_ char *expired = NULL, *valid = NULL;
        time_t from, to;
        size_t n;

        expired = pem("expired-cert", &n);
        assert_int_equal(certificate_validity(expired, n, &from, &to), 0);
        assert_int_equal(from, 1577836800); /* 2020-01-01 */
        assert_int_equal(to, 1609372800);   /* 2020-12-31 */
        /* With a year of four digits: "no well-defined end". */
        valid = pem("server-cert", &n);
        assert_int_equal(certificate_validity(valid, n, &from, &to), 0);
        assert_true(from > 1609372800);
        assert_true(to > INT64_C(253402300000) && to < INT64_C(253402300800)); /* the end of 9999 */
}

/* Cut off anywhere, or with a byte changed anywhere: an answer or none, and never more. */
static void test_broken(void **state) {
        _cleanup_free_ char *text = NULL, *key = NULL;
        time_t from, to;
        size_t n;

        key = pem("server-key", &n);
        assert_int_equal(certificate_validity(key, n, &from, &to), -EBADMSG);
        text = pem("server-cert", &n);
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *cut = malloc(i + 1);
                assert_non_null(cut);
                memcpy(cut, text, i + 1);
                if (i < n - 2)
                        assert_int_equal(certificate_validity(cut, i, &from, &to), -EBADMSG);
                char before = text[i];
                for (const char *c = "A/9z=\n"; *c; c++) {
                        text[i] = *c;
                        (void) certificate_validity(text, n, &from, &to);
                }
                text[i] = before;
        }
}

static int open_certificate(const char *name, Diag *diag) {
        _cleanup_free_ char *path = strf(VMUNIT_PKI "/%s.pem", name);
        PlanFd fd = { .name = (char *) "cert", .kind = PLAN_FD_COPY, .path = path, .element = (char *) "graphics vnc", .certificate = true };
        OpenedFd o = {};

        int r = open_plan_fd(&fd, geteuid(), diag, &o);
        opened_fd_done(&o);
        return r;
}

static void test_open(void **state) {
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(open_certificate("server-cert", &diag), 0);
        assert_int_equal(diag.n_entries, 0);
        assert_int_equal(open_certificate("expired-cert", &diag), -EKEYEXPIRED);
        assert_non_null(strstr(diag_first_error(&diag), "expired-cert.pem' for graphics vnc: the certificate has expired on 2020-12-31 00:00:00 UTC"));
        assert_int_equal(open_certificate("server-key", &diag), -EBADMSG);
}

/* A secret that was lost, as in a plan that was read, is not an empty one. */
static void test_secret(void **state) {
        PlanFd fd = { .name = (char *) "vnc-password", .kind = PLAN_FD_SECRET, .element = (char *) "graphics vnc" };
        char text[16] = "";
        OpenedFd o = {};

        assert_int_equal(open_plan_fd(&fd, geteuid(), NULL, &o), -ENODATA);
        fd.secret = (char *) "sesame";
        assert_int_equal(open_plan_fd(&fd, geteuid(), NULL, &o), 0);
        assert_int_equal(pread(o.fds[0], text, sizeof(text), 0), 6);
        assert_string_equal(text, "sesame");
        assert_int_equal(pwrite(o.fds[0], "x", 1, 0), -1);
        opened_fd_done(&o);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_days), cmocka_unit_test(test_broken), cmocka_unit_test(test_open), cmocka_unit_test(test_secret),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
