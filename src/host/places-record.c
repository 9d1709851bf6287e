/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "file-util.h"
#include "names.h"
#include "places-record.h"
#include "qemu-places.h"
#include "string-util.h"

#define RECORD_MAX (1U << 20)

int places_record_load(const char *name, Domain *d, Diag *diag) {
        _cleanup_free_ char *path = vm_state_path(name, PLACES_RECORD), *text = NULL;
        DomainPlaces places;

        if (!path)
                return -ENOMEM;
        int r = read_file_limited(AT_FDCWD, path, RECORD_MAX, &text, NULL);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r >= 0)
                r = domain_places_parse(text, &places);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return diag_warning(diag, (SrcLoc) {}, "'%s' is not used, and addresses are given out anew: %s", path,
                                    r == -EBADMSG ? "it is broken" : strerror(-r));
        domain_places_done(&d->places);
        d->places = places;
        return 0;
}

int places_record_save(const char *name, const Domain *d, Diag *diag) {
        _cleanup_free_ char *dir = vm_state_path(name, NULL), *path = vm_state_path(name, PLACES_RECORD), *text = NULL,
                            *old = NULL;

        if (!dir || !path)
                return -ENOMEM;
        int r = qemu_places_format(d, &text);
        if (r < 0)
                return r;
        if (read_file_limited(AT_FDCWD, path, RECORD_MAX, &old, NULL) >= 0 && streq(old, text))
                return 0;
        r = mkdir_parents(dir, 0755);
        if (r >= 0)
                r = strlen(text) > RECORD_MAX ? -EFBIG : write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot write '%s': %s", path, strerror(-r)) : 0;
}

int places_record_remove(const char *name) {
        _cleanup_free_ char *path = vm_state_path(name, PLACES_RECORD);

        if (!path)
                return -ENOMEM;
        return unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR ? -errno : 0;
}
