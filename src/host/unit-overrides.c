/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "file-util.h"
#include "parse-util.h"
#include "runtime.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "unit-overrides.h"

#define QUOTA "CPUQuota"

static char *override_path(const char *root, const char *directory, const char *unit, const char *setting) {
        return strf("%s%s/%s.d/50-%s.conf", root, directory, unit, setting);
}

int unit_overrides_list(const char *root, const char *unit, char ***ret) {
        _cleanup_strv_ char **found = NULL;
        UnitPropertyRow row;

        for (size_t i = 0; unit_property_row(i, &row); i++) {
                if (!row.property.live)
                        continue;
                _cleanup_free_ char *path = override_path(root, vm_directories()->overrides[0], unit, row.property.name);
                if (!path)
                        return -ENOMEM;
                if (access(path, F_OK) < 0)
                        continue;
                int r = strv_extend(&found, row.property.name);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(found);
        return 0;
}

int unit_overrides_remove(const char *root, const char *unit, char *const *settings) {
        int r = 0;

        STRV_FOREACH(s, settings) {
                _cleanup_free_ char *path = override_path(root, vm_directories()->overrides[0], unit, *s);
                if (!path)
                        return -ENOMEM;
                if (unlink(path) < 0 && errno != ENOENT)
                        r = -errno;
        }
        return r;
}

int unit_dropin_differs(const char *root, const char *unit, const char *text) {
        _cleanup_free_ char *path = strf("%s%s/%s.d/" RUNTIME_DROPIN, root, vm_directories()->generator, unit), *found = NULL;

        if (!path)
                return -ENOMEM;
        int r = read_file_limited(AT_FDCWD, path, UNIT_DROPIN_MAX, &found, NULL);
        return r == -ENOMEM ? r : r >= 0 && !streq(found, text);
}

/* systemd takes a file for changed when it is newer than when it was written last. */
static int replace(const char *path, const char *text) {
        _cleanup_free_ char *temporary = strf("%s.new", path);
        struct stat st;

        if (!temporary)
                return -ENOMEM;
        if (stat(path, &st) < 0)
                return -errno;
        _cleanup_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, text, strlen(text));
        if (r >= 0 && (fchmod(fd, 0644) < 0 || futimens(fd, (struct timespec[]) { st.st_atim, st.st_mtim }) < 0 ||
                       rename(temporary, path) < 0))
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}

int unit_overrides_mend_quota(const char *root, const char *unit, const char *units) {
        uint64_t n;

        int r = parse_u64(units, 10, &n);
        if (r < 0)
                return r;
        _cleanup_free_ char *text = strf("# Set by vmunit, in hundredths of a percent, which systemd cuts off.\n[Service]\n"
                                         QUOTA "=\n" QUOTA "=%llu.%02llu%%\n", (unsigned long long) n / 100,
                                         (unsigned long long) n % 100);
        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(vm_directories()->overrides); i++) {
                _cleanup_free_ char *path = override_path(root, vm_directories()->overrides[i], unit, QUOTA);
                if (!path)
                        return -ENOMEM;
                r = replace(path, text);
                if (r != -ENOENT)
                        return r;
        }
        return -ENOENT;
}
