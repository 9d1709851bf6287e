/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of storage: disks and the controllers that devices are plugged into. */

typedef struct DomainDisk {
        DeviceInfo info;
        DiskType type;
        DiskDevice device;
        char *source_path; /* file= or dev= */
        char *startup_policy;
        char *target_dev; /* "vda": mandatory */
        DiskBus bus;
        Tristate removable;
        OptUint rotation_rate;
        TrayState tray;
        char *driver_name; /* "qemu" */
        DiskFormat format;
        DiskCache cache;
        DiskIo io;
        DiskDiscard discard;
        DiskDetectZeroes detect_zeroes;
        DiskErrorPolicy error_policy, rerror_policy;
        Tristate copy_on_read, event_idx, ioeventfd;
        OptUint queues, queue_size, iothread;
        bool readonly, shareable, transient;
        char *serial, *wwn, *vendor, *product;
        OptUint logical_block_size, physical_block_size;
        VirtioOptions virtio;
} DomainDisk;
