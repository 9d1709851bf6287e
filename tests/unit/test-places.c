/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <fcntl.h>
#include <cmocka.h>

#include "domain-xml.h"
#include "file-util.h"
#include "host-facts.h"
#include "plan-complete.h"
#include "qemu-argv.h"
#include "qemu-caps.h"
#include "qemu-device.h"
#include "qemu-places.h"
#include "string-util.h"

/* What is remembered from one start to the next. */

static QemuCaps *caps;

static int read_caps(void **state) {
        _cleanup_free_ char *text = NULL;

        return read_file_limited(AT_FDCWD, VMUNIT_CAPS, 4U << 20, &text, NULL) < 0 ? -1 :
                qemu_caps_from_json(text, &caps);
}

static int free_caps(void **state) {
        caps = qemu_caps_free(caps);
        return 0;
}

/* A start of a machine with these devices; *RECORD is what the last one left, and then what this one leaves. */
static Domain *start_with(const char *machine, const char *devices, char **record, Diag *diag, int expected) {
        _cleanup_free_ char *xml = strf("<domain type='qemu'><name>web</name><memory>65536</memory><os><type "
                                        "arch='x86_64' machine='%s'>hvm</type></os><devices>%s</devices></domain>",
                                        machine, devices);
        Domain *d = NULL;

        assert_non_null(xml);
        assert_int_equal(domain_from_xml(xml, strlen(xml), NULL, &d), 0);
        if (*record)
                assert_int_equal(domain_places_parse(*record, &d->places), 0);
        assert_int_equal(domain_complete(d, &host_facts_generic, NULL), 0);
        assert_int_equal(domain_validate(d, NULL), 0);
        assert_int_equal(plan_complete_domain(&d, xml, strlen(xml), caps, &host_facts_generic, diag), expected);
        free(*record);
        *record = NULL;
        assert_int_equal(qemu_places_format(d, record), 0);
        return d;
}

/* One that has nothing to say. */
static Domain *start(const char *machine, const char *devices, char **record) {
        _cleanup_diag_ Diag diag = {};
        Domain *d = start_with(machine, devices, record, &diag, 0);

        assert_int_equal(diag.n_entries, 0);
        return d;
}

static const char *place(const DeviceInfo *info) {
        static char text[4][64];
        static unsigned next;
        const DeviceAddress *a = &info->address;
        char *s = text[next++ % ELEMENTSOF(text)];

        if (a->type == ADDRESS_PCI)
                snprintf(s, 64, "%02x:%02x.%x", a->bus.value, a->slot.value, a->function.value);
        else
                snprintf(s, 64, "%u:%u:%s", a->controller.value, a->bus.value, strempty(a->port));
        return s;
}

#define DISK(name) "<disk type='file' device='disk'><source file='/" name "'/><target dev='" name "' bus='virtio'/></disk>"
#define DISK_AT(name, place)                                                                      \
        "<disk type='file' device='disk'><source file='/" name "'/><target dev='" name            \
        "' bus='virtio'/><address type='pci' " place "/></disk>"
#define NIC(bridge) "<interface type='bridge'><source bridge='" bridge "'/><model type='virtio'/></interface>"
#define RNG "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
#define TABLET "<input type='tablet' bus='usb'/>"
#define KEYBOARD "<input type='keyboard' bus='usb'/>"
#define CHANNEL(name) "<channel type='unix'><target type='virtio' name='" name "'/></channel>"

static void test_insert(void **state) {
        static const char *const machines[] = { "q35", "pc" };

        for (size_t i = 0; i < ELEMENTSOF(machines); i++) {
                _cleanup_free_ char *record = NULL;
                _cleanup_(domain_freep) Domain *a = start(machines[i], NIC("br0") DISK("vda") DISK("vdb") RNG, &record);
                _cleanup_(domain_freep) Domain *b =
                        start(machines[i], NIC("br1") NIC("br0") DISK("vdc") DISK("vda") DISK("vdb") RNG, &record);

                assert_string_equal(place(&b->interfaces[1].info), place(&a->interfaces[0].info));
                assert_memory_equal(b->interfaces[1].mac, a->interfaces[0].mac, 6);
                assert_memory_not_equal(b->interfaces[0].mac, a->interfaces[0].mac, 6);
                assert_string_equal(place(&b->disks[0].info), place(&a->disks[0].info));
                assert_string_equal(place(&b->disks[1].info), place(&a->disks[1].info));
                assert_string_equal(place(&b->rngs[0].info), place(&a->rngs[0].info));
                assert_string_equal(place(&b->balloons[0].info), place(&a->balloons[0].info));

                /* And away with them again. */
                _cleanup_(domain_freep) Domain *c = start(machines[i], NIC("br0") DISK("vdb") RNG, &record);
                assert_string_equal(place(&c->interfaces[0].info), place(&a->interfaces[0].info));
                assert_memory_equal(c->interfaces[0].mac, a->interfaces[0].mac, 6);
                assert_string_equal(place(&c->disks[0].info), place(&a->disks[1].info));
                assert_string_equal(place(&c->rngs[0].info), place(&a->rngs[0].info));
                FOREACH_ARRAY(k, a->controllers, a->n_controllers)
                        if (k->info.address.type == ADDRESS_PCI)
                                assert_string_equal(place(&controller_find(c, k->type, k->index.value)->info), place(&k->info));
        }
}

/* A start that changes nothing leaves what it found. */
static void test_same(void **state) {
        static const char devices[] = NIC("br0") DISK("vda") RNG RNG TABLET KEYBOARD TABLET TABLET TABLET
                CHANNEL("a") CHANNEL("b") "<controller type='usb' model='piix3-uhci'/><video><model type='vga'/></video>";
        _cleanup_free_ char *record = NULL, *first = NULL;
        _cleanup_(domain_freep) Domain *a = start("q35", devices, &record);

        first = strdup(record);
        _cleanup_(domain_freep) Domain *b = start("q35", devices, &record);
        assert_string_equal(record, first);
        assert_int_equal(b->n_controllers, a->n_controllers);
        assert_int_equal(b->n_hubs, a->n_hubs);
        assert_true(b->n_hubs > 0);
}

/* What the definition says comes first; who was there before moves. */
static void test_conflict(void **state) {
        _cleanup_free_ char *record = NULL;
        _cleanup_(domain_freep) Domain *a = start("pc", DISK("vda") DISK("vdb") RNG, &record);

        assert_string_equal(place(&a->disks[0].info), "00:02.0");
        _cleanup_(domain_freep) Domain *b =
                start("pc", DISK("vda") DISK_AT("vdb", "bus='0' slot='2'") RNG, &record);
        assert_string_equal(place(&b->disks[1].info), "00:02.0");
        assert_string_not_equal(place(&b->disks[0].info), "00:02.0");
        assert_string_equal(place(&b->rngs[0].info), place(&a->rngs[0].info));
}

/* A bus that is another thing now takes nobody it cannot take. */
static void test_other_bus(void **state) {
        _cleanup_free_ char *record = NULL;
        _cleanup_(domain_freep) Domain *a = start("q35", DISK("vda") DISK("vdb"), &record);

        assert_string_equal(place(&a->disks[0].info), "02:00.0");
        _cleanup_(domain_freep) Domain *b =
                start("q35",
                      "<controller type='pci' index='0' model='pcie-root'/><controller type='pci' index='2' "
                      "model='dmi-to-pci-bridge'/>" DISK("vda") DISK("vdb"),
                      &record);
        assert_string_equal(place(&b->disks[1].info), place(&a->disks[1].info));
}

static void test_other_machine(void **state) {
        _cleanup_free_ char *record = NULL, *fresh = NULL;
        _cleanup_(domain_freep) Domain *a = start("q35", NIC("br0") DISK("vdb"), &record);
        _cleanup_(domain_freep) Domain *b = start("pc", NIC("br0") DISK("vdb"), &record);
        _cleanup_(domain_freep) Domain *c = start("pc", NIC("br0") DISK("vdb"), &fresh);

        assert_string_equal(record, fresh);
        assert_memory_equal(a->interfaces[0].mac, b->interfaces[0].mac, 6);
        /* Another version is not another machine. */
        _cleanup_(domain_freep) Domain *e = start("pc-i440fx-6.2", NIC("br1") NIC("br0") DISK("vdb"), &record);
        assert_string_equal(place(&e->disks[0].info), place(&c->disks[0].info));
}

static void test_usb_and_ports(void **state) {
        _cleanup_free_ char *record = NULL;
#define XHCI "<controller type='usb' model='qemu-xhci'/>"
        _cleanup_(domain_freep) Domain *a = start("pc", XHCI TABLET KEYBOARD CHANNEL("a") CHANNEL("b"), &record);
        _cleanup_(domain_freep) Domain *b =
                start("pc", XHCI KEYBOARD "<input type='mouse' bus='usb'/>" TABLET CHANNEL("c") CHANNEL("b") CHANNEL("a"),
                      &record);

        assert_string_equal(place(&b->inputs[0].info), place(&a->inputs[1].info));
        assert_string_equal(place(&b->inputs[2].info), place(&a->inputs[0].info));
        assert_string_equal(place(&b->chars[1].info), place(&a->chars[1].info));
        assert_string_equal(place(&b->chars[2].info), place(&a->chars[0].info));
        assert_string_equal(place(&b->chars[0].info), "0:0:3");
}

/* Where all ports are taken a hub takes one, and its device goes behind it. */
static void test_new_hub(void **state) {
        _cleanup_free_ char *record = NULL;
        _cleanup_(domain_freep) Domain *a = start("pc", TABLET KEYBOARD, &record);
        _cleanup_(domain_freep) Domain *b = start("pc", TABLET KEYBOARD TABLET, &record);
        _cleanup_(domain_freep) Domain *c = start("pc", TABLET KEYBOARD TABLET TABLET, &record);

        assert_int_equal(a->n_hubs, 0);
        assert_int_equal(b->n_hubs, 1);
        assert_int_equal(c->n_hubs, 1);
        for (size_t i = 0; i < 3; i++)
                assert_string_equal(place(&c->inputs[i].info), place(&b->inputs[i].info));
}

static void test_alias(void **state) {
        static const char one[] = "<rng model='virtio'><backend model='random'/><alias name='ua-one'/></rng>";
        static const char two[] = "<rng model='virtio'><backend model='random'/><alias name='ua-two'/></rng>";
        _cleanup_free_ char *record = NULL, *order = strf("%s%s", one, two), *other = strf("%s%s", two, one);
        _cleanup_(domain_freep) Domain *a = start("q35", order, &record);
        _cleanup_(domain_freep) Domain *b = start("q35", other, &record);

        assert_string_equal(place(&b->rngs[0].info), place(&a->rngs[1].info));
        assert_string_equal(place(&b->rngs[1].info), place(&a->rngs[0].info));
}

/* The address that was given out may be written down later. */
static void test_mac_written(void **state) {
        _cleanup_free_ char *record = NULL, *xml = NULL;
        _cleanup_(domain_freep) Domain *a = start("q35", NIC("br0") NIC("br0"), &record);
        const uint8_t *m = a->interfaces[1].mac;

        xml = strf("<interface type='bridge'><mac address='%02x:%02x:%02x:%02x:%02x:%02x'/><source bridge='br0'/><model "
                   "type='virtio'/></interface>" NIC("br0"), m[0], m[1], m[2], m[3], m[4], m[5]);
        _cleanup_(domain_freep) Domain *b = start("q35", xml, &record);
        assert_string_equal(place(&b->interfaces[0].info), place(&a->interfaces[1].info));
        assert_memory_equal(b->interfaces[1].mac, a->interfaces[0].mac, 6);
        assert_string_equal(place(&b->interfaces[1].info), place(&a->interfaces[0].info));
}

static void test_broken(void **state) {
        static const char *const texts[] = {
                "",
                "vmunit-places 2\nx86_64 q35\n",
                "vmunit-places 1",
                "vmunit-places 1\nx86_64 q35\nrng #1\n",
                "vmunit-places 1\nx86_64 q35\nrng #1\t-\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\nrng #1\t-\t-\t-\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\n-\t-\t-\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\nrng\t-\t52:54\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\nrng\t-\t\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\nrng\t-\tff:ff:ff:ff:ff:ff\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\nrng\t-\t53:54:00:00:00:01\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\nrng\t-\t00:00:00:00:00:00\t-\t-\n",
                "vmunit-places 1\nx86_64 q35\nr\xff\t-\t-\t-\t-\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                DomainPlaces p;
                assert_int_equal(domain_places_parse(texts[i], &p), -EBADMSG);
        }
}

/* Well written nonsense does no harm. */
static void test_nonsense(void **state) {
        static const char text[] = "vmunit-places 1\nx86_64 pc\n"
                                   "disk vda virtio #1\t-\t-\tpci 0000:09:1f.7\t-\n"
                                   "disk vdb virtio #1\t-\t-\tusb 0:1\t-\n"
                                   "rng #1\t-\t-\tpci 0000:00:00.0\t-\n"
                                   "memballoon #1\t-\t-\tpci 0000:00:01.1x\t-\n"
                                   "input tablet usb #1\t-\t-\tusb 0:1.7\t-\n"
                                   "input keyboard usb #1\t-\t-\tusb 7:1\t-\n"
                                   "channel a #1\t-\t-\tvirtio-serial 0:0:99\t-\n"
                                   "hub #1\t-\t-\t-\tusb\n"
                                   "controller pci 3 pcie-root #1\t-\t-\tpci 0000:00:05.0\tpcie-root\n";
        _cleanup_free_ char *record = strdup(text), *fresh = NULL;
        static const char devices[] = DISK("vda") DISK("vdb") RNG TABLET KEYBOARD CHANNEL("a");
        _cleanup_(domain_freep) Domain *a = start("pc", devices, &record), *b = start("pc", devices, &fresh);

        assert_string_equal(record, fresh);
        assert_int_equal(a->n_controllers, b->n_controllers);
}

#define NO_USB "<controller type='usb' model='none'/>"
#define RNG_AT(place) "<rng model='virtio'><backend model='random'/><address type='pci' " place "/></rng>"

/* What is where a part of the machine is now is forgotten, with all the others; the MAC addresses stay. */
static void test_collision(void **state) {
        _cleanup_free_ char *record = NULL, *fresh = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_(domain_freep) Domain *a =
                start("pc", NO_USB NIC("br0") NIC("br0") RNG_AT("bus='0' slot='1' function='2'"), &record);

        _cleanup_(domain_freep) Domain *b = start_with("pc", NIC("br1") NIC("br0") NIC("br0") RNG, &record, &diag, 0);
        _cleanup_(domain_freep) Domain *c = start("pc", NIC("br1") NIC("br0") NIC("br0") RNG, &fresh);
        assert_int_equal(diag.n_entries, 1);
        assert_int_equal(diag.n_errors, 0);
        assert_string_equal(diag.entries[0].text,
                            "the addresses of the last start do not fit any more and are given out anew: "
                            "PCI address 0000:00:01.2 is used twice: by rng 1 and by the PIIX3 USB controller");
        assert_string_equal(place(&b->rngs[0].info), place(&c->rngs[0].info));
        assert_memory_equal(b->interfaces[1].mac, a->interfaces[0].mac, 6);
        assert_memory_equal(b->interfaces[2].mac, a->interfaces[1].mac, 6);
        /* The next start has nothing to say. */
        _cleanup_(domain_freep) Domain *e = start("pc", NIC("br1") NIC("br0") NIC("br0") RNG, &record);
        assert_string_equal(place(&e->interfaces[1].info), place(&b->interfaces[1].info));
}

/* A definition that is wrong anyway: what is wrong with it is what there is to say. */
static void test_wrong_anyway(void **state) {
        _cleanup_free_ char *record = NULL, *fresh = NULL;
        _cleanup_diag_ Diag diag = {}, other = {};
        _cleanup_(domain_freep) Domain *a = start("pc", NO_USB RNG_AT("bus='0' slot='1' function='2'"), &record);
        static const char twice[] = RNG DISK_AT("vda", "bus='0' slot='8'") DISK_AT("vdb", "bus='0' slot='8'");

        _cleanup_(domain_freep) Domain *b = start_with("pc", twice, &record, &diag, -EINVAL);
        _cleanup_(domain_freep) Domain *c = start_with("pc", twice, &fresh, &other, -EINVAL);
        assert_int_equal(diag.n_entries, 1);
        assert_int_equal(diag.n_errors, 1);
        assert_string_equal(diag.entries[0].text, other.entries[0].text);
}

/* Records that were not written by us, for machines of every kind: no start fails for them. */
static void test_hostile(void **state) {
        static const char *const machines[] = { "pc", "q35", "pc", "q35" }, *const families[] = { "pc", "q35", "other", "pc" };
        static const char *const lines[] = {
                "controller pci 255 pcie-root-port #1\t-\t-\tpci 0000:00:01.0\tpcie-root-port\n",
                "controller pci 255 pci-bridge #1\t-\t-\tpci 0000:ff:01.0\tpci-bridge\n",
                "controller pci 9 pci-bridge #1\t-\t-\tpci 0000:0a:01.0\tpci-bridge\n"
                "controller pci 10 pci-bridge #1\t-\t-\tpci 0000:09:01.0\tpci-bridge\n",
                "controller pci 9 pci-bridge #1\t-\t-\tpci 0000:09:01.0\tpci-bridge\n",
                "controller pci 1 pcie-to-pci-bridge #1\t-\t-\tpci 0000:00:1f.2\tpcie-to-pci-bridge\n",
                "controller sata 0 #1\t-\t-\tpci 0000:00:05.0\t-\n",
                "controller ide 0 #1\t-\t-\tpci 0000:00:05.0\t-\n",
                "controller usb 0 piix3-uhci #1\t-\t-\tpci 0000:00:05.0\t-\n",
                "controller usb 0 ich9-ehci1 #1\t-\t-\tpci 0000:00:05.0\t-\n"
                "controller usb 0 ich9-uhci1 #1\t-\t-\tpci 0000:00:06.3\t-\n",
                "controller virtio-serial 0 #1\t-\t-\tpci 0000:00:1f.3\t-\n",
                "rng #1\t-\t-\tpci 0000:00:1f.0\t-\n",
                "rng #1\t-\t-\tpci 0000:00:1f.2\t-\n",
                "rng #1\t-\t-\tpci 0000:00:01.1\t-\n",
                "rng #1\t-\t-\tpci 0000:00:01.0\t-\n",
                "video qxl #1\t-\t-\tpci 0000:00:1f.3\t-\n",
                "disk vda virtio #1\t-\t-\tpci 0000:fe:01.0\t-\n",
                "input tablet usb #1\t-\t-\tusb 0:1\t-\nhub #1\t-\t-\tusb 0:1.1\tusb\n",
                "hub #1\t-\t-\tusb 0:1.1\tusb\nhub #2\t-\t-\tusb 0:1.1.1\tusb\nhub #3\t-\t-\tusb 0:1.1.1.1\tusb\n",
                "hub #1\t-\t-\tusb 99:1\tusb\n",
                "hub #1\t-\t-\tusb 0:0\tusb\nhub #2\t-\t-\tusb 0:1\tusb\nhub #3\t-\t-\tusb 0:2\tusb\n",
                "channel a #1\t-\t-\tvirtio-serial 63:0:1\t-\nchannel b #1\t-\t-\tvirtio-serial 0:0:0\t-\n",
                "interface bridge br0 #1\t-\t52:54:00:00:00:01\tusb 0:1\tusb\n"
                "interface bridge br0 #2\t-\t52:54:00:00:00:01\tpci 0000:00:01.1\t-\n",
        };
        static const char devices[] = NIC("br0") NIC("br0") DISK("vda") RNG TABLET KEYBOARD TABLET CHANNEL("a") CHANNEL("b")
                "<controller type='usb' model='ich9-ehci1'/><controller type='usb' model='ich9-uhci1'/><video><model type='qxl'/></video>"
                "<disk type='file' device='disk'><source file='/a'/><target dev='sda' bus='sata'/></disk>"
                "<disk type='file' device='disk'><source file='/b'/><target dev='sdb' bus='scsi'/></disk>";

        for (size_t m = 0; m < ELEMENTSOF(machines); m++)
                for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                        for (size_t k = i; k < ELEMENTSOF(lines); k++) {
                                _cleanup_free_ char *record = strf("vmunit-places 1\nx86_64 %s\n%s%s", families[m],
                                                                   lines[i], k > i ? lines[k] : "");
                                _cleanup_diag_ Diag diag = {};
                                _cleanup_(domain_freep) Domain *d = start_with(machines[m], devices, &record, &diag, 0);
                                _cleanup_qemu_argv_ QemuArgv argv = {};
                                assert_int_equal(qemu_argv_new(d, caps, &host_facts_generic, QEMU_ARGV_NATIVE, "/run", &diag,
                                                               &argv), 0);
                                assert_int_equal(diag.n_errors, 0);
                        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_insert),        cmocka_unit_test(test_same),
                cmocka_unit_test(test_conflict),      cmocka_unit_test(test_other_bus),
                cmocka_unit_test(test_other_machine), cmocka_unit_test(test_usb_and_ports),
                cmocka_unit_test(test_new_hub),       cmocka_unit_test(test_alias),
                cmocka_unit_test(test_mac_written),
                cmocka_unit_test(test_broken),        cmocka_unit_test(test_nonsense),
                cmocka_unit_test(test_collision),     cmocka_unit_test(test_wrong_anyway),
                cmocka_unit_test(test_hostile),
        };

        return cmocka_run_group_tests(tests, read_caps, free_caps);
}
