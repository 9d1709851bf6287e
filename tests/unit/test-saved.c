/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file-util.h"
#include "names.h"
#include "saved-file.h"
#include "scope.h"
#include "siphash.h"
#include "string-util.h"
#include "test-directory.h"

#define XML "<domain><name>web</name></domain>"
#define DATA "what QEMU has written"

static SavedHeader header(void) {
        SavedDigest d = {};
        SavedHeader h = {
                .name = strdup("web"), .running = true, .compression = SAVED_RAW, .xml_size = strlen(XML), .data_size = strlen(DATA),
        };

        assert_non_null(h.name);
        digest_hex(XML, strlen(XML), h.xml_digest);
        saved_digest_add(&d, DATA, strlen(DATA));
        saved_digest_hex(&d, h.data_digest);
        return h;
}

static void test_header(void **state) {
        _cleanup_saved_header_ SavedHeader h = header(), got = {};
        char block[SAVED_HEADER_SIZE];

        assert_int_equal(saved_header_format(&h, block), 0);
        assert_non_null(startswith(block, "vmunit-saved 1\nname=web\nstate=running\ncompression=raw\n"));
        assert_int_equal(saved_header_parse(block, &got), 0);
        assert_string_equal(got.name, "web");
        assert_true(got.running);
        assert_int_equal(got.data_size, h.data_size);
        assert_string_equal(got.data_digest, h.data_digest);
        assert_int_equal(saved_data_offset(&got), 2 * SAVED_HEADER_SIZE);
        got.xml_size = SAVED_HEADER_SIZE;
        assert_int_equal(saved_data_offset(&got), 2 * SAVED_HEADER_SIZE);
        got.xml_size++;
        assert_int_equal(saved_data_offset(&got), 3 * SAVED_HEADER_SIZE);
}

/* Each line with each of these in the place of its value. */
static void test_wrong_headers(void **state) {
        static const struct {
                const char *old, *new;
                int error;
        } cases[] = {
                { "vmunit-saved 1", "vmunit-saved 2", -EPROTONOSUPPORT },
                { "vmunit-saved 1", "vmunit-saves 1", -EBADMSG },
                { "name=web", "name=../web", -EBADMSG },
                { "name=web", "name=", -EBADMSG },
                { "state=running", "state=crashed", -EBADMSG },
                { "compression=raw", "compression=lzop", -EBADMSG },
                { "xml-size=", "xml-size=9999999", -EBADMSG },
                { "xml-size=", "xml-size=-", -EBADMSG },
                { "data-size=", "data-size=9999999999999999999", -EBADMSG },
                { "xml-digest=", "xml-digest=g", -EBADMSG },
                { "data-digest=", "data-digests=", -EBADMSG },
        };
        _cleanup_saved_header_ SavedHeader h = header();
        char block[SAVED_HEADER_SIZE];

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_saved_header_ SavedHeader got = {};
                char wrong[SAVED_HEADER_SIZE + 64] = {};
                assert_int_equal(saved_header_format(&h, block), 0);
                const char *at = strstr(block, c->old);
                assert_non_null(at);
                (void) snprintf(wrong, sizeof(wrong), "%.*s%s%s", (int) (at - block), block, c->new, at + strlen(c->old));
                if (saved_header_parse(wrong, &got) != c->error)
                        fail_msg("'%s' is taken", c->new);
        }
        memset(block, 0, sizeof(block));
        assert_int_equal(saved_header_parse(block, &h), -EBADMSG);
        memset(block, 'x', sizeof(block));
        assert_int_equal(saved_header_parse(block, &h), -EBADMSG);
}

/* Where the pieces end is part of it, so the order of pieces is. */
static void test_digest(void **state) {
        _cleanup_free_ char *piece = calloc(1, SAVED_PIECE);
        SavedDigest a = {}, b = {};
        char x[33], y[33];

        assert_non_null(piece);
        saved_digest_add(&a, piece, SAVED_PIECE);
        saved_digest_add(&a, "end", 3);
        saved_digest_add(&b, piece, SAVED_PIECE);
        saved_digest_add(&b, "enc", 3);
        assert_int_equal(a.size, SAVED_PIECE + 3);
        saved_digest_hex(&a, x);
        saved_digest_hex(&b, y);
        assert_string_not_equal(x, y);
}

static void write_file(int dir, const char *name, const SavedHeader *h, size_t cut) {
        _cleanup_close_ int fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(saved_file_write_head(fd, h, XML), 0);
        assert_int_equal(pwrite(fd, DATA, strlen(DATA) - cut, (off_t) saved_data_offset(h)), strlen(DATA) - cut);
}

static void check_refused(int dir, const char *name, SavedOpenFlags flags, int error, const char *text) {
        _cleanup_saved_file_ SavedFile f = SAVED_FILE_NONE;
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(saved_file_open(dir, name, flags, &diag, &f), error);
        if (!strstr(diag_first_error(&diag), text))
                fail_msg("'%s' instead of '%s'", diag_first_error(&diag), text);
}

static void test_file(void **state) {
        _cleanup_saved_header_ SavedHeader h = header();
        _cleanup_saved_file_ SavedFile f = SAVED_FILE_NONE;
        char data[sizeof(DATA)] = "", other[92], *path = test_directory_new();

        assert_non_null(path);
        _cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(dir >= 0);
        write_file(dir, "good", &h, 0);
        assert_int_equal(saved_file_open(dir, "good", SAVED_OPEN_OWN, NULL, &f), 0);
        assert_string_equal(f.xml, XML);
        assert_int_equal(read(f.fd, data, sizeof(data)), strlen(DATA));
        assert_string_equal(data, DATA);

        check_refused(dir, "absent", 0, -ENOENT, "/absent': No such file or directory");
        check_refused(dir, "absent", SAVED_OPEN_OWN, -ENOENT, "cannot restore from 'absent': No such file or directory");
        write_file(dir, "short", &h, 1);
        check_refused(dir, "short", 0, -ENODATA, "operation failed: save image is incomplete");
        check_refused(dir, "short", SAVED_OPEN_OWN, -ENODATA, "it is not complete");
        assert_int_equal(symlinkat("good", dir, "link"), 0);
        check_refused(dir, "link", SAVED_OPEN_OWN, -ELOOP, "symbolic links");
        assert_int_equal(mkfifoat(dir, "pipe", 0600), 0);
        check_refused(dir, "pipe", 0, -EBADMSG, "operation failed: failed to read qemu header");
        check_refused(dir, "pipe", SAVED_OPEN_OWN, -EBADMSG, "it is no saved machine");
        assert_int_equal(write_file_atomic(dir, "empty", "", 0, 0600), 0);
        check_refused(dir, "empty", 0, -EBADMSG, "operation failed: failed to read qemu header");
        memset(other, 'x', sizeof(other));
        assert_int_equal(write_file_atomic(dir, "other", other, 91, 0600), 0);
        check_refused(dir, "other", 0, -EBADMSG, "operation failed: failed to read qemu header");
        assert_int_equal(write_file_atomic(dir, "other", other, sizeof(other), 0600), 0);
        check_refused(dir, "other", 0, -EBADMSG, "operation failed: image magic is incorrect");
        check_refused(dir, "other", SAVED_OPEN_OWN, -EBADMSG, "it is no saved machine");

        _cleanup_close_ int fd = openat(dir, "good", O_RDWR | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "<DOMAIN", 7, SAVED_HEADER_SIZE), 7);
        check_refused(dir, "good", 0, -EBADMSG, "operation failed: failed to read domain XML");
        check_refused(dir, "good", SAVED_OPEN_OWN, -EBADMSG, "it is damaged");
        test_directory_remove(path);
}

/* Makes a file in the state directory of "web". */
static void make_state(const char *file) {
        _cleanup_free_ char *directory = vm_state_path("web", NULL), *path = vm_state_path("web", file);

        assert_int_equal(mkdir_parents(directory, 0700), 0);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, file, strlen(file), 0600), 0);
}

/* What is in a file of the state directory is what it was called first; NULL: there is none. */
static void assert_state(const char *file, const char *expected) {
        _cleanup_free_ char *path = vm_state_path("web", file), *text = NULL;

        int r = read_file_limited(AT_FDCWD, path, 100, &text, NULL);
        assert_int_equal(r, expected ? 0 : -ENOENT);
        if (expected)
                assert_string_equal(text, expected);
}

/* Whoever has saved the machine was killed before the file had its name: no process has the highest number that there is. */
static void test_unnamed(void **state) {
        static const char gone[] = "saved.2147483647-0", *const others[] = { "saved.used", "saved.boot", "saved.12-", "saved.x-1", "saved.0-0" };
        char *directory = test_directory_new();
        const struct timespec before = {}, after = { .tv_sec = INT32_MAX };
        _cleanup_free_ char *own = strf("saved.%d-0", (int) getpid());

        assert_int_equal(vm_scope_set_session(directory, directory, directory, directory), 0);
        assert_int_equal(managed_save_adopt("web", &before), 0);
        assert_int_equal(managed_save_remove_unnamed("web", 0), 0);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                make_state(others[i]);
        make_state(gone);
        make_state(own);
        /* One of an earlier run is not what this one has ended with. */
        assert_int_equal(managed_save_adopt("web", &after), 0);
        assert_state(gone, gone);
        /* The living one may still come and give it its name. */
        assert_int_equal(managed_save_remove_unnamed("web", 0), 0);
        assert_state(gone, NULL);
        assert_state(own, own);
        make_state(gone);
        assert_int_equal(managed_save_remove_unnamed("web", getpid()), 0);
        assert_state(gone, NULL);
        assert_state(own, own);
        assert_int_equal(managed_save_adopt("web", &before), 1);
        assert_state("saved", own);
        assert_state(own, NULL);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_state(others[i], others[i]);
        vm_scope_set_system();
        test_directory_remove(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_header), cmocka_unit_test(test_wrong_headers), cmocka_unit_test(test_digest),
                cmocka_unit_test(test_file), cmocka_unit_test(test_unnamed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
