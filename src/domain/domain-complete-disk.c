/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "domain-complete.h"
#include "string-util.h"

static unsigned disk_index(const DomainDisk *d) {
        unsigned index = 0;

        (void) disk_name_parse(strempty(d->target_dev), NULL, &index);
        return index;
}

/* Disks of one bus stand in the order of their names, whatever the order of the file: "boot from hd" means
 * the first of them. Disks of different buses keep their order. */
static void sort_disks(Domain *d) {
        for (size_t i = 1; i < d->n_disks; i++) {
                DomainDisk disk = d->disks[i];
                size_t at = i;

                for (size_t k = i; k-- > 0;) {
                        if (d->disks[k].bus != disk.bus)
                                continue;
                        if (disk_index(&d->disks[k]) <= disk_index(&disk))
                                break;
                        at = k;
                }
                memmove(d->disks + at + 1, d->disks + at, (i - at) * sizeof(DomainDisk));
                d->disks[at] = disk;
        }
}

static void complete_bus(DomainDisk *disk) {
        DiskBus bus;

        if (disk->bus != BUS_UNSET)
                return;
        if (disk->device == DEVICE_FLOPPY)
                disk->bus = BUS_FDC;
        else if (disk_name_parse(strempty(disk->target_dev), &bus, NULL) != -EINVAL)
                disk->bus = bus;
}

int domain_complete_disks(Domain *d, const HostFacts *facts) {
        /* libvirt sorts by the buses that are written down, before it fills in the others; the second time
         * makes sure that reading the result again changes nothing. */
        sort_disks(d);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                if (disk->type == DISK_UNSET)
                        disk->type = DISK_FILE;
                if (disk->device == DEVICE_UNSET)
                        disk->device = DEVICE_DISK;
                complete_bus(disk);
                if (disk->device == DEVICE_CDROM)
                        disk->readonly = true;
                if (!disk->driver_name && free_and_strdup(&disk->driver_name, "qemu") < 0)
                        return -ENOMEM;
                if (disk->format == FORMAT_UNSET)
                        disk->format = FORMAT_RAW;
                if (isempty(disk->source_path))
                        disk->source_path = mfree(disk->source_path);
                /* A closed tray is what there is when nothing is said. */
                if (disk->tray == TRAY_CLOSED)
                        disk->tray = TRAY_UNSET;
        }
        sort_disks(d);
        return 0;
}
