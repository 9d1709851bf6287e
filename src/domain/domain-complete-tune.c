/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"

/* What libvirt makes of tuning elements. Where something is wrong, it is left as it was written: then
 * domain_validate() can speak of it. */

/* --- virtual CPUs --- */

static bool vcpu_list_is_sound(const Domain *d) {
        NumberSet seen = {};

        if (d->vcpus.value > NUMBER_SET_MAX || d->n_vcpu_list > d->vcpus.value)
                return false;
        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list) {
                if (v->id.value >= d->vcpus.value || number_set_has(&seen, v->id.value))
                        return false;
                number_set_add(&seen, v->id.value);
        }
        return true;
}

/* Who is not in the list is not there at the start. */
static int complete_vcpus(Domain *d) {
        unsigned n = d->vcpus.value, enabled = 0;

        if (n > 0 && d->current_vcpus.value == n)
                d->current_vcpus.set = false;
        if (d->n_vcpu_list == 0 || !vcpu_list_is_sound(d))
                return 0;
        DomainVcpu *list = calloc(n, sizeof(DomainVcpu));
        if (!list)
                return -ENOMEM;
        for (unsigned i = 0; i < n; i++)
                list[i] = (DomainVcpu) { .loc = d->vcpu_list[0].loc, .id = OPT_UINT(i), .enabled = TRI_NO };
        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list)
                list[v->id.value] = *v;
        FOREACH_ARRAY(v, list, n) {
                if (v->hotpluggable == TRI_UNSET)
                        v->hotpluggable = v->enabled == TRI_YES ? TRI_NO : TRI_YES;
                if (v->order.value == 0)
                        v->order.set = false;
                enabled += v->enabled == TRI_YES;
        }
        free(d->vcpu_list);
        d->vcpu_list = list;
        d->n_vcpu_list = n;
        d->current_vcpus = (OptUint) { enabled != n, enabled };
        return 0;
}

/* --- I/O threads --- */

/* There are as many as <iothreads> says, or as are listed if those are more; new ones get the first numbers that
 * are free. */
static int complete_iothreads(Domain *d) {
        if (d->iothreads.value == 0)
                d->iothreads.set = false;
        if (d->n_iothread_ids == 0)
                return 0;
        if (d->iothreads.value > NUMBER_SET_MAX)
                return 0;
        for (unsigned id = 1; d->n_iothread_ids < d->iothreads.value; id++) {
                if (domain_find_iothread(d, id))
                        continue;
                if (!ARRAY_GROW(d->iothread_ids, d->n_iothread_ids))
                        return -ENOMEM;
                d->iothread_ids[d->n_iothread_ids++] = (DomainIothread) { .id = OPT_UINT(id) };
        }
        d->iothreads = OPT_UINT((unsigned) d->n_iothread_ids);
        return 0;
}

/* --- <cputune> --- */

static int compare_pins(const void *a, const void *b) {
        unsigned x = ((const ThreadPin *) a)->id.value, y = ((const ThreadPin *) b)->id.value;
        return x < y ? -1 : x > y;
}

static int compare_scheds(const void *a, const void *b) {
        const ThreadSched *x = a, *y = b;
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++)
                if (number_set_has(&x->ids, i) != number_set_has(&y->ids, i))
                        return number_set_has(&x->ids, i) ? -1 : 1;
        return 0;
}

static bool scheds_are_sound(const ThreadSched *list, size_t n) {
        NumberSet seen = {};
        unsigned count = 0;

        FOREACH_ARRAY(s, list, n) {
                number_set_unite(&seen, &s->ids);
                count += number_set_count(&s->ids);
        }
        return count == number_set_count(&seen);
}

/* libvirt writes one for each thread. */
static int split_scheds(ThreadSched **list, size_t *n) {
        ThreadSched *split = NULL;
        size_t n_split = 0;

        if (*n == 0 || !scheds_are_sound(*list, *n))
                return 0;
        FOREACH_ARRAY(s, *list, *n)
                for (unsigned i = 0; i < NUMBER_SET_MAX; i++) {
                        if (!number_set_has(&s->ids, i))
                                continue;
                        if (!ARRAY_GROW(split, n_split)) {
                                free(split);
                                return -ENOMEM;
                        }
                        ThreadSched *one = split + n_split++;
                        *one = *s;
                        one->ids = (NumberSet) {};
                        number_set_add(&one->ids, i);
                }
        if (n_split > 0)
                qsort(split, n_split, sizeof(ThreadSched), compare_scheds);
        free(*list);
        *list = split;
        *n = n_split;
        return 0;
}

static void complete_priority(ThreadSched *s) {
        if (s->scheduler != SCHEDULER_FIFO && s->scheduler != SCHEDULER_RR)
                s->has_priority = false;
}

static int complete_cputune(Domain *d) {
        DomainCputune *c = &d->cputune;
        CpuBandwidth *const bandwidths[] = { &c->vcpu, &c->global, &c->emulator, &c->iothread };

        for (size_t i = 0; i < ELEMENTSOF(bandwidths); i++) {
                if (bandwidths[i]->period.value == 0)
                        bandwidths[i]->period.set = false;
                if (bandwidths[i]->quota == 0)
                        bandwidths[i]->has_quota = false;
        }
        if (c->n_vcpupins > 0)
                qsort(c->vcpupins, c->n_vcpupins, sizeof(ThreadPin), compare_pins);
        FOREACH_ARRAY(s, c->vcpuscheds, c->n_vcpuscheds)
                complete_priority(s);
        FOREACH_ARRAY(s, c->iothreadscheds, c->n_iothreadscheds)
                complete_priority(s);
        complete_priority(&c->emulatorsched);
        int r = split_scheds(&c->vcpuscheds, &c->n_vcpuscheds);
        return r < 0 ? r : split_scheds(&c->iothreadscheds, &c->n_iothreadscheds);
}

/* --- <numatune>, <memtune>, <blkiotune> --- */

static void complete_numatune(Domain *d) {
        DomainNumatune *n = &d->numatune;

        if (n->placement == PLACEMENT_STATIC)
                n->placement = PLACEMENT_UNSET;
        /* Memory follows the processors, and the other way. */
        if (n->placement == PLACEMENT_UNSET && !n->has_nodes && d->vcpu_placement == PLACEMENT_AUTO && n->n_memnodes == 0)
                n->placement = PLACEMENT_AUTO;
        if (n->placement == PLACEMENT_AUTO) {
                n->has_nodes = false;
                if (!d->has_vcpu_cpuset)
                        d->vcpu_placement = PLACEMENT_AUTO;
        }
        if (d->vcpu_placement == PLACEMENT_AUTO)
                d->has_vcpu_cpuset = false;
        if ((n->has_nodes || n->placement != PLACEMENT_UNSET) && n->mode == NUMA_UNSET)
                n->mode = NUMA_STRICT;
        FOREACH_ARRAY(m, n->memnodes, n->n_memnodes)
                m->mode = m->mode ?: NUMA_STRICT;
}

/* A device that nothing is said about is left out, as in libvirt. One without a path is not: it is wrong. */
static void drop_empty_devices(DomainBlkiotune *b) {
        size_t n = 0;

        FOREACH_ARRAY(i, b->devices, b->n_devices) {
                bool empty = !i->weight.set && !i->read_iops.set && !i->write_iops.set && !i->read_bytes.set &&
                        !i->write_bytes.set;
                if (empty && i->path)
                        free(i->path);
                else
                        b->devices[n++] = *i;
        }
        b->n_devices = n;
}

/* As much as there can be is no limit. */
static void complete_limit(OptU64 *limit) {
        if (limit->value / 1024 >= INT64_MAX / 1024)
                limit->set = false;
}

static void complete_limits(Domain *d) {
        DomainBlkiotune *b = &d->blkiotune;

        complete_limit(&d->memtune.hard_limit);
        complete_limit(&d->memtune.soft_limit);
        complete_limit(&d->memtune.min_guarantee);
        complete_limit(&d->memtune.swap_hard_limit);
        if (b->weight.value == 0)
                b->weight.set = false;
        FOREACH_ARRAY(i, b->devices, b->n_devices) {
                i->weight.set = i->weight.value > 0;
                i->read_iops.set = i->read_iops.value > 0;
                i->write_iops.set = i->write_iops.value > 0;
                i->read_bytes.set = i->read_bytes.value > 0;
                i->write_bytes.set = i->write_bytes.value > 0;
        }
        drop_empty_devices(b);
}

int domain_complete_tune(Domain *d, const HostFacts *facts) {
        int r = complete_vcpus(d);
        if (r >= 0)
                r = complete_iothreads(d);
        if (r >= 0)
                r = complete_cputune(d);
        if (r < 0)
                return r;
        complete_numatune(d);
        complete_limits(d);
        return 0;
}
