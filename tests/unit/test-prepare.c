/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the root steps decide without touching the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "prepare-result.h"
#include "prepare.h"
#include "runtime.h"
#include "string-util.h"
#include "test-directory.h"

static void set_env(const char *name, const char *value) {
        assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void test_final_state(void **state) {
        static const struct {
                const char *word, *code, *status;
                DomainState last_state;
                DomainReason last_reason;
                DomainReason expected;
        } cases[] = {
                /* The supervisor died. */
                { "signal", "killed", "KILL", STATE_RUNNING, REASON_BOOTED, REASON_CRASHED },
                { "core-dump", "dumped", "SEGV", STATE_RUNNING, REASON_BOOTED, REASON_CRASHED },
                { "signal", "killed", "KILL", STATE_PAUSED, REASON_USER, REASON_CRASHED },
                /* systemd's patience was over. */
                { "timeout", "killed", "KILL", STATE_IN_SHUTDOWN, REASON_USER, REASON_DESTROYED },
                { "timeout", "killed", "TERM", STATE_RUNNING, REASON_BOOTED, REASON_DESTROYED },
                /* The start failed: in the prepare step, or in QEMU. */
                { "exit-code", NULL, NULL, STATE_PAUSED, REASON_STARTING_UP, REASON_FAILED },
                { "exit-code", "exited", "1", STATE_PAUSED, REASON_STARTING_UP, REASON_FAILED },
                { "signal", "killed", "TERM", STATE_PAUSED, REASON_STARTING_UP, REASON_FAILED },
                { "timeout", NULL, NULL, STATE_PAUSED, REASON_STARTING_UP, REASON_FAILED },
                { "resources", NULL, NULL, STATE_UNKNOWN, REASON_UNKNOWN, REASON_FAILED },
                /* The supervisor could not write it any more. */
                { "success", "exited", "0", STATE_IN_SHUTDOWN, REASON_USER, REASON_SHUTDOWN },
                { "exit-code", "exited", "1", STATE_RUNNING, REASON_BOOTED, REASON_CRASHED },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                ServiceResult r;
                DomainState s;
                DomainReason reason;

                set_env("SERVICE_RESULT", c->word);
                set_env("EXIT_CODE", c->code);
                set_env("EXIT_STATUS", c->status);
                service_result_read(&r);
                derive_final_state(&r, c->last_state, c->last_reason, &s, &reason);
                assert_int_equal(s, STATE_SHUT_OFF);
                assert_int_equal(reason, c->expected);
        }
}

static void describes(const char *code, const char *status, const char *expected) {
        ServiceResult r;

        set_env("SERVICE_RESULT", "x");
        set_env("EXIT_CODE", code);
        set_env("EXIT_STATUS", status);
        service_result_read(&r);
        _cleanup_free_ char *text = service_result_describe(&r);
        assert_true(streq_ptr(text, expected));
}

static void test_result_in_words(void **state) {
        describes("exited", "3", "exit status 3");
        describes("killed", "KILL", "killed by signal KILL");
        describes("dumped", "SEGV", "killed by signal SEGV, core dumped");
        describes(NULL, NULL, NULL);
        set_env("SERVICE_RESULT", NULL);
        ServiceResult r;
        service_result_read(&r);
        assert_string_equal(r.word, "");
        assert_false(service_result_is_abnormal(&r));
}

static void test_names(void **state) {
        static const struct {
                const char *instance, *source, *name, *unit;
        } cases[] = {
                { "web", "/etc/vm/web.xml", "web", "vm@web.service" },
                { "web", NULL, "web", "vm@web.service" },
                { "my\\x20vm", "/etc/vm/my vm.xml", "my vm", "vm@my\\x20vm.service" },
                { "web", "/run/vmunit/.transient/web.xml", "web", "vmunit-vm-web.service" },
                { "web", "/run/vmunit/.transient/db.xml", "web", "vm@web.service" },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_(prepare_done) Prepare p = {};

                set_env("VMUNIT_SOURCE", c->source);
                assert_int_equal(prepare_init(&p, c->instance), 0);
                assert_string_equal(p.name, c->name);
                assert_string_equal(p.unit, c->unit);
                assert_int_equal(p.transient, startswith(c->unit, "vmunit-vm-") != NULL);
        }
        set_env("VMUNIT_SOURCE", NULL);
}

static void test_bad_names(void **state) {
        static const char *const bad[] = { "", "..", "a/b", "\\x2e\\x2e\\x2fetc", "my vm", "\\xzz" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(prepare_done) Prepare p = {};
                assert_int_equal(prepare_init(&p, bad[i]), -EINVAL);
                assert_int_equal(p.diag.n_errors, 1);
        }
}

/* A transient VM and a defined one of the same name: the second finds the first's directory. */
static void test_owner_of_the_directory(void **state) {
        _cleanup_(prepare_done) Prepare p = {};
        _cleanup_free_ char *other = NULL;
        char *dir = test_directory_new();

        assert_non_null(dir);
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(prepare_init(&p, "web"), 0);
        assert_int_equal(runtime_owner(&p, fd, &other), 0);
        assert_int_equal(runtime_write(fd, RUNTIME_UNIT, "vm@web.service", 14, 0644), 0);
        assert_int_equal(runtime_owner(&p, fd, &other), 1);
        assert_int_equal(runtime_write(fd, RUNTIME_UNIT, "vmunit-vm-web.service\n", 22, 0644), 0);
        assert_int_equal(runtime_owner(&p, fd, &other), -EBUSY);
        assert_string_equal(other, "vmunit-vm-web.service");
        test_directory_remove(dir);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_final_state), cmocka_unit_test(test_result_in_words),
                cmocka_unit_test(test_names),       cmocka_unit_test(test_bad_names),
                cmocka_unit_test(test_owner_of_the_directory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
