/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain-capabilities.h"
#include "file-util.h"
#include "host-topology.h"
#include "string-util.h"
#include "strv.h"

static void assert_xml(const char *text, const char *root) {
        xmlDoc *doc = xmlReadMemory(text, (int) strlen(text), NULL, NULL, XML_PARSE_NONET);

        assert_non_null(doc);
        assert_string_equal((const char *) xmlDocGetRootElement(doc)->name, root);
        xmlFreeDoc(doc);
}

static QemuCaps *load(const char *name) {
        _cleanup_free_ char *path = strf(VMUNIT_CAPS_DIR "/%s", name), *text = NULL;
        QemuCaps *caps = NULL;

        assert_true(read_file_limited(AT_FDCWD, path, 1U << 24, &text, NULL) >= 0);
        assert_true(qemu_caps_from_json(text, &caps) >= 0);
        return caps;
}

/* The lines of one enum, up to its end. */
static bool announces(const char *xml, const char *name, const char *value) {
        _cleanup_free_ char *begin = strf("<enum name='%s'>", name), *line = strf("<value>%s</value>", value);
        const char *from = strstr(xml, begin), *end = from ? strstr(from, "</enum>") : NULL, *at = from ? strstr(from, line) : NULL;

        return at && at < end;
}

static void test_domain(void **state) {
        static const struct { const char *file, *emulator, *machine; bool pc; } emulators[] = {
                { "qemu-7.2-x86_64.json", "/usr/bin/qemu-system-x86_64", "pc", true },
                { "qemu-7.2-i686.json", "/usr/bin/qemu-system-i386", NULL, true },
                { "qemu-7.2-aarch64.json", "/usr/bin/qemu-system-aarch64", "virt", false },
                { "qemu-7.2-armv7l.json", "/usr/bin/qemu-system-arm", "virt", false },
        };

        FOREACH_ARRAY(e, emulators, ELEMENTSOF(emulators)) {
                _cleanup_(qemu_caps_freep) QemuCaps *caps = load(e->file);
                _cleanup_free_ char *xml = NULL, *other = NULL;
                CapabilitiesFor c = {
                        .type = DOMAIN_QEMU, .emulator = e->emulator, .machine = e->machine, .caps = caps, .facts = &host_facts_generic,
                };
                assert_int_equal(domain_capabilities_to_xml(&c, &xml), 0);
                assert_xml(xml, "domainCapabilities");
                assert_true(announces(xml, "bus", "virtio"));
                assert_true(announces(xml, "bus", "usb"));
                assert_int_equal(!!strstr(xml, "<hyperv "), e->pc);
                assert_true(announces(xml, "backendModel", "random"));
                assert_int_equal(announces(xml, "bus", "ide"), e->pc);
                assert_int_equal(announces(xml, "diskDevice", "floppy"), e->pc);
                assert_false(announces(xml, "modelType", "xen"));
                c.machine = "no-such-machine";
                assert_int_equal(domain_capabilities_to_xml(&c, &other), -EINVAL);
        }
}

/* The files of the machine's firmware, each once; secure boot where there is system management mode. */
static void test_loaders(void **state) {
        char *q35[] = { (char *) "pc-q35-*", NULL }, *both[] = { (char *) "pc-q35-*", (char *) "pc-i440fx-*", NULL };
        FirmwareTarget secure_target = { ARCH_X86_64, q35 }, target = { ARCH_X86_64, both };
        Firmware list[] = {
                { .executable = (char *) "/s.fd", .targets = &secure_target, .n_targets = 1 },
                { .executable = (char *) "/a.fd", .targets = &target, .n_targets = 1 },
                { .executable = (char *) "/a.fd", .targets = &target, .n_targets = 1 },
                { .executable = (char *) "/no.fd", .targets = &target, .n_targets = 1, .unusable = true },
                { .executable = (char *) "/gone.fd", .targets = &target, .n_targets = 1, .missing = true },
        };
        _cleanup_(qemu_caps_freep) QemuCaps *caps = load("qemu-7.2-x86_64.json");
        HostFacts facts = host_facts_generic;
        CapabilitiesFor c = { .type = DOMAIN_QEMU, .emulator = "/usr/bin/qemu-system-x86_64", .machine = "q35", .caps = caps, .facts = &facts };
        _cleanup_free_ char *modern = NULL, *old = NULL;

        facts.firmwares = (FirmwareList) { list, ELEMENTSOF(list) };
        assert_int_equal(domain_capabilities_to_xml(&c, &modern), 0);
        assert_non_null(strstr(modern, "<loader supported='yes'>\n      <value>/s.fd</value>\n      <value>/a.fd</value>\n      <enum"));
        assert_true(announces(modern, "secure", "yes"));
        c.machine = "pc";
        assert_int_equal(domain_capabilities_to_xml(&c, &old), 0);
        assert_non_null(strstr(old, "<loader supported='yes'>\n      <value>/a.fd</value>\n      <enum"));
        assert_false(announces(old, "secure", "yes"));
}

static void test_models(void **state) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = load("qemu-7.2-x86_64.json");
        _cleanup_strv_ char **l = NULL;

        assert_int_equal(cpu_models(caps, &l), 0);
        assert_true(strv_contains(l, "qemu64"));
        assert_true(strv_contains(l, "EPYC"));
        assert_false(strv_contains(l, "EPYC-v1"));
        assert_false(strv_contains(l, "host"));
}

static void test_host(void **state) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = load("qemu-7.2-x86_64.json");
        HostPages pages[] = { { 4096, 1000 }, { 2U << 20, 3 } };
        unsigned distances[] = { 10, 20 };
        HostCpu cpus[] = { { .id = 0 }, { .id = 1 } };
        number_set_parse("0-1", &cpus[0].siblings);
        number_set_parse("0-1", &cpus[1].siblings);
        HostCell cells[] = {
                { .id = 0, .memory = 10U << 20, .pages = pages, .n_pages = 2, .distances = distances, .n_distances = 2, .cpus = cpus, .n_cpus = 2 },
                { .id = 2, .memory = 1024 },
        };
        HostTopology t = {
                .cells = cells, .n_cells = 2, .can_suspend_mem = true,
                .processor = { (char *) "AuthenticAMD", 25, 1, 2, 167776681, 48 },
        };
        HostGuest guest = { "/usr/bin/qemu-system-x86_64", caps };
        _cleanup_free_ char *xml = NULL;

        assert_int_equal(host_capabilities_to_xml(&host_facts_generic, &t, &guest, 1, &xml), 0);
        assert_xml(xml, "capabilities");
        assert_non_null(strstr(xml, "<topology sockets='1' dies='1' cores='1' threads='2'/>"));
        assert_non_null(strstr(xml, "      <microcode version='167776681'/>\n"
                                    "      <signature family='25' model='1' stepping='2'/>\n      <topology "));
        assert_non_null(strstr(xml, "<maxphysaddr mode='emulate' bits='48'/>"));
        /* Not what definitions cannot have. */
        assert_null(strstr(xml, ">none</machine>"));
        assert_null(strstr(xml, ">isapc</machine>"));
        assert_non_null(strstr(xml, "<suspend_mem/>"));
        assert_non_null(strstr(xml, "<pages unit='KiB' size='2048'>3</pages>"));
        assert_non_null(strstr(xml, "<sibling id='2' value='20'/>"));
        assert_non_null(strstr(xml, "<cpu id='1' socket_id='0' die_id='0' core_id='0' siblings='0-1'/>"));
        assert_non_null(strstr(xml, "<machine canonical='pc-q35-7.2' maxCpus='288'>q35</machine>"));
        assert_non_null(strstr(xml, "<domain type='kvm'/>"));
}

static void test_gather(void **state) {
        _cleanup_host_topology_ HostTopology here = {}, nowhere = {};

        assert_int_equal(host_topology_gather("", &here), 0);
        assert_true(here.n_cells > 0);
        assert_true(here.cells[0].n_cpus > 0);
        assert_int_equal(host_topology_gather("/nonexistent", &nowhere), 0);
        assert_int_equal(nowhere.n_cells, 1);
        assert_int_equal(nowhere.cells[0].n_cpus, 0);
}

static void test_processor(void **state) {
        char root[] = "/tmp/test-capabilities.XXXXXX";
        static const char cpuinfo[] = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: X: Y\n"
                                      "stepping\t: 8\nmicrocode\t: 0x1f\nflags\t\t:\naddress sizes\t: 46 bits physical, 57 bits virtual\n\n"
                                      "processor\t: 1\nvendor_id\t: other\ncpu family\t: 7\n";
        _cleanup_host_topology_ HostTopology t = {};

        assert_non_null(mkdtemp(root));
        _cleanup_free_ char *directory = strf("%s/proc", root), *file = strf("%s/cpuinfo", directory);
        assert_int_equal(mkdir(directory, 0755), 0);
        FILE *f = fopen(file, "we");
        assert_non_null(f);
        assert_true(fputs(cpuinfo, f) >= 0 && fclose(f) == 0);
        assert_int_equal(host_topology_gather(root, &t), 0);
        assert_string_equal(t.processor.vendor, "GenuineIntel");
        assert_int_equal(t.processor.family, 6);
        assert_int_equal(t.processor.model, 143);
        assert_int_equal(t.processor.stepping, 8);
        assert_int_equal(t.processor.microcode, 31);
        assert_int_equal(t.processor.address_bits, 46);
        assert_int_equal(unlink(file) | rmdir(directory) | rmdir(root), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_domain),
                cmocka_unit_test(test_models),
                cmocka_unit_test(test_host),
                cmocka_unit_test(test_gather),
                cmocka_unit_test(test_loaders),
                cmocka_unit_test(test_processor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
