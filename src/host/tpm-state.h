/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* What the emulated TPM of the machine NAME keeps, below its state directory: a directory of root's with one in it for each
 * version, which belongs to the machine's user while it runs (PLAN_FD_DIRECTORY). */

bool tpm_state_exists(const char *name);
/* 0, also when there is none, or negative errno. */
int tpm_state_remove(const char *name);
