/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-disk.h"
#include "qemu-emit.h"
#include "string-util.h"

/* --- devices --- */

static void json_virtio(Emit *e, Json *j, const DomainDisk *disk) {
        json_virtio_driver(j, disk->source.type == DISK_VHOSTUSER ? "vhost-user-blk" : "virtio-blk",
                           &disk->info, disk_model_to_string(disk->model));
        if (disk->device == DEVICE_LUN)
                json_add_bool(j, "scsi", true);
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
        /* What INQUIRY says: else QEMU would tell the guest a node's name. A lun answers for itself. */
        if (disk->device == DEVICE_LUN)
                return;
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
        {BUS_VIRTIO, json_virtio}, {BUS_SCSI, json_scsi}, {BUS_SATA, json_ide},
        {BUS_IDE, json_ide},       {BUS_USB, json_usb},   {BUS_FDC, json_floppy},
};

/* Only disks have a geometry; 0 is none. */
static void json_geometry(Json *j, const DomainDisk *disk) {
        json_add_opt_uint(j, "cyls", disk->cylinders);
        json_add_opt_uint(j, "heads", disk->heads);
        json_add_opt_uint(j, "secs", disk->sectors);
        json_add_string(j, "bios-chs-trans", geometry_translation_to_string(disk->translation));
}

/* wwn= is 16 hexadecimal digits; QEMU wants a number. */
static void json_wwn(Json *j, const char *wwn) {
        if (wwn)
                json_add_uint(j, "wwn", strtoull(wwn, NULL, 16));
}

static void json_drive(Emit *e, Json *j, const DomainDisk *disk, unsigned id) {
        if (disk->source.type == DISK_VHOSTUSER) {
                json_add_stringf(j, "chardev", "chr-vu-%s", disk->info.alias);
                return;
        }
        if (disk_source_is_empty(&disk->source))
                return;
        if (disk_has_throttle(e, disk))
                json_add_stringf(j, "drive", "libvirt-throttle-%s", disk->target_dev);
        else if (disk->copy_on_read == TRI_YES)
                json_add_stringf(j, "drive", "libvirt-CoR-%s", disk->target_dev);
        else
                json_add_top_format(e, j, "drive", disk, id);
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

static bool has_write_cache(const DomainDisk *disk) {
        return disk_has_cache(disk) && disk->source.type != DISK_VHOSTUSER && disk->device != DEVICE_LUN;
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
        json_drive(e, &j, disk, id);
        json_add_string(&j, "id", disk->info.alias);
        if (boot > 0 && disk->bus != BUS_FDC)
                json_add_uint(&j, "bootindex", boot);
        json_add_opt_uint(&j, "logical_block_size", disk->logical_block_size);
        json_add_opt_uint(&j, "physical_block_size", disk->physical_block_size);
        json_add_opt_uint(&j, "discard_granularity", disk->discard_granularity);
        json_wwn(&j, disk->wwn);
        json_add_opt_uint(&j, "rotation_rate", disk->rotation_rate);
        json_add_string(&j, "vendor", disk->vendor);
        json_add_string(&j, "product", disk->product);
        if (disk->bus == BUS_USB)
                json_add_bool(&j, "removable", disk->removable == TRI_YES);
        if (has_write_cache(disk))
                json_add_string(&j, "write-cache", disk_write_cache(disk) ? "on" : "off");
        json_geometry(&j, disk);
        json_add_string(&j, "serial", disk->serial);
        json_error_policy(&j, disk);
        emit_json(e, "-device", &j);
        return 0;
}

/* --- disks that another process serves --- */

/* The process maps the machine's memory; the connection with it is made once, by the step that prepares the start. */
static int emit_vhost_user(Emit *e, const DomainDisk *disk) {
        _cleanup_free_ char *name = strf("disk-%s", disk->target_dev), *element = strf("disk %s", disk->target_dev);
        _cleanup_options_ Options o = {};
        const DiskSource *s = &disk->source;

        if (!name || !element)
                return -ENOMEM;
        options_word(&o, "socket");
        options_addf(&o, "id", "chr-vu-%s", disk->info.alias);
        if (e->native)
                options_add(&o, "path", s->path);
        else {
                PlanFd *fd = emit_fd(e, PLAN_FD_CONNECT, name, element, disk->info.loc, 1);
                if (!fd || free_and_strdup(&fd->path, s->path) < 0)
                        return -ENOMEM;
                options_addf(&o, "fd", "%u", fd->number);
        }
        if (e->native && s->reconnect != TRI_UNSET)
                options_addf(&o, "reconnect", "%u", s->reconnect == TRI_YES ? s->reconnect_timeout.value : 0);
        emit_options(e, "-chardev", &o);
        return s->reconnect != TRI_YES ? 0 :
                emit_refused(e, disk->info.loc, "a disk of type 'vhostuser' with <reconnect>",
                             "QEMU would have to find the socket again by its path, which it does not see");
}

/* --- all of it --- */

/* libvirt numbers its nodes from the last disk to the first; a chain's images follow their disk. */
static unsigned disk_id(const Emit *e, const DomainDisk *disk) {
        const Domain *d = e->domain;
        unsigned id = 1;

        for (const DomainDisk *i = d->disks + d->n_disks; i-- > disk + 1;)
                id += (unsigned) disk_chain_length(e, i);
        return id;
}

/* What the guest would see is not a unit of its own, so commands to it would reach its neighbours. */
static int check_lun(Emit *e, const DomainDisk *disk) {
        if (disk->device != DEVICE_LUN)
                return 0;
        FOREACH_ARRAY(c, e->facts->chains, e->facts->n_chains)
                if (streq_ptr(c->target_dev, disk->target_dev) && c->n_images > 0 && c->images[0].is_part)
                        return diag_error(e->diag, disk->info.loc,
                                          "disk %s: '%s' is a partition or logical volume; device 'lun' is "
                                          "for whole SCSI units",
                                          disk->target_dev, c->images[0].path);
        return 0;
}

/* With libvirt a transient disk whose image is shared gets its overlay, and so its device, when QEMU runs: it is not among
 * the arguments. Here the image is shared in any case. */
static bool is_plugged_later(const Emit *e, const DomainDisk *disk) {
        return e->native && disk->transient && disk->share_backing == TRI_YES;
}

static int emit_disk(Emit *e, const DomainDisk *disk) {
        unsigned id = disk_id(e, disk);
        int r = check_lun(e, disk);

        if (r < 0 || is_plugged_later(e, disk))
                return r;
        if (disk->source.type == DISK_VHOSTUSER)
                r = emit_vhost_user(e, disk);
        else if (!disk_source_is_empty(&disk->source))
                r = emit_disk_nodes(e, disk, id);
        return r < 0 ? r : emit_device(e, disk, id);
}

int emit_disks(Emit *e) {
        const Domain *d = e->domain;
        int ret = 0;

        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                int r = emit_disk(e, disk);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
