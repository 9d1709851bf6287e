/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "domain-xml.h"
#include "file-util.h"
#include "string-util.h"
#include "test-directory.h"
#include "usb-device.h"

/* Which device of the host a definition means. */

static char *root;

static void put(const char *device, const char *file, const char *text) {
        _cleanup_free_ char *dir = strf("%s/sys/bus/usb/devices/%s", root, device), *path = strf("%s/%s", dir, file);

        assert_int_equal(mkdir_parents(dir, 0755), 0);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void add(const char *name, const char *vendor, const char *product, const char *bus, const char *device) {
        put(name, "idVendor", vendor);
        put(name, "idProduct", product);
        put(name, "busnum", bus);
        put(name, "devnum", device);
}

static int setup(void **state) {
        root = test_directory_new();
        add("usb1", "1d6b\n", "0002\n", "1\n", "1\n"); /* a bus */
        add("1-1", "046d\n", "c534\n", "1\n", "3\n");
        add("1-2", "46f4\n", "0001\n", "1\n", "4\n");
        add("2-1.3", "46f4\n", "0001\n", "2\n", "4\n");
        add("3-1", "abcd\n", "xyz\n", "3\n", "2\n"); /* about to go away, perhaps */
        put("1-1:1.0", "bInterfaceClass", "03\n");
        return 0;
}

static int teardown(void **state) {
        test_directory_remove(root);
        return 0;
}

#define DEVICE(source) "<domain type='qemu'><name>web</name><memory>65536</memory><os><type>hvm</type></os><devices>" \
        "<hostdev mode='subsystem' type='usb'>" source "</hostdev></devices></domain>"
#define ANOTHER "</hostdev><hostdev mode='subsystem' type='usb'>"
#define ID(vendor, product) "<vendor id='" vendor "'/><product id='" product "'/>"
#define AT(bus, device) "<address bus='" bus "' device='" device "'/>"

static void test_resolve(void **state) {
        static const struct {
                const char *xml, *error; /* NULL: none */
                int result;
                unsigned n, bus, device;
        } cases[] = {
                { DEVICE("<source>" ID("0x046d", "0xc534") "</source>"), NULL, 0, 1, 1, 3 },
                { DEVICE("<source>" AT("2", "4") "</source>"), NULL, 0, 1, 2, 4 },
                { DEVICE("<source>" ID("0x46f4", "1") AT("2", "4") "</source>"), NULL, 0, 1, 2, 4 },
                { DEVICE("<source>" ID("0x46f4", "1") "</source>"),
                  "Multiple USB devices for 46f4:0001, use <address> to specify one", -ENOTUNIQ, 1, 0, 0 },
                { DEVICE("<source>" ID("0x46f4", "2") "</source>"), "Did not find USB device 46f4:0002", -ENODEV, 1, 0, 0 },
                { DEVICE("<source startupPolicy='requisite'>" AT("1", "9") "</source>"), "Did not find USB device bus:1 device:9",
                  -ENODEV, 1, 1, 9 },
                { DEVICE("<source>" ID("0x046d", "0xc534") AT("1", "4") "</source>"),
                  "Did not find USB device 046d:c534 bus:1 device:4", -ENODEV, 1, 1, 4 },
                { DEVICE("<source>" ID("0xabcd", "0") "</source>"), "Did not find USB device abcd:0000", -ENODEV, 1, 0, 0 },
                { DEVICE("<source startupPolicy='optional'>" ID("0x46f4", "2") "</source>"), NULL, 0, 0, 0, 0 },
                { DEVICE("<source>" ID("0x046d", "0xc534") "</source>" ANOTHER "<source>" AT("1", "3") "</source>"),
                  "USB device bus:1 device:3 is given to the guest twice", -EEXIST, 2, 1, 3 },
                { DEVICE("<source>" AT("1", "4") "</source>" ANOTHER "<source>" AT("2", "4") "</source>"), NULL, 0, 2, 1, 4 },
        };

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                _cleanup_(domain_freep) Domain *d = NULL;
                _cleanup_diag_ Diag diag = {};
                assert_int_equal(domain_from_xml(c->xml, strlen(c->xml), &diag, &d), 0);
                assert_int_equal(usb_devices_resolve(root, d, &diag), c->result);
                if (c->error)
                        assert_string_equal(diag_first_error(&diag), c->error);
                assert_int_equal(d->n_hostdevs, c->n);
                if (c->n == 0)
                        continue;
                assert_int_equal(d->hostdevs[0].usb_bus.value, c->bus);
                assert_int_equal(d->hostdevs[0].usb_device.value, c->device);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_resolve, setup, teardown) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
