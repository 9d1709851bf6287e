/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of directories of the host in the guest. */

typedef struct DomainFilesystem {
        DeviceInfo info;
        FilesystemType type;
        FilesystemAccess access;
        FilesystemModel model;
        FilesystemMultidevs multidevs;
        OptUint fmode, dmode; /* permissions of new files and directories */
        FilesystemDriver driver;
        FilesystemWrite write_policy;
        OptUint queue; /* virtiofs: size */
        VirtioOptions virtio;
        char *binary; /* virtiofsd */
        Tristate xattr;
        VirtiofsCache cache;
        VirtiofsSandbox sandbox;
        Tristate lock_posix, lock_flock;
        OptUint threads;
        char *source_dir, *source_socket;
        char *target; /* the tag by which the guest mounts it */
        bool readonly;
} DomainFilesystem;
