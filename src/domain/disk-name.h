/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-enums.h"

/* "sdb" → bus scsi, index 1; "vdaa" → bus virtio, index 26. -EINVAL when NAME is no name of a disk. -ENOTUNIQ
 * when digits of a partition follow ("sda1"): *ret_bus and *ret_index are set then, too. Either may be NULL. */
int disk_name_parse(const char *name, DiskBus *ret_bus, unsigned *ret_index);
