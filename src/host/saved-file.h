/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <time.h>

#include "diag.h"
#include "saved-header.h"

/* A file as saved-header.h tells: opened, read and believed as far as its digests go. */
typedef struct SavedFile {
        SavedHeader header; /* owned */
        char *xml;          /* owned: header.xml_size bytes and a NUL */
        int fd;             /* owned: at the place where the stream begins */
} SavedFile;
#define SAVED_FILE_NONE { .fd = -EBADF }

void saved_file_done(SavedFile *f);
#define _cleanup_saved_file_ _cleanup_(saved_file_done)

typedef enum SavedOpenFlags {
        SAVED_OPEN_OWN = 1 << 0,  /* nobody else's file, and no link to one */
        SAVED_OPEN_HEAD = 1 << 1, /* the stream is elsewhere */
} SavedOpenFlags;

/* 0, or negative errno with the reason in DIAG: -ENOENT, -EBADMSG (it is none, or
 * damaged) and others. */
int saved_file_open(int dir_fd, const char *path, SavedOpenFlags flags, Diag *diag, SavedFile *ret);

/* Writes header and definition at the beginning of FD. 0 or negative errno. */
int saved_file_write_head(int fd, const SavedHeader *h, const char *xml);

/* The managed save in the state directory, and a mark beside it: when something is in that, the guest has gone on from the
 * save, and its disks have changed since. */
#define MANAGED_SAVE_FILE "saved"
#define MANAGED_SAVE_MARK "saved.used"
/* Whether there is one that is of use. */
bool managed_save_exists(const char *name);
/* 0, also when there is none. */
int managed_save_remove(const char *name);
/* Removes one that the guest has gone on from. */
int managed_save_remove_used(const char *name);
/* The same in front of another one, which the mark would be about as well; what is to be said of the next boot stays. */
int managed_save_make_room(const char *name);
/* A managed save that is whole is "saved.PID-N" until its machine has ended; then process PID gives it its name. These are about
 * one that has not come to that. Once the machine has ended saved, the one that was made after SINCE gets its name. */
int managed_save_adopt(const char *name, const struct timespec *since);
/* Otherwise it is about a guest that has gone on, which must not come back. Removes those of processes that are no more; with WRITER
 * not 0, those of all others than that. */
int managed_save_remove_unnamed(const char *name, pid_t writer);
/* Removes one that was made before THAN. */
int managed_save_remove_older(const char *name, const struct timespec *than);
/* Another mark, for a managed save that the host's shutdown has made: the next boot starts the VM. It goes with the save, and
 * is there before it. */
#define MANAGED_SAVE_BOOT "saved.boot"
int managed_save_mark_boot(const char *name, bool on);
bool managed_save_is_for_boot(const char *name);
/* Makes the mark, which says nothing yet; a descriptor for writing it. */
int managed_save_open_mark(const char *name);

/* What the prepare step is told of a guest that is to be restored from elsewhere: a directory beside those of the VMs
 * (".restore-NAME") with the head of the file and a pipe for its stream. */
#define RESTORE_HEAD "head"
#define RESTORE_STREAM "stream"
char *restore_directory(const char *name);
