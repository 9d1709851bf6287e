/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "unit-properties.h"

typedef enum UnitAppendWhat {
        UNIT_APPEND_ALL,  /* for StartTransientUnit() */
        UNIT_APPEND_LIVE, /* only the cgroup properties, which a running unit can change: SetUnitProperties() */
} UnitAppendWhat;

/* Appends P to M as the a(sv) that these calls take, in the alphabetical order of the names: systemd writes a
 * file for each, and takes another order for a change on disk (NeedDaemonReload). 0, -EINVAL for a value that is
 * not of its kind, or another negative errno; M is of no use then. */
int unit_properties_append(sd_bus_message *m, const UnitProperties *p, UnitAppendWhat what);

/* The other way, for the kinds that live settings have: the D-Bus type of KIND ("t"; NULL for all others), and the values of
 * a property of that type, as unit_properties_new() would have them. A number that is none is "infinity", an empty set "";
 * of devices there may be none at all: *ret is NULL then. */
const char *unit_property_type(UnitPropertyKind kind);
int unit_property_read(sd_bus_message *m, UnitPropertyKind kind, char ***ret);
