/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "key-codes.h"
#include "machines.h"

/* What somebody before the machine could do: press keys and buttons, look at the screen. */

int vm_inject_nmi(Manager *m, const Vm *vm, Diag *diag);

#define KEYS_MAX 16U
/* Presses all of them together, for HOLD_MSEC; 0: as long as QEMU likes. */
int vm_send_keys(Manager *m, const Vm *vm, KeyCodeset set, const unsigned *codes, size_t n, unsigned hold_msec, Diag *diag);

/* A picture of the SCREEN in a file that is nowhere else; *ret_mime is a constant. A descriptor at its beginning, the caller's,
 * or negative errno. */
int vm_screenshot(Manager *m, const Vm *vm, unsigned screen, Diag *diag, const char **ret_mime);
