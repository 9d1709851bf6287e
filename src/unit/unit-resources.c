/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "string-util.h"
#include "strv.h"
#include "unit-emit.h"
#include "unit-resources.h"

/* What the machine gives to a VM, in systemd's words: <cputune>, <numatune>, <memtune>, <blkiotune>, <memoryBacking>.
 * Threads have settings of their own below the unit, which are the monitor's; here is what bounds them all. */

#define WEIGHT_DEFAULT 100U
#define WEIGHT_MAX 10000U
#define CPU_SHARES_DEFAULT 1024U
#define CPU_SHARES_MIN 2U
#define CPU_SHARES_MAX 262144U
#define BLKIO_WEIGHT_DEFAULT 500U
#define BLKIO_WEIGHT_MIN 10U
#define BLKIO_WEIGHT_MAX 1000U

/* systemd counts a quota in hundredths of a percent of one CPU, in an int. */
#define QUOTA_UNIT UINT64_C(10000)
#define QUOTA_MAX ((uint64_t) INT32_MAX)
#define CPU_PERIOD_DEFAULT 100000U

/* --- conversions --- */

static uint64_t clamp(uint64_t v, uint64_t min, uint64_t max) {
        return MIN(MAX(v, min), max);
}

uint64_t cpu_shares_to_weight(uint64_t shares) {
        return clamp(MIN(shares, CPU_SHARES_MAX) * WEIGHT_DEFAULT / CPU_SHARES_DEFAULT, 1, WEIGHT_MAX);
}

uint64_t cpu_weight_to_shares(uint64_t weight) {
        return clamp(MIN(weight, WEIGHT_MAX) * CPU_SHARES_DEFAULT / WEIGHT_DEFAULT, CPU_SHARES_MIN, CPU_SHARES_MAX);
}

uint64_t blkio_weight_to_io(uint64_t weight) {
        return clamp(MIN(weight, BLKIO_WEIGHT_MAX) * WEIGHT_DEFAULT / BLKIO_WEIGHT_DEFAULT, 1, WEIGHT_MAX);
}

uint64_t io_weight_to_blkio(uint64_t weight) {
        return clamp(MIN(weight, WEIGHT_MAX) * BLKIO_WEIGHT_DEFAULT / WEIGHT_DEFAULT, BLKIO_WEIGHT_MIN, BLKIO_WEIGHT_MAX);
}

/* Rounded up, so that a VM never gets less than was written; what systemd then gives the kernel is the number that was
 * written wherever this is exact. */
int cpu_quota_to_units(uint64_t quota, uint64_t period, uint64_t *ret) {
        if (period == 0 || quota > QUOTA_MAX * period / QUOTA_UNIT)
                return -ERANGE;
        *ret = DIV_ROUND_UP(quota * QUOTA_UNIT, period);
        return 0;
}

uint64_t cpu_quota_from_usec(uint64_t per_second, uint64_t period) {
        return per_second > UINT64_MAX / MAX(period, UINT64_C(1)) ? UINT64_MAX : per_second * period / UINT64_C(1000000);
}

const char *unit_device_value(char *const *values, const char *device) {
        size_t n = (size_t) (strrchr(device, ' ') - device) + 1;

        STRV_FOREACH(v, values)
                if (strncmp(*v, device, n) == 0)
                        return *v + n;
        return NULL;
}

const char *unit_resource_default(const UnitProperty *p) {
        return p->kind == UNIT_CPUSET ? "" : streq(p->name, "MemoryMin") ? "0" : "infinity";
}

/* --- processor time --- */

int emit_cpu_weight(const UnitEmit *c, char ***values) {
        const OptU64 *shares = &c->d->cputune.shares;

        return shares->set && shares->value > 0 ?
                strv_extendf(values, "%" PRIu64, cpu_shares_to_weight(shares->value)) : 0;
}

int emit_cpu_quota(const UnitEmit *c, char ***values) {
        const CpuBandwidth *b = &c->d->cputune.global;
        uint64_t period = b->period.set ? b->period.value : CPU_PERIOD_DEFAULT, units;

        if (!b->has_quota || b->quota <= 0)
                return 0;
        int r = cpu_quota_to_units((uint64_t) b->quota, period, &units);
        if (r < 0)
                return diag_error(c->diag, c->d->cputune.loc, "cputune: global_quota is %" PRId64 " in a period of %" PRIu64
                                  ": systemd counts up to %" PRIu64 " CPUs", b->quota, period, QUOTA_MAX / QUOTA_UNIT);
        return strv_extendf(values, "%" PRIu64, units);
}

int emit_cpu_quota_period(const UnitEmit *c, char ***values) {
        const CpuBandwidth *b = &c->d->cputune.global;

        return b->period.set ? strv_extendf(values, "%" PRIu64, b->period.value) : 0;
}

/* --- CPUs and NUMA nodes --- */

static const NumberSet *general_cpus(const Domain *d) {
        return d->has_vcpu_cpuset && d->vcpu_placement != PLACEMENT_AUTO ? &d->vcpu_cpuset : NULL;
}

/* Adds CPUS, or what holds for threads without a pin; false when that is all there are. */
static bool add_thread(const Domain *d, const NumberSet *cpus, NumberSet *all) {
        cpus = cpus ?: general_cpus(d);
        if (cpus)
                number_set_unite(all, cpus);
        return cpus;
}

bool domain_cpus(const Domain *d, NumberSet *ret) {
        const DomainCputune *c = &d->cputune;
        NumberSet all = {};

        if (!add_thread(d, c->has_emulatorpin ? &c->emulatorpin : NULL, &all))
                return false;
        for (unsigned i = 0; i < domain_max_vcpus(d); i++)
                if (!add_thread(d, thread_pin_cpus(c->vcpupins, c->n_vcpupins, i), &all))
                        return false;
        for (unsigned i = 0; i < domain_count_iothreads(d); i++)
                if (!add_thread(d, thread_pin_cpus(c->iothreadpins, c->n_iothreadpins, domain_iothread_id(d, i)), &all))
                        return false;
        *ret = all;
        return true;
}

int emit_allowed_cpus(const UnitEmit *c, char ***values) {
        NumberSet all;

        return domain_cpus(c->d, &all) ? strv_consume(values, number_set_format(&all)) : 0;
}

static bool has_memory_nodes(const Domain *d) {
        return d->numatune.has_nodes && d->numatune.placement != PLACEMENT_AUTO;
}

bool domain_memory_nodes(const Domain *d, NumberSet *ret) {
        const DomainNumatune *n = &d->numatune;

        if (!has_memory_nodes(d) || (n->mode != NUMA_STRICT && n->mode != NUMA_RESTRICTIVE))
                return false;
        NumberSet all = n->nodes;
        FOREACH_ARRAY(m, n->memnodes, n->n_memnodes)
                number_set_unite(&all, &m->nodes);
        FOREACH_ARRAY(m, d->memories, d->n_memories)
                if (m->has_source_nodes)
                        number_set_unite(&all, &m->source_nodes);
        *ret = all;
        return true;
}

int emit_allowed_memory_nodes(const UnitEmit *c, char ***values) {
        NumberSet all;

        return domain_memory_nodes(c->d, &all) ? strv_consume(values, number_set_format(&all)) : 0;
}

/* A restrictive one is a matter of the allowed nodes alone. systemd applies the policy to the root steps as well, and
 * starts none of them where there are no such nodes. Then it is left out: the prepare step runs, and says what is
 * missing. */
static bool has_policy(const UnitEmit *c) {
        const DomainNumatune *n = &c->d->numatune;

        return has_memory_nodes(c->d) && n->mode != NUMA_UNSET && n->mode != NUMA_RESTRICTIVE &&
                number_set_is_subset(&n->nodes, &c->facts->numa_nodes);
}

int emit_numa_policy(const UnitEmit *c, char ***values) {
        static const char *const words[] = {
                [NUMA_STRICT] = "bind", [NUMA_PREFERRED] = "preferred", [NUMA_INTERLEAVE] = "interleave",
        };
        const DomainNumatune *n = &c->d->numatune;

        if (has_memory_nodes(c->d) && n->mode == NUMA_PREFERRED && number_set_count(&n->nodes) > 1)
                return diag_error(c->diag, n->memory_loc.line > 0 ? n->memory_loc : n->loc,
                                  "numatune: memory of mode 'preferred' takes a single node");
        return !has_policy(c) ? 0 : strv_extend(values, words[n->mode]);
}

int emit_numa_mask(const UnitEmit *c, char ***values) {
        return has_policy(c) ? strv_consume(values, number_set_format(&c->d->numatune.nodes)) : 0;
}

/* --- memory --- */

static int emit_bytes(const OptU64 *v, char ***values) {
        return v->set ? strv_extendf(values, "%" PRIu64, v->value) : 0;
}

/* 0 is no limit that a process could live with, and systemd takes none. */
static int emit_limit(const UnitEmit *c, const OptU64 *v, const char *element, char ***values) {
        if (v->set && v->value == 0)
                return diag_error(c->diag, c->d->memtune.loc, "memtune: %s is 0: nothing could run", element);
        return emit_bytes(v, values);
}

int emit_memory_min(const UnitEmit *c, char ***values) {
        return emit_bytes(&c->d->memtune.min_guarantee, values);
}

int emit_memory_high(const UnitEmit *c, char ***values) {
        return emit_limit(c, &c->d->memtune.soft_limit, "soft_limit", values);
}

int emit_memory_max(const UnitEmit *c, char ***values) {
        return emit_limit(c, &c->d->memtune.hard_limit, "hard_limit", values);
}

/* The element counts memory and swap together, the kernel swap alone. */
int emit_memory_swap_max(const UnitEmit *c, char ***values) {
        const DomainMemtune *m = &c->d->memtune;

        if (!m->swap_hard_limit.set)
                return 0;
        if (!m->hard_limit.set)
                return diag_error(c->diag, m->loc, "memtune: swap_hard_limit needs hard_limit: it is what both may be together");
        if (m->swap_hard_limit.value < m->hard_limit.value)
                return diag_error(c->diag, m->loc, "memtune: swap_hard_limit (%" PRIu64 " KiB) is below hard_limit (%" PRIu64
                                  " KiB)", m->swap_hard_limit.value / 1024, m->hard_limit.value / 1024);
        return strv_extendf(values, "%" PRIu64, m->swap_hard_limit.value - m->hard_limit.value);
}

int emit_limit_memlock(const UnitEmit *c, char ***values) {
        const DomainMemtune *m = &c->d->memtune;

        if (!c->d->memory_backing.locked)
                return 0;
        return m->hard_limit.set ? emit_bytes(&m->hard_limit, values) : strv_extend(values, "infinity");
}

/* --- block devices --- */

static int check_weight(const UnitEmit *c, SrcLoc loc, unsigned weight) {
        if (weight >= BLKIO_WEIGHT_MIN && weight <= BLKIO_WEIGHT_MAX)
                return 0;
        return diag_error(c->diag, loc, "blkiotune: weight is %u, not a number from %u to %u", weight, BLKIO_WEIGHT_MIN,
                          BLKIO_WEIGHT_MAX);
}

int emit_io_weight(const UnitEmit *c, char ***values) {
        const DomainBlkiotune *b = &c->d->blkiotune;

        if (!b->weight.set)
                return 0;
        int r = check_weight(c, b->loc, b->weight.value);
        return r < 0 ? r : strv_extendf(values, "%" PRIu64, blkio_weight_to_io(b->weight.value));
}

/* systemd would leave out what is not such a path, and say so only in its log. */
static int add_device_value(const UnitEmit *c, const BlkioDevice *device, uint64_t value, char ***values) {
        const char *path = device->path;

        if (isempty(path) || *path != '/' || strstr(path, "/../") || endswith(path, "/..") || !utf8_is_printable(path))
                return diag_error(c->diag, device->loc, "blkiotune: '%s' is not the absolute path of a block device",
                                  utf8_is_printable(strempty(path)) ? strempty(path) : "…");
        return strv_extendf(values, "%s %" PRIu64, path, value);
}

int emit_io_device_weight(const UnitEmit *c, char ***values) {
        FOREACH_ARRAY(i, c->d->blkiotune.devices, c->d->blkiotune.n_devices) {
                int r = i->weight.set ? check_weight(c, i->loc, i->weight.value) : 0;
                if (r >= 0 && i->weight.set)
                        r = add_device_value(c, i, blkio_weight_to_io(i->weight.value), values);
                if (r < 0)
                        return r;
        }
        return 0;
}

#define DEFINE_DEVICE_LIMIT(name, field)                                                                     \
        int name(const UnitEmit *c, char ***values) {                                                        \
                FOREACH_ARRAY(i, c->d->blkiotune.devices, c->d->blkiotune.n_devices) {                       \
                        int r = i->field.set ? add_device_value(c, i, i->field.value, values) : 0;           \
                        if (r < 0)                                                                           \
                                return r;                                                                    \
                }                                                                                            \
                return 0;                                                                                    \
        }
DEFINE_DEVICE_LIMIT(emit_io_read_bandwidth, read_bytes)
DEFINE_DEVICE_LIMIT(emit_io_write_bandwidth, write_bytes)
DEFINE_DEVICE_LIMIT(emit_io_read_iops, read_iops)
DEFINE_DEVICE_LIMIT(emit_io_write_iops, write_iops)

/* --- schedulers --- */

static int highest(const ThreadSched *list, size_t n, int so_far) {
        FOREACH_ARRAY(s, list, n)
                if ((s->scheduler == SCHEDULER_FIFO || s->scheduler == SCHEDULER_RR) && s->has_priority)
                        so_far = MAX(so_far, s->priority);
        return so_far;
}

/* 0: none of real time. */
static int highest_priority(const Domain *d) {
        const DomainCputune *c = &d->cputune;

        return highest(&c->emulatorsched, 1, highest(c->iothreadscheds, c->n_iothreadscheds,
                                                     highest(c->vcpuscheds, c->n_vcpuscheds, 0)));
}

int emit_limit_rtprio(const UnitEmit *c, char ***values) {
        int priority = highest_priority(c->d);

        return priority > 0 ? strv_extendf(values, "%d", priority) : 0;
}

int emit_restrict_realtime(const UnitEmit *c, char ***values) {
        return highest_priority(c->d) > 0 ? strv_extend(values, "no") : 0;
}
