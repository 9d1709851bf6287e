/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/* What the host and its emulators can do, as libvirt's XML. All of them look at the machine, and execute an emulator
 * when nothing is known of it. 0 or negative errno with the reason in DIAG. */

int capabilities_host(Manager *m, Diag *diag, char **ret);

typedef struct DomainCapabilitiesRequest {
        const char *type, *emulator, *arch, *machine; /* NULL: the host's best */
} DomainCapabilitiesRequest;

int capabilities_domain(Manager *m, const DomainCapabilitiesRequest *request, Diag *diag, char **ret);

/* The models that a definition for ARCH may name. */
int capabilities_cpu_models(Manager *m, const char *arch, Diag *diag, char ***ret);
