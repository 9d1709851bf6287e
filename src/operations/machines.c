/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <unistd.h>

#include "apparmor.h"
#include "change-qemu.h"
#include "definition.h"
#include "definitions.h"
#include "domain-xml.h"
#include "machines.h"
#include "label.h"
#include "liveness.h"
#include "names.h"
#include "parse-util.h"
#include "places-record.h"
#include "runtime.h"
#include "saved-file.h"
#include "string-util.h"
#include "taint.h"

void vm_done(Vm *vm) {
        free(vm->name);
        free(vm->unit);
        free(vm->source_path);
        *vm = (Vm) {};
}

void vms_free(Vm *vms, size_t n) {
        FOREACH_ARRAY(vm, vms, n)
                vm_done(vm);
        free(vms);
}

/* --- the state of one --- */

/* What the files of a running VM say. Until the supervisor has written its first line, it is starting. */
static void read_active_state(int dir, Vm *vm) {
        vm->state = STATE_PAUSED;
        vm->reason = REASON_STARTING_UP;
        if (dir < 0)
                return;
        if (runtime_read_id(dir, &vm->id) < 0)
                vm->id = 0;

        DomainState state;
        DomainReason reason;
        /* A state of an earlier run, which said "shut off", is not of this one. */
        if (runtime_read_state(dir, &state, &reason) >= 0 && state != STATE_SHUT_OFF) {
                vm->state = state;
                vm->reason = reason;
        }
}

/* Of a VM that does not run, only the reason why it stopped is of interest. A state file that says it ran was
 * left behind by a supervisor that was killed; one of a machine without a definition, which is no more, is not this one's. */
static void read_inactive_state(int dir, Vm *vm) {
        DomainState state;
        DomainReason reason;

        vm->state = STATE_SHUT_OFF;
        vm->reason = REASON_UNKNOWN;
        if (dir < 0 || faccessat(dir, RUNTIME_TRANSIENT, F_OK, AT_SYMLINK_NOFOLLOW) >= 0 || runtime_read_state(dir, &state, &reason) < 0)
                return;
        vm->reason = state == STATE_SHUT_OFF ? reason : REASON_CRASHED;
}

bool vm_has_managed_save(Manager *m, const Vm *vm) {
        return m->remembers && vm->persistent && managed_save_exists(vm->name);
}

static void read_state(Manager *m, Vm *vm) {
        _cleanup_close_ int dir = manager_open_runtime(m, vm->name);

        if (vm->active)
                read_active_state(dir, vm);
        else
                read_inactive_state(dir, vm);
        /* What is in /run is gone after a reboot of the host; this is not. */
        if (!vm->active && vm->reason == REASON_UNKNOWN && vm_has_managed_save(m, vm))
                vm->reason = REASON_SAVED;
}

/* --- all of them --- */

typedef struct VmArray {
        Vm *items;
        size_t n;
} VmArray;

static Vm *find_name(VmArray *a, const char *name) {
        FOREACH_ARRAY(vm, a->items, a->n)
                if (streq(vm->name, name))
                        return vm;
        return NULL;
}

static int add_name(VmArray *a, const char *name, Vm **ret) {
        Vm *vm = find_name(a, name);

        if (!vm) {
                char *copy = strdup(name);
                if (!copy || !ARRAY_GROW(a->items, a->n)) {
                        free(copy);
                        return -ENOMEM;
                }
                vm = &a->items[a->n++];
                *vm = (Vm) { .name = copy };
        }
        *ret = vm;
        return 0;
}

static int add_definitions(VmArray *a) {
        _cleanup_definition_list_ DefinitionList list = {};

        int r = definition_list(NULL, &list);
        if (r < 0)
                return r;
        /* The list has every name once and is sorted, so nothing needs to be searched. */
        FOREACH_ARRAY(d, list.items, list.n_items) {
                if (!ARRAY_GROW(a->items, a->n))
                        return -ENOMEM;
                Vm *vm = &a->items[a->n++];
                *vm = (Vm) { .name = TAKE_PTR(d->name), .source_path = TAKE_PTR(d->path), .persistent = true };
                vm->unit = vm_unit(vm->name);
                if (!vm->unit)
                        return -ENOMEM;
        }
        return 0;
}

static int add_units(Manager *m, VmArray *a) {
        VmUnit *units = NULL;
        size_t n = 0;

        int r = m->backend->list_units(m->userdata, &units, &n);
        if (r == -ENOTCONN)
                return 0; /* without a systemd nothing of ours runs */
        if (r < 0)
                return r;
        FOREACH_ARRAY(u, units, n) {
                Vm *vm;

                if (!unit_activity_is_on(u->activity))
                        continue;
                r = add_name(a, u->name, &vm);
                if (r < 0)
                        break;
                r = free_and_strdup(&vm->unit, u->unit);
                if (r < 0)
                        break;
                vm->active = true;
                vm->transient = u->transient;
        }
        vm_units_free(units, n);
        return r < 0 ? r : 0;
}

static int collect(Manager *m, VmArray *ret) {
        VmArray a = {};

        int r = add_definitions(&a);
        if (r >= 0)
                r = add_units(m, &a);
        if (r < 0) {
                vms_free(a.items, a.n);
                return r;
        }
        FOREACH_ARRAY(vm, a.items, a.n)
                read_state(m, vm);
        *ret = a;
        return 0;
}

/* Running ones first, by id; the others by name. */
static int compare_vms(const void *pa, const void *pb) {
        const Vm *a = pa, *b = pb;

        if (a->active != b->active)
                return a->active ? -1 : 1;
        if (a->active && a->id != b->id)
                return a->id < b->id ? -1 : 1;
        return strcmp(a->name, b->name);
}

int vm_list(Manager *m, VmListFlags flags, Vm **ret, size_t *ret_n) {
        VmArray a;
        size_t n = 0;

        int r = collect(m, &a);
        if (r < 0)
                return r;
        FOREACH_ARRAY(vm, a.items, a.n) {
                if (flags & (vm->active ? VM_LIST_ACTIVE : VM_LIST_INACTIVE))
                        a.items[n++] = *vm;
                else
                        vm_done(vm);
        }
        if (n > 0)
                qsort(a.items, n, sizeof(Vm), compare_vms);
        FOREACH_ARRAY(vm, a.items, n)
                vm->stalled = (flags & VM_LIST_STALLED) && vm_is_stalled(m, vm);
        *ret = a.items;
        *ret_n = n;
        return 0;
}

/* --- one of them --- */

static bool has_uuid(Manager *m, const Vm *vm, const uint8_t uuid[16]) {
        _cleanup_(domain_freep) Domain *d = NULL;

        return vm_load_domain(m, vm, false, NULL, &d) >= 0 && d->has_uuid && memcmp(d->uuid, uuid, 16) == 0;
}

typedef struct Wanted {
        bool by_id, by_uuid;
        unsigned id;
        uint8_t uuid[16];
        const char *name;
} Wanted;

static bool matches(Manager *m, const Vm *vm, VmLookupFlags by, const Wanted *w) {
        switch (by) {
        case VM_BY_ID:
                return w->by_id && vm->id > 0 && vm->id == w->id;
        case VM_BY_UUID:
                return w->by_uuid && has_uuid(m, vm, w->uuid);
        case VM_BY_NAME:
                return streq(vm->name, w->name);
        default:
                return false;
        }
}

int vm_lookup(Manager *m, const char *word, VmLookupFlags flags, Diag *diag, Vm *ret) {
        static const VmLookupFlags order[] = { VM_BY_ID, VM_BY_UUID, VM_BY_NAME };
        Wanted w = { .name = word };
        VmArray a;

        w.by_id = parse_uint(word, &w.id) >= 0 && w.id > 0;
        w.by_uuid = strlen(word) == 36 && parse_uuid(word, w.uuid) >= 0;

        int r = collect(m, &a);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot ask systemd for the running domains: %s",
                                       strerror(-r));
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                if (!(flags & order[i]))
                        continue;
                FOREACH_ARRAY(vm, a.items, a.n)
                        if (matches(m, vm, order[i], &w)) {
                                *ret = *vm;
                                *vm = (Vm) {};
                                vms_free(a.items, a.n);
                                return 0;
                        }
        }
        vms_free(a.items, a.n);
        return -ENOENT;
}

int vm_read_live(Manager *m, const Vm *vm, char **ret, size_t *ret_size) {
        _cleanup_close_ int dir = manager_open_runtime(m, vm->name);

        if (dir < 0)
                return dir;
        return runtime_read(dir, RUNTIME_DOMAIN, DOMAIN_XML_MAX, ret, ret_size);
}

int vm_read_definition(Manager *m, const Vm *vm, char **ret, size_t *ret_size) {
        _cleanup_definition_ Definition d = {};

        int r = definition_load(vm->name, &d);
        if (r < 0)
                return r;
        *ret_size = d.size;
        *ret = TAKE_PTR(d.text);
        return 0;
}

int vm_load_domain_text(Manager *m, const Vm *vm, bool inactive, Diag *diag, char **ret_text, size_t *ret_size,
                        bool *ret_live, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *text = NULL;
        const HostFacts *facts;
        size_t size = 0;
        bool defined = false;
        int r = -ENOENT;

        if (vm->active && !inactive)
                r = vm_read_live(m, vm, &text, &size);
        /* What runs may be read by root only; a definition mostly by everybody. */
        if (r < 0 && (vm->persistent || r == -ENOENT)) {
                r = vm_read_definition(m, vm, &text, &size);
                defined = true;
        }
        if (r < 0)
                return r;
        r = domain_from_xml(text, size, diag, &d);
        if (r >= 0 && defined && vm->persistent && m->remembers)
                r = places_record_load(vm->name, d, diag);
        if (r < 0)
                return r;
        r = manager_facts(m, &facts);
        if (r < 0)
                return r;
        r = domain_complete(d, facts, diag);
        if (r < 0)
                return r;
        *ret_text = TAKE_PTR(text);
        *ret_size = size;
        *ret_live = !defined;
        *ret = TAKE_PTR(d);
        return 0;
}

int vm_load_domain(Manager *m, const Vm *vm, bool inactive, Diag *diag, Domain **ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        bool live;

        return vm_load_domain_text(m, vm, inactive, diag, &text, &size, &live, ret);
}

bool vm_autostart(Manager *m, const Vm *vm) {
        return vm->persistent && m->backend->unit_enabled(m->userdata, vm->unit);
}

void vm_info_done(VmInfo *i) {
        i->label = mfree(i->label);
}

/* As it was started; who may not read that sees none. */
static int read_label(Manager *m, const Vm *vm, VmInfo *info) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *text = NULL;
        const HostFacts *facts;
        size_t size;

        int r = manager_facts(m, &facts);
        if (r < 0)
                return r;
        bool apparmor = !facts->selinux.enabled && facts->apparmor.enabled;
        info->security_model = facts->selinux.enabled ? "selinux" : apparmor ? "apparmor" : "none";
        info->enforcing = facts->selinux.enforcing;
        if (!vm->active || streq(info->security_model, "none") || vm_read_live(m, vm, &text, &size) < 0 ||
            domain_from_xml(text, size, NULL, &d) < 0)
                return 0;
        const DomainSeclabel *s = apparmor ? domain_apparmor(d) : domain_selinux(d);
        if (s && s->label && apparmor)
                (void) apparmor_find("", s->label, &info->enforcing);
        return s ? free_and_strdup(&info->label, s->label) : 0;
}

int vm_info(Manager *m, const Vm *vm, Diag *diag, VmInfo *ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        VmInfo info = {};
        NumberSet gone;

        int r = vm_load_domain(m, vm, false, diag, &d);
        if (r < 0)
                return r;
        memcpy(info.uuid, d->uuid, sizeof(info.uuid));
        info.os_type = d->os.type;
        info.vcpus = d->current_vcpus.set ? d->current_vcpus.value : domain_written_vcpus(d);
        if (vm->active && change_vcpus_gone(m, vm, d, &gone) >= 0)
                info.vcpus -= MIN(number_set_count(&gone), info.vcpus);
        info.max_memory = d->memory;
        info.used_memory = d->current_memory.set ? d->current_memory.value : d->memory;
        info.autostart = vm_autostart(m, vm);
        info.managed_save = vm_has_managed_save(m, vm);
        info.has_cpu_time = vm->active &&
                            m->backend->unit_cpu_usage(m->userdata, vm->unit, &info.cpu_time_nsec) >= 0;
        info.taints = vm_taints(m, vm, d);
        r = read_label(m, vm, &info);
        if (r >= 0)
                *ret = info;
        return r;
}
