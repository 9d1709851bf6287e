/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "macro.h"

/* A CD with a few files in its root directory, as a NoCloud seed is: ISO 9660, with the names that Linux shows by the Rock
 * Ridge extension. The same input makes the same bytes. */

typedef struct IsoFile {
        const char *name;  /* "user-data" */
        const char *plain; /* for who does not know Rock Ridge: "USERDATA", up to 8 of [A-Z0-9_]; sorted by it */
        const void *data;
        size_t size;
} IsoFile;

#define ISO_FILES_MAX 8U
#define ISO_NAME_MAX 64U

/* LABEL has up to 32 characters. 0, -EINVAL for names that do not fit, -EFBIG or -ENOMEM. */
int iso9660_new(const char *label, const IsoFile *files, size_t n_files, char **ret, size_t *ret_size);
