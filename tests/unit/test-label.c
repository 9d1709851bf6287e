/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "domain-xml.h"
#include "label-registry.h"
#include "label.h"
#include "string-util.h"
#include "test-directory.h"
#include "unit-properties.h"

/* --- contexts --- */

static void test_contexts(void **state) {
        static const struct {
                const char *text;
                bool good;
        } cases[] = {
                { "system_u:system_r:svirt_t:s0:c5,c6", true },
                { "system_u:system_r:svirt_t:s0-s0:c0.c1023", true },
                { "system_u:object_r:virt_content_t:s0", true },
                { "u:r:t", true }, /* a policy without levels */
                { "", false },
                { "u", false },
                { "u:r", false },
                { "u::t:s0", false },
                { ":r:t:s0", false },
                { "u:r:", false },
                { "u:r:t t:s0", false },
                { "u:r:t:s0 c1", false },
                { "u:r:t/..:s0", false },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_selinux_context_ SelinuxContext context = {};
                assert_int_equal(selinux_context_parse(c->text, &context), c->good ? 0 : -EINVAL);
                if (c->good) {
                        _cleanup_free_ char *again = selinux_context_format(&context);
                        assert_string_equal(again, c->text);
                }
        }
}

static void test_pairs(void **state) {
        static const struct {
                const char *level, *pair; /* NULL: refused */
        } cases[] = {
                { "s0:c1,c2", "c1,c2" },
                { "s0:c1023,c0", "c0,c1023" },
                { "c7,c3", "c3,c7" },
                { "s15:c7,c3", "c3,c7" },
                { "s0", NULL },
                { "s0:c1", NULL },
                { "s0:c1,c1", NULL },
                { "s0:c1.c2", NULL },
                { "s0:c1,c2,c3", NULL },
                { "s0-s0:c1,c2", NULL },
                { "s0:c1,c2-s0:c1,c2", NULL },
                { "s0:c1024,c2", NULL },
                { "s0:c01,c2", NULL },
                { "s0:c,c2", NULL },
                { "", NULL },
                { "c99999999999,c1", NULL },
                { ".lock", NULL },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                CategoryPair pair;
                char text[CATEGORY_PAIR_MAX];
                assert_int_equal(category_pair_parse(c->level, &pair), c->pair ? 0 : -EINVAL);
                if (!c->pair)
                        continue;
                category_pair_format(pair, text);
                assert_string_equal(text, c->pair);
        }
}

static void test_categories(void **state) {
        static const struct {
                const char *text, *again; /* NULL: refused */
        } cases[] = {
                { "c0.c1023", "c0.c1023" }, { "c5", "c5" },           { "c1,c2", "c1,c2" },
                { "c3,c1.c2", "c1.c3" },    { "c9.c11,c20", "c9.c11,c20" },
                { "", NULL },               { "c0.c1024", NULL },     { "c5.c4", NULL },
                { "c1,", NULL },            { "0-3", NULL },          { "c1 c2", NULL },
                { "s0:c1", NULL },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                NumberSet set;
                assert_int_equal(categories_parse(c->text, &set), c->again ? 0 : -EINVAL);
                if (c->again) {
                        _cleanup_free_ char *again = categories_format(&set);
                        assert_string_equal(again, c->again);
                }
        }
}

/* --- choice --- */

static void all_categories(NumberSet *ret) {
        assert_int_equal(categories_parse("c0.c1023", ret), 0);
}

static void test_choice_is_stable(void **state) {
        _cleanup_category_pairs_ CategoryPairs taken = {};
        CategoryPair a, b, c;
        NumberSet all;

        all_categories(&all);
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_DEFINITION, &taken, &a), 0);
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_DEFINITION, &taken, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_int_equal((a.low + a.high) % 2, 0);
        /* The same name without a file has another one. */
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_TRANSIENT, &taken, &c), 0);
        assert_int_equal((c.low + c.high) % 2, 1);
        /* Where its own is taken, it has the next. */
        assert_int_equal(category_pairs_add(&taken, a), 0);
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_DEFINITION, &taken, &b), 0);
        assert_true(a.low != b.low || a.high != b.high);
        assert_true(b.low < b.high);
        category_pairs_remove(&taken, a);
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_DEFINITION, &taken, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
}

/* 1000 definitions among 46 categories: 1035 pairs, of which 506 or 529 are even. So half of them get one, each another,
 * and the rest is refused; with 65 categories (1040 even ones) all get one, though most of them collide. */
static size_t give_out(unsigned categories, LabelOwner owner, size_t n_names) {
        _cleanup_category_pairs_ CategoryPairs taken = {};
        NumberSet set = {};
        size_t n = 0;

        for (unsigned i = 0; i < categories; i++)
                number_set_add(&set, 100 + i);
        for (size_t i = 0; i < n_names; i++) {
                _cleanup_free_ char *name = strf("vm%zu", i);
                CategoryPair pair;
                int r = category_pair_choose(name, &set, owner, &taken, &pair);
                if (r < 0) {
                        assert_int_equal(r, -ENOSPC);
                        continue;
                }
                assert_true(pair.low >= 100 && pair.high < 100 + categories && pair.low < pair.high);
                assert_false(category_pairs_has(&taken, pair));
                assert_int_equal(category_pairs_add(&taken, pair), 0);
                n++;
        }
        return n;
}

static void test_collisions(void **state) {
        assert_int_equal(give_out(65, LABEL_OF_DEFINITION, 1000), 1000);
        assert_int_equal(give_out(46, LABEL_OF_DEFINITION, 1000), 506);
        assert_int_equal(give_out(46, LABEL_OF_TRANSIENT, 1000), 529);
        assert_int_equal(give_out(1024, LABEL_OF_DEFINITION, 1000), 1000);
        assert_int_equal(give_out(1, LABEL_OF_DEFINITION, 1), 0);
        assert_int_equal(give_out(0, LABEL_OF_DEFINITION, 1), 0);
}

static void test_all_taken(void **state) {
        _cleanup_category_pairs_ CategoryPairs taken = {};
        CategoryPair p;
        NumberSet all;

        all_categories(&all);
        for (p.high = 1; p.high < CATEGORY_MAX; p.high++)
                for (p.low = 0; p.low < p.high; p.low++)
                        assert_int_equal(category_pairs_add(&taken, p), 0);
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_DEFINITION, &taken, &p), -ENOSPC);
        category_pairs_remove(&taken, (CategoryPair) { 17, 401 });
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_TRANSIENT, &taken, &p), -ENOSPC);
        assert_int_equal(category_pair_choose("web", &all, LABEL_OF_DEFINITION, &taken, &p), 0);
        assert_true(p.low == 17 && p.high == 401);
}

/* --- labels of a domain --- */

static const struct {
        const char *type, *seclabel, *facts;       /* facts NULL: no SELinux */
        const char *process, *image, *supervisor;  /* process NULL: refused; "": none */
} domains[] = {
        { "kvm", "", "enforcing", "system_u:system_r:svirt_t:s0:c5,c6", "system_u:object_r:svirt_image_t:s0:c5,c6",
          "system_u:system_r:vmunit_supervisor_t:s0:c5,c6" },
        { "qemu", "", "permissive", "system_u:system_r:svirt_prot_exec_t:s0:c5,c6", "system_u:object_r:svirt_image_t:s0:c5,c6",
          "system_u:system_r:vmunit_supervisor_t:s0:c5,c6" },
        { "qemu", "", "process-emulated=system_u:system_r:svirt_tcg_t:s0", "system_u:system_r:svirt_tcg_t:s0:c5,c6",
          "system_u:object_r:svirt_image_t:s0:c5,c6", "system_u:system_r:vmunit_supervisor_t:s0:c5,c6" },
        { "kvm", "<seclabel type='dynamic' model='selinux'/>", "", "system_u:system_r:svirt_t:s0:c5,c6",
          "system_u:object_r:svirt_image_t:s0:c5,c6", "system_u:system_r:vmunit_supervisor_t:s0:c5,c6" },
        { "kvm", "<seclabel type='dynamic'/>", "", "system_u:system_r:svirt_t:s0:c5,c6", "system_u:object_r:svirt_image_t:s0:c5,c6",
          "system_u:system_r:vmunit_supervisor_t:s0:c5,c6" },
        { "kvm", "<seclabel type='dynamic' model='selinux'><baselabel>other_u:other_r:svirt_own_t:s0:c1,c2</baselabel></seclabel>", "",
          "system_u:system_r:svirt_own_t:s0:c5,c6", "system_u:object_r:svirt_image_t:s0:c5,c6",
          "system_u:system_r:vmunit_supervisor_t:s0:c5,c6" },
        { "kvm", "<seclabel type='static' model='selinux'><label>system_u:system_r:svirt_t:s0:c392,c662</label></seclabel>", "",
          "system_u:system_r:svirt_t:s0:c392,c662", "system_u:object_r:svirt_image_t:s0:c392,c662",
          "system_u:system_r:vmunit_supervisor_t:s0:c392,c662" },
        { "kvm", "<seclabel type='static' model='selinux' relabel='yes'><label>system_u:system_r:svirt_t:s0</label></seclabel>", "",
          "system_u:system_r:svirt_t:s0", "system_u:object_r:svirt_image_t:s0", "system_u:system_r:vmunit_supervisor_t:s0" },
        { "kvm", "<seclabel type='none' model='selinux'/>", "", "", NULL, "" },
        { "kvm", "<seclabel type='none'/>", "", "", NULL, "" },
        { "kvm", "", "no-module", "", NULL, "" },
        { "kvm", "", NULL, "", NULL, "" },
        { "kvm", "<seclabel type='static' model='selinux'><label>system_u:system_r</label></seclabel>", "", NULL, NULL, NULL },
        { "kvm", "<seclabel type='dynamic' model='selinux'><baselabel>svirt_t</baselabel></seclabel>", "", NULL, NULL, NULL },
};

static Domain *make_domain(const char *type, const char *seclabel) {
        _cleanup_free_ char *xml = strf("<domain type='%s'><name>web</name><memory>65536</memory><os><type>hvm</type></os>%s"
                                        "</domain>", type, seclabel);
        _cleanup_diag_ Diag diag = {};
        Domain *d = NULL;

        assert_int_equal(domain_from_xml(xml, strlen(xml), &diag, &d), 0);
        assert_int_equal(domain_complete(d, &host_facts_generic, &diag), 0);
        return d;
}

static void test_domains(void **state) {
        FOREACH_ARRAY(c, domains, ELEMENTSOF(domains)) {
                _cleanup_(domain_freep) Domain *d = make_domain(c->type, c->seclabel);
                _cleanup_free_ char *supervisor = NULL;
                _cleanup_diag_ Diag diag = {};
                HostFacts facts = host_facts_generic;

                if (c->facts)
                        assert_int_equal(selinux_facts_parse(c->facts, &facts.selinux), 0);
                int r = domain_set_selinux(d, &facts, (CategoryPair) { 5, 6 }, &diag);
                assert_int_equal(r, c->process ? 0 : -EINVAL);
                assert_int_equal(diag.n_errors, c->process ? 0 : 1);
                if (c->process) {
                        const DomainSeclabel *s = domain_selinux(d);
                        assert_string_equal(s ? strempty(s->label) : "", c->process);
                        assert_true(streq_ptr(s ? s->imagelabel : NULL, c->image));
                        assert_int_equal(domain_supervisor_context(d, &facts, &supervisor), 0);
                        assert_string_equal(strempty(supervisor), c->supervisor);
                }
                selinux_facts_done(&facts.selinux);
        }
}

/* What a machine asks for, and must have, is held against what the host has. */
static void test_host(void **state) {
        static const struct {
                const char *seclabel, *facts; /* facts NULL: no SELinux */
                int result;
                size_t messages;
        } cases[] = {
                { "", NULL, 0, 0 },
                { "", "", 0, 0 },
                { "", "no-module", -ENODEV, 1 },
                { "", "no-module permissive", 0, 1 },
                { "<seclabel type='none'/>", "no-module", 0, 0 },
                { "<seclabel type='none' model='selinux'/>", NULL, 0, 0 },
                { "<seclabel type='dynamic'/>", NULL, 0, 0 },
                { "<seclabel type='dynamic' model='selinux'/>", NULL, -ENODEV, 1 },
                { "<seclabel type='static' model='selinux'><label>a:b:c:s0</label></seclabel>", NULL, -ENODEV, 1 },
                { "<seclabel type='dynamic' model='dac'/>", NULL, 0, 0 },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_(domain_freep) Domain *d = make_domain("kvm", c->seclabel);
                HostFacts facts = host_facts_generic;
                _cleanup_diag_ Diag diag = {};
                if (c->facts)
                        assert_int_equal(selinux_facts_parse(c->facts, &facts.selinux), 0);
                assert_int_equal(domain_check_selinux(d, &facts, &diag), c->result);
                assert_int_equal(diag.n_entries, c->messages);
                selinux_facts_done(&facts.selinux);
        }
}

/* A live machine shows SELinux first and the user second; and when its XML is read as a definition, nothing of it is left. */
static void test_live(void **state) {
        _cleanup_(domain_freep) Domain *d = make_domain("kvm", ""), *again = NULL;
        _cleanup_free_ char *xml = NULL, *inactive = NULL;
        HostFacts facts = host_facts_generic;

        assert_int_equal(selinux_facts_parse("", &facts.selinux), 0);
        assert_int_equal(domain_set_dac(d, 64001, 64002), 0);
        assert_int_equal(domain_set_selinux(d, &facts, (CategoryPair) { 5, 6 }, NULL), 0);
        assert_int_equal(domain_to_xml(d, 0, &xml), 0);
        assert_non_null(strstr(xml, "  <seclabel type='dynamic' model='selinux' relabel='yes'>\n"
                                    "    <label>system_u:system_r:svirt_t:s0:c5,c6</label>\n"
                                    "    <imagelabel>system_u:object_r:svirt_image_t:s0:c5,c6</imagelabel>\n"
                                    "  </seclabel>\n"
                                    "  <seclabel type='dynamic' model='dac' relabel='yes'>\n"
                                    "    <label>+64001:+64002</label>\n"
                                    "    <imagelabel>+64001:+64002</imagelabel>\n"
                                    "  </seclabel>\n"));
        assert_int_equal(domain_from_xml(xml, strlen(xml), NULL, &again), 0);
        assert_string_equal(domain_selinux(again)->label, "system_u:system_r:svirt_t:s0:c5,c6");
        assert_int_equal(domain_complete(again, &facts, NULL), 0);
        assert_int_equal(domain_to_xml(again, 0, &inactive), 0);
        assert_null(strstr(inactive, "label>"));
        selinux_facts_done(&facts.selinux);
}

static void test_users(void **state) {
        static const struct {
                const char *label, *user, *group; /* user NULL: refused; "": none */
        } cases[] = {
                { "+107:+108", "107", "108" }, { "107:108", "107", "108" },  { "libvirt-qemu:kvm", "libvirt-qemu", "kvm" },
                { "+107:kvm", "107", "kvm" },  { "qemu", NULL, NULL },       { "+:+1", NULL, NULL },
                { "+1x:+1", NULL, NULL },      { ":1", NULL, NULL },         { "a/b:c", NULL, NULL },
                { "-1:1", NULL, NULL },        { "a:b:c", NULL, NULL },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_free_ char *seclabel = strf("<seclabel type='static' model='dac'><label>%s</label></seclabel>", c->label);
                _cleanup_(domain_freep) Domain *d = make_domain("kvm", seclabel);
                _cleanup_free_ char *user = NULL, *group = NULL;
                assert_int_equal(domain_static_user(d, &host_facts_generic, &user, &group), c->user ? 1 : -EINVAL);
                assert_true(streq_ptr(user, c->user) && streq_ptr(group, c->group));
        }
}

/* vmunit.conf names one for machines that do not. */
static void test_users_of_all(void **state) {
        static const struct {
                const char *seclabel, *group, *user, *expected_group;
        } cases[] = {
                { "", NULL, "qemu", "qemu" },
                { "", "kvm", "qemu", "kvm" },
                { "<seclabel type='dynamic' model='dac'/>", "kvm", "qemu", "kvm" },
                { "<seclabel type='static' model='dac'><label>a:b</label></seclabel>", "kvm", "a", "b" },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_(domain_freep) Domain *d = make_domain("kvm", c->seclabel);
                _cleanup_free_ char *user = NULL, *group = NULL;
                HostFacts facts = host_facts_generic;
                facts.user = (char *) "qemu";
                facts.group = (char *) c->group;
                assert_int_equal(domain_static_user(d, &facts, &user, &group), 1);
                assert_string_equal(user, c->user);
                assert_string_equal(group, c->expected_group);
        }
}

/* --- registry --- */

static bool all_run(void *userdata, const char *name) {
        return true;
}

static bool none_runs(void *userdata, const char *name) {
        return false;
}

static void test_registry(void **state) {
        _cleanup_category_pairs_ CategoryPairs taken = {};
        _cleanup_free_ char *owner = NULL;
        CategoryPair p = { 5, 7 }, own = {};
        char *dir = test_directory_new();

        _cleanup_close_ int base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(label_registry_open(base, false), -ENOENT);
        _cleanup_close_ int fd = label_registry_open(base, true);
        assert_true(fd >= 0);
        assert_int_equal(label_registry_claim(fd, p, "web", all_run, NULL, NULL), 0);
        assert_int_equal(label_registry_claim(fd, p, "web", all_run, NULL, NULL), 0);
        assert_int_equal(label_registry_claim(fd, p, "db", all_run, NULL, &owner), -EBUSY);
        assert_string_equal(owner, "web");
        assert_int_equal(label_registry_read(fd, "web", &taken, &own), 1);
        assert_memory_equal(&own, &p, sizeof(p));
        assert_false(category_pairs_has(&taken, p));
        assert_int_equal(label_registry_read(fd, "db", &taken, &own), 0);
        assert_true(category_pairs_has(&taken, p));
        /* Of a machine that does not run it is taken over. */
        assert_int_equal(label_registry_claim(fd, p, "db", none_runs, NULL, NULL), 0);
        assert_int_equal(label_registry_claim(fd, p, "web", all_run, NULL, NULL), -EBUSY);
        assert_int_equal(label_registry_release(fd, "web"), 0);
        assert_int_equal(label_registry_claim(fd, p, "web", all_run, NULL, NULL), -EBUSY);
        assert_int_equal(label_registry_release(fd, "db"), 0);
        assert_int_equal(label_registry_claim(fd, p, "web", all_run, NULL, NULL), 0);
        test_directory_remove(dir);
}

/* What is drawn is held, although its machine does not run; and once that is over, it may be had. */
static void test_registry_draw(void **state) {
        _cleanup_category_pairs_ CategoryPairs taken = {};
        char *dir = test_directory_new();
        CategoryPair a, b;
        NumberSet set;

        assert_int_equal(categories_parse("c0.c2", &set), 0); /* odd: 0,1 and 1,2 */
        _cleanup_close_ int base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int fd = label_registry_open(base, true);
        int one = label_registry_draw(fd, "one", &set, LABEL_OF_TRANSIENT, &taken, none_runs, NULL, &a);
        int two = label_registry_draw(fd, "two", &set, LABEL_OF_TRANSIENT, NULL, none_runs, NULL, &b);
        assert_true(one >= 0 && two >= 0);
        assert_true(a.low != b.low);
        assert_int_equal(label_registry_draw(fd, "three", &set, LABEL_OF_TRANSIENT, NULL, none_runs, NULL, &b), -ENOSPC);
        assert_int_equal(label_registry_claim(fd, a, "three", none_runs, NULL, NULL), -EBUSY);
        safe_close(one);
        int three = label_registry_draw(fd, "three", &set, LABEL_OF_TRANSIENT, NULL, none_runs, NULL, &b);
        assert_true(three >= 0);
        assert_memory_equal(&a, &b, sizeof(a));
        safe_close(two);
        safe_close(three);
        test_directory_remove(dir);
}

#define DRAWERS 200

/* 200 processes at once draw a pair and keep it, out of hardly more than there are. Each tells its own by a pipe. */
static void test_registry_race(void **state) {
        char *dir = test_directory_new();
        CategoryPair got[DRAWERS];
        pid_t pids[DRAWERS];
        int go[2], results[2];
        NumberSet set;

        assert_int_equal(categories_parse("c0.c28", &set), 0); /* 406 pairs, 210 odd ones */
        _cleanup_close_ int base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        safe_close(label_registry_open(base, true));
        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe(results), 0);
        for (size_t i = 0; i < DRAWERS; i++) {
                pids[i] = fork();
                if (pids[i] == 0) {
                        _cleanup_free_ char *name = strf("vm%zu", i);
                        CategoryPair p;
                        char c;
                        close(go[1]);
                        (void) !read(go[0], &c, 1); /* until the other end is closed */
                        int fd = label_registry_open(base, false);
                        int hold = label_registry_draw(fd, name, &set, LABEL_OF_TRANSIENT, NULL, none_runs, NULL, &p);
                        if (hold < 0 || write(results[1], &p, sizeof(p)) != (ssize_t) sizeof(p))
                                _exit(1);
                        (void) pause();
                }
                assert_true(pids[i] > 0);
        }
        close(go[0]);
        close(go[1]);
        close(results[1]);
        _cleanup_category_pairs_ CategoryPairs seen = {};
        for (size_t i = 0; i < DRAWERS; i++) {
                assert_int_equal(read(results[0], got + i, sizeof(got[i])), sizeof(got[i]));
                assert_int_equal((got[i].low + got[i].high) % 2, 1);
                assert_false(category_pairs_has(&seen, got[i]));
                assert_int_equal(category_pairs_add(&seen, got[i]), 0);
        }
        close(results[0]);
        for (size_t i = 0; i < DRAWERS; i++) {
                kill(pids[i], SIGKILL);
                waitpid(pids[i], NULL, 0);
        }
        test_directory_remove(dir);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_contexts),
                cmocka_unit_test(test_pairs),
                cmocka_unit_test(test_categories),
                cmocka_unit_test(test_choice_is_stable),
                cmocka_unit_test(test_collisions),
                cmocka_unit_test(test_all_taken),
                cmocka_unit_test(test_domains),
                cmocka_unit_test(test_host),
                cmocka_unit_test(test_live),
                cmocka_unit_test(test_users),
                cmocka_unit_test(test_users_of_all),
                cmocka_unit_test(test_registry),
                cmocka_unit_test(test_registry_draw),
                cmocka_unit_test(test_registry_race),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
