/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* All devices of a domain, whatever they are. */
typedef struct DeviceList {
        const DeviceInfo **items; /* owned; what they point to is the domain's */
        size_t n_items;
        bool failed; /* memory has run out */
} DeviceList;

static void device_list_done(DeviceList *l) {
        free(l->items);
}

static void add(DeviceInfo *info, void *userdata) {
        DeviceList *l = userdata;

        if (ARRAY_GROW(l->items, l->n_items))
                l->items[l->n_items++] = info;
        else
                l->failed = true;
}

static bool collect(const Domain *d, DeviceList *l, Diag *diag) {
        /* Nothing is changed: the list is of constants. */
        domain_for_devices((Domain *) d, add, l);
        if (l->failed)
                (void) diag_error(diag, d->loc, "out of memory");
        return !l->failed;
}

/* Keeps those that have the same as an earlier one, in the order of the definition. Sorting finds them: a definition
 * may have very many devices. */
typedef struct Entry {
        const DeviceInfo *info;
        size_t position;
} Entry;

static void keep_repeated(DeviceList *l, int (*compare)(const void *a, const void *b)) {
        _cleanup_free_ Entry *entries = calloc(l->n_items + 1, sizeof(Entry));
        _cleanup_free_ bool *repeated = calloc(l->n_items + 1, sizeof(bool));
        size_t n = 0;

        if (!entries || !repeated) {
                l->failed = true;
                return;
        }
        for (size_t i = 0; i < l->n_items; i++)
                entries[i] = (Entry) { l->items[i], i };
        qsort(entries, l->n_items, sizeof(Entry), compare);
        for (size_t i = 1; i < l->n_items; i++)
                repeated[entries[i].position] = compare(&(Entry) { entries[i - 1].info }, &(Entry) { entries[i].info }) == 0;
        for (size_t i = 0; i < l->n_items; i++)
                if (repeated[i])
                        l->items[n++] = l->items[i];
        l->n_items = n;
}

static int compare_positions(const Entry *a, const Entry *b) {
        return a->position < b->position ? -1 : a->position > b->position;
}

static int compare_aliases(const void *a, const void *b) {
        const Entry *x = a, *y = b;
        int r = strcmp(x->info->alias, y->info->alias);

        return r != 0 ? r : compare_positions(x, y);
}

static int compare_boot_orders(const void *a, const void *b) {
        const Entry *x = a, *y = b;
        unsigned m = x->info->boot_order.value, n = y->info->boot_order.value;

        return m != n ? (m < n ? -1 : 1) : compare_positions(x, y);
}

/* libvirt writes the alias of a serial port to the console that is the same thing. */
static bool is_shadow(const Domain *d, const DeviceInfo *info) {
        /* Of a device before the first, this is past all. */
        size_t i = ((uintptr_t) info - (uintptr_t) d->chars) / sizeof(DomainChar);

        return i < d->n_chars && char_repeats_serial(d, d->chars + i);
}

void check_aliases(const Domain *d, Diag *diag) {
        _cleanup_(device_list_done) DeviceList l = {};
        size_t n = 0;

        if (!collect(d, &l, diag))
                return;
        FOREACH_ARRAY(i, l.items, l.n_items) {
                const DeviceInfo *info = *i;
                if (!info->alias)
                        continue;
                l.items[n++] = info;
                if (isempty(info->alias) || !in_charset(info->alias, ALPHANUMERICAL "_-"))
                        (void) diag_error(diag, info->loc, "alias '%s' has characters other than a-z, A-Z, 0-9, _ and -",
                                          info->alias);
        }
        l.n_items = n;
        keep_repeated(&l, compare_aliases);
        FOREACH_ARRAY(i, l.items, l.n_items)
                if (!is_shadow(d, *i))
                        (void) diag_error(diag, (*i)->loc, "alias '%s' is used twice", (*i)->alias);
}

void check_boot_order(const Domain *d, Diag *diag) {
        _cleanup_(device_list_done) DeviceList l = {};
        bool conflict = false;
        size_t n = 0;

        if (!collect(d, &l, diag))
                return;
        FOREACH_ARRAY(i, l.items, l.n_items) {
                const DeviceInfo *info = *i;
                if (!info->boot_order.set)
                        continue;
                l.items[n++] = info;
                if (info->boot_order.value == 0)
                        (void) diag_error(diag, info->loc, "boot order 0: the first device has 1");
                if (d->os.n_boot > 0 && !conflict) {
                        (void) diag_error(
                                diag, info->loc,
                                "boot order %u of a device and <boot dev='%s'/> in <os> exclude each other",
                                info->boot_order.value, boot_device_to_string(d->os.boot[0]));
                        conflict = true;
                }
        }
        l.n_items = n;
        keep_repeated(&l, compare_boot_orders);
        FOREACH_ARRAY(i, l.items, l.n_items)
                (void) diag_error(diag, (*i)->loc, "boot order %u is used twice", (*i)->boot_order.value);
}
