/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "manager.h"
#include "systemd.h"

/* StartTransientUnit() for a VM that no file describes, and the wait for its start. Return values as of
 * systemd_start_unit(). */
int transient_start(sd_bus *bus, const TransientStart *start, const HostFacts *facts, uint64_t limit_usec,
                    const SystemdJobNote *note, Diag *diag, char **ret_result);
