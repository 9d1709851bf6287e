/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-emit.h"
#include "string-util.h"

/* Certificates of character devices and of NBD. QEMU looks for files of these names in a directory, and goes without those that
 * may miss. They are root's, so it is given copies at numbers that never change, where nothing of its own can be, and a
 * directory of links to these numbers that is part of the installation (units/meson.build). All devices share them. */

#define TLS_DIR "/etc/pki/qemu"

static const struct {
        const char *name, *links;
        unsigned first;
} uses[] = {
        [TLS_CHARDEV] = { "chardev", "chardev-tls", 601 },
        [TLS_NBD] = { "nbd", "nbd-tls", 611 },
};

typedef enum TlsEnd {
        TLS_SERVER = 1 << 0,
        TLS_CLIENT = 1 << 1,
} TlsEnd;

/* In the order of their numbers. */
static const struct {
        const char *name;
        unsigned ends;
        bool may_miss, certificate;
} files[] = {
        { "ca-cert", TLS_SERVER | TLS_CLIENT, false, true },
        { "ca-crl", TLS_SERVER | TLS_CLIENT, true, false },
        { "server-cert", TLS_SERVER, false, true },
        { "server-key", TLS_SERVER, false, false },
        { "client-cert", TLS_CLIENT, true, true },
        { "client-key", TLS_CLIENT, true, false },
};

static bool has_fd(const Emit *e, unsigned number) {
        FOREACH_ARRAY(fd, e->out->fds, e->out->n_fds)
                if (fd->number == number && fd->user == PLAN_USER_QEMU)
                        return true;
        return false;
}

static int hand_over(Emit *e, TlsUse use, TlsEnd end, const char *dir, const char *element, SrcLoc loc) {
        for (unsigned i = 0; i < ELEMENTSOF(files); i++) {
                unsigned number = uses[use].first + i;
                if (!(files[i].ends & end) || has_fd(e, number))
                        continue;
                _cleanup_free_ char *name = strf("%s-%s", uses[use].name, files[i].name), *path = strf("%s/%s.pem", dir, files[i].name);
                const FileRequest request = { .name = name, .path = path, .element = element, .loc = loc };
                PlanFd *fd = name && path ? emit_copy_at(e, &request, number) : NULL;
                if (!fd)
                        return -ENOMEM;
                fd->may_miss = files[i].may_miss;
                fd->certificate = files[i].certificate;
        }
        return 0;
}

char *emit_tls_dir(Emit *e, TlsUse use, bool listens, const char *element, SrcLoc loc) {
        const char *dir = (use == TLS_CHARDEV ? e->facts->chardev_cert_dir : e->facts->nbd_cert_dir) ?: TLS_DIR;

        if (e->native)
                return strdup(dir);
        if (hand_over(e, use, listens ? TLS_SERVER : TLS_CLIENT, dir, element, loc) < 0)
                return NULL;
        return strf("%s/%s", e->facts->data_dir, uses[use].links);
}
