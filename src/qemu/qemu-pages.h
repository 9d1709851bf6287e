/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"

/* Are there as many free huge pages as DOMAIN (effective) needs, on the nodes where it needs them? 0, or -ENOMEM with
 * the counts of each node in DIAG. */
int qemu_check_huge_pages(const Domain *d, const HostFacts *f, Diag *diag);
