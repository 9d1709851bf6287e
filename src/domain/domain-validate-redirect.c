/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

#define CERTIFICATES 3U

static void check_smartcard(const Domain *d, const DomainSmartcard *s, Diag *diag) {
        const DeviceAddress *a = &s->info.address;

        if (s->mode == SMARTCARD_CERTIFICATES && s->n_certificates != CERTIFICATES)
                (void) diag_error(diag, s->info.loc, "smartcard: there are %zu <certificate>, it takes %u",
                                  s->n_certificates, CERTIFICATES);
        if (s->mode == SMARTCARD_PASSTHROUGH && s->source.type == CHARDEV_UNSET)
                (void) diag_error(diag, s->info.loc, "smartcard of mode 'passthrough' needs @type");
        else if (s->mode == SMARTCARD_PASSTHROUGH)
                check_char_source(d, &s->source, s->info.loc, "smartcard", false, diag);
        check_path(diag, s->info.loc, "smartcard database", s->database);
        if (a->type != ADDRESS_UNSET && a->type != ADDRESS_CCID)
                (void) diag_error(diag, a->loc, "smartcard: an address of type '%s' is none of a card reader",
                                  address_type_to_string(a->type));
        else if ((a->controller.set && a->controller.value > 0) || (a->slot.set && a->slot.value > 0))
                (void) diag_error(diag, a->loc, "smartcard: there is one place only, slot 0 of controller 0");
}

void check_smartcards(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_smartcards; i++) {
                if (i == 1)
                        (void) diag_error(diag, d->smartcards[i].info.loc, "smartcard is given twice");
                check_smartcard(d, d->smartcards + i, diag);
        }
}

void check_redirdevs(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(r, d->redirdevs, d->n_redirdevs) {
                if (r->source.type == CHARDEV_UNSET)
                        (void) diag_error(diag, r->info.loc, "redirdev needs @type");
                else
                        check_char_source(d, &r->source, r->info.loc, "redirdev", false, diag);
                if (r->info.address.type != ADDRESS_UNSET && r->info.address.type != ADDRESS_USB)
                        (void) diag_error(diag, r->info.address.loc,
                                          "redirdev: bus 'usb' does not go with an address of type '%s'",
                                          address_type_to_string(r->info.address.type));
        }
        for (size_t i = 1; i < d->n_redirfilters; i++)
                (void) diag_error(diag, d->redirfilters[i].loc, "redirfilter is given twice");
}
