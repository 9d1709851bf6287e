/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <json-c/json.h>

#include "change-qemu.h"
#include "cpus.h"
#include "json-member.h"
#include "string-util.h"
#include "vcpu-slots.h"
#include "vm-lifecycle.h"

typedef struct QemuChange {
        Manager *m;
        const Vm *vm;
        Diag *diag;
} QemuChange;

static int qmp(const QemuChange *c, const char *command, json_object *arguments, json_object **ret) {
        return vm_qmp_ask(c->m, c->vm, command, arguments, c->diag, ret);
}

/* --- virtual CPUs --- */

static int ask_slots(const QemuChange *c, VcpuSlots *ret) {
        json_object *reply = NULL;

        int r = qmp(c, "query-hotpluggable-cpus", NULL, &reply);
        if (r < 0)
                return r;
        r = vcpu_slots_read(reply, ret);
        json_object_put(reply);
        return r < 0 ? diag_error_code(c->diag, r, (SrcLoc) {}, "QEMU's answer to 'query-hotpluggable-cpus' makes no sense") : 0;
}

/* The place of a virtual CPU, one of *SLOTS. */
static int find_slot(const QemuChange *c, unsigned id, VcpuSlots *slots, const VcpuSlot **ret) {
        int r = ask_slots(c, slots);

        if (r < 0)
                return r;
        *ret = vcpu_slots_find(slots, id);
        return *ret ? 0 : diag_error_code(c->diag, -ENODEV, (SrcLoc) {}, "QEMU has no place for virtual CPU %u", id);
}

static int plug(const QemuChange *c, unsigned id) {
        _cleanup_vcpu_slots_ VcpuSlots slots = {};
        const VcpuSlot *s;

        int r = find_slot(c, id, &slots, &s);
        if (r < 0 || vcpu_slot_path(s))
                return r;
        json_object *device = vcpu_slot_device(s, id);
        return device ? qmp(c, "device_add", device, NULL) : -ENOMEM;
}

/* The guest is asked; it lets go when it likes. */
static int unplug(const QemuChange *c, unsigned id) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vcpu_slots_ VcpuSlots slots = {};
        const VcpuSlot *s;

        int r = find_slot(c, id, &slots, &s);
        if (r < 0 || !vcpu_slot_path(s))
                return r;
        const char *name = startswith(vcpu_slot_path(s), "/machine/peripheral/");
        if (!name || strchr(name, '/'))
                return diag_error(c->diag, (SrcLoc) {}, "Operation not supported: vcpu '%u' can't be unplugged", id);
        r = c->m->backend->monitor_unplug(c->m->userdata, c->vm->name, name, &diag);
        if (r == -ETIMEDOUT)
                return diag_error_code(c->diag, r, (SrcLoc) {}, "Timed out during operation: vcpu unplug request timed out. Unplug "
                                       "result must be manually inspected in the domain");
        if (r == -ECANCELED)
                return diag_error_code(c->diag, r, (SrcLoc) {}, "operation failed: unplug of device was rejected by the guest");
        return r < 0 ? vm_qmp_explain("device_del", r, &diag, c->diag) : 0;
}

int change_vcpus(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag) {
        const QemuChange c = { m, vm, diag };
        unsigned n = domain_max_vcpus(to);
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < n; i++)
                if (domain_vcpu_enabled(to, i) && !domain_vcpu_enabled(from, i))
                        r = plug(&c, i);
        for (unsigned i = n; r >= 0 && i > 0; i--)
                if (!domain_vcpu_enabled(to, i - 1) && domain_vcpu_enabled(from, i - 1))
                        r = unplug(&c, i - 1);
        return r;
}

/* Those that are there from the start are plugged in before the guest runs: until then they are not gone. */
static bool guest_has_begun(const Vm *vm) {
        return vm->active && vm->state != STATE_UNKNOWN && !(vm->state == STATE_PAUSED && vm->reason == REASON_STARTING_UP);
}

int change_vcpus_gone(Manager *m, const Vm *vm, const Domain *d, NumberSet *ret) {
        _cleanup_vcpu_slots_ VcpuSlots slots = {};
        const QemuChange c = { .m = m, .vm = vm };
        NumberSet pluggable = {};

        *ret = (NumberSet) {};
        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list)
                if (v->enabled == TRI_YES && v->hotpluggable == TRI_YES)
                        number_set_add(&pluggable, v->id.value);
        if (number_set_is_empty(&pluggable) || !guest_has_begun(vm))
                return 0;
        int r = ask_slots(&c, &slots);
        for (unsigned i = 0; r >= 0 && i < domain_max_vcpus(d); i++) {
                const VcpuSlot *s = number_set_has(&pluggable, i) ? vcpu_slots_find(&slots, i) : NULL;
                if (s && !vcpu_slot_path(s))
                        number_set_add(ret, i);
        }
        return r;
}

/* --- I/O threads --- */

/* What a thread has that nothing is said about. */
#define POLL_MAX_DEFAULT 32768U
#define POOL_MIN_DEFAULT 0U
#define POOL_MAX_DEFAULT 64U

typedef struct IothreadValue {
        const char *name;
        bool set;
        uint64_t value;
} IothreadValue;

/* In an order in which the pool's limits never cross: a greater maximum first, a smaller one last. */
#define IOTHREAD_VALUES 5U
static void list_values(const DomainIothread *t, bool shrinks, IothreadValue ret[IOTHREAD_VALUES]) {
        const IothreadValue min = { "thread-pool-min", t->pool_min.set, t->pool_min.set ? t->pool_min.value : POOL_MIN_DEFAULT },
                            max = { "thread-pool-max", t->pool_max.set, t->pool_max.set ? t->pool_max.value : POOL_MAX_DEFAULT };

        ret[0] = shrinks ? min : max;
        ret[1] = shrinks ? max : min;
        ret[2] = (IothreadValue) { "poll-max-ns", t->poll_max.set, t->poll_max.set ? t->poll_max.value : POLL_MAX_DEFAULT };
        ret[3] = (IothreadValue) { "poll-grow", t->poll_grow.set, t->poll_grow.value };
        ret[4] = (IothreadValue) { "poll-shrink", t->poll_shrink.set, t->poll_shrink.value };
}

static int add_iothread(const QemuChange *c, const DomainIothread *t, unsigned id) {
        _cleanup_free_ char *name = strf("iothread%u", id);
        json_object *o = name ? json_strings("qom-type", "iothread", "id", name, NULL) : NULL;
        IothreadValue values[IOTHREAD_VALUES];

        if (!o)
                return -ENOMEM;
        list_values(t, false, values);
        FOREACH_ARRAY(v, values, IOTHREAD_VALUES)
                if (v->set)
                        json_object_object_add(o, v->name, json_object_new_uint64(v->value));
        return qmp(c, "object-add", o, NULL);
}

static int remove_iothread(const QemuChange *c, unsigned id) {
        _cleanup_free_ char *name = strf("iothread%u", id);
        json_object *arguments = name ? json_strings("id", name, NULL) : NULL;

        return arguments ? qmp(c, "object-del", arguments, NULL) : -ENOMEM;
}

static int set_iothread(const QemuChange *c, unsigned id, const IothreadValue *v) {
        _cleanup_free_ char *path = strf("/objects/iothread%u", id);
        json_object *o = path ? json_strings("path", path, "property", v->name, NULL) : NULL;

        if (!o)
                return -ENOMEM;
        json_object_object_add(o, "value", json_object_new_uint64(v->value));
        return qmp(c, "qom-set", o, NULL);
}

static int change_iothread(const QemuChange *c, const DomainIothread *from, const DomainIothread *to, unsigned id) {
        IothreadValue old[IOTHREAD_VALUES], now[IOTHREAD_VALUES];
        unsigned before = from->pool_max.set ? from->pool_max.value : POOL_MAX_DEFAULT;
        bool shrinks = (to->pool_max.set ? to->pool_max.value : POOL_MAX_DEFAULT) < before;
        int r = 0;

        list_values(from, shrinks, old);
        list_values(to, shrinks, now);
        for (size_t i = 0; r >= 0 && i < IOTHREAD_VALUES; i++)
                if (old[i].value != now[i].value)
                        r = set_iothread(c, id, now + i);
        return r;
}

int change_iothreads(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag) {
        static const DomainIothread plain = {};
        const QemuChange c = { m, vm, diag };
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < domain_count_iothreads(to); i++) {
                unsigned id = domain_iothread_id(to, i);
                const DomainIothread *before = domain_find_iothread(from, id) ?: &plain, *now = domain_find_iothread(to, id) ?: &plain;
                r = domain_has_iothread(from, id) ? change_iothread(&c, before, now, id) : add_iothread(&c, now, id);
        }
        for (unsigned i = 0; r >= 0 && i < domain_count_iothreads(from); i++)
                if (!domain_has_iothread(to, domain_iothread_id(from, i)))
                        r = remove_iothread(&c, domain_iothread_id(from, i));
        return r;
}
