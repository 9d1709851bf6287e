/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of what watches over the guest. */

typedef struct DomainPanic {
        DeviceInfo info;
        PanicModel model;
} DomainPanic;

typedef struct DomainWatchdog {
        DeviceInfo info;
        WatchdogModel model;
        WatchdogAction action;
} DomainWatchdog;
