/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "file-util.h"
#include "host-resources.h"
#include "qemu-pages.h"
#include "string-util.h"
#include "strv.h"
#include "test-directory.h"
#include "test-elements.h"
#include "unit-host.h"
#include "unit-overrides.h"

/* What a machine has, against what a definition wants of it. */

#define _cleanup_directory_ _cleanup_(test_directory_removep)
static void test_directory_removep(char **path) {
        test_directory_remove(*path);
}

#define MIB (UINT64_C(1) << 20)

/* A machine with CPUs 0 to 3, two NUMA nodes, and huge pages. */
static HostPool pools[2][2] = { { { 2 * MIB, 100 }, { 1024 * MIB, 0 } }, { { 2 * MIB, 20 }, { 1024 * MIB, 1 } } };
static HostNode nodes[2] = {
        { .id = 0, .memory = 4096 * MIB, .free = 600 * MIB, .cpus = { { 0x3 } }, .pools = pools[0], .n_pools = 2 },
        { .id = 1, .memory = 4096 * MIB, .free = 900 * MIB, .cpus = { { 0xc } }, .pools = pools[1], .n_pools = 2 },
};

static HostFacts machine(HostControllers controllers) {
        HostFacts f = host_facts_generic;

        f.resources = (HostResources) {
                .known = true, .cpus = { { 0xf } }, .nodes = nodes, .n_nodes = 2, .controllers = controllers,
        };
        return f;
}

#define ALL (CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_MEMORY | CONTROLLER_IO)

#define M64 "<memory unit='MiB'>64</memory>"
#define CELL "<cpu><numa><cell id='0' cpus='0' memory='65536'/></numa></cpu>"

static void test_missing(void **state) {
        static const struct {
                const char *xml;
                HostControllers controllers;
                const char *error; /* NULL: none */
        } cases[] = {
                { "", 0, NULL },
                { "<vcpu cpuset='0-3'>1</vcpu>", ALL, NULL },
                { "<vcpu cpuset='0-4'>1</vcpu>", ALL, "vcpu @cpuset: this machine has no CPU 4, or it is offline" },
                { "<cputune><vcpupin vcpu='0' cpuset='99'/></cputune>", ALL,
                  "vcpupin 0: this machine has no CPU 99, or it is offline" },
                { "<cputune><emulatorpin cpuset='0,99'/></cputune>", ALL,
                  "emulatorpin: this machine has no CPU 99, or it is offline" },
                { "<iothreads>2</iothreads><cputune><iothreadpin iothread='2' cpuset='9'/></cputune>", ALL,
                  "iothreadpin 2: this machine has no CPU 9, or it is offline" },
                { "<numatune><memory nodeset='1'/></numatune>", ALL, NULL },
                { "<numatune><memory nodeset='7'/></numatune>", ALL, "numatune: this machine has no NUMA node 7 with memory" },
                { "<numatune><memnode cellid='0' mode='strict' nodeset='2'/></numatune>" CELL, ALL,
                  "memnode: this machine has no NUMA node 2 with memory" },
                { "<cputune><shares>1024</shares></cputune>", ALL & ~CONTROLLER_CPU,
                  "<cputune> needs the cgroup controller 'cpu', which this machine does not have" },
                { "<cputune><global_quota>5000</global_quota></cputune>", ALL & ~CONTROLLER_CPU,
                  "<cputune> needs the cgroup controller 'cpu', which this machine does not have" },
                { "<vcpu cpuset='0'>1</vcpu>", ALL & ~CONTROLLER_CPUSET,
                  "<vcpu cpuset> needs the cgroup controller 'cpuset', which this machine does not have" },
                { "<vcpu>1</vcpu><cputune><emulatorpin cpuset='0'/></cputune>", ALL & ~CONTROLLER_CPUSET,
                  "<cputune> needs the cgroup controller 'cpuset', which this machine does not have" },
                { "<numatune><memory nodeset='1'/></numatune>", ALL & ~CONTROLLER_CPUSET,
                  "<numatune> needs the cgroup controller 'cpuset', which this machine does not have" },
                { "<numatune><memory mode='preferred' nodeset='1'/></numatune>", 0, NULL },
                { "<memtune><hard_limit>65536</hard_limit></memtune>", ALL & ~CONTROLLER_MEMORY,
                  "<memtune> needs the cgroup controller 'memory', which this machine does not have" },
                { "<blkiotune><weight>100</weight></blkiotune>", ALL & ~CONTROLLER_IO,
                  "<blkiotune> needs the cgroup controller 'io', which this machine does not have" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *xml = strf(M64 "%s", cases[i].xml);
                _cleanup_(domain_freep) Domain *d = domain_of(xml);
                HostFacts f = machine(cases[i].controllers);
                _cleanup_diag_ Diag diag = {};

                assert_int_equal(domain_wants_resources(d), *cases[i].xml != 0);
                int r = domain_check_resources(d, &f, &diag);
                assert_int_equal(r, cases[i].error ? -ENODEV : 0);
                assert_true(streq_ptr(diag_first_error(&diag), cases[i].error));
                assert_int_equal(diag.n_errors, cases[i].error ? 1 : 0);
                if (cases[i].error)
                        assert_int_equal(diag.entries[0].loc.line, 1);

                f.lenient = true;
                diag_truncate(&diag, 0);
                assert_int_equal(domain_check_resources(d, &f, &diag), 0);
                assert_int_equal(diag.n_entries, cases[i].error ? 1 : 0);
                f.lenient = false;
                f.resources.known = false;
                assert_int_equal(domain_check_resources(d, &f, NULL), 0);
        }
}

static void test_forget_absent(void **state) {
        _cleanup_(domain_freep) Domain *d = domain_of(
                M64 "<vcpu cpuset='2-9'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='9'/><vcpupin vcpu='1' cpuset='1,9'/>"
                "<emulatorpin cpuset='9'/></cputune><numatune><memory nodeset='7'/><memnode cellid='0' mode='strict' nodeset='1,7'/>"
                "</numatune><cpu><numa><cell id='0' cpus='0-1' memory='65536'/></numa></cpu>");
        HostFacts f = machine(ALL);

        domain_forget_absent(d, &f.resources);
        assert_int_equal(d->vcpu_cpuset.bits[0], 0xc);
        assert_int_equal(d->cputune.n_vcpupins, 1);
        assert_int_equal(d->cputune.vcpupins[0].id.value, 1);
        assert_int_equal(d->cputune.vcpupins[0].cpus.bits[0], 0x2);
        assert_false(d->cputune.has_emulatorpin);
        assert_false(d->numatune.has_nodes);
        assert_int_equal(d->numatune.memnodes[0].nodes.bits[0], 0x2);
}

static void test_place(void **state) {
        static const struct {
                const char *xml;
                unsigned nodes; /* 0: nothing to place */
                const char *text;
        } cases[] = {
                { M64, 0, "<vcpu placement='static'>1</vcpu>" },
                { M64 "<vcpu placement='auto'>1</vcpu>", 2, "<vcpu placement='static' cpuset='2-3'>1</vcpu>" },
                { M64 "<vcpu placement='auto'>1</vcpu>", 2, "<memory mode='strict' nodeset='1'/>" },
                { M64 "<vcpu cpuset='0'>1</vcpu><numatune><memory mode='interleave' placement='auto'/></numatune>", 2,
                  "<memory mode='interleave' nodeset='1'/>" },
                { M64 "<vcpu cpuset='0'>1</vcpu><numatune><memory mode='interleave' placement='auto'/></numatune>", 2,
                  "<vcpu placement='static' cpuset='0'>1</vcpu>" },
                { "<memory unit='MiB'>900</memory><vcpu placement='auto'>1</vcpu>", 2, "nodeset='1'" },
                { "<memory unit='MiB'>901</memory><vcpu placement='auto'>1</vcpu>", 3, "nodeset='0-1'" },
                { "<memory unit='GiB'>90</memory><vcpu placement='auto'>1</vcpu>", 3, "nodeset='0-1'" },
                { "<memory unit='GiB'>90</memory><vcpu placement='auto'>1</vcpu><numatune><memory mode='preferred'"
                  " placement='auto'/></numatune>", 2, "<memory mode='preferred' nodeset='1'/>" },
                { M64 "<vcpu placement='auto'>1</vcpu><numatune><memory mode='strict' nodeset='0'/></numatune>", 1,
                  "<vcpu placement='static' cpuset='0-1'>1</vcpu>" },
                /* Huge pages are another matter: node 0 has more of the small ones, node 1 the only large one. */
                { M64 "<vcpu placement='auto'>1</vcpu><memoryBacking><hugepages/></memoryBacking>", 1, "nodeset='0'" },
                { M64 "<vcpu placement='auto'>1</vcpu><memoryBacking><hugepages><page size='1' unit='G'/></hugepages></memoryBacking>",
                  2, "nodeset='1'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(domain_freep) Domain *d = domain_of(cases[i].xml);
                HostFacts f = machine(ALL);
                NumberSet chosen = {};

                assert_int_equal(domain_place(d, &f.resources, &chosen), cases[i].nodes > 0);
                assert_int_equal(chosen.bits[0], cases[i].nodes);
                _cleanup_free_ char *text = NULL;
                assert_int_equal(domain_to_xml(d, 0, &text), 0);
                if (!strstr(text, cases[i].text))
                        fail_msg("%s: no %s in %s", cases[i].xml, cases[i].text, text);
                assert_null(strstr(text, "'auto'"));
                assert_false(domain_place(d, &f.resources, &chosen));
        }
}

static void test_pages(void **state) {
#define HUGE "<memoryBacking><hugepages/></memoryBacking>"
#define CELLS(a, b) "<vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0' memory='" a "' unit='MiB'/><cell id='1' cpus='1' memory='" b "' unit='MiB'/></numa></cpu>"
        static const struct {
                const char *xml, *error;
        } cases[] = {
                { M64, NULL },
                { "<memory unit='MiB'>240</memory>" HUGE, NULL },
                { "<memory unit='MiB'>242</memory>" HUGE,
                  "memory needs 121 huge pages of 2048 KiB; free are: 100 on node 0, 20 on node 1" },
                { "<memory unit='MiB'>40</memory><numatune><memory nodeset='1'/></numatune>" HUGE, NULL },
                { "<memory unit='MiB'>64</memory><numatune><memory nodeset='1'/></numatune>" HUGE,
                  "memory needs 32 huge pages of 2048 KiB; free are: 20 on node 1" },
                { "<memory unit='MiB'>64</memory><numatune><memory mode='restrictive' nodeset='1'/></numatune>" HUGE,
                  "memory needs 32 huge pages of 2048 KiB; free are: 20 on node 1" },
                { "<memory unit='MiB'>64</memory><numatune><memory mode='preferred' nodeset='1'/></numatune>" HUGE, NULL },
                { "<memory unit='MiB'>1024</memory><memoryBacking><hugepages><page size='1' unit='G'/></hugepages></memoryBacking>",
                  NULL },
                { "<memory unit='MiB'>2048</memory><memoryBacking><hugepages><page size='1' unit='G'/></hugepages></memoryBacking>",
                  "memory needs 2 huge pages of 1048576 KiB; free are: 0 on node 0, 1 on node 1" },
                { "<memory unit='MiB'>64</memory><memoryBacking><hugepages><page size='64' unit='K'/></hugepages></memoryBacking>",
                  "memory needs 1024 huge pages of 64 KiB; free are: 0 on node 0, 0 on node 1" },
                { "<memory unit='MiB'>240</memory>" CELLS("200", "40") HUGE
                  "<numatune><memnode cellid='0' mode='strict' nodeset='0'/><memnode cellid='1' mode='strict' nodeset='1'/></numatune>",
                  NULL },
                { "<memory unit='MiB'>240</memory>" CELLS("198", "42") HUGE
                  "<numatune><memnode cellid='0' mode='strict' nodeset='0'/><memnode cellid='1' mode='strict' nodeset='1'/></numatune>",
                  "memory of the guest's NUMA node 1 needs 21 huge pages of 2048 KiB; free are: 20 on node 1" },
                { "<memory unit='MiB'>240</memory>" CELLS("120", "120")
                  "<memoryBacking><hugepages><page size='2' unit='M' nodeset='1'/></hugepages></memoryBacking>", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(domain_freep) Domain *d = domain_of(cases[i].xml);
                HostFacts f = machine(ALL);
                _cleanup_diag_ Diag diag = {};

                assert_int_equal(qemu_check_huge_pages(d, &f, &diag), cases[i].error ? -ENOMEM : 0);
                if (!streq_ptr(diag_first_error(&diag), cases[i].error))
                        fail_msg("%s: %s", cases[i].xml, strempty(diag_first_error(&diag)));
        }
        assert_int_equal(pools[0][0].free, 100);
}

/* --- what is read --- */

static void put(const char *dir, const char *path, const char *text) {
        _cleanup_free_ char *full = strf("%s/%s", dir, path);

        char *slash = strrchr(full, '/');
        *slash = 0;
        assert_int_equal(mkdir_parents(full, 0755), 0);
        *slash = '/';
        _cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

#define NODE "sys/devices/system/node/node"

static void test_gather(void **state) {
        _cleanup_directory_ char *dir = test_directory_new();
        _cleanup_host_resources_ HostResources r = {};

        put(dir, "sys/devices/system/cpu/online", "0-2,5\n");
        put(dir, "sys/devices/system/node/has_memory", "0,3\n");
        put(dir, NODE "0/cpulist", "0-2\n");
        put(dir, NODE "0/meminfo", "Node 0 MemTotal:        2048 kB\nNode 0 MemFree:         1024 kB\nNode 0 MemUsed: 7 kB\n");
        put(dir, NODE "0/hugepages/hugepages-2048kB/free_hugepages", "7\n");
        put(dir, NODE "3/cpulist", "\n");
        put(dir, NODE "3/meminfo", "Node 3 MemTotal:       10 kB\n");
        put(dir, NODE "4/meminfo", "Node 4 MemTotal:       10 kB\n");
        put(dir, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io hugetlb pids\n");

        assert_int_equal(host_resources_gather(dir, &r), 0);
        assert_true(r.known);
        assert_int_equal(r.cpus.bits[0], 0x27);
        assert_int_equal(r.n_nodes, 2);
        assert_int_equal(r.nodes[0].memory, 2 * MIB);
        assert_int_equal(r.nodes[0].free, MIB);
        assert_int_equal(r.nodes[0].cpus.bits[0], 0x7);
        assert_int_equal(r.nodes[0].n_pools, 1);
        assert_int_equal(r.nodes[0].pools[0].size, 2 * MIB);
        assert_int_equal(r.nodes[0].pools[0].free, 7);
        assert_non_null(host_resources_node(&r, 3));
        assert_null(host_resources_node(&r, 4));
        assert_int_equal(r.controllers, CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_IO);
}

static void test_gather_without_numa(void **state) {
        _cleanup_directory_ char *dir = test_directory_new();
        _cleanup_host_resources_ HostResources r = {}, nothing = {};

        assert_int_equal(host_resources_gather(dir, &nothing), 0);
        assert_int_equal(nothing.controllers, 0);
        put(dir, "sys/devices/system/cpu/online", "0-1\n");
        put(dir, "proc/meminfo", "MemTotal:        2048 kB\nMemFree:         1024 kB\n");
        put(dir, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
        assert_int_equal(host_resources_gather(dir, &r), 0);
        assert_int_equal(r.n_nodes, 1);
        assert_int_equal(r.nodes[0].free, MIB);
        assert_int_equal(r.nodes[0].cpus.bits[0], 0x3);
        assert_int_equal(r.nodes[0].pools[0].free, 3);
}

static void test_block_devices(void **state) {
        static const struct {
                const char *path, *reason;
        } cases[] = {
                { "/nowhere/sda", "No such file or directory" }, { "/dev/null", "it is not a block device" },
                { "/etc", "it is not a block device" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *xml = strf(M64 "<blkiotune><device><path>%s</path><weight>100</weight></device></blkiotune>",
                                                cases[i].path);
                _cleanup_free_ char *error = strf("blkiotune: device '%s': %s", cases[i].path, cases[i].reason);
                _cleanup_(domain_freep) Domain *d = domain_of(xml);
                _cleanup_diag_ Diag diag = {};

                assert_int_equal(host_check_block_devices(d, true, &diag), 0);
                assert_int_equal(diag.n_entries, 1);
                assert_int_equal(host_check_block_devices(d, false, &diag), -ENODEV);
                assert_string_equal(diag_first_error(&diag), error);
        }
}

/* --- what was set at run time --- */

#define CONTROL "run/systemd/system.control/vm@x.service.d/"

static void test_overrides(void **state) {
        _cleanup_directory_ char *dir = test_directory_new();
        _cleanup_strv_ char **names = NULL, **left = NULL;

        assert_int_equal(unit_overrides_list(dir, "vm@x.service", &names), 0);
        assert_null(names);
        put(dir, CONTROL "50-MemoryMax.conf", "");
        put(dir, CONTROL "50-CPUWeight.conf", "");
        put(dir, CONTROL "50-TasksMax.conf", ""); /* not ours */
        put(dir, "run/systemd/system.control/vm@y.service.d/50-IOWeight.conf", "");
        assert_int_equal(unit_overrides_list(dir, "vm@x.service", &names), 0);
        _cleanup_free_ char *joined = strv_join(names, " ");
        assert_string_equal(joined, "CPUWeight MemoryMax");
        assert_int_equal(unit_overrides_remove(dir, "vm@x.service", names), 0);
        assert_int_equal(unit_overrides_remove(dir, "vm@x.service", names), 0);
        assert_int_equal(unit_overrides_list(dir, "vm@x.service", &left), 0);
        assert_null(left);
}

static void test_dropin_differs(void **state) {
        _cleanup_directory_ char *dir = test_directory_new();

        assert_int_equal(unit_dropin_differs(dir, "vm@x.service", "a\n"), 0);
        put(dir, "run/systemd/generator/vm@x.service.d/10-vmunit.conf", "a\n");
        assert_int_equal(unit_dropin_differs(dir, "vm@x.service", "a\n"), 0);
        assert_int_equal(unit_dropin_differs(dir, "vm@x.service", "b\n"), 1);
}

static void test_quota_is_mended(void **state) {
        static const char *const places[] = { CONTROL, "run/systemd/transient/vm@x.service.d/" };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_directory_ char *dir = test_directory_new();
                _cleanup_free_ char *name = strf("%s50-CPUQuota.conf", places[i]), *path = strf("%s/%s", dir, name), *text = NULL;
                struct stat before, after;

                assert_int_equal(unit_overrides_mend_quota(dir, "vm@x.service", "1250"), -ENOENT);
                put(dir, name, "[Service]\nCPUQuota=12%\n");
                assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]) { { 100, 5 }, { 200, 7 } }, 0), 0);
                assert_int_equal(stat(path, &before), 0);
                assert_int_equal(unit_overrides_mend_quota(dir, "vm@x.service", "1250"), 0);
                assert_int_equal(stat(path, &after), 0);
                assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
                assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
                assert_int_equal(read_file_limited(AT_FDCWD, path, 4096, &text, NULL), 0);
                assert_non_null(strstr(text, "[Service]\nCPUQuota=\nCPUQuota=12.50%\n"));
                assert_int_equal(unit_overrides_mend_quota(dir, "vm@x.service", "x"), -EINVAL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_missing),        cmocka_unit_test(test_forget_absent), cmocka_unit_test(test_place),
                cmocka_unit_test(test_pages),          cmocka_unit_test(test_gather),
                cmocka_unit_test(test_gather_without_numa), cmocka_unit_test(test_block_devices),
                cmocka_unit_test(test_overrides),      cmocka_unit_test(test_dropin_differs),
                cmocka_unit_test(test_quota_is_mended),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
