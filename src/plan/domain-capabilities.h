/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"
#include "qemu-caps.h"

/* What definitions can ask for, in libvirt's form, for programs that make definitions. Whether a word is announced
 * is found out by trying: a small definition that says it is taken all the way to what would run. So nothing is
 * announced that would be refused. */

typedef struct CapabilitiesFor {
        DomainType type;
        const char *emulator;
        const char *machine; /* NULL: the emulator's default */
        const QemuCaps *caps;
        const HostFacts *facts;
} CapabilitiesFor;

/* <domainCapabilities>. 0, -EINVAL (there is no such machine), or -ENOMEM. */
int domain_capabilities_to_xml(const CapabilitiesFor *c, char **ret);

/* The models that a definition may name, sorted; without the versions of a model. The caller's. */
int cpu_models(const QemuCaps *caps, char ***ret);

/* "Intel" for "GenuineIntel". */
const char *cpu_vendor_word(const char *vendor);
