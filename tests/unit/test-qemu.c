/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qemu-argv.h"
#include "qemu-caps.h"
#include "qemu-device.h"
#include "qemu-domain.h"
#include "qemu-json.h"
#include "qemu-options.h"
#include "qemu-parse.h"
#include "qemu-pci.h"
#include "string-util.h"
#include "strv.h"

/* A small record: an aarch64 emulator, which the golden cases have none of. */
static const char arm_caps[] =
        "{\"version\":7002000,\"arch\":\"aarch64\",\"kvm\":true,"
        "\"machines\":[{\"name\":\"virt-7.2\",\"alias\":\"virt\",\"max-cpus\":512,\"default-cpu\":\"cortex-"
        "a15\"},"
        "{\"name\":\"none\",\"max-cpus\":1}],"
        "\"cpu-models\":[\"max\",\"cortex-a15\"],\"types\":[\"pcie-root-port\",\"virtio-net-pci\"],\"commands\":[\"quit\"]}";

/* --- the record of an emulator --- */

static void test_caps_lookup(void **state) {
        _cleanup_(qemu_caps_freep) QemuCaps *c = NULL;

        assert_int_equal(qemu_caps_from_json(arm_caps, &c), 0);
        assert_int_equal(c->version, 7002000);
        assert_int_equal(c->arch, ARCH_AARCH64);
        assert_true(c->has_kvm);
        assert_string_equal(qemu_caps_machine(c, "virt")->name, "virt-7.2");
        assert_ptr_equal(qemu_caps_machine(c, "virt"), qemu_caps_machine(c, "virt-7.2"));
        assert_null(qemu_caps_machine(c, "pc"));
        assert_true(qemu_caps_has_type(c, "virtio-net-pci"));
        assert_false(qemu_caps_has_type(c, "virtio-net"));
        assert_true(qemu_caps_has_command(c, "quit"));
        assert_false(qemu_caps_has_command(c, "cont"));
        assert_true(qemu_caps_has_cpu(c, "cortex-a15"));
        /* Sorted, whatever the file's order. */
        assert_string_equal(c->cpu_models[0], "cortex-a15");
        assert_string_equal(c->machines[0].name, "none");
}

static void test_caps_round_trip(void **state) {
        _cleanup_(qemu_caps_freep) QemuCaps *a = NULL, *b = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL;

        assert_int_equal(qemu_caps_from_json(arm_caps, &a), 0);
        assert_int_equal(qemu_caps_to_json(a, &first), 0);
        assert_int_equal(qemu_caps_from_json(first, &b), 0);
        assert_int_equal(qemu_caps_to_json(b, &second), 0);
        assert_string_equal(first, second);
        assert_non_null(strstr(first, "\"default-cpu\":\"cortex-a15\""));
}

static void test_caps_invalid(void **state) {
        static const char *const invalid[] = {
                "",
                "{",
                "[]",
                "null",
                "7",
                "{}",
                "{\"version\":-1,\"arch\":\"x86_64\",\"machines\":[],\"cpu-models\":[],\"types\":[],"
                "\"commands\":[]}",
                "{\"version\":99999999999,\"arch\":\"x86_64\",\"machines\":[],\"cpu-models\":[],\"types\":[],"
                "\"commands\":[]}",
                "{\"version\":1,\"arch\":\"vax\",\"machines\":[],\"cpu-models\":[],\"types\":[],\"commands\":"
                "[]}",
                "{\"version\":1,\"arch\":7,\"machines\":[],\"cpu-models\":[],\"types\":[],\"commands\":[]}",
                "{\"version\":1,\"arch\":\"x86_64\",\"machines\":{},\"cpu-models\":[],\"types\":[],"
                "\"commands\":[]}",
                "{\"version\":1,\"arch\":\"x86_64\",\"machines\":[7],\"cpu-models\":[],\"types\":[],"
                "\"commands\":[]}",
                "{\"version\":1,\"arch\":\"x86_64\",\"machines\":[{\"name\":\"pc\"}],\"cpu-models\":[],"
                "\"types\":[],\"commands\":[]}",
                "{\"version\":1,\"arch\":\"x86_64\",\"machines\":[],\"cpu-models\":[null],\"types\":[],"
                "\"commands\":[]}",
                "{\"version\":1,\"arch\":\"x86_64\",\"machines\":[],\"cpu-models\":[],\"types\":[]}",
                "[[[[[[[[[[[[[[[[[[[[[[[[",
        };

        for (size_t i = 0; i < ELEMENTSOF(invalid); i++) {
                QemuCaps *c = NULL;
                int r = qemu_caps_from_json(invalid[i], &c);
                if (r >= 0)
                        fail_msg("accepted: %s", invalid[i]);
                assert_null(c);
        }
}

/* --- rendering --- */

static void test_options(void **state) {
        Options o = {};
        _cleanup_free_ char *s = NULL;

        options_word(&o, "a,b");
        options_add(&o, "path", "/x,y,,z");
        options_add(&o, "absent", NULL);
        options_addf(&o, "n", "%d,%d", 1, 2);
        options_bool(&o, "yes", true);
        options_bool(&o, "no", false);
        options_add(&o, "empty", "");
        assert_int_equal(options_finish(&o, &s), 0);
        assert_string_equal(s, "a,,b,path=/x,,y,,,,z,n=1,,2,yes=on,no=off,empty=");
}

static void test_json(void **state) {
        Json j = {}, sub = {};
        _cleanup_free_ char *s = NULL;

        json_add_string(&j, "z", "/a\"b\\");
        json_add_string(&j, "absent", NULL);
        json_add_opt_uint(&j, "absent", (OptUint) {});
        json_add_opt_uint(&j, "zero", OPT_UINT(0));
        json_add_uint(&j, "big", UINT64_MAX);
        json_add_tristate(&j, "absent", TRI_UNSET);
        json_add_tristate(&j, "no", TRI_NO);
        json_add_bool(&sub, "yes", true);
        json_add_sub(&j, "sub", &sub);
        json_add_null(&j, "null");
        json_add_stringf(&j, "a", "%s%d", "x", 1);
        assert_int_equal(json_finish(&j, &s), 0);
        /* In the order of the calls, without escapes that nobody needs. */
        assert_string_equal(s, "{\"z\":\"/a\\\"b\\\\\",\"zero\":0,\"big\":18446744073709551615,\"no\":false,"
                               "\"sub\":{\"yes\":true},\"null\":null,\"a\":\"x1\"}");
        assert_null(j.object);
}

static void test_fd_kinds(void **state) {
        for (int i = PLAN_FD_FILE; i <= PLAN_FD_PAIR; i++)
                assert_int_equal(plan_fd_kind_from_string(plan_fd_kind_to_string(i)), i);
        assert_null(plan_fd_kind_to_string(0));
}

/* --- machines --- */

static void test_machines(void **state) {
        static const struct { const char *name; Arch arch; bool i440fx, q35, virt;
        } machines[] = {
                { "pc", ARCH_X86_64, true },
                { "pc-i440fx-7.2", ARCH_X86_64, true },
                { "pc-1.3", ARCH_I686, true },
                { "q35", ARCH_X86_64, false, true },
                { "pc-q35-7.2", ARCH_X86_64, false, true },
                { "isapc", ARCH_X86_64 },
                { "microvm", ARCH_X86_64 },
                { "pc-", ARCH_X86_64 },
                { "virt", ARCH_X86_64 },
                { "virt-7.2", ARCH_AARCH64, false, false, true },
                { "pc", ARCH_AARCH64 },
                { NULL, ARCH_X86_64 },
        };

        FOREACH_ARRAY(m, machines, ELEMENTSOF(machines)) {
                Domain d = { .os = { .arch = m->arch, .machine = (char *) m->name } };
                assert_int_equal(machine_is_i440fx(&d), m->i440fx);
                assert_int_equal(machine_is_q35(&d), m->q35);
                assert_int_equal(machine_is_virt(&d), m->virt);
        }
}

/* --- domains --- */

static Domain *arm_domain(void) {
        Domain *d = domain_new();

        assert_non_null(d);
        d->name = strdup("arm");
        d->type = DOMAIN_QEMU;
        d->memory = UINT64_C(64) << 20;
        d->os.type = OS_HVM;
        d->os.arch = ARCH_AARCH64;
        assert_true(ARRAY_GROW(d->interfaces, d->n_interfaces));
        d->interfaces[d->n_interfaces++] = (DomainInterface) { .type = INTERFACE_USER };
        return d;
}

static void test_virt(void **state) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_(domain_freep) Domain *d = arm_domain();
        _cleanup_qemu_argv_ QemuArgv argv = {};
        const DeviceAddress *a;

        assert_int_equal(qemu_caps_from_json(arm_caps, &caps), 0);
        assert_int_equal(domain_complete(d, &host_facts_generic, NULL), 0);
        assert_int_equal(qemu_domain_complete(d, caps, &host_facts_generic, NULL), 0);
        assert_string_equal(d->os.machine, "virt-7.2");
        assert_string_equal(d->interfaces[0].model, "virtio");
        assert_string_equal(controller_find(d, CONTROLLER_PCI, 0)->model, "pcie-root");
        assert_null(controller_find(d, CONTROLLER_USB, 0));
        a = &d->interfaces[0].info.address;
        assert_int_equal(a->type, ADDRESS_PCI);
        assert_int_equal(a->bus.value, 1);
        assert_int_equal(a->slot.value, 0);
        assert_int_equal(
                qemu_argv_new(d, caps, &host_facts_generic, QEMU_ARGV_WIRED, "/run/vmunit/arm", NULL, &argv),
                0);
        assert_true(strv_contains(argv.argv,
                                  "virt-7.2,usb=off,gic-version=2,dump-guest-core=off,memory-backend=mach-virt.ram"));
        assert_true(strv_contains(argv.argv, "-no-acpi"));
}

/* KVM runs the host's own kind of machine only. */
static void test_foreign_kvm(void **state) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_(domain_freep) Domain *d = arm_domain();
        _cleanup_diag_ Diag diag = {};

        assert_int_equal(qemu_caps_from_json(arm_caps, &caps), 0);
        d->type = DOMAIN_KVM;
        assert_int_equal(domain_complete(d, &host_facts_generic, NULL), 0);
        assert_int_equal(qemu_domain_complete(d, caps, &host_facts_generic, &diag), -EINVAL);
        assert_non_null(strstr(diag_first_error(&diag), "type='qemu'"));
}

static void test_controller_order(void **state) {
        _cleanup_(domain_freep) Domain *d = domain_new();

        assert_int_equal(controller_add(d, CONTROLLER_SCSI, 1, NULL), 1);
        assert_int_equal(controller_add(d, CONTROLLER_USB, 0, "ehci"), 1);
        assert_int_equal(controller_add(d, CONTROLLER_SCSI, 0, NULL), 1);
        assert_int_equal(controller_add(d, CONTROLLER_SCSI, 2, NULL), 1);
        assert_int_equal(controller_add(d, CONTROLLER_SCSI, 1, "lsilogic"), 0);
        assert_int_equal(d->n_controllers, 4);
        assert_int_equal(d->controllers[0].index.value, 1);
        domain_sort_controllers(d);
        assert_int_equal(d->controllers[0].index.value, 0);
        assert_int_equal(d->controllers[1].index.value, 1);
        assert_int_equal(d->controllers[2].index.value, 2);
        assert_int_equal(d->controllers[3].type, CONTROLLER_USB);
        assert_null(d->controllers[1].model);
}

/* What a bus accepts is consistent: every bridge can be plugged in somewhere, and has a slot. */
static void test_pci_models(void **state) {
        static const char *const names[] = {
                "pci-root",
                "pcie-root",
                "pci-bridge",
                "pcie-root-port",
                "pcie-to-pci-bridge",
                "dmi-to-pci-bridge",
                "pcie-switch-upstream-port",
                "pcie-switch-downstream-port",
                "pci-expander-bus",
                "pcie-expander-bus",
        };
        unsigned accepts = 0;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                accepts |= pci_model_find(names[i])->accepts;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const PciModel *m = pci_model_find(names[i]);
                assert_true(m->min_slot <= m->max_slot && m->max_slot < 32);
                assert_int_equal(m->connect & PCI_CONNECT_MASK & ~accepts, 0);
                assert_true(endswith(names[i], "-root") ? !m->device : m->device && m->connect);
        }
        assert_null(pci_model_find("pci"));
}

/* --- command lines --- */

static void test_parse_limit(void **state) {
        _cleanup_free_ char *text = calloc(1, QEMU_PARSE_TEXT_MAX + 2);
        _cleanup_strv_ char **env = NULL, **argv = NULL;
        _cleanup_diag_ Diag diag = {};

        assert_non_null(text);
        memset(text, 'x', QEMU_PARSE_TEXT_MAX + 1);
        assert_true(qemu_parse_shell(text, QEMU_PARSE_TEXT_MAX + 1, &diag, &env, &argv) < 0);
        assert_non_null(strstr(diag_first_error(&diag), "more than 1024 KiB"));
        assert_int_equal(qemu_parse_shell(text, QEMU_PARSE_TEXT_MAX, NULL, &env, &argv), 0);
        assert_int_equal(strv_length(argv), 1);
}

static void test_argv_equal(void **state) {
        char *some[] = { (char *) "qemu", (char *) "-nodefaults", NULL }, *less[] = { (char *) "qemu", NULL };
        _cleanup_diag_ Diag diag = {}, other = {};

        assert_int_equal(qemu_argv_equal(some, some, &diag), 1);
        assert_int_equal(qemu_argv_equal(some, less, &diag), 0);
        assert_string_equal(diag_first_error(&diag), "only the first one has: -nodefaults");
        assert_int_equal(qemu_argv_equal(less, some, &other), 0);
        assert_string_equal(diag_first_error(&other), "only the second one has: -nodefaults");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_caps_lookup),  cmocka_unit_test(test_caps_round_trip),
                cmocka_unit_test(test_caps_invalid), cmocka_unit_test(test_options),
                cmocka_unit_test(test_json),         cmocka_unit_test(test_fd_kinds),
                cmocka_unit_test(test_machines),     cmocka_unit_test(test_virt),
                cmocka_unit_test(test_foreign_kvm),  cmocka_unit_test(test_controller_order),
                cmocka_unit_test(test_pci_models),
                cmocka_unit_test(test_parse_limit),  cmocka_unit_test(test_argv_equal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
