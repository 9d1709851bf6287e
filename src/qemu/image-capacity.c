/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "image-capacity.h"

/* Where the headers of image formats have the size of the disk. */
static const struct {
        DiskFormat format;
        const char *magic; /* at the beginning, or NULL */
        size_t offset;
        bool big_endian;
        unsigned unit; /* bytes */
} headers[] = {
        { FORMAT_QCOW2, "QFI\xfb", 24, true, 1 },
        { FORMAT_QCOW, "QFI\xfb", 24, true, 1 },
        { FORMAT_QED, "QED", 48, false, 1 },
        { FORMAT_VDI, NULL, 368, false, 1 },
        { FORMAT_VMDK, "KDMV", 12, false, 512 },
        { FORMAT_VPC, "conectix", 48, true, 1 },
        { FORMAT_VHD, "conectix", 48, true, 1 },
};

static uint64_t read_u64(const uint8_t *p, bool big_endian) {
        uint64_t v = 0;

        for (unsigned i = 0; i < 8; i++)
                v = v << 8 | p[big_endian ? i : 7 - i];
        return v;
}

uint64_t image_capacity(DiskFormat format, const uint8_t *data, size_t size, uint64_t physical) {
        if (format == FORMAT_UNSET || format == FORMAT_RAW || format == FORMAT_ISO)
                return physical;
        FOREACH_ARRAY(h, headers, ELEMENTSOF(headers)) {
                size_t n = h->magic ? strlen(h->magic) : 0;
                if (h->format != format || size < h->offset + 8 || memcmp(data, h->magic ?: "", n) != 0)
                        continue;
                uint64_t v = read_u64(data + h->offset, h->big_endian);
                return v <= UINT64_MAX / h->unit ? v * h->unit : 0;
        }
        return 0;
}
