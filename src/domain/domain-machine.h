/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of what QEMU is told besides. */

/* <qemu:commandline> */
typedef struct QemuEnv {
        SrcLoc loc;
        char *name, *value;
} QemuEnv;

typedef struct QemuArg {
        SrcLoc loc;
        char *value;
} QemuArg;
