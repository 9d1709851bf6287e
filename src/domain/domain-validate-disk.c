/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "disk-name.h"
#include "domain-validate.h"
#include "string-util.h"

#define SUPPORTED_BUSES                                                                                      \
        (BIT(BUS_UNSET) | BIT(BUS_IDE) | BIT(BUS_FDC) | BIT(BUS_SCSI) | BIT(BUS_VIRTIO) | BIT(BUS_USB) |     \
         BIT(BUS_SATA))

static const char *disk_name(const DomainDisk *disk) {
        return strempty(disk->target_dev);
}

/* --- which device on which bus --- */

static bool bus_has_device(DiskBus bus, DiskDevice device) {
        switch (device) {
        case DEVICE_CDROM:
                return bus != BUS_VIRTIO && bus != BUS_FDC;
        case DEVICE_FLOPPY:
                return bus == BUS_FDC;
        case DEVICE_LUN:
                return bus == BUS_SCSI || bus == BUS_VIRTIO;
        default:
                return bus != BUS_FDC;
        }
}

static void check_bus(const DomainDisk *disk, Diag *diag) {
        const char *device = strempty(disk_device_to_string(disk->device)),
                   *bus = strempty(disk_bus_to_string(disk->bus));
        unsigned index = 0;
        int r = disk_name_parse(disk_name(disk), NULL, &index);

        if (r == 0 && disk->bus == BUS_FDC && index > 1 && disk->info.address.type == ADDRESS_UNSET)
                (void) diag_error(
                        diag, disk->info.loc,
                        "disk target '%s': there is one floppy controller, with the drives fda and fdb",
                        disk_name(disk));
        if (r == -ENOTUNIQ)
                (void) diag_error(diag, disk->info.loc, "disk target '%s' is the name of a partition",
                                  disk_name(disk));
        else if (r < 0)
                (void) diag_error(diag, disk->info.loc,
                                  "disk target '%s' is not a name like vda, sda, hda, fda", disk_name(disk));

        if (!IN_SET(disk->bus, SUPPORTED_BUSES))
                refuse(diag, disk->info.loc, "disk bus", bus);
        else if (disk->bus != BUS_UNSET && !bus_has_device(disk->bus, disk->device))
                (void) diag_error(diag, disk->info.loc, "disk '%s': bus '%s' has no device '%s'",
                                  disk_name(disk), bus, device);
        else if (disk->readonly && disk->device == DEVICE_DISK &&
                 (disk->bus == BUS_IDE || disk->bus == BUS_SATA))
                (void) diag_error(diag, disk->info.loc, "disk '%s': a disk of bus '%s' cannot be read-only",
                                  disk_name(disk), bus);
        if (disk->model != DISK_VIRTIO_UNSET && disk->bus != BUS_VIRTIO)
                (void) diag_error(diag, disk->info.loc,
                                  "disk '%s': model '%s' is for bus 'virtio' only, not for '%s'",
                                  disk_name(disk), disk_model_to_string(disk->model), bus);
}

/* A lun is a unit of the host's, commands and all: what QEMU would emulate it cannot have. */
static void check_lun(const DomainDisk *disk, Diag *diag) {
        SrcLoc loc = disk->info.loc;
        const char *name = disk_name(disk);
        const DiskSource *s = &disk->source;
        const struct {
                const char *what;
                bool set;
        } refused[] = {
                {"serial", disk->serial && disk->bus == BUS_SCSI},
                {"wwn", disk->wwn},
                {"vendor", disk->vendor},
                {"product", disk->product},
                {"copy_on_read", disk->copy_on_read == TRI_YES},
                {"encryption", disk_encryption(disk)},
        };

        if (disk->device != DEVICE_LUN) {
                if (disk->rawio != TRI_UNSET)
                        (void) diag_error(diag, loc, "disk '%s': rawio is for device 'lun' only", name);
                if (disk->sgio != SGIO_UNSET)
                        (void) diag_error(diag, loc, "disk '%s': sgio is for device 'lun' only", name);
                return;
        }
        if (s->type == DISK_NETWORK && s->protocol != PROTO_ISCSI)
                (void) diag_error(diag, loc,
                                  "disk '%s': device 'lun' is for protocol 'iscsi' only, not for '%s'", name,
                                  strempty(disk_protocol_to_string(s->protocol)));
        else if (s->type != DISK_NETWORK && s->type != DISK_BLOCK && s->type != DISK_VOLUME)
                (void) diag_error(
                        diag, loc,
                        "disk '%s': device 'lun' needs a source of type 'block' or 'network', not '%s'", name,
                        strempty(disk_type_to_string(s->type)));
        if (s->format != FORMAT_RAW && s->format != FORMAT_UNSET)
                (void) diag_error(diag, loc, "disk '%s': device 'lun' needs format 'raw', not '%s'", name,
                                  disk_format_to_string(s->format));
        if (disk->sgio == SGIO_UNFILTERED)
                refuse(diag, loc, "sgio", "unfiltered");
        FOREACH_ARRAY(r, refused, ELEMENTSOF(refused))
                if (r->set)
                        (void) diag_error(diag, loc, "disk '%s': %s is not for device 'lun'", name, r->what);
}

/* --- driver --- */

/* What a driver can be told on the virtio bus only. */
static void check_virtio(const DomainDisk *disk, Diag *diag) {
        const struct {
                const char *what;
                bool set;
        } virtio[] = {
                {"iothread", disk->iothread.set},
                {"queues", disk->queues.set},
                {"event_idx", disk->event_idx != TRI_UNSET},
                {"ioeventfd", disk->ioeventfd != TRI_UNSET},
                {"iommu", disk->virtio.iommu != TRI_UNSET},
                {"ats", disk->virtio.ats != TRI_UNSET},
                {"packed", disk->virtio.packed != TRI_UNSET},
                {"page_per_vq", disk->virtio.page_per_vq != TRI_UNSET},
        };

        if (disk->bus == BUS_VIRTIO)
                return;
        FOREACH_ARRAY(v, virtio, ELEMENTSOF(virtio))
                if (v->set)
                        (void) diag_error(diag, disk->info.loc, "disk '%s': %s is for bus 'virtio' only",
                                          disk_name(disk), v->what);
        if (disk->queue_size.set)
                diag_warning(diag, disk->info.loc, "disk '%s': queue_size means nothing on bus '%s'",
                             disk_name(disk), strempty(disk_bus_to_string(disk->bus)));
}

static void check_iothread(const Domain *d, const DomainDisk *disk, Diag *diag) {
        if (disk->iothread.set && !domain_has_iothread(d, disk->iothread.value))
                (void) diag_error(diag, disk->info.loc,
                                  "disk '%s': iothread %u is not there, iothreads is %u", disk_name(disk),
                                  disk->iothread.value, d->iothreads.set ? d->iothreads.value : 0);
}

static void check_transient(const DomainDisk *disk, Diag *diag) {
        SrcLoc loc = disk->info.loc;
        const char *name = disk_name(disk), *bus = strempty(disk_bus_to_string(disk->bus));

        if (!disk->transient)
                return;
        if (disk->device != DEVICE_DISK)
                (void) diag_error(diag, loc, "disk '%s': transient is for device 'disk' only", name);
        else if (disk_source_is_empty(&disk->source))
                (void) diag_error(diag, loc, "disk '%s': a transient disk needs a source", name);
        else if (disk_is_read_only(disk))
                (void) diag_error(diag, loc, "disk '%s': transient is for disks that can be written", name);
        else if (disk->source.type != DISK_FILE && disk->source.type != DISK_VHOSTUSER)
                (void) diag_error(diag, loc, "disk '%s': transient needs a source of type 'file', not '%s'",
                                  name, strempty(disk_type_to_string(disk->source.type)));
        if (disk->share_backing == TRI_YES && disk->bus != BUS_VIRTIO && disk->bus != BUS_SCSI &&
            disk->bus != BUS_USB)
                (void) diag_error(diag, loc, "disk '%s': bus '%s' has no transient disk with shareBacking",
                                  name, bus);
}

static void check_driver(const Domain *d, const DomainDisk *disk, Diag *diag) {
        SrcLoc loc = disk->info.loc;
        const char *name = disk_name(disk);
        bool removable = disk->device == DEVICE_CDROM || disk->device == DEVICE_FLOPPY;
        DiskFormat format = disk->source.format;

        if (disk->driver_name && !streq(disk->driver_name, "qemu"))
                refuse(diag, loc, "disk driver", disk->driver_name);
        if (disk->io == IO_NATIVE && disk->cache != CACHE_NONE && disk->cache != CACHE_DIRECTSYNC)
                (void) diag_error(diag, loc, "disk '%s': io 'native' needs cache 'none' or 'directsync'",
                                  name);
        if (disk->rerror_policy == ERRORS_ENOSPACE)
                (void) diag_error(diag, loc, "disk '%s': rerror_policy cannot be 'enospace'", name);
        if (disk->copy_on_read == TRI_YES && (disk->readonly || removable))
                (void) diag_error(diag, loc, "disk '%s': copy_on_read is for disks that can be written",
                                  name);
        check_iothread(d, disk, diag);
        check_virtio(disk, diag);
        if (disk->shareable && !disk_is_read_only(disk) && format != FORMAT_RAW && format != FORMAT_UNSET)
                (void) diag_error(diag, loc, "disk '%s': shareable needs format 'raw', not '%s'", name,
                                  disk_format_to_string(format));
        check_transient(disk, diag);
}

/* --- what the guest sees --- */

static bool is_power_of_two(unsigned n) {
        return n != 0 && (n & (n - 1)) == 0;
}

static bool is_wwn(const char *s) {
        const char *digits = startswith(s, "0x") ?: s;

        return strlen(digits) == 16 && in_charset(digits, DIGITS "abcdefABCDEF");
}

static void check_scsi_text(const DomainDisk *disk, const char *what, const char *text, size_t max,
                            Diag *diag) {
        if (!text)
                return;
        if (strlen(text) > max)
                (void) diag_error(diag, disk->info.loc, "disk '%s': %s '%s' is longer than %zu characters",
                                  disk_name(disk), what, text, max);
        for (const char *p = text; *p; p++)
                if (*p < 0x20 || *p > 0x7e) {
                        (void) diag_error(diag, disk->info.loc,
                                          "disk '%s': %s '%s' has characters that are not printable ASCII",
                                          disk_name(disk), what, text);
                        break;
                }
}

static void check_geometry(const DomainDisk *disk, Diag *diag) {
        const char *bus = strempty(disk_bus_to_string(disk->bus));

        if (!disk->cylinders.set || !disk->heads.set || !disk->sectors.set)
                return;
        if (disk->bus == BUS_USB || disk->bus == BUS_SD)
                (void) diag_error(diag, disk->info.loc, "disk '%s': bus '%s' has no geometry",
                                  disk_name(disk), bus);
        if (disk->translation != CHS_UNSET && disk->bus != BUS_IDE)
                (void) diag_error(diag, disk->info.loc,
                                  "disk '%s': geometry @trans is for bus 'ide' only, not for '%s'",
                                  disk_name(disk), bus);
}

static void check_identity(const DomainDisk *disk, Diag *diag) {
        SrcLoc loc = disk->info.loc;
        const char *name = disk_name(disk);

        if (disk->wwn && !is_wwn(disk->wwn))
                (void) diag_error(diag, loc, "disk '%s': wwn '%s' is not 16 hexadecimal digits", name,
                                  disk->wwn);
        if (disk->wwn && disk->bus != BUS_IDE && disk->bus != BUS_SCSI)
                (void) diag_error(diag, loc, "disk '%s': bus '%s' has no wwn", name,
                                  strempty(disk_bus_to_string(disk->bus)));
        if (disk->serial && !in_charset(disk->serial, ALPHANUMERICAL "_-.+ "))
                (void) diag_error(
                        diag, loc,
                        "disk '%s': serial '%s' has characters other than a-z, A-Z, 0-9, _ - . + and blank",
                        name, disk->serial);
        if ((disk->vendor || disk->product) && disk->bus != BUS_SCSI)
                (void) diag_error(diag, loc, "disk '%s': vendor and product are for bus 'scsi' only", name);
        check_scsi_text(disk, "vendor", disk->vendor, 8, diag);
        check_scsi_text(disk, "product", disk->product, 16, diag);
}

static void check_details(const DomainDisk *disk, Diag *diag) {
        SrcLoc loc = disk->info.loc;
        const char *name = disk_name(disk);

        if (disk->removable != TRI_UNSET && disk->bus != BUS_USB)
                (void) diag_error(diag, loc, "disk '%s': removable is for bus 'usb' only", name);
        if (disk->rotation_rate.set && disk->bus != BUS_IDE && disk->bus != BUS_SCSI && disk->bus != BUS_SATA)
                (void) diag_error(diag, loc, "disk '%s': bus '%s' has no rotation_rate", name,
                                  strempty(disk_bus_to_string(disk->bus)));
        else if (disk->rotation_rate.set && disk->device != DEVICE_DISK)
                (void) diag_error(diag, loc, "disk '%s': a device '%s' has no rotation_rate", name,
                                  strempty(disk_device_to_string(disk->device)));
        if (disk->tray != TRAY_UNSET && disk->device != DEVICE_CDROM && disk->device != DEVICE_FLOPPY)
                (void) diag_error(diag, loc, "disk '%s': a device '%s' has no tray", name,
                                  strempty(disk_device_to_string(disk->device)));
        if (disk->logical_block_size.set && !is_power_of_two(disk->logical_block_size.value))
                (void) diag_error(diag, loc, "disk '%s': logical_block_size %u is not a power of two", name,
                                  disk->logical_block_size.value);
        if (disk->physical_block_size.set && !is_power_of_two(disk->physical_block_size.value))
                (void) diag_error(diag, loc, "disk '%s': physical_block_size %u is not a power of two", name,
                                  disk->physical_block_size.value);
        if (disk->discard_granularity.set && !is_power_of_two(disk->discard_granularity.value))
                (void) diag_error(diag, loc, "disk '%s': discard_granularity %u is not a power of two", name,
                                  disk->discard_granularity.value);
}

/* --- limits --- */

static void check_totals(const DomainDisk *disk, IotuneValue total, const char *what, Diag *diag) {
        const OptU64 *v = disk->iotune.values + total; /* total, read, write */

        if (v[0].value > 0 && (v[1].value > 0 || v[2].value > 0))
                (void) diag_error(diag, disk->iotune.loc,
                                  "disk '%s': total_%s and read_%s or write_%s exclude each other",
                                  disk_name(disk), what, what, what);
}

#define IOTUNE_LIMIT UINT64_C(1000000000000000) /* QEMU's */

static void check_iotune(const DomainDisk *disk, Diag *diag) {
        const DiskIotune *t = &disk->iotune;

        if (t->loc.line == 0)
                return;
        check_totals(disk, IOTUNE_TOTAL_BYTES_SEC, "bytes_sec", diag);
        check_totals(disk, IOTUNE_TOTAL_IOPS_SEC, "iops_sec", diag);
        check_totals(disk, IOTUNE_TOTAL_BYTES_SEC_MAX, "bytes_sec_max", diag);
        check_totals(disk, IOTUNE_TOTAL_IOPS_SEC_MAX, "iops_sec_max", diag);
        FOREACH_ARRAY(v, t->values, ELEMENTSOF(t->values))
                if (v->value > IOTUNE_LIMIT) {
                        (void) diag_error(diag, t->loc,
                                          "disk '%s': a limit in <iotune> is more than %" PRIu64,
                                          disk_name(disk), IOTUNE_LIMIT);
                        break;
                }
        if (t->group && !disk_iotune_is_set(t))
                (void) diag_error(
                        diag, t->loc,
                        "disk '%s': iotune has group_name '%s', but no disk of the group has a limit",
                        disk_name(disk), t->group);
}

static bool same_limits(const DiskIotune *a, const DiskIotune *b) {
        for (size_t i = 0; i < ELEMENTSOF(a->values); i++)
                if (a->values[i].value != b->values[i].value)
                        return false;
        return true;
}

void check_disk_iotune(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                check_iotune(disk, diag);
                for (const DomainDisk *other = d->disks; disk->iotune.group && other < disk; other++)
                        if (streq_ptr(other->iotune.group, disk->iotune.group) &&
                            !same_limits(&other->iotune, &disk->iotune)) {
                                (void) diag_error(
                                        diag, disk->iotune.loc,
                                        "disks '%s' and '%s' are in group '%s', but have other limits",
                                        disk_name(other), disk_name(disk), disk->iotune.group);
                                break;
                        }
        }
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
                check_disk_source(d, disk, diag);
                check_bus(disk, diag);
                check_lun(disk, diag);
                check_driver(d, disk, diag);
                check_geometry(disk, diag);
                check_identity(disk, diag);
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
