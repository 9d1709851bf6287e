/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "file-util.h"
#include "iso9660.h"

/* write-iso LABEL [NAME PLAIN FILE]…: an image on stdout, for test-iso9660.py. Ends with 1 for what is refused. */

int main(int argc, char **argv) {
        IsoFile files[ISO_FILES_MAX + 1] = {};
        size_t n = 0, size;
        char *image;

        for (int i = 2; i + 2 < argc && n < ELEMENTSOF(files); i += 3, n++) {
                char *data;
                files[n] = (IsoFile) { .name = argv[i], .plain = argv[i + 1] };
                if (read_file_limited(AT_FDCWD, argv[i + 2], 1 << 24, &data, &files[n].size) < 0)
                        return 2;
                files[n].data = data;
        }
        int r = iso9660_new(argv[1], files, n, &image, &size);
        for (size_t i = 0; i < n; i++)
                free((char *) files[i].data);
        if (r < 0)
                return 1;
        r = fwrite(image, 1, size, stdout) == size ? 0 : 2;
        free(image);
        return r;
}
