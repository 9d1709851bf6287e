/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan-complete.h"
#include "domain-xml.h"
#include "qemu-domain.h"
#include "string-util.h"

/* Whether there is anything to forget. */
static bool has_places(const DomainPlaces *p) {
        FOREACH_ARRAY(i, p->items, p->n_items)
                if (i->address || i->added)
                        return true;
        return false;
}

static void forget_addresses(DomainPlaces *p) {
        FOREACH_ARRAY(i, p->items, p->n_items) {
                i->address = mfree(i->address);
                i->added = mfree(i->added);
                i->used = false;
        }
}

/* The domain as it was before it was completed, with the MAC addresses that are remembered. The text was taken
 * once: what there is to say of it has been said. */
static int read_anew(Domain *old, const char *text, size_t size, const HostFacts *facts, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;

        int r = domain_from_xml(text, size, NULL, &d);
        if (r < 0)
                return r;
        domain_places_done(&d->places);
        d->places = old->places;
        old->places = (DomainPlaces) {};
        forget_addresses(&d->places);
        r = domain_complete(d, facts, NULL);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

static const char *error_after(const Diag *diag, size_t n) {
        for (size_t i = n; diag && i < diag->n_entries; i++)
                if (diag->entries[i].severity == DIAG_ERROR)
                        return diag->entries[i].text;
        return NULL;
}

int plan_complete_domain(Domain **d, const char *text, size_t size, const QemuCaps *caps, const HostFacts *facts,
                         Diag *diag) {
        _cleanup_(domain_freep) Domain *fresh = NULL;
        _cleanup_free_ char *reason = NULL;
        size_t n = diag ? diag->n_entries : 0, n_errors = diag ? diag->n_errors : 0;

        int r = qemu_domain_complete(*d, caps, facts, diag);
        if (r != -EINVAL || !has_places(&(*d)->places))
                return r;
        reason = strdup(error_after(diag, n) ?: "they do not fit");
        if (!reason)
                return -ENOMEM;
        diag_truncate(diag, n);
        if (diag)
                diag->n_errors = n_errors; /* also those that found no room */
        r = read_anew(*d, text, size, facts, &fresh);
        if (r < 0)
                return r;
        r = qemu_domain_complete(fresh, caps, facts, diag);
        domain_free(*d);
        *d = TAKE_PTR(fresh);
        if (r < 0)
                return r;
        return diag_warning(diag, (SrcLoc) {}, "the addresses of the last start do not fit any more and are given out anew: %s",
                            reason);
}
