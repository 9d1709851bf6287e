/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "block-info.h"
#include "cpus.h"
#include "host-file.h"
#include "json-member.h"
#include "liveness.h"
#include "memory.h"
#include "net-info.h"
#include "plan.h"
#include "plans.h"
#include "runtime.h"
#include "stats.h"
#include "string-util.h"
#include "threads.h"
#include "vm-lifecycle.h"

#define KIB UINT64_C(1024)

typedef struct Stats {
        Manager *m;
        const Vm *vm;
        Domain *domain;
        bool backing;
        Plan *plan;  /* owned; with BACKING: as it was started, or NULL */
        bool silent; /* the monitor does not answer */
        bool failed; /* memory is out */
        StatsList *list;
} Stats;

static void stats_item_done(StatsItem *i) {
        free(i->name);
        free(i->value);
}

void stats_list_done(StatsList *l) {
        FREE_LIST(l->items, l->n_items, stats_item_done);
}

static void add_taken(Stats *s, char *name, char *value, bool is_number) {
        if (name && value && ARRAY_GROW(s->list->items, s->list->n_items)) {
                s->list->items[s->list->n_items++] = (StatsItem) { name, value, is_number };
                return;
        }
        s->failed = true;
        free(name);
        free(value);
}

static char *vname(const char *format, va_list ap) {
        char *name;

        return vasprintf(&name, format, ap) < 0 ? NULL : name;
}

_printf_(3, 4) static void add_number(Stats *s, uint64_t value, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        add_taken(s, vname(format, ap), strf("%" PRIu64, value), true);
        va_end(ap);
}

_printf_(3, 4) static void add_string(Stats *s, const char *value, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        add_taken(s, vname(format, ap), strdup(value), false);
        va_end(ap);
}

/* A refusal is an answer. */
static bool answered(Stats *s, int r) {
        if (r < 0 && r != -EREMOTEIO && r != -ENOMEM)
                s->silent = true;
        return r >= 0;
}

/* ARGUMENTS (NULL: none) are taken over; the result is the caller's, NULL without an answer. */
static json_object *ask(Stats *s, const char *command, json_object *arguments) {
        json_object *o = NULL;

        if (s->vm->active && !s->silent)
                return answered(s, vm_qmp_ask(s->m, s->vm, command, arguments, NULL, &o)) ? o : NULL;
        json_object_put(arguments);
        return NULL;
}

/* Only what is a list, and no more of it than that. */
static size_t list_length(json_object *list, size_t max) {
        return json_object_is_type(list, json_type_array) ? MIN(json_object_array_length(list), max) : 0;
}

/* --- state --- */

/* libvirt's numbers of the reasons (virDomainRunningReason and so on). */
static const struct {
        DomainState state;
        DomainReason reason;
        unsigned number;
} reason_numbers[] = {
        { STATE_RUNNING, REASON_BOOTED, 1 },
        { STATE_RUNNING, REASON_MIGRATED, 2 },
        { STATE_RUNNING, REASON_RESTORED, 3 },
        { STATE_RUNNING, REASON_UNPAUSED, 5 },
        { STATE_RUNNING, REASON_SAVE_CANCELED, 7 },
        { STATE_RUNNING, REASON_WAKEUP, 8 },
        { STATE_RUNNING, REASON_CRASHED, 9 },
        { STATE_PAUSED, REASON_USER, 1 },
        { STATE_PAUSED, REASON_SAVING, 3 },
        { STATE_PAUSED, REASON_DUMPING, 4 },
        { STATE_PAUSED, REASON_IO_ERROR, 5 },
        { STATE_PAUSED, REASON_WATCHDOG, 6 },
        { STATE_PAUSED, REASON_SHUTTING_DOWN, 8 },
        { STATE_PAUSED, REASON_GUEST_PANICKED, 10 },
        { STATE_PAUSED, REASON_STARTING_UP, 11 },
        { STATE_IN_SHUTDOWN, REASON_USER, 1 },
        { STATE_SHUT_OFF, REASON_SHUTDOWN, 1 },
        { STATE_SHUT_OFF, REASON_DESTROYED, 2 },
        { STATE_SHUT_OFF, REASON_CRASHED, 3 },
        { STATE_SHUT_OFF, REASON_MIGRATED, 4 },
        { STATE_SHUT_OFF, REASON_SAVED, 5 },
        { STATE_SHUT_OFF, REASON_FAILED, 6 },
        { STATE_CRASHED, REASON_PANICKED, 1 },
};

static void add_state(Stats *s) {
        unsigned reason = 0;

        FOREACH_ARRAY(n, reason_numbers, ELEMENTSOF(reason_numbers))
                if (n->state == s->vm->state && n->reason == s->vm->reason)
                        reason = n->number;
        /* The states have libvirt's numbers. */
        add_number(s, s->vm->state, "state.state");
        add_number(s, reason, "state.reason");
}

/* --- processors --- */

static void add_cpu_total(Stats *s) {
        VmCpuTimes t;

        if (!s->vm->active)
                return;
        if (vm_cpu_times(s->m, s->vm, NULL, &t) >= 0) {
                add_number(s, t.total, "cpu.time");
                add_number(s, t.user, "cpu.user");
                add_number(s, t.system, "cpu.system");
        }
        add_number(s, 0, "cpu.cache.monitor.count");
        add_number(s, 0, "cpu.haltpoll.success.time");
        add_number(s, 0, "cpu.haltpoll.fail.time");
}

/* What a thread waited for, in nanoseconds: for the disk, as far as the kernel counts that, and for a CPU. */
static void thread_waits(Manager *m, unsigned tid, uint64_t *ret_wait, uint64_t *ret_delay) {
        _cleanup_free_ char *process = strf("%u", tid), *schedstat = host_read_text("%s/proc/%u/schedstat", m->host_root, tid);

        *ret_delay = 0;
        if (!process || host_read_sched(m->host_root, process, "wait_sum", ret_wait) < 0)
                *ret_wait = 0;
        if (schedstat)
                (void) sscanf(schedstat, "%*u %" SCNu64, ret_delay);
}

/* What a provider within QEMU counts: KVM. Its words go into names, so they have to be words. */
#define PROVIDED_MAX 256U
#define PROVIDED_NAME_MAX 64U
#define VCPUS_MAX 4096U

static bool is_name(const char *s) {
        size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

        return n > 0 && n <= PROVIDED_NAME_MAX && !s[n];
}

static const char *provided_suffix(json_object *schema, const char *name) {
        static const struct {
                const char *type, *suffix;
        } types[] = { { "cumulative", "sum" }, { "instant", "cur" }, { "peak", "max" } };
        json_object *stats = json_member(schema, "stats", json_type_array);

        for (size_t i = 0; i < list_length(stats, PROVIDED_MAX); i++) {
                json_object *o = json_object_array_get_idx(stats, i);
                if (!streq_ptr(json_member_string(o, "name"), name))
                        continue;
                FOREACH_ARRAY(t, types, ELEMENTSOF(types))
                        if (streq_ptr(json_member_string(o, "type"), t->type))
                                return t->suffix;
        }
        return NULL;
}

static json_object *find_schema(json_object *schemas, json_object *entry, const char *target) {
        const char *provider = json_member_string(entry, "provider");

        for (size_t i = 0; i < list_length(schemas, PROVIDED_MAX); i++) {
                json_object *o = json_object_array_get_idx(schemas, i);
                if (provider && streq_ptr(json_member_string(o, "provider"), provider) &&
                    streq_ptr(json_member_string(o, "target"), target))
                        return o;
        }
        return NULL;
}

static void add_provided(Stats *s, json_object *schema, json_object *entry, const char *prefix) {
        json_object *stats = json_member(entry, "stats", json_type_array);

        for (size_t i = 0; schema && i < list_length(stats, PROVIDED_MAX); i++) {
                json_object *o = json_object_array_get_idx(stats, i), *number = json_member(o, "value", json_type_int),
                            *flag = json_member(o, "value", json_type_boolean);
                const char *name = strempty(json_member_string(o, "name")), *suffix = is_name(name) ? provided_suffix(schema, name) : NULL;

                if (suffix && number && json_object_get_int64(number) >= 0)
                        add_number(s, json_object_get_uint64(number), "%s.%s.%s", prefix, name, suffix);
                else if (suffix && flag)
                        add_string(s, json_object_get_boolean(flag) ? "yes" : "no", "%s.%s.%s", prefix, name, suffix);
        }
}

/* The answers that tell of all virtual CPUs. */
typedef struct VcpuReport {
        json_object *schemas, *stats, *cpus; /* owned */
} VcpuReport;

static void vcpu_report_done(VcpuReport *r) {
        json_object_put(r->schemas);
        json_object_put(r->stats);
        json_object_put(r->cpus);
}

static void ask_vcpus(Stats *s, VcpuReport *r) {
        r->schemas = ask(s, "query-stats-schemas", NULL);
        if (list_length(r->schemas, PROVIDED_MAX) == 0)
                return;
        r->stats = ask(s, "query-stats", json_strings("target", "vcpu", NULL));
        r->cpus = ask(s, "query-cpus-fast", NULL);
}

static const char *vcpu_path(const VcpuReport *r, unsigned id) {
        for (size_t i = 0; i < list_length(r->cpus, VCPUS_MAX); i++) {
                json_object *o = json_object_array_get_idx(r->cpus, i), *index = json_member(o, "cpu-index", json_type_int);
                if (index && json_object_get_int64(index) == (int64_t) id)
                        return json_member_string(o, "qom-path");
        }
        return NULL;
}

static void add_vcpu_provided(Stats *s, const VcpuReport *r, unsigned id) {
        const char *path = vcpu_path(r, id);
        char prefix[32];

        (void) snprintf(prefix, sizeof(prefix), "vcpu.%u", id);
        for (size_t i = 0; path && i < list_length(r->stats, VCPUS_MAX); i++) {
                json_object *entry = json_object_array_get_idx(r->stats, i);
                if (streq_ptr(json_member_string(entry, "qom-path"), path))
                        add_provided(s, find_schema(r->schemas, entry, "vcpu"), entry, prefix);
        }
}

static void add_vm(Stats *s) {
        json_object *schemas = ask(s, "query-stats-schemas", NULL), *list = NULL;

        if (list_length(schemas, PROVIDED_MAX) > 0)
                list = ask(s, "query-stats", json_strings("target", "vm", NULL));
        for (size_t i = 0; i < list_length(list, PROVIDED_MAX); i++) {
                json_object *entry = json_object_array_get_idx(list, i);
                add_provided(s, find_schema(schemas, entry, "vm"), entry, "vm");
        }
        json_object_put(list);
        json_object_put(schemas);
}

static void add_vcpu(Stats *s, const VcpuInfo *v, const VmThread *threads, size_t n_threads) {
        uint64_t wait, delay;

        add_number(s, 1, "vcpu.%u.state", v->id); /* it runs: others are not told of */
        add_number(s, v->cpu_time_nsec, "vcpu.%u.time", v->id);
        FOREACH_ARRAY(t, threads, n_threads)
                if (t->kind == THREAD_VCPU && t->id == v->id) {
                        thread_waits(s->m, t->tid, &wait, &delay);
                        add_number(s, wait, "vcpu.%u.wait", v->id);
                        add_number(s, delay, "vcpu.%u.delay", v->id);
                        break;
                }
}

static void add_vcpus(Stats *s) {
        _cleanup_free_ VmThread *threads = NULL;
        _cleanup_free_ VcpuInfo *list = NULL;
        _cleanup_(vcpu_report_done) VcpuReport report = {};
        size_t n = 0, n_threads = 0;

        add_number(s, domain_current_vcpus(s->domain), "vcpu.current");
        add_number(s, domain_max_vcpus(s->domain), "vcpu.maximum");
        if (!s->vm->active || s->silent)
                return;
        if (!answered(s, vm_threads(s->m, s->vm, NULL, &threads, &n_threads)))
                return;
        /* It also looks whether these are the VM's. */
        if (vm_vcpu_info(s->m, s->vm, NULL, &list, &n) < 0)
                return;
        ask_vcpus(s, &report);
        FOREACH_ARRAY(v, list, n)
                if (v->running) {
                        add_vcpu(s, v, threads, n_threads);
                        add_vcpu_provided(s, &report, v->id);
                }
}

/* --- memory --- */

static void add_balloon(Stats *s) {
        const Domain *d = s->domain;
        uint64_t current = (d->current_memory.set ? d->current_memory.value : d->memory) / KIB;
        MemoryStat stats[MEMORY_STATS_MAX];
        size_t n = 0;

        if (s->vm->active && !s->silent)
                (void) answered(s, vm_memory_stats(s->m, s->vm, NULL, stats, &n));
        FOREACH_ARRAY(i, stats, n)
                if (streq(i->name, "actual"))
                        current = i->value;
        add_number(s, current, "balloon.current");
        add_number(s, d->memory / KIB, "balloon.maximum");
        FOREACH_ARRAY(i, stats, n)
                if (!streq(i->name, "actual"))
                        add_number(s, i->value, "balloon.%s", streq(i->name, "last_update") ? "last-update" : i->name);
}

/* --- interfaces --- */

static void add_interface(Stats *s, const DomainInterface *i, unsigned n) {
        HostNetCounters c;

        if (!i->target_dev)
                return;
        add_string(s, i->target_dev, "net.%u.name", n);
        if (vm_interface_counters(s->m, s->domain, i->target_dev, NULL, &c) < 0)
                return;
        const struct {
                const char *name;
                uint64_t value;
        } rows[] = {
                { "rx.bytes", c.rx_bytes }, { "rx.pkts", c.rx_packets }, { "rx.errs", c.rx_errors }, { "rx.drop", c.rx_dropped },
                { "tx.bytes", c.tx_bytes }, { "tx.pkts", c.tx_packets }, { "tx.errs", c.tx_errors }, { "tx.drop", c.tx_dropped },
        };
        FOREACH_ARRAY(row, rows, ELEMENTSOF(rows))
                add_number(s, row->value, "net.%u.%s", n, row->name);
}

static void add_interfaces(Stats *s) {
        unsigned n = 0;

        if (!s->vm->active)
                return;
        add_number(s, s->domain->n_interfaces, "net.count");
        FOREACH_ARRAY(i, s->domain->interfaces, s->domain->n_interfaces)
                add_interface(s, i, n++);
}

/* --- disks --- */

static const char *local_path(const DiskSource *source) {
        return disk_source_is_local(source) || source->type == DISK_DIR ? source->path : NULL;
}

static void add_counters(Stats *s, const BlockReport *report, const DomainDisk *disk, unsigned n) {
        static const struct {
                BlockCounter counter;
                const char *name;
        } rows[] = {
                { BLOCK_READ_REQUESTS, "rd.reqs" },   { BLOCK_READ_BYTES, "rd.bytes" },   { BLOCK_READ_TIMES, "rd.times" },
                { BLOCK_WRITE_REQUESTS, "wr.reqs" },  { BLOCK_WRITE_BYTES, "wr.bytes" },  { BLOCK_WRITE_TIMES, "wr.times" },
                { BLOCK_FLUSH_REQUESTS, "fl.reqs" },  { BLOCK_FLUSH_TIMES, "fl.times" },
        };
        BlockCounters c;

        if (block_report_counters(report, disk, &c) < 0)
                return;
        FOREACH_ARRAY(row, rows, ELEMENTSOF(rows))
                if (c.has[row->counter])
                        add_number(s, c.values[row->counter], "block.%u.%s", n, row->name);
}

/* The path of an image behind the disk's own: as it was opened. */
static const char *backing_path(const Stats *s, const DomainDisk *disk, unsigned depth) {
        _cleanup_free_ char *name = strf("disk-%s.%u", disk->target_dev, depth);
        const PlanFd *fd = name && s->plan ? plan_find_fd(s->plan, name) : NULL;

        return fd ? fd->path : NULL;
}

static void add_image_sizes(Stats *s, const BlockImage *image, const char *path, unsigned n) {
        ImageSizes stored;

        add_number(s, image->highest, "block.%u.allocation", n);
        if (image->capacity > 0)
                add_number(s, image->capacity, "block.%u.capacity", n);
        if (image->physical > 0)
                add_number(s, image->physical, "block.%u.physical", n);
        else if (path && image_file_sizes(path, FORMAT_UNSET, &stored) >= 0)
                add_number(s, stored.physical, "block.%u.physical", n);
}

static void add_image_head(Stats *s, const DomainDisk *disk, const char *path, unsigned index, unsigned n) {
        add_string(s, strempty(disk->target_dev), "block.%u.name", n);
        if (path)
                add_string(s, path, "block.%u.path", n);
        if (index > 0)
                add_number(s, index, "block.%u.backingIndex", n);
}

/* Returns how many images it told of. */
static unsigned add_running_disk(Stats *s, const BlockReport *report, const DomainDisk *disk, unsigned n) {
        const char *path = local_path(&disk->source);
        unsigned depth = 0;
        BlockImage image;

        bool has_image = block_report_image(report, disk, 0, &image) >= 0;
        add_image_head(s, disk, path, image.index, n);
        add_counters(s, report, disk, n);
        if (has_image)
                add_image_sizes(s, &image, path, n);
        while (s->backing && has_image && block_report_image(report, disk, ++depth, &image) >= 0) {
                path = backing_path(s, disk, depth);
                add_image_head(s, disk, path, image.index, n + depth);
                add_image_sizes(s, &image, path, n + depth);
        }
        return s->backing && has_image ? depth : 1;
}

static void add_stored_disk(Stats *s, const DomainDisk *disk, unsigned n) {
        ImageSizes sizes;

        add_image_head(s, disk, local_path(&disk->source), 0, n);
        if (!local_path(&disk->source) || vm_disk_sizes(NULL, disk, NULL, &sizes) < 0)
                return;
        if (sizes.allocation > 0)
                add_number(s, sizes.allocation, "block.%u.allocation", n);
        if (sizes.capacity > 0)
                add_number(s, sizes.capacity, "block.%u.capacity", n);
        if (sizes.physical > 0)
                add_number(s, sizes.physical, "block.%u.physical", n);
}

static void add_blocks(Stats *s) {
        _cleanup_block_report_ BlockReport report = {};
        unsigned n = 0;

        if (s->vm->active && !s->silent)
                (void) answered(s, vm_block_report(s->m, s->vm, s->domain, NULL, &report));
        /* How many there are comes first, and is known last. */
        size_t at = s->list->n_items;
        add_number(s, 0, "block.count");
        FOREACH_ARRAY(disk, s->domain->disks, s->domain->n_disks)
                if (report.stats)
                        n += add_running_disk(s, &report, disk, n);
                else if (s->vm->active)
                        add_image_head(s, disk, local_path(&disk->source), 0, n++);
                else
                        add_stored_disk(s, disk, n++);
        char *count = strf("%u", n);
        if (!count || s->failed) {
                free(count);
                s->failed = true;
                return;
        }
        free(s->list->items[at].value);
        s->list->items[at].value = count;
}

/* --- what QEMU alone knows --- */

static void add_member(Stats *s, json_object *o, const char *key, const char *name) {
        json_object *v = json_member(o, key, json_type_int);

        if (v && json_object_get_int64(v) >= 0)
                add_number(s, json_object_get_uint64(v), "%s", name);
}

#define IOTHREADS_MAX 1024U

static void add_iothread(Stats *s, json_object *o) {
        static const char *const keys[] = { "poll-max-ns", "poll-grow", "poll-shrink" };
        const char *number = startswith(strempty(json_member_string(o, "id")), "iothread");
        char name[64];
        unsigned id;

        if (!number || sscanf(number, "%9u", &id) != 1)
                return;
        for (size_t k = 0; k < ELEMENTSOF(keys); k++) {
                (void) snprintf(name, sizeof(name), "iothread.%u.%s", id, keys[k]);
                add_member(s, o, keys[k], name);
        }
}

static void add_iothreads(Stats *s) {
        json_object *list = ask(s, "query-iothreads", NULL);
        size_t n = list_length(list, IOTHREADS_MAX);

        if (n > 0)
                add_number(s, n, "iothread.count");
        for (size_t i = 0; i < n; i++)
                add_iothread(s, json_object_array_get_idx(list, i));
        json_object_put(list);
}

static void add_dirty_rate(Stats *s) {
        static const char *const states[] = { "unstarted", "measuring", "measured" };
        static const char *const modes[] = { "page-sampling", "dirty-bitmap", "dirty-ring" };
        json_object *o = ask(s, "query-dirty-rate", NULL);

        for (unsigned i = 0; i < ELEMENTSOF(states); i++)
                if (streq_ptr(json_member_string(o, "status"), states[i]))
                        add_number(s, i, "dirtyrate.calc_status");
        add_member(s, o, "start-time", "dirtyrate.calc_start_time");
        add_member(s, o, "calc-time", "dirtyrate.calc_period");
        for (unsigned i = 0; i < ELEMENTSOF(modes); i++)
                if (streq_ptr(json_member_string(o, "mode"), modes[i]))
                        add_string(s, modes[i], "dirtyrate.calc_mode");
        add_member(s, o, "dirty-rate", "dirtyrate.megabytes_per_second");
        json_object_put(o);
}

/* --- all together --- */

static void (*const group_functions[_STATS_MAX])(Stats *s) = {
        [STATS_STATE] = add_state,
        [STATS_CPU_TOTAL] = add_cpu_total,
        [STATS_BALLOON] = add_balloon,
        [STATS_VCPU] = add_vcpus,
        [STATS_INTERFACE] = add_interfaces,
        [STATS_BLOCK] = add_blocks,
        [STATS_IOTHREAD] = add_iothreads,
        [STATS_DIRTYRATE] = add_dirty_rate,
        [STATS_VM] = add_vm,
};

int vm_stats(Manager *m, const Vm *vm, unsigned groups, bool backing, Diag *diag, StatsList *ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_stats_list_ StatsList list = {};

        int r = vm_describe(m, vm, false, diag, &d);
        if (r < 0)
                return r;
        /* Who asks about all of them does not wait for one that cannot answer. */
        Stats s = { .m = m, .vm = vm, .domain = d, .backing = backing, .list = &list, .silent = vm_is_stalled(m, vm) };
        if (backing && vm->active && groups & 1U << STATS_BLOCK)
                s.plan = vm_read_plan(m, vm->name);
        for (unsigned i = 0; i < _STATS_MAX; i++)
                if (groups & 1U << i && group_functions[i])
                        group_functions[i](&s);
        plan_free(s.plan);
        if (s.failed)
                return -ENOMEM;
        *ret = list;
        list = (StatsList) {};
        return 0;
}
