/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpus.h"
#include "string-util.h"
#include "text.h"

/* How many virtual CPUs there are: edits of <vcpu> and <vcpus>. */

typedef struct VcpuState {
        bool enabled, hotpluggable;
        unsigned order; /* 0: nothing is said */
} VcpuState;

/* All that there can be. */
typedef struct Vcpus {
        const Domain *domain;
        VcpuState *old, *now; /* owned */
        unsigned n;
        bool listed; /* there is <vcpus>, or has to be */
} Vcpus;

static void vcpus_done(Vcpus *v) {
        free(v->old);
        free(v->now);
}
#define _cleanup_vcpus_ _cleanup_(vcpus_done)

static int vcpus_init(Vcpus *v, const Domain *d) {
        v->domain = d;
        v->n = domain_max_vcpus(d);
        v->listed = d->n_vcpu_list > 0;
        v->old = calloc(v->n + 1, sizeof(VcpuState));
        v->now = calloc(v->n + 1, sizeof(VcpuState));
        if (!v->old || !v->now)
                return -ENOMEM;
        for (unsigned i = 0; i < v->n; i++) {
                bool enabled = domain_vcpu_enabled(d, i);
                v->old[i] = (VcpuState) { .enabled = enabled, .hotpluggable = !enabled };
                if (i < d->n_vcpu_list) {
                        v->old[i].hotpluggable = d->vcpu_list[i].hotpluggable == TRI_YES;
                        v->old[i].order = d->vcpu_list[i].order.value;
                }
                v->now[i] = v->old[i];
        }
        return 0;
}

static unsigned count_enabled(const Vcpus *v) {
        unsigned n = 0;

        for (unsigned i = 0; i < v->n; i++)
                n += v->now[i].enabled;
        return n;
}

/* --- what becomes of the text --- */

static int write_list(const Vcpus *v, XmlEdits *edits) {
        _cleanup_text_ Text t = {};
        _cleanup_free_ char *xml = NULL;

        text_append(&t, "<vcpus>\n");
        for (unsigned i = 0; i < v->n; i++) {
                text_appendf(&t, "  <vcpu id='%u' enabled='%s' hotpluggable='%s'", i, v->now[i].enabled ? "yes" : "no",
                             v->now[i].hotpluggable ? "yes" : "no");
                if (v->now[i].order > 0)
                        text_appendf(&t, " order='%u'", v->now[i].order);
                text_append(&t, "/>\n");
        }
        text_append(&t, "</vcpus>");
        int r = text_finish(&t, &xml);
        return r < 0 ? r : xml_edits_element(edits, xml, "%s", "");
}

static int write_vcpu(const Vcpus *v, unsigned i, XmlEdits *edits) {
        const VcpuState *old = v->old + i, *now = v->now + i;
        _cleanup_free_ char *order = now->order > 0 ? strf("%u", now->order) : NULL;
        int r = 0;

        if (old->enabled != now->enabled)
                r = xml_edits_attribute(edits, "enabled", now->enabled ? "yes" : "no", "vcpus/vcpu[@id='%u']", i);
        /* Together: what is said of one that is not there says nothing of one that is. */
        if (r >= 0 && (old->enabled != now->enabled || old->hotpluggable != now->hotpluggable))
                r = xml_edits_attribute(edits, "hotpluggable", now->hotpluggable ? "yes" : "no", "vcpus/vcpu[@id='%u']", i);
        if (r >= 0 && old->order != now->order)
                r = xml_edits_attribute(edits, "order", order, "vcpus/vcpu[@id='%u']", i);
        return r;
}

static int write_current(unsigned current, unsigned max, XmlEdits *edits) {
        _cleanup_free_ char *text = current < max ? strf("%u", current) : NULL;

        if (current < max && !text)
                return -ENOMEM;
        return xml_edits_attribute(edits, "current", text, "vcpu");
}

static int write_vcpus(const Vcpus *v, XmlEdits *edits) {
        unsigned current = count_enabled(v);
        int r = 0;

        if (current != domain_current_vcpus(v->domain))
                r = write_current(current, v->n, edits);
        if (v->listed && v->domain->n_vcpu_list == 0)
                return r < 0 ? r : write_list(v, edits);
        for (unsigned i = 0; r >= 0 && v->listed && i < v->n; i++)
                r = write_vcpu(v, i, edits);
        return r;
}

/* --- order --- */

/* In a definition, an order that was written may be none any more. */
static void forget_order(Vcpus *v) {
        for (unsigned i = 0; i < v->n; i++)
                v->now[i].order = 0;
}

static unsigned next_with_order_above(const Vcpus *v, unsigned order) {
        unsigned best = v->n;

        for (unsigned i = 0; i < v->n; i++)
                if (v->now[i].enabled && v->now[i].order > order && (best == v->n || v->now[i].order < v->now[best].order))
                        best = i;
        return best;
}

/* What runs knows the order in which its virtual CPUs came: those that were there, then new ones. */
static void number_order(Vcpus *v) {
        unsigned count = 0, last = 0;

        for (unsigned i = 0; i < v->n; i++)
                if (!v->now[i].enabled)
                        v->now[i].order = 0;
        for (unsigned i; (i = next_with_order_above(v, last)) < v->n;) {
                last = v->now[i].order;
                v->now[i].order = ++count;
        }
        for (unsigned hotpluggable = 0; hotpluggable < 2; hotpluggable++)
                for (unsigned i = 0; i < v->n; i++)
                        if (v->now[i].enabled && v->now[i].order == 0 && v->now[i].hotpluggable == (hotpluggable > 0))
                                v->now[i].order = ++count;
}

/* --- setvcpus --- */

typedef struct CountCall {
        unsigned count;
        bool hotpluggable;
} CountCall;

/* One that cannot be taken away is never behind one that can. */
static void add_defined(Vcpus *v, const CountCall *c, unsigned current) {
        bool hotpluggable = c->hotpluggable;

        for (unsigned i = 0; i < v->n && current < c->count; i++) {
                if (v->now[i].enabled) {
                        hotpluggable = hotpluggable || v->now[i].hotpluggable;
                        continue;
                }
                v->now[i].enabled = true;
                v->now[i].hotpluggable = hotpluggable;
                v->listed = v->listed || c->hotpluggable;
                current++;
        }
}

static void remove_defined(Vcpus *v, unsigned count, unsigned current) {
        for (unsigned i = v->n; i > 0 && current > count; i--) {
                if (!v->now[i - 1].enabled)
                        continue;
                v->now[i - 1].enabled = false;
                v->now[i - 1].hotpluggable = true;
                current--;
        }
}

static int change_running(Vcpus *v, unsigned count, Diag *diag) {
        unsigned current = count_enabled(v);

        for (unsigned i = 0; i < v->n && current < count; i++) {
                if (v->now[i].enabled)
                        continue;
                v->now[i].enabled = v->now[i].hotpluggable = true;
                current++;
        }
        for (unsigned i = v->n; i > 0 && current > count; i--) {
                if (!v->now[i - 1].enabled || !v->now[i - 1].hotpluggable)
                        continue;
                v->now[i - 1].enabled = false;
                current--;
        }
        if (current != count)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: failed to find appropriate hotpluggable vcpus "
                                  "to reach the desired target vcpu count");
        return 0;
}

static int build_count(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const CountCall *c = userdata;
        _cleanup_vcpus_ Vcpus v = {};

        int r = vcpus_init(&v, d);
        if (r < 0)
                return r;
        if (c->count > v.n)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: requested vcpus is greater than max allowable vcpus for the "
                                  "%s domain: %u > %u", live ? "live" : "persistent", c->count, v.n);
        unsigned current = count_enabled(&v);
        if (live && c->count == current)
                return 0;
        if (live && !d->made_up) {
                r = change_running(&v, c->count, diag);
                v.listed = true;
                number_order(&v);
        } else {
                forget_order(&v);
                add_defined(&v, c, current);
                remove_defined(&v, c->count, current);
        }
        return r < 0 ? r : write_vcpus(&v, edits);
}

int vcpus_without(const Domain *d, const NumberSet *gone, XmlEdits *edits) {
        _cleanup_vcpus_ Vcpus v = {};

        int r = vcpus_init(&v, d);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < v.n; i++)
                v.now[i].enabled = v.now[i].enabled && !number_set_has(gone, i);
        number_order(&v);
        return write_vcpus(&v, edits);
}

int vm_set_vcpus(Manager *m, const Vm *vm, ChangeFlags flags, unsigned count, bool hotpluggable, Diag *diag) {
        return vm_change_build(m, vm, flags, build_count, &(CountCall) { count, hotpluggable }, diag);
}

/* --- setvcpus --maximum --- */

static int check_maximum(const Domain *d, unsigned count, Diag *diag) {
        const DomainCpu *c = &d->cpu;
        unsigned cells = 0;

        FOREACH_ARRAY(cell, c->cells, c->n_cells)
                cells += number_set_count(&cell->cpus);
        if (cells > count)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: Number of CPUs in <numa> exceeds the desired maximum vcpu count");
        if (!c->sockets.set && !c->cores.set && !c->threads.set)
                return 0;
        uint64_t product = 1;
        const OptUint *parts[] = { &c->sockets, &c->dies, &c->cores, &c->threads };
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                product *= parts[i]->set ? parts[i]->value : 1;
        if (product != count)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: CPU topology doesn't match the desired vcpu count");
        return 0;
}

int scheds_without(const ThreadSched *scheds, size_t n, const NumberSet *gone, const char *element, const char *attribute,
                   XmlEdits *edits) {
        bool named = false;
        int r = 0;

        FOREACH_ARRAY(s, scheds, n)
                named = named || number_set_overlaps(&s->ids, gone);
        if (!named)
                return 0;
        r = xml_edits_remove(edits, "cputune/%s", element);
        FOREACH_ARRAY(s, scheds, n) {
                NumberSet ids = s->ids;
                number_set_subtract(&ids, gone);
                if (r < 0 || number_set_is_empty(&ids))
                        continue;
                _cleanup_free_ char *list = number_set_format(&ids), *priority = s->has_priority ? strf(" priority='%d'", s->priority) : NULL;
                _cleanup_free_ char *xml = strf("<%s %s='%s' scheduler='%s'%s/>", element, attribute, strempty(list),
                                                strempty(scheduler_to_string(s->scheduler)), strempty(priority));
                r = xml ? xml_edits_element(edits, xml, "cputune") : -ENOMEM;
        }
        return r;
}

static int trim_scheds(const DomainCputune *c, unsigned count, XmlEdits *edits) {
        NumberSet gone = {};

        for (unsigned i = count; i < NUMBER_SET_MAX; i++)
                number_set_add(&gone, i);
        return scheds_without(c->vcpuscheds, c->n_vcpuscheds, &gone, "vcpusched", "vcpus", edits);
}

static int build_maximum(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        unsigned count = ((const CountCall *) userdata)->count, max = domain_max_vcpus(d), current = 0;

        int r = check_maximum(d, count, diag);
        if (r < 0 || count == max)
                return r;
        for (unsigned i = 0; i < MIN(count, max); i++)
                current += domain_vcpu_enabled(d, i);
        r = xml_edits_u64(edits, count, "vcpu");
        if (r >= 0)
                r = write_current(current, count, edits);
        for (unsigned i = count; r >= 0 && i < d->n_vcpu_list; i++)
                r = xml_edits_remove(edits, "vcpus/vcpu[@id='%u']", i);
        FOREACH_ARRAY(p, d->cputune.vcpupins, d->cputune.n_vcpupins)
                if (r >= 0 && p->id.value >= count)
                        r = xml_edits_remove(edits, "cputune/vcpupin[@vcpu='%u']", p->id.value);
        return r < 0 ? r : trim_scheds(&d->cputune, count, edits);
}

int vm_set_max_vcpus(Manager *m, const Vm *vm, ChangeFlags flags, unsigned count, Diag *diag) {
        int r = vm_change_scope(vm, &flags, diag);

        if (r < 0)
                return r;
        if (flags & CHANGE_LIVE)
                return diag_error(diag, (SrcLoc) {}, "Operation not supported: maximum vcpu count of a live domain can't be modified");
        return vm_change_build(m, vm, flags, build_maximum, &(CountCall) { .count = count }, diag);
}

/* --- setvcpu --- */

typedef struct SetCall {
        NumberSet ids;
        bool enable;
} SetCall;

static unsigned first_of(const NumberSet *s) {
        unsigned i = 0;

        while (!number_set_has(s, i))
                i++;
        return i;
}

static int check_running(const Vcpus *v, const SetCall *c, Diag *diag) {
        for (unsigned i = 0; i < v->n; i++) {
                if (!number_set_has(&c->ids, i))
                        continue;
                if (v->old[i].enabled == c->enable)
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: vcpu '%u' is already in requested state", i);
                if (v->old[i].enabled && !v->old[i].hotpluggable)
                        return diag_error(diag, (SrcLoc) {}, "Operation not supported: vcpu '%u' can't be unplugged", i);
        }
        if (number_set_count(&c->ids) > 1)
                return diag_error(diag, (SrcLoc) {}, "Operation not supported: only one hotpluggable entity can be selected");
        return 0;
}

static int check_defined(const Vcpus *v, const SetCall *c, Diag *diag) {
        unsigned first = first_of(&c->ids);

        if (!c->enable && first == 0)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: vCPU '0' can't be modified");
        for (unsigned i = first + 1; i < v->n; i++)
                if (!number_set_has(&c->ids, i) && v->old[i].enabled && !v->old[i].hotpluggable)
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: vcpu '%u' can't be modified as it is followed by "
                                          "non-hotpluggable online vcpus", first);
        return 0;
}

static int build_set(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const SetCall *c = userdata;
        _cleanup_vcpus_ Vcpus v = {};

        int r = vcpus_init(&v, d), last = number_set_last(&c->ids);
        if (r < 0)
                return r;
        if (last >= (int) v.n)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: vcpu %d is not present in %s config", last,
                                  live ? "live" : "persistent");
        r = (live ? check_running : check_defined)(&v, c, diag);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < v.n; i++)
                if (number_set_has(&c->ids, i)) {
                        v.now[i].enabled = c->enable;
                        v.now[i].hotpluggable = true;
                }
        v.listed = true;
        (live ? number_order : forget_order)(&v);
        return write_vcpus(&v, edits);
}

int vm_set_vcpu(Manager *m, const Vm *vm, ChangeFlags flags, const char *list, bool enable, Diag *diag) {
        SetCall c = { .enable = enable };

        if (number_set_parse_words(list, &c.ids) < 0)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: Failed to parse bitmap '%s'", list);
        if (number_set_is_empty(&c.ids))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: no vcpus selected for modification");
        return vm_change_build(m, vm, flags | CHANGE_CONFIG_FIRST, build_set, &c, diag);
}
