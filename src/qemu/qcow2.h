/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* What the header of a qcow2 image says of other files (QEMU, docs/interop/qcow2.txt). The guest cannot write
 * the header, but a QEMU that was taken over can, and the reader is root: nothing in it is trusted. */
typedef struct Qcow2Header {
        unsigned version;     /* 2 or 3 */
        uint64_t size;        /* of the disk, in bytes */
        char *backing_file;   /* owned; NULL: none */
        char *backing_format; /* owned; NULL: the header does not say */
        bool has_data_file;   /* the data is in another file */
        bool is_encrypted;
} Qcow2Header;

/* Reads the header at the beginning of DATA; the first cluster of the image, or as much of it as there is,
 * has all that counts. 0, -EBADMSG when it is no qcow2 image or does not hold together, or -ENOMEM. */
int qcow2_header_parse(const uint8_t *data, size_t size, Qcow2Header *ret);
/* An empty image of version 3 for a disk of SIZE bytes, as it stands in its file; without a backing file, of which whoever
 * opens it knows. Owned by the caller. 0, -EFBIG when SIZE is more than the format has room for this way, or -ENOMEM. */
int qcow2_image_new(uint64_t size, uint8_t **ret, size_t *ret_size);
void qcow2_header_done(Qcow2Header *h);
