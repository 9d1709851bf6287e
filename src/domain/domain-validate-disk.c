/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "domain-validate.h"
#include "string-util.h"

#define SUPPORTED_TYPES (BIT(DISK_UNSET) | BIT(DISK_FILE) | BIT(DISK_BLOCK))
#define SUPPORTED_DEVICES (BIT(DEVICE_UNSET) | BIT(DEVICE_DISK) | BIT(DEVICE_CDROM) | BIT(DEVICE_FLOPPY))
#define SUPPORTED_BUSES                                                                                      \
        (BIT(BUS_UNSET) | BIT(BUS_IDE) | BIT(BUS_FDC) | BIT(BUS_SCSI) | BIT(BUS_VIRTIO) | BIT(BUS_USB) |     \
         BIT(BUS_SATA))
#define REFUSED_FORMATS (BIT(FORMAT_ISO) | BIT(FORMAT_FAT) | BIT(FORMAT_LUKS))

static const char *disk_name(const DomainDisk *disk) {
        return strempty(disk->target_dev);
}

static void check_source(const DomainDisk *disk, Diag *diag) {
        const char *path = disk->source_path;
        bool removable = disk->device == DEVICE_CDROM || disk->device == DEVICE_FLOPPY;

        if (!IN_SET(disk->type, SUPPORTED_TYPES)) {
                refuse(diag, disk->info.loc, "disk type", disk_type_to_string(disk->type));
                return;
        }
        if (isempty(path)) {
                if (!removable)
                        (void) diag_error(diag, disk->info.loc, "disk '%s' has no source", disk_name(disk));
        } else if (*path != '/')
                (void) diag_error(diag, disk->info.loc, "disk '%s': source '%s' is not an absolute path",
                                  disk_name(disk), path);
        if (disk->startup_policy && !streq(disk->startup_policy, "mandatory") &&
            !streq(disk->startup_policy, "requisite") && !streq(disk->startup_policy, "optional"))
                (void) diag_error(
                        diag, disk->info.loc,
                        "disk '%s': startupPolicy '%s' is not one of mandatory, requisite, optional",
                        disk_name(disk), disk->startup_policy);
}

static void check_bus(const DomainDisk *disk, Diag *diag) {
        const char *device = strempty(disk_device_to_string(disk->device)),
                   *bus = strempty(disk_bus_to_string(disk->bus));
        int r = disk_name_parse(disk_name(disk), NULL, NULL);

        if (r == -ENOTUNIQ)
                (void) diag_error(diag, disk->info.loc, "disk target '%s' is the name of a partition",
                                  disk_name(disk));
        else if (r < 0)
                (void) diag_error(diag, disk->info.loc,
                                  "disk target '%s' is not a name like vda, sda, hda, fda", disk_name(disk));

        if (!IN_SET(disk->device, SUPPORTED_DEVICES))
                refuse(diag, disk->info.loc, "disk device", device);
        if (!IN_SET(disk->bus, SUPPORTED_BUSES))
                refuse(diag, disk->info.loc, "disk bus", bus);
        else if (disk->device == DEVICE_CDROM && (disk->bus == BUS_VIRTIO || disk->bus == BUS_FDC))
                (void) diag_error(diag, disk->info.loc, "disk '%s': bus '%s' has no device 'cdrom'",
                                  disk_name(disk), bus);
        else if ((disk->device == DEVICE_FLOPPY) != (disk->bus == BUS_FDC) && disk->bus != BUS_UNSET)
                (void) diag_error(diag, disk->info.loc, "disk '%s': bus '%s' has no device '%s'",
                                  disk_name(disk), bus, device);
}

static void check_driver(const Domain *d, const DomainDisk *disk, Diag *diag) {
        SrcLoc loc = disk->info.loc;
        const char *name = disk_name(disk);

        if (disk->driver_name && !streq(disk->driver_name, "qemu"))
                refuse(diag, loc, "disk driver", disk->driver_name);
        if (IN_SET(disk->format, REFUSED_FORMATS))
                refuse(diag, loc, "disk format", disk_format_to_string(disk->format));
        if (disk->io == IO_NATIVE && disk->cache != CACHE_NONE && disk->cache != CACHE_DIRECTSYNC)
                (void) diag_error(diag, loc, "disk '%s': io 'native' needs cache 'none' or 'directsync'",
                                  name);
        if (disk->rerror_policy == ERRORS_ENOSPACE)
                (void) diag_error(diag, loc, "disk '%s': rerror_policy cannot be 'enospace'", name);
        if (disk->copy_on_read == TRI_YES && disk->readonly)
                (void) diag_error(diag, loc, "disk '%s': copy_on_read is for disks that can be written",
                                  name);
        if (disk->iothread.set && disk->bus != BUS_VIRTIO)
                (void) diag_error(diag, loc, "disk '%s': iothread is for bus 'virtio' only", name);
        if (disk->iothread.set &&
            (disk->iothread.value == 0 || disk->iothread.value > (d->iothreads.set ? d->iothreads.value : 0)))
                (void) diag_error(diag, loc, "disk '%s': iothread %u is not there, iothreads is %u", name,
                                  disk->iothread.value, d->iothreads.set ? d->iothreads.value : 0);
        if ((disk->queues.set || disk->queue_size.set) && disk->bus != BUS_VIRTIO)
                (void) diag_error(diag, loc, "disk '%s': queues are for bus 'virtio' only", name);
        if (disk->shareable && disk->format != FORMAT_RAW && disk->format != FORMAT_UNSET)
                (void) diag_error(diag, loc, "disk '%s': shareable needs format 'raw', not '%s'", name,
                                  disk_format_to_string(disk->format));
        if (disk->transient)
                (void) diag_error(diag, loc, "not supported: <transient> of disk '%s'", name);
}

static bool is_power_of_two(unsigned n) {
        return n != 0 && (n & (n - 1)) == 0;
}

static void check_details(const DomainDisk *disk, Diag *diag) {
        SrcLoc loc = disk->info.loc;
        const char *name = disk_name(disk);

        if (disk->wwn && (strlen(disk->wwn) != 16 || !in_charset(disk->wwn, DIGITS "abcdefABCDEF")))
                (void) diag_error(diag, loc, "disk '%s': wwn '%s' is not 16 hexadecimal digits", name,
                                  disk->wwn);
        if (disk->wwn && (disk->bus == BUS_VIRTIO || disk->bus == BUS_FDC || disk->bus == BUS_USB))
                (void) diag_error(diag, loc, "disk '%s': bus '%s' has no wwn", name,
                                  disk_bus_to_string(disk->bus));
        if (disk->serial && !in_charset(disk->serial, ALPHANUMERICAL "_-.+ "))
                (void) diag_error(
                        diag, loc,
                        "disk '%s': serial '%s' has characters other than a-z, A-Z, 0-9, _ - . + and blank",
                        name, disk->serial);
        if ((disk->vendor || disk->product) && disk->bus != BUS_SCSI)
                (void) diag_error(diag, loc, "disk '%s': vendor and product are for bus 'scsi' only", name);
        if (disk->vendor && strlen(disk->vendor) > 8)
                (void) diag_error(diag, loc, "disk '%s': vendor '%s' is longer than 8 characters", name,
                                  disk->vendor);
        if (disk->product && strlen(disk->product) > 16)
                (void) diag_error(diag, loc, "disk '%s': product '%s' is longer than 16 characters", name,
                                  disk->product);
        if (disk->removable != TRI_UNSET && disk->bus != BUS_USB)
                (void) diag_error(diag, loc, "disk '%s': removable is for bus 'usb' only", name);
        if (disk->rotation_rate.set &&
            (disk->bus == BUS_VIRTIO || disk->bus == BUS_FDC || disk->bus == BUS_USB))
                (void) diag_error(diag, loc, "disk '%s': bus '%s' has no rotation_rate", name,
                                  disk_bus_to_string(disk->bus));
        if (disk->tray != TRAY_UNSET && disk->device != DEVICE_CDROM && disk->device != DEVICE_FLOPPY)
                (void) diag_error(diag, loc, "disk '%s': a device '%s' has no tray", name,
                                  strempty(disk_device_to_string(disk->device)));
        if (disk->logical_block_size.set && !is_power_of_two(disk->logical_block_size.value))
                (void) diag_error(diag, loc, "disk '%s': logical_block_size %u is not a power of two", name,
                                  disk->logical_block_size.value);
        if (disk->physical_block_size.set && !is_power_of_two(disk->physical_block_size.value))
                (void) diag_error(diag, loc, "disk '%s': physical_block_size %u is not a power of two", name,
                                  disk->physical_block_size.value);
}

static void check_address_type(const DomainDisk *disk, Diag *diag) {
        static const struct {
                DiskBus bus;
                AddressType type;
        } rules[] = {
                {BUS_IDE, ADDRESS_DRIVE},  {BUS_FDC, ADDRESS_DRIVE}, {BUS_SCSI, ADDRESS_DRIVE},
                {BUS_SATA, ADDRESS_DRIVE}, {BUS_USB, ADDRESS_USB},
        };
        AddressType type = disk->info.address.type;
        bool wrong = disk->bus == BUS_VIRTIO && (type == ADDRESS_DRIVE || type == ADDRESS_USB);

        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                wrong |= type != ADDRESS_UNSET && disk->bus == rules[i].bus && type != rules[i].type;
        if (wrong)
                (void) diag_error(diag, disk->info.address.loc,
                                  "disk '%s': bus '%s' has no address of type '%s'", disk_name(disk),
                                  disk_bus_to_string(disk->bus), address_type_to_string(type));
}

void check_disks(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                check_source(disk, diag);
                check_bus(disk, diag);
                check_driver(d, disk, diag);
                check_details(disk, diag);
                check_address_type(disk, diag);
        }
}

void check_disk_targets(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_disks; i++)
                for (size_t k = 0; k < i; k++)
                        if (streq_ptr(d->disks[i].target_dev, d->disks[k].target_dev)) {
                                (void) diag_error(diag, d->disks[i].info.loc,
                                                  "disk target '%s' is used twice", disk_name(d->disks + i));
                                break;
                        }
}

static unsigned value_of(OptUint v) {
        return v.set ? v.value : 0;
}

void check_disk_addresses(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_disks; i++) {
                const DeviceAddress *a = &d->disks[i].info.address;
                if (a->type != ADDRESS_DRIVE)
                        continue;
                for (size_t k = 0; k < i; k++) {
                        const DeviceAddress *b = &d->disks[k].info.address;
                        if (b->type != ADDRESS_DRIVE || d->disks[k].bus != d->disks[i].bus ||
                            value_of(a->controller) != value_of(b->controller) ||
                            value_of(a->bus) != value_of(b->bus) ||
                            value_of(a->target) != value_of(b->target) ||
                            value_of(a->unit) != value_of(b->unit))
                                continue;
                        (void) diag_error(diag, a->loc, "disks '%s' and '%s' have the same drive address",
                                          disk_name(d->disks + k), disk_name(d->disks + i));
                        break;
                }
        }
}
