/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qcow2.h"

/* An image's first bytes, put together by hand from the format's description. */
typedef struct Image {
        uint8_t data[512];
        size_t size;
} Image;

static void put32(uint8_t *p, uint32_t v) {
        p[0] = (uint8_t) (v >> 24);
        p[1] = (uint8_t) (v >> 16);
        p[2] = (uint8_t) (v >> 8);
        p[3] = (uint8_t) v;
}

static void put64(uint8_t *p, uint64_t v) {
        put32(p, (uint32_t) (v >> 32));
        put32(p + 4, (uint32_t) v);
}

static Image image(uint32_t version) {
        Image i = { .size = sizeof(i.data) };

        put32(i.data, 0x514649fb);
        put32(i.data + 4, version);
        put64(i.data + 24, UINT64_C(1) << 30);
        if (version == 3)
                put32(i.data + 100, 104);
        return i;
}

static void put_name(Image *i, uint64_t offset, const char *name) {
        put64(i->data + 8, offset);
        put32(i->data + 16, (uint32_t) strlen(name));
        memcpy(i->data + offset, name, strlen(name));
}

static size_t put_extension(Image *i, size_t at, uint32_t type, const char *text) {
        put32(i->data + at, type);
        put32(i->data + at + 4, (uint32_t) strlen(text));
        memcpy(i->data + at + 8, text, strlen(text));
        return at + 8 + (strlen(text) + 7) / 8 * 8;
}

static void check(const Image *i, int expected) {
        Qcow2Header h = {};

        assert_int_equal(qcow2_header_parse(i->data, i->size, &h), expected);
        if (expected >= 0)
                qcow2_header_done(&h);
        assert_null(h.backing_file);
        assert_null(h.backing_format);
}

static void test_plain(void **state) {
        for (uint32_t version = 2; version <= 3; version++) {
                Image i = image(version);
                Qcow2Header h = {};

                assert_int_equal(qcow2_header_parse(i.data, i.size, &h), 0);
                assert_int_equal(h.version, version);
                assert_int_equal(h.size, UINT64_C(1) << 30);
                assert_null(h.backing_file);
                assert_null(h.backing_format);
                assert_false(h.has_data_file);
                assert_false(h.is_encrypted);
                qcow2_header_done(&h);
        }
}

static void test_backing(void **state) {
        for (uint32_t version = 2; version <= 3; version++) {
                Image i = image(version);
                Qcow2Header h = {};

                /* Another extension before the one that counts, the end behind it. */
                size_t at = put_extension(&i, version == 2 ? 72 : 104, 0x6803f857, "unknown");
                put_extension(&i, at, 0xe2792aca, "qcow2");
                put_name(&i, 300, "base.qcow2");
                assert_int_equal(qcow2_header_parse(i.data, i.size, &h), 0);
                assert_string_equal(h.backing_file, "base.qcow2");
                assert_string_equal(h.backing_format, "qcow2");
                qcow2_header_done(&h);
        }
}

static void test_flags(void **state) {
        Image i = image(3);
        Qcow2Header h = {};

        put64(i.data + 72, UINT64_C(1) << 2);
        put32(i.data + 32, 2); /* LUKS */
        assert_int_equal(qcow2_header_parse(i.data, i.size, &h), 0);
        assert_true(h.has_data_file);
        assert_true(h.is_encrypted);
        qcow2_header_done(&h);
        /* These bits are something else in version 2. */
        put32(i.data + 4, 2);
        assert_int_equal(qcow2_header_parse(i.data, i.size, &h), 0);
        assert_false(h.has_data_file);
        qcow2_header_done(&h);
}

static void test_lengths(void **state) {
        Image i = image(3);
        static const struct { uint64_t offset; uint32_t length; int expected; } names[] = {
                { 500, 12, 0 },           { 500, 13, -EBADMSG }, { 512, 1, -EBADMSG }, { 513, 1, -EBADMSG },
                { UINT64_MAX, 1, -EBADMSG }, { UINT64_MAX - 4, 8, -EBADMSG }, { 300, 0, -EBADMSG },
                { 300, UINT32_MAX, -EBADMSG }, { 300, 1024, -EBADMSG },
        };

        memset(i.data + 200, 'x', sizeof(i.data) - 200);
        for (size_t k = 0; k < ELEMENTSOF(names); k++) {
                put64(i.data + 8, names[k].offset);
                put32(i.data + 16, names[k].length);
                check(&i, names[k].expected);
        }
}

static void test_invalid(void **state) {
        Image i = image(3);

        for (i.size = 0; i.size < 104; i.size++)
                check(&i, -EBADMSG);
        i.size = 104;
        check(&i, 0);
        i = image(4);
        check(&i, -EBADMSG);
        i = image(1);
        check(&i, -EBADMSG);
        i = image(3);
        i.data[0] ^= 1;
        check(&i, -EBADMSG);
        i = image(3);
        put32(i.data + 100, 72); /* a header shorter than its version's */
        check(&i, -EBADMSG);
        i = image(3);
        put_name(&i, 300, "base\001");
        i.data[302] = 0; /* a NUL in the name */
        check(&i, -EBADMSG);
}

static void test_extensions(void **state) {
        Image i = image(3);

        put32(i.data + 104, 0xe2792aca);
        put32(i.data + 108, UINT32_MAX); /* longer than what there is */
        check(&i, -EBADMSG);
        i = image(3);
        put_extension(&i, put_extension(&i, 104, 0xe2792aca, "raw"), 0xe2792aca, "qcow2"); /* twice */
        check(&i, -EBADMSG);
        i = image(3);
        put_extension(&i, 104, 0xe2792aca,
                      "a format whose name is far longer than any format's name will ever be");
        check(&i, -EBADMSG);
}

static uint64_t get64(const uint8_t *p) {
        uint64_t v = 0;

        for (unsigned i = 0; i < 8; i++)
                v = v << 8 | p[i];
        return v;
}

/* QEMU reads it in tests/container/test-more-devices.py. */
static void test_new_image(void **state) {
        static const struct {
                uint64_t size, rounded;
                size_t clusters;
        } cases[] = {
                { 0, 0, 4 }, { 1, 512, 4 }, { UINT64_C(10) << 30, UINT64_C(10) << 30, 4 },
                { UINT64_C(4) << 40, UINT64_C(4) << 40, 4 }, { (UINT64_C(4) << 40) + 1, (UINT64_C(4) << 40) + 512, 5 },
        };
        uint8_t *image;
        size_t size;

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                Qcow2Header h = {};
                assert_int_equal(qcow2_image_new(c->size, &image, &size), 0);
                assert_int_equal(size, c->clusters << 16);
                assert_int_equal(qcow2_header_parse(image, size, &h), 0);
                assert_int_equal(h.version, 3);
                assert_int_equal(h.size, c->rounded);
                assert_null(h.backing_file);
                assert_false(h.has_data_file || h.is_encrypted);
                /* Each cluster is used once, and none behind them. */
                const uint8_t *counts = image + get64(image + get64(image + 48));
                for (size_t i = 0; i <= c->clusters; i++)
                        assert_int_equal(counts[2 * i] << 8 | counts[2 * i + 1], i < c->clusters);
                qcow2_header_done(&h);
                free(image);
        }
        assert_int_equal(qcow2_image_new(UINT64_MAX, &image, &size), -EFBIG);
        assert_int_equal(qcow2_image_new(UINT64_C(1) << 62, &image, &size), -EFBIG);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),   cmocka_unit_test(test_backing),
                cmocka_unit_test(test_flags),   cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_invalid), cmocka_unit_test(test_extensions),
                cmocka_unit_test(test_new_image),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
