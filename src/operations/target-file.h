/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "survivor.h"

/* Who writes the file was killed when it had a name, and was not PATH yet. Above 0: it is to be PATH all the same, unless that was
 * written later; 0: it is to go; negative errno: nobody knows, and it stays as it is. Called in a process of its own, which has what
 * USERDATA pointed to when the file was opened, and no descriptors. */
typedef int (*TargetCounts)(const void *userdata);

/* A file without a name until it is complete, so that nothing is left of one that is not. */
typedef struct Target {
        const char *path;
        char *dir;         /* owned: that it is in, from the root on */
        char *temporary;   /* owned: its name before it is PATH; NULL: none yet */
        int fd;            /* owned */
        bool direct;       /* a block device: there is no other way */
        pid_t writer;      /* this process */
        TargetCounts counts; /* NULL: it is to go */
        const void *userdata;
        Survivor survivor; /* settles what has a name when we are killed */
} Target;
#define TARGET_NONE { .fd = -EBADF, .survivor = SURVIVOR_NONE }

void target_done(Target *t);
/* 0 or negative errno. PATH is not copied. */
int target_open(const char *path, TargetCounts counts, const void *userdata, Target *ret);
/* Complete and on the disk, under a name that is not PATH yet: PATH.PID-N, as managed_save_adopt() knows. */
#define TARGET_SUFFIX ".%d-%u"
int target_finish(Target *t);
/* It is PATH now, whatever happens to this machine. */
int target_commit(Target *t);

/* The most that QEMU may write of a machine with so much memory (bytes): one that never ends is not a reason to fill the disk. */
static inline uint64_t stream_size_max(uint64_t memory) {
        return memory + memory / 8 + (UINT64_C(2) << 30); /* screens, caches, devices */
}

/* Does a host that goes down wait in vain for a QEMU, or a disk, of which so many bytes came in so much time? After the first
 * minute less than 4 MiB a second, on average, is too little: nobody but QEMU knows whether there is an end. */
static inline bool stream_is_too_slow(uint64_t bytes, uint64_t usec) {
        return usec > UINT64_C(60) * 1000000 && bytes < usec / 1000000 * (UINT64_C(4) << 20);
}
