/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "survivor.h"

/* A directory below TMPDIR (or /tmp) that nobody else can enter, for as long as the process lives. It is taken away with all
 * that is in it when it is freed, and when the process ends otherwise, be it by a signal: a second process waits for that. */
typedef struct PrivateDirectory {
        char *path;       /* owned */
        Survivor sweeper; /* who takes it away */
} PrivateDirectory;

/* "/tmp/NAME-XXXXXX". 0 or negative errno. */
int private_directory_new(const char *name, PrivateDirectory **ret);
/* The directory is gone when this returns. */
PrivateDirectory *private_directory_free(PrivateDirectory *d);
DEFINE_CLEANUP(PrivateDirectory *, private_directory_free)

/* Takes PATH away with all that is in it; no link is followed, no other file system is entered. */
void directory_remove(const char *path);
