/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* What somebody before the machine could do: press keys and buttons, look at the screen. */

int vm_inject_nmi(Manager *m, const Vm *vm, Diag *diag);

#define KEYS_MAX 16U
typedef enum KeyCodeset {
        CODESET_LINUX, /* linux/input-event-codes.h */
        CODESET_QNUM,  /* scan codes of set 1; 0x80 is added for those behind 0xe0 */
} KeyCodeset;
/* The code of KEY, a name of that set or a number; -EINVAL. */
int key_code(KeyCodeset set, const char *key, unsigned *ret);
/* Presses all of them together, for HOLD_MSEC; 0: as long as QEMU likes. */
int vm_send_keys(Manager *m, const Vm *vm, KeyCodeset set, const unsigned *codes, size_t n, unsigned hold_msec, Diag *diag);

/* A picture of the SCREEN in a file that is nowhere else; *ret_mime is a constant. A descriptor at its beginning, the caller's,
 * or negative errno. */
int vm_screenshot(Manager *m, const Vm *vm, unsigned screen, Diag *diag, const char **ret_mime);
