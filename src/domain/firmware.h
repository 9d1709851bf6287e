/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where flash that keeps variables is, in the machine's state directory, unless the definition says it. */
#define NVRAM_FILE "nvram.fd"

#include "domain-enums.h"

/* A firmware that is installed on the host, as its descriptor tells (QEMU's docs/interop/firmware.json). */

typedef enum FirmwareDevice {
        FIRMWARE_DEVICE_FLASH = 1,
        FIRMWARE_DEVICE_MEMORY,
        FIRMWARE_DEVICE_KERNEL,
} FirmwareDevice;

typedef enum FirmwareFeature {
        FIRMWARE_ACPI_S3 = 1 << 0,
        FIRMWARE_ACPI_S4 = 1 << 1,
        FIRMWARE_SECURE_BOOT = 1 << 2,
        FIRMWARE_ENROLLED_KEYS = 1 << 3,
        FIRMWARE_REQUIRES_SMM = 1 << 4,
} FirmwareFeature;

typedef struct FirmwareTarget {
        Arch arch;
        char **machines; /* owned; patterns: "pc-q35-*" */
} FirmwareTarget;

typedef struct Firmware {
        char *descriptor;   /* owned: name of the descriptor's file */
        bool efi, bios;     /* what it offers to the guest */
        FirmwareDevice device;
        bool stateless;     /* flash that keeps no variables */
        bool unusable;      /* of a format or shape that is not supported */
        char *executable;   /* owned */
        bool missing;       /* the executable is not there: it is not announced, though it may be asked for */
        char *nvram_template; /* owned; flash that keeps variables */
        FirmwareTarget *targets; /* owned */
        size_t n_targets;
        unsigned features;  /* of FirmwareFeature */
} Firmware;

/* Sorted by preference: that is by the descriptors' names. */
typedef struct FirmwareList {
        Firmware *list; /* owned */
        size_t n;
} FirmwareList;

void firmware_done(Firmware *f);
void firmware_list_done(FirmwareList *l);
