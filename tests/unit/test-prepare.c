/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the root steps decide without touching the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "domain-xml.h"
#include "file-util.h"
#include "label.h"
#include "prepare-result.h"
#include "prepare.h"
#include "runtime.h"
#include "siphash.h"
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

/* --- which definition is used --- */

static char *config;

static int config_setup(void **state) {
        config = test_directory_new();
        _cleanup_free_ char *path = config ? strf("%s/web.xml", config) : NULL;
        if (!path)
                return -1;
        set_env("VMUNIT_CONFIG_PATH", config);
        set_env("VMUNIT_SOURCE", path);
        return 0;
}

static int config_teardown(void **state) {
        set_env("VMUNIT_CONFIG_PATH", NULL);
        set_env("VMUNIT_SOURCE", NULL);
        set_env("VMUNIT_DIGEST", NULL);
        test_directory_remove(config);
        return 0;
}

static void load_digest(const char *text) {
        char digest[33];

        digest_hex(text, strlen(text), digest);
        set_env("VMUNIT_DIGEST", digest);
}

/* The first error of a start with TEXT on disk; KEPT (may be NULL) is what an automatic restart has kept. */
static void plan_fails_as(mode_t mode, const char *text, const char *kept, const char *expected, unsigned line) {
        _cleanup_(prepare_done) Prepare p = {};
        _cleanup_(prepared_done) Prepared x = {};

        assert_int_equal(write_file_atomic(AT_FDCWD, getenv("VMUNIT_SOURCE"), text, strlen(text), mode), 0);
        assert_int_equal(prepare_init(&p, "web"), 0);
        if (kept) {
                p.kept = strdup(kept);
                p.kept_size = strlen(kept);
        }
        assert_true(prepare_plan(&p, &x) < 0);
        assert_string_equal(diag_first_error(&p.diag), expected);
        assert_int_equal(p.diag.entries[0].loc.line, line);
        assert_string_equal(p.diag.file, getenv("VMUNIT_SOURCE"));
}

static void plan_fails(const char *text, const char *kept, const char *expected, unsigned line) {
        plan_fails_as(0644, text, kept, expected, line);
}

#define BODY "<memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>\n"
#define STALE "definition changed on disk, run: systemctl daemon-reload"
#define DOMAIN_OF(name) "<domain type='qemu'>\n<name>" name "</name>" BODY

static void test_bad_definition_says_why(void **state) {
        static const char wrong[] = "name 'db' does not match the file's name 'web.xml'";

        /* No drop-in was made of it, so systemd knows no digest. */
        plan_fails(DOMAIN_OF("db"), NULL, wrong, 2);
        plan_fails("<network/>", NULL, "root element is <network>, expected <domain>", 1);
        /* systemd has the one before. */
        load_digest(DOMAIN_OF("web"));
        plan_fails(DOMAIN_OF("db"), NULL, wrong, 2);
        /* The control: nothing is wrong but the digest. */
        plan_fails(DOMAIN_OF("web") "<!-- edited -->\n", NULL, STALE, 0);
        set_env("VMUNIT_DIGEST", NULL);
        plan_fails(DOMAIN_OF("web"), NULL, STALE, 0);
}

/* Also one that systemd has loaded, as it may have been right then. */
static void test_definition_of_others(void **state) {
        _cleanup_free_ char *expected = strf("the definition can be changed by others (mode 0646); run: chmod go-w '%s'",
                                             getenv("VMUNIT_SOURCE"));

        plan_fails_as(0646, DOMAIN_OF("web"), NULL, expected, 0);
        load_digest(DOMAIN_OF("web"));
        plan_fails_as(0646, DOMAIN_OF("web"), NULL, expected, 0);
}

/* The kept definition has an error of its own, by which it can be told from the file. */
static void test_restart_uses_what_was_kept(void **state) {
        static const char was_kept[] = "name 'kept' does not match the file's name 'web.xml'";

        load_digest(DOMAIN_OF("kept"));
        plan_fails(DOMAIN_OF("web"), DOMAIN_OF("kept"), was_kept, 2);
        plan_fails("no XML any more", DOMAIN_OF("kept"), was_kept, 2);
        /* systemd has loaded another one. */
        plan_fails(DOMAIN_OF("web"), DOMAIN_OF("other"), STALE, 0);
        set_env("VMUNIT_DIGEST", NULL);
        plan_fails(DOMAIN_OF("web"), DOMAIN_OF("kept"), STALE, 0);
        /* The file is what was loaded: nothing else is looked at. */
        load_digest(DOMAIN_OF("file"));
        plan_fails(DOMAIN_OF("file"), DOMAIN_OF("kept"), "name 'file' does not match the file's name 'web.xml'", 2);
}

/* The unit's label is what systemd has loaded; the definition's must be the same one. */
static void test_label_of_the_unit(void **state) {
#define LOADED(levels) "system_u:system_r:vmunit_supervisor_t:s0" levels
        static const struct {
                const char *facts, *seclabel, *context; /* facts NULL: no SELinux; context NULL: the unit has none */
                int result;
                const char *said; /* NULL: nothing */
        } cases[] = {
                { NULL, "", NULL, 0, NULL },
                { "enforcing", "<seclabel type='none' model='selinux'/>", NULL, 0, NULL },
                { "enforcing", "", LOADED(":c5,c6"), 0, NULL },
                { "enforcing", "", NULL, -ESTALE, "unit vm@web.service has no SELinux context, run: systemctl daemon-reload" },
                { "permissive", "", NULL, 0, "unit vm@web.service has no SELinux context, and it runs without labels as SELinux is permissive; "
                  "run: systemctl daemon-reload" },
                { "enforcing", "", LOADED(""), -ESTALE, "SELinuxContext= of unit vm@web.service is '" LOADED("") "', without two categories" },
                { "permissive", "", LOADED(":c5"), -ESTALE, "SELinuxContext= of unit vm@web.service is '" LOADED(":c5") "', without two categories" },
                { "enforcing", "", "system_u:system_r:other_t:s0:c5,c6", -ESTALE, "SELinuxContext= of unit vm@web.service is "
                  "'system_u:system_r:other_t:s0:c5,c6', and '" LOADED(":c5,c6") "' for this definition; run: systemctl daemon-reload" },
                /* The definition's own categories, and systemd has those of the definition before. */
                { "enforcing", "<seclabel type='static' model='selinux'><label>system_u:system_r:svirt_t:s0:c1,c2</label></seclabel>",
                  LOADED(":c5,c6"), -ESTALE, "SELinuxContext= of unit vm@web.service is '" LOADED(":c5,c6") "', and '" LOADED(":c1,c2")
                  "' for this definition; run: systemctl daemon-reload" },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_free_ char *xml = strf("<domain type='kvm'><name>web</name><memory>65536</memory><os><type>hvm</type></os>%s</domain>",
                                                c->seclabel);
                _cleanup_(prepared_done) Prepared x = {};
                _cleanup_(prepare_done) Prepare p = {};

                assert_int_equal(prepare_init(&p, "web"), 0);
                assert_int_equal(domain_from_xml(xml, strlen(xml), &p.diag, &x.domain), 0);
                assert_int_equal(domain_complete(x.domain, &host_facts_generic, &p.diag), 0);
                if (c->facts)
                        assert_int_equal(selinux_facts_parse(c->facts, &x.facts.selinux), 0);
                assert_int_equal(free_and_strdup(&p.context, c->context), 0);
                assert_int_equal(prepare_labels(&p, &x), c->result);
                assert_int_equal(p.diag.n_errors, c->result < 0);
                assert_int_equal(p.diag.n_entries, c->said != NULL);
                if (c->said)
                        assert_string_equal(p.diag.entries->text, c->said);
                /* What runs without labels says so in its plan, too. */
                if (c->result == 0 && !c->context)
                        assert_null(domain_selinux(x.domain) && domain_selinux(x.domain)->label ? "a label" : NULL);
        }
}

int main(void) {
#define CONFIG_TEST(f) cmocka_unit_test_setup_teardown(f, config_setup, config_teardown)
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_final_state), cmocka_unit_test(test_result_in_words),
                cmocka_unit_test(test_names),       cmocka_unit_test(test_bad_names),
                cmocka_unit_test(test_owner_of_the_directory), cmocka_unit_test(test_label_of_the_unit),
                CONFIG_TEST(test_bad_definition_says_why), CONFIG_TEST(test_restart_uses_what_was_kept),
                CONFIG_TEST(test_definition_of_others),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
