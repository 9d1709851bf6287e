/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "macro.h"

/* Whether other machines run: what /run/vmunit says of their units, and systemd of these. */
typedef struct MachineRuns {
        int base_fd; /* /run/vmunit */
        sd_bus *bus; /* NULL: it is connected when it is needed, and owned then */
        bool owned, failed;
} MachineRuns;

void machine_runs_done(MachineRuns *m);
/* A LabelRuns, of a MachineRuns. What cannot be found out counts as running. */
bool machine_runs(void *userdata, const char *name);
