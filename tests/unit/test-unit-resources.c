/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "string-util.h"
#include "strv.h"
#include "test-elements.h"
#include "test-message.h"
#include "unit-properties.h"
#include "unit-resources.h"

/* What the elements of resource control become. A row is the XML that is put into a definition, and the lines of the
 * drop-in, the text of the error, or the bytes on the bus that have to come of it. */

#define DIGEST "00112233445566778899aabbccddeeff"

static int properties_of(const char *elements, const HostFacts *facts, Diag *diag, UnitProperties *ret) {
        _cleanup_free_ char *all = strf("<memory unit='MiB'>64</memory>%s", elements);
        _cleanup_(domain_freep) Domain *d = domain_of(all);

        return unit_properties_new(d, facts, DIGEST, "/etc/vm/x.xml", diag, ret);
}

/* The lines of the drop-in that are this table's, joined by "|": those of others would be there for any VM. */
static char *lines_of(const UnitProperties *p) {
        static const char *const names[] = {
                "CPU", "Allowed", "NUMA", "MemoryM", "MemoryH", "MemoryS", "IO", "Limit", "RestrictRealtime", "Slice",
        };
        _cleanup_strv_ char **lines = NULL, **found = NULL;
        _cleanup_free_ char *text = NULL;

        assert_int_equal(unit_properties_to_dropin(p, "/etc/vm/x.xml", &text), 0);
        assert_int_equal(strv_split(text, "\n", &lines), 0);
        STRV_FOREACH(l, lines)
                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        if (startswith(*l, names[i])) {
                                assert_int_equal(strv_extend(&found, *l), 0);
                                break;
                        }
        return found ? strv_join(found, "|") : strdup("");
}

static const struct {
        const char *xml, *lines;
} rows[] = {
        { "", "" },
        /* Processor time. */
        { "<cputune><shares>1024</shares></cputune>", "CPUWeight=100" },
        { "<cputune><shares>2048</shares></cputune>", "CPUWeight=200" },
        { "<cputune><shares>2</shares></cputune>", "CPUWeight=1" },
        { "<cputune><shares>262144</shares></cputune>", "CPUWeight=10000" },
        { "<cputune><global_quota>50000</global_quota></cputune>", "CPUQuota=50%" },
        { "<cputune><global_period>1000000</global_period><global_quota>1000</global_quota></cputune>",
          "CPUQuota=0.10%|CPUQuotaPeriodSec=1000000us" },
        { "<cputune><global_period>1000</global_period><global_quota>2005</global_quota></cputune>",
          "CPUQuota=200.50%|CPUQuotaPeriodSec=1000us" },
        { "<cputune><global_period>30000</global_period><global_quota>10000</global_quota></cputune>",
          "CPUQuota=33.34%|CPUQuotaPeriodSec=30000us" },
        { "<cputune><global_quota>-1</global_quota></cputune>", "" },
        { "<cputune><period>10000</period><quota>5000</quota></cputune>", "" },
        /* CPUs. */
        { "<vcpu cpuset='0-3,^2'>2</vcpu>", "AllowedCPUs=0-1,3" },
        { "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='2'/></cputune>", "" },
        { "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='2'/><emulatorpin cpuset='5'/></cputune>",
          "AllowedCPUs=1-2,5" },
        { "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='5'/></cputune>", "" },
        { "<vcpu cpuset='8'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='5'/></cputune>",
          "AllowedCPUs=1,5,8" },
        { "<vcpu>1</vcpu><iothreads>1</iothreads><cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='5'/></cputune>", "" },
        { "<vcpu>1</vcpu><iothreads>1</iothreads><cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='5'/>"
          "<iothreadpin iothread='1' cpuset='9'/></cputune>", "AllowedCPUs=1,5,9" },
        { "<vcpu>1</vcpu><iothreadids><iothread id='7'/></iothreadids><cputune><vcpupin vcpu='0' cpuset='1'/>"
          "<emulatorpin cpuset='5'/><iothreadpin iothread='7' cpuset='9'/></cputune>", "AllowedCPUs=1,5,9" },
        { "<vcpu placement='auto'>1</vcpu>", "" },
        /* Memory of NUMA nodes. */
        { "<numatune><memory mode='strict' nodeset='0-1'/></numatune>",
          "AllowedMemoryNodes=0-1|NUMAPolicy=bind|NUMAMask=0-1" },
        { "<numatune><memory nodeset='1'/></numatune>", ""
                                                       "AllowedMemoryNodes=1|NUMAPolicy=bind|NUMAMask=1" },
        { "<numatune><memory mode='preferred' nodeset='1'/></numatune>",
          "NUMAPolicy=preferred|NUMAMask=1" },
        { "<numatune><memory mode='interleave' nodeset='0-1'/></numatune>",
          "NUMAPolicy=interleave|NUMAMask=0-1" },
        { "<numatune><memory mode='restrictive' nodeset='1'/></numatune>", "AllowedMemoryNodes=1" },
        { "<numatune><memory mode='strict' placement='auto'/></numatune>", "" },
        { "<vcpu>2</vcpu><numatune><memory mode='strict' nodeset='1'/><memnode cellid='0' mode='preferred' nodeset='3'/></numatune>"
          "<cpu><numa><cell id='0' cpus='0-1' memory='65536'/></numa></cpu>",
          "AllowedMemoryNodes=1,3|NUMAPolicy=bind|NUMAMask=1" },
        { "<vcpu>2</vcpu><numatune><memnode cellid='0' mode='strict' nodeset='3'/></numatune>"
          "<cpu><numa><cell id='0' cpus='0-1' memory='65536'/></numa></cpu>", "" },
        /* Limits of memory. */
        { "<memtune><hard_limit unit='MiB'>512</hard_limit></memtune>", "MemoryMax=536870912" },
        { "<memtune><soft_limit unit='MiB'>512</soft_limit></memtune>", "MemoryHigh=536870912" },
        { "<memtune><min_guarantee unit='MiB'>512</min_guarantee></memtune>", "MemoryMin=536870912" },
        { "<memtune><hard_limit unit='MiB'>512</hard_limit><swap_hard_limit unit='MiB'>513</swap_hard_limit></memtune>",
          "MemoryMax=536870912|MemorySwapMax=1048576" },
        { "<memtune><hard_limit unit='MiB'>512</hard_limit><swap_hard_limit unit='MiB'>512</swap_hard_limit></memtune>",
          "MemoryMax=536870912|MemorySwapMax=0" },
        { "<memtune><hard_limit>9007199254740991</hard_limit></memtune>", "" },
        { "<memoryBacking><locked/></memoryBacking>", "LimitMEMLOCK=infinity" },
        { "<memtune><hard_limit unit='MiB'>512</hard_limit></memtune><memoryBacking><locked/></memoryBacking>",
          "MemoryMax=536870912|LimitMEMLOCK=536870912" },
        /* Block devices. */
        { "<blkiotune><weight>500</weight></blkiotune>", "IOWeight=100" },
        { "<blkiotune><weight>10</weight></blkiotune>", "IOWeight=2" },
        { "<blkiotune><weight>1000</weight></blkiotune>", "IOWeight=200" },
        { "<blkiotune><device><path>/dev/sda</path><weight>250</weight></device><device><path>/dev/sd b</path>"
          "<weight>1000</weight></device></blkiotune>", "IODeviceWeight=/dev/sda 50|IODeviceWeight=\"/dev/sd b\" 200" },
        { "<blkiotune><device><path>/dev/sda</path><read_bytes_sec>1</read_bytes_sec><write_bytes_sec>2</write_bytes_sec>"
          "<read_iops_sec>3</read_iops_sec><write_iops_sec>4</write_iops_sec></device></blkiotune>",
          "IOReadBandwidthMax=/dev/sda 1|IOWriteBandwidthMax=/dev/sda 2|IOReadIOPSMax=/dev/sda 3|IOWriteIOPSMax=/dev/sda 4" },
        /* Schedulers. */
        { "<vcpu>2</vcpu><cputune><vcpusched vcpus='0' scheduler='fifo' priority='3'/>"
          "<emulatorsched scheduler='rr' priority='7'/></cputune>", "LimitRTPRIO=7|RestrictRealtime=no" },
        { "<vcpu>2</vcpu><cputune><vcpusched vcpus='0' scheduler='batch'/><emulatorsched scheduler='idle'/></cputune>", "" },
        { "<resource><partition>/machine/production</partition></resource>", "Slice=machine-production.slice" },
};

static void test_dropin(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(unit_properties_done) UnitProperties p = {};
                _cleanup_diag_ Diag diag = {};

                if (properties_of(rows[i].xml, &host_facts_generic, &diag, &p) < 0)
                        fail_msg("%s: %s", rows[i].xml, strempty(diag_first_error(&diag)));
                _cleanup_free_ char *lines = lines_of(&p);
                if (!streq(lines, rows[i].lines))
                        fail_msg("%s: %s, not %s", rows[i].xml, lines, rows[i].lines);
        }
}

static void test_refused(void **state) {
        static const struct {
                const char *xml, *error;
        } cases[] = {
                { "<cputune><global_period>1000</global_period><global_quota>17592186044415</global_quota></cputune>",
                  "cputune: global_quota is 17592186044415 in a period of 1000: systemd counts up to 214748 CPUs" },
                { "<numatune><memory mode='preferred' nodeset='0-1'/></numatune>",
                  "numatune: memory of mode 'preferred' takes a single node" },
                { "<memtune><hard_limit>0</hard_limit></memtune>", "memtune: hard_limit is 0: nothing could run" },
                { "<memtune><soft_limit>0</soft_limit></memtune>", "memtune: soft_limit is 0: nothing could run" },
                { "<memtune><swap_hard_limit>1024</swap_hard_limit></memtune>",
                  "memtune: swap_hard_limit needs hard_limit: it is what both may be together" },
                { "<memtune><hard_limit>1024</hard_limit><swap_hard_limit>1023</swap_hard_limit></memtune>",
                  "memtune: swap_hard_limit (1023 KiB) is below hard_limit (1024 KiB)" },
                { "<blkiotune><weight>9</weight></blkiotune>", "blkiotune: weight is 9, not a number from 10 to 1000" },
                { "<blkiotune><weight>1001</weight></blkiotune>", "blkiotune: weight is 1001, not a number from 10 to 1000" },
                { "<blkiotune><device><path>/dev/sda</path><weight>1001</weight></device></blkiotune>",
                  "blkiotune: weight is 1001, not a number from 10 to 1000" },
                { "<resource><partition>machine</partition></resource>", "resource partition 'machine' must start with '/'" },
                { "<blkiotune><device><path>sda</path><weight>100</weight></device></blkiotune>",
                  "blkiotune: 'sda' is not the absolute path of a block device" },
                { "<blkiotune><device><path>/dev/../etc</path><read_iops_sec>1</read_iops_sec></device></blkiotune>",
                  "blkiotune: '/dev/../etc' is not the absolute path of a block device" },
                { "<blkiotune><device><path>/dev/a&#10;User=root</path><read_iops_sec>1</read_iops_sec></device></blkiotune>",
                  "blkiotune: '…' is not the absolute path of a block device" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                UnitProperties p;
                _cleanup_diag_ Diag diag = {};

                assert_int_equal(properties_of(cases[i].xml, &host_facts_generic, &diag, &p), -EINVAL);
                assert_string_equal(diag_first_error(&diag), cases[i].error);
                assert_int_equal(diag.entries[0].loc.line, 1);
                assert_true(diag.entries[0].loc.column > 1); /* the element's place, not the domain's */
        }

        /* All at once; what two properties have to say, once. */
        UnitProperties p;
        _cleanup_diag_ Diag diag = {};
        assert_int_equal(properties_of("<memtune><soft_limit>0</soft_limit></memtune><blkiotune><device><path>sda</path><weight>100</weight>"
                                       "<read_iops_sec>1</read_iops_sec></device></blkiotune>", &host_facts_generic, &diag, &p), -EINVAL);
        assert_int_equal(diag.n_entries, 2);
}

/* A policy for nodes that are not there would keep the root steps from starting, which have to say so. */
static void test_absent_nodes(void **state) {
        HostFacts facts = host_facts_generic;
        _cleanup_(unit_properties_done) UnitProperties p = {};

        facts.numa_nodes = (NumberSet) { { 0x3 } };
        assert_int_equal(properties_of("<numatune><memory mode='strict' nodeset='1,7'/></numatune>", &facts, NULL, &p), 0);
        _cleanup_free_ char *lines = lines_of(&p);
        assert_string_equal(lines, "AllowedMemoryNodes=1,7");
        /* What can never be one is said there, too. */
        assert_int_equal(properties_of("<numatune><memory mode='preferred' nodeset='1,7'/></numatune>", &facts, NULL, &p), -EINVAL);
}

static void test_conversions(void **state) {
        static const struct {
                uint64_t shares, weight, back;
        } cpu[] = {
                { 0, 1, 10 }, { 2, 1, 10 }, { 10, 1, 10 }, { 512, 50, 512 }, { 1024, 100, 1024 }, { 2000, 195, 1996 },
                { 102400, 10000, 102400 }, { 262144, 10000, 102400 }, { UINT64_MAX, 10000, 102400 },
        }, io[] = {
                { 0, 1, 10 }, { 10, 2, 10 }, { 500, 100, 500 }, { 1000, 200, 1000 }, { UINT64_MAX, 200, 1000 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cpu); i++) {
                assert_int_equal(cpu_shares_to_weight(cpu[i].shares), cpu[i].weight);
                assert_int_equal(cpu_weight_to_shares(cpu[i].weight), cpu[i].back);
        }
        for (size_t i = 0; i < ELEMENTSOF(io); i++) {
                assert_int_equal(blkio_weight_to_io(io[i].shares), io[i].weight);
                assert_int_equal(io_weight_to_blkio(io[i].weight), io[i].back);
        }
        assert_int_equal(io_weight_to_blkio(10000), 1000);
        assert_int_equal(cpu_weight_to_shares(UINT64_MAX), 102400);
}

/* What was written comes back, wherever a hundredth of a percent is exact. */
static void test_quota(void **state) {
        uint64_t units;

        for (uint64_t period = 1000; period <= 1000000; period += 33300)
                for (uint64_t quota = 1000; quota < 5000000; quota += 7300) {
                        assert_int_equal(cpu_quota_to_units(quota, period, &units), 0);
                        uint64_t back = cpu_quota_from_usec(units * 100, period);
                        assert_in_range(back, quota, quota + DIV_ROUND_UP(period, 10000));
                        if (quota * 10000 % period == 0)
                                assert_int_equal(back, quota);
                }
        assert_int_equal(cpu_quota_to_units(1, 0, &units), -ERANGE);
        assert_int_equal(cpu_quota_to_units(UINT64_MAX, 1000, &units), -ERANGE);
        assert_int_equal(cpu_quota_to_units(214748, 1, &units), 0);
        assert_int_equal(cpu_quota_to_units(214749, 1, &units), -ERANGE);
        assert_int_equal(cpu_quota_from_usec(UINT64_MAX, 100000), UINT64_MAX);
        assert_int_equal(cpu_quota_from_usec(500000, 100000), 50000);
}

/* --- D-Bus --- */

/* "NAME TYPE=VALUE" of all live properties, joined by "|". */
static char *bus_text(sd_bus_message *m) {
        _cleanup_strv_ char **found = NULL;

        assert_int_equal(sd_bus_message_enter_container(m, 'a', "(sv)"), 1);
        while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
                const char *name, *type, *path;
                const uint8_t *bytes;
                uint64_t v;
                size_t n;

                assert_true(sd_bus_message_read(m, "s", &name) > 0);
                assert_true(sd_bus_message_peek_type(m, NULL, &type) > 0);
                assert_int_equal(sd_bus_message_enter_container(m, 'v', type), 1);
                _cleanup_free_ char *text = strf("%s %s=", name, type);
                if (streq(type, "t")) {
                        assert_true(sd_bus_message_read(m, "t", &v) > 0);
                        assert_int_equal(strv_extendf(&found, "%s%llu", text, (unsigned long long) v), 0);
                } else if (streq(type, "ay")) {
                        assert_true(sd_bus_message_read_array(m, 'y', (const void **) &bytes, &n) > 0);
                        assert_int_equal(n, 1);
                        assert_int_equal(strv_extendf(&found, "%s%02x", text, bytes[0]), 0);
                } else {
                        assert_string_equal(type, "a(st)");
                        assert_int_equal(sd_bus_message_enter_container(m, 'a', "(st)"), 1);
                        while (sd_bus_message_read(m, "(st)", &path, &v) > 0)
                                assert_int_equal(strv_extendf(&found, "%s%s %llu", text, path, (unsigned long long) v), 0);
                        assert_true(sd_bus_message_exit_container(m) >= 0);
                }
                assert_true(sd_bus_message_exit_container(m) >= 0);
                assert_true(sd_bus_message_exit_container(m) >= 0);
        }
        return strv_join(found, "|");
}

#define EVERYTHING                                                                                               \
        "<vcpu cpuset='0-1'>1</vcpu><cputune><shares>2048</shares><global_period>20000</global_period>"          \
        "<global_quota>2505</global_quota><emulatorsched scheduler='rr' priority='7'/></cputune>"                \
        "<numatune><memory mode='strict' nodeset='1'/></numatune><memoryBacking><locked/></memoryBacking>"       \
        "<memtune><hard_limit>4096</hard_limit><soft_limit>3072</soft_limit><min_guarantee>1024</min_guarantee>" \
        "<swap_hard_limit>6144</swap_hard_limit></memtune><blkiotune><weight>250</weight><device>"               \
        "<path>/dev/sda</path><weight>1000</weight><read_bytes_sec>1</read_bytes_sec>"                           \
        "<write_bytes_sec>2</write_bytes_sec><read_iops_sec>3</read_iops_sec><write_iops_sec>4</write_iops_sec>" \
        "</device><device><path>/dev/sdb</path><weight>500</weight></device></blkiotune>"

static void test_bus_live(void **state) {
        _cleanup_(unit_properties_done) UnitProperties p = {};

        assert_int_equal(properties_of(EVERYTHING, &host_facts_generic, NULL, &p), 0);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message_of(&p, UNIT_APPEND_LIVE, 0);
        _cleanup_free_ char *text = bus_text(m);
        assert_string_equal(text,
                "AllowedCPUs ay=03|AllowedMemoryNodes ay=02|CPUQuotaPerSecUSec t=125300|CPUQuotaPeriodUSec t=20000|"
                "CPUWeight t=200|IODeviceWeight a(st)=/dev/sda 200|IODeviceWeight a(st)=/dev/sdb 100|"
                "IOReadBandwidthMax a(st)=/dev/sda 1|IOReadIOPSMax a(st)=/dev/sda 3|IOWeight t=50|"
                "IOWriteBandwidthMax a(st)=/dev/sda 2|IOWriteIOPSMax a(st)=/dev/sda 4|MemoryHigh t=3145728|"
                "MemoryMax t=4194304|MemoryMin t=1048576|MemorySwapMax t=2097152");
}

/* What is said over the bus comes back as it was. */
static void test_bus_back(void **state) {
        static const struct {
                UnitPropertyKind kind;
                const char *xml, *name;
        } cases[] = {
                { UNIT_U64, EVERYTHING, "CPUWeight" },
                { UNIT_BYTES, EVERYTHING, "MemoryMin" },
                { UNIT_USEC, EVERYTHING, "CPUQuotaPeriodSec" },
                { UNIT_CPU_QUOTA, EVERYTHING, "CPUQuota" },
                { UNIT_CPUSET, EVERYTHING, "AllowedMemoryNodes" },
                { UNIT_CPUSET, "<vcpu cpuset='0,9,1023'>1</vcpu>", "AllowedCPUs" },
                { UNIT_DEVICE_VALUES, EVERYTHING, "IODeviceWeight" },
                { UNIT_DEVICE_VALUES, EVERYTHING, "IOWriteIOPSMax" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(unit_properties_done) UnitProperties p = {}, one = {};
                _cleanup_strv_ char **values = NULL;
                const char *name;

                assert_int_equal(properties_of(cases[i].xml, &host_facts_generic, NULL, &p), 0);
                const UnitProperty *found = unit_properties_find(&p, cases[i].name);
                assert_non_null(found);
                assert_int_equal(found->kind, cases[i].kind);
                assert_int_equal(unit_properties_add(&one, "Service", found->name, found->values), 0);
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message_of(&one, UNIT_APPEND_LIVE, 0);
                assert_int_equal(sd_bus_message_enter_container(m, 'a', "(sv)"), 1);
                assert_int_equal(sd_bus_message_enter_container(m, 'r', "sv"), 1);
                assert_true(sd_bus_message_read(m, "s", &name) > 0);
                assert_int_equal(sd_bus_message_enter_container(m, 'v', unit_property_type(found->kind)), 1);
                assert_int_equal(unit_property_read(m, found->kind, &values), 0);
                assert_true(strv_equal(values, found->values));
        }
}

/* What systemd says of what it was not told; what a set cannot hold is not in it. */
static void test_bus_nothing(void **state) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message_new();
        static const uint8_t far[130] = { [0] = 2, [129] = 255 };
        _cleanup_strv_ char **number = NULL, **set = NULL, **cut = NULL, **devices = NULL, **none = NULL;

        assert_true(sd_bus_message_append(m, "t", UINT64_MAX) >= 0);
        assert_true(sd_bus_message_append_array(m, 'y', NULL, 0) >= 0);
        assert_true(sd_bus_message_append_array(m, 'y', far, sizeof(far)) >= 0);
        assert_true(sd_bus_message_append(m, "a(st)", 0) >= 0);
        message_seal(m);
        assert_int_equal(unit_property_read(m, UNIT_BYTES, &number), 0);
        assert_string_equal(number[0], "infinity");
        assert_int_equal(unit_property_read(m, UNIT_CPUSET, &set), 0);
        assert_string_equal(set[0], "");
        assert_int_equal(unit_property_read(m, UNIT_CPUSET, &cut), 0);
        assert_string_equal(cut[0], "1");
        assert_int_equal(unit_property_read(m, UNIT_DEVICE_VALUES, &devices), 0);
        assert_null(devices);
        assert_int_equal(unit_property_read(m, UNIT_STRV, &none), -EINVAL);
}

/* What a transient unit is started with: all of it, and the template's values for the rest. */
static void test_transient(void **state) {
        static const struct {
                const char *xml, *memlock, *rtprio, *realtime, *policy;
        } cases[] = {
                { "", "67108864", NULL, "yes", NULL },
                { EVERYTHING, "4194304", "7", "no", "bind" },
                { "<memoryBacking><locked/></memoryBacking>", "infinity", NULL, "yes", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(unit_properties_done) UnitProperties p = {}, t = {};
                const char *const names[] = { "LimitMEMLOCK", "LimitRTPRIO", "RestrictRealtime", "NUMAPolicy" };
                const char *const expected[] = { cases[i].memlock, cases[i].rtprio, cases[i].realtime, cases[i].policy };

                assert_int_equal(properties_of(cases[i].xml, &host_facts_generic, NULL, &p), 0);
                assert_int_equal(unit_properties_for_transient(&p, "x", false, &t), 0);
                for (size_t k = 0; k < ELEMENTSOF(names); k++) {
                        const UnitProperty *found = unit_properties_find(&t, names[k]);
                        assert_true(streq_ptr(found ? found->values[0] : NULL, expected[k]));
                }
                sd_bus_message_unref(message_of(&t, UNIT_APPEND_ALL, 0));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dropin),      cmocka_unit_test(test_refused), cmocka_unit_test(test_absent_nodes),
                cmocka_unit_test(test_conversions), cmocka_unit_test(test_quota),   cmocka_unit_test(test_bus_live),
                cmocka_unit_test(test_transient),   cmocka_unit_test(test_bus_back), cmocka_unit_test(test_bus_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
