/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain-xml-tables.h"
#include "string-util.h"
#include "xml-schema.h"

#define HEAD "<domain type='kvm'><name>a</name><memory>65536</memory><os><type>hvm</type></os>"

/* What reading TEXT says first; "" when it is accepted. */
static char *first_error(const char *text, size_t size) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};

        int r = domain_from_xml(text, size, &diag, &d);
        assert_int_equal(r, diag.n_errors > 0 ? -EINVAL : 0);
        assert_true((r < 0) == !d);
        return strdup(strempty(diag_first_error(&diag)));
}

static void repeat(Text *t, const char *s, unsigned n) {
        while (n-- > 0)
                text_append(t, s);
}

static void test_depth(void **state) {
        for (unsigned depth = DOMAIN_XML_DEPTH_MAX; depth <= 100000; depth = depth * 10 + 1) {
                _cleanup_text_ Text t = {};
                _cleanup_free_ char *error = NULL;
                text_append(&t, "<domain type='kvm'><metadata>");
                repeat(&t, "<a>", depth - 2);
                repeat(&t, "</a>", depth - 2);
                text_append(&t, "</metadata><name>a</name><memory>1</memory><os><type>hvm</type></os></domain>");
                error = first_error(t.data, t.length);
                assert_string_equal(error, depth <= DOMAIN_XML_DEPTH_MAX ? "" : "elements are nested deeper than 64 levels");
        }
}

static void test_many_attributes(void **state) {
        static const struct {
                unsigned n;
                const char *error;
        } cases[] = {{DOMAIN_XML_ATTRIBUTES_MAX, ""},
                     {DOMAIN_XML_ATTRIBUTES_MAX + 1, "an element has more than 256 attributes"},
                     {200000, "an element has more than 256 attributes"}};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_text_ Text t = {};
                _cleanup_free_ char *error = NULL;
                text_append(&t, "<domain type='kvm'><metadata><!-- ' <a -->");
                text_append(&t, "<a xmlns='urn:a'><![CDATA[<b \"]]><?c <d '?><b");
                for (unsigned n = 0; n < cases[i].n; n++)
                        text_appendf(&t, " a%u='=>\"='", n);
                text_append(&t, "/></a></metadata><name>a</name><memory>1</memory><os><type>hvm</type></os></domain>");
                error = first_error(t.data, t.length);
                assert_string_equal(error, cases[i].error);
        }
}

static void test_size(void **state) {
        _cleanup_text_ Text t = {};
        _cleanup_free_ char *fits = NULL, *error = NULL;

        text_append(&t, HEAD "</domain>");
        while (t.length < DOMAIN_XML_MAX)
                text_append_char(&t, ' ');
        fits = first_error(t.data, t.length);
        assert_string_equal(fits, "");
        text_append_char(&t, ' ');
        error = first_error(t.data, t.length);
        assert_string_equal(error, "the definition has 4194305 bytes, more than 4194304 are not read");
}

static void test_many_elements(void **state) {
        _cleanup_text_ Text t = {};
        _cleanup_free_ char *error = NULL;

        text_append(&t, HEAD "<devices>");
        repeat(&t, "<panic/>", DOMAIN_XML_LIST_MAX + 1000);
        text_append(&t, "</devices></domain>");
        error = first_error(t.data, t.length);
        assert_string_equal(error, "more than 1024 <panic>");
}

/* Where nobody has read the definition before: the validator's word, once, with a place. */
static void test_schema(void **state) {
        static const struct { const char *text, *message; unsigned line; } cases[] = {
                { HEAD "<devices>\n<input type='tablet' shade='x'/></devices></domain>", "schema: Invalid attribute shade for element input", 2 },
                { HEAD "\n<colour/></domain>", "schema: ", 0 },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_diag_ Diag diag = {};
                assert_int_equal(domain_check_schema(c->text, strlen(c->text), &diag), -EINVAL);
                assert_int_equal(diag.n_entries, 1);
                assert_non_null(startswith(diag.entries[0].text, c->message));
                assert_true(diag.entries[0].loc.line > 0 && (c->line == 0 || diag.entries[0].loc.line == c->line));
        }
}

/* None of these is a definition; all of them must be told from one. */
static void test_bytes(void **state) {
        static const struct {
                const char *text;
                size_t size;
        } inputs[] = {
                { HEAD "\0</domain>", sizeof(HEAD "\0</domain>") - 1 },
                { HEAD "<title>\xff</title></domain>", sizeof(HEAD "<title>\xff</title></domain>") - 1 },
                { HEAD "</domain><domain/>", sizeof(HEAD "</domain><domain/>") - 1 },
                { "\0", 1 },
                { "<", 1 },
        };
        for (size_t i = 0; i < ELEMENTSOF(inputs); i++) {
                _cleanup_free_ char *error = first_error(inputs[i].text, inputs[i].size);
                assert_non_null(startswith(error, "not well-formed XML"));
        }
}

static void test_place_behind_utf8_and_tabs(void **state) {
        static const char text[] = "\n<domain type='kvm'>\n\t<title>\xc3\xa9</title><vcpu\n  current='x'>1</vcpu></domain>";
        _cleanup_diag_ Diag diag = {};
        Domain *d;

        assert_int_equal(domain_from_xml(text, sizeof(text) - 1, &diag, &d), -EINVAL);
        assert_string_equal(diag.entries[0].text, "<vcpu> @current: 'x' is not a whole number");
        assert_int_equal(diag.entries[0].loc.line, 3);
        assert_int_equal(diag.entries[0].loc.column, 19); /* in bytes */
}

/* Offsets mean nothing once the input was converted; lines still do. */
static void test_place_in_other_encodings(void **state) {
        static const char text[] = "<?xml version='1.0' encoding='ISO-8859-1'?>\n<domain type='kvm'>\n  <title>\xe9</title>\n"
                                   "  <vcpu>x</vcpu>\n</domain>";
        _cleanup_diag_ Diag diag = {};
        Domain *d;

        assert_int_equal(domain_from_xml(text, sizeof(text) - 1, &diag, &d), -EINVAL);
        assert_string_equal(diag.entries[0].text, "<vcpu>: 'x' is not a whole number");
        assert_int_equal(diag.entries[0].loc.line, 4);
}

/* Every byte of TEXT as the lower half of a character of two bytes. */
static void append_utf16(Text *t, const char *text, size_t size) {
        text_append_n(t, "\xff\xfe", 2);
        for (size_t i = 0; i < size; i++)
                text_append_n(t, (const char[]) { text[i], 0 }, 2);
}

/* The limits are kept by looking at bytes, so nobody may hide "<" and "=" in another encoding. */
static void test_encodings(void **state) {
        static const struct {
                const char *name, *error;
        } declared[] = {
                { "UTF-16", "the encoding 'UTF-16' is not supported: UTF-8, US-ASCII and ISO-8859-1 are" },
                { "utf-7", "the encoding 'utf-7' is not supported: UTF-8, US-ASCII and ISO-8859-1 are" },
                { "KOI8-R", "the encoding 'KOI8-R' is not supported: UTF-8, US-ASCII and ISO-8859-1 are" },
                { "\xff", "the encoding '' is not supported: UTF-8, US-ASCII and ISO-8859-1 are" },
                { "utf-8", "<domain>: attribute @type is missing" },
                { "us-ascii", "<domain>: attribute @type is missing" },
                { "iso-8859-1", "<domain>: attribute @type is missing" },
        };
        static const char other[] = "not well-formed XML: it is not text in UTF-8, US-ASCII or ISO-8859-1";
        _cleanup_free_ char *wide_error = NULL, *ebcdic_error = NULL;
        _cleanup_text_ Text many = {}, wide = {};

        FOREACH_ARRAY(d, declared, ELEMENTSOF(declared)) {
                _cleanup_free_ char *text = strf("\xef\xbb\xbf<?xml version='1.0' encoding='%s'?>\n<domain/>", d->name), *error = NULL;
                assert_non_null(text);
                error = first_error(text, strlen(text));
                assert_string_equal(error, d->error);
        }
        text_append(&many, "<domain type='kvm'");
        for (unsigned i = 0; i < 2 * DOMAIN_XML_ATTRIBUTES_MAX; i++)
                text_appendf(&many, " a%u='1'", i);
        text_append(&many, "/>");
        append_utf16(&wide, many.data, many.length);
        wide_error = first_error(wide.data, wide.length);
        assert_string_equal(wide_error, other);
        ebcdic_error = first_error("\x4c\x6f\xa7\x94\x93", 5);
        assert_string_equal(ebcdic_error, other);
}

/* A declaration that is hidden from the one who looks for it is hidden from libxml2 too. */
static void test_hidden_encoding(void **state) {
        _cleanup_free_ char *error = NULL;
        static const char text[] = "<?xml version='1.0' standalone='encoding=\"UTF-8\"' encoding='UTF-7'?><domain>+ADw-</domain>";

        error = first_error(text, sizeof(text) - 1);
        assert_non_null(error);
        assert_null(strstr(error, "UTF-7"));
}

static void test_metadata_in_other_encodings(void **state) {
        static const char text[] = "<?xml version='1.0' encoding='ISO-8859-1'?>\n<domain type='kvm'><name>a</name>\n"
                                   "<metadata><n:a xmlns:n='urn:n' b='\xe9'>\xe9</n:a></metadata><memory>1</memory>"
                                   "<os><type>hvm</type></os></domain>";
        _cleanup_(domain_freep) Domain *d = NULL;

        assert_int_equal(domain_from_xml(text, sizeof(text) - 1, NULL, &d), 0);
        assert_non_null(strstr(d->metadata, "b=\"\xc3\xa9\">\xc3\xa9<"));
}

static Domain *read_domain(const char *text) {
        _cleanup_diag_ Diag diag = {};
        Domain *d = NULL;

        assert_int_equal(domain_from_xml(text, strlen(text), &diag, &d), 0);
        assert_int_equal(diag.n_entries, 0);
        return d;
}

static void test_places_in_the_model(void **state) {
        _cleanup_(domain_freep) Domain *d = read_domain("<domain type='kvm'>\n<name>a</name>\n <memory>65536</memory>\n"
                "<os><type>hvm</type></os><cpu/>\n<devices>\n <disk>\n<target dev='vda'/>\n   <address type='pci'/></disk></devices></domain>");

        assert_int_equal(d->loc.line, 1);
        assert_int_equal(d->name_loc.line, 2);
        assert_int_equal(d->memory_loc.line, 3);
        assert_int_equal(d->memory_loc.column, 2);
        assert_int_equal(d->os.loc.line, 4);
        assert_int_equal(d->cpu.loc.column, 26);
        assert_int_equal(d->clock.loc.line, 0);
        assert_int_equal(d->disks[0].info.loc.line, 6);
        assert_int_equal(d->disks[0].info.address.loc.line, 8);
        assert_int_equal(d->disks[0].info.address.loc.column, 4);
}

static void test_secrets_and_ids(void **state) {
        _cleanup_(domain_freep) Domain *d = read_domain("<domain type='kvm' id='7'><name>a</name><memory>65536</memory><os><type>hvm</type></os>"
                "<devices><graphics type='vnc' passwd='n8VfjbFK'/></devices></domain>");
        _cleanup_free_ char *open = NULL, *secure = NULL, *inactive = NULL;

        assert_false(d->id.set); /* belongs to a run that is over */
        d->id = OPT_UINT(3);
        assert_int_equal(domain_to_xml(d, 0, &open), 0);
        assert_int_equal(domain_to_xml(d, DOMAIN_XML_SECURE, &secure), 0);
        assert_int_equal(domain_to_xml(d, DOMAIN_XML_INACTIVE, &inactive), 0);
        assert_null(strstr(open, "n8VfjbFK"));
        assert_non_null(strstr(secure, "passwd='n8VfjbFK'"));
        assert_non_null(strstr(open, "<domain type='kvm' id='3'>"));
        assert_non_null(strstr(inactive, "<domain type='kvm'>"));
}

typedef struct Walk {
        unsigned n_rows, n_supported, n_unsupported, n_ignored;
} Walk;

static void check_row(const char *path, const XmlRow *row, void *userdata) {
        Walk *w = userdata;
        bool known = row->kind == XML_KNOWN_ATTRIBUTE || row->kind == XML_KNOWN_CHILD;

        w->n_rows++;
        if (row->flags & XML_UNSUPPORTED)
                w->n_unsupported++;
        else if (row->flags & XML_IGNORED)
                w->n_ignored++;
        else
                w->n_supported++;
        /* Every row has its line for the manual, and is complete for its kind. */
        if (isempty(row->doc) || strlen(row->doc) > 80 || strchr(row->doc, '\n'))
                fail_msg("%s: documentation is '%s'", path, strempty(row->doc));
        if (known != !!(row->flags & (XML_UNSUPPORTED | XML_IGNORED)))
                fail_msg("%s: neither supported nor refused nor ignored", path);
        if ((row->kind == XML_ATTRIBUTE || row->kind == XML_CONTENT || row->kind == XML_TEXT_CHILD) && !row->type)
                fail_msg("%s: has no type", path);
        if (row->type == &xml_enum && !row->words)
                fail_msg("%s: has no words", path);
        if (row->kind == XML_CUSTOM && (!row->parse || !row->format))
                fail_msg("%s: has no functions", path);
        if ((row->kind == XML_CHILD || row->kind == XML_LIST) && !row->table)
                fail_msg("%s: has no table", path);
}

static void test_tables(void **state) {
        Walk w = {};

        xml_table_walk(&domain_xml, "domain", check_row, &w);
        print_message("%u rows: %u supported, %u unsupported, %u ignored\n", w.n_rows, w.n_supported, w.n_unsupported, w.n_ignored);
        assert_true(w.n_supported > 250);
        assert_true(w.n_unsupported > 150);
        assert_int_equal(w.n_supported + w.n_unsupported + w.n_ignored, w.n_rows);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_depth), cmocka_unit_test(test_many_attributes),
                cmocka_unit_test(test_size), cmocka_unit_test(test_many_elements),
                cmocka_unit_test(test_bytes), cmocka_unit_test(test_place_behind_utf8_and_tabs),
                cmocka_unit_test(test_place_in_other_encodings), cmocka_unit_test(test_encodings),
                cmocka_unit_test(test_hidden_encoding), cmocka_unit_test(test_metadata_in_other_encodings), cmocka_unit_test(test_places_in_the_model),
                cmocka_unit_test(test_schema), cmocka_unit_test(test_secrets_and_ids), cmocka_unit_test(test_tables),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
