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

static bool collect(const Domain *d, DeviceList *l) {
        /* Nothing is changed: the list is of constants. */
        domain_for_devices((Domain *) d, add, l);
        return !l->failed;
}

/* Calls CHECK for every pair of devices, the earlier one first. */
static void for_pairs(const Domain *d, Diag *diag,
                      bool (*check)(const DeviceInfo *a, const DeviceInfo *b, Diag *diag)) {
        _cleanup_(device_list_done) DeviceList l = {};

        if (!collect(d, &l)) {
                (void) diag_error(diag, d->loc, "out of memory");
                return;
        }
        for (size_t i = 0; i < l.n_items; i++)
                for (size_t k = 0; k < i; k++)
                        if (check(l.items[k], l.items[i], diag))
                                break;
}

static bool same_alias(const DeviceInfo *a, const DeviceInfo *b, Diag *diag) {
        if (!a->alias || !b->alias || !streq(a->alias, b->alias))
                return false;
        (void) diag_error(diag, b->loc, "alias '%s' is used twice", b->alias);
        return true;
}

/* libvirt writes the alias of a serial port to the console that is the same thing. */
static bool is_shadow(const Domain *d, const DeviceInfo *info) {
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (&c->info == info)
                        return char_repeats_serial(d, c);
        return false;
}

void check_aliases(const Domain *d, Diag *diag) {
        _cleanup_(device_list_done) DeviceList l = {};

        if (!collect(d, &l))
                return;
        FOREACH_ARRAY(i, l.items, l.n_items)
        if ((*i)->alias && (isempty((*i)->alias) || !in_charset((*i)->alias, ALPHANUMERICAL "_-")))
                (void) diag_error(diag, (*i)->loc,
                                  "alias '%s' has characters other than a-z, A-Z, 0-9, _ and -", (*i)->alias);
        for (size_t i = 0; i < l.n_items; i++)
                for (size_t k = 0; k < i; k++)
                        if (!is_shadow(d, l.items[i]) && same_alias(l.items[k], l.items[i], diag))
                                break;
}

static bool same_boot_order(const DeviceInfo *a, const DeviceInfo *b, Diag *diag) {
        if (!a->boot_order.set || !b->boot_order.set || a->boot_order.value != b->boot_order.value)
                return false;
        (void) diag_error(diag, b->loc, "boot order %u is used twice", b->boot_order.value);
        return true;
}

void check_boot_order(const Domain *d, Diag *diag) {
        _cleanup_(device_list_done) DeviceList l = {};
        bool conflict = false;

        if (!collect(d, &l))
                return;
        FOREACH_ARRAY(i, l.items, l.n_items) {
                const DeviceInfo *info = *i;
                if (!info->boot_order.set)
                        continue;
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
        for_pairs(d, diag, same_boot_order);
}
