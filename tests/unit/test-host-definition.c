/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file defines a VM. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "definition.h"
#include "file-util.h"
#include "siphash.h"
#include "string-util.h"
#include "test-directory.h"

static char *dir;

static void put(const char *name, const char *content) {
        _cleanup_free_ char *path = strf("%s/%s", dir, name);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, content, strlen(content), 0644), 0);
}

static void put_link(const char *name, const char *target) {
        _cleanup_free_ char *path = strf("%s/%s", dir, name);
        assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state) {
        static const char *const names[] = { "etc", "run", "lib" };

        dir = test_directory_new();
        if (!dir)
                return -1;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = strf("%s/%s", dir, names[i]);
                if (mkdir(path, 0755) < 0)
                        return -1;
        }
        _cleanup_free_ char *list = strf("%s/etc:%s/run:%s/lib:%s/none", dir, dir, dir, dir);
        return setenv("VMUNIT_CONFIG_PATH", list, 1);
}

static int teardown(void **state) {
        test_directory_remove(dir);
        return 0;
}

static void test_precedence(void **state) {
        _cleanup_definition_ Definition d = {}, vendor = {};
        char digest[33];

        put("etc/web.xml", "<domain/>");
        put("run/web.xml", "<other/>");
        put("lib/db.xml", "<vendor/>");
        assert_int_equal(definition_load("web", &d), 0);
        assert_string_equal(d.text, "<domain/>");
        assert_int_equal(d.kind, DEFINITION_PERSISTENT);
        assert_true(d.world_readable);
        digest_hex("<domain/>", 9, digest);
        assert_string_equal(d.digest, digest);
        assert_int_equal(definition_find("db", &vendor), 0);
        assert_int_equal(vendor.kind, DEFINITION_VENDOR);
        assert_null(vendor.text);
}

static void test_masks_and_misses(void **state) {
        static const struct {
                const char *name;
                int error;
        } cases[] = {
                { "empty", -ERFKILL }, { "null", -ERFKILL }, { "none", -ENOENT }, { "dangling", 0 },
                { "../web", -ENOENT }, { "directory", -EISDIR }, { ".web", -ENOENT },
        };

        put("etc/empty.xml", "");
        put("run/empty.xml", "<domain/>");
        put_link("etc/null.xml", "/dev/null");
        put("run/null.xml", "<domain/>");
        put_link("etc/dangling.xml", "nowhere");
        put("run/dangling.xml", "<domain/>");
        put("web.xml", "<domain/>");
        put("etc/.web.xml", "<domain/>");
        _cleanup_free_ char *directory = strf("%s/etc/directory.xml", dir);
        assert_int_equal(mkdir(directory, 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_definition_ Definition d = {};
                assert_int_equal(definition_load(cases[i].name, &d), cases[i].error);
        }
}

static void test_list(void **state) {
        _cleanup_definition_list_ DefinitionList list = {};
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(diag_init(&diag, NULL), 0);
        put("run/web.xml", "<run/>");
        put("etc/web.xml", "<etc/>");
        put("lib/alpha.xml", "<lib/>");
        put("lib/masked.xml", "<lib/>");
        put_link("etc/masked.xml", "/dev/null");
        put("etc/notes.txt", "not a definition");
        put("etc/#bad.xml", "<domain/>");
        assert_int_equal(definition_list(&diag, &list), 0);
        assert_int_equal(list.n_items, 2);
        assert_string_equal(list.items[0].name, "alpha");
        assert_string_equal(list.items[1].name, "web");
        assert_int_equal(list.items[1].kind, DEFINITION_PERSISTENT);
        assert_int_equal(diag.n_entries, 1);
        assert_int_equal(diag.n_errors, 0);
        assert_non_null(strstr(diag.entries[0].text, "#bad.xml"));
}

static void is_owner_right(const char *path, const char *message, const char *what) {
        _cleanup_free_ char *expected = message ? strf("%s%s'", message, what) : NULL;
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(definition_check_owner(path, &diag), message ? -EPERM : 0);
        assert_true(streq_ptr(diag_first_error(&diag), expected));
}

/* Who can change a definition has root's files. */
static void test_owner(void **state) {
        _cleanup_free_ char *path = strf("%s/etc/web.xml", dir), *link = strf("%s/etc/link.xml", dir);
        bool root = geteuid() == 0;

        put("etc/web.xml", "<domain/>");
        is_owner_right(path, NULL, NULL);
        assert_int_equal(chmod(path, 0646), 0);
        is_owner_right(path, "the definition can be changed by others (mode 0646); run: chmod go-w '", path);
        assert_int_equal(chmod(path, 0664), 0);
        is_owner_right(path, root ? "the definition can be changed by others (mode 0664); run: chmod go-w '" : NULL, path);
        put_link("etc/link.xml", "web.xml");
        is_owner_right(link, root ? "the definition can be changed by others (mode 0664); run: chmod go-w '" : NULL, link);
        assert_int_equal(chmod(path, 0644), 0);
        is_owner_right(link, NULL, NULL);
        if (!root)
                return;
        _cleanup_free_ char *lib = strf("%s/lib", dir), *far = strf("%s/etc/far.xml", dir),
                            *message = strf("the definition is a link to '%s/far.xml', and others than root can change a directory on "
                                            "the way; copy it to '", lib);
        put("lib/far.xml", "<domain/>");
        put_link("etc/far.xml", "../lib/far.xml");
        is_owner_right(far, NULL, NULL);
        assert_int_equal(chmod(lib, 0775), 0);
        is_owner_right(far, message, far);
        assert_int_equal(chmod(lib, 0755), 0);
        assert_int_equal(chown(path, 65534, 0), 0);
        is_owner_right(path, "the definition belongs to uid 65534, who can change it; run: chown root '", path);
        is_owner_right(link, "the definition belongs to uid 65534, who can change it; run: chown root '", link);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { TEST(test_precedence), TEST(test_masks_and_misses), TEST(test_list), TEST(test_owner) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
