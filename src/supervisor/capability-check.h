/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* Looks into all five sets of the calling process: bounding, inheritable, permitted, effective, ambient. 0 when there is
 * nothing in them but capabilities of the mask ALLOWED (1 << CAP_…), -EPERM when there is something, which is logged with
 * WHAT ("QEMU"), another negative errno when they cannot be read. */
int capabilities_check(uint64_t allowed, const char *what);
/* Empties all sets but the bounding one, which needs a capability to be changed and gives nothing to a process with
 * no_new_privs. 0 or negative errno. */
int capabilities_drop(void);
/* "SYS_RAWIO" → CAP_SYS_RAWIO; -EINVAL. */
int capability_from_string(const char *name);
