/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "stats.h"
#include "string-util.h"
#include "time-util.h"
#include "top.h"

static void usage_done(VmUsage *u) {
        vm_done(&u->vm);
}

void vm_usages_done(VmUsages *u) {
        FREE_LIST(u->items, u->n_items, usage_done);
}

/* "block.0.rd.bytes" is one that begins with "block." and ends with ".rd.bytes". */
static const struct {
        const char *start, *end;
        size_t offset; /* in VmCounts */
        uint64_t unit;
} wanted[] = {
        { "cpu.time", "", offsetof(VmCounts, cpu_nsec), 1 },
        { "balloon.rss", "", offsetof(VmCounts, resident), 1024 },
        { "block.", ".rd.bytes", offsetof(VmCounts, block_read), 1 },
        { "block.", ".wr.bytes", offsetof(VmCounts, block_written), 1 },
        { "net.", ".rx.bytes", offsetof(VmCounts, net_received), 1 },
        { "net.", ".tx.bytes", offsetof(VmCounts, net_sent), 1 },
};

static void add_item(VmCounts *c, const StatsItem *i) {
        uint64_t v;

        if (!i->is_number || parse_u64(i->value, 10, &v) < 0)
                return;
        for (size_t k = 0; k < ELEMENTSOF(wanted); k++) {
                const char *rest = startswith(i->name, wanted[k].start);
                if (rest && (*wanted[k].end ? endswith(rest, wanted[k].end) : !*rest))
                        *(uint64_t *) ((uint8_t *) c + wanted[k].offset) += v * wanted[k].unit;
        }
}

static void count(Manager *m, const Vm *vm, VmCounts *ret) {
        const unsigned asked = 1U << STATS_BALLOON | 1U << STATS_BLOCK | 1U << STATS_INTERFACE;
        _cleanup_stats_list_ StatsList list = {};

        *ret = (VmCounts) { .at_usec = now_usec() };
        (void) vm_stats(m, vm, 1U << STATS_CPU_TOTAL | (vm->stalled ? 0 : asked), false, NULL, &list);
        FOREACH_ARRAY(i, list.items, list.n_items)
                add_item(ret, i);
}

/* Counters may begin anew: a disk or an interface went away. */
static uint64_t rate(uint64_t before, uint64_t now, uint64_t usec) {
        return now > before && usec > 0 ? (uint64_t) ((double) (now - before) * USEC_PER_SEC / (double) usec) : 0;
}

static void set_rates(VmUsage *u, const VmUsages *before) {
        FOREACH_ARRAY(b, before->items, before->n_items) {
                /* An id is of one run. */
                if (b->vm.id != u->vm.id || !streq(b->vm.name, u->vm.name))
                        continue;
                const VmCounts *then = &b->counts, *now = &u->counts;
                uint64_t usec = now->at_usec - then->at_usec;
                u->has_rates = usec > 0;
                u->cpu = usec > 0 && now->cpu_nsec > then->cpu_nsec ? (double) (now->cpu_nsec - then->cpu_nsec) / 1000 / (double) usec : 0;
                u->read = rate(then->block_read, now->block_read, usec);
                u->written = rate(then->block_written, now->block_written, usec);
                u->received = rate(then->net_received, now->net_received, usec);
                u->sent = rate(then->net_sent, now->net_sent, usec);
        }
}

static int compare_usages(const void *pa, const void *pb) {
        const VmUsage *a = pa, *b = pb;

        if (a->cpu != b->cpu)
                return a->cpu > b->cpu ? -1 : 1;
        return strcmp(a->vm.name, b->vm.name);
}

int vm_usage(Manager *m, const VmUsages *before, VmUsages *ret) {
        VmUsages u = {};
        Vm *vms = NULL;
        size_t n = 0;

        int r = vm_list(m, VM_LIST_ACTIVE | VM_LIST_STALLED, &vms, &n);
        if (r < 0)
                return r;
        u.items = calloc(n + 1, sizeof(VmUsage));
        if (!u.items) {
                vms_free(vms, n);
                return -ENOMEM;
        }
        FOREACH_ARRAY(vm, vms, n) {
                VmUsage *one = &u.items[u.n_items++];
                count(m, vm, &one->counts);
                one->vm = *vm;
                *vm = (Vm) {};
                set_rates(one, before);
        }
        vms_free(vms, n);
        qsort(u.items, u.n_items, sizeof(VmUsage), compare_usages);
        *ret = u;
        return 0;
}
