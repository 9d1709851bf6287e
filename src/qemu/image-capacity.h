/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-enums.h"
#include "macro.h"

/* The first bytes of an image that say how large its disk is. */
#define IMAGE_HEADER_SIZE (64U << 10)

/* The size of the disk that an image of FORMAT is, by the SIZE bytes it begins with, of PHYSICAL bytes of the image. What
 * is written there is not checked any further; 0: it does not say. */
uint64_t image_capacity(DiskFormat format, const uint8_t *data, size_t size, uint64_t physical) _pure_;
