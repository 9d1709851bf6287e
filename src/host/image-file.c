/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "image-capacity.h"
#include "image-file.h"
#include "macro.h"

int image_file_sizes(const char *path, DiskFormat format, ImageSizes *ret) {
        /* Nothing waits for a FIFO's other end here. */
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_free_ uint8_t *header = NULL;
        ImageSizes sizes = {};
        struct stat st;
        ssize_t n = 0;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISREG(st.st_mode)) {
                sizes.physical = (uint64_t) st.st_size;
                sizes.allocation = (uint64_t) st.st_blocks * 512;
        } else if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)) {
                off_t end = lseek(fd, 0, SEEK_END);
                if (end < 0)
                        return -errno;
                sizes.physical = (uint64_t) end;
                /* How much of another format is in use, QEMU knows. */
                sizes.allocation = format == FORMAT_UNSET || format == FORMAT_RAW ? sizes.physical : 0;
        } else
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) {
                header = malloc(IMAGE_HEADER_SIZE);
                if (!header)
                        return -ENOMEM;
                n = pread(fd, header, IMAGE_HEADER_SIZE, 0);
                if (n < 0)
                        return -errno;
        }
        sizes.capacity = image_capacity(format, header, (size_t) n, sizes.physical);
        *ret = sizes;
        return 0;
}
