/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"
#include "string-util.h"

/* Virtual CPUs that are there from the start and can be unplugged: QEMU knows them only as devices, so they are plugged
 * in before the guest runs. */

#define WHY_MAX 256U

/* A place for virtual CPUs FIRST and following. */
typedef struct Slot {
        json_object *entry; /* owned: of query-hotpluggable-cpus */
        unsigned first, count;
} Slot;

typedef struct PlugCall {
        Monitor *monitor;
        VcpusPlugged done;
        void *userdata;
        Slot *slots; /* owned */
        size_t n_slots;
        size_t next; /* of the plan's list */
} PlugCall;

static void slots_free(Slot *slots, size_t n) {
        FOREACH_ARRAY(s, slots, n)
                json_object_put(s->entry);
        free(slots);
}

static void finish(PlugCall *c, int result, const char *why) {
        c->done(c->monitor, result, why, c->userdata);
        slots_free(c->slots, c->n_slots);
        free(c);
}

static void finish_qmp(PlugCall *c, int result, json_object *reply) {
        char why[WHY_MAX];

        (void) snprintf(why, sizeof(why), "cannot plug the virtual CPUs in: %s",
                        result == -EREMOTEIO ? qmp_error_text(reply) : strerror(-result));
        finish(c, result, why);
}

static int64_t place(json_object *entry, const char *key) {
        json_object *props = json_member(entry, "props", json_type_object);
        json_object *v = props ? json_member(props, key, json_type_int) : NULL;

        return v ? json_object_get_int64(v) : -1;
}

/* From the outermost level in: the order in which QEMU numbers them. */
static int compare_slots(const void *a, const void *b) {
        static const char *const levels[] = { "drawer-id", "book-id", "socket-id", "die-id", "cluster-id", "core-id", "thread-id" };
        json_object *x = ((const Slot *) a)->entry, *y = ((const Slot *) b)->entry;

        for (size_t i = 0; i < ELEMENTSOF(levels); i++) {
                int64_t p = place(x, levels[i]), q = place(y, levels[i]);
                if (p != q)
                        return p < q ? -1 : 1;
        }
        return 0;
}

static int read_slots(PlugCall *c, json_object *reply) {
        if (!json_object_is_type(reply, json_type_array) || json_object_array_length(reply) > NUMBER_SET_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < json_object_array_length(reply); i++) {
                json_object *o = json_object_array_get_idx(reply, i), *count = json_member(o, "vcpus-count", json_type_int);
                int64_t n = count ? json_object_get_int64(count) : 0;
                if (n < 1 || n > NUMBER_SET_MAX || !json_member_string(o, "type") || !json_member(o, "props", json_type_object))
                        return -EBADMSG;
                if (!ARRAY_GROW(c->slots, c->n_slots))
                        return -ENOMEM;
                c->slots[c->n_slots++] = (Slot) { .entry = json_object_get(o), .count = (unsigned) n };
        }
        if (c->n_slots > 0)
                qsort(c->slots, c->n_slots, sizeof(Slot), compare_slots);
        unsigned first = 0;
        FOREACH_ARRAY(s, c->slots, c->n_slots) {
                s->first = first;
                first += s->count;
        }
        return 0;
}

static const Slot *find_slot(const PlugCall *c, unsigned id) {
        FOREACH_ARRAY(s, c->slots, c->n_slots)
                if (id >= s->first && id - s->first < s->count)
                        return s;
        return NULL;
}

static json_object *device(const Slot *s, unsigned id) {
        _cleanup_free_ char *name = strf("vcpu%u", id);
        json_object *o = json_object_new_object();

        if (!name || !o) {
                json_object_put(o);
                return NULL;
        }
        json_object_object_add(o, "driver", json_object_new_string(strempty(json_member_string(s->entry, "type"))));
        json_object_object_add(o, "id", json_object_new_string(name));
        json_object_object_foreach(json_member(s->entry, "props", json_type_object), key, value)
                json_object_object_add(o, key, json_object_get(value));
        return o;
}

static void plug_next(PlugCall *c);

static void on_added(Qmp *q, int result, json_object *reply, void *userdata) {
        if (result < 0)
                finish_qmp(userdata, result, reply);
        else
                plug_next(userdata);
}

static void plug_next(PlugCall *c) {
        const Plan *p = c->monitor->plan;
        char why[WHY_MAX];

        while (c->next < p->n_plugged_vcpus) {
                unsigned id = p->plugged_vcpus[c->next++];
                const Slot *s = find_slot(c, id);
                if (!s) {
                        (void) snprintf(why, sizeof(why), "QEMU has no place for virtual CPU %u", id);
                        finish(c, -ENODEV, why);
                        return;
                }
                /* By an earlier monitor. */
                if (json_member_string(s->entry, "qom-path"))
                        continue;
                json_object *arguments = device(s, id);
                int r = arguments ? qmp_call(c->monitor->qmp, "device_add", arguments, -1, MONITOR_QMP_USEC, on_added, c) : -ENOMEM;
                if (r < 0)
                        finish_qmp(c, r, NULL);
                return;
        }
        finish(c, 0, NULL);
}

static void on_slots(Qmp *q, int result, json_object *reply, void *userdata) {
        PlugCall *c = userdata;

        if (result >= 0)
                result = read_slots(c, reply);
        if (result < 0)
                finish_qmp(c, result, reply);
        else
                plug_next(c);
}

int monitor_plug_vcpus(Monitor *m, VcpusPlugged done, void *userdata) {
        PlugCall *c = calloc(1, sizeof(PlugCall));

        if (!c)
                return -ENOMEM;
        *c = (PlugCall) { .monitor = m, .done = done, .userdata = userdata };
        int r = qmp_call(m->qmp, "query-hotpluggable-cpus", NULL, -1, MONITOR_QMP_USEC, on_slots, c);
        if (r < 0)
                free(c);
        return r;
}
