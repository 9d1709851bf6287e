/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "qemu-caps.h"

/* How far inputs come: a fuzzer most of whose inputs are refused at once finds nothing. Counted, and printed at
 * the end. */
typedef enum FuzzStep {
        FUZZ_GIVEN,
        FUZZ_READ,
        FUZZ_VALID,
        FUZZ_COMPLETE,
        FUZZ_NATIVE,
        FUZZ_PLANNED,
        _FUZZ_STEPS,
} FuzzStep;

void fuzz_reached(FuzzStep step);

/* The emulators that the golden tests know: the one for ARCH (the first one when it is not given), or NULL. */
const QemuCaps *fuzz_caps(Arch arch);

/* Everything that follows once a definition has been read: completion, validation, addresses, the plan and its
 * written forms, the effective XML. Aborts where a promise of the pure core does not hold: an error has a text;
 * what is completed is not changed by completing it again; what is written is read back as the same; the
 * effective domain is accepted and makes the same command line. */
void fuzz_check_domain(Domain *d, Diag *diag);
