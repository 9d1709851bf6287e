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

/* A trusted platform module. */
/* Below a machine's durable state. */
#define TPM_STATE_DIRECTORY "tpm"

typedef struct DomainTpm {
        DeviceInfo info;
        TpmModel model;
        SrcLoc backend_loc;
        TpmBackend backend;
        TpmVersion version;          /* emulator */
        Tristate persistent_state;   /* emulator: kept when a transient machine ends */
        bool has_secret;
        uint8_t secret[16];          /* emulator: UUID of the secret the state is encrypted with */
        bool sha1, sha256, sha384, sha512; /* emulator: <active_pcr_banks> */
        char *device_path;           /* passthrough: "/dev/tpm0" when absent, as in libvirt */
        CharSource source;           /* external */
} DomainTpm;
