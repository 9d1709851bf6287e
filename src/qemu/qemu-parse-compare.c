/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-parse-item.h"
#include "qemu-parse.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Each option as a line that does not depend on how back ends are called: where one is named, what it is stands
 * instead. */

typedef struct Compare {
        Items items;
        char **lines; /* owned: of the items; NULL where another one holds it */
        uint8_t *state; /* owned: of an item: 1 under way, 2 done */
        bool *named;  /* owned: another item refers to it */
} Compare;

static const char *const backends[] = {
        "-blockdev", "-netdev", "-chardev", "-object", "-audiodev", "-drive", "-fsdev", "-tpmdev", "-add-fd",
};

static bool is_backend(const Item *i) {
        for (size_t k = 0; k < ELEMENTSOF(backends); k++)
                if (streq(backends[k], i->option))
                        return true;
        return false;
}

static int compare_props(const void *a, const void *b) {
        const Prop *const *x = a, *const *y = b;
        int r = strcmp((*x)->key, (*y)->key);

        return r != 0 ? r : (*x)->value < (*y)->value ? -1 : (*x)->value > (*y)->value;
}

static int make_line(Compare *c, size_t k);

static int add_value(Compare *c, Text *t, const char *key, const char *value) {
        static const char *const plain[] = { "id", "node-name", "qom-type", "driver", "type", "backend", "if" };

        for (size_t k = 0; k < ELEMENTSOF(plain); k++)
                if (streq(plain[k], key)) {
                        text_append(t, value);
                        return 0;
                }
        for (size_t k = 0; k < c->items.n; k++) {
                const Item *i = c->items.list + k;
                if (!is_backend(i) || !streq_ptr(item_name(i), value))
                        continue;
                int r = make_line(c, k);
                if (r < 0)
                        return r;
                c->named[k] = true;
                if (c->lines[k]) {
                        char digest[33];
                        digest_hex(c->lines[k], strlen(c->lines[k]), digest);
                        text_appendf(t, "<%s>", digest);
                }
                return 0;
        }
        text_append(t, value);
        return 0;
}

/* Features that this model of QEMU's has: asked for or not, it is the same machine. A definition cannot leave them
 * unsaid without a host to ask, since libvirt's model of the same name lacks them. */
static bool is_anyhow(const Item *i, const Prop *q) {
        return streq(i->option, "-cpu") && streq(q->value, "on") &&
               streq_ptr(qemu_cpu_removed_feature(strempty(item_get(i, "model"))), q->key);
}

/* The keys of I in order; of several that are the same, the last one. Names of back ends are left out. */
static int add_props(Compare *c, Text *t, const Item *i) {
        _cleanup_free_ const Prop **list = calloc(i->n_props + 1, sizeof(Prop *));
        size_t n = 0;
        int r = 0;

        if (!list)
                return -ENOMEM;
        for (size_t k = 0; k < i->n_props; k++)
                if (item_get(i, i->props[k].key) == i->props[k].value)
                        list[n++] = i->props + k;
        qsort(list, n, sizeof(Prop *), compare_props);
        for (size_t k = 0; r >= 0 && k < n; k++) {
                if ((is_backend(i) && list[k]->value == item_name(i)) || is_anyhow(i, list[k]))
                        continue;
                text_appendf(t, " %s=", list[k]->key);
                r = add_value(c, t, list[k]->key, list[k]->value);
        }
        return r;
}

static int make_line(Compare *c, size_t k) {
        const Item *i = c->items.list + k;
        _cleanup_text_ Text t = {};

        if (c->state[k] > 0) /* or it refers to itself */
                return 0;
        c->state[k] = 1;
        text_append(&t, i->row ? i->row->name : i->option);
        int r = 0;
        const char *id = i->value ? startswith(i->value, "chardev:") : NULL;
        if (i->row && i->row->form == FORM_KEYS)
                r = add_props(c, &t, i);
        else if (id) {
                text_append(&t, " chardev:");
                r = add_value(c, &t, "chardev", id);
        } else if (i->value)
                text_appendf(&t, " %s", i->value);
        if (r >= 0)
                r = text_finish(&t, c->lines + k);
        c->state[k] = 2;
        return r;
}

static bool same_option(const Item *a, const Item *b) {
        return a->row && b->row && a->row->parse == b->row->parse && a->row->merge == b->row->merge;
}

/* Moves the keys of options that are merged to the last of them, and takes away those that do not count. */
static int merge(Items *l) {
        for (size_t k = 0; k < l->n; k++) {
                Item *i = l->list + k;
                if (!i->row || i->row->merge == MERGE_NOT)
                        continue;
                for (size_t m = k + 1; m < l->n; m++) {
                        Item *j = l->list + m;
                        if (!same_option(i, j))
                                continue;
                        i->used = true;
                        if (i->row->merge == MERGE_LAST)
                                break;
                        /* In front, as the later ones win. */
                        size_t n = i->n_props + j->n_props;
                        Prop *both = calloc(n + 1, sizeof(Prop));
                        if (!both)
                                return -ENOMEM;
                        if (i->n_props > 0)
                                memcpy(both, i->props, i->n_props * sizeof(Prop));
                        if (j->n_props > 0)
                                memcpy(both + i->n_props, j->props, j->n_props * sizeof(Prop));
                        free(i->props);
                        free(j->props);
                        i->props = NULL;
                        i->n_props = 0;
                        j->props = both;
                        j->n_props = n;
                        break;
                }
        }
        return 0;
}

static void compare_done(Compare *c) {
        for (size_t k = 0; c->lines && k < c->items.n; k++)
                free(c->lines[k]);
        free(c->lines);
        free(c->state);
        free(c->named);
        items_done(&c->items);
}

static int read_lines(char *const *argv, Diag *diag, char ***ret) {
        _cleanup_(compare_done) Compare c = {};
        _cleanup_strv_ char **l = NULL;
        int r = items_read(argv, diag, &c.items);

        if (r >= 0)
                r = merge(&c.items);
        if (r < 0)
                return r;
        c.lines = calloc(c.items.n + 1, sizeof(char *));
        c.state = calloc(c.items.n + 1, 1);
        c.named = calloc(c.items.n + 1, sizeof(bool));
        if (!c.lines || !c.state || !c.named)
                return -ENOMEM;
        for (size_t k = 0; k < c.items.n; k++)
                if (!c.items.list[k].used && (r = make_line(&c, k)) < 0)
                        return r;
        for (size_t k = 0; k < c.items.n; k++)
                if (!c.items.list[k].used && !c.named[k] && c.lines[k] && (r = strv_extend(&l, c.lines[k])) < 0)
                        return r;
        if (l)
                strv_sort(l);
        *ret = TAKE_PTR(l);
        return 0;
}

int qemu_argv_equal(char *const *a, char *const *b, Diag *diag) {
        _cleanup_strv_ char **x = NULL, **y = NULL;
        int r = read_lines(a, diag, &x);

        if (r >= 0)
                r = read_lines(b, diag, &y);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        char *const *i = x, *const *j = y;
        int ret = 1;
        while ((i && *i) || (j && *j)) {
                int k = !i || !*i ? 1 : !j || !*j ? -1 : strcmp(*i, *j);
                if (k != 0) {
                        ret = 0;
                        (void) diag_error(diag, (SrcLoc) {}, "only the %s one has: %s", k < 0 ? "first" : "second", k < 0 ? *i : *j);
                }
                if (k <= 0)
                        i++;
                if (k >= 0)
                        j++;
        }
        return ret;
}
