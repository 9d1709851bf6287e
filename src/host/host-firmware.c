/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>

#include "file-util.h"
#include "host-probe.h"
#include "qemu-firmware.h"
#include "string-util.h"
#include "strv.h"

/* The descriptors of installed firmwares, read as QEMU's docs/interop/firmware.json has it: of files with the same
 * name the one in the later directory counts, and an empty one takes the firmware away. */

#define DESCRIPTOR_MAX (64U << 10)
#define DESCRIPTORS_MAX 256U

static const char *const directories[] = { "/usr/share/qemu/firmware", "/etc/qemu/firmware" };

static int add_names(const char *dir, char ***names) {
        DIR *d = opendir(dir);
        struct dirent *entry;
        int r = 0;

        if (!d)
                return 0;
        while (r >= 0 && (entry = readdir(d)) && strv_length(*names) < DESCRIPTORS_MAX)
                if (endswith(entry->d_name, ".json") && *entry->d_name != '.' && !strv_contains(*names, entry->d_name))
                        r = strv_extend(names, entry->d_name);
        closedir(d);
        return r;
}

/* The last directory that has it counts. */
static int read_descriptor(char *const *dirs, size_t n_dirs, const char *name, FirmwareList *l) {
        for (size_t i = n_dirs; i-- > 0;) {
                _cleanup_free_ char *path = strf("%s/%s", dirs[i], name), *text = NULL;
                Firmware f;

                if (!path)
                        return -ENOMEM;
                if (access(path, F_OK) < 0)
                        continue;
                if (read_file_limited(AT_FDCWD, path, DESCRIPTOR_MAX, &text, NULL) < 0 || isempty(text))
                        return 0;
                int r = firmware_from_json(name, text, &f);
                if (r < 0)
                        return r == -ENOMEM ? r : 0;
                f.missing = f.executable && access(f.executable, F_OK) < 0;
                if (!ARRAY_GROW(l->list, l->n)) {
                        firmware_done(&f);
                        return -ENOMEM;
                }
                l->list[l->n++] = f;
                return 0;
        }
        return 0;
}

int host_read_firmwares_from(char *const *dirs, size_t n_dirs, FirmwareList *ret) {
        _cleanup_strv_ char **names = NULL;
        FirmwareList l = {};
        int r = 0;

        for (size_t i = 0; i < n_dirs && r >= 0; i++)
                r = add_names(dirs[i], &names);
        if (names)
                strv_sort(names);
        STRV_FOREACH(name, names)
                if (r >= 0)
                        r = read_descriptor(dirs, n_dirs, *name, &l);
        if (r < 0) {
                firmware_list_done(&l);
                return r;
        }
        *ret = l;
        return 0;
}

int host_read_firmwares(FirmwareList *ret) {
        _cleanup_free_ char *mine = NULL;
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
        char *dirs[ELEMENTSOF(directories) + 1];
        size_t n = 0;

        for (; n < ELEMENTSOF(directories); n++)
                dirs[n] = (char *) directories[n];
        /* A user's own are for the machines of that user. */
        if (geteuid() != 0 && (config || home)) {
                mine = config ? strf("%s/qemu/firmware", config) : strf("%s/.config/qemu/firmware", home);
                if (!mine)
                        return -ENOMEM;
                dirs[n++] = mine;
        }
        return host_read_firmwares_from(dirs, n, ret);
}
