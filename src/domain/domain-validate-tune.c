/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "domain-validate.h"
#include "string-util.h"

/* Virtual CPUs, threads, and what the host is asked for. */

#define CPU_SHARES_MIN 2U
#define CPU_SHARES_MAX 262144U
#define CPU_PERIOD_MIN 1000U
#define CPU_PERIOD_MAX 1000000U
#define CPU_QUOTA_MIN 1000
#define CPU_QUOTA_MAX INT64_C(17592186044415) /* 64 bits in nanoseconds, with room to spare */

/* QEMU begins with as many as stay, which are the first ones then; the others are plugged in behind them. */
static void check_vcpu_order(const Domain *d, Diag *diag) {
        for (size_t i = 1; i < d->n_vcpu_list; i++) {
                const DomainVcpu *v = d->vcpu_list + i - 1;
                if (v[1].id.value == v->id.value + 1 && v->hotpluggable == TRI_YES && v[1].enabled == TRI_YES &&
                    v[1].hotpluggable == TRI_NO)
                        (void) diag_error(diag, v[1].loc, "vcpus: vcpu %u is not hotpluggable, but vcpu %u before it is",
                                          v[1].id.value, v->id.value);
        }
}

static void check_vcpu_list(const Domain *d, Diag *diag) {
        unsigned n = domain_written_vcpus(d);
        size_t ordered = 0, enabled = 0;

        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list) {
                ordered += v->enabled == TRI_YES && v->order.value > 0;
                enabled += v->enabled == TRI_YES;
                if (v->id.value >= n)
                        (void) diag_error(diag, v->loc, "vcpus: vcpu %u: there are %u, from 0 on", v->id.value, n);
                for (const DomainVcpu *o = d->vcpu_list; o < v; o++)
                        if (o->id.value == v->id.value) {
                                (void) diag_error(diag, v->loc, "vcpus: vcpu %u is given twice", v->id.value);
                                break;
                        }
                if (v->enabled == TRI_NO && v->hotpluggable == TRI_NO)
                        (void) diag_error(diag, v->loc, "vcpus: vcpu %u is neither enabled nor hotpluggable", v->id.value);
                if (v->id.value != 0)
                        continue;
                if (v->enabled == TRI_NO)
                        (void) diag_error(diag, v->loc, "vcpus: vcpu 0 cannot be disabled");
                else if (v->hotpluggable == TRI_YES)
                        (void) diag_error(diag, v->loc, "vcpus: vcpu 0 cannot be hotpluggable");
                if (v->order.value > 1)
                        (void) diag_error(diag, v->loc, "vcpus: vcpu 0 is always the first: its order is 1");
        }
        if (ordered > 0 && ordered < enabled)
                (void) diag_error(diag, d->vcpu_list[0].loc,
                                  "vcpus: either all of the enabled ones have an order or none");
}

void check_vcpus(const Domain *d, Diag *diag) {
        unsigned n = domain_written_vcpus(d);

        if (n == 0)
                (void) diag_error(diag, domain_loc_or(d, d->vcpu_loc), "vcpu is 0: a machine needs one");
        else if (n > NUMBER_SET_MAX)
                (void) diag_error(diag, domain_loc_or(d, d->vcpu_loc), "vcpu is %u: there can be %u", n, NUMBER_SET_MAX);
        if (d->current_vcpus.set && d->current_vcpus.value == 0 && d->n_vcpu_list == 0)
                (void) diag_error(diag, domain_loc_or(d, d->vcpu_loc), "vcpu @current is 0: a machine needs one to start with");
        else if (d->current_vcpus.set && d->current_vcpus.value > n)
                (void) diag_error(diag, domain_loc_or(d, d->vcpu_loc), "vcpu @current is %u, but there are %u at most",
                                  d->current_vcpus.value, n);
        check_vcpu_list(d, diag);
        check_vcpu_order(d, diag);
}

/* --- I/O threads --- */

static void check_thread_pool(const DomainIothread *t, const char *what, Diag *diag) {
        if (t->pool_max.set && t->pool_max.value == 0)
                (void) diag_error(diag, t->loc, "%s: thread_pool_max is 0", what);
        else if (t->pool_min.set && t->pool_max.set && t->pool_min.value > t->pool_max.value)
                (void) diag_error(diag, t->loc, "%s: thread_pool_min (%u) is greater than thread_pool_max (%u)", what,
                                  t->pool_min.value, t->pool_max.value);
}

void check_iothreads(const Domain *d, Diag *diag) {
        if (d->iothreads.set && d->iothreads.value > NUMBER_SET_MAX)
                (void) diag_error(diag, domain_loc_or(d, d->iothreads_loc), "iothreads is %u: there can be %u", d->iothreads.value,
                                  NUMBER_SET_MAX);
        FOREACH_ARRAY(t, d->iothread_ids, d->n_iothread_ids) {
                _cleanup_free_ char *what = strf("iothread %u", t->id.value);
                if (!what)
                        return;
                if (t->id.value == 0)
                        (void) diag_error(diag, t->loc, "iothread @id is 0: they count from 1");
                for (const DomainIothread *o = d->iothread_ids; o < t; o++)
                        if (o->id.value == t->id.value) {
                                (void) diag_error(diag, t->loc, "%s is given twice", what);
                                break;
                        }
                check_thread_pool(t, what, diag);
        }
        check_thread_pool(&d->default_iothread, "defaultiothread", diag);
}

/* --- <cputune> --- */

static void check_bandwidth(const DomainCputune *c, const CpuBandwidth *b, const char *prefix, Diag *diag) {
        if (b->period.set && b->period.value != 0 &&
            (b->period.value < CPU_PERIOD_MIN || b->period.value > CPU_PERIOD_MAX))
                (void) diag_error(diag, c->loc, "cputune: %speriod is %" PRIu64 ", not a number from %u to %u", prefix,
                                  b->period.value, CPU_PERIOD_MIN, CPU_PERIOD_MAX);
        /* -1 is no limit, 0 is what nobody asked for. */
        if (b->has_quota && b->quota != -1 && b->quota != 0 && (b->quota < CPU_QUOTA_MIN || b->quota > CPU_QUOTA_MAX))
                (void) diag_error(diag, c->loc, "cputune: %squota is %" PRId64 ", not a number from %d to %" PRId64, prefix,
                                  b->quota, CPU_QUOTA_MIN, CPU_QUOTA_MAX);
}

static void check_twice(const ThreadPin *pins, const ThreadPin *p, const char *what, Diag *diag) {
        for (const ThreadPin *o = pins; o < p; o++)
                if (o->id.value == p->id.value) {
                        (void) diag_error(diag, p->loc, "cputune: there are two %s for %u", what, p->id.value);
                        return;
                }
}

static void check_pins(const Domain *d, Diag *diag) {
        const DomainCputune *c = &d->cputune;

        FOREACH_ARRAY(p, c->vcpupins, c->n_vcpupins) {
                if (p->id.value >= domain_written_vcpus(d))
                        diag_warning(diag, p->loc, "vcpupin: there is no virtual CPU %u", p->id.value);
                check_twice(c->vcpupins, p, "vcpupin", diag);
        }
        FOREACH_ARRAY(p, c->iothreadpins, c->n_iothreadpins) {
                if (!domain_has_iothread(d, p->id.value))
                        (void) diag_error(diag, p->loc, "iothreadpin: there is no I/O thread %u", p->id.value);
                check_twice(c->iothreadpins, p, "iothreadpin", diag);
        }
}

static void check_priority(const ThreadSched *s, Diag *diag) {
        if (s->scheduler != SCHEDULER_FIFO && s->scheduler != SCHEDULER_RR)
                return;
        if (!s->has_priority)
                (void) diag_error(diag, s->loc, "scheduler '%s' needs a @priority", scheduler_to_string(s->scheduler));
        else if (s->priority < 1 || s->priority > 99)
                (void) diag_error(diag, s->loc, "scheduler '%s': @priority is from 1 to 99, not %d",
                                  scheduler_to_string(s->scheduler), s->priority);
}

static void check_scheds(const ThreadSched *list, size_t n, const char *what, Diag *diag) {
        FOREACH_ARRAY(s, list, n) {
                check_priority(s, diag);
                for (const ThreadSched *o = list; o < s; o++)
                        if (number_set_overlaps(&o->ids, &s->ids)) {
                                (void) diag_error(diag, s->loc, "cputune: two %s speak of the same thread", what);
                                break;
                        }
        }
}

static void check_sched_threads(const Domain *d, Diag *diag) {
        const DomainCputune *c = &d->cputune;

        FOREACH_ARRAY(s, c->vcpuscheds, c->n_vcpuscheds)
                for (unsigned i = domain_written_vcpus(d); i < NUMBER_SET_MAX; i++)
                        if (number_set_has(&s->ids, i)) {
                                (void) diag_error(diag, s->loc, "vcpusched: there is no virtual CPU %u", i);
                                break;
                        }
        FOREACH_ARRAY(s, c->iothreadscheds, c->n_iothreadscheds)
                for (unsigned i = 0; i < NUMBER_SET_MAX; i++)
                        if (number_set_has(&s->ids, i) && !domain_has_iothread(d, i)) {
                                (void) diag_error(diag, s->loc, "iothreadsched: there is no I/O thread %u", i);
                                break;
                        }
}

void check_cputune(const Domain *d, Diag *diag) {
        const DomainCputune *c = &d->cputune;

        if (c->shares.set &&
            (c->shares.value < CPU_SHARES_MIN || c->shares.value > CPU_SHARES_MAX))
                (void) diag_error(diag, c->loc, "cputune: shares is %" PRIu64 ", not a number from %u to %u",
                                  c->shares.value, CPU_SHARES_MIN, CPU_SHARES_MAX);
        check_bandwidth(c, &c->vcpu, "", diag);
        check_bandwidth(c, &c->global, "global_", diag);
        check_bandwidth(c, &c->emulator, "emulator_", diag);
        check_bandwidth(c, &c->iothread, "iothread_", diag);
        check_pins(d, diag);
        check_priority(&c->emulatorsched, diag);
        check_scheds(c->vcpuscheds, c->n_vcpuscheds, "vcpusched", diag);
        check_scheds(c->iothreadscheds, c->n_iothreadscheds, "iothreadsched", diag);
        check_sched_threads(d, diag);
}

/* --- <numatune>, <blkiotune> --- */

void check_numatune(const Domain *d, Diag *diag) {
        const DomainNumatune *n = &d->numatune;
        SrcLoc memory_loc = n->memory_loc.line > 0 ? n->memory_loc : n->loc;

        if (n->memory_loc.line > 0 && !n->has_nodes && n->placement != PLACEMENT_AUTO)
                (void) diag_error(diag, memory_loc, "numatune: memory needs @nodeset unless its placement is 'auto'");
        if (n->n_memnodes > 0 && d->cpu.n_cells == 0) {
                (void) diag_error(diag, n->memnodes[0].loc, "numatune: memnode is for guests with NUMA nodes (<cpu><numa>)");
                return;
        }
        if (n->n_memnodes > 0 && n->placement == PLACEMENT_AUTO)
                (void) diag_error(diag, n->memnodes[0].loc, "numatune: memnode and placement 'auto' exclude each other");
        FOREACH_ARRAY(m, n->memnodes, n->n_memnodes) {
                if (m->cell.value >= d->cpu.n_cells)
                        (void) diag_error(diag, m->loc, "memnode: the guest has no NUMA node %u", m->cell.value);
                if ((n->mode == NUMA_RESTRICTIVE) != (m->mode == NUMA_RESTRICTIVE) && n->memory_loc.line > 0)
                        (void) diag_error(diag, m->loc, "memnode: either all modes are 'restrictive' or none");
                for (const NumaMemnode *o = n->memnodes; o < m; o++)
                        if (o->cell.value == m->cell.value) {
                                (void) diag_error(diag, m->loc, "memnode: node %u is given twice", m->cell.value);
                                break;
                        }
        }
}

void check_blkiotune(const Domain *d, Diag *diag) {
        const DomainBlkiotune *b = &d->blkiotune;

        FOREACH_ARRAY(i, b->devices, b->n_devices)
                for (const BlkioDevice *o = b->devices; o < i; o++)
                        if (streq_ptr(o->path, i->path)) {
                                (void) diag_error(diag, i->loc, "blkiotune: device '%s' is given twice", strempty(i->path));
                                break;
                        }
}
