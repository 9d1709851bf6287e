/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "string-table.h"

/* The codes of keys in the sets that virsh knows. QEMU is told the last one's. */
typedef enum KeyCodeset {
        CODESET_LINUX, /* linux/input-event-codes.h */
        CODESET_XT,    /* set 1, with 0xe0 in front of those that have it */
        CODESET_ATSET1,
        CODESET_ATSET2,
        CODESET_ATSET3,
        CODESET_OS_X,
        CODESET_XT_KBD, /* set 1, with 0x100 for 0xe0 */
        CODESET_USB,
        CODESET_WIN32,
        CODESET_QNUM, /* set 1, with 0x80 for 0xe0 */
        _CODESET_MAX,
} KeyCodeset;
DECLARE_STRING_TABLE(key_codeset, KeyCodeset); /* "linux", "xt" … */

/* The same, also by a name of old. -EINVAL. */
int key_codeset_find(const char *word);
/* The code of KEY, a name of that set or a number; -EINVAL. */
int key_code(KeyCodeset set, const char *key, unsigned *ret);
/* -ENOENT: there is no such key. */
int key_code_to_qnum(KeyCodeset set, unsigned code);
