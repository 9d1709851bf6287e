/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain.h"
#include "lifecycle-actions.h"

/* What a domain says of its virtual CPUs and I/O threads, however it is written. */

unsigned domain_written_vcpus(const Domain *d) {
        return d->vcpus.set ? d->vcpus.value : 1;
}

bool domain_watchdog_dumps(const Domain *d) {
        FOREACH_ARRAY(w, d->watchdogs, d->n_watchdogs)
                if (w->action == WATCHDOG_ACTION_DUMP)
                        return true;
        return false;
}

bool domain_dumps(const Domain *d) {
        return lifecycle_action_dumps(d->on_crash) || domain_watchdog_dumps(d);
}

bool domain_has_io_uring(const Domain *d) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (disk->io == IO_URING)
                        return true;
        return false;
}

uint64_t domain_most_memory(const Domain *d) {
        return MAX(d->memory, d->max_memory.value);
}

unsigned domain_max_vcpus(const Domain *d) {
        return MIN(domain_written_vcpus(d), NUMBER_SET_MAX);
}

unsigned domain_current_vcpus(const Domain *d) {
        return d->current_vcpus.set ? MIN(d->current_vcpus.value, domain_max_vcpus(d)) : domain_max_vcpus(d);
}

bool domain_vcpu_enabled(const Domain *d, unsigned id) {
        return id < d->n_vcpu_list ? d->vcpu_list[id].enabled == TRI_YES : d->n_vcpu_list == 0 && id < domain_current_vcpus(d);
}

unsigned domain_count_iothreads(const Domain *d) {
        return d->n_iothread_ids > 0 ? (unsigned) d->n_iothread_ids : MIN(d->iothreads.value, NUMBER_SET_MAX);
}

unsigned domain_iothread_id(const Domain *d, unsigned i) {
        return i < d->n_iothread_ids ? d->iothread_ids[i].id.value : i + 1;
}

bool domain_has_iothread(const Domain *d, unsigned id) {
        for (unsigned i = 0; i < domain_count_iothreads(d); i++)
                if (domain_iothread_id(d, i) == id)
                        return true;
        return false;
}

const DomainIothread *domain_find_iothread(const Domain *d, unsigned id) {
        FOREACH_ARRAY(t, d->iothread_ids, d->n_iothread_ids)
                if (t->id.value == id)
                        return t;
        return NULL;
}

const NumberSet *thread_pin_cpus(const ThreadPin *pins, size_t n, unsigned id) {
        FOREACH_ARRAY(p, pins, n)
                if (p->id.value == id && p->has_cpus)
                        return &p->cpus;
        return NULL;
}
