/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "char-state.h"
#include "json-member.h"
#include "liveness.h"
#include "string-util.h"
#include "vm-lifecycle.h"

/* The entry of query-chardev about C, or NULL. */
static json_object *find_chardev(json_object *list, const DomainChar *c) {
        for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
                json_object *o = json_object_array_get_idx(list, i);
                const char *label = json_member_string(o, "label"), *alias = label ? startswith(label, "char") : NULL;
                if (alias && streq_ptr(alias, c->info.alias))
                        return o;
        }
        return NULL;
}

static int set_state(DomainChar *c, json_object *chardev) {
        const char *file = json_member_string(chardev, "filename"), *path = file ? startswith(file, "pty:") : NULL;
        json_object *open = json_member(chardev, "frontend-open", json_type_boolean);
        int r = 0;

        if (c->source.type == CHARDEV_PTY && path && utf8_is_printable(path))
                r = free_and_strdup(&c->source.path, path);
        if (r >= 0 && open && c->kind == CHAR_CHANNEL && c->target_type == TARGET_VIRTIO)
                r = free_and_strdup(&c->target_state, json_object_get_boolean(open) ? "connected" : "disconnected");
        return r;
}

int vm_add_char_state(Manager *m, const Vm *vm, Domain *d) {
        json_object *list = NULL;
        int r = 0;

        if (d->n_chars == 0 || vm_is_stalled(m, vm) || vm_qmp_ask(m, vm, "query-chardev", NULL, NULL, &list) < 0)
                return 0;
        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                json_object *chardev = find_chardev(list, c);
                if (r >= 0 && chardev)
                        r = set_state(c, chardev);
        }
        json_object_put(list);
        return r;
}
