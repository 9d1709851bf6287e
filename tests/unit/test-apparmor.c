/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apparmor-profile.h"
#include "apparmor.h"
#include "domain-xml.h"
#include "file-util.h"
#include "label.h"
#include "names.h"
#include "test-directory.h"

static void put(const char *root, const char *path, const char *text, mode_t mode) {
        _cleanup_free_ char *full = strf("%s/%s", root, path), *dir = strdup(full);

        *strrchr(dir, '/') = 0;
        assert_int_equal(mkdir_parents(dir, 0755), 0);
        assert_int_equal(write_file_atomic(AT_FDCWD, full, text, strlen(text), mode), 0);
}

/* In a container the parameter can be read, but there is no place for profiles. */
static void test_facts(void **state) {
        char *root = test_directory_new();
        ApparmorFacts f;

        apparmor_facts_gather(root, &f);
        assert_false(f.enabled || f.has_parser);
        put(root, "sys/module/apparmor/parameters/enabled", "Y\n", 0644);
        apparmor_facts_gather(root, &f);
        assert_false(f.enabled);
        put(root, "sys/kernel/security/apparmor/.replace", "", 0644);
        put(root, "usr/sbin/apparmor_parser", "", 0644);
        apparmor_facts_gather(root, &f);
        assert_true(f.enabled && (!f.has_parser || geteuid() == 0));
        put(root, "usr/sbin/apparmor_parser", "", 0755);
        put(root, "sys/module/apparmor/parameters/enabled", "N\n", 0644);
        apparmor_facts_gather(root, &f);
        assert_true(!f.enabled && f.has_parser);
        test_directory_remove(root);
}

/* What is nearer to the machine goes first. */
static void test_files(void **state) {
        _cleanup_free_ char *text = NULL, *path = NULL;
        char *root = test_directory_new();

        assert_int_equal(apparmor_read_template(root, "web", "/usr/share/vmunit", &text, &path), -ENOENT);
        static const char *const templates[] = {
                "usr/share/vmunit/apparmor/template", "etc/vm/apparmor/template", "etc/vm/apparmor/web.template",
        };
        FOREACH_ARRAY(t, templates, ELEMENTSOF(templates)) {
                put(root, *t, *t, 0644);
                free(TAKE_PTR(text));
                assert_int_equal(apparmor_read_template(root, "web", "/usr/share/vmunit", &text, &path), 0);
                assert_string_equal(text, *t);
                assert_true(endswith(path, *t));
        }
        free(TAKE_PTR(text));
        assert_int_equal(apparmor_read_template(root, "other", "/usr/share/vmunit", &text, &path), 0);
        assert_string_equal(text, "etc/vm/apparmor/template");

        free(TAKE_PTR(text));
        assert_int_equal(apparmor_read_rules(root, "web", &text, &path), 0);
        assert_null(text);
        put(root, "etc/vm/apparmor/web.rules", "/x r,\n", 0644);
        assert_int_equal(apparmor_read_rules(root, "web", &text, &path), 0);
        assert_string_equal(text, "/x r,\n");
        put(root, "etc/vm/apparmor/dir.rules/x", "", 0644);
        free(TAKE_PTR(text));
        assert_int_equal(apparmor_read_rules(root, "dir", &text, &path), -EISDIR);
        assert_true(endswith(path, "/etc/vm/apparmor/dir.rules"));
        test_directory_remove(root);
}

static void test_loaded(void **state) {
        char *root = test_directory_new();
        bool enforced = true;

        assert_int_equal(apparmor_find(root, "vmunit-web", &enforced), -ENOENT);
        put(root, "sys/kernel/security/apparmor/profiles", "vmunit-webs (enforce)\nman (enforce)\nvmunit-web (complain)\n", 0644);
        assert_int_equal(apparmor_find(root, "vmunit-web", &enforced), 1);
        assert_false(enforced);
        assert_int_equal(apparmor_find(root, "man", &enforced), 1);
        assert_true(enforced);
        assert_int_equal(apparmor_find(root, "vmunit-we", &enforced), 0);
        assert_int_equal(apparmor_find(root, "unit-web", &enforced), 0);
        test_directory_remove(root);
}

/* --- labels --- */

static Domain *make_domain(const char *seclabel) {
        _cleanup_free_ char *xml = strf("<domain type='kvm'><name>web</name><memory>1</memory><os><type>hvm</type></os>%s</domain>", seclabel);
        _cleanup_diag_ Diag diag = {};
        Domain *d = NULL;

        assert_int_equal(domain_from_xml(xml, strlen(xml), &diag, &d), 0);
        assert_int_equal(domain_complete(d, &host_facts_generic, &diag), 0);
        return d;
}

static void test_domains(void **state) {
        static const struct {
                const char *seclabel, *facts; /* facts NULL: no AppArmor */
                bool selinux;
                int check;
                size_t messages;
                const char *profile; /* NULL: none */
        } cases[] = {
                { "", NULL, false, 0, 0, NULL },
                { "", "", false, 0, 0, "vmunit-web" },
                { "", "no-parser", false, 0, 1, NULL },
                { "", "", true, 0, 0, NULL },
                { "<seclabel type='dynamic'/>", "", false, 0, 0, "vmunit-web" },
                { "<seclabel type='dynamic'/>", "", true, 0, 0, NULL },
                { "<seclabel type='dynamic' model='dac'/>", "", false, 0, 0, "vmunit-web" },
                { "<seclabel type='none'/>", "", false, 0, 0, NULL },
                { "<seclabel type='none' model='apparmor'/>", "no-parser", false, 0, 0, NULL },
                { "<seclabel type='none' model='apparmor'/>", NULL, false, 0, 0, NULL },
                { "<seclabel type='dynamic' model='apparmor'/>", "", false, 0, 0, "vmunit-web" },
                { "<seclabel type='dynamic' model='apparmor'/>", NULL, false, -ENODEV, 1, NULL },
                { "<seclabel type='dynamic' model='apparmor'/>", NULL, true, -ENODEV, 1, NULL },
                { "<seclabel type='dynamic' model='apparmor'/>", "no-parser", false, -ENODEV, 1, NULL },
                { "<seclabel type='static' model='apparmor'><label>mine</label></seclabel>", "no-parser", false, 0, 0, "mine" },
                { "<seclabel type='static' model='apparmor'><label>mine</label></seclabel>", NULL, false, -ENODEV, 1, NULL },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_(domain_freep) Domain *d = make_domain(c->seclabel);
                HostFacts facts = host_facts_generic;
                _cleanup_diag_ Diag diag = {};
                if (c->facts)
                        apparmor_facts_parse(c->facts, &facts.apparmor);
                if (c->selinux)
                        assert_int_equal(selinux_facts_parse("", &facts.selinux), 0);
                assert_int_equal(domain_check_apparmor(d, &facts, &diag), c->check);
                assert_int_equal(diag.n_entries, c->messages);
                assert_int_equal(domain_set_labels(d, &facts, (CategoryPair) { 1, 2 }, &diag), 0);
                assert_true(streq_ptr(domain_apparmor_profile(d, &facts), c->profile));
                /* Once more, as a start does, is the same. */
                assert_int_equal(domain_set_labels(d, &facts, (CategoryPair) { 1, 2 }, &diag), 0);
                assert_true(streq_ptr(domain_apparmor_profile(d, &facts), c->profile));
                selinux_facts_done(&facts.selinux);
        }
}

/* As libvirt shows it. */
static void test_live(void **state) {
        _cleanup_(domain_freep) Domain *d = make_domain(""), *again = NULL;
        _cleanup_free_ char *xml = NULL, *inactive = NULL;
        HostFacts facts = host_facts_generic;

        apparmor_facts_parse("", &facts.apparmor);
        assert_int_equal(domain_set_dac(d, 64001, 64002), 0);
        assert_int_equal(domain_set_labels(d, &facts, (CategoryPair) {}, NULL), 0);
        assert_int_equal(domain_to_xml(d, 0, &xml), 0);
        assert_non_null(strstr(xml, "  <seclabel type='dynamic' model='apparmor' relabel='yes'>\n"
                                    "    <label>vmunit-web</label>\n"
                                    "    <imagelabel>vmunit-web</imagelabel>\n"
                                    "  </seclabel>\n"
                                    "  <seclabel type='dynamic' model='dac' relabel='yes'>\n"));
        assert_int_equal(domain_from_xml(xml, strlen(xml), NULL, &again), 0);
        assert_int_equal(domain_complete(again, &facts, NULL), 0);
        assert_int_equal(domain_to_xml(again, DOMAIN_XML_INACTIVE, &inactive), 0);
        assert_null(strstr(inactive, "vmunit-web"));
}

/* --- the profile --- */

static void test_names(void **state) {
        static const char *const plain[] = { "web", "my-vm", "a.b" };

        FOREACH_ARRAY(name, plain, ELEMENTSOF(plain)) {
                _cleanup_free_ char *profile = vm_profile(*name), *expected = strf("vmunit-%s", *name);
                assert_string_equal(profile, expected);
        }
        /* What means something to AppArmor is not in it. */
        _cleanup_free_ char *a = vm_profile("a b//&{x}"), *b = vm_profile("a b//&{y}");
        assert_string_not_equal(a, b);
        assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."), strlen(a));
}

static int make(const char *template, const char *rules, Diag *diag, char **ret) {
        char *const devices[] = { (char *) "/dev/a{b}", (char *) "/dev/line\nbreak", (char *) "/dev/x\\",
                                  (char *) "/dev/y\\z", NULL };
        Plan p = { .name = (char *) "web", .profile = (char *) "vmunit-web", .emulator = (char *) "/usr/bin/qemu", .devices = (char **) devices };
        ApparmorTemplate t = { template, "/t", rules, "/r", "/lib" };

        return apparmor_profile_new(&p, &t, diag, ret);
}

static void test_profile(void **state) {
        _cleanup_free_ char *text = NULL;
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(make("# VMUNIT_PROFILE\n VMUNIT_PROFILE \"#x\n  VMUNIT_RULES \nend VMUNIT_RULES\n", "  /x r,", &diag, &text), 0);
        assert_string_equal(text, "# VMUNIT_PROFILE\n vmunit-web \"#x\n"
                                  "  \"/lib/vmunit-supervisor\" mr,\n"
                                  "  \"/lib/vmunit-monitor\" mrix,\n"
                                  "  \"/usr/bin/qemu\" mrix,\n"
                                  "  \"/run/vmunit/web/state\" r,\n"
                                  "  \"/dev/a\\{b\\}\" rw, # device\n"
                                  "  \"/dev/y\\\\z\" rw, # device\n"
                                  "  # /r\n"
                                  "  /x r,\n"
                                  "end VMUNIT_RULES\n");
        assert_int_equal(make("VMUNIT_PROFILE # VMUNIT_RULES\n", NULL, &diag, &text), -EINVAL);
        assert_string_equal(diag_first_error(&diag), "'/t' is no template for a profile of AppArmor: it has no line VMUNIT_RULES");
        _cleanup_diag_ Diag other = {};
        assert_int_equal(make("VMUNIT_RULES", NULL, &other, &text), -EINVAL);
        assert_string_equal(diag_first_error(&other), "'/t' is no template for a profile of AppArmor: it has no VMUNIT_PROFILE");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_facts),   cmocka_unit_test(test_files), cmocka_unit_test(test_domains),
                cmocka_unit_test(test_live),    cmocka_unit_test(test_names), cmocka_unit_test(test_profile),
                cmocka_unit_test(test_loaded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
