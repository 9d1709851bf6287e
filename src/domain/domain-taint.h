/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* What is in the definition of a machine, or was done to it while it runs, that nobody but its administrator can answer for;
 * in libvirt's order. */
typedef enum DomainTaint {
        TAINT_CUSTOM_ARGV,
        TAINT_CUSTOM_MONITOR, /* done */
        TAINT_HIGH_PRIVILEGES,
        TAINT_SHELL_SCRIPTS,
        TAINT_HOST_CPU,
        TAINT_CUSTOM_DTB,
        TAINT_CUSTOM_GA_COMMAND, /* done */
        TAINT_CUSTOM_HYPERVISOR_FEATURE,
        TAINT_CUSTOM_DEVICE,
        _TAINT_MAX,
} DomainTaint;

#define TAINT_MASK(t) (1U << (t))

/* libvirt's words for T. */
const char *domain_taint_text(DomainTaint t);
/* TAINT_MASK() of each that the definition D has. */
unsigned domain_taints(const Domain *d) _pure_;
