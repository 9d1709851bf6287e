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

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { TEST(test_precedence), TEST(test_masks_and_misses), TEST(test_list) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
