/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "macro.h"
#include "string-util.h"

/* A directory for one test, by a path without links. */
static inline char *test_directory_new(void) {
        char *path = strdup("/tmp/vmunit-test.XXXXXX");
        if (path && !mkdtemp(path))
                path = mfree(path);
        return path;
}

static inline int test_directory_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static inline void test_directory_remove(char *path) {
        if (path)
                (void) nftw(path, test_directory_remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(path);
}
