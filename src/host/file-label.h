/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "label-registry.h"

/* Labels of files that a machine uses. What a file was labelled with before is remembered twice: in an attribute of the
 * file itself, which outlives a crash of the host, and in a list of its users in the registry of labels (below /run). The
 * last user gives the label back; a user that does not run any more does not count. */
typedef struct FileLabels {
        const char *label_attribute;  /* "security.selinux" */
        const char *memory_attribute; /* "trusted.vmunit.label": BOOT-ID ORIGINAL LABEL */
        int registry_fd;      /* of label_registry_open() */
        const char *boot_id;
        const char *machine;  /* whose the labels are */
        LabelRuns runs;
        void *userdata;
} FileLabels;

#define FILE_LABEL_ATTRIBUTE "security.selinux"
#define FILE_LABEL_MEMORY "trusted.vmunit.label"

typedef enum FileLabelResult {
        FILE_LABELLED = 1,
        FILE_LABELLED_UNREMEMBERED, /* the file system keeps no attributes: after a crash of the host the label stays */
} FileLabelResult;

/* Labels the file that FD is open on, O_PATH is enough. A FileLabelResult; -EOPNOTSUPP when the file system has no labels
 * of its own, or takes none; -EBUSY when another machine uses it with another label: its name is in *ret_user (owned by
 * the caller). */
int file_label_set(const FileLabels *l, int fd, const char *label, char **ret_user);

/* Takes the machine off the users of the file, which is open as FD, or gone (-EBADF), and gives the label back when it
 * was the last. 0 or negative errno. */
int file_label_restore(const FileLabels *l, int fd, dev_t dev, ino_t ino);

/* Just labels it. */
int file_label_write(const char *attribute, int fd, const char *label);
