/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change-live.h"
#include "change-qemu.h"
#include "cpus.h"
#include "number-set.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "unit-resources.h"

/* What others have told systemd (`systemctl set-property`), in libvirt's words, and the virtual CPUs that the guest has let
 * go of. What libvirt has no word for is systemd's alone. */

typedef struct Told {
        const Domain *d;
        const HostFacts *facts;
        UnitProperties wanted, now; /* owned: what D asks for, and what systemd has */
        NumberSet online;           /* CPUs; empty when nobody knows */
        XmlEdits *edits;
        bool shown;                 /* not kept: for somebody who looks */
} Told;

static void told_done(Told *t) {
        unit_properties_done(&t->wanted);
        unit_properties_done(&t->now);
}

/* The value of a property, NULL when it is as the domain says. */
static const char *told_text(const Told *t, const char *name) {
        const UnitProperty *w = unit_properties_find(&t->wanted, name), *n = unit_properties_find(&t->now, name);

        if (!n || !n->values || !n->values[0])
                return NULL;
        return streq(w && w->values ? w->values[0] : unit_resource_default(n), n->values[0]) ? NULL : n->values[0];
}

/* The same of a number; "infinity" is UINT64_MAX. */
static bool told_number(const Told *t, const char *name, uint64_t *ret) {
        const char *text = told_text(t, name);

        if (!text)
                return false;
        if (!streq(text, "infinity"))
                return parse_u64(text, 10, ret) >= 0;
        *ret = UINT64_MAX;
        return true;
}

/* What systemd has, as a number; UINT64_MAX is none. */
static uint64_t now_number(const Told *t, const char *name) {
        const UnitProperty *n = unit_properties_find(&t->now, name);
        uint64_t v;

        return n && n->values && n->values[0] && parse_u64(n->values[0], 10, &v) >= 0 ? v : UINT64_MAX;
}

/* UINT64_MAX: nothing is said. */
static int set_number(const Told *t, uint64_t v, const char *path) {
        return v != UINT64_MAX ? xml_edits_u64(t->edits, v, "%s", path) : xml_edits_remove(t->edits, "%s", path);
}

static int set_bytes(const Told *t, uint64_t v, const char *path) {
        int r = set_number(t, v, path);

        return r >= 0 && v != UINT64_MAX ? xml_edits_attribute(t->edits, "unit", "b", "%s", path) : r;
}

/* --- numbers --- */

static int take_weights(const Told *t) {
        uint64_t v;
        int r = 0;

        if (told_number(t, "CPUWeight", &v))
                r = set_number(t, v == UINT64_MAX ? v : cpu_weight_to_shares(v), "cputune/shares");
        if (r >= 0 && told_number(t, "IOWeight", &v))
                r = set_number(t, v == UINT64_MAX ? v : io_weight_to_blkio(v), "blkiotune/weight");
        return r;
}

/* What a definition may say. */
#define PERIOD_MIN UINT64_C(1000)
#define PERIOD_MAX UINT64_C(1000000)
#define PERIOD_DEFAULT UINT64_C(100000)
#define QUOTA_MIN UINT64_C(1000)

/* The two belong together: a quota is a part of its period. systemd takes what no definition could say; the kernel gets
 * what comes nearest to it, and so does the text. */
static int take_quota(const Told *t) {
        uint64_t period = now_number(t, "CPUQuotaPeriodSec"), percent = now_number(t, "CPUQuota"), quota = UINT64_MAX;

        if (!told_text(t, "CPUQuotaPeriodSec") && !told_text(t, "CPUQuota"))
                return 0;
        if (period != UINT64_MAX)
                period = MIN(MAX(period, PERIOD_MIN), PERIOD_MAX);
        if (percent != UINT64_MAX) {
                /* Of a period that is systemd's own, where nothing is said. */
                uint64_t p = period != UINT64_MAX ? period : PERIOD_DEFAULT;
                percent = MIN(percent, (uint64_t) INT32_MAX);
                if (cpu_quota_from_usec(percent * 100, p) < QUOTA_MIN)
                        p = period = MIN(QUOTA_MIN * 10000 / MAX(percent, UINT64_C(1)), PERIOD_MAX);
                quota = MAX(cpu_quota_from_usec(percent * 100, p), QUOTA_MIN);
        }
        int r = set_number(t, period, "cputune/global_period");
        return r < 0 ? r : set_number(t, quota, "cputune/global_quota");
}

static int take_memory(const Told *t) {
        const OptU64 *limit = &t->d->memtune.hard_limit;
        uint64_t hard = limit->set ? limit->value : UINT64_MAX, v;
        int r = 0;

        if (told_number(t, "MemoryMin", &v))
                r = set_bytes(t, v > 0 ? v : UINT64_MAX, "memtune/min_guarantee");
        if (r >= 0 && told_number(t, "MemoryHigh", &v))
                r = set_bytes(t, v, "memtune/soft_limit");
        if (r >= 0 && told_number(t, "MemoryMax", &hard))
                r = set_bytes(t, hard, "memtune/hard_limit");
        /* MemorySwapMax counts what is beyond the hard limit: the sum is another one when that is. */
        if (r < 0 || (!told_text(t, "MemorySwapMax") && !(told_text(t, "MemoryMax") && t->d->memtune.swap_hard_limit.set)))
                return r;
        v = now_number(t, "MemorySwapMax");
        return set_bytes(t, v < UINT64_MAX - hard ? v + hard : UINT64_MAX, "memtune/swap_hard_limit");
}

/* --- CPUs and nodes --- */

/* Of a property that is a set; of what the host has, if it has any of it. */
static bool told_set(const Told *t, const char *name, const NumberSet *host, NumberSet *ret) {
        const char *text = told_text(t, name);
        NumberSet here;

        *ret = (NumberSet) {};
        if (!text || (*text && number_set_parse(text, ret) < 0))
                return false;
        here = *ret;
        number_set_intersect(&here, host);
        if (!number_set_is_empty(&here))
                *ret = here;
        return true;
}

/* What is left to a thread that has OWN, in a unit that has UNIT: all of that, if it has none of its own. */
static NumberSet left_to(const NumberSet *own, const NumberSet *unit) {
        NumberSet s = *own;

        number_set_intersect(&s, unit);
        return number_set_is_empty(&s) ? *unit : s;
}

/* An empty set: nothing is said. */
static int set_cpus(const Told *t, const char *attribute, const NumberSet *cpus, const char *path) {
        _cleanup_free_ char *text = number_set_is_empty(cpus) ? NULL : number_set_format(cpus);

        if (!text && !number_set_is_empty(cpus))
                return -ENOMEM;
        return xml_edits_attribute(t->edits, attribute, text, "%s", path);
}

static int narrow_pins(const Told *t, const ThreadPin *pins, size_t n, const char *format, const NumberSet *unit) {
        FOREACH_ARRAY(p, pins, n) {
                NumberSet cpus = left_to(&p->cpus, unit);
                if (!p->has_cpus || number_set_is_subset(&p->cpus, &cpus))
                        continue;
                _cleanup_free_ char *path = strf("cputune/%s='%u']", format, p->id.value);
                int r = path ? set_cpus(t, "cpuset", &cpus, path) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The unit's CPUs bound those of all threads. What has no pin has the unit's. */
static int take_cpus(const Told *t) {
        const Domain *d = t->d;
        const DomainCputune *c = &d->cputune;
        bool has_general = d->has_vcpu_cpuset && d->vcpu_placement != PLACEMENT_AUTO;
        NumberSet unit, all;
        int r = 0;

        if (!told_set(t, "AllowedCPUs", &t->online, &unit))
                return 0;
        if (c->n_vcpupins == 0 && c->n_iothreadpins == 0 && !c->has_emulatorpin)
                return set_cpus(t, "cpuset", &unit, "vcpu");
        /* Pins that are narrowed now would stay so when the unit is as wide again as it was. */
        if (!t->shown || number_set_is_empty(&unit))
                return 0; /* as wide as it can be: the pins hold */
        if (has_general || !domain_cpus(d, &all)) {
                NumberSet general = has_general ? left_to(&d->vcpu_cpuset, &unit) : unit;
                r = set_cpus(t, "cpuset", &general, "vcpu");
        }
        if (r >= 0)
                r = narrow_pins(t, c->vcpupins, c->n_vcpupins, "vcpupin[@vcpu", &unit);
        if (r >= 0)
                r = narrow_pins(t, c->iothreadpins, c->n_iothreadpins, "iothreadpin[@iothread", &unit);
        if (r < 0 || !c->has_emulatorpin)
                return r;
        NumberSet emulator = left_to(&c->emulatorpin, &unit);
        return set_cpus(t, "cpuset", &emulator, "cputune/emulatorpin");
}

/* Allowed nodes without a policy are what libvirt calls restrictive. With a policy of another kind it has no word. */
static int take_nodes(const Told *t) {
        const DomainNumatune *n = &t->d->numatune;
        NumberSet nodes;

        if (n->placement == PLACEMENT_AUTO || (n->mode != NUMA_UNSET && n->mode != NUMA_STRICT && n->mode != NUMA_RESTRICTIVE) ||
            (!n->has_nodes && n->n_memnodes > 0) || !told_set(t, "AllowedMemoryNodes", &t->facts->numa_nodes, &nodes))
                return 0;
        if (number_set_is_empty(&nodes))
                return n->mode == NUMA_RESTRICTIVE && n->n_memnodes == 0 ? xml_edits_remove(t->edits, "numatune/memory") : 0;
        if (n->n_memnodes > 0 || t->d->n_memories > 0)
                nodes = n->has_nodes ? left_to(&n->nodes, &nodes) : nodes;
        int r = n->has_nodes ? 0 : xml_edits_attribute(t->edits, "mode", "restrictive", "numatune/memory");
        return r < 0 ? r : set_cpus(t, "nodeset", &nodes, "numatune/memory");
}

/* --- block devices --- */

static const struct DeviceField {
        const char *property, *element;
        bool weight;
        uint64_t max;
} device_fields[] = {
        { "IODeviceWeight", "weight", .weight = true, .max = UINT32_MAX },
        { "IOReadBandwidthMax", "read_bytes_sec", .max = UINT64_MAX },
        { "IOWriteBandwidthMax", "write_bytes_sec", .max = UINT64_MAX },
        { "IOReadIOPSMax", "read_iops_sec", .max = UINT32_MAX },
        { "IOWriteIOPSMax", "write_iops_sec", .max = UINT32_MAX },
};

/* A weight cannot be taken from a device: it is set to that of the others then. */
static bool is_weight_of_all(const Told *t, const char *number) {
        const UnitProperty *all = unit_properties_find(&t->now, "IOWeight");

        return streq(number, all && all->values && !streq(all->values[0], "infinity") ? all->values[0] :
                     IO_WEIGHT_DEFAULT);
}

/* VALUE: "PATH NUMBER"; GONE: the number is none any more. */
static int take_device(const Told *t, const struct DeviceField *f, const char *value, bool gone) {
        const char *space = strrchr(value, ' ');
        _cleanup_free_ char *name = strndup(value, (size_t) (space - value)), *path = name ? xml_path_quote(name) : NULL;
        uint64_t v;

        if (!path)
                return -ENOMEM;
        if (gone)
                return xml_edits_remove(t->edits, "blkiotune/device[path=%s]/%s", path, f->element);
        /* Nothing else can stand in a definition. */
        if (!utf8_is_printable(name) || parse_u64(space + 1, 10, &v) < 0)
                return 0;
        return xml_edits_u64(t->edits, MIN(f->weight ? io_weight_to_blkio(v) : v, f->max), "blkiotune/device[path=%s]/%s", path,
                             f->element);
}

static int take_devices(const Told *t) {
        FOREACH_ARRAY(f, device_fields, ELEMENTSOF(device_fields)) {
                const UnitProperty *n = unit_properties_find(&t->now, f->property), *w = unit_properties_find(&t->wanted, f->property);
                int r = 0;

                if (!n)
                        continue;
                STRV_FOREACH(v, n->values) {
                        const char *number = strrchr(*v, ' ') + 1, *expected = w ? unit_device_value(w->values, *v) : NULL;
                        if (r >= 0 && !(expected ? streq(number, expected) : f->weight && is_weight_of_all(t, number)))
                                r = take_device(t, f, *v, false);
                }
                STRV_FOREACH(v, w ? w->values : NULL)
                        if (r >= 0 && !unit_device_value(n->values, *v))
                                r = take_device(t, f, *v, true);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- all of it --- */

static int (*const takers[])(const Told *t) = {
        take_weights, take_quota, take_memory, take_cpus, take_nodes, take_devices,
};

static int take_properties(Manager *m, const Vm *vm, Told *t, Diag *diag) {
        unsigned count;

        int r = manager_facts(m, &t->facts);
        if (r >= 0)
                r = unit_properties_new(t->d, t->facts, "", "", diag, &t->wanted);
        if (r < 0)
                return r;
        if (m->backend->get_unit_properties(m->userdata, vm->unit, &t->now) < 0)
                return 0;
        (void) host_cpus(m, &count, &t->online, NULL);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(takers); i++)
                r = takers[i](t);
        return r;
}

static int take_vcpus(Manager *m, const Vm *vm, const Told *t) {
        NumberSet gone;

        if (change_vcpus_gone(m, vm, t->d, &gone) < 0 || number_set_is_empty(&gone))
                return 0;
        return vcpus_without(t->d, &gone, t->edits);
}

int change_live_reconcile(Manager *m, const Vm *vm, const Domain *d, bool shown, Diag *diag, char **text,
                          size_t *size) {
        _cleanup_xml_edits_ XmlEdits edits = {};
        _cleanup_(told_done) Told t = { .d = d, .edits = &edits, .shown = shown };
        char *new_text;

        int r = take_properties(m, vm, &t, diag);
        if (r >= 0)
                r = take_vcpus(m, vm, &t);
        if (r < 0 || edits.n_items == 0)
                return r;
        r = xml_edit_apply(*text, *size, edits.items, edits.n_items, diag, &new_text, size);
        if (r < 0)
                return r;
        free(*text);
        *text = new_text;
        return 1;
}
