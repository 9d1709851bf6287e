/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "string-table.h"

/* The file of a saved machine: a header, the definition it ran with (with all passwords: the file is its owner's alone),
 * and from SAVED_HEADER_SIZE + the definition's size, rounded up to a page, the stream that QEMU wrote, compressed or
 * not. The header is text, so that head(1) shows what a file is:
 *
 *   vmunit-saved 1
 *   name=web
 *   state=running
 *   compression=none
 *   xml-size=5120
 *   xml-digest=…
 *   data-size=402653184        of the stream as QEMU wrote it, so uncompressed
 *   data-digest=…
 *
 * and NULs. It is written last: before that, the file is no saved machine. Files come from anywhere, so nothing in it
 * is believed: sizes are limited, digests are compared, before the guest runs its first instruction. */
#define SAVED_HEADER_SIZE 4096U
#define SAVED_XML_MAX (4U * 1024U * 1024U)

typedef enum SavedCompression {
        SAVED_RAW = 1,
        SAVED_ZSTD,
        _SAVED_COMPRESSION_MAX,
} SavedCompression;
DECLARE_STRING_TABLE(saved_compression, SavedCompression); /* "raw", "zstd": libvirt's words */

typedef struct SavedHeader {
        char *name;   /* owned: the machine's */
        bool running; /* it ran when it was saved; false: it was paused */
        SavedCompression compression;
        uint64_t xml_size, data_size; /* bytes */
        char xml_digest[33], data_digest[33];
} SavedHeader;

void saved_header_done(SavedHeader *h);
#define _cleanup_saved_header_ _cleanup_(saved_header_done)

/* 0 or -EINVAL: the name does not fit. */
int saved_header_format(const SavedHeader *h, char ret[SAVED_HEADER_SIZE]);
/* 0, -EBADMSG: it is none, -EPROTONOSUPPORT: of a later version, -ENOMEM. */
int saved_header_parse(const char block[SAVED_HEADER_SIZE], SavedHeader *ret);

/* Where the stream begins. */
uint64_t saved_data_offset(const SavedHeader *h) _pure_;

/* The digest of a stream: of pieces of exactly SAVED_PIECE bytes, but the last. It finds damage; who can write the file can
 * forge it, as he can forge everything else in it. */
#define SAVED_PIECE (256U * 1024U)
typedef struct SavedDigest {
        uint8_t key[16];
        uint64_t size;
} SavedDigest;
void saved_digest_add(SavedDigest *d, const void *piece, size_t size);
void saved_digest_hex(const SavedDigest *d, char ret[33]);
