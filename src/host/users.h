/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* A user or group of this machine, by name or number. -ESRCH when there is none; systemd runs nothing as a number
 * without a name. */
int host_find_user(const char *user, uid_t *ret);
int host_find_group(const char *group, gid_t *ret);
