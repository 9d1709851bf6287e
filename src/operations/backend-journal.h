/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "diag.h"

/* The last N lines about one of UNITS (up to NULL), oldest first, as journalctl prints them, but that what is not printable is
 * "?". What may not be read is not there. *ret is the caller's. 0 or negative errno. */
int journal_last_lines(const char *const *units, unsigned n, char ***ret);

/* Why the last run of UNIT failed, in the words of what failed: the last errors that its processes wrote to the
 * journal go to DIAG. SINCE is when it was asked to start, on the monotonic clock. Their number; 0 when there are none, or
 * they may not be read; or negative errno. */
int journal_explain_failure(sd_bus *bus, const char *unit, uint64_t since_usec, Diag *diag);
