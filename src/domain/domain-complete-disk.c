/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "domain-complete.h"
#include "string-util.h"

static unsigned disk_index(const DomainDisk *d) {
        unsigned index = 0;

        (void) disk_name_parse(strempty(d->target_dev), NULL, &index);
        return index;
}

/* Where libvirt inserts DISK into the N disks before it: beside those of its bus, by the order of their
 * names; so "boot from hd" means the first of them, whatever the order of the file. */
static size_t insertion_place(const DomainDisk *disks, size_t n, const DomainDisk *disk) {
        size_t at = n;
        bool found = false;

        for (size_t k = n; k-- > 0;) {
                if (disks[k].bus != disk->bus)
                        continue;
                if (disk_index(&disks[k]) > disk_index(disk))
                        at = k;
                else if (!found)
                        at = k + 1;
                found = true;
        }
        return at;
}

static void sort_disks(Domain *d) {
        for (size_t i = 1; i < d->n_disks; i++) {
                DomainDisk disk = d->disks[i];
                size_t at = insertion_place(d->disks, i, &disk);

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

/* What a server listens on when its port is not written down; 0: the client knows. */
static const unsigned default_ports[_PROTO_MAX] = {
        [PROTO_NBD] = 10809, [PROTO_SHEEPDOG] = 7000, [PROTO_GLUSTER] = 24007, [PROTO_ISCSI] = 3260,
        [PROTO_HTTP] = 80,   [PROTO_HTTPS] = 443,     [PROTO_FTP] = 21,        [PROTO_FTPS] = 990,
        [PROTO_TFTP] = 69,   [PROTO_SSH] = 22,        [PROTO_VXHS] = 9999,
};

static int complete_network(DiskSource *s, bool below) {
        FOREACH_ARRAY(h, s->hosts, s->n_hosts) {
                unsigned port = default_ports[s->protocol];

                if (h->transport == TRANSPORT_TCP)
                        h->transport = TRANSPORT_UNSET;
                if (h->port.set && h->port.value == 0)
                        h->port = (OptUint){};
                if (h->transport == TRANSPORT_UNSET && !h->port.set && port > 0)
                        h->port = OPT_UINT(port);
        }
        /* The unit of an iSCSI target is part of the name. */
        if (s->protocol == PROTO_ISCSI && s->name && !strchr(s->name, '/') && !below) {
                char *name = strf("%s/0", s->name);
                if (!name)
                        return -ENOMEM;
                free(s->name);
                s->name = name;
        }
        if (isempty(s->initiator))
                s->initiator = mfree(s->initiator);
        if (s->readahead.value == 0)
                s->readahead = (OptU64){};
        if (s->timeout.value == 0)
                s->timeout = (OptU64){};
        return 0;
}

static void complete_encryption(DiskEncryption *e) {
        if (e->loc.line > 0 && e->engine == ENGINE_UNSET)
                e->engine = ENGINE_QEMU;
}

/* BELOW: it is a backing file's; libvirt fills in less of it. */
static int complete_source(DiskSource *s, bool below) {
        if (s->type == DISK_NETWORK) {
                int r = complete_network(s, below);
                if (r < 0)
                        return r;
        }
        if (s->type == DISK_NVME && !disk_source_is_empty(s) && s->managed == TRI_UNSET && !below)
                s->managed = TRI_YES;
        if (below)
                s->startup = STARTUP_UNSET;
        if (s->reconnect == TRI_NO)
                s->reconnect_timeout = (OptUint){};
        if (isempty(s->path))
                s->path = mfree(s->path);
        complete_encryption(&s->encryption);
        return 0;
}

static void forget_zero(OptUint *v) {
        if (v->value == 0)
                *v = (OptUint){};
}

/* What 0 says is what is said when nothing is. */
static void forget_zeroes(DomainDisk *disk) {
        OptUint *const numbers[] = {
                &disk->queues,
                &disk->queue_size,
                &disk->rotation_rate,
                &disk->logical_block_size,
                &disk->physical_block_size,
                &disk->discard_granularity,
                &disk->cylinders,
                &disk->heads,
                &disk->sectors,
        };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                forget_zero(numbers[i]);
        FOREACH_ARRAY(v, disk->iotune.values, ELEMENTSOF(disk->iotune.values))
                if (v->value == 0)
                        *v = (OptU64){};
}

/* A disk that names a group and says no more has the limits of the group. */
static void complete_iotune_group(const Domain *d, DomainDisk *disk) {
        if (!disk->iotune.group || disk_iotune_is_set(&disk->iotune))
                return;
        FOREACH_ARRAY(other, d->disks, d->n_disks)
                if (streq_ptr(other->iotune.group, disk->iotune.group) &&
                    disk_iotune_is_set(&other->iotune)) {
                        memcpy(disk->iotune.values, other->iotune.values, sizeof(disk->iotune.values));
                        return;
                }
}

/* A drive without a word about its medium. */
static bool lacks_source(const DomainDisk *disk) {
        return (disk->device == DEVICE_CDROM || disk->device == DEVICE_FLOPPY) && !disk->source.path &&
               disk->source.startup == STARTUP_UNSET;
}

static int complete_disk(const Domain *d, DomainDisk *disk) {
        if (disk->source.type == DISK_UNSET || (disk->source.type == DISK_BLOCK && lacks_source(disk)) ||
            (disk->source.type == DISK_NETWORK && disk_source_is_empty(&disk->source)))
                disk->source.type = DISK_FILE;
        if (disk->device == DEVICE_UNSET)
                disk->device = DEVICE_DISK;
        complete_bus(disk);
        if (disk->device == DEVICE_CDROM)
                disk->readonly = true;
        if (!disk->driver_name && !d->made_up && free_and_strdup(&disk->driver_name, "qemu") < 0)
                return -ENOMEM;
        if (disk->source.format == FORMAT_UNSET && !d->made_up)
                disk->source.format = FORMAT_RAW;
        if (disk->source.type == DISK_VHOSTUSER && disk->snapshot == SNAPSHOT_UNSET)
                disk->snapshot = SNAPSHOT_NO;
        /* A closed tray is what there is when nothing is said. */
        if (disk->tray == TRAY_CLOSED)
                disk->tray = TRAY_UNSET;
        if (disk->share_backing == TRI_NO)
                disk->share_backing = TRI_UNSET;
        if (disk->cache == CACHE_DEFAULT)
                disk->cache = CACHE_UNSET;
        forget_zeroes(disk);
        complete_iotune_group(d, disk);
        complete_encryption(&disk->encryption);
        for (DiskSource *s = &disk->source; s; s = s->backing) {
                int r = complete_source(s, s != &disk->source);
                if (r < 0)
                        return r;
        }
        return 0;
}

int domain_complete_disks(Domain *d, const HostFacts *facts) {
        unsigned turn = 0;

        /* libvirt sorts by the buses that are written down, before it fills in the others, and gives out
         * addresses in that order. Sorting a second time makes sure that reading the result again changes
         * nothing. */
        sort_disks(d);
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                disk->turn = turn++;
                int r = complete_disk(d, disk);
                if (r < 0)
                        return r;
        }
        sort_disks(d);
        return 0;
}
