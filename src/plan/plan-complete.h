/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"
#include "qemu-caps.h"

/* qemu_domain_complete() for *D, which domain_complete() has completed with FACTS and which was read from TEXT.
 * What was remembered of the last start must never be what a definition fails at: where it does not go with the
 * definition any more, *d becomes another domain, read from TEXT anew, whose devices keep their MAC addresses and
 * get other places; DIAG has a warning then. 0 or negative errno. */
int plan_complete_domain(Domain **d, const char *text, size_t size, const QemuCaps *caps, const HostFacts *facts,
                         Diag *diag);
