/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-enums.h"

typedef struct ImageSizes {
        uint64_t capacity;   /* of the disk, as the guest sees it */
        uint64_t allocation; /* what it takes on the host */
        uint64_t physical;   /* of the image: its last byte, or the size of the device it is on */
} ImageSizes;

/* Looks at the image at PATH, a file or a device. 0 or negative errno: -EISDIR when it cannot be read for what it is. */
int image_file_sizes(const char *path, DiskFormat format, ImageSizes *ret);
