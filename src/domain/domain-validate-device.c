/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

#define SUPPORTED_INPUTS (BIT(INPUT_UNSET) | BIT(INPUT_MOUSE) | BIT(INPUT_TABLET) | BIT(INPUT_KEYBOARD))
#define SUPPORTED_INPUT_BUSES                                                                                \
        (BIT(INPUT_BUS_UNSET) | BIT(INPUT_BUS_PS2) | BIT(INPUT_BUS_USB) | BIT(INPUT_BUS_VIRTIO))

void check_inputs(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(i, d->inputs, d->n_inputs) {
                if (!IN_SET(i->type, SUPPORTED_INPUTS))
                        refuse(diag, i->info.loc, "input type", input_type_to_string(i->type));
                else if (!IN_SET(i->bus, SUPPORTED_INPUT_BUSES))
                        refuse(diag, i->info.loc, "input bus", input_bus_to_string(i->bus));
                else if (i->type == INPUT_TABLET && i->bus == INPUT_BUS_PS2)
                        (void) diag_error(diag, i->info.loc, "input: bus 'ps2' has no 'tablet'");
        }
}

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
                if (r->backend == RNG_BACKEND_EGD)
                        refuse(diag, r->info.loc, "rng backend", "egd");
                else if (r->backend == RNG_BACKEND_RANDOM)
                        check_path(diag, r->info.loc, "rng backend", r->backend_path);
                if (r->rate_period.set && !r->rate_bytes.set)
                        (void) diag_error(diag, r->info.loc, "rng rate has @period but no @bytes");
        }
}
