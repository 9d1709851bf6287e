/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cpus.h"
#include "host-counters.h"
#include "host-file.h"
#include "node.h"
#include "string-util.h"
#include "threads.h"

#define FILE_MAX 65536U

/* --- the host --- */

int host_cpus(Manager *m, unsigned *ret_count, NumberSet *ret_online, Diag *diag) {
        NumberSet present;

        int r = node_cpu_map(m, diag, &present, ret_online);
        if (r >= 0)
                *ret_count = (unsigned) (number_set_last(&present) + 1);
        return r;
}

/* --- what a domain says --- */

static const NumberSet *default_cpus(const Domain *d, const NumberSet *online) {
        return d->has_vcpu_cpuset && d->vcpu_placement != PLACEMENT_AUTO ? &d->vcpu_cpuset : online;
}

static const NumberSet *pinned_cpus(const Domain *d, const ThreadPin *pins, size_t n, unsigned id, const NumberSet *online) {
        return thread_pin_cpus(pins, n, id) ?: default_cpus(d, online);
}

/* What all that follows reads first. */
typedef struct Reading {
        Domain *domain; /* owned */
        NumberSet online;
} Reading;

static void reading_done(Reading *r) {
        domain_free(r->domain);
}
#define _cleanup_reading_ _cleanup_(reading_done)

static int reading_init(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, Reading *ret) {
        unsigned count;

        int r = vm_change_load(m, vm, flags, diag, &ret->domain);
        return r < 0 ? r : host_cpus(m, &count, &ret->online, diag);
}

/* --- showing --- */

int vm_vcpu_count(Manager *m, const Vm *vm, ChangeFlags flags, bool maximum, Diag *diag, unsigned *ret) {
        _cleanup_(domain_freep) Domain *d = NULL;

        int r = vm_change_load(m, vm, flags, diag, &d);
        if (r >= 0)
                *ret = maximum ? domain_max_vcpus(d) : domain_current_vcpus(d);
        return r;
}

int vm_vcpu_pins(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, CpuPin **ret, size_t *ret_n) {
        _cleanup_reading_ Reading x = {};

        int r = reading_init(m, vm, flags, diag, &x);
        if (r < 0)
                return r;
        const DomainCputune *c = &x.domain->cputune;
        unsigned n = domain_max_vcpus(x.domain);
        CpuPin *list = calloc(n, sizeof(CpuPin));
        if (!list)
                return -ENOMEM;
        for (unsigned i = 0; i < n; i++)
                list[i] = (CpuPin) { i, *pinned_cpus(x.domain, c->vcpupins, c->n_vcpupins, i, &x.online) };
        *ret = list;
        *ret_n = n;
        return 0;
}

int vm_emulator_pin(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, NumberSet *ret) {
        _cleanup_reading_ Reading x = {};

        int r = reading_init(m, vm, flags, diag, &x);
        if (r < 0)
                return r;
        *ret = x.domain->cputune.has_emulatorpin ? x.domain->cputune.emulatorpin : *default_cpus(x.domain, &x.online);
        return 0;
}

/* Of a definition. */
static int defined_iothread_pins(Manager *m, const Vm *vm, Diag *diag, CpuPin **ret, size_t *ret_n) {
        _cleanup_reading_ Reading x = {};

        int r = reading_init(m, vm, CHANGE_CONFIG, diag, &x);
        if (r < 0)
                return r;
        const DomainCputune *c = &x.domain->cputune;
        unsigned n = domain_count_iothreads(x.domain);
        CpuPin *list = calloc(n + 1, sizeof(CpuPin));
        if (!list)
                return -ENOMEM;
        for (unsigned i = 0; i < n; i++) {
                unsigned id = domain_iothread_id(x.domain, i);
                list[i] = (CpuPin) { id, *pinned_cpus(x.domain, c->iothreadpins, c->n_iothreadpins, id, &x.online) };
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

int vm_iothread_pins(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, CpuPin **ret, size_t *ret_n) {
        _cleanup_free_ VmThread *threads = NULL;
        size_t n_threads = 0, n = 0;

        int r = vm_change_scope(vm, &flags, diag);
        if (r < 0 || !(flags & CHANGE_LIVE))
                return r < 0 ? r : defined_iothread_pins(m, vm, diag, ret, ret_n);
        r = vm_threads(m, vm, diag, &threads, &n_threads);
        if (r < 0)
                return r;
        CpuPin *list = calloc(n_threads + 1, sizeof(CpuPin));
        if (!list)
                return -ENOMEM;
        FOREACH_ARRAY(t, threads, n_threads)
                if (t->kind == THREAD_IOTHREAD)
                        list[n++] = (CpuPin) { t->id, t->cpus };
        *ret = list;
        *ret_n = n;
        return 0;
}

/* --- virtual CPUs that run --- */

static int running_vcpu(Manager *m, const char *cgroup, const VmThread *t, Diag *diag, VcpuInfo *ret) {
        _cleanup_free_ char *text = NULL;

        int r = vm_check_thread(m, cgroup, t->tid, diag);
        if (r < 0)
                return r;
        /* Not /proc/TID/stat: that counts all threads of the process. */
        r = host_read_file(FILE_MAX, &text, "%s/proc/%u/task/%u/stat", m->host_root, t->tid, t->tid);
        if (r >= 0)
                r = host_stat_parse(text, &ret->cpu_time_nsec, &ret->cpu);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read /proc/%u/task/%u/stat: %s", t->tid, t->tid, strerror(-r));
        ret->id = t->id;
        ret->cpus = t->cpus;
        ret->running = true;
        return 0;
}

static int running_vcpus(Manager *m, const Vm *vm, Diag *diag, VcpuInfo **ret, size_t *ret_n) {
        _cleanup_free_ VmThread *threads = NULL;
        _cleanup_free_ VcpuInfo *list = NULL;
        _cleanup_free_ char *cgroup = NULL;
        size_t n_threads = 0, n = 0;

        int r = vm_threads(m, vm, diag, &threads, &n_threads);
        if (r < 0)
                return r;
        r = m->backend->unit_cgroup(m->userdata, vm->unit, &cgroup);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot ask for the cgroup of %s: %s", vm->unit, strerror(-r));
        list = calloc(n_threads + 1, sizeof(VcpuInfo));
        if (!list)
                return -ENOMEM;
        FOREACH_ARRAY(t, threads, n_threads)
                if (r >= 0 && t->kind == THREAD_VCPU)
                        r = running_vcpu(m, cgroup, t, diag, &list[n++]);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list);
        *ret_n = n;
        return 0;
}

int vm_vcpu_info(Manager *m, const Vm *vm, Diag *diag, VcpuInfo **ret, size_t *ret_n) {
        _cleanup_free_ CpuPin *pins = NULL;
        size_t n_pins = 0;
        unsigned n;

        if (vm->active)
                return running_vcpus(m, vm, diag, ret, ret_n);
        int r = vm_vcpu_pins(m, vm, CHANGE_CONFIG, diag, &pins, &n_pins);
        if (r >= 0)
                r = vm_vcpu_count(m, vm, CHANGE_CONFIG, false, diag, &n);
        if (r < 0)
                return r;
        VcpuInfo *list = calloc(n + 1, sizeof(VcpuInfo));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n && i < n_pins; i++)
                list[i] = (VcpuInfo) { .id = pins[i].id, .cpus = pins[i].cpus };
        *ret = list;
        *ret_n = MIN(n, n_pins);
        return 0;
}

/* --- CPU time --- */

/* A line of cpu.stat, in microseconds. */
static int parse_usec(const char *text, const char *key, uint64_t *ret_nsec) {
        const char *p = strstr(text, key);
        unsigned long long usec;

        if (!p || (p > text && p[-1] != '\n') || sscanf(p + strlen(key), " %llu", &usec) != 1)
                return -EBADMSG;
        *ret_nsec = usec * 1000;
        return 0;
}

int vm_cpu_times(Manager *m, const Vm *vm, Diag *diag, VmCpuTimes *ret) {
        _cleanup_free_ char *cgroup = NULL, *text = NULL;

        if (!vm->active)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        int r = m->backend->unit_cgroup(m->userdata, vm->unit, &cgroup);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot ask for the cgroup of %s: %s", vm->unit, strerror(-r));
        r = host_read_file(FILE_MAX, &text, "%s/sys/fs/cgroup%s/cpu.stat", m->host_root, cgroup);
        if (r >= 0)
                r = parse_usec(text, "usage_usec", &ret->total);
        if (r >= 0)
                r = parse_usec(text, "user_usec", &ret->user);
        if (r >= 0)
                r = parse_usec(text, "system_usec", &ret->system);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read /sys/fs/cgroup%s/cpu.stat: %s", cgroup, strerror(-r));
        return 0;
}

/* --- pinning --- */

typedef struct PinCall {
        unsigned id;
        char *cpus; /* owned */
} PinCall;

static int build_vcpu_pin(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const PinCall *c = userdata;

        if (c->id >= domain_max_vcpus(d))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: vcpu %u is out of range of %s cpu count %u", c->id,
                                  live ? "live" : "persistent", live ? domain_max_vcpus(d) : domain_current_vcpus(d));
        return xml_edits_attribute(edits, "cpuset", c->cpus, "cputune/vcpupin[@vcpu='%u']", c->id);
}

static int build_emulator_pin(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const PinCall *c = userdata;

        return xml_edits_attribute(edits, "cpuset", c->cpus, "cputune/emulatorpin");
}

static int build_iothread_pin(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const PinCall *c = userdata;

        if (!domain_has_iothread(d, c->id))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: %s %u not found", live ? "iothread" : "iothreadid", c->id);
        return xml_edits_attribute(edits, "cpuset", c->cpus, "cputune/iothreadpin[@iothread='%u']", c->id);
}

static int pin(Manager *m, const Vm *vm, ChangeFlags flags, ChangeBuild build, unsigned id, const NumberSet *cpus, Diag *diag) {
        _cleanup_free_ char *text = number_set_format(cpus);
        PinCall c = { id, text };

        return text ? vm_change_build(m, vm, flags, build, &c, diag) : -ENOMEM;
}

int vm_pin_vcpu(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, const NumberSet *cpus, Diag *diag) {
        return pin(m, vm, flags | CHANGE_CONFIG_FIRST, build_vcpu_pin, id, cpus, diag);
}

int vm_pin_emulator(Manager *m, const Vm *vm, ChangeFlags flags, const NumberSet *cpus, Diag *diag) {
        return pin(m, vm, flags, build_emulator_pin, 0, cpus, diag);
}

int vm_pin_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, const NumberSet *cpus, Diag *diag) {
        return pin(m, vm, flags, build_iothread_pin, id, cpus, diag);
}
