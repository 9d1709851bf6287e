/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qcow2.h"

#define MAGIC 0x514649fbU /* "QFI" and 0xfb */
#define HEADER_V2_SIZE 72U
#define HEADER_V3_SIZE 104U
#define BACKING_FILE_MAX 1023U
#define BACKING_FORMAT_MAX 64U
#define EXTENSION_END 0U
#define EXTENSION_BACKING_FORMAT 0xe2792acaU
#define INCOMPATIBLE_DATA_FILE (UINT64_C(1) << 2)

static uint32_t be32(const uint8_t *p) {
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p) {
        return (uint64_t) be32(p) << 32 | be32(p + 4);
}

/* A copy of LENGTH bytes at OFFSET as a string; a NUL in the middle makes it invalid. */
static int copy_string(const uint8_t *data, size_t size, uint64_t offset, uint32_t length, char **ret) {
        if (offset > size || length > size - offset || memchr(data + offset, 0, length))
                return -EBADMSG;
        *ret = strndup((const char *) data + offset, length);
        return *ret ? 0 : -ENOMEM;
}

static int parse_extensions(const uint8_t *data, size_t size, uint64_t offset, Qcow2Header *h) {
        while (offset <= size && size - offset >= 8) {
                uint32_t type = be32(data + offset), length = be32(data + offset + 4);

                offset += 8;
                if (type == EXTENSION_END)
                        return 0;
                if (length > size - offset)
                        return -EBADMSG;
                if (type == EXTENSION_BACKING_FORMAT) {
                        if (h->backing_format || length > BACKING_FORMAT_MAX)
                                return -EBADMSG;
                        int r = copy_string(data, size, offset, length, &h->backing_format);
                        if (r < 0)
                                return r;
                }
                offset += ((uint64_t) length + 7) & ~UINT64_C(7);
        }
        return 0;
}

static int parse(const uint8_t *data, size_t size, Qcow2Header *h) {
        if (size < HEADER_V2_SIZE || be32(data) != MAGIC)
                return -EBADMSG;
        h->version = be32(data + 4);
        h->size = be64(data + 24);
        h->is_encrypted = be32(data + 32) != 0;

        uint64_t extensions = HEADER_V2_SIZE;
        if (h->version == 3) {
                if (size < HEADER_V3_SIZE)
                        return -EBADMSG;
                h->has_data_file = be64(data + 72) & INCOMPATIBLE_DATA_FILE;
                extensions = be32(data + 100);
                if (extensions < HEADER_V3_SIZE)
                        return -EBADMSG;
        } else if (h->version != 2)
                return -EBADMSG;

        uint64_t name = be64(data + 8);
        uint32_t length = be32(data + 16);
        if (name != 0) {
                if (length == 0 || length > BACKING_FILE_MAX)
                        return -EBADMSG;
                int r = copy_string(data, size, name, length, &h->backing_file);
                if (r < 0)
                        return r;
                /* The list may end without its end mark, where the name begins. */
                if (name > extensions && name < size)
                        size = (size_t) name;
        }
        return parse_extensions(data, size, extensions, h);
}

int qcow2_header_parse(const uint8_t *data, size_t size, Qcow2Header *ret) {
        Qcow2Header h = {};

        int r = parse(data, size, &h);
        if (r < 0) {
                qcow2_header_done(&h);
                return r;
        }
        *ret = h;
        return 0;
}

void qcow2_header_done(Qcow2Header *h) {
        free(h->backing_file);
        free(h->backing_format);
        *h = (Qcow2Header) {};
}

/* --- a new image --- */

#define CLUSTER_BITS 16U
#define CLUSTER_SIZE (1U << CLUSTER_BITS)
/* What one entry of the first table stands for: a cluster of pointers to clusters. */
#define L1_ENTRY_BYTES ((uint64_t) CLUSTER_SIZE / 8 * CLUSTER_SIZE)
#define L1_ENTRIES_MAX ((32U << 20) / 8) /* QEMU takes no more */
#define SECTOR_SIZE 512U

/* The clusters of a new image, in their order. */
enum {
        CLUSTER_HEADER,
        CLUSTER_REFCOUNT_TABLE,
        CLUSTER_REFCOUNTS,
        CLUSTER_L1, /* to the end */
};

static void put32(uint8_t *p, uint32_t v) {
        for (unsigned i = 0; i < 4; i++)
                p[i] = (uint8_t) (v >> (24 - 8 * i));
}

static void put64(uint8_t *p, uint64_t v) {
        put32(p, (uint32_t) (v >> 32));
        put32(p + 4, (uint32_t) v);
}

int qcow2_image_new(uint64_t size, uint8_t **ret, size_t *ret_size) {
        uint64_t sectors = DIV_ROUND_UP(size, SECTOR_SIZE), entries = DIV_ROUND_UP(sectors * SECTOR_SIZE, L1_ENTRY_BYTES);
        if (size > UINT64_MAX / 2 || entries > L1_ENTRIES_MAX)
                return -EFBIG;

        size_t n = CLUSTER_L1 + MAX((size_t) DIV_ROUND_UP(entries * 8, CLUSTER_SIZE), (size_t) 1);
        uint8_t *image = calloc(n, CLUSTER_SIZE);
        if (!image)
                return -ENOMEM;
        put32(image, MAGIC);
        put32(image + 4, 3);
        put32(image + 20, CLUSTER_BITS);
        put64(image + 24, sectors * SECTOR_SIZE);
        put32(image + 36, (uint32_t) entries);
        put64(image + 40, (uint64_t) CLUSTER_L1 * CLUSTER_SIZE);
        put64(image + 48, (uint64_t) CLUSTER_REFCOUNT_TABLE * CLUSTER_SIZE);
        put32(image + 56, 1); /* cluster of that table */
        put32(image + 96, 4); /* counts of 2^4 bits */
        put32(image + 100, HEADER_V3_SIZE);
        put64(image + CLUSTER_REFCOUNT_TABLE * CLUSTER_SIZE, (uint64_t) CLUSTER_REFCOUNTS * CLUSTER_SIZE);
        for (size_t i = 0; i < n; i++)
                image[CLUSTER_REFCOUNTS * CLUSTER_SIZE + 2 * i + 1] = 1;
        *ret = image;
        *ret_size = n * CLUSTER_SIZE;
        return 0;
}
