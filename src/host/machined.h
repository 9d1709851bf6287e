/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "diag.h"

typedef struct MachineInfo {
        const char *name; /* vm_machine() */
        uint8_t uuid[16];
        pid_t leader;     /* the supervisor: what machinectl poweroff and reboot send signals to */
        const int *ifindices;
        size_t n_ifindices;
} MachineInfo;

/* Makes the VM known to systemd-machined. 0; -ENOTCONN: there is no bus or no machined on this machine (not
 * worth more than a notice); else negative errno with the reason in DIAG. */
int machined_register(const MachineInfo *info, Diag *diag);
/* Makes it unknown; kills nothing. An unknown machine is no error. Never waits longer than LIMIT_USEC. */
int machined_unregister(const char *name, uint64_t limit_usec);
