/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"

/* Steps of domain_complete() that have files of their own. 0 or negative errno. */
int domain_complete_disks(Domain *d, const HostFacts *facts);
int domain_complete_chars(Domain *d, const HostFacts *facts);
