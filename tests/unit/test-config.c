/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config-file.h"
#include "file-util.h"
#include "test-directory.h"
#include "text.h"

/* vmunit.conf: its syntax, its keys, its files, its manual. */

static char *dump(const Config *c) {
        _cleanup_text_ Text t = {};
        char *s;

        FOREACH_ARRAY(k, config_keys, n_config_keys) {
                _cleanup_free_ char *value = NULL;
                assert_int_equal(config_format(c, k, &value), 0);
                if (value)
                        text_appendf(&t, "%s=%s\n", k->name, value);
        }
        assert_int_equal(text_finish(&t, &s), 0);
        return s;
}

static char *messages(const Diag *diag) {
        _cleanup_text_ Text t = {};
        char *s;

        FOREACH_ARRAY(e, diag->entries, diag->n_entries)
                text_appendf(&t, "%s %s\n", e->severity == DIAG_ERROR ? "E" : "W", e->text);
        assert_int_equal(text_finish(&t, &s), 0);
        return s;
}

static void expect(const char *text, const char *settings, const char *said, ConfigReader wrong) {
        _cleanup_config_ Config c = {};
        _cleanup_diag_ Diag diag = {};

        int r = config_parse(text, strlen(text), "f", &c, &diag);
        _cleanup_free_ char *found = dump(&c), *all = messages(&diag);
        assert_string_equal(found, settings);
        assert_string_equal(all, said);
        assert_int_equal(c.wrong, wrong);
        assert_int_equal(r, wrong ? -EINVAL : 0);
}

static void right(const char *text, const char *settings) {
        expect(text, settings, "", 0);
}

static void test_spellings(void **state) {
        right("", "");
        right("# a comment\n; another\n\n[Host]\n[QEMU]\n[Connect]\n", "");
        right("[Host]\nMissingResources=ignore\n", "MissingResources=ignore\n");
        right("\xef\xbb\xbf[Host]\r\n  MissingResources =  ignore  \r\n", "MissingResources=ignore\n");
        right("[Host] # all of it\nmissing_resources = \"ignore\" # by libvirt's rules\n", "MissingResources=ignore\n");
        right("[Host]\nSELinuxCategories=c0.c2,c7\n", "SELinuxCategories=c0.c2,c7\n");
        right("[Host]\nselinux_categories = \"c100.c199\"\n", "SELinuxCategories=c100.c199\n");
        right("[Host]\nSELinuxCategories=c0.c9\nSELinuxCategories=\n", "");
        right("[Host]\nhalt_poll_ns = 400000", "HaltPollNs=400000\n");
        right("[Host]\nHaltPollNs=0\n", "HaltPollNs=0\n");
        right("[Host]\nHaltPollNs=5\nHaltPollNs=\n", "");
        right("[Host]\nKernelWorkerCPUs=0-3,^1 \nTransparentHugePages=never\ntransparent_huge_pages_defrag=defer+madvise\n",
              "KernelWorkerCPUs=0,2-3\nTransparentHugePages=never\nTransparentHugePagesDefrag=defer+madvise\n");
        right("[Host]\nKernelWorkerCPUs=0 4-5\n", "KernelWorkerCPUs=0,4-5\n");
        right("[Host]\nKernelWorkerCPUs=1\nKernelWorkerCPUs=\n", "");
        right("[X-Mine]\nA=b\n[Host]\nX-Also=1\n", "");
}

static void test_pools(void **state) {
        right("[Host]\nHugePages=2M:512 1G:4\n", "HugePages=1G:4 2M:512\n");
        right("[Host]\nHugePages=2048KiB:8@0-1,3\nHugePages=1G:1@0\nHugePages=2M:9@1\n",
              "HugePages=1G:1@0 2M:8@0 2M:9@1 2M:8@3\n");
        right("[Host]\nHugePages=2M:1\nHugePages=\nHugePages=64K:0\n", "HugePages=64K:0\n");
        right("[Host]\nHugePages=2M:1 \\\n # not this\n 1G:2\n", "HugePages=1G:2 2M:1\n");
        right("[Host]\nhuge_pages = [ \"2M:1\", \"1G:2\" ]\n", "HugePages=1G:2 2M:1\n");
        right("[Host]\nhuge_pages = [\n  \"2M:1\", # small\n# none\n  \"1G:2\"\n] # all\nHaltPollNs=1\n", "HaltPollNs=1\nHugePages=1G:2 2M:1\n");
}

static void test_unknown(void **state) {
        expect("[Hots]\nHaltPollNs=1\n[Host]\nHaltPoll=1\n[QEMU]\nHaltPollNs=1\nvnc_listens = \"::\"\n", "",
               "W f:1: section [Hots] is not known\n"
               "W f:4: [Host] has no setting 'HaltPoll'\n"
               "W f:6: HaltPollNs belongs into section [Host]\n"
               "W f:7: [QEMU] has no setting 'vnc_listens'\n", 0);
}

static void test_wrong(void **state) {
        /* What stands beside it counts. */
        expect("[Host]\nHaltPollNs=1us\nTransparentHugePages=never\n", "TransparentHugePages=never\n",
               "E f:2: HaltPollNs: '1us' is not a number of nanoseconds from 0 to 4294967295\n", CONFIG_FOR_TUNING);
        expect("[Host]\nHaltPollNs=7\nHaltPollNs=4294967296\n", "HaltPollNs=7\n",
               "E f:3: HaltPollNs: '4294967296' is not a number of nanoseconds from 0 to 4294967295\n", CONFIG_FOR_TUNING);
        expect("[Host]\nMissingResources=no\n", "", "E f:2: MissingResources: 'no' is not one of: error, ignore\n", CONFIG_FOR_START);
        expect("[Host]\nMissingResources=[ \"ignore\" ]\n", "", "E f:2: MissingResources: 'ignore' is not one of: error, ignore\n",
               CONFIG_FOR_START);
        static const char *const categories[] = { "c0.c1", "c5", "c0.c1024", "c9.c1", "0-9", "s0:c0.c9" };
        FOREACH_ARRAY(c, categories, ELEMENTSOF(categories)) {
                _cleanup_free_ char *text = strf("[Host]\nSELinuxCategories=%s\n", *c);
                _cleanup_free_ char *message = strf("E f:2: SELinuxCategories: '%s' is not three or more categories, as c0.c1023\n", *c);
                expect(text, "", message, CONFIG_FOR_START);
        }
        expect("[Host]\nKernelWorkerCPUs=0,,1\n", "", "E f:2: KernelWorkerCPUs: '0,,1' is not a list of CPUs, as 0-3,^1,8\n",
               CONFIG_FOR_TUNING);
        expect("[Host]\nKernelWorkerCPUs=0,^0\n", "", "E f:2: KernelWorkerCPUs: '0,^0' is not a list of CPUs, as 0-3,^1,8\n",
               CONFIG_FOR_TUNING);
        static const char *const pools[] = { "2M", "3M:1", "1:1", "0:1", "2M:-1", "2M:x", "2M:1@", "2M:1@x", "2M@1:1", "2X:1",
                                             "16E:1", "2M:4294967296", "2M:1@1024", "1G:1 2M" };
        for (size_t i = 0; i < ELEMENTSOF(pools); i++) {
                _cleanup_free_ char *text = strf("[Host]\nHugePages=2M:5\nHugePages=%s\n", pools[i]);
                _cleanup_free_ char *said = strf("E f:3: HugePages: '%s' is not SIZE:COUNT or SIZE:COUNT@NODES, as 2M:512@0-1\n",
                                                 pools[i]);
                expect(text, "HugePages=2M:5\n", said, CONFIG_FOR_TUNING);
        }
        expect("[Host]\nHugePages=2M:5\nHugePages=2M:5@0\n", "HugePages=2M:5\n",
               "E f:3: HugePages: '2M:5@0': pages of one size are either the machine's or those of NUMA nodes, not both\n",
               CONFIG_FOR_TUNING);
        expect("[Host]\nHugePages=4K:1@0-1023 8K:1@0-1023 16K:1@0-1023 32K:1@0-1023 64K:1@0\n", "",
               "E f:2: HugePages: more than 4096 pools\n", CONFIG_FOR_TUNING);
}

static void test_broken(void **state) {
        expect("HaltPollNs=1\n", "", "E f:1: 'HaltPollNs' is in no section: [QEMU], [Host] or [Connect] must be above it\n",
               CONFIG_FOR_ALL);
        expect("[Host\nHaltPollNs=1\n", "",
               "E f:1: the head of a section is [Name]\n"
               "E f:2: 'HaltPollNs' is in no section: [QEMU], [Host] or [Connect] must be above it\n", CONFIG_FOR_ALL);
        expect("[Host]\nHaltPollNs\n=1\n", "",
               "E f:2: neither a [Section] nor an assignment, Key=value\n"
               "E f:3: neither a [Section] nor an assignment, Key=value\n", CONFIG_FOR_ALL);
        expect("[Host]\nHaltPollNs=\"1\nHaltPollNs=\"1\" 2\n", "",
               "E f:2: a value that begins with \" ends with \"\n"
               "E f:3: a value that begins with \" ends with \"\n", CONFIG_FOR_ALL);
        expect("[Host]\nHugePages=[ \"2M:1\"\n", "", "E f:2: a list begins with [ and ends with ]\n", CONFIG_FOR_ALL);

        _cleanup_config_ Config c = {};
        _cleanup_diag_ Diag diag = {};
        assert_int_equal(config_parse("[Host]\n\0x", 9, "f", &c, &diag), -EINVAL);
        assert_string_equal(diag_first_error(&diag), "f:1: not a text: there is a NUL in it");
        assert_int_equal(c.wrong, CONFIG_FOR_ALL);
}

/* --- files --- */

static void put(const char *dir, const char *name, const char *text) {
        _cleanup_free_ char *path = strf("%s/%s", dir, name), *parent = strdup(path);

        *strrchr(parent, '/') = 0;
        assert_int_equal(mkdir_parents(parent, 0755), 0);
        assert_int_equal(write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644), 0);
}

static void loads(const char *settings) {
        _cleanup_config_ Config c = {};
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(config_load(&c, &diag), 0);
        assert_int_equal(diag.n_entries, 0);
        _cleanup_free_ char *found = dump(&c);
        assert_string_equal(found, settings);
}

static void test_files(void **state) {
        char *dir = test_directory_new();
        assert_non_null(dir);
        _cleanup_free_ char *path = strf("%s/etc:%s/run:%s/lib", dir, dir, dir), *mask = strf("%s/run/vmunit.conf.d/20-b.conf", dir);

        setenv("VMUNIT_CONFIG_PATH", path, 1);
        loads("");
        put(dir, "lib/vmunit.conf", "[Host]\nHaltPollNs=1\n");
        loads("HaltPollNs=1\n");
        /* The administrator's goes before the vendor's, as a whole. */
        put(dir, "etc/vmunit.conf", "[Host]\nMissingResources=ignore\n");
        loads("MissingResources=ignore\n");
        /* By name, whatever the directory; what is not *.conf is not read. */
        put(dir, "lib/vmunit.conf.d/20-b.conf", "[Host]\nHaltPollNs=20\n");
        put(dir, "etc/vmunit.conf.d/10-a.conf", "[Host]\nHaltPollNs=10\nTransparentHugePages=never\n");
        put(dir, "etc/vmunit.conf.d/README", "nothing");
        put(dir, "etc/vmunit.conf.d/.30-hidden.conf", "nothing");
        loads("MissingResources=ignore\nHaltPollNs=20\nTransparentHugePages=never\n");
        /* A file of the same name in an earlier directory stands in for it; one that is empty masks it. */
        put(dir, "run/vmunit.conf.d/20-b.conf", "[Host]\nHaltPollNs=21\n");
        loads("MissingResources=ignore\nHaltPollNs=21\nTransparentHugePages=never\n");
        put(dir, "run/vmunit.conf.d/20-b.conf", "");
        loads("MissingResources=ignore\nHaltPollNs=10\nTransparentHugePages=never\n");
        assert_int_equal(unlink(mask), 0);
        assert_int_equal(symlink("/dev/null", mask), 0);
        loads("MissingResources=ignore\nHaltPollNs=10\nTransparentHugePages=never\n");

        /* A bad file does not hide the others. */
        put(dir, "etc/vmunit.conf.d/05-bad.conf", "[Host]\nHaltPollNs=x\n");
        put(dir, "lib/vmunit.conf.d/50-dir.conf/x", "");
        _cleanup_config_ Config c = {};
        _cleanup_diag_ Diag diag = {};
        assert_int_equal(config_load(&c, &diag), -EISDIR);
        assert_int_equal(c.wrong, CONFIG_FOR_ALL);
        assert_int_equal(c.halt_poll, 10);
        assert_int_equal(diag.n_errors, 2);
        _cleanup_free_ char *first = strf("%s/etc/vmunit.conf.d/05-bad.conf:2: HaltPollNs: 'x' is not a number of nanoseconds from "
                                          "0 to 4294967295", dir);
        assert_string_equal(diag.entries[0].text, first);
        assert_non_null(strstr(diag.entries[1].text, "50-dir.conf': Is a directory"));
        unsetenv("VMUNIT_CONFIG_PATH");
        test_directory_remove(dir);
}

/* --- [QEMU] --- */

static void test_qemu(void **state) {
        /* As the guide has it in qemu.conf, and as systemd would. */
        right("[QEMU]\nvnc_listen = \"192.0.2.1\"  # where\nvnc_tls = 1     # on\nvnc_tls_x509_cert_dir = \"/etc/pki/libvirt-vnc\"   #where\n"
              "vnc_tls_x509_verify = 1\nvnc_password = \"n8VfjbFK\"\nvnc_sasl = 0\n",
              "VNCListen=192.0.2.1\nVNCTLS=yes\nVNCTLSX509CertDir=/etc/pki/libvirt-vnc\nVNCTLSX509Verify=yes\nVNCPassword=(hidden)\n");
        right("[QEMU]\nVNCListen=fe80::1%eth0\nVNCTLS=true\nVNCTLS=\nSpiceTLS=yes\nSpiceSASLDir=/x\nSpicePassword=x\nSpicePassword=\n",
              "VNCListen=fe80::1%eth0\nSpiceTLS=yes\nSpiceSASLDir=/x\n");
        right("[QEMU]\nsecurity_driver = [ \"apparmor\", \"dac\" ]\n", "SecurityDriver=apparmor\n");
        right("[QEMU]\nsecurity_driver = [ \"selinux\", \"dac\" ]\n", "SecurityDriver=selinux\n");
        right("[QEMU]\nsecurity_driver = [ \"selinux\", \"apparmor\" ]\n", "");
        right("[QEMU]\nSecurityDriver=dac\n", "SecurityDriver=none\n");
        right("[QEMU]\nsecurity_driver = \"none\"\nSecurityDriver=\n", "");
        expect("[QEMU]\nsecurity_driver = \"smack\"\n", "",
               "E f:2: SecurityDriver: 'smack' is not selinux, apparmor, dac or none, or several of them\n", CONFIG_FOR_START);
        /* What is wrong in a password is not said. */
        expect("[QEMU]\nvnc_password = \"123456789\"\n", "",
               "E f:2: VNCPassword is not a password: at least one character, and no more than 8 for VNC\n", CONFIG_FOR_START);
        expect("[QEMU]\nvnc_tls = 2\nvnc_listen = \"a b\"\nvnc_sasl_dir = \"etc\"\n", "",
               "E f:2: VNCTLS: '2' is not a yes or no (1 or 0)\n"
               "E f:3: VNCListen: 'a b' is not an address\n"
               "E f:4: VNCSASLDir: 'etc' is not an absolute path\n", CONFIG_FOR_START);
        right("[QEMU]\nuser = \"qemu\"\ngroup = \"+107\"\ncgroup_device_acl = [\n  \"/dev/null\", \"/dev/kvm\"\n]\n",
              "User=qemu\nGroup=107\nCgroupDeviceACL=/dev/null /dev/kvm\n");
        right("[Connect]\nuri_aliases = [\n\"a=qemu+ssh://a/system\",\n \"b-2=test:///default\" ]\nuri_default = \"a\"\n",
              "URIAliases=a=qemu+ssh://a/system b-2=test:///default\nURIDefault=a\n");
        right("[QEMU]\nUser=qemu\nUser=\nCgroupDeviceACL=/dev/fuse\nCgroupDeviceACL=\n", "");
        expect("[QEMU]\nuser = \"root\"\ngroup = \"+0\"\nuser = \"-x\"\nuser = \"a b\"\n", "",
               "E f:2: User: 'root' is not a name or '+' and a number, and not root's\n"
               "E f:3: Group: '+0' is not a name or '+' and a number, and not root's\n"
               "E f:4: User: '-x' is not a name or '+' and a number, and not root's\n"
               "E f:5: User: 'a b' is not a name or '+' and a number, and not root's\n", CONFIG_FOR_START);
        expect("[Connect]\nURIAliases=a.b=qemu:///system\nURIAliases=a=\nURIDefault=a b\n", "",
               "E f:2: URIAliases: 'a.b=qemu:///system' is not a list of NAME=URI, with letters, digits, '-' and '_' in NAME\n"
               "E f:3: URIAliases: 'a=' is not a list of NAME=URI, with letters, digits, '-' and '_' in NAME\n"
               "E f:4: URIDefault: 'a b' is not a connection URI\n", CONFIG_FOR_CONNECT);
        expect("[QEMU]\ncgroup_device_acl = [ \"/dev/kvm\", \"/etc/shadow\" ]\nCgroupDeviceACL=/dev/../etc/shadow\n"
               "CgroupDeviceACL=/dev/\n", "",
               "E f:2: CgroupDeviceACL: '/dev/kvm    /etc/shadow' is not a list of paths below /dev\n"
               "E f:3: CgroupDeviceACL: '/dev/../etc/shadow' is not a list of paths below /dev\n"
               "E f:4: CgroupDeviceACL: '/dev/' is not a list of paths below /dev\n", CONFIG_FOR_START);
        expect("[QEMU]\nmax_processes = 3\n", "", "W f:2: MaxProcesses has no effect: TasksMax= of the unit limits them\n", 0);
}

/* A password that everybody can read is worth a word. */
static void test_readable(void **state) {
        char *dir = test_directory_new();
        _cleanup_free_ char *etc = strf("%s/etc", dir), *file = strf("%s/etc/vmunit.conf", dir);

        put(dir, "etc/vmunit.conf", "[QEMU]\nVNCPassword=sesame\n");
        assert_int_equal(setenv("VMUNIT_CONFIG_PATH", etc, 1), 0);
        for (unsigned mode = 0644; mode; mode = mode == 0644 ? 0600 : 0) {
                _cleanup_config_ Config c = {};
                _cleanup_diag_ Diag diag = {};
                assert_int_equal(chmod(file, mode), 0);
                assert_int_equal(config_load(&c, &diag), 0);
                assert_string_equal(c.vnc.password, "sesame");
                assert_int_equal(diag.n_entries, mode == 0644);
        }
        (void) unsetenv("VMUNIT_CONFIG_PATH");
        test_directory_remove(dir);
}

/* --- the manual --- */

/* Each key has its entry, in the section of its section, with its words; and there are no others. */
static void test_manual(void **state) {
        _cleanup_free_ char *page = NULL;
        size_t n = 0;

        assert_int_equal(read_file_limited(AT_FDCWD, VMUNIT_CONF_PAGE, 1 << 20, &page, NULL), 0);
        FOREACH_ARRAY(k, config_keys, n_config_keys) {
                _cleanup_free_ char *section = strf("\n.Sh [%s] SECTION\n", k->section), *entry = strf("\n.It %s=\n", k->name);
                const char *s = strstr(page, section), *e = s ? strstr(s, entry) : NULL, *next = s ? strstr(s + 1, "\n.Sh ") : NULL;
                if (!e || !next || e > next)
                        fail_msg("vmunit.conf(5): no entry for %s= in section [%s]", k->name, k->section);
                const char *end = strstr(e + 1, "\n.It ");
                _cleanup_free_ char *text = strndup(e, (size_t) ((end && end < next ? end : next) - e));
                for (size_t i = 0; k->words && i < k->words->n_words; i++)
                        if (k->words->words[i] && !strstr(text, k->words->words[i]))
                                fail_msg("vmunit.conf(5): %s= does not tell of '%s'", k->name, k->words->words[i]);
                assert_non_null(k->doc);
        }
        for (const char *p = page; (p = strstr(p, "\n.It ")); p++)
                n += p[strcspn(p + 1, "\n")] == '=';
        assert_int_equal(n, n_config_keys);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spellings), cmocka_unit_test(test_pools), cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_wrong),     cmocka_unit_test(test_broken), cmocka_unit_test(test_files),
                cmocka_unit_test(test_manual),    cmocka_unit_test(test_qemu),
                cmocka_unit_test(test_readable),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
