/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "macro.h"

/* A process of its own that waits for the end of a pipe, which comes with our end, whatever that is, and then does what is left to
 * do. Nothing but SIGKILL ends it before: no signal of our terminal reaches it. */
typedef struct Survivor {
        pid_t pid; /* 0: none */
        int fd;    /* owned: our end of the pipe */
} Survivor;
#define SURVIVOR_NONE { .fd = -EBADF }

/* In the survivor, which has no descriptors but KEEP_FD (-EBADF: none). SAID is what it was told. */
typedef void (*SurvivorWork)(const char *said, int keep_fd, const void *userdata);
#define SURVIVOR_SAID_MAX 32U

/* 0 or negative errno. What USERDATA points to is copied with the process. */
int survivor_start(Survivor *ret, SurvivorWork work, int keep_fd, const void *userdata);
/* At most SURVIVOR_SAID_MAX characters in all. */
void survivor_tell(Survivor *s, const char *word);
/* Has it do its work, and waits for that; nothing if there is none. */
void survivor_end(Survivor *s);
