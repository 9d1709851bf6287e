/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* What holds for one start only (`vmunit start --paused`): a file in /run/vmunit beside the VMs' directories,
 * written before the unit is started, taken away by its prepare step, and in any case when the start is over.
 * Its name, ".start-NAME", can be no VM's: those do not begin with a dot. */
typedef enum StartOptionFlags {
        START_OPTION_PAUSED = 1 << 0,
        START_OPTION_FORCE_BOOT = 1 << 1, /* not from the managed save, which is removed */
        START_OPTION_RESTORE = 1 << 2,    /* from what is in restore_directory() (saved-file.h) */
        START_OPTION_RESET_NVRAM = 1 << 3, /* the firmware's variables are made anew of their template */
} StartOptionFlags;

/* BASE_FD is /run/vmunit. 0 or negative errno. */
int start_options_write(int base_fd, const char *name, StartOptionFlags flags);
/* Reads and removes them; no file means none. What is not root's own file (or the caller's) is not believed. */
int start_options_take(int base_fd, const char *name, StartOptionFlags *ret);

/* Credentials of the guest for one start, "NAME=VALUE" each, in a file beside it, ".credentials-NAME"; by the same rules. */
int start_credentials_write(int base_fd, const char *name, char *const *assignments);
int start_credentials_take(int base_fd, const char *name, char ***ret);

/* Of both. */
int start_options_remove(int base_fd, const char *name);
