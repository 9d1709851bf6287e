/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the child looks at before it becomes QEMU. Needs root, who has capabilities to lose; skips itself without. */
#include <cap-ng.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "capability-check.h"

typedef struct Case {
        const char *name;
        int kept;      /* this capability … */
        unsigned sets; /* … in these sets, nothing else in any; CAPNG_… */
        uint64_t allowed;
        int result;
} Case;

#define RAWIO (UINT64_C(1) << CAP_SYS_RAWIO)
#define EVERYWHERE (CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET | CAPNG_AMBIENT)

static const Case cases[] = {
        { "nothing", 0, 0, 0, 0 },
        { "bounding", CAP_CHOWN, CAPNG_BOUNDING_SET, 0, -EPERM },
        { "permitted", CAP_NET_ADMIN, CAPNG_PERMITTED, 0, -EPERM },
        { "effective", CAP_SYS_ADMIN, CAPNG_PERMITTED | CAPNG_EFFECTIVE, 0, -EPERM },
        { "inheritable", CAP_SYS_PTRACE, CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET, 0, -EPERM },
        { "rawio, not asked for", CAP_SYS_RAWIO, EVERYWHERE, 0, -EPERM },
        { "rawio, asked for", CAP_SYS_RAWIO, EVERYWHERE, RAWIO, 0 },
        { "another one asked for", CAP_SYS_ADMIN, CAPNG_BOUNDING_SET, RAWIO, -EPERM },
        { "asked for and not there", 0, 0, RAWIO, 0 },
        { "the highest there is", CAP_LAST_CAP, CAPNG_BOUNDING_SET, 0, -EPERM },
};

/* In the child. 100: the sets could not be made. */
static int run_case(const Case *c) {
        capng_clear(CAPNG_SELECT_ALL);
        if (c->sets && capng_update(CAPNG_ADD, (capng_type_t) c->sets, (unsigned) c->kept) < 0)
                return 100;
        if (capng_apply(CAPNG_SELECT_ALL) < 0)
                return 100;
        int r = capabilities_check(c->allowed, "the test");
        return r == c->result ? 0 : 1;
}

static int dropped(const Case *c) {
        if (run_case(c) != 0 || capabilities_drop() < 0)
                return 2;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SYS_RAWIO, 0, 0) != 0)
                return 3;
        capng_clear(CAPNG_SELECT_ALL);
        return capng_get_caps_process() == 0 && !capng_have_capability(CAPNG_PERMITTED, CAP_SYS_RAWIO) &&
                       !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_RAWIO) ? 0 : 4;
}

static int in_child(int (*function)(const Case *), const Case *c) {
        int status;

        (void) fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(function(c));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

static void test_check(void **state) {
        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                int r = in_child(run_case, c);
                if (r != 0)
                        fail_msg("%s: %d", c->name, r);
        }
}

static void test_drop(void **state) {
        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases))
                if (c->allowed && c->sets == EVERYWHERE)
                        assert_int_equal(in_child(dropped, c), 0);
}

static void test_names(void **state) {
        assert_int_equal(capability_from_string("SYS_RAWIO"), CAP_SYS_RAWIO);
        assert_int_equal(capability_from_string("sys_rawio"), CAP_SYS_RAWIO);
        assert_int_equal(capability_from_string("NONE"), -EINVAL);
        assert_int_equal(capability_from_string(""), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_drop),
                cmocka_unit_test(test_names),
        };

        capng_get_caps_process();
        if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) || !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
                return 77;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
