/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "host-counters.h"
#include "json-member.h"
#include "memory.h"
#include "qemu-device.h"
#include "string-util.h"
#include "threads.h"
#include "vm-lifecycle.h"

#define KIB UINT64_C(1024)
/* libvirt's "no limit" is no size. */
#define SIZE_KIB_MAX (UINT64_C(9007199254740991) - 1)

static int check_size(uint64_t kib, Diag *diag) {
        if (kib == 0)
                return diag_error(diag, (SrcLoc) {}, "memory in virDomainSetMemoryFlags must not be zero");
        if (kib > SIZE_KIB_MAX)
                return diag_error_code(diag, -ERANGE, (SrcLoc) {}, "numerical overflow: input too large: %" PRIu64, kib);
        return 0;
}

/* "<currentMemory unit='KiB'>": the unit is always written, as an older one would be taken for the new number's. */
static int add_size(XmlEdits *edits, uint64_t kib, const char *path) {
        int r = xml_edits_u64(edits, kib, "%s", path);

        return r < 0 ? r : xml_edits_attribute(edits, "unit", "KiB", "%s", path);
}

static const DomainBalloon *find_balloon(const Domain *d) {
        FOREACH_ARRAY(b, d->balloons, d->n_balloons)
                if (b->model != BALLOON_NONE)
                        return b;
        return NULL;
}

/* --- setmem --- */

static int build_memory(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        uint64_t kib = *(const uint64_t *) userdata;

        if (kib > d->memory / KIB)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: cannot set memory higher than max memory");
        if (live && !d->made_up && !find_balloon(d))
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: Unable to change memory of active domain "
                                  "without the balloon device and guest OS balloon driver");
        return add_size(edits, kib, "currentMemory");
}

int vm_set_memory(Manager *m, const Vm *vm, ChangeFlags flags, uint64_t kib, Diag *diag) {
        int r = check_size(kib, diag);

        return r < 0 ? r : vm_change_build(m, vm, flags, build_memory, &kib, diag);
}

/* --- setmaxmem --- */

static int build_max_memory(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        uint64_t kib = *(const uint64_t *) userdata, now = (d->current_memory.set ? d->current_memory.value : d->memory) / KIB;

        if (live)
                return diag_error(diag, (SrcLoc) {},
                                  "Requested operation is not valid: cannot resize the maximum memory on an active domain");
        if (d->cpu.n_cells > 0)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: initial memory size of a domain with NUMA "
                                  "nodes cannot be modified with this API");
        int r = add_size(edits, kib, "memory");
        /* What the guest has at its start stays as it is, as far as there is room for it. */
        return r >= 0 && (now > kib || d->memory / KIB != kib) ? add_size(edits, MIN(now, kib), "currentMemory") : r;
}

int vm_set_max_memory(Manager *m, const Vm *vm, ChangeFlags flags, uint64_t kib, Diag *diag) {
        int r = check_size(kib, diag);

        return r < 0 ? r : vm_change_build(m, vm, flags, build_max_memory, &kib, diag);
}

/* --- dommemstat --- */

static int build_period(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        unsigned period = *(const unsigned *) userdata;
        const DomainBalloon *b = find_balloon(d);
        int r;

        if (!b)
                return diag_error(diag, (SrcLoc) {},
                                  "internal error: No memory balloon device configured, can not set the collection period");
        if (period == 0)
                return xml_edits_attribute(edits, "period", NULL, "devices/memballoon/stats");
        _cleanup_free_ char *text = strf("%u", period);
        /* A definition need not have the element. */
        r = text ? xml_edits_attribute(edits, "model", balloon_model_to_string(b->model), "devices/memballoon") : -ENOMEM;
        return r < 0 ? r : xml_edits_attribute(edits, "period", text, "devices/memballoon/stats");
}

int vm_set_memory_period(Manager *m, const Vm *vm, ChangeFlags flags, unsigned period, Diag *diag) {
        return vm_change_build(m, vm, flags, build_period, &period, diag);
}

static const struct {
        const char *qemu, *name;
        uint64_t unit; /* bytes are told in KiB */
} guest_stats[] = {
        { "stat-swap-in", "swap_in", KIB },
        { "stat-swap-out", "swap_out", KIB },
        { "stat-major-faults", "major_fault", 1 },
        { "stat-minor-faults", "minor_fault", 1 },
        { "stat-free-memory", "unused", KIB },
        { "stat-total-memory", "available", KIB },
        { "stat-available-memory", "usable", KIB },
        { "last-update", "last_update", 1 }, /* not the guest's word, but QEMU's */
        { "stat-disk-caches", "disk_caches", KIB },
        { "stat-htlb-pgalloc", "hugetlb_pgalloc", 1 },
        { "stat-htlb-pgfail", "hugetlb_pgfail", 1 },
};

static void add_stat(MemoryStat *stats, size_t *n, const char *name, json_object *value, uint64_t unit) {
        /* All bits, which is -1 as well: the guest does not tell. */
        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0 || json_object_get_uint64(value) == UINT64_MAX)
                return;
        stats[(*n)++] = (MemoryStat) { name, json_object_get_uint64(value) / unit };
}

static int add_balloon_stats(Manager *m, const Vm *vm, const DomainBalloon *b, Diag *diag, MemoryStat *stats, size_t *n) {
        _cleanup_free_ char *path = strf("/machine/peripheral/%s", b->info.alias ?: "balloon0");
        json_object *o;

        int r = vm_qmp_ask(m, vm, "query-balloon", NULL, diag, &o);
        if (r < 0)
                return r;
        add_stat(stats, n, "actual", json_member(o, "actual", json_type_int), KIB);
        json_object_put(o);
        json_object *arguments = path ? json_strings("path", path, "property", "guest-stats", NULL) : NULL;
        r = arguments ? vm_qmp_ask(m, vm, "qom-get", arguments, diag, &o) : -ENOMEM;
        if (r < 0)
                return r;
        json_object *list = json_member(o, "stats", json_type_object);
        FOREACH_ARRAY(s, guest_stats, ELEMENTSOF(guest_stats))
                add_stat(stats, n, s->name, json_member(startswith(s->qemu, "stat-") ? list : o, s->qemu, json_type_int), s->unit);
        json_object_put(o);
        return 0;
}

/* Any of its threads knows the whole process. Which those are is QEMU's word: what is not in the VM's cgroup is none of its. */
static void add_resident(Manager *m, const Vm *vm, MemoryStat *stats, size_t *n) {
        _cleanup_free_ VmThread *threads = NULL;
        _cleanup_free_ char *cgroup = NULL;
        size_t n_threads = 0;
        uint64_t bytes;

        if (vm_threads(m, vm, NULL, &threads, &n_threads) >= 0 && n_threads > 0 &&
            m->backend->unit_cgroup(m->userdata, vm->unit, &cgroup) >= 0 && vm_check_thread(m, cgroup, threads[0].tid, NULL) >= 0 &&
            host_process_memory(m->host_root, threads[0].tid, &bytes) >= 0)
                stats[(*n)++] = (MemoryStat) { "rss", bytes / KIB };
}

int vm_memory_stats(Manager *m, const Vm *vm, Diag *diag, MemoryStat ret[static MEMORY_STATS_MAX], size_t *ret_n) {
        _cleanup_(domain_freep) Domain *d = NULL;

        static_assert(ELEMENTSOF(guest_stats) + 2 <= MEMORY_STATS_MAX, "actual and rss have no room");
        *ret_n = 0;
        int r = vm_change_load(m, vm, CHANGE_LIVE, diag, &d);
        if (r >= 0)
                r = qemu_complete_aliases(d, diag);
        if (r < 0)
                return r;
        const DomainBalloon *b = find_balloon(d);
        if (b)
                r = add_balloon_stats(m, vm, b, diag, ret, ret_n);
        if (r >= 0)
                add_resident(m, vm, ret, ret_n);
        return r;
}
