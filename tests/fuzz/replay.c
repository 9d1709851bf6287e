/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "file-util.h"
#include "fuzz.h"
#include "string-util.h"

/* Gives the files of the directories to the fuzz target, one by one: a corpus as an ordinary test. The target
 * aborts when something is wrong; the file's name is the last line then. */
int main(int argc, char *argv[]) {
        unsigned n = 0;

        for (int i = 1; i < argc; i++) {
                DIR *dir = opendir(argv[i]);
                if (!dir) {
                        fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
                        return EXIT_FAILURE;
                }
                for (struct dirent *e; (e = readdir(dir));) {
                        _cleanup_free_ char *data = NULL;
                        size_t size;
                        if (*e->d_name == '.' || read_file_limited(dirfd(dir), e->d_name, 1U << 24, &data, &size) < 0)
                                continue;
                        printf("%s/%s\n", argv[i], e->d_name);
                        fflush(stdout);
                        (void) LLVMFuzzerTestOneInput((const uint8_t *) data, size);
                        n++;
                }
                closedir(dir);
        }
        printf("%u files\n", n);
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
