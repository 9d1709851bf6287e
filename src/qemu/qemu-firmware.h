/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firmware.h"

/* One descriptor; DESCRIPTOR is its file's name. What is not known in it is passed over. 0, -EINVAL when it is not
 * a descriptor, -ENOMEM. */
int firmware_from_json(const char *descriptor, const char *json, Firmware *ret);

/* Whether it can be used, and is for that machine (by its whole name: "pc-q35-7.2"). */
bool firmware_is_for(const Firmware *f, Arch arch, const char *machine);
