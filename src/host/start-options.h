/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "macro.h"

/* What holds for one start only (`vmunit start --paused`): a file in /run/vmunit beside the VMs' directories,
 * written before the unit is started, taken away by its prepare step, and in any case when the start is over.
 * Its name, ".start-NAME", can be no VM's: those do not begin with a dot.
 *
 * Who has written it may be gone before the start is over, or has begun. So it is locked by him, and says how far he has come: what
 * nobody is there for any more counts for no other start than the one that he has asked for. */
typedef enum StartOptionFlags {
        START_OPTION_PAUSED = 1 << 0,
        START_OPTION_FORCE_BOOT = 1 << 1, /* not from the managed save, which is removed */
        START_OPTION_RESTORE = 1 << 2,    /* from what is in restore_directory() (saved-file.h) */
        START_OPTION_RESET_NVRAM = 1 << 3, /* the firmware's variables are made anew of their template */
} StartOptionFlags;

/* BASE_FD is /run/vmunit. A descriptor, the caller's, which keeps the lock; or negative errno. */
int start_options_write(int base_fd, const char *name, StartOptionFlags flags);
/* FD is that one. JOB is systemd's number of the start; 0: it is about to be asked for. */
void start_options_note(int fd, uint32_t job);
/* Reads and removes them. 1; 0: there are none, or they are for no start any more. *ret_job is not 0 when they are for the start
 * with that job alone. What is not root's own file (or the caller's) is not believed. */
int start_options_take(int base_fd, const char *name, StartOptionFlags *ret, uint32_t *ret_job);

/* Credentials of the guest for one start, "NAME=VALUE" each, in a file beside it, ".credentials-NAME": they count when those
 * options do, of which there may be none then. */
int start_credentials_write(int base_fd, const char *name, char *const *assignments);
int start_credentials_take(int base_fd, const char *name, char ***ret);

/* Of both. */
int start_options_remove(int base_fd, const char *name);
