/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* A disk is a chain of images, each a storage node with a format node above it, and a device on top. The
 * nodes have libvirt's names, so that both kinds of tools mean the same by them. */

/* What a cache mode means to the host's page cache, to flushes and to the guest's view. */
typedef struct CacheMode {
        bool direct, no_flush, writeback;
} CacheMode;

static const CacheMode cache_modes[_CACHE_MAX] = {
        [CACHE_NONE] = { .direct = true, .writeback = true },
        [CACHE_WRITETHROUGH] = {},
        [CACHE_WRITEBACK] = { .writeback = true },
        [CACHE_DIRECTSYNC] = { .direct = true },
        [CACHE_UNSAFE] = { .no_flush = true, .writeback = true },
};

static bool has_cache(const DomainDisk *disk) {
        return disk->cache != CACHE_UNSET && disk->cache != CACHE_DEFAULT;
}

static bool is_read_only(const DomainDisk *disk) {
        return disk->readonly || disk->device == DEVICE_CDROM;
}

static void json_cache(Json *j, const DomainDisk *disk) {
        Json cache = {};

        if (!has_cache(disk))
                return;
        json_add_bool(&cache, "direct", cache_modes[disk->cache].direct);
        json_add_bool(&cache, "no-flush", cache_modes[disk->cache].no_flush);
        json_add_sub(j, "cache", &cache);
}

static const DiskChain *find_chain(const HostFacts *facts, const char *target_dev) {
        FOREACH_ARRAY(c, facts->chains, facts->n_chains)
                if (streq_ptr(c->target_dev, target_dev) && c->n_images > 0)
                        return c;
        return NULL;
}

/* --- nodes --- */

typedef struct Image {
        const DomainDisk *disk;
        const char *path;
        DiskFormat format;
        bool block_device;
        unsigned depth;   /* 0: the disk itself; else one that it is backed by */
        unsigned id;      /* in node names */
        unsigned backing; /* id of the next image; 0: none */
        bool resolved;    /* the chain is known, so this is all there is */
} Image;

static void emit_storage(Emit *e, const Image *i) {
        _cleanup_qjson_ Json j = {};
        const DomainDisk *disk = i->disk;
        bool read_only = i->depth > 0 || is_read_only(disk);
        _cleanup_free_ char *name = i->depth == 0 ? strf("disk-%s", disk->target_dev)
                                                  : strf("disk-%s.%u", disk->target_dev, i->depth),
                            *element = i->depth == 0 ? strf("disk %s", disk->target_dev)
                                                     : strf("backing file of disk %s", disk->target_dev),
                            *file = NULL;

        if (!name || !element) {
                e->failed = true;
                return;
        }
        file = emit_file(e, &(FileRequest){ .name = name,
                                           .path = i->path,
                                           .element = element,
                                           .loc = disk->info.loc,
                                           .writable = !read_only,
                                           .read_only_image = read_only,
                                           .block_device = i->block_device});
        json_add_string(&j, "driver", i->block_device ? "host_device" : "file");
        json_add_string(&j, "filename", file);
        json_add_string(&j, "aio", disk_io_to_string(disk->io));
        json_add_stringf(&j, "node-name", "libvirt-%u-storage", i->id);
        json_cache(&j, disk);
        /* A descriptor is open for reading or for both, once and for all. */
        json_add_bool(&j, e->native ? "auto-read-only" : "read-only", e->native || read_only);
        json_add_string(&j, "discard", "unmap");
        emit_json(e, "-blockdev", &j);
}

static const char *format_driver(DiskFormat format) {
        return format == FORMAT_ISO || format == FORMAT_UNSET ? "raw" : disk_format_to_string(format);
}

static void emit_format(Emit *e, const Image *i) {
        _cleanup_qjson_ Json j = {};
        const DomainDisk *disk = i->disk;
        DiskDetectZeroes zeroes = disk->detect_zeroes;

        if (zeroes == ZEROES_UNMAP && disk->discard != DISCARD_UNMAP)
                zeroes = ZEROES_ON;
        json_add_stringf(&j, "node-name", "libvirt-%u-format", i->id);
        json_add_bool(&j, "read-only", i->depth > 0 || is_read_only(disk));
        if (i->depth == 0) {
                json_add_string(&j, "discard", disk_discard_to_string(disk->discard));
                json_add_string(&j, "detect-zeroes", disk_detect_zeroes_to_string(zeroes));
        }
        json_cache(&j, disk);
        json_add_string(&j, "driver", format_driver(i->format));
        json_add_stringf(&j, "file", "libvirt-%u-storage", i->id);
        if (i->backing > 0)
                json_add_stringf(&j, "backing", "libvirt-%u-format", i->backing);
        else if (i->resolved &&
                 (i->format == FORMAT_QCOW2 || i->format == FORMAT_QED || i->format == FORMAT_VMDK))
                json_add_null(&j, "backing"); /* QEMU must not go looking for one itself */
        emit_json(e, "-blockdev", &j);
}

/* The lowest image first, as each refers to the one below. */
static void emit_nodes(Emit *e, const DomainDisk *disk, unsigned id) {
        const DiskChain *chain = find_chain(e->facts, disk->target_dev);
        size_t n = chain ? chain->n_images : 1;

        for (size_t k = n; k-- > 0;) {
                Image i = {
                        .disk = disk, .depth = (unsigned) k, .id = id + (unsigned) k, .resolved = chain,
                        .path = chain ? chain->images[k].path : disk->source_path,
                        .format = k == 0 || !chain ? disk->format : chain->images[k].format,
                        .block_device = chain ? chain->images[k].block_device : disk->type == DISK_BLOCK,
                        .backing = k + 1 < n ? id + (unsigned) k + 1 : 0,
                };
                emit_storage(e, &i);
                emit_format(e, &i);
        }
        if (disk->copy_on_read == TRI_YES) {
                _cleanup_qjson_ Json j = {};
                json_add_string(&j, "driver", "copy-on-read");
                json_add_stringf(&j, "node-name", "libvirt-CoR-%s", disk->target_dev);
                json_add_stringf(&j, "file", "libvirt-%u-format", id);
                json_add_string(&j, "discard", "unmap");
                emit_json(e, "-blockdev", &j);
        }
}

/* --- devices --- */

static void json_virtio(Emit *e, Json *j, const DomainDisk *disk) {
        json_virtio_driver(j, "virtio-blk", &disk->info, NULL);
        json_virtio_options(j, &disk->virtio);
        if (disk->iothread.set)
                json_add_stringf(j, "iothread", "iothread%u", disk->iothread.value);
        json_add_tristate(j, "ioeventfd", disk->ioeventfd);
        json_add_tristate(j, "event_idx", disk->event_idx);
        json_add_opt_uint(j, "num-queues", disk->queues);
        json_add_opt_uint(j, "queue-size", disk->queue_size);
        json_address(e, j, &disk->info);
}

static void json_scsi(Emit *e, Json *j, const DomainDisk *disk) {
        const DeviceAddress *a = &disk->info.address;
        const DomainController *c = controller_find(e->domain, CONTROLLER_SCSI, a->controller.value);

        json_add_string(j, "driver",
                        disk->device == DEVICE_CDROM ? "scsi-cd"
                        : disk->device == DEVICE_LUN ? "scsi-block"
                                                     : "scsi-hd");
        json_add_stringf(j, "bus", "%s.0", c ? c->info.alias : "scsi0");
        if (c && controller_is_narrow(c))
                json_add_uint(j, "scsi-id", a->unit.value);
        else {
                json_add_uint(j, "channel", a->bus.value);
                json_add_uint(j, "scsi-id", a->target.value);
                json_add_uint(j, "lun", a->unit.value);
        }
        /* What INQUIRY says: else QEMU would tell the guest a node's name. */
        if (disk->serial)
                json_add_string(j, "device_id", disk->serial);
        else
                json_add_stringf(j, "device_id", "drive-%s", disk->info.alias);
}

static void json_ide(Emit *e, Json *j, const DomainDisk *disk) {
        const DeviceAddress *a = &disk->info.address;
        const DomainController *c = controller_find(
                e->domain, disk->bus == BUS_SATA ? CONTROLLER_SATA : CONTROLLER_IDE, a->controller.value);

        json_add_string(j, "driver", disk->device == DEVICE_CDROM ? "ide-cd" : "ide-hd");
        json_add_stringf(j, "bus", "%s.%u", c ? c->info.alias : "ide",
                         disk->bus == BUS_SATA ? a->unit.value : a->bus.value);
        if (disk->bus == BUS_IDE)
                json_add_uint(j, "unit", a->unit.value);
}

static void json_usb(Emit *e, Json *j, const DomainDisk *disk) {
        json_add_string(j, "driver", "usb-storage");
        json_address(e, j, &disk->info);
}

static void json_floppy(Emit *e, Json *j, const DomainDisk *disk) {
        json_add_string(j, "driver", "floppy");
        json_add_uint(j, "unit", disk->info.address.unit.value);
}

static const struct {
        DiskBus bus;
        void (*json)(Emit *e, Json *j, const DomainDisk *disk);
} disk_devices[] = {
        { BUS_VIRTIO, json_virtio }, { BUS_SCSI, json_scsi }, { BUS_SATA, json_ide },
        { BUS_IDE, json_ide },       { BUS_USB, json_usb },   { BUS_FDC, json_floppy },
};

/* wwn= is 16 hexadecimal digits; QEMU wants a number. */
static void json_wwn(Json *j, const char *wwn) {
        if (wwn)
                json_add_uint(j, "wwn", strtoull(wwn, NULL, 16));
}

static void json_drive(Json *j, const DomainDisk *disk, unsigned id) {
        if (!disk->source_path)
                return;
        if (disk->copy_on_read == TRI_YES)
                json_add_stringf(j, "drive", "libvirt-CoR-%s", disk->target_dev);
        else
                json_add_stringf(j, "drive", "libvirt-%u-format", id);
}

static void json_error_policy(Json *j, const DomainDisk *disk) {
        const char *rerror = disk_error_policy_to_string(disk->rerror_policy);

        json_add_string(j, "werror",
                        disk->error_policy == ERRORS_ENOSPACE
                                ? "enospc"
                                : disk_error_policy_to_string(disk->error_policy));
        /* There is no running out of space when reading. */
        if (!rerror && disk->error_policy != ERRORS_ENOSPACE)
                rerror = disk_error_policy_to_string(disk->error_policy);
        json_add_string(j, "rerror", rerror);
}

static int emit_device(Emit *e, const DomainDisk *disk, unsigned id) {
        _cleanup_qjson_ Json j = {};
        const char *word = disk_bus_to_string(disk->bus);
        unsigned boot = boot_index(e->domain, &disk->info);

        FOREACH_ARRAY(i, disk_devices, ELEMENTSOF(disk_devices))
                if (i->bus == disk->bus)
                        i->json(e, &j, disk);
        if (!j.object)
                return diag_error(e->diag, disk->info.loc, "not supported: disk %s: bus '%s'",
                                  disk->target_dev, strempty(word));
        if (disk->shareable)
                json_add_bool(&j, "share-rw", true);
        json_drive(&j, disk, id);
        json_add_string(&j, "id", disk->info.alias);
        if (boot > 0 && disk->bus != BUS_FDC)
                json_add_uint(&j, "bootindex", boot);
        json_add_opt_uint(&j, "logical_block_size", disk->logical_block_size);
        json_add_opt_uint(&j, "physical_block_size", disk->physical_block_size);
        json_wwn(&j, disk->wwn);
        json_add_opt_uint(&j, "rotation_rate", disk->rotation_rate);
        json_add_string(&j, "vendor", disk->vendor);
        json_add_string(&j, "product", disk->product);
        if (disk->bus == BUS_USB)
                json_add_bool(&j, "removable", disk->removable == TRI_YES);
        if (has_cache(disk) && disk->source_path)
                json_add_string(&j, "write-cache", cache_modes[disk->cache].writeback ? "on" : "off");
        json_add_string(&j, "serial", disk->serial);
        json_error_policy(&j, disk);
        emit_json(e, "-device", &j);
        return 0;
}

/* libvirt numbers its nodes from the last disk to the first; a chain's images follow their disk. */
static unsigned disk_id(const Emit *e, const DomainDisk *disk) {
        const Domain *d = e->domain;
        unsigned id = 1;

        for (const DomainDisk *i = d->disks + d->n_disks; i-- > disk + 1;) {
                const DiskChain *chain = find_chain(e->facts, i->target_dev);
                id += chain ? (unsigned) chain->n_images : 1;
        }
        return id;
}

int emit_disks(Emit *e) {
        const Domain *d = e->domain;
        int ret = 0;

        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                unsigned id = disk_id(e, disk);

                if (disk->type != DISK_FILE && disk->type != DISK_BLOCK) {
                        ret = diag_error(e->diag, disk->info.loc, "not supported: disk %s: type '%s'",
                                         disk->target_dev, strempty(disk_type_to_string(disk->type)));
                        continue;
                }
                if (disk->source_path)
                        emit_nodes(e, disk, id);
                int r = emit_device(e, disk, id);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
