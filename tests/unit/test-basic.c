/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>


#include "base64.h"
#include "command-split.h"
#include "diag.h"
#include "notify-text.h"
#include "number-set.h"
#include "parse-util.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"
#include "text-diff.h"
#include "text.h"

static void test_strings(void **state) {
        _cleanup_free_ char *copy = NULL;

        assert_string_equal(startswith("vda", "vd"), "a");
        assert_null(startswith("v", "vd"));
        assert_true(endswith("web.xml", ".xml"));
        assert_false(endswith("xml", ".xml"));
        assert_true(in_charset("", "a"));
        assert_false(in_charset("ab", "a"));
        assert_int_equal(free_and_strdup(&copy, "one"), 0);
        assert_int_equal(free_and_strdup(&copy, "two"), 0);
        assert_string_equal(copy, "two");
        assert_int_equal(free_and_strdup(&copy, NULL), 0);
        assert_null(copy);
        assert_true(streq_ptr(NULL, NULL));
        assert_false(streq_ptr("a", NULL));
}

static void test_utf8(void **state) {
        assert_true(utf8_is_printable("web-1 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7"));
        assert_false(utf8_is_printable("a\nb"));
        assert_false(utf8_is_printable("\x7f"));
        assert_false(utf8_is_printable("\xc2\x85"));         /* a control character of Latin-1 */
        assert_false(utf8_is_printable("\xc0\xaf"));         /* overlong "/" */
        assert_false(utf8_is_printable("\xed\xa0\x80"));     /* surrogate */
        assert_false(utf8_is_printable("\xf4\x90\x80\x80")); /* beyond Unicode */
        assert_false(utf8_is_printable("\xe2\x82"));         /* cut off */
}

static void test_blank_controls(void **state) {
        char text[] = "a\n\x1b[1m\x7f \xc2\x9b" "2J \xc2\xa0\xc3\x9b \xc2";

        string_blank_controls(text);
        assert_string_equal(text, "a  [1m    2J \xc2\xa0\xc3\x9b \xc2");
}

static void test_text(void **state) {
        _cleanup_text_ Text t = {};
        _cleanup_free_ char *s = NULL, *empty = NULL;

        for (unsigned i = 0; i < 1000; i++)
                text_appendf(&t, "%u,", i);
        text_append_char(&t, '.');
        assert_int_equal(text_finish(&t, &s), 0);
        assert_int_equal(strlen(s), 10 * 2 + 90 * 3 + 900 * 4 + 1);
        assert_true(endswith(s, "998,999,."));
        assert_int_equal(text_finish(&t, &empty), 0);
        assert_string_equal(empty, "");
}

static void test_base64(void **state) {
        static const char *const pairs[][2] = {
                { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe\xfb", "//77" },
        };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                _cleanup_free_ char *text = base64_encode(pairs[i][0], strlen(pairs[i][0]));
                assert_string_equal(text, pairs[i][1]);
        }
        _cleanup_free_ char *zeroes = base64_encode("\0\0\0\0", 4);
        assert_string_equal(zeroes, "AAAAAA==");
}

/* The commands of TEXT: words between "|", commands between "||", and what is wrong. */
static char *split(const char *text) {
        _cleanup_split_line_ SplitLine line = {};
        _cleanup_text_ Text t = {};
        char *result;

        int r = command_split(text, &line);
        assert_int_equal(r < 0, line.error != NULL);
        FOREACH_ARRAY(c, line.commands, line.n_commands) {
                text_append(&t, c == line.commands ? "" : "||");
                STRV_FOREACH(w, c->words) {
                        text_append(&t, w == c->words ? "" : "|");
                        text_append(&t, *w);
                }
        }
        if (line.error)
                text_appendf(&t, " (%s)", line.error);
        assert_int_equal(text_finish(&t, &result), 0);
        return result;
}

static void test_command_split(void **state) {
        /* As virsh 9.0 splits them. */
        static const char *const cases[][2] = {
                { "", "" },
                { " ; ;\n", "" },
                { "echo a;pwd", "echo|a||pwd" },
                { "echo 'a;b' \"c;d\" e\\;f", "echo|a;b|c;d|e;f" },
                { "echo \"a'b\" 'a\"b' 'a\\b' \"a\\b\" a\"b\"'c'", "echo|a'b|a\"b|a\\b|ab|abc" },
                { "echo '' \"\"", "echo||" },
                { "# c; echo x\necho y", "echo|y" },
                { "echo a # b; c\necho d", "echo|a||echo|d" },
                { "echo a#b '#c' \\#d", "echo|a#b|#c|#d" },
                { "echo a\\\nb \\\n c \"d\\\ne\" 'f\\\ng'", "echo|ab|c|de|f\\\ng" },
                { "echo 'a b", "echo|a b" },
                { "pwd; echo \"a b", "pwd||echo|a b (missing \")" },
                { "echo a\\", "echo|a (dangling \\)" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *got = split(cases[i][0]);
                assert_string_equal(got, cases[i][1]);
        }
        SplitLine line;
        _cleanup_free_ char *many = calloc(1, 2 * COMMAND_WORDS_MAX + 3);
        assert_non_null(many);
        memset(many, ' ', 2 * COMMAND_WORDS_MAX + 2);
        for (unsigned i = 0; i <= COMMAND_WORDS_MAX; i++)
                many[2 * i] = 'a';
        assert_int_equal(command_split(many, &line), -E2BIG);
        many[2 * COMMAND_WORDS_MAX] = ' ';
        assert_int_equal(command_split(many, &line), 0);
        split_line_done(&line);
}

static void test_text_shell(void **state) {
        static const char *const cases[][2] = {
                { "", "''" }, { "web", "web" }, { "a=b,c:/d%e", "a=b,c:/d%e" }, { "a b", "'a b'" }, { "it's", "'it'\\''s'" },
                { "$x", "'$x'" }, { "a\nb", "'a\nb'" }, { "~", "'~'" }, { "a;b", "'a;b'" }, { "\\", "'\\'" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_text_ Text t = {};
                _cleanup_free_ char *got = NULL;
                text_append_shell(&t, cases[i][0]);
                assert_int_equal(text_finish(&t, &got), 0);
                assert_string_equal(got, cases[i][1]);
        }
}

static void test_strv(void **state) {
        _cleanup_strv_ char **l = NULL;
        _cleanup_free_ char *joined = NULL;

        assert_int_equal(strv_split(" b  a c ", " ", &l), 0);
        assert_int_equal(strv_length(l), 3);
        assert_int_equal(strv_extendf(&l, "%s%d", "d", 1), 0);
        strv_sort(l);
        joined = strv_join(l, ",");
        assert_string_equal(joined, "a,b,c,d1");
        assert_true(strv_contains(l, "d1"));
        assert_false(strv_contains(NULL, "d1"));
        assert_true(strv_equal(l, l));
        assert_false(strv_equal(l, l + 1));
        assert_false(strv_equal(l, NULL));
        assert_true(strv_equal(NULL, (char *[]) { NULL }));
        assert_false(strv_equal((char *[]) { (char *) "a", NULL }, (char *[]) { (char *) "b", NULL }));
}

/* Room is made in steps. */
static void test_strv_split_long(void **state) {
        for (unsigned n = 0; n < 70; n++) {
                _cleanup_strv_ char **words = NULL, **lines = NULL;
                char text[141] = {};
                for (unsigned i = 0; i < n; i++)
                        memcpy(text + (size_t) 2 * i, "a\n", 2);
                assert_int_equal(strv_split(text, "\n", &words), 0);
                assert_int_equal(strv_length(words), n);
                assert_int_equal(strv_split_lines(text, &lines), 0);
                assert_int_equal(strv_length(lines), n);
                assert_int_equal(strv_extend(&words, "b"), 0);
                assert_string_equal(words[n], "b");
        }
}

static void test_numbers(void **state) {
        uint64_t v = 7;
        unsigned u = 7;
        int i = 7;

        assert_int_equal(parse_u64("18446744073709551615", 10, &v), 0);
        assert_true(v == UINT64_MAX);
        assert_int_equal(parse_u64("18446744073709551616", 10, &v), -ERANGE);
        static const char *const wrong[] = { "", " 1", "1 ", "+1", "-1", "1.5", "0x1", "1k" };
        for (size_t k = 0; k < ELEMENTSOF(wrong); k++)
                assert_int_equal(parse_uint(wrong[k], &u), -EINVAL);
        assert_int_equal(u, 7);
        assert_int_equal(parse_uint("4294967295", &u), 0);
        assert_int_equal(parse_uint("4294967296", &u), -ERANGE);
        assert_int_equal(parse_int("-2147483648", &i), 0);
        assert_int_equal(i, -2147483647 - 1);
        assert_int_equal(parse_int("-2147483649", &i), -ERANGE);
        assert_int_equal(parse_int("2147483648", &i), -ERANGE);
        assert_int_equal(parse_uint_base("0x1f", 0, &u), 0);
        assert_int_equal(u, 31);
        assert_int_equal(parse_uint_base("31", 0, &u), 0);
        assert_int_equal(u, 31);
        assert_int_equal(parse_uint_base("017", 0, &u), 0);
        assert_int_equal(u, 15);
        assert_int_equal(parse_uint_base("1f", 16, &u), 0);
        assert_int_equal(u, 31);
        assert_int_equal(parse_uint_base("08", 0, &u), -EINVAL);
        assert_int_equal(parse_uint_base("0x", 0, &u), -EINVAL);
        assert_int_equal(parse_uint_base("1f", 0, &u), -EINVAL);
}

static void test_units(void **state) {
        static const struct {
                const char *unit;
                uint64_t size;
        } units[] = {
                { "b", 1 }, { "bytes", 1 }, { "KB", 1000 }, { "k", 1024 }, { "KiB", 1024 }, { "MB", 1000000 },
                { "M", 1048576 }, { "MiB", 1048576 }, { "GB", 1000000000 }, { "G", 1073741824 }, { "TiB", UINT64_C(1) << 40 },
                { "PiB", UINT64_C(1) << 50 }, { "EiB", UINT64_C(1) << 60 }, { "", 0 }, { "X", 0 }, { "MeB", 0 }, { "MiBs", 0 },
        };
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                assert_true(unit_size(units[i].unit) == units[i].size);
}

static void test_mac_and_uuid(void **state) {
        uint8_t mac[6], uuid[16];
        char text[37];

        assert_int_equal(parse_mac("52:54:00:aB:cd:0f", mac), 0);
        format_mac(mac, text);
        assert_string_equal(text, "52:54:00:ab:cd:0f");
        assert_int_equal(parse_mac("52:54:00:ab:cd", mac), -EINVAL);
        assert_int_equal(parse_mac("52:54:00:ab:cd:0f:01", mac), -EINVAL);
        assert_int_equal(parse_mac("fa:16:3e:0a:xx:xx", mac), -EINVAL);

        assert_int_equal(parse_uuid("4dea22b31d52d8f32516782e98ab3fa0", uuid), 0);
        format_uuid(uuid, text);
        assert_string_equal(text, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
        assert_int_equal(parse_uuid("4dea22b31d52d8f32516782e98ab3fa", uuid), -EINVAL);
        assert_int_equal(parse_uuid("4dea22b31d52d8f32516782e98ab3fa000", uuid), -EINVAL);
        assert_int_equal(parse_uuid("", uuid), -EINVAL);
}

static void test_number_set(void **state) {
        static const struct {
                const char *text, *formatted;
        } sets[] = {
                { "0", "0" }, { "0-3", "0-3" }, { "0-3,^1,8", "0,2-3,8" }, { "5,1-2,2-3", "1-3,5" }, { "0-1023", "0-1023" },
                { " 1 , 2 ", "1-2" },
                { "", NULL }, { "^1", NULL }, { "1,", NULL }, { ",1", NULL }, { "1,,2", NULL }, { "3-1", NULL }, { "0-", NULL },
                { "a", NULL }, { "1024", NULL }, { "0-1024", NULL }, { "1-2,^1-2", NULL }, { "-1", NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(sets); i++) {
                _cleanup_free_ char *s = NULL;
                NumberSet set;
                int r = number_set_parse(sets[i].text, &set);
                if (!sets[i].formatted) {
                        assert_true(r < 0);
                        continue;
                }
                assert_int_equal(r, 0);
                s = number_set_format(&set);
                assert_string_equal(s, sets[i].formatted);
        }
}

/* Parses nothing but what is right. */
static NumberSet set_of(const char *text) {
        NumberSet set = {};

        if (*text)
                assert_int_equal(number_set_parse(text, &set), 0);
        return set;
}

static void assert_set(const NumberSet *set, const char *wanted) {
        NumberSet w = set_of(wanted);

        assert_true(number_set_is_subset(set, &w) && number_set_is_subset(&w, set));
}

static void test_number_set_algebra(void **state) {
        static const struct {
                const char *a, *b, *united, *both, *without;
                bool subset, overlaps;
        } sets[] = {
                { "0-3,70", "2-5,1023", "0-5,70,1023", "2-3", "0-1,70", false, true },
                { "64-65", "63-66", "63-66", "64-65", "", true, true },
                { "1", "2", "1-2", "", "1", false, false },
                { "", "2", "2", "", "", true, false },
                { "", "", "", "", "", true, false },
        };
        FOREACH_ARRAY(t, sets, ELEMENTSOF(sets)) {
                NumberSet a = set_of(t->a), b = set_of(t->b), united = a, both = a, without = a;
                number_set_unite(&united, &b);
                number_set_intersect(&both, &b);
                number_set_subtract(&without, &b);
                assert_set(&united, t->united);
                assert_set(&both, t->both);
                assert_set(&without, t->without);
                assert_int_equal(number_set_is_subset(&a, &b), t->subset);
                assert_int_equal(number_set_overlaps(&a, &b), t->overlaps);
        }
}

/* The reference vectors of the 128-bit variant: key 00…0f, message 00, 01, … of the length given. */
static void test_siphash(void **state) {
        static const struct {
                size_t length;
                uint8_t digest[16];
        } vectors[] = {
                { 0, { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 } },
                { 1, { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45 } },
                { 8, { 0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3, 0x14, 0x97, 0xb4 } },
                { 63, { 0x51, 0x50, 0xd1, 0x77, 0x2f, 0x50, 0x83, 0x4a, 0x50, 0x3e, 0x06, 0x9a, 0x97, 0x3f, 0xbd, 0x7c } },
        };
        uint8_t key[16], message[64], digest[16];

        for (unsigned i = 0; i < sizeof(message); i++)
                message[i] = (uint8_t) i;
        memcpy(key, message, sizeof(key));
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
                siphash128(message, vectors[i].length, key, digest);
                assert_memory_equal(digest, vectors[i].digest, sizeof(digest));
        }
}

static void test_diag(void **state) {
        _cleanup_diag_ Diag d = {};
        _cleanup_free_ char *with_place = NULL, *without = NULL;

        assert_int_equal(diag_init(&d, "web.xml"), 0);
        assert_int_equal(diag_warning(&d, (SrcLoc) {}, "odd"), 0);
        assert_int_equal(diag_error(&d, (SrcLoc) { 3, 5 }, "bad\n\x1b[31m%s", "x"), -EINVAL);
        assert_int_equal(diag_error_code(&d, -ENOENT, (SrcLoc) { 3, 5 }, "gone"), -ENOENT);
        assert_int_equal(d.n_errors, 2);
        without = diag_entry_format(&d, &d.entries[0]);
        with_place = diag_entry_format(&d, &d.entries[1]);
        assert_string_equal(without, "web.xml: warning: odd");
        assert_string_equal(with_place, "web.xml:3:5: error: bad  [31mx");
        assert_string_equal(diag_first_error(&d), "bad  [31mx");

        _cleanup_diag_ Diag more = {};
        (void) diag_warning(&more, (SrcLoc) {}, "odd");
        (void) diag_error(&more, (SrcLoc) { 3, 6 }, "gone");
        (void) diag_error(&more, (SrcLoc) { 3, 6 }, "gone");
        diag_add(&d, &more);
        diag_add(NULL, &more);
        assert_int_equal(d.n_entries, 4);
        assert_int_equal(d.entries[3].loc.column, 6);
        diag_truncate(&d, 3);

        for (unsigned i = 0; i < 2 * DIAG_ENTRIES_MAX; i++)
                (void) diag_error(&d, (SrcLoc) {}, "again");
        assert_int_equal(d.n_entries, DIAG_ENTRIES_MAX);
        assert_int_equal(d.n_errors, 2 + 2 * DIAG_ENTRIES_MAX);
        assert_int_equal(diag_error(NULL, (SrcLoc) {}, "nobody listens"), -EINVAL);
}

static void test_text_diff(void **state) {
        static const struct {
                const char *a, *b, *diff;
        } cases[] = {
                { "", "", "" },
                { "a\nb\n", "a\nb\n", "" },
                { "a\n", "", "--- A\n+++ B\n@@ -1 +0,0 @@\n-a\n" },
                { "", "a\nb\n", "--- A\n+++ B\n@@ -0,0 +1,2 @@\n+a\n+b\n" },
                { "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
                  "--- A\n+++ B\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n" },
                /* six lines between two changes: one hunk; seven: two */
                { "x\n1\n2\n3\n4\n5\n6\ny\n", "1\n2\n3\n4\n5\n6\n",
                  "--- A\n+++ B\n@@ -1,8 +1,6 @@\n-x\n 1\n 2\n 3\n 4\n 5\n 6\n-y\n" },
                { "x\n1\n2\n3\n4\n5\n6\n7\ny\n", "1\n2\n3\n4\n5\n6\n7\n",
                  "--- A\n+++ B\n@@ -1,4 +1,3 @@\n-x\n 1\n 2\n 3\n@@ -6,4 +5,3 @@\n 5\n 6\n 7\n-y\n" },
                { "a\nb\nc\n", "b\nc\nd\n", "--- A\n+++ B\n@@ -1,3 +1,3 @@\n-a\n b\n c\n+d\n" },
        };
        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_free_ char *diff = NULL;
                assert_int_equal(text_diff(c->a, c->b, "A", "B", &diff), 0);
                assert_string_equal(diff, c->diff);
        }
}

/* What is too long to be compared line by line is still said. */
static void test_text_diff_long(void **state) {
        _cleanup_free_ char *a = calloc(20001, 1), *b = calloc(20001, 1), *diff = NULL;

        for (size_t i = 0; i < 10000; i++) {
                memcpy(a + 2 * i, i % 2 ? "x\n" : "y\n", 2);
                memcpy(b + 2 * i, i % 2 ? "y\n" : "z\n", 2);
        }
        assert_int_equal(text_diff(a, b, "A", "B", &diff), 0);
        assert_true(startswith(diff, "--- A\n+++ B\n@@ -1,10000 +1,10000 @@\n-y\n-x\n"));
        assert_int_equal(strlen(diff), strlen("--- A\n+++ B\n@@ -1,10000 +1,10000 @@\n") + 2 * 30000);
}

static NotifyVerdict notify_by_pieces(const char *text, size_t size, size_t piece) {
        NotifyText t = {};
        bool ready = false;

        for (size_t i = 0; i < size; i += piece) {
                NotifyVerdict v = notify_text_add(&t, text + i, MIN(piece, size - i));
                if (v == NOTIFY_NOTHING)
                        return v;
                ready |= v == NOTIFY_READY;
        }
        return notify_text_end(&t) == NOTIFY_READY || ready ? NOTIFY_READY : NOTIFY_NOTHING;
}

static void test_notify_text(void **state) {
        static const struct {
                const char *text;
                NotifyVerdict verdict;
        } cases[] = {
                { "READY=1", NOTIFY_READY },
                { "READY=1\n", NOTIFY_READY },
                { "READY=1\nSTATUS=Startup finished in 1.2s.\n", NOTIFY_READY },
                { "X_SYSTEMD_HOSTNAME=a-name-that-is-longer\nREADY=1", NOTIFY_READY },
                { "\n\nREADY=1\n", NOTIFY_READY },
                { "", NOTIFY_NOTHING },
                { "\n", NOTIFY_NOTHING },
                { "READY=", NOTIFY_NOTHING },
                { "READY=10", NOTIFY_NOTHING },
                { "READY=11111111111", NOTIFY_NOTHING },
                { "READY=0\n", NOTIFY_NOTHING },
                { " READY=1", NOTIFY_NOTHING },
                { "STATUS=READY=1\n", NOTIFY_NOTHING },
                { "X_SYSTEMD_UNIT_ACTIVE=ssh-access.target\n", NOTIFY_NOTHING },
                { "READY=1\r\n", NOTIFY_NOTHING },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases))
                for (size_t piece = 1; piece <= 9; piece++)
                        assert_int_equal(notify_by_pieces(c->text, strlen(c->text), piece), c->verdict);
        assert_int_equal(notify_by_pieces("READY=1\0", 8, 8), NOTIFY_NOTHING);

        _cleanup_free_ char *most = malloc(NOTIFY_TEXT_MAX + 1);
        assert_non_null(most);
        memset(most, 'x', NOTIFY_TEXT_MAX + 1);
        memcpy(most + NOTIFY_TEXT_MAX - 8, "\nREADY=1", 8);
        assert_int_equal(notify_by_pieces(most, NOTIFY_TEXT_MAX, 512), NOTIFY_READY);
        assert_int_equal(notify_by_pieces(most, NOTIFY_TEXT_MAX + 1, 512), NOTIFY_NOTHING);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text_diff), cmocka_unit_test(test_text_diff_long), cmocka_unit_test(test_notify_text),
                cmocka_unit_test(test_strings), cmocka_unit_test(test_utf8), cmocka_unit_test(test_text), cmocka_unit_test(test_blank_controls),
                cmocka_unit_test(test_base64), cmocka_unit_test(test_command_split), cmocka_unit_test(test_text_shell),
                cmocka_unit_test(test_strv), cmocka_unit_test(test_strv_split_long), cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_units), cmocka_unit_test(test_mac_and_uuid), cmocka_unit_test(test_number_set),
                cmocka_unit_test(test_number_set_algebra), cmocka_unit_test(test_siphash), cmocka_unit_test(test_diag),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
