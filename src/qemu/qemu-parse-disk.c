/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-parse-model.h"

/* Disks: the device, its format node and its storage node; or a -drive, which is all in one. */

#define CHAIN_MAX 64U

typedef struct Nodes {
        Item *cor, *format, *storage, *drive;
        Item *below[2 * CHAIN_MAX]; /* the nodes of what the image is backed by */
        size_t n_below;
        Tristate direct, no_flush, writeback;
} Nodes;

/* --- names --- */

static bool name_is_taken(const Domain *d, const char *name) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (streq_ptr(disk->target_dev, name))
                        return true;
        return false;
}

/* Disks of these have their number in their id: then nobody else may have that one. */
static const char *claim_word(DiskBus bus) {
        return bus == BUS_VIRTIO ? "virtio-disk" : "usb-disk";
}

void parse_disk_claims(Parse *p) {
        static const DiskBus buses[] = { BUS_VIRTIO, BUS_USB };
        unsigned n;

        FOREACH_ARRAY(i, p->items.list, p->items.n) {
                const char *id = streq(i->option, "-device") ? item_get(i, "id") : NULL;
                for (size_t k = 0; id && k < ELEMENTSOF(buses); k++) {
                        const char *number = startswith(id, claim_word(buses[k]));
                        if (number && parse_uint(number, &n) >= 0 && n < DISKS_MAX)
                                p->claimed[buses[k] == BUS_VIRTIO][n] = true;
                }
        }
}

static bool is_claimed(const Parse *p, const DomainDisk *disk, unsigned index) {
        return disk->bus != BUS_FDC && disk->bus != BUS_IDE && index < DISKS_MAX && p->claimed[disk->bus == BUS_VIRTIO][index];
}

/* "vda", "sdab": number INDEX, or the first free one from there on. */
static int set_target(Parse *p, DomainDisk *disk, const char *prefix, unsigned index, bool exact) {
        for (;; index++) {
                if (!exact && is_claimed(p, disk, index))
                        continue;
                char letters[8], *c = letters + sizeof(letters);
                *--c = 0;
                for (unsigned n = index + 1; n > 0; n = (n - 1) / 26)
                        *--c = (char) ('a' + (n - 1) % 26);
                _cleanup_free_ char *name = strf("%s%s", prefix, c);
                if (!name)
                        return -ENOMEM;
                if (!name_is_taken(p->d, name) || exact)
                        return free_and_strdup(&disk->target_dev, name);
        }
}

static int set_name(Parse *p, DomainDisk *disk, const char *id) {
        static const char *const prefixes[_BUS_MAX] = {
                [BUS_VIRTIO] = "vd", [BUS_IDE] = "hd", [BUS_SCSI] = "sd", [BUS_SATA] = "sd", [BUS_USB] = "sd", [BUS_FDC] = "fd",
        };
        const char *rest = id ? startswith(id, claim_word(disk->bus)) : NULL;
        const DeviceAddress *a = &disk->info.address;
        unsigned n;

        if (disk->bus == BUS_FDC || disk->bus == BUS_IDE)
                return set_target(p, disk, prefixes[disk->bus], (disk->bus == BUS_IDE ? a->bus.value * 2 : 0) + a->unit.value, true);
        if (rest && parse_uint(rest, &n) >= 0 && n < DISKS_MAX)
                return set_target(p, disk, prefixes[disk->bus], n, true);
        return set_target(p, disk, prefixes[disk->bus], 0, false);
}

/* --- nodes --- */

static const PropRow storage_rows[] = {
        PROP_WORDS("aio", DomainDisk, io, disk_io),
        PROP_MUST("auto-read-only", "on"),
        PROP_MUST("discard", "unmap"),
        PROP_REST("node-name"),
        PROP_REST("driver"),
        PROPS_END,
};
static const PropRow format_rows[] = {
        PROP_WORDS("driver", DomainDisk, source.format, disk_format),
        PROP_WORDS("discard", DomainDisk, discard, disk_discard),
        PROP_WORDS("detect-zeroes", DomainDisk, detect_zeroes, disk_detect_zeroes),
        PROP("cache-size", PROP_UINT64, DomainDisk, source.metadata_cache),
        PROP_REST("node-name"),
        PROP_REST("file"),
        PROPS_END,
};

static void read_switch(Item *i, const char *key, Tristate *ret) {
        const char *s = item_take(i, key);

        if (s)
                *ret = streq(s, "on") || streq(s, "true") ? TRI_YES : TRI_NO;
}

static void read_cache(Item *i, Nodes *n) {
        read_switch(i, "cache.direct", &n->direct);
        read_switch(i, "cache.no-flush", &n->no_flush);
}

/* What the three switches are called together. */
static void set_cache(DomainDisk *disk, const Nodes *n) {
        if (n->direct == TRI_UNSET && n->no_flush == TRI_UNSET && n->writeback == TRI_UNSET)
                return;
        bool direct = n->direct == TRI_YES, unsafe = n->no_flush == TRI_YES, back = n->writeback != TRI_NO;
        disk->cache = unsafe ? CACHE_UNSAFE : direct && back ? CACHE_NONE : direct ? CACHE_DIRECTSYNC :
                      back   ? CACHE_WRITEBACK : CACHE_WRITETHROUGH;
}

static void read_only(Item *i, DomainDisk *disk) {
        const char *s = item_get(i, "read-only");

        if (!s)
                return;
        bool on = streq(s, "on");
        if (on || disk->device != DEVICE_CDROM) {
                disk->readonly = on;
                (void) item_take(i, "read-only");
        }
}

/* One image that another is backed by. 0: it is as it would be written. */
static int read_below(Parse *p, const char *name, const DomainDisk *disk, Nodes *n, DiskSource *s) {
        Item *format = items_find(&p->items, "-blockdev", name);
        Item *storage = format ? items_find(&p->items, "-blockdev", item_get(format, "file")) : NULL;
        DomainDisk like = {};
        Nodes cache = {};

        if (!storage || n->n_below + 2 > ELEMENTSOF(n->below))
                return 1;
        if (!streq_ptr(item_take(format, "read-only"), "on"))
                return 1;
        (void) item_take_if(storage, "read-only", "on");
        read_cache(storage, &cache);
        read_cache(format, &cache);
        int r = parse_storage(storage, s);
        if (r == 0)
                r = props_apply(storage, storage_rows, &like);
        if (r >= 0)
                r = props_apply(format, format_rows, &like);
        if (r != 0)
                return r;
        s->format = like.source.format;
        s->metadata_cache = like.source.metadata_cache;
        n->below[n->n_below++] = format;
        n->below[n->n_below++] = storage;
        /* Its own settings have no place in the definition. */
        return cache.direct != n->direct || cache.no_flush != n->no_flush || like.io != disk->io || like.discard != disk->discard ||
               like.detect_zeroes != ZEROES_UNSET || !item_is_used_up(storage);
}

/* The chain of images below, as far as it is written down. */
static int read_backing(Parse *p, DomainDisk *disk, Nodes *n) {
        DiskSource *above = &disk->source;
        Item *format = n->format;

        for (unsigned depth = 0; depth < CHAIN_MAX; depth++) {
                const char *name = item_take(format, "backing");
                if (!name)
                        return 0;
                DiskSource *s = calloc(1, sizeof(DiskSource));
                if (!s)
                        return -ENOMEM;
                above->backing = s;
                if (streq(name, "null"))
                        return 0;
                int r = read_below(p, name, disk, n, s);
                if (r != 0)
                        return r;
                above = s;
                format = n->below[n->n_below - 2];
        }
        return 1;
}

static bool chain_is_used_up(const Nodes *n) {
        for (size_t k = 0; k < n->n_below; k++)
                if (!item_is_used_up(n->below[k]))
                        return false;
        return true;
}

/* 0: all of the nodes are part of the model. */
static int read_nodes(Parse *p, const char *name, DomainDisk *disk, Nodes *n) {
        n->format = items_find(&p->items, "-blockdev", name);
        if (n->format && streq_ptr(item_get(n->format, "driver"), "copy-on-read")) {
                n->cor = n->format;
                n->format = items_find(&p->items, "-blockdev", item_get(n->cor, "file"));
                disk->copy_on_read = TRI_YES;
        }
        n->storage = n->format ? items_find(&p->items, "-blockdev", item_get(n->format, "file")) : NULL;
        if (!n->storage)
                return 1;
        read_cache(n->storage, n);
        read_cache(n->format, n);
        read_only(n->format, disk);
        (void) item_take_if(n->storage, "read-only", disk->readonly || disk->device == DEVICE_CDROM ? "on" : "off");
        int r = parse_storage(n->storage, &disk->source);
        if (r == 0)
                r = props_apply(n->storage, storage_rows, disk);
        if (r == 0)
                r = props_apply(n->format, format_rows, disk);
        if (r == 0)
                r = read_backing(p, disk, n);
        if (r != 0)
                return r;
        return !item_is_used_up(n->storage) || !item_is_used_up(n->format) || !chain_is_used_up(n);
}

static const PropRow drive_rows[] = {
        PROP_WORDS("format", DomainDisk, source.format, disk_format),
        PROP_WORDS("cache", DomainDisk, cache, disk_cache),
        PROP_WORDS("aio", DomainDisk, io, disk_io),
        PROP_WORDS("discard", DomainDisk, discard, disk_discard),
        PROP_WORDS("detect-zeroes", DomainDisk, detect_zeroes, disk_detect_zeroes),
        PROP_WORDS("werror", DomainDisk, error_policy, disk_error_policy),
        PROP_WORDS("rerror", DomainDisk, rerror_policy, disk_error_policy),
        PROP("copy-on-read", PROP_TRISTATE, DomainDisk, copy_on_read),
        PROP("readonly", PROP_FLAG, DomainDisk, readonly),
        PROP("read-only", PROP_FLAG, DomainDisk, readonly),
        PROP("serial", PROP_STRING, DomainDisk, serial),
        PROP_REST("id"),
        PROPS_END,
};

/* What a -drive says, whatever it is attached to. */
static int read_drive(Item *i, DomainDisk *disk) {
        const char *file = item_get(i, "file"), *media = item_take(i, "media");

        if (media && streq(media, "cdrom"))
                disk->device = DEVICE_CDROM;
        if (streq_ptr(item_get(i, "werror"), "enospc")) {
                disk->error_policy = ERRORS_ENOSPACE;
                (void) item_take(i, "werror");
        }
        if (!isempty(file)) {
                int r = parse_file_name(file, &disk->source);
                if (r != 0)
                        return r;
        }
        (void) item_take(i, "file");
        return props_apply(i, drive_rows, disk);
}

/* --- devices --- */

static int read_drive_address(Parse *p, Item *i, DomainDisk *disk) {
        DeviceAddress *a = &disk->info.address;
        unsigned number = 0, unit = 0, target = 0, channel = 0;
        const char *bus = item_get(i, "bus");

        if (disk->bus == BUS_FDC) {
                const char *s = item_get(i, "unit");
                if (s && parse_uint(s, &unit) < 0)
                        return 1;
                *a = (DeviceAddress) { .type = ADDRESS_DRIVE, .controller = OPT_UINT(0), .bus = OPT_UINT(0),
                                       .target = OPT_UINT(0), .unit = OPT_UINT(unit) };
                (void) item_take(i, "unit");
                return 0;
        }
        if (!bus)
                return 0;
        if (disk->bus == BUS_SCSI) {
                const ParseBus *b = parse_bus(p, bus, CONTROLLER_SCSI, &number);
                const char *id = item_get(i, "scsi-id"), *lun = item_get(i, "lun"), *ch = item_get(i, "channel");
                if (!b || number != 0 || (id && parse_uint(id, &target) < 0) || (lun && parse_uint(lun, &unit) < 0) ||
                    (ch && parse_uint(ch, &channel) < 0))
                        return 1;
                const DomainController *c = controller_find(p->d, CONTROLLER_SCSI, b->index);
                if (c && controller_is_narrow(c)) {
                        if (unit > 0)
                                return 1; /* a definition has no second unit there */
                        unit = target;
                        target = 0;
                }
                *a = (DeviceAddress) { .type = ADDRESS_DRIVE, .controller = OPT_UINT(b->index), .bus = OPT_UINT(channel),
                                       .target = OPT_UINT(target), .unit = OPT_UINT(unit) };
                (void) item_take(i, "scsi-id");
                (void) item_take(i, "lun");
                (void) item_take(i, "channel");
        } else {
                const ParseBus *b = parse_bus(p, bus, CONTROLLER_SATA, &number);
                const char *on_board = startswith(bus, "ide."), *s = item_get(i, "unit");
                if (!b && (!on_board || parse_uint(on_board, &number) < 0))
                        return 1;
                if (s && parse_uint(s, &unit) < 0)
                        return 1;
                bool sata = b || machine_is_q35(p->d);
                disk->bus = sata ? BUS_SATA : BUS_IDE;
                if (sata && unit != 0)
                        return 1;
                *a = (DeviceAddress) { .type = ADDRESS_DRIVE, .controller = OPT_UINT(b ? b->index : 0),
                                       .bus = OPT_UINT(sata ? 0 : number), .target = OPT_UINT(0),
                                       .unit = OPT_UINT(sata ? number : unit) };
                (void) item_take(i, "unit");
        }
        (void) item_take(i, "bus");
        return 0;
}

static const PropRow device_rows[] = {
        PROP("ioeventfd", PROP_TRISTATE, DomainDisk, ioeventfd),
        PROP("event_idx", PROP_TRISTATE, DomainDisk, event_idx),
        PROP("num-queues", PROP_UINT, DomainDisk, queues),
        PROP("queue-size", PROP_UINT, DomainDisk, queue_size),
        PROP("share-rw", PROP_FLAG, DomainDisk, shareable),
        PROP("discard_granularity", PROP_UINT, DomainDisk, discard_granularity),
        PROP("cyls", PROP_UINT, DomainDisk, cylinders),
        PROP("heads", PROP_UINT, DomainDisk, heads),
        PROP("secs", PROP_UINT, DomainDisk, sectors),
        PROP_WORDS("bios-chs-trans", DomainDisk, translation, geometry_translation),
        PROP("logical_block_size", PROP_UINT, DomainDisk, logical_block_size),
        PROP("physical_block_size", PROP_UINT, DomainDisk, physical_block_size),
        PROP("rotation_rate", PROP_UINT, DomainDisk, rotation_rate),
        PROP("vendor", PROP_STRING, DomainDisk, vendor),
        PROP("product", PROP_STRING, DomainDisk, product),
        PROP("serial", PROP_STRING, DomainDisk, serial),
        PROP("removable", PROP_TRISTATE, DomainDisk, removable),
        PROP_REST("driver"),
        PROPS_END,
};

static int read_wwn(Item *i, DomainDisk *disk) {
        const char *s = item_get(i, "wwn");
        uint64_t n;

        if (!s || parse_u64(s, 0, &n) < 0)
                return 0;
        free(disk->wwn);
        disk->wwn = strf("%016llx", (unsigned long long) n);
        (void) item_take(i, "wwn");
        return disk->wwn ? 0 : -ENOMEM;
}

static void read_errors(Item *i, DomainDisk *disk) {
        const char *w = item_get(i, "werror"), *r = item_get(i, "rerror");
        int v = w ? streq(w, "enospc") ? (int) ERRORS_ENOSPACE : (int) disk_error_policy_from_string(w) : 0;

        if (v > 0 && w) {
                disk->error_policy = (DiskErrorPolicy) v;
                (void) item_take(i, "werror");
        }
        v = r ? (int) disk_error_policy_from_string(r) : 0;
        if (v > 0) {
                if (!streq_ptr(w, r))
                        disk->rerror_policy = (DiskErrorPolicy) v;
                (void) item_take(i, "rerror");
        }
}

/* What INQUIRY says follows from the serial number or from the name of the device. */
static void read_inquiry(Item *i, const DomainDisk *disk) {
        const char *s = item_get(i, "device_id"), *id = item_get(i, "id"), *rest = s ? startswith(s, "drive-") : NULL;

        if (s && (streq_ptr(s, disk->serial) || (!disk->serial && rest && streq_ptr(rest, id))))
                (void) item_take(i, "device_id");
}

static int read_device(Parse *p, Item *i, DomainDisk *disk, Nodes *n) {
        const char *drive = item_get(i, "drive");
        int r = 0;

        if (drive) {
                n->drive = items_find(&p->items, "-drive", drive);
                if (n->drive && !item_take_if(n->drive, "if", "none"))
                        return 1;
                r = n->drive ? read_drive(n->drive, disk) : read_nodes(p, drive, disk, n);
                if (r == 0 && n->drive && !item_is_used_up(n->drive))
                        r = 1;
                if (r != 0)
                        return r;
                (void) item_take(i, "drive");
        }
        if (disk->bus == BUS_VIRTIO && streq_ptr(item_get(i, "scsi"), "on")) {
                disk->device = DEVICE_LUN;
                (void) item_take(i, "scsi");
        }
        r = props_virtio(i, &disk->virtio);
        if (r >= 0)
                r = props_apply(i, device_rows, disk);
        if (r >= 0)
                r = read_wwn(i, disk);
        if (r < 0)
                return r;
        read_switch(i, "write-cache", &n->writeback);
        if (!n->drive)
                set_cache(disk, n);
        read_errors(i, disk);
        read_inquiry(i, disk);
        parse_iothread(p, i, &disk->iothread);
        if (disk->removable == TRI_NO)
                disk->removable = TRI_UNSET;
        if (disk->bus == BUS_USB) {
                const ParseBus *b = parse_bus(p, item_get(i, "bus"), CONTROLLER_USB, NULL);
                const char *port = item_get(i, "port");
                if (b && port) {
                        disk->info.address.type = ADDRESS_USB;
                        disk->info.address.bus = OPT_UINT(b->index);
                        if (free_and_strdup(&disk->info.address.port, port) < 0)
                                return -ENOMEM;
                        (void) item_take(i, "bus");
                        (void) item_take(i, "port");
                }
        } else if (disk->bus != BUS_VIRTIO && (r = read_drive_address(p, i, disk)) != 0)
                return r;
        return parse_info(p, i, &disk->info);
}

static int finish_disk(Parse *p, Item *i, DomainDisk *disk, const char *id) {
        if (disk->device == DEVICE_UNSET)
                disk->device = DEVICE_DISK;
        if (disk->source.type == DISK_UNSET)
                disk->source.type = DISK_FILE;
        if (disk->bus == BUS_FDC) {
                unsigned *boot = p->floppy_boot + MIN(disk->info.address.unit.value, 1U);
                if (*boot > 0)
                        disk->info.boot_order = OPT_UINT(*boot);
                *boot = 0;
        }
        return set_name(p, disk, id);
}

int parse_disk(Parse *p, Item *i, int bus, const char *suffix) {
        const char *driver = item_get(i, "driver"), *id = item_get(i, "id");
        if (p->d->n_disks >= DISKS_MAX)
                return 1;
        DomainDisk *disk = PARSE_ADD(p, disks);
        Nodes n = {};

        if (!disk)
                return -ENOMEM;
        disk->bus = (DiskBus) bus;
        if (*suffix) {
                _cleanup_free_ char *word = strf("virtio%s", suffix);
                int model = word ? (int) disk_model_from_string(word) : -ENOMEM;
                if (model == -ENOMEM)
                        return model;
                disk->model = (DiskModel) MAX(model, 0);
        }
        disk->device = bus == BUS_FDC            ? DEVICE_FLOPPY :
                       endswith(driver, "-cd")    ? DEVICE_CDROM :
                       streq(driver, "scsi-block") ? DEVICE_LUN : DEVICE_DISK;
        int r = read_device(p, i, disk, &n);
        if (r < 0)
                return r;
        if (r > 0)
                item_refuse(i);
        if (item_is_used_up(i) && (r = finish_disk(p, i, disk, id)) < 0)
                return r;
        r = PARSE_FINISH(p, i, disks);
        if (r == 0)
                for (size_t k = 0; k < 4; k++) {
                        Item *node = k == 0 ? n.cor : k == 1 ? n.format : k == 2 ? n.storage : n.drive;
                        if (node)
                                node->used = true;
                }
        for (size_t k = 0; r == 0 && k < n.n_below; k++)
                n.below[k]->used = true;
        return r;
}

/* --- old styles --- */

static const struct {
        const char *option;
        DiskBus bus;
        DiskDevice device;
        unsigned index;
} old_disks[] = {
        { "-hda", BUS_IDE, DEVICE_DISK, 0 },   { "-hdb", BUS_IDE, DEVICE_DISK, 1 },
        { "-hdc", BUS_IDE, DEVICE_DISK, 2 },   { "-hdd", BUS_IDE, DEVICE_DISK, 3 },
        { "-cdrom", BUS_IDE, DEVICE_CDROM, 2 }, { "-fda", BUS_FDC, DEVICE_FLOPPY, 0 },
        { "-fdb", BUS_FDC, DEVICE_FLOPPY, 1 },
};

/* An IDE disk of a machine without IDE is on its SATA controller, as with QEMU. */
static int place_old(Parse *p, DomainDisk *disk, unsigned index) {
        if (disk->bus == BUS_IDE && !machine_is_i440fx(p->d) && p->d->os.machine)
                disk->bus = machine_is_q35(p->d) ? BUS_SATA : BUS_VIRTIO;
        if (disk->bus == BUS_VIRTIO || disk->bus == BUS_USB)
                return set_target(p, disk, disk->bus == BUS_USB ? "sd" : "vd", 0, false);
        const char *prefix = disk->bus == BUS_IDE ? "hd" : disk->bus == BUS_FDC ? "fd" : "sd";
        return set_target(p, disk, prefix, index, false);
}

/* The last one goes to the scraps: 1, or -ENOMEM. */
static int parse_drop_disk(Parse *p) {
        if (!ARRAY_GROW(p->scrap->disks, p->scrap->n_disks))
                return -ENOMEM;
        p->scrap->disks[p->scrap->n_disks++] = p->d->disks[--p->d->n_disks];
        return 1;
}

int parse_old_disk(Parse *p, Item *i) {
        FOREACH_ARRAY(o, old_disks, ELEMENTSOF(old_disks)) {
                if (!streq(o->option, i->option))
                        continue;
                if (isempty(i->value) || p->d->n_disks >= DISKS_MAX)
                        return 1;
                DomainDisk *disk = PARSE_ADD(p, disks);
                if (!disk)
                        return -ENOMEM;
                disk->bus = o->bus;
                disk->device = o->device;
                disk->readonly = o->device == DEVICE_CDROM;
                int r = parse_file_name(i->value, &disk->source);
                if (r == 0)
                        r = place_old(p, disk, o->index);
                return r <= 0 ? r : parse_drop_disk(p);
        }
        return 1;
}

/* if=pflash: the firmware, then its variables. */
static int parse_flash_drive(Parse *p, Item *i) {
        DomainOs *os = &p->d->os;
        const char *file = item_get(i, "file"), *ro = item_get(i, "readonly") ?: item_get(i, "read-only");
        const char *unit = item_get(i, "unit") ?: item_get(i, "index");
        bool second = unit ? streq(unit, "1") : os->loader != NULL;

        if (isempty(file) || !streq(strempty(item_get(i, "format")), "raw") || (second ? os->nvram : os->loader))
                return 1;
        FOREACH_ARRAY(q, i->props, i->n_props)
                if (!strchr("fuir", *q->key))
                        return 1;
        if (!second) {
                os->loader_type = LOADER_PFLASH;
                os->loader_readonly = streq_ptr(ro, "on") ? TRI_YES : TRI_NO;
        }
        return free_and_strdup(second ? &os->nvram : &os->loader, file);
}

int parse_drive(Parse *p, Item *i) {
        static const struct { const char *word; DiskBus bus; } interfaces[] = {
                { "ide", BUS_IDE },       { "scsi", BUS_SCSI }, { "virtio", BUS_VIRTIO },
                { "floppy", BUS_FDC }, { "usb", BUS_USB },
        };
        const char *interface = item_get(i, "if") ?: "ide", *index = item_get(i, "index");
        unsigned n = 0;

        if (streq(interface, "pflash"))
                return p->phase == PHASE_MACHINE ? parse_flash_drive(p, i) : 1;
        if (p->phase == PHASE_MACHINE || streq(interface, "none"))
                return 2; /* the device asks for it */
        if (index && parse_uint(index, &n) < 0)
                return 1;
        if (n >= DISKS_MAX || p->d->n_disks >= DISKS_MAX)
                return 1;
        FOREACH_ARRAY(k, interfaces, ELEMENTSOF(interfaces)) {
                if (!streq(k->word, interface))
                        continue;
                DomainDisk *disk = PARSE_ADD(p, disks);
                if (!disk)
                        return -ENOMEM;
                disk->bus = k->bus;
                if (k->bus == BUS_FDC)
                        disk->device = DEVICE_FLOPPY;
                int r = read_drive(i, disk);
                if (r < 0)
                        return r;
                if (disk->device == DEVICE_UNSET)
                        disk->device = DEVICE_DISK;
                if (disk->source.type == DISK_UNSET)
                        disk->source.type = DISK_FILE;
                (void) item_take(i, "if");
                (void) item_take(i, "index");
                if (r > 0)
                        item_refuse(i);
                r = place_old(p, disk, n);
                return r < 0 ? r : PARSE_FINISH(p, i, disks);
        }
        return 1;
}
