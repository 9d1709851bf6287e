/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-member.h"
#include "number-set.h"
#include "string-util.h"
#include "vcpu-slots.h"

void vcpu_slots_done(VcpuSlots *s) {
        FOREACH_ARRAY(i, s->items, s->n)
                json_object_put(i->entry);
        free(s->items);
        *s = (VcpuSlots) {};
}

static int64_t place(json_object *entry, const char *key) {
        json_object *props = json_member(entry, "props", json_type_object);
        json_object *v = props ? json_member(props, key, json_type_int) : NULL;

        return v ? json_object_get_int64(v) : -1;
}

/* From the outermost level in: the order in which QEMU numbers them. */
static int compare_slots(const void *a, const void *b) {
        static const char *const levels[] = { "drawer-id", "book-id", "socket-id", "die-id", "cluster-id", "core-id", "thread-id" };
        json_object *x = ((const VcpuSlot *) a)->entry, *y = ((const VcpuSlot *) b)->entry;

        for (size_t i = 0; i < ELEMENTSOF(levels); i++) {
                int64_t p = place(x, levels[i]), q = place(y, levels[i]);
                if (p != q)
                        return p < q ? -1 : 1;
        }
        return 0;
}

int vcpu_slots_read(json_object *reply, VcpuSlots *ret) {
        _cleanup_vcpu_slots_ VcpuSlots s = {};

        if (!json_object_is_type(reply, json_type_array) || json_object_array_length(reply) > NUMBER_SET_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < json_object_array_length(reply); i++) {
                json_object *o = json_object_array_get_idx(reply, i), *count = json_member(o, "vcpus-count", json_type_int);
                int64_t n = count ? json_object_get_int64(count) : 0;
                if (n < 1 || n > NUMBER_SET_MAX || !json_member_string(o, "type") || !json_member(o, "props", json_type_object))
                        return -EBADMSG;
                if (!ARRAY_GROW(s.items, s.n))
                        return -ENOMEM;
                s.items[s.n++] = (VcpuSlot) { .entry = json_object_get(o), .count = (unsigned) n };
        }
        if (s.n > 0)
                qsort(s.items, s.n, sizeof(VcpuSlot), compare_slots);
        unsigned first = 0;
        FOREACH_ARRAY(i, s.items, s.n) {
                i->first = first;
                first += i->count;
        }
        *ret = s;
        s = (VcpuSlots) {};
        return 0;
}

const VcpuSlot *vcpu_slots_find(const VcpuSlots *s, unsigned id) {
        FOREACH_ARRAY(i, s->items, s->n)
                if (id >= i->first && id - i->first < i->count)
                        return i;
        return NULL;
}

const char *vcpu_slot_path(const VcpuSlot *s) {
        return json_member_string(s->entry, "qom-path");
}

json_object *vcpu_slot_device(const VcpuSlot *s, unsigned id) {
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
