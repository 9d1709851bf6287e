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

/* <qemu:capabilities>: what libvirt would believe of QEMU against its own findings. */
typedef struct QemuCapability {
        SrcLoc loc;
        char *name;
} QemuCapability;

/* <qemu:override>: a property of a device that is told to QEMU otherwise, or not at all. */
typedef struct QemuProperty {
        SrcLoc loc;
        char *name, *value;
        QemuPropertyType type;
} QemuProperty;

typedef struct QemuOverride {
        SrcLoc loc;
        char *alias;
        QemuProperty *properties;
        size_t n_properties;
} QemuOverride;
