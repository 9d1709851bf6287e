/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>

#include "liveness.h"
#include "memory.h"
#include "names.h"
#include "net-info.h"
#include "plans.h"
#include "string-util.h"
#include "strv.h"
#include "time-util.h"
#include "vm-diff.h"
#include "vm-status.h"

void vm_status_done(VmStatus *s) {
        vm_unit_status_done(&s->unit);
        strv_free(s->addresses);
        strv_free(s->log);
        *s = (VmStatus) {};
}

static int add_addresses(VmStatus *s, const GuestInterfaces *list) {
        int r = 0;

        FOREACH_ARRAY(i, list->items, list->n_items)
                FOREACH_ARRAY(a, i->addresses, i->n_addresses) {
                        /* Those that everybody has say nothing. */
                        if (streq(a->address, "127.0.0.1") || streq(a->address, "::1"))
                                continue;
                        if (r >= 0 && !strv_contains(s->addresses, a->address))
                                r = strv_extend(&s->addresses, a->address);
                }
        return r;
}

static int find_addresses(Manager *m, const Vm *vm, const Domain *d, VmStatus *s) {
        static const AddressSource sources[] = { ADDRESS_ARP, ADDRESS_AGENT };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(sources) && r >= 0 && !s->addresses; i++) {
                _cleanup_guest_interfaces_ GuestInterfaces list = {};
                if (vm_guest_interfaces(m, vm, d, sources[i], NULL, &list) >= 0)
                        r = add_addresses(s, &list);
        }
        return r;
}

static int ask_guest(Manager *m, const Vm *vm, VmStatus *s) {
        _cleanup_(domain_freep) Domain *d = NULL;
        MemoryStat stats[MEMORY_STATS_MAX];
        size_t n = 0;

        if (vm_memory_stats(m, vm, NULL, stats, &n) >= 0)
                FOREACH_ARRAY(i, stats, n)
                        if (streq(i->name, "rss"))
                                s->resident = i->value * 1024;
        return vm_describe(m, vm, false, NULL, &d) < 0 ? 0 : find_addresses(m, vm, d, s);
}

static void add_info(Manager *m, const Vm *vm, VmStatus *s) {
        VmInfo info;

        if (vm_info(m, vm, NULL, &info) < 0)
                return;
        s->enabled = info.autostart;
        s->has_cpu_time = info.has_cpu_time;
        s->cpu_time_nsec = info.cpu_time_nsec;
        s->vcpus = info.vcpus;
        s->memory = info.used_memory;
        vm_info_done(&info);
}

/* --- what it takes now --- */

#define COUNT_USEC (USEC_PER_SEC / 10)

typedef struct CpuCount {
        bool valid;
        uint64_t nsec, at_usec;
} CpuCount;

static CpuCount count_cpu(Manager *m, const Vm *vm) {
        CpuCount c = {};

        c.valid = vm->active && m->backend->unit_cpu_usage(m->userdata, vm->unit, &c.nsec) >= 0;
        c.at_usec = now_usec();
        return c;
}

/* Since BEFORE; the rest of the interval is waited for. */
static void measure_cpu(Manager *m, const Vm *vm, const CpuCount *before, VmStatus *s) {
        uint64_t passed = now_usec() - before->at_usec;

        if (!before->valid)
                return;
        if (passed < COUNT_USEC)
                (void) poll(NULL, 0, (int) ((COUNT_USEC - passed) / 1000) + 1);
        CpuCount now = count_cpu(m, vm);
        s->has_cpu = now.valid && now.nsec >= before->nsec && now.at_usec > before->at_usec;
        if (s->has_cpu)
                s->cpu = (double) (now.nsec - before->nsec) / 1000 / (double) (now.at_usec - before->at_usec);
}

/* --- */

int vm_status(Manager *m, const Vm *vm, unsigned log_lines, VmStatus *ret) {
        const char *const units[] = { vm->unit, NULL };
        VmStatus s = { .stalled = vm_is_stalled(m, vm) };
        int r = 0;

        if (m->backend->unit_status)
                (void) m->backend->unit_status(m->userdata, vm->unit, &s.unit);
        add_info(m, vm, &s);
        s.changed = vm->active && vm->persistent && vm_definition_changed(m, vm) > 0;
        if (vm->active && !s.stalled)
                r = ask_guest(m, vm, &s);
        /* To be asked has cost it something, too. */
        CpuCount before = count_cpu(m, vm);
        if (r >= 0 && log_lines > 0 && m->backend->unit_log)
                (void) m->backend->unit_log(m->userdata, units, log_lines, &s.log);
        if (r < 0) {
                vm_status_done(&s);
                return r;
        }
        measure_cpu(m, vm, &before, &s);
        *ret = s;
        return 0;
}

int vm_log_command(const char *name, bool session, char *const *words, char ***ret) {
        _cleanup_free_ char *unit = vm_unit(name), *transient = vm_transient_unit(name);
        _cleanup_strv_ char **argv = NULL;

        if (!unit || !transient)
                return -ENOMEM;
        /* With --user only a user's own file would be looked at, which there is of a journal that is kept on disk. */
        const char *const first[] = { "journalctl", session ? NULL : "--system", session ? "--user-unit" : "--unit", unit,
                                      session ? "--user-unit" : "--unit", transient };
        for (size_t i = 0; i < ELEMENTSOF(first); i++)
                if (first[i] && strv_extend(&argv, first[i]) < 0)
                        return -ENOMEM;
        STRV_FOREACH(w, words)
                if (strv_extend(&argv, *w) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(argv);
        return 0;
}
