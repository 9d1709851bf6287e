/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-enums.h"
#include "domain-types.h"
#include "vmunit-config.h"

/* What <metadata> says to vmunit itself: vmunit.metadata(5). To libvirt these are notes as any. */

typedef struct DomainReady {
        SrcLoc loc;
        ReadyWhen when;
        OptUint timeout; /* seconds; the unit's TimeoutStartSec= */
        unsigned port; /* of AF_VSOCK, where the guest's systemd says that it is ready; 0: a start has yet to choose it */
} DomainReady;

typedef struct DomainHostShutdown {
        SrcLoc loc;
        HostShutdown action;
} DomainHostShutdown;

/* The unit is started after that of another VM, and stopped before it. */
typedef struct DomainAfter {
        SrcLoc loc;
        char *vm; /* owned */
} DomainAfter;
