/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "qemu-device.h"
#include "qemu-parse-item.h"
#include "qemu-parse.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define PROPS_MAX 1024U
#define DEPTH_MAX 16

/* --- keys and values --- */

static int add_prop(Item *i, const char *key, const char *value, Diag *diag) {
        if (i->n_props >= PROPS_MAX)
                return diag_error(diag, (SrcLoc) {}, "%s: more than %u properties", i->option, PROPS_MAX);
        /* JSON has escapes. */
        if (!utf8_is_printable(key) || !utf8_is_printable(value))
                return diag_error(diag, (SrcLoc) {}, "%s: the value is not printable UTF-8", i->option);
        /* Nothing could be said of it in the other form. */
        if (strpbrk(key, ",="))
                return diag_error(diag, (SrcLoc) {}, "%s: no key has a comma or '=': '%s'", i->option, key);
        if (!ARRAY_GROW(i->props, i->n_props))
                return -ENOMEM;
        Prop *p = i->props + i->n_props;
        *p = (Prop) { .key = strdup(key), .value = strdup(value) };
        i->n_props++;
        return p->key && p->value ? 0 : -ENOMEM;
}

static int flatten(Item *i, const char *prefix, json_object *o, unsigned depth, Diag *diag);

static int flatten_member(Item *i, const char *prefix, const char *key, json_object *o, unsigned depth, Diag *diag) {
        _cleanup_free_ char *path = *prefix ? strf("%s.%s", prefix, key) : strdup(key);

        return path ? flatten(i, path, o, depth + 1, diag) : -ENOMEM;
}

static int flatten(Item *i, const char *prefix, json_object *o, unsigned depth, Diag *diag) {
        int r = 0;

        switch (json_object_get_type(o)) {
        case json_type_object: {
                /* Nobody takes it then, but it is not lost. */
                if (depth > 0 && json_object_object_length(o) == 0)
                        return add_prop(i, prefix, "{}", diag);
                json_object_object_foreach(o, key, value)
                        if (r >= 0)
                                r = flatten_member(i, prefix, key, value, depth, diag);
                return r;
        }
        case json_type_array:
                if (depth > 0 && json_object_array_length(o) == 0)
                        return add_prop(i, prefix, "[]", diag);
                for (size_t k = 0; r >= 0 && k < json_object_array_length(o); k++) {
                        char key[24];
                        (void) snprintf(key, sizeof(key), "%zu", k);
                        r = flatten_member(i, prefix, key, json_object_array_get_idx(o, k), depth, diag);
                }
                return r;
        case json_type_boolean:
                return add_prop(i, prefix, json_object_get_boolean(o) ? "on" : "off", diag);
        case json_type_null:
                return add_prop(i, prefix, "null", diag);
        case json_type_string:
                if (strlen(json_object_get_string(o)) != (size_t) json_object_get_string_len(o))
                        return diag_error(diag, (SrcLoc) {}, "%s: the value is not printable UTF-8", i->option);
                return add_prop(i, prefix, json_object_get_string(o), diag);
        default:
                return add_prop(i, prefix, json_object_get_string(o) ?: "", diag);
        }
}

static int read_json(Item *i, Diag *diag) {
        json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
        size_t n = strlen(i->value);
        int r;

        if (!t)
                return -ENOMEM;
        json_object *o = json_tokener_parse_ex(t, i->value, (int) n + 1);
        enum json_tokener_error error = json_tokener_get_error(t);
        if (error != json_tokener_success || json_tokener_get_parse_end(t) < n)
                r = diag_error(diag, (SrcLoc) {}, "%s: not JSON: %s", i->option,
                               error != json_tokener_success ? json_tokener_error_desc(error) : "something follows");
        else
                r = flatten(i, "", o, 0, diag);
        json_object_put(o);
        json_tokener_free(t);
        return r;
}

/* One part, up to a comma that is not doubled. Returns where the next one begins, or NULL. */
static const char *next_part(const char *s, Text *t) {
        for (; *s; s++) {
                if (*s == ',' && s[1] != ',')
                        return s + 1;
                if (*s == ',')
                        s++;
                text_append_char(t, *s);
        }
        return NULL;
}

static int read_keys(Item *i, Diag *diag) {
        const char *implied = i->row->implied;
        int r = 0;

        for (const char *s = i->value; r >= 0 && s;) {
                _cleanup_text_ Text t = {};
                _cleanup_free_ char *part = NULL;
                s = next_part(s, &t);
                r = text_finish(&t, &part);
                if (r < 0)
                        break;
                char *equals = strchr(part, '=');
                if (equals) {
                        *equals = 0;
                        r = add_prop(i, part, equals + 1, diag);
                } else if (implied)
                        r = add_prop(i, implied, part, diag);
                else if (startswith(part, "no") && (streq(part, "nowait") || streq(part, "noserver") || streq(part, "nodelay")))
                        r = add_prop(i, streq(part, "nodelay") ? part : part + 2, streq(part, "nodelay") ? "on" : "off", diag);
                else if (*part)
                        r = add_prop(i, part, "on", diag);
                implied = NULL;
        }
        return r;
}

static int read_value(Item *i, Diag *diag) {
        if (!i->row || i->row->form != FORM_KEYS || !i->value)
                return 0;
        int r = *i->value == '{' ? read_json(i, diag) : read_keys(i, diag);
        if (r >= 0 && i->n_props == 0)
                return diag_error(diag, (SrcLoc) {}, "%s: there is nothing in its value", i->option);
        return r;
}

/* --- options --- */

/* QEMU has second names for some drivers: the tables know them by one. On every architecture with PCI the short
 * names of virtio are the PCI devices. "lsi" and "ahci" are the names that definitions lead to. */
static const struct { const char *alias, *name; } driver_names[] = {
        { "ac97", "AC97" },
        { "e1000-82540em", "e1000" },
        { "es1370", "ES1370" },
        { "ich9-ahci", "ahci" },
        { "lsi53c895a", "lsi" },
        { "virtio-9p", "virtio-9p-pci" },
        { "virtio-balloon", "virtio-balloon-pci" },
        { "virtio-blk", "virtio-blk-pci" },
        { "virtio-gpu", "virtio-gpu-pci" },
        { "virtio-gpu-gl", "virtio-gpu-gl-pci" },
        { "virtio-input-host", "virtio-input-host-pci" },
        { "virtio-iommu-pci", "virtio-iommu" },
        { "virtio-keyboard", "virtio-keyboard-pci" },
        { "virtio-mouse", "virtio-mouse-pci" },
        { "virtio-net", "virtio-net-pci" },
        { "virtio-rng", "virtio-rng-pci" },
        { "virtio-scsi", "virtio-scsi-pci" },
        { "virtio-serial", "virtio-serial-pci" },
        { "virtio-tablet", "virtio-tablet-pci" },
};

const char *qemu_driver_name(const char *word) {
        FOREACH_ARRAY(n, driver_names, ELEMENTSOF(driver_names))
                if (streq(n->alias, word))
                        return n->name;
        return word;
}

static int rename_driver(Item *i) {
        int r = 0;

        FOREACH_ARRAY(p, i->props, i->n_props)
                if (r >= 0 && streq(i->option, "-device") && streq(p->key, "driver")) {
                        const char *name = qemu_driver_name(p->value);
                        r = name == p->value ? 0 : free_and_strdup(&p->value, name);
                }
        return r;
}

static int read_item(Items *l, char *const *argv, size_t *at, Diag *diag) {
        const char *word = argv[*at], *value = NULL;

        if (!ARRAY_GROW(l->list, l->n))
                return -ENOMEM;
        Item *i = l->list + l->n++;
        *i = (Item) { .word = (unsigned) *at };
        if (*word != '-' || !word[1])
                return diag_error(diag, (SrcLoc) {}, "word %zu, '%s': an option of QEMU begins with '-'", *at, word);
        if (startswith(word, "--"))
                word++;
        i->option = strdup(word);
        i->row = option_row(word);
        (*at)++;
        bool wants = i->row ? i->row->form != FORM_NONE : argv[*at] && *argv[*at] != '-';
        if (wants) {
                if (!argv[*at])
                        return diag_error(diag, (SrcLoc) {}, "%s at the end: its value is missing", word);
                value = argv[(*at)++];
        }
        if (free_and_strdup(&i->value, value) < 0 || !i->option)
                return -ENOMEM;
        if (value && !utf8_is_printable(value))
                return diag_error(diag, (SrcLoc) {}, "%s: the value is not printable UTF-8", word);
        if (!utf8_is_printable(word))
                return diag_error(diag, (SrcLoc) {}, "word %u is not printable UTF-8", i->word);
        int r = read_value(i, diag);
        return r < 0 ? r : rename_driver(i);
}

int items_read(char *const *argv, Diag *diag, Items *ret) {
        _cleanup_items_ Items l = {};
        size_t n = strv_length(argv);

        for (size_t at = 1; at < n;) {
                int r = read_item(&l, argv, &at, diag);
                if (r < 0)
                        return r;
        }
        *ret = l;
        l = (Items) {};
        return 0;
}

void items_done(Items *l) {
        FOREACH_ARRAY(i, l->list, l->n) {
                FOREACH_ARRAY(p, i->props, i->n_props) {
                        free(p->key);
                        free(p->value);
                }
                free(i->props);
                free(i->option);
                free(i->value);
        }
        free(l->list);
        *l = (Items) {};
}

/* --- reading them --- */

/* The last one counts, as with QEMU. */
static Prop *find_prop(const Item *i, const char *key) {
        for (size_t k = i->n_props; k-- > 0;)
                if (streq(i->props[k].key, key))
                        return i->props + k;
        return NULL;
}

const char *item_get(const Item *i, const char *key) {
        const Prop *p = find_prop(i, key);

        return p ? p->value : NULL;
}

const char *item_get_unused(const Item *i, const char *key) {
        const Prop *p = find_prop(i, key);

        return p && !p->used ? p->value : NULL;
}

const char *item_take(Item *i, const char *key) {
        Prop *p = find_prop(i, key);

        if (!p)
                return NULL;
        FOREACH_ARRAY(q, i->props, i->n_props)
                if (streq(q->key, key))
                        q->used = true;
        return p->value;
}

bool item_take_if(Item *i, const char *key, const char *value) {
        const Prop *p = find_prop(i, key);

        if (p && !streq(p->value, value))
                return false;
        (void) item_take(i, key);
        return true;
}

void item_refuse(Item *i) {
        i->refused = true;
        FOREACH_ARRAY(p, i->props, i->n_props)
                p->used = false;
}

bool item_is_used_up(const Item *i) {
        FOREACH_ARRAY(p, i->props, i->n_props)
                if (!p->used)
                        return false;
        return !i->refused;
}

const char *item_name(const Item *i) {
        return item_get(i, "id") ?: item_get(i, "node-name");
}

Item *items_find(const Items *l, const char *option, const char *id) {
        FOREACH_ARRAY(i, l->list, l->n)
                if (streq(i->option, option) && id && streq_ptr(item_name(i), id))
                        return i;
        return NULL;
}
