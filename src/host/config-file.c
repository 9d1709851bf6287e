/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "config-file.h"
#include "definition.h"
#include "file-util.h"
#include "ini.h"
#include "string-util.h"
#include "strv.h"

#define NAME "vmunit.conf"
#define ENTRIES_MAX 4096U

/* 1: that was the file; 0: there is none. An error in one file does not keep the others from being read. */
static int read_one(const char *path, Config *c, int *result, Diag *diag) {
        _cleanup_free_ char *text = NULL;
        struct stat st, null;
        size_t size;

        if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
                return 0;
        if (S_ISCHR(st.st_mode) && stat("/dev/null", &null) >= 0 && st.st_rdev == null.st_rdev)
                return 1;
        int r = read_file_limited(AT_FDCWD, path, INI_FILE_MAX, &text, &size);
        if (r < 0) {
                c->wrong |= CONFIG_FOR_ALL;
                (void) diag_error_code(diag, r, (SrcLoc) {}, "cannot read '%s': %s", path, strerror(-r));
        } else {
                bool had = c->vnc.password || c->spice.password;
                r = config_parse(text, size, path, c, diag);
                if (!had && (c->vnc.password || c->spice.password) && (st.st_mode & S_IROTH))
                        diag_warning(diag, (SrcLoc) {}, "'%s' holds a password and can be read by everybody; run: chmod 0600 '%s'", path, path);
        }
        if (text)
                explicit_bzero(text, size);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                *result = r;
        return 1;
}

static int add_names(const char *directory, char ***names, Config *c, int *result, Diag *diag) {
        DIR *d = opendir(directory);
        unsigned n = 0;
        int r = 0;

        if (!d && (errno == ENOENT || errno == ENOTDIR))
                return 0;
        if (!d) {
                c->wrong |= CONFIG_FOR_ALL;
                *result = diag_error_code(diag, -errno, (SrcLoc) {}, "cannot read '%s': %s", directory, strerror(errno));
                return 0;
        }
        for (struct dirent *e; r >= 0 && (e = readdir(d));)
                if (*e->d_name != '.' && endswith(e->d_name, ".conf") && !strv_contains(*names, e->d_name))
                        r = ++n > ENTRIES_MAX ? -E2BIG : strv_extend(names, e->d_name);
        closedir(d);
        return r;
}

/* The first directory that has it. */
static int read_first(char *const *directories, const char *between, const char *name, Config *c, int *result, Diag *diag) {
        STRV_FOREACH(d, directories) {
                _cleanup_free_ char *path = strf("%s/%s%s", *d, between, name);
                int r = path ? read_one(path, c, result, diag) : -ENOMEM;
                if (r != 0)
                        return r;
        }
        return 0;
}

int config_load(Config *ret, Diag *diag) {
        _cleanup_strv_ char **directories = NULL, **names = NULL;
        int result = 0;

        *ret = (Config) {};
        int r = definition_directories(&directories);
        if (r >= 0)
                r = read_first(directories, "", NAME, ret, &result, diag);
        STRV_FOREACH(d, directories) {
                _cleanup_free_ char *path = strf("%s/" NAME ".d", *d);
                if (r >= 0)
                        r = path ? add_names(path, &names, ret, &result, diag) : -ENOMEM;
        }
        strv_sort(names);
        STRV_FOREACH(name, names)
                if (r >= 0)
                        r = read_first(directories, NAME ".d/", *name, ret, &result, diag);
        if (r < 0) {
                ret->wrong = CONFIG_FOR_ALL;
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read " NAME ": %s", strerror(-r));
        }
        return result;
}
