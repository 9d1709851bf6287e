/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cpus.h"
#include "string-util.h"

/* I/O threads come, go and change: edits of <iothreads> and <iothreadids>. */

/* <iothreads>3</iothreads> alone means 1, 2 and 3: a change of one needs all of them by number. */
static int list_all(const Domain *d, unsigned except, XmlEdits *edits) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < domain_count_iothreads(d); i++) {
                unsigned id = domain_iothread_id(d, i);
                _cleanup_free_ char *text = strf("%u", id);
                if (!text)
                        return -ENOMEM;
                if (id != except)
                        r = xml_edits_attribute(edits, "id", text, "iothreadids/iothread[@id='%u']", id);
        }
        return r;
}

static int build_add(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        unsigned id = *(const unsigned *) userdata;
        _cleanup_free_ char *text = strf("%u", id);

        if (domain_has_iothread(d, id))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: an IOThread is already using iothread_id '%u'", id);
        int r = text ? list_all(d, 0, edits) : -ENOMEM;
        if (r >= 0)
                r = xml_edits_attribute(edits, "id", text, "iothreadids/iothread[@id='%u']", id);
        return r < 0 ? r : xml_edits_u64(edits, domain_count_iothreads(d) + 1U, "iothreads");
}

int vm_add_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, Diag *diag) {
        return vm_change_build(m, vm, flags, build_add, &id, diag);
}

static int check_unused(const Domain *d, unsigned id, Diag *diag) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (disk->iothread.set && disk->iothread.value == id)
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: cannot remove IOThread %u since it is being used by "
                                          "disk '%s'", id, strempty(disk->target_dev));
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->iothread.set && c->iothread.value == id)
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: cannot remove IOThread '%u' since it is being used by "
                                          "controller", id);
        return 0;
}

static int build_remove(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        unsigned id = *(const unsigned *) userdata, n = domain_count_iothreads(d);

        if (!domain_has_iothread(d, id))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: cannot find IOThread '%u' in iothreadids list", id);
        int r = check_unused(d, id, diag);
        if (r >= 0)
                r = list_all(d, id, edits);
        if (r >= 0)
                r = xml_edits_remove(edits, "iothreadids/iothread[@id='%u']", id);
        if (r >= 0)
                r = n > 1 ? xml_edits_u64(edits, n - 1, "iothreads") : xml_edits_remove(edits, "iothreads");
        if (r >= 0)
                r = xml_edits_remove(edits, "cputune/iothreadpin[@iothread='%u']", id);
        NumberSet gone = {};
        number_set_add(&gone, id);
        return r < 0 ? r : scheds_without(d->cputune.iothreadscheds, d->cputune.n_iothreadscheds, &gone, "iothreadsched", "iothreads", edits);
}

int vm_remove_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, Diag *diag) {
        return vm_change_build(m, vm, flags, build_remove, &id, diag);
}

/* --- iothreadset --- */

typedef struct SettingsCall {
        unsigned id;
        const IothreadSettings *settings;
} SettingsCall;

static int check_values(const IothreadSettings *s, Diag *diag) {
        const struct {
                const char *name;
                bool set;
                uint64_t value;
        } polls[] = {
                { "poll-max-ns", s->poll_max.set, s->poll_max.value },
                { "poll-grow", s->poll_grow.set, s->poll_grow.value },
                { "poll-shrink", s->poll_shrink.set, s->poll_shrink.value },
        };
        FOREACH_ARRAY(p, polls, ELEMENTSOF(polls))
                if (p->set && p->value > INT32_MAX)
                        return diag_error(diag, (SrcLoc) {}, "unsupported configuration: %s (%" PRIu64 ") must be less than or equal to "
                                          "%d", p->name, p->value, INT32_MAX);
        if (s->has_pool_min && s->pool_min < -1)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: thread_pool_min (%d) must be equal to or greater than "
                                  "-1", s->pool_min);
        if (s->has_pool_max && (s->pool_max < -1 || s->pool_max == 0))
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: thread_pool_max (%d) must be a positive number or -1",
                                  s->pool_max);
        return 0;
}

static int check_pool(const DomainIothread *t, const IothreadSettings *s, bool live, Diag *diag) {
        int min = s->has_pool_min ? s->pool_min : t && t->pool_min.set ? (int) t->pool_min.value : -1;
        int max = s->has_pool_max ? s->pool_max : t && t->pool_max.set ? (int) t->pool_max.value : -1;

        if (live && s->has_pool_min && s->pool_min < 0)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: thread_pool_min (%d) must be equal to or "
                                  "greater than 0 for live change", s->pool_min);
        if (live && s->has_pool_max && s->pool_max < 0)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: thread_pool_max (%d) must be equal to or "
                                  "greater than 0 for live change", s->pool_max);
        if (min > max)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: thread_pool_min (%d) can't be greater than "
                                  "thread_pool_max (%d)", min, max);
        return 0;
}

static int set_number(XmlEdits *edits, bool set, int64_t value, const char *attribute, unsigned id, const char *below) {
        _cleanup_free_ char *text = value >= 0 ? strf("%" PRId64, value) : NULL;

        if (!set)
                return 0;
        if (value >= 0 && !text)
                return -ENOMEM;
        return xml_edits_attribute(edits, attribute, text, "iothreadids/iothread[@id='%u']%s", id, below);
}

static int build_settings(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const SettingsCall *c = userdata;
        const IothreadSettings *s = c->settings;

        if (!domain_has_iothread(d, c->id))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: cannot find IOThread '%u' in iothreadids", c->id);
        if (!live && (s->poll_max.set || s->poll_grow.set || s->poll_shrink.set))
                return diag_error(diag, (SrcLoc) {}, "Operation not supported: configuring persistent polling values is not supported");
        int r = check_pool(domain_find_iothread(d, c->id), s, live, diag);
        if (r >= 0)
                r = list_all(d, 0, edits);
        if (r >= 0)
                r = set_number(edits, s->has_pool_min, s->pool_min, "thread_pool_min", c->id, "");
        if (r >= 0)
                r = set_number(edits, s->has_pool_max, s->pool_max, "thread_pool_max", c->id, "");
        if (r >= 0)
                r = set_number(edits, s->poll_max.set, (int64_t) s->poll_max.value, "max", c->id, "/poll");
        if (r >= 0)
                r = set_number(edits, s->poll_grow.set, s->poll_grow.value, "grow", c->id, "/poll");
        return r < 0 ? r : set_number(edits, s->poll_shrink.set, s->poll_shrink.value, "shrink", c->id, "/poll");
}

int vm_set_iothread(Manager *m, const Vm *vm, ChangeFlags flags, unsigned id, const IothreadSettings *settings, Diag *diag) {
        int r = vm_change_scope(vm, &flags, diag);

        if (r >= 0)
                r = check_values(settings, diag);
        return r < 0 ? r : vm_change_build(m, vm, flags, build_settings, &(SettingsCall) { id, settings }, diag);
}
