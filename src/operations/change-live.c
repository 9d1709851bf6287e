/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "change-live.h"
#include "change-qemu.h"
#include "cpus.h"
#include "domain-xml.h"
#include "json-member.h"
#include "lifecycle-actions.h"
#include "number-set.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "threads.h"
#include "unit-resources.h"
#include "vm-lifecycle.h"
#include "xml-diff.h"

typedef struct Change {
        Manager *m;
        const Vm *vm;
        const Domain *from, *to;
        Diag *diag;
} Change;

/* --- properties of the unit --- */

#define DEVICE_UNLIMITED "18446744073709551615" /* UINT64_MAX */

/* What a device has that has no number of its own any more. There is no taking away a weight, which becomes that of all. */
static const char *no_device_value(const UnitProperty *row, const UnitProperties *all) {
        const UnitProperty *weight = unit_properties_find(all, "IOWeight");

        if (!streq(row->name, "IODeviceWeight"))
                return DEVICE_UNLIMITED;
        return weight ? weight->values[0] : IO_WEIGHT_DEFAULT;
}

/* Limits of devices add to those that are there: what is gone has to be said. */
static int device_values(const UnitProperty *from, const UnitProperty *to, const char *gone, char ***ret) {
        STRV_FOREACH(v, from ? from->values : NULL) {
                if (to && unit_device_value(to->values, *v))
                        continue;
                int r = strv_extendf(ret, "%.*s %s", (int) (strrchr(*v, ' ') - *v), *v, gone);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(v, to ? to->values : NULL) {
                int r = strv_extend(ret, *v);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Of one row, from what FROM says to what TO says. */
static int add_difference(const UnitProperty *row, const UnitProperties *all_from, const UnitProperties *all_to,
                          UnitProperties *ret) {
        const UnitProperty *from = unit_properties_find(all_from, row->name), *to = unit_properties_find(all_to, row->name);
        _cleanup_strv_ char **values = NULL;
        int r = 0;

        if (strv_equal(from ? from->values : NULL, to ? to->values : NULL))
                return 0;
        if (row->kind == UNIT_DEVICE_VALUES)
                r = device_values(from, to, no_device_value(row, all_to), &values);
        else if (!to)
                r = strv_extend(&values, unit_resource_default(row));
        return r < 0 ? r : unit_properties_add(ret, row->section, row->name, values ?: to->values);
}

static int properties_of(const Change *c, const Domain *d, UnitProperties *ret) {
        const HostFacts *facts;

        int r = manager_facts(c->m, &facts);
        return r < 0 ? r : unit_properties_new(d, facts, "", "", c->diag, ret);
}

/* While threads move, the unit has the CPUs they come from and those they go to. */
static int widen(const Change *c, UnitProperties *p) {
        NumberSet from, to;
        bool everywhere = !domain_cpus(c->from, &from) || !domain_cpus(c->to, &to);

        FOREACH_ARRAY(i, p->items, p->n_items) {
                if (!streq(i->name, "AllowedCPUs"))
                        continue;
                if (!everywhere)
                        number_set_unite(&to, &from);
                i->values = strv_free(i->values);
                int r = everywhere ? strv_extend(&i->values, "") : strv_consume(&i->values, number_set_format(&to));
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool threads_differ(const Change *c);

static int set_properties(const Change *c, bool wide) {
        _cleanup_(unit_properties_done) UnitProperties from = {}, to = {}, changed = {};
        UnitPropertyRow row;

        int r = properties_of(c, c->from, &from);
        if (r >= 0)
                r = properties_of(c, c->to, &to);
        for (size_t i = 0; r >= 0 && unit_property_row(i, &row); i++)
                if (row.property.live && (wide || streq(row.property.name, "AllowedCPUs")))
                        r = add_difference(&row.property, &from, &to, &changed);
        if (r >= 0 && wide && threads_differ(c))
                r = widen(c, &changed);
        if (r < 0 || changed.n_items == 0)
                return r;
        return c->m->backend->set_unit_properties(c->m->userdata, c->vm->unit, &changed, c->diag);
}

static int apply_properties(const Change *c) {
        return set_properties(c, true);
}

/* --- threads --- */

static bool threads_differ(const Change *c) {
        _cleanup_free_ ThreadSetting *from = NULL, *to = NULL;
        _cleanup_free_ char *a = NULL, *b = NULL;
        size_t n_from = 0, n_to = 0;

        return thread_settings_new(c->from, &from, &n_from) < 0 || thread_settings_new(c->to, &to, &n_to) < 0 ||
                thread_settings_to_json(from, n_from, &a) < 0 || thread_settings_to_json(to, n_to, &b) < 0 || !streq(a, b);
}

/* Threads that QEMU has only now: they get what their number was asked for. */
static bool has_new_threads(const Change *c) {
        for (unsigned i = 0; i < domain_max_vcpus(c->to); i++)
                if (domain_vcpu_enabled(c->to, i) && !domain_vcpu_enabled(c->from, i))
                        return true;
        for (unsigned i = 0; i < domain_count_iothreads(c->to); i++)
                if (!domain_has_iothread(c->from, domain_iothread_id(c->to, i)))
                        return true;
        return false;
}

static bool asks_for_threads(const Domain *d) {
        _cleanup_free_ ThreadSetting *settings = NULL;
        size_t n = 0;

        return thread_settings_new(d, &settings, &n) < 0 || n > 0;
}

static int apply_threads(const Change *c) {
        if (!threads_differ(c) && !(has_new_threads(c) && asks_for_threads(c->to)))
                return 0;
        return vm_set_threads(c->m, c->vm, c->to, c->diag);
}

/* Once the threads are where they belong, nothing else is left to the unit. */
static int apply_narrow(const Change *c) {
        return threads_differ(c) ? set_properties(c, false) : 0;
}

/* --- QEMU --- */

static uint64_t balloon_target(const Domain *d) {
        return d->current_memory.set ? d->current_memory.value : d->memory;
}

static int apply_balloon(const Change *c) {
        if (balloon_target(c->from) == balloon_target(c->to))
                return 0;
        json_object *o = json_object_new_object();
        if (!o)
                return -ENOMEM;
        json_object_object_add(o, "value", json_object_new_uint64(balloon_target(c->to)));
        return vm_qmp_ask(c->m, c->vm, "balloon", o, c->diag, NULL);
}

static unsigned stats_period(const Domain *d) {
        return d->n_balloons > 0 && d->balloons[0].stats_period.set ? d->balloons[0].stats_period.value : 0;
}

static int apply_stats_period(const Change *c) {
        if (stats_period(c->from) == stats_period(c->to))
                return 0;
        _cleanup_free_ char *path = strf("/machine/peripheral/%s", c->to->balloons[0].info.alias);
        json_object *o = path ? json_strings("path", path, "property", "guest-stats-polling-interval", NULL) : NULL;
        if (!o)
                return -ENOMEM;
        json_object_object_add(o, "value", json_object_new_uint64(stats_period(c->to)));
        return vm_qmp_ask(c->m, c->vm, "qom-set", o, c->diag, NULL);
}

static int apply_vcpus(const Change *c) {
        return change_vcpus(c->m, c->vm, c->from, c->to, c->diag);
}

static int apply_iothreads(const Change *c) {
        return change_iothreads(c->m, c->vm, c->from, c->to, c->diag);
}

static int apply_iotune(const Change *c) {
        return change_live_iotune(c->m, c->vm, c->from, c->to, c->diag);
}

static int apply_actions(const Change *c) {
        const LifecycleActions from = { c->from->on_poweroff, c->from->on_reboot, c->from->on_crash },
                               to = { c->to->on_poweroff, c->to->on_reboot, c->to->on_crash };
        char words[LIFECYCLE_ACTIONS_MAX];

        if (lifecycle_actions_equal(&from, &to))
                return 0;
        lifecycle_actions_format(&to, words);
        return c->m->backend->monitor_set_actions(c->m->userdata, c->vm->name, words, c->diag);
}

/* --- who does what --- */

/* In the order in which they are carried out; undone in the other. */
static int (*const appliers[])(const Change *c) = {
        apply_properties, apply_vcpus, apply_iothreads, apply_threads, apply_balloon, apply_stats_period,
        apply_iotune, apply_actions, apply_narrow,
};

/* What those above can change, and what nobody needs to be told of. */
static const char *const changeable[] = {
        "cputune/shares", "cputune/global_period", "cputune/global_quota", "memtune", "blkiotune",
        "cputune/period", "cputune/quota", "cputune/emulator_period", "cputune/emulator_quota",
        "cputune/iothread_period", "cputune/iothread_quota", "cputune/vcpupin", "cputune/emulatorpin",
        "cputune/iothreadpin", "cputune/vcpusched", "cputune/iothreadsched", "cputune/emulatorsched",
        "numatune/memory/@nodeset", "currentMemory", "vcpu/@current", "vcpus", "iothreads", "iothreadids",
        "devices/memballoon/stats", "devices/disk/iotune", "title", "description", "metadata",
        "on_poweroff", "on_reboot", "on_crash",
};
/* As a whole, when it appears or goes: all that it may hold stands above. */
static const char *const changeable_wholes[] = { "cputune", "numatune", "numatune/memory" };

static bool is_changeable(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(changeable); i++) {
                const char *behind = startswith(path, changeable[i]);
                if (behind && (!*behind || *behind == '/'))
                        return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(changeable_wholes); i++)
                if (streq(path, changeable_wholes[i]))
                        return true;
        return false;
}

int change_live_check(const Domain *from, const Domain *to, Diag *diag) {
        _cleanup_free_ char *a = NULL, *b = NULL;
        _cleanup_strv_ char **paths = NULL;

        int r = domain_to_xml(from, DOMAIN_XML_SECURE, &a);
        if (r >= 0)
                r = domain_to_xml(to, DOMAIN_XML_SECURE, &b);
        if (r >= 0)
                r = xml_diff(a, b, &paths);
        if (r < 0)
                return r;
        STRV_FOREACH(p, paths)
                if (!is_changeable(*p))
                        return diag_error(diag, (SrcLoc) {},
                                          "Requested operation is not valid: <%s> cannot be changed while the domain is "
                                          "running", *p);
        return 0;
}

int change_live_apply(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag) {
        const Change c = { .m = m, .vm = vm, .from = from, .to = to, .diag = diag };
        const Change back = { .m = m, .vm = vm, .from = to, .to = from };

        if (m->made_up)
                return 0; /* its text is all that there is of it */
        for (size_t i = 0; i < ELEMENTSOF(appliers); i++) {
                int r = appliers[i](&c);
                if (r >= 0)
                        continue;
                if (diag && diag->n_errors == 0)
                        (void) diag_error_code(diag, r, (SrcLoc) {}, "cannot change domain '%s': %s", vm->name, strerror(-r));
                do
                        (void) appliers[i](&back);
                while (i-- > 0);
                /* The first of them has widened the unit's CPUs once more. */
                (void) apply_narrow(&back);
                return r;
        }
        return 0;
}
