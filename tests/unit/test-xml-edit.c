/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "domain-xml.h"
#include "file-util.h"
#include "string-util.h"
#include "xml-edit.h"

/* Texts and what becomes of them. Each has to be the whole of the result: nothing else may change. */

typedef struct Case {
        const char *text;
        XmlEdit edit;
        const char *expected; /* NULL: the text itself */
        int result;
} Case;

#define SET(path_, value_) { .path = path_, .value = value_ }
#define ATTR(path_, attribute_, value_) { .path = path_, .attribute = attribute_, .value = value_ }
#define REMOVE(path_) { .path = path_ }
#define ELEMENT(path_, element_) { .path = path_, .element = element_ }

static const Case cases[] = {
        /* values */
        { "<domain><memory unit='KiB'>1</memory></domain>", SET("memory", "2"),
          "<domain><memory unit='KiB'>2</memory></domain>" },
        { "<domain>\n<memory> 1 </memory></domain>", SET("memory", "1"), NULL },
        { "<domain>\n<memory>\n 1\n</memory></domain>", SET("memory", "3"), "<domain>\n<memory>3</memory></domain>" },
        { "<domain><title/></domain>", SET("title", "a<b>&\"c'"), "<domain><title>a&lt;b&gt;&amp;\"c'</title></domain>" },
        { "<domain><title />\n</domain>", SET("title", "x"), "<domain><title>x</title>\n</domain>" },
        { "<domain><a/><title></title></domain>", SET("title", "x"), "<domain><a/><title>x</title></domain>" },
        { "<domain><memory><!-- much --> 1 <!-- little --></memory></domain>", SET("memory", "2"),
          "<domain><memory><!-- much --> 2 <!-- little --></memory></domain>" },
        { "<domain><memory>1<![CDATA[0]]><?p i?></memory></domain>", SET("memory", "2"),
          "<domain><memory>2<?p i?></memory></domain>" },
        { "<domain><memory><!--1--></memory></domain>", SET("memory", "2"),
          "<domain><memory>2<!--1--></memory></domain>" },
        { "<domain type='kvm' ><memory unit = \"KiB\" >1</memory></domain>", ATTR("memory", "unit", "a\"b'c\n"),
          "<domain type='kvm' ><memory unit = \"a&quot;b'c&#10;\" >1</memory></domain>" },
        { "<domain type=\"kvm\"><vcpu>1</vcpu></domain>", ATTR("vcpu", "current", "1"),
          "<domain type=\"kvm\"><vcpu current=\"1\">1</vcpu></domain>" },
        { "<domain><vcpu a='>' b=\"'/>\"/></domain>", ATTR("vcpu", "c", "1"),
          "<domain><vcpu a='>' b=\"'/>\" c=\"1\"/></domain>" },
        { "<domain type='kvm'><vcpu/></domain>", ATTR("", "type", "qemu"), "<domain type='qemu'><vcpu/></domain>" },
        { "<domain><vcpu current='&#49;'/></domain>", ATTR("vcpu", "current", "1"), NULL },

        /* what only looks like it */
        { "<domain>\n  <!-- <cputune><shares>1</shares></cputune> -->\n  <cputune>\n    <shares>5</shares>\n  </cputune>\n</domain>",
          SET("cputune/shares", "6"),
          "<domain>\n  <!-- <cputune><shares>1</shares></cputune> -->\n  <cputune>\n    <shares>6</shares>\n  </cputune>\n</domain>" },
        { "<domain><description><![CDATA[<memory>1</memory>]]></description><memory>1</memory></domain>", SET("memory", "2"),
          "<domain><description><![CDATA[<memory>1</memory>]]></description><memory>2</memory></domain>" },
        { "<domain><metadata><memory>1</memory></metadata><memory>1</memory></domain>", SET("memory", "2"),
          "<domain><metadata><memory>1</memory></metadata><memory>2</memory></domain>" },
        { "<domain><x:memory xmlns:x='u:x'>1</x:memory><memory xmlns='u:x'>1</memory><memory>1</memory></domain>", SET("memory", "2"),
          "<domain><x:memory xmlns:x='u:x'>1</x:memory><memory xmlns='u:x'>1</memory><memory>2</memory></domain>" },
        { "<domain><metadata><x xmlns='u:x'><memory/></x></metadata></domain>", SET("metadata/x/memory", "2"),
          "<domain><metadata><x xmlns='u:x'><memory/></x><x><memory>2</memory></x></metadata></domain>" },
        { "<domain><?x <memory>1</memory>?><memory>1</memory></domain>", SET("memory", "2"),
          "<domain><?x <memory>1</memory>?><memory>2</memory></domain>" },

        /* new elements */
        { "<domain>\n  <name>a</name>\n  <vcpu>1</vcpu>\n  <os/>\n</domain>\n", SET("cputune/shares", "7"),
          "<domain>\n  <name>a</name>\n  <vcpu>1</vcpu>\n  <cputune>\n    <shares>7</shares>\n  </cputune>\n  <os/>\n</domain>\n" },
        { "<domain>\r\n\t<name>a</name>\r\n\t<os/>\r\n</domain>\r\n", SET("cputune/shares", "7"),
          "<domain>\r\n\t<name>a</name>\r\n\t<cputune>\r\n\t\t<shares>7</shares>\r\n\t</cputune>\r\n\t<os/>\r\n</domain>\r\n" },
        { "<domain><name>a</name><os/></domain>", SET("cputune/shares", "7"),
          "<domain><name>a</name><cputune><shares>7</shares></cputune><os/></domain>" },
        { "<domain>\n  <cputune/>\n</domain>", SET("cputune/shares", "7"),
          "<domain>\n  <cputune>\n    <shares>7</shares>\n  </cputune>\n</domain>" },
        { "<domain>\n  <cputune>\n  </cputune>\n</domain>", SET("cputune/shares", "7"),
          "<domain>\n  <cputune>\n    <shares>7</shares>\n  </cputune>\n</domain>" },
        { "<domain>\n  <cputune>\n    <!-- nothing yet -->\n  </cputune>\n</domain>", SET("cputune/shares", "7"),
          "<domain>\n  <cputune>\n    <!-- nothing yet -->\n    <shares>7</shares>\n  </cputune>\n</domain>" },
        { "<domain>\n  <cputune><quota>1</quota></cputune>\n</domain>", SET("cputune/shares", "7"),
          "<domain>\n  <cputune><shares>7</shares><quota>1</quota></cputune>\n</domain>" },
        { "<domain>\n  <cputune> <!-- mine -->\n    <!-- of the quota -->\n    <quota>1</quota>\n  </cputune>\n</domain>", SET("cputune/shares", "7"),
          "<domain>\n  <cputune> <!-- mine -->\n    <shares>7</shares>\n    <!-- of the quota -->\n    <quota>1</quota>\n  </cputune>\n</domain>" },
        { "<domain>\n  <cputune>\n    <shares>1</shares> <!-- web first -->\n    <quota>1</quota>\n  </cputune>\n</domain>", SET("cputune/period", "7"),
          "<domain>\n  <cputune>\n    <shares>1</shares> <!-- web first -->\n    <period>7</period>\n    <quota>1</quota>\n  </cputune>\n</domain>" },
        { "<domain>\n  <cputune>\n    <vcpupin vcpu='0' cpuset='0'/>\n    <emulatorpin cpuset='1'/>\n  </cputune>\n</domain>",
          ATTR("cputune/vcpupin[@vcpu='2']", "cpuset", "3"),
          "<domain>\n  <cputune>\n    <vcpupin vcpu='0' cpuset='0'/>\n    <vcpupin vcpu='2' cpuset='3'/>\n    <emulatorpin cpuset='1'/>\n  </cputune>\n</domain>" },
        { "<domain><cputune><vcpupin vcpu=' 02 ' cpuset='0'/></cputune></domain>", ATTR("cputune/vcpupin[@vcpu='2']", "cpuset", "3"),
          "<domain><cputune><vcpupin vcpu=' 02 ' cpuset='3'/></cputune></domain>" },
        { "<domain>\n  <os/>\n</domain>", SET("blkiotune/device[path='/dev/it''s']/weight", "5"),
          "<domain>\n  <blkiotune>\n    <device>\n      <path>/dev/it's</path>\n      <weight>5</weight>\n    </device>\n  </blkiotune>\n  <os/>\n</domain>" },
        { "<domain>\n  <devices>\n    <disk><target dev='vda'/></disk>\n    <disk>\n      <target dev='vdb'/>\n    </disk>\n  </devices>\n</domain>",
          SET("devices/disk[target/@dev='vdb']/iotune/total_bytes_sec", "5"),
          "<domain>\n  <devices>\n    <disk><target dev='vda'/></disk>\n    <disk>\n      <target dev='vdb'/>\n      <iotune>\n        <total_bytes_sec>5</total_bytes_sec>\n      </iotune>\n    </disk>\n  </devices>\n</domain>" },
        { "<domain><devices><disk><target dev='vda'/></disk></devices></domain>", SET("devices/disk[target/@dev='vdc']/serial", "5"), NULL, -ENOENT },
        { "<domain><devices><disk/><disk/></devices></domain>", ATTR("devices/disk[2]", "type", "file"), "<domain><devices><disk/><disk type='file'/></devices></domain>" },
        { "<domain><devices><disk/></devices></domain>", ATTR("devices/disk[2]", "type", "file"), NULL, -ENOENT },
        { "<domain>\n  <cputune/>\n</domain>", ELEMENT("cputune", "<vcpupin vcpu='1' cpuset='2'/>\n"),
          "<domain>\n  <cputune>\n    <vcpupin vcpu='1' cpuset='2'/>\n  </cputune>\n</domain>" },
        { "<domain>\n    <devices>\n        <disk/>\n        <input/>\n    </devices>\n</domain>", ELEMENT("devices", "<disk type='file'>\n  <source file='/a'/>\n</disk>"),
          "<domain>\n    <devices>\n        <disk/>\n        <disk type='file'>\n            <source file='/a'/>\n        </disk>\n        <input/>\n    </devices>\n</domain>" },
        { "<domain>\n  <numatune>\n    <memory mode='strict'/>\n  </numatune>\n</domain>",
          { .path = "numatune/memory", .element = "<memory nodeset='1'/>", .replace = true },
          "<domain>\n  <numatune>\n    <memory nodeset='1'/>\n  </numatune>\n</domain>" },
        { "<domain/>", { .path = "numatune/memory", .element = "<memory nodeset='1'/>", .replace = true }, NULL, -ENOENT },
        { "<domain/>", ELEMENT("", "<a/><b/>"), NULL, -EINVAL },
        { "<domain/>", ELEMENT("", "a"), NULL, -EINVAL },

        /* removal */
        { "<domain>\n  <cputune>\n    <shares>1</shares>\n    <quota>1</quota>\n  </cputune>\n</domain>", REMOVE("cputune/shares"),
          "<domain>\n  <cputune>\n    <quota>1</quota>\n  </cputune>\n</domain>" },
        { "<domain>\n  <vcpu/>\n  <cputune>\n    <shares>1</shares>\n  </cputune>\n</domain>", REMOVE("cputune/shares"), "<domain>\n  <vcpu/>\n</domain>" },
        { "<domain>\n  <cputune>\n    <!-- keep -->\n    <shares>1</shares> <!-- this -->\n  </cputune>\n</domain>", REMOVE("cputune/shares"),
          "<domain>\n  <cputune>\n    <!-- keep -->\n     <!-- this -->\n  </cputune>\n</domain>" },
        { "<domain><cputune><vcpupin vcpu='1'/><vcpupin vcpu='2'/></cputune><os/></domain>", REMOVE("cputune/vcpupin"), "<domain><os/></domain>" },
        { "<domain><cputune><vcpupin vcpu='1'/><vcpupin vcpu='2'/></cputune><os/></domain>", REMOVE("cputune/vcpupin[@vcpu='1']"),
          "<domain><cputune><vcpupin vcpu='2'/></cputune><os/></domain>" },
        { "<domain><devices><disk/></devices></domain>", REMOVE("devices/disk"), "<domain><devices></devices></domain>" },
        { "<domain><os/></domain>", REMOVE("cputune/shares"), NULL },
        { "<domain><vcpu cpuset='1'  current='2'>2</vcpu></domain>", ATTR("vcpu", "current", NULL), "<domain><vcpu cpuset='1'>2</vcpu></domain>" },
        { "<domain><a/><b><poll max='1'/></b></domain>", ATTR("b/poll", "max", NULL), "<domain><a/></domain>" },
        { "<domain><a/></domain>", ATTR("b/poll", "max", NULL), NULL },
        { "<domain/>", REMOVE(""), NULL, -EINVAL },

        /* what is not understood */
        { "<domain><a>x</a></domain>", SET("a/b", "1"), NULL, -EINVAL },
        { "<domain><a><b/></a></domain>", SET("a", "1"), NULL, -EINVAL },
        { "<domain><a></domain>", SET("a", "1"), NULL, -EINVAL },
        { "<domain><a></b></domain>", SET("a", "1"), NULL, -EINVAL },
        { "<domain a=1/>", SET("a", "1"), NULL, -EINVAL },
        { "<domain a='1'b='2'/>", SET("a", "1"), NULL, -EINVAL },
        { "<domain a='<'/>", SET("a", "1"), NULL, -EINVAL },
        { "<domain>", SET("a", "1"), NULL, -EINVAL },
        { "</domain>", SET("a", "1"), NULL, -EINVAL },
        { "<domain/><domain/>", SET("a", "1"), NULL, -EINVAL },
        { "<network/>", SET("a", "1"), NULL, -EINVAL },
        { "<domain><!-- </domain>", SET("a", "1"), NULL, -EINVAL },
        { "<!DOCTYPE domain><domain/>", SET("a", "1"), NULL, -EINVAL },
        { "", SET("a", "1"), NULL, -EINVAL },
        { "<domain/>", SET("a", "\1"), NULL, -EINVAL },
        { "<domain/>", SET("a[", "1"), NULL, -EINVAL },
        { "<domain/>", SET("a/", "1"), NULL, -EINVAL },
        { "<domain/>", SET("/a", "1"), NULL, -EINVAL },
        { "<domain/>", SET("a[0]", "1"), NULL, -EINVAL },
        { "<domain/>", SET("a[@b='c]", "1"), NULL, -EINVAL },
        { "<domain/>", SET("a[@b]", "1"), NULL, -EINVAL },
        { "<?xml version='1.0' encoding='UTF-8'?>\n<domain>\n</domain>\n", SET("vcpu", "1"),
          "<?xml version='1.0' encoding='UTF-8'?>\n<domain>\n  <vcpu>1</vcpu>\n</domain>\n" },
        { "<?xml version='1.0' encoding='ISO-8859-1'?><domain/>", SET("a", "1"), NULL, -EOPNOTSUPP },
        { "\xff\xfe<domain/>", SET("a", "1"), NULL, -EOPNOTSUPP },
        { "\xef\xbb\xbf<domain/>", SET("vcpu", "1"), "\xef\xbb\xbf<domain><vcpu>1</vcpu></domain>" },
};

static void test_cases(void **state) {
        unsigned failed = 0;

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_diag_ Diag diag = {};
                _cleanup_free_ char *result = NULL;
                size_t size = 0;

                int r = xml_edit_apply(c->text, strlen(c->text), &c->edit, 1, &diag, &result, &size);
                if (r != c->result || (r < 0) != (diag.n_errors > 0) ||
                    (r >= 0 && (!streq(result, c->expected ?: c->text) || strlen(result) != size))) {
                        print_error("%s: %s=%s\n  got %d %s\n", c->text, c->edit.path, strempty(c->edit.value), r, strempty(result));
                        failed++;
                }
        }
        assert_int_equal(failed, 0);
}

/* --- all definitions there are --- */

typedef struct Property {
        XmlEdit edit;
        void (*set)(Domain *d); /* what the model becomes */
} Property;

static void set_shares(Domain *d) { d->cputune.shares = OPT_U64(4711); }
static void set_weight(Domain *d) { d->blkiotune.weight = OPT_UINT(321); }
static void set_limit(Domain *d) { d->memtune.hard_limit = OPT_U64(UINT64_C(123) * 1024); }
static void set_title(Domain *d) { assert_true(free_and_strdup(&d->title, "a <b> & 'c' \"d\"") >= 0); }
static void unset_shares(Domain *d) { d->cputune.shares = (OptU64) {}; }

static const Property properties[] = {
        { SET("cputune/shares", "4711"), set_shares },
        { SET("blkiotune/weight", "321"), set_weight },
        { SET("title", "a <b> & 'c' \"d\""), set_title },
        { { .path = "memtune", .element = "<hard_limit unit='KiB'>123</hard_limit>" }, set_limit },
        { REMOVE("cputune/shares"), unset_shares },
};

static char *as_xml(Domain *d) {
        char *xml;

        assert_int_equal(domain_to_xml(d, DOMAIN_XML_SECURE | DOMAIN_XML_INACTIVE, &xml), 0);
        return xml;
}

/* The model has the new value, the rest of it is equal; doing it again changes nothing. True: it was tried. */
static bool check_property(const char *file, const char *text, size_t size, const Property *p) {
        _cleanup_(domain_freep) Domain *before = NULL, *after = NULL;
        _cleanup_free_ char *result = NULL, *again = NULL, *wanted = NULL, *got = NULL;
        _cleanup_diag_ Diag diag = {};
        size_t result_size, again_size;

        if (domain_from_xml(text, size, NULL, &before) < 0 || (p->edit.element && before->memtune.hard_limit.set))
                return false;
        int r = xml_edit_apply(text, size, &p->edit, 1, &diag, &result, &result_size);
        if (r == -EOPNOTSUPP)
                return false;
        if (r < 0)
                print_error("%s: %s: %s\n", file, p->edit.path, diag_first_error(&diag));
        assert_int_equal(r, 0);
        if (domain_from_xml(result, result_size, &diag, &after) < 0) {
                print_error("%s: %s: %s\n%s", file, p->edit.path, diag_first_error(&diag), result);
                fail();
        }
        p->set(before);
        wanted = as_xml(before);
        got = as_xml(after);
        assert_string_equal(got, wanted);
        if (!p->edit.element) {
                assert_int_equal(xml_edit_apply(result, result_size, &p->edit, 1, NULL, &again, &again_size), 0);
                assert_string_equal(again, result);
        }
        return true;
}

static void test_properties(void **state) {
        static const char *const folders[] = { "domain", "definitions" };
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                _cleanup_free_ char *path = strf("%s/%s", VMUNIT_GOLDEN, folders[i]);
                DIR *dir = opendir(path);

                assert_non_null(dir);
                for (struct dirent *e; (e = readdir(dir));) {
                        _cleanup_free_ char *text = NULL;
                        size_t size;

                        if (!endswith(e->d_name, ".xml") ||
                            read_file_limited(dirfd(dir), e->d_name, DOMAIN_XML_MAX, &text, &size) < 0)
                                continue;
                        FOREACH_ARRAY(p, properties, ELEMENTSOF(properties))
                                n += check_property(e->d_name, text, size, p);
                }
                closedir(dir);
        }
        assert_true(n > 2000);
}

static void test_lists(void **state) {
        _cleanup_xml_edits_ XmlEdits e = {};
        _cleanup_free_ char *result = NULL, *quoted = xml_path_quote("it's");
        static const char text[] = "<domain/>";

        assert_string_equal(quoted, "'it''s'");
        assert_int_equal(xml_edits_u64(&e, UINT64_MAX, "cputune/%s", "shares"), 0);
        assert_int_equal(xml_edits_attribute(&e, "cpuset", "1-2", "cputune/vcpupin[@vcpu='%u']", 1U), 0);
        assert_int_equal(xml_edits_text(&e, "x", "blkiotune/device[path=%s]/weight", quoted), 0);
        assert_int_equal(xml_edits_element(&e, "<a/>", "devices"), 0);
        assert_int_equal(xml_edits_remove(&e, "cputune/shares"), 0);
        assert_int_equal(xml_edit_apply(text, strlen(text), e.items, e.n_items, NULL, &result, NULL), 0);
        assert_string_equal(result, "<domain><blkiotune><device><path>it's</path><weight>x</weight></device></blkiotune>"
                                    "<cputune><vcpupin vcpu='1' cpuset='1-2'/></cputune><devices><a/></devices></domain>");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_properties),
                cmocka_unit_test(test_lists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
