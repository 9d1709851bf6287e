/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "image-capacity.h"

#define GIB (UINT64_C(1) << 30)

static void put(uint8_t *p, uint64_t v, bool big_endian) {
        for (unsigned i = 0; i < 8; i++)
                p[big_endian ? 7 - i : i] = (uint8_t) (v >> 8 * i);
}

static const struct {
        DiskFormat format;
        const char *magic;
        size_t offset;
        bool big_endian;
        unsigned unit;
} images[] = {
        { FORMAT_QCOW2, "QFI\xfb", 24, true, 1 }, { FORMAT_QCOW, "QFI\xfb", 24, true, 1 }, { FORMAT_QED, "QED", 48, false, 1 },
        { FORMAT_VDI, "", 368, false, 1 },        { FORMAT_VMDK, "KDMV", 12, false, 512 }, { FORMAT_VPC, "conectix", 48, true, 1 },
};

static void test_headers(void **state) {
        FOREACH_ARRAY(i, images, ELEMENTSOF(images)) {
                uint8_t data[512] = {};
                memcpy(data, i->magic, strlen(i->magic));
                put(data + i->offset, GIB / i->unit, i->big_endian);
                assert_int_equal(image_capacity(i->format, data, sizeof(data), 77), GIB);
                assert_int_equal(image_capacity(i->format, data, i->offset + 8, 77), GIB);
                /* Cut off, or of another kind. */
                assert_int_equal(image_capacity(i->format, data, i->offset + 7, 77), 0);
                assert_int_equal(image_capacity(i->format, data, 0, 77), 0);
                data[0] ^= 1;
                assert_int_equal(image_capacity(i->format, data, sizeof(data), 77), *i->magic ? 0 : GIB);
        }
}

static void test_overflow(void **state) {
        uint8_t data[512] = "KDMV";

        put(data + 12, UINT64_MAX / 512, false);
        assert_int_equal(image_capacity(FORMAT_VMDK, data, sizeof(data), 0), UINT64_MAX / 512 * 512);
        put(data + 12, UINT64_MAX / 512 + 1, false);
        assert_int_equal(image_capacity(FORMAT_VMDK, data, sizeof(data), 0), 0);
}

static void test_others(void **state) {
        const uint8_t data[512] = { 'Q', 'F', 'I', 0xfb };

        assert_int_equal(image_capacity(FORMAT_RAW, data, sizeof(data), 77), 77);
        assert_int_equal(image_capacity(FORMAT_UNSET, data, sizeof(data), 77), 77);
        assert_int_equal(image_capacity(FORMAT_RAW, NULL, 0, 0), 0);
        assert_int_equal(image_capacity(FORMAT_VHDX, data, sizeof(data), 77), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_overflow),
                cmocka_unit_test(test_others),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
