/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* A file without a name until it is complete, so that nothing is left of one that is not. */
typedef struct Target {
        const char *path;
        char *dir;       /* owned: that it is in */
        char *temporary; /* owned: its name before it is PATH; NULL: none yet */
        int fd;          /* owned */
        bool direct;     /* a block device: there is no other way */
} Target;

void target_done(Target *t);
/* 0 or negative errno. PATH is not copied. */
int target_open(const char *path, Target *ret);
/* Complete and on the disk, under a name that is not PATH yet. */
int target_finish(Target *t);
/* It is PATH now, whatever happens to this machine. */
int target_commit(Target *t);
