/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>

#include "disk-chain.h"
#include "path-walk.h"
#include "qcow2.h"
#include "string-util.h"

/* Enough for the header, its extensions and the name of the backing file: all of them are in the first
 * cluster, and a name is 1023 bytes at most. */
#define HEADER_SIZE 65536U

/* One chain on the way to its end. */
typedef struct Resolver {
        const DomainDisk *disk;
        Diag *diag;
        DiskChain chain; /* owned */
        struct {
                dev_t dev;
                ino_t ino;
        } seen[DISK_CHAIN_MAX];
} Resolver;

static void disk_chain_done(DiskChain *c) {
        FOREACH_ARRAY(i, c->images, c->n_images)
                free(i->path);
        free(c->images);
        free(c->target_dev);
}

static void resolver_done(Resolver *r) {
        disk_chain_done(&r->chain);
}

static int fail(Resolver *r, int error, const char *path, const char *reason) {
        return diag_error_code(r->diag, error, r->disk->info.loc, "cannot open '%s' for disk %s: %s", path,
                               r->disk->target_dev, reason ?: strerror(-error));
}

static int check_seen(Resolver *r, const char *path, const struct stat *st) {
        size_t n = r->chain.n_images;

        for (size_t i = 0; i < n; i++)
                if (r->seen[i].dev == st->st_dev && r->seen[i].ino == st->st_ino)
                        return diag_error_code(r->diag, -ELOOP, r->disk->info.loc,
                                               "backing chain of disk %s is a loop: '%s' is in it twice",
                                               r->disk->target_dev, path);
        if (n >= DISK_CHAIN_MAX)
                return diag_error_code(r->diag, -E2BIG, r->disk->info.loc,
                                       "backing chain of disk %s has more than %u images", r->disk->target_dev,
                                       DISK_CHAIN_MAX);
        r->seen[n].dev = st->st_dev;
        r->seen[n].ino = st->st_ino;
        return 0;
}

static int add_image(Resolver *r, const char *path, DiskFormat format, const struct stat *st) {
        if (!ARRAY_GROW(r->chain.images, r->chain.n_images))
                return -ENOMEM;
        char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        r->chain.images[r->chain.n_images++] = (DiskImage) {
                .path = copy,
                .format = format,
                .block_device = S_ISBLK(st->st_mode),
        };
        return 0;
}

static int read_header(Resolver *r, const char *path, int path_fd, Qcow2Header *ret) {
        _cleanup_free_ uint8_t *data = malloc(HEADER_SIZE);
        size_t size = 0;

        if (!data)
                return -ENOMEM;
        _cleanup_close_ int fd = path_reopen(path_fd, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return fail(r, fd, path, NULL);
        while (size < HEADER_SIZE) {
                ssize_t n = pread(fd, data + size, HEADER_SIZE - size, (off_t) size);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return fail(r, -errno, path, NULL);
                }
                if (n == 0)
                        break;
                size += (size_t) n;
        }
        int k = qcow2_header_parse(data, size, ret);
        if (k == -ENOMEM)
                return k;
        return k < 0 ? diag_error_code(r->diag, k, r->disk->info.loc, "'%s' of disk %s is not a valid qcow2 image", path,
                                       r->disk->target_dev) : 0;
}

/* "base.qcow2" in the header of /srv/vm/a.qcow2 is /srv/vm/base.qcow2: relative to where the image is, links
 * followed, as QEMU and libvirt have it. */
static int backing_path(Resolver *r, const char *image, const char *image_resolved, const char *name, char **ret) {
        const char *plain = startswith(name, "file:");
        const char *path = plain ?: name;

        if (startswith(name, "json:") || (!plain && strchr(name, ':') && strcspn(name, ":") < strcspn(name, "/")))
                return diag_error_code(r->diag, -EOPNOTSUPP, r->disk->info.loc,
                                       "not supported: backing file '%s' of image '%s' is not a file or a block device",
                                       name, image);
        if (path[0] == '/')
                *ret = strdup(path);
        else
                *ret = strf("%.*s/%s", (int) (strrchr(image_resolved, '/') - image_resolved), image_resolved, path);
        return *ret ? 0 : -ENOMEM;
}

static int backing_format(Resolver *r, const char *image, const Qcow2Header *h, DiskFormat *ret) {
        if (isempty(h->backing_format))
                return diag_error_code(r->diag, -EINVAL, r->disk->info.loc,
                                       "format of backing image '%s' of image '%s' was not specified in the image metadata",
                                       h->backing_file, image);
        /* Block devices are written as "host_device" by old tools; they hold raw data. */
        if (streq(h->backing_format, "file") || streq(h->backing_format, "host_device")) {
                *ret = FORMAT_RAW;
                return 0;
        }
        int format = disk_format_from_string(h->backing_format);
        if (format <= 0)
                return diag_error_code(r->diag, -EOPNOTSUPP, r->disk->info.loc,
                                       "not supported: format '%s' of backing image '%s' of image '%s'",
                                       h->backing_format, h->backing_file, image);
        *ret = (DiskFormat) format;
        return 0;
}

/* Adds the image at PATH. *RET_NEXT is its backing file, or NULL. */
static int resolve_image(Resolver *r, const char *path, DiskFormat format, char **ret_next, DiskFormat *ret_next_format) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;
        _cleanup_(qcow2_header_done) Qcow2Header h = {};

        int k = path_walk(path, 0, &w, &reason);
        if (k < 0)
                return fail(r, k, path, reason);
        if (!S_ISREG(w.st.st_mode) && !S_ISBLK(w.st.st_mode))
                return fail(r, -EINVAL, path, "it is neither a regular file nor a block device");
        k = check_seen(r, path, &w.st);
        if (k >= 0)
                k = add_image(r, path, format, &w.st);
        if (k < 0 || format != FORMAT_QCOW2)
                return k;

        k = read_header(r, path, w.fd, &h);
        if (k < 0)
                return k;
        if (h.has_data_file)
                return diag_error_code(r->diag, -EOPNOTSUPP, r->disk->info.loc,
                                       "not supported: image '%s' of disk %s keeps its data in another file", path,
                                       r->disk->target_dev);
        if (isempty(h.backing_file))
                return 0;
        k = backing_format(r, path, &h, ret_next_format);
        return k < 0 ? k : backing_path(r, path, w.resolved, h.backing_file, ret_next);
}

static int resolve_disk(const DomainDisk *disk, Diag *diag, DiskChain *ret) {
        _cleanup_free_ Resolver *r = calloc(1, sizeof(*r));
        DiskFormat format = disk->format == FORMAT_UNSET ? FORMAT_RAW : disk->format;

        if (!r)
                return -ENOMEM;
        r->disk = disk;
        r->diag = diag;
        r->chain.target_dev = strdup(strempty(disk->target_dev));
        char *path = strdup(disk->source_path);
        int k = r->chain.target_dev && path ? 0 : -ENOMEM;
        while (k >= 0 && path) {
                char *next = NULL;
                k = resolve_image(r, path, format, &next, &format);
                free(path);
                path = next;
        }
        free(path);
        if (k < 0) {
                resolver_done(r);
                return k;
        }
        *ret = r->chain;
        return 0;
}

/* A medium that may be missing, and is: the drive is empty then, as in libvirt. */
static bool drop_missing_medium(DomainDisk *disk, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;

        if (!streq_ptr(disk->startup_policy, "optional") ||
            (disk->device != DEVICE_CDROM && disk->device != DEVICE_FLOPPY))
                return false;
        int r = path_walk(disk->source_path, 0, &w, &reason);
        if (r != -ENOENT && r != -ENOTDIR)
                return false;
        (void) diag_warning(diag, disk->info.loc, "disk %s starts without its medium '%s': %s", disk->target_dev,
                            disk->source_path, strempty(reason));
        disk->source_path = mfree(disk->source_path);
        return true;
}

int disk_chains_resolve(Domain *d, Diag *diag, HostFacts *facts) {
        int result = 0;

        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                if (isempty(disk->source_path) || (disk->type != DISK_FILE && disk->type != DISK_BLOCK) ||
                    drop_missing_medium(disk, diag))
                        continue;
                if (!ARRAY_GROW(facts->chains, facts->n_chains))
                        return -ENOMEM;
                int r = resolve_disk(disk, diag, &facts->chains[facts->n_chains]);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        result = r;
                else
                        facts->n_chains++;
        }
        return result;
}
