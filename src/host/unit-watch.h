/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "macro.h"

/* What systemd says of its units, as it happens. */
typedef struct UnitWatch UnitWatch;

/* ACTIVE is the new ActiveState. LOST: the connection to systemd has ended, and there is no UNIT. */
typedef void (*UnitWatchHandler)(const char *unit, const char *active, bool lost, void *userdata);

/* Returns when systemd tells what happens: whoever looks at the units afterwards misses nothing. -ENOTCONN: no systemd. */
int unit_watch_new(sd_event *event, UnitWatchHandler handler, void *userdata, UnitWatch **ret);
UnitWatch *unit_watch_free(UnitWatch *w);
DEFINE_CLEANUP(UnitWatch *, unit_watch_free)
