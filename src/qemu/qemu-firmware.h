/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firmware.h"

/* One descriptor; DESCRIPTOR is its file's name. What is not known in it is passed over. 0, -EINVAL when it is not
 * a descriptor, -ENOMEM. */
int firmware_from_json(const char *descriptor, const char *json, Firmware *ret);
