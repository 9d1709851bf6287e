/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unit-properties.h"

/* What `systemctl set-property --runtime` and vmunit's own live changes leave behind: systemd keeps a drop-in for each
 * setting in /run/systemd/system.control/UNIT.d, which outlives the unit's end, until the next boot. ROOT is "" but in
 * tests. */

/* The settings of the table, live ones, that have such a drop-in; sorted as the table. 0 or -ENOMEM. */
int unit_overrides_list(const char *root, const char *unit, char ***ret);
/* Removes those; systemd knows at its next reload. What is not there is no error. */
int unit_overrides_remove(const char *root, const char *unit, char *const *settings);

/* Whether the drop-in that the generator has written last is not TEXT: 1, or 0, also when there is none. */
int unit_dropin_differs(const char *root, const char *unit, const char *text);

/* systemd (252) writes a CPU quota into its drop-in without what is behind the point: right at once, wrong after the
 * next daemon-reload. Writes UNITS (UNIT_CPU_QUOTA) into it instead, without systemd noticing a change. 0, -ENOENT
 * when there is none, or another negative errno. */
int unit_overrides_mend_quota(const char *root, const char *unit, const char *units);
