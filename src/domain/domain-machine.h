/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of the machine itself: its processor, and what QEMU is told besides. */

typedef struct CpuFeature {
        SrcLoc loc;
        CpuPolicy policy;
        char *name;
} CpuFeature;

typedef struct DomainCpu {
        SrcLoc loc; /* line 0: no <cpu> */
        CpuMode mode;
        CpuMatch match;
        CpuCheck check;
        Tristate migratable;
        char *model, *vendor;
        CpuFallback fallback;
        OptUint sockets, dies, cores, threads;
        CpuFeature *features;
        size_t n_features;
} DomainCpu;

/* <qemu:commandline> */
typedef struct QemuEnv {
        SrcLoc loc;
        char *name, *value;
} QemuEnv;

typedef struct QemuArg {
        SrcLoc loc;
        char *value;
} QemuArg;
