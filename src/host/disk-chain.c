/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>

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
        char *copy = NULL;
        if (free_and_strdup(&copy, path) < 0)
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

/* A unit of its own, or part of one? The kernel says of partitions which they are, and of logical volumes whose. */
static bool is_part(const struct stat *st) {
        static const char volume[] = "LVM-";
        char path[64], uuid[sizeof(volume)] = {};

        if (!S_ISBLK(st->st_mode))
                return false;
        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(st->st_rdev), minor(st->st_rdev));
        if (access(path, F_OK) >= 0)
                return true;
        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm/uuid", major(st->st_rdev), minor(st->st_rdev));
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd >= 0 && read(fd, uuid, sizeof(uuid) - 1) > 0 && startswith(uuid, volume);
}

/* Adds the image at PATH. *RET_NEXT is its backing file, or NULL; RET_NEXT is NULL when the definition says what is
 * below, so that nobody looks into the image. */
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
        if (k >= 0)
                r->chain.images[r->chain.n_images - 1].is_part = is_part(&w.st);
        if (k < 0 || format != FORMAT_QCOW2)
                return k;

        k = read_header(r, path, w.fd, &h);
        if (k < 0)
                return k;
        if (h.has_data_file)
                return diag_error_code(r->diag, -EOPNOTSUPP, r->disk->info.loc,
                                       "not supported: image '%s' of disk %s keeps its data in another file", path,
                                       r->disk->target_dev);
        if (isempty(h.backing_file) || !ret_next)
                return 0;
        k = backing_format(r, path, &h, ret_next_format);
        return k < 0 ? k : backing_path(r, path, w.resolved, h.backing_file, ret_next);
}

/* An image that is not on this machine keeps its place in the chain. */
static int add_remote(Resolver *r, const DiskSource *source) {
        static const struct stat none;

        if (r->chain.n_images >= DISK_CHAIN_MAX)
                return diag_error_code(r->diag, -E2BIG, r->disk->info.loc, "backing chain of disk %s has more than %u images",
                                       r->disk->target_dev, DISK_CHAIN_MAX);
        return add_image(r, NULL, source->format, &none);
}

/* What is written down comes first, and wins over what the images say. */
static int resolve_chain(Resolver *r) {
        const DiskSource *s = &r->disk->source, *last = NULL;
        DiskFormat format = FORMAT_UNSET;
        char *next = NULL;
        int k = 0;

        for (; k >= 0 && s && (s == &r->disk->source || s->type != DISK_UNSET); s = s->backing) {
                last = s;
                format = s->format == FORMAT_UNSET ? FORMAT_RAW : s->format;
                if (disk_source_is_local(s))
                        k = resolve_image(r, s->path, format, s->backing ? NULL : &next, &format);
                else
                        k = add_remote(r, s);
        }
        r->chain.is_open = !last->backing && !disk_source_is_local(last);
        size_t n_written = r->chain.n_images;
        while (k >= 0 && next) {
                char *path = TAKE_PTR(next);
                k = resolve_image(r, path, format, &next, &format);
                free(path);
        }
        free(next);
        if (k >= 0 && !last->backing && !r->chain.is_open)
                r->chain.n_unwritten = r->chain.n_images - n_written + 1;
        return k;
}

static int resolve_disk(const DomainDisk *disk, Diag *diag, DiskChain *ret) {
        _cleanup_free_ Resolver *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->disk = disk;
        r->diag = diag;
        r->chain.target_dev = strdup(strempty(disk->target_dev));
        int k = r->chain.target_dev ? resolve_chain(r) : -ENOMEM;
        if (k < 0) {
                resolver_done(r);
                return k;
        }
        *ret = r->chain;
        return 0;
}

/* "optional": a drive is empty when its medium is missing, as in libvirt; a disk is not there at all. */
static bool is_missing(const DomainDisk *disk, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;
        bool removable = disk->device == DEVICE_CDROM || disk->device == DEVICE_FLOPPY;

        if (disk->source.startup != STARTUP_OPTIONAL || isempty(disk->source.path) || !disk_source_is_local(&disk->source))
                return false;
        int r = path_walk(disk->source.path, 0, &w, &reason);
        if (r != -ENOENT && r != -ENOTDIR)
                return false;
        (void) diag_warning(diag, disk->info.loc, removable ? "disk %s starts without its medium '%s': %s" : "disk %s is left out, '%s': %s",
                            disk->target_dev, disk->source.path, strempty(reason));
        return true;
}

static void drop_missing(Domain *d, Diag *diag) {
        for (size_t i = d->n_disks; i-- > 0;) {
                DomainDisk *disk = d->disks + i;
                if (!is_missing(disk, diag))
                        continue;
                if (disk->device == DEVICE_CDROM || disk->device == DEVICE_FLOPPY) {
                        disk->source.path = mfree(disk->source.path);
                        continue;
                }
                disk_done(disk);
                memmove(disk, disk + 1, (d->n_disks - i - 1) * sizeof(*disk));
                d->n_disks--;
        }
}

static bool has_local_image(const DomainDisk *disk) {
        if (disk_source_is_empty(&disk->source))
                return false;
        for (const DiskSource *s = &disk->source; s; s = s->backing)
                if (disk_source_is_local(s) && s->path)
                        return true;
        return false;
}

int disk_chains_resolve(Domain *d, Diag *diag, HostFacts *facts) {
        int result = 0;

        drop_missing(d, diag);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                /* The one for cloud-init is made by a start. */
                if (!has_local_image(disk) || disk_is_cloud_init(d, disk, facts->state_dir))
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
