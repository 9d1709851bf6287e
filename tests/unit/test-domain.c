/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "disk-name.h"
#include "domain-state.h"
#include "domain.h"
#include "host-facts.h"
#include "string-util.h"

static Domain *new_domain(const char *name, size_t n_interfaces) {
        Domain *d = domain_new();

        assert_non_null(d);
        d->type = DOMAIN_KVM;
        d->os.type = OS_HVM;
        d->memory = 1024 * 1024;
        assert_int_equal(free_and_strdup(&d->name, name), 0);
        for (size_t i = 0; i < n_interfaces; i++) {
                assert_true(ARRAY_GROW(d->interfaces, d->n_interfaces));
                d->interfaces[d->n_interfaces++] = (DomainInterface) { .type = INTERFACE_USER };
        }
        return d;
}

static void test_uuid_is_derived(void **state) {
        _cleanup_(domain_freep) Domain *a = new_domain("a", 0), *again = new_domain("a", 0), *b = new_domain("b", 0);
        _cleanup_(domain_freep) Domain *elsewhere = new_domain("a", 0);
        HostFacts other = host_facts_generic;

        other.machine_id[0] ^= 1;
        assert_int_equal(domain_complete(a, &host_facts_generic, NULL), 0);
        assert_int_equal(domain_complete(again, &host_facts_generic, NULL), 0);
        assert_int_equal(domain_complete(b, &host_facts_generic, NULL), 0);
        assert_int_equal(domain_complete(elsewhere, &other, NULL), 0);
        assert_memory_equal(a->uuid, again->uuid, 16);
        assert_memory_not_equal(a->uuid, b->uuid, 16);
        assert_memory_not_equal(a->uuid, elsewhere->uuid, 16);
        assert_int_equal(a->uuid[6] >> 4, 4);
        assert_int_equal(a->uuid[8] >> 6, 2);
}

static void test_macs_do_not_collide(void **state) {
        _cleanup_(domain_freep) Domain *first = new_domain("a", 2), *d = new_domain("a", 3);

        assert_int_equal(domain_complete(first, &host_facts_generic, NULL), 0);
        assert_memory_not_equal(first->interfaces[0].mac, first->interfaces[1].mac, 6);
        assert_int_equal(first->interfaces[0].mac[0], 0x52);

        /* Somebody has written down what would have been derived for the first. */
        d->interfaces[2].has_mac = true;
        memcpy(d->interfaces[2].mac, first->interfaces[0].mac, 6);
        assert_int_equal(domain_complete(d, &host_facts_generic, NULL), 0);
        assert_memory_not_equal(d->interfaces[0].mac, d->interfaces[2].mac, 6);
        assert_memory_equal(d->interfaces[1].mac, first->interfaces[1].mac, 6);
}

static void test_every_arch_has_an_emulator(void **state) {
        for (Arch a = ARCH_UNSET + 1; a < _ARCH_MAX; a++)
                assert_non_null(arch_default_emulator(a));
        assert_null(arch_default_emulator(ARCH_UNSET));
}

static void test_disk_names(void **state) {
        static const struct {
                const char *name;
                int result;
                DiskBus bus;
                unsigned index;
        } names[] = {
                { "vda", 0, BUS_VIRTIO, 0 },   { "sdz", 0, BUS_SCSI, 25 },   { "hdaa", 0, BUS_IDE, 26 }, { "fdb", 0, BUS_FDC, 1 },
                { "vdzz", 0, BUS_VIRTIO, 701 }, { "vdaaa", 0, BUS_VIRTIO, 702 }, { "xvdc", 0, BUS_XEN, 2 },
                { "sda1", -ENOTUNIQ, BUS_SCSI, 0 },
                { "", -EINVAL, 0, 0 }, { "vd", -EINVAL, 0, 0 }, { "vd1", -EINVAL, 0, 0 }, { "vdA", -EINVAL, 0, 0 },
                { "vda/", -EINVAL, 0, 0 }, { "nvme0", -EINVAL, 0, 0 }, { "vdaaaaaaaaaaaa", -EINVAL, 0, 0 },
        };
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                DiskBus bus = 0;
                unsigned index = 0;
                assert_int_equal(disk_name_parse(names[i].name, &bus, &index), names[i].result);
                assert_int_equal(bus, names[i].bus);
                assert_int_equal(index, names[i].index);
        }
}

static void test_words(void **state) {
        static const StringTable *const tables[] = {
                &domain_type_table, &arch_table, &os_type_table, &os_firmware_table, &loader_type_table, &boot_device_table,
                &smbios_mode_table, &lifecycle_action_table, &vcpu_placement_table, &cpu_mode_table, &cpu_match_table,
                &cpu_check_table, &cpu_fallback_table, &cpu_policy_table, &clock_offset_table, &clock_basis_table,
                &timer_name_table, &tick_policy_table, &address_type_table, &disk_type_table, &disk_device_table,
                &disk_bus_table, &disk_format_table, &disk_cache_table, &disk_io_table, &disk_discard_table,
                &disk_detect_zeroes_table, &disk_error_policy_table, &tray_state_table, &controller_type_table,
                &interface_type_table, &net_driver_table, &link_state_table, &char_kind_table, &char_type_table,
                &char_target_table, &char_protocol_table, &socket_mode_table, &graphics_type_table,
                &graphics_listen_table, &vnc_share_policy_table, &video_model_table, &input_type_table, &input_bus_table,
                &balloon_model_table, &rng_model_table, &rng_backend_table, &panic_model_table, &watchdog_model_table,
                &watchdog_action_table, &yes_no_table, &on_off_table,
        };
        for (size_t i = 0; i < ELEMENTSOF(tables); i++) {
                const StringTable *t = tables[i];
                assert_null(string_table_word(t, 0));
                for (size_t v = 1; v < t->n_words; v++) {
                        assert_non_null(string_table_word(t, (int) v));
                        assert_int_equal(string_table_value(t, string_table_word(t, (int) v)), v);
                }
                assert_null(string_table_word(t, (int) t->n_words));
                assert_int_equal(string_table_value(t, "no such word"), -EINVAL);
        }
}

static void test_state_line(void **state) {
        static const struct {
                DomainState state;
                DomainReason reason;
        } lines[] = {
                { STATE_RUNNING, REASON_BOOTED }, { STATE_PAUSED, REASON_IO_ERROR }, { STATE_PAUSED, REASON_GUEST_PANICKED },
                { STATE_SHUT_OFF, REASON_CRASHED }, { STATE_CRASHED, REASON_PANICKED }, { STATE_IN_SHUTDOWN, REASON_USER },
        };
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                char line[DOMAIN_STATE_LINE];
                DomainState s;
                DomainReason r;
                domain_state_format(lines[i].state, lines[i].reason, line);
                assert_int_equal(domain_state_parse(line, sizeof(line), &s, &r), 0);
                assert_int_equal(s, lines[i].state);
                assert_int_equal(r, lines[i].reason);
                assert_int_equal(domain_state_parse(line, sizeof(line) - 1, &s, &r), -EINVAL);
        }
}

static void test_validate_without_diag(void **state) {
        _cleanup_(domain_freep) Domain *d = new_domain("a", 0);

        assert_int_equal(domain_complete(d, &host_facts_generic, NULL), 0);
        assert_int_equal(domain_validate(d, NULL), 0);
        d->memory = 0;
        assert_int_equal(domain_validate(d, NULL), -EINVAL);
        assert_null(domain_free(NULL));
}

static void test_session(void **state) {
        struct {
                const char *words;
                DomainInterface interface;
                DomainHostdev hostdev;
                DomainDisk disk;
                ThreadSched sched;
                DomainSeclabel label;
                bool locked;
                HostShutdown shutdown;
        } cases[] = {
                { NULL, .interface = { .type = INTERFACE_USER } },
                { NULL, .interface = { .type = INTERFACE_ETHERNET, .target_managed = TRI_NO } },
                { NULL, .sched.scheduler = SCHEDULER_BATCH },
                { NULL, .label.type = SECLABEL_DYNAMIC },
                { "interface of type 'bridge'", .interface = { .type = INTERFACE_BRIDGE } },
                { "interface of type 'network'", .interface = { .type = INTERFACE_NETWORK } },
                { "interface of type 'ethernet'", .interface = { .type = INTERFACE_ETHERNET } },
                { "interface of type 'direct'", .interface = { .type = INTERFACE_DIRECT } },
                { "interface of type 'hostdev'", .interface = { .type = INTERFACE_HOSTDEV } },
                { "interface of type 'vdpa'", .interface = { .type = INTERFACE_VDPA } },
                { "hostdev", .hostdev.info.loc.line = 1 },
                { "disk with rawio='yes'", .disk.rawio = TRI_YES },
                { "memoryBacking/locked", .locked = true },
                { NULL, .shutdown = HOST_SHUTDOWN_SHUTDOWN },
                { "host-shutdown", .shutdown = HOST_SHUTDOWN_SAVE },
                { "host-shutdown", .shutdown = HOST_SHUTDOWN_DESTROY },
                { "cputune: scheduler of real time", .sched.scheduler = SCHEDULER_FIFO },
                { "seclabel of type 'static'", .label.type = SECLABEL_STATIC },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                typeof(cases[0]) c = cases[i];
                Domain d = {
                        .interfaces = &c.interface, .n_interfaces = c.interface.type != 0,
                        .hostdevs = &c.hostdev, .n_hostdevs = c.hostdev.info.loc.line,
                        .disks = &c.disk, .n_disks = 1,
                        .seclabels = &c.label, .n_seclabels = 1,
                        .cputune = { .vcpuscheds = &c.sched, .n_vcpuscheds = 1 },
                        .memory_backing.locked = c.locked,
                        .host_shutdown.action = c.shutdown,
                };
                _cleanup_diag_ Diag diag = {};

                assert_int_equal(domain_check_session(&d, &diag), c.words ? -EPERM : 0);
                assert_int_equal(diag.n_errors, c.words != NULL);
                if (c.words)
                        assert_ptr_equal(strstr(diag_first_error(&diag), c.words), diag_first_error(&diag));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_uuid_is_derived), cmocka_unit_test(test_macs_do_not_collide),
                cmocka_unit_test(test_every_arch_has_an_emulator), cmocka_unit_test(test_disk_names),
                cmocka_unit_test(test_words), cmocka_unit_test(test_state_line), cmocka_unit_test(test_session), cmocka_unit_test(test_validate_without_diag),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
