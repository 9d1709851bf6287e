/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "names.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define UMLAUTS8 "ääääääää" /* 16 bytes */

static void assert_string(char *actual, const char *expected) {
        assert_non_null(actual);
        assert_string_equal(actual, expected);
        free(actual);
}

static void test_check(void **state) {
        static const struct {
                const char *name, *error; /* error: what the message contains; NULL: valid */
        } cases[] = {
                { "web" }, { "a" }, { "my vm" }, { "web-1.example" }, { "-x" }, { "a@b" }, { "Grün" }, { "100%" },
                { A64 }, { UMLAUTS8 UMLAUTS8 UMLAUTS8 "ääääa" }, /* 57 bytes */
                { "", "empty" }, { A64 "a", "longer than 64 bytes" }, { "a/b", "cannot contain '/'" },
                { "..", "begin with '.'" }, { ".", "begin with '.'" }, { "../../etc/passwd", "cannot contain '/'" },
                { ".hidden", "begin with '.'" }, { "#a", "begin with '#'" }, { "a\nb", "control characters" },
                { "a\x7f", "control characters" }, { "a\xc3", "not UTF-8" }, { "\xc0\xaf", "not UTF-8" },
                { UMLAUTS8 UMLAUTS8 UMLAUTS8 UMLAUTS8, "too long for a unit" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_diag_ Diag diag = {};
                int r = vm_name_check(cases[i].name, (SrcLoc) { 2, 3 }, &diag);

                assert_int_equal(r, cases[i].error ? -EINVAL : 0);
                assert_int_equal(diag.n_errors, cases[i].error ? 1 : 0);
                if (cases[i].error) {
                        if (!strstr(diag_first_error(&diag), cases[i].error))
                                fail_msg("'%s': '%s'", cases[i].name, diag_first_error(&diag));
                        assert_int_equal(diag.entries[0].loc.line, 2);
                }
        }
}

static void test_instance(void **state) {
        static const struct {
                const char *name, *instance;
        } cases[] = {
                { "web", "web" }, { "my-vm", "my-vm" }, { "-x-", "-x-" }, { "a.b_c:d", "a.b_c:d" },
                { "my vm", "my\\x20vm" }, { "a@b", "a\\x40b" }, { "100%", "100\\x25" }, { "a\\b", "a\\x5cb" },
                { "ä", "\\xc3\\xa4" }, { "$HOME", "\\x24HOME" }, { "a\"'", "a\\x22\\x27" }, { "\\x41", "\\x5cx41" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *name;

                assert_string(vm_instance(cases[i].name), cases[i].instance);
                assert_int_equal(vm_instance_to_name(cases[i].instance, &name), 0);
                assert_string(name, cases[i].name);
        }
}

static void test_instance_refused(void **state) {
        static const char *const cases[] = {
                "", "a b", "a@b", "ä", "\\x41", "\\x20\\", "\\x2", "\\xzz", "\\x00", "\\x5C", "\\x2f", "\\x2e.", ".a", "a\\n",
        };
        char *name;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (vm_instance_to_name(cases[i], &name) != -EINVAL)
                        fail_msg("'%s' was taken", cases[i]);
}

static void test_unit(void **state) {
        bool transient;
        char *name;

        assert_string(vm_unit("web"), "vm@web.service");
        assert_string(vm_transient_unit("my vm"), "vmunit-vm-my\\x20vm.service");

        assert_int_equal(vm_name_from_unit("vm@my\\x20vm.service", &name, &transient), 0);
        assert_string(name, "my vm");
        assert_false(transient);
        assert_int_equal(vm_name_from_unit("vmunit-vm-a-b.service", &name, &transient), 0);
        assert_string(name, "a-b");
        assert_true(transient);
        assert_int_equal(vm_name_from_unit("vm@x.service", &name, NULL), 0);
        free(name);

        static const char *const others[] = { "vm@.service", "vm@web", "vm@web.socket", "vmunit-vm-.service", "web.service",
                                              "vm@a b.service", ".service", "vm@", "vmunit-gc.service" };
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_int_equal(vm_name_from_unit(others[i], &name, &transient), -EINVAL);
}

static void test_readable(void **state) {
        assert_string(vm_user("web"), "vm-web");
        assert_string(vm_user("my-vm_1"), "vm-my-vm_1");
        assert_string(vm_user("aaaaaaaaaabbbbbbbbbbcccccccc"), "vm-aaaaaaaaaabbbbbbbbbbcccccccc");
        assert_string(vm_machine("web"), "web");
        assert_string(vm_machine("a.b"), "a.b");
        assert_string(vm_machine("123"), "123");
        assert_string(vm_machine(A64), A64);
}

static char *without_hash(char *s) {
        assert_non_null(s);
        size_t n = strlen(s);
        assert_true(n > 17);
        assert_int_equal(s[n - 17], '-');
        assert_true(in_charset(s + n - 16, DIGITS "abcdef"));
        s[n - 17] = 0;
        return s;
}

/* What cannot be had as it is keeps a readable part. */
static void test_hashed(void **state) {
        assert_string(without_hash(vm_user("web.example.com")), "vm-web-example");
        assert_string(without_hash(vm_user(A64)), "vm-aaaaaaaaaaa");
        assert_string(without_hash(vm_user("日本")), "vm-vm");
        assert_string(without_hash(vm_user("-a b-")), "vm-a-b");
        assert_string(without_hash(vm_machine("web_1")), "web-1");
        assert_string(without_hash(vm_machine("a:b")), "a-b");
        assert_string(without_hash(vm_machine("-web")), "web");
        assert_string(without_hash(vm_machine("web-")), "web");
        assert_string(without_hash(vm_machine("a..b")), "a-b");
        assert_string(without_hash(vm_machine("a.-b")), "a-b");
        assert_string(without_hash(vm_machine("a.")), "a");
        assert_string(without_hash(vm_machine("_")), "vm");
}

/* The rules of systemd for User= of a dynamic user, and of systemd-machined, written down once more. */
static void assert_user(const char *s) {
        assert_in_range(strlen(s), 1, 31);
        assert_non_null(strchr(LETTERS, s[0]));
        assert_true(in_charset(s, ALPHANUMERICAL "_-"));
}

static void assert_machine(const char *s) {
        assert_in_range(strlen(s), 1, 64);
        assert_true(in_charset(s, ALPHANUMERICAL ".-"));
        assert_null(strstr(s, ".."));
        assert_null(strstr(s, ".-"));
        assert_null(strstr(s, "-."));
        assert_null(strchr(".-", s[0]));
        assert_null(strchr(".-", s[strlen(s) - 1]));
}

static void assert_unit(const char *s) {
        assert_in_range(strlen(s), 1, 253); /* with ".d" a file name */
        assert_true(in_charset(s, ALPHANUMERICAL ":-_.\\@"));
}

/* Names that are likely to fall together: all short ones of an awkward alphabet, and long ones that differ in one
 * byte. */
static char **awkward_names(void) {
        static const char alphabet[] = "abAB09-_.: @%\\#+";
        const size_t n = sizeof(alphabet) - 1;
        char **l = NULL;

        for (size_t length = 1, end = n; length <= 3; length++, end *= n)
                for (size_t i = 0; i < end; i++) {
                        char s[4] = {};
                        for (size_t k = 0, rest = i; k < length; k++, rest /= n)
                                s[k] = alphabet[rest % n];
                        if (vm_name_check(s, (SrcLoc) {}, NULL) >= 0)
                                assert_int_equal(strv_extend(&l, s), 0);
                }
        for (size_t i = 0; i < 64; i++)
                for (const char *c = "b_"; *c; c++) {
                        char s[] = A64;
                        s[i] = *c;
                        assert_int_equal(strv_extend(&l, s), 0);
                }
        return l;
}

typedef char *(*Derive)(const char *name);

static void assert_distinct(char **names, Derive derive, void (*check)(const char *s)) {
        _cleanup_strv_ char **derived = NULL;
        size_t n = strv_length(names);

        derived = calloc(n + 1, sizeof(char *));
        assert_non_null(derived);
        for (size_t i = 0; i < n; i++) {
                derived[i] = derive(names[i]);
                assert_non_null(derived[i]);
                check(derived[i]);
        }
        strv_sort(derived);
        for (size_t i = 1; i < n; i++)
                if (streq(derived[i], derived[i - 1]))
                        fail_msg("two names became '%s'", derived[i]);
}

static void test_distinct(void **state) {
        _cleanup_strv_ char **names = awkward_names();
        size_t n = strv_length(names);

        assert_in_range(n, 3000, 5000);
        /* The names that hashing makes are names too, and must not meet the ones they were made of. */
        for (size_t i = 0; i < n; i += 7) {
                _cleanup_free_ char *user = vm_user(names[i]), *machine = vm_machine(names[i]);
                if (!streq(user + 3, names[i]))
                        assert_int_equal(strv_extend(&names, user + 3), 0);
                if (!streq(machine, names[i]) && !streq(machine, user + 3))
                        assert_int_equal(strv_extend(&names, machine), 0);
        }
        assert_distinct(names, vm_user, assert_user);
        assert_distinct(names, vm_machine, assert_machine);
        assert_distinct(names, vm_unit, assert_unit);
        assert_distinct(names, vm_transient_unit, assert_unit);
}

static void test_paths(void **state) {
        assert_string(vm_runtime_path("web", NULL), "/run/vmunit/web");
        assert_string(vm_runtime_path("web", "control"), "/run/vmunit/web/control");
        assert_string(vm_state_path("web", "nvram"), "/var/lib/vmunit/web/nvram");
        assert_string(net_device_unit("br0"), "sys-subsystem-net-devices-br0.device");
        assert_string(net_device_unit("br-lan"), "sys-subsystem-net-devices-br\\x2dlan.device");
}

/* A session's machines have the same names in other places; and back. */
static void test_scope(void **state) {
        assert_false(vm_is_session());
        for (unsigned i = 0; i < 2; i++)
                assert_int_equal(vm_scope_set_session("/run/user/1000", "/home/a/.config", "/home/a/.local/state", "/home/a/.cache"), 0);
        assert_true(vm_is_session());
        assert_string(vm_runtime_path("web", "control"), "/run/user/1000/vmunit/web/control");
        assert_string(vm_state_path("web", "nvram"), "/home/a/.local/state/vmunit/web/nvram");
        assert_string_equal(vm_directories()->definitions, "/home/a/.config/vm:/run/user/1000/vm");
        assert_string_equal(vm_directories()->transient, "/run/user/1000/vmunit/.transient");
        assert_string_equal(vm_directories()->manager, "/run/user/1000/systemd/private");
        assert_string_equal(vm_reload_command(), "systemctl --user daemon-reload");
        vm_scope_set_system();
        assert_false(vm_is_session());
        assert_string_equal(vm_directories()->definitions, "/etc/vm:/run/vm:/usr/lib/vm");
        test_paths(state);
}

static void test_slice(void **state) {
        static const struct {
                const char *partition, *slice;
        } cases[] = {
                { "/machine", "machine.slice" }, { "/machine/production", "machine-production.slice" },
                { "/machine/prod-web/", "machine-prod\\x2dweb.slice" }, { "//a//b", "a-b.slice" }, { "/", "-.slice" },
                { "machine" }, { "/a/../b" }, { "/" A64 "/" A64 "/" A64 "/" A64 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_diag_ Diag diag = {};
                char *slice;
                int r = partition_slice(cases[i].partition, (SrcLoc) {}, &diag, &slice);

                assert_int_equal(r, cases[i].slice ? 0 : -EINVAL);
                assert_int_equal(diag.n_errors, cases[i].slice ? 0 : 1);
                if (r >= 0)
                        assert_string(slice, cases[i].slice);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),      cmocka_unit_test(test_instance),
                cmocka_unit_test(test_instance_refused), cmocka_unit_test(test_unit),
                cmocka_unit_test(test_readable),   cmocka_unit_test(test_hashed),
                cmocka_unit_test(test_distinct),   cmocka_unit_test(test_paths),
                cmocka_unit_test(test_slice),      cmocka_unit_test(test_scope),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
