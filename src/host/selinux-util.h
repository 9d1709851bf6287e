/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"

/* selinux.c with libselinux, selinux-fallback.c without. */

/* What this machine's SELinux is like; {} when it has none, or it is off. CATEGORIES are those that may be used; none
 * at all means all. 0 or -ENOMEM. */
int selinux_facts_gather(const NumberSet *categories, SelinuxFacts *ret);
