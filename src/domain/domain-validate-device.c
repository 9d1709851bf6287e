/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

void check_balloons(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_balloons; i++) {
                const DomainBalloon *b = d->balloons + i;
                if (i == 1)
                        (void) diag_error(diag, b->info.loc, "memballoon is given twice");
                if (b->model == BALLOON_XEN)
                        refuse(diag, b->info.loc, "memballoon model", "xen");
        }
}

void check_rngs(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(r, d->rngs, d->n_rngs) {
                if (r->backend == RNG_BACKEND_EGD && r->source.type == CHARDEV_UNSET)
                        (void) diag_error(diag, r->info.loc, "rng backend 'egd' needs @type");
                else if (r->backend == RNG_BACKEND_EGD)
                        check_char_source(d, &r->source, r->info.loc, "rng", false, diag);
                else if (r->backend == RNG_BACKEND_RANDOM)
                        check_path(diag, r->info.loc, "rng backend", r->backend_path);
        }
}
