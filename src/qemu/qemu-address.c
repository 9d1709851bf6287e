/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "number-set.h"
#include "parse-util.h"
#include "qemu-device.h"
#include "string-util.h"

/* The addresses that are not PCI's: where a drive sits on its controller, a port of a virtio-serial device.
 * USB's are in qemu-usb.c. */

/* --- drives --- */

typedef struct DriveBus {
        DiskBus bus;
        ControllerType controller;
        unsigned per_controller; /* drives that libvirt puts on one controller */
        unsigned per_bus;        /* 0: all on bus 0 */
} DriveBus;

/* SCSI: seven each, from the time when the eighth address was the controller's own. */
static const DriveBus drive_buses[] = {
        { BUS_SCSI, CONTROLLER_SCSI, 7, 0 },
        { BUS_FDC, CONTROLLER_FDC, 2, 0 },
        { BUS_IDE, CONTROLLER_IDE, 4, 2 },
        { BUS_SATA, CONTROLLER_SATA, 6, 0 },
};

static const DriveBus *drive_bus(const DomainDisk *disk) {
        FOREACH_ARRAY(b, drive_buses, ELEMENTSOF(drive_buses))
                if (b->bus == disk->bus)
                        return b;
        return NULL;
}

static int complete_drive(const Domain *d, DomainDisk *disk, const DriveBus *b, Diag *diag) {
        DeviceAddress *a = &disk->info.address;
        unsigned index = 0;

        if (b->bus == BUS_IDE && !machine_is_i440fx(d))
                return diag_error(
                        diag, disk->info.loc,
                        "disk %s: machine '%s' has no IDE controller; use bus='sata' or bus='virtio'",
                        strempty(disk->target_dev), strempty(d->os.machine));
        if (b->bus == BUS_FDC && !arch_is_x86(d))
                return diag_error(diag, disk->info.loc, "disk %s: machine '%s' has no floppy controller",
                                  strempty(disk->target_dev), strempty(d->os.machine));
        if (a->type == ADDRESS_UNSET) {
                /* That the name is one, and the address of the right kind, was checked before. */
                (void) disk_name_parse(strempty(disk->target_dev), NULL, &index);
                unsigned place = index % b->per_controller;
                a->type = ADDRESS_DRIVE;
                a->controller = OPT_UINT(index / b->per_controller);
                a->bus = OPT_UINT(b->per_bus ? place / b->per_bus : 0);
                a->unit = OPT_UINT(b->per_bus ? place % b->per_bus : place);
        }
        a->controller.set = a->bus.set = a->target.set = a->unit.set = true;
        return 0;
}

static bool same_drive(const DomainDisk *a, const DomainDisk *b) {
        const DeviceAddress *x = &a->info.address, *y = &b->info.address;

        return a->bus == b->bus && y->type == ADDRESS_DRIVE && x->controller.value == y->controller.value &&
               x->bus.value == y->bus.value && x->target.value == y->target.value &&
               x->unit.value == y->unit.value;
}

/* lsi takes 7 units on one bus; virtio-scsi 256 targets with 16384 units; ahci 6 ports; ide 2 × 2. */
static int check_drive(const Domain *d, const DomainDisk *disk, Diag *diag) {
        const DeviceAddress *a = &disk->info.address;
        const DomainController *c = controller_find(d, drive_bus(disk)->controller, a->controller.value);
        bool narrow = c && controller_is_narrow(c);
        unsigned units = disk->bus == BUS_SATA ? 6 : disk->bus == BUS_SCSI ? (narrow ? 7 : 16384) : 2;
        unsigned targets = disk->bus == BUS_SCSI && !narrow ? 256 : 1;
        unsigned buses = disk->bus == BUS_IDE ? 2 : 1;

        if (a->unit.value >= units || a->target.value >= targets || a->bus.value >= buses)
                return diag_error(diag, a->loc,
                                  "disk %s: no such place on %s controller %u: bus %u, target %u, unit %u "
                                  "(the last is bus %u, target %u, unit %u)",
                                  disk->target_dev, disk_bus_to_string(disk->bus), a->controller.value,
                                  a->bus.value, a->target.value, a->unit.value, buses - 1, targets - 1,
                                  units - 1);
        for (const DomainDisk *other = d->disks; other < disk; other++)
                if (same_drive(disk, other))
                        return diag_error(diag, disk->info.loc,
                                          "%s address controller %u, bus %u, target %u, unit %u is used "
                                          "twice: by disk %s and by disk %s",
                                          disk_bus_to_string(disk->bus), a->controller.value, a->bus.value,
                                          a->target.value, a->unit.value, other->target_dev,
                                          disk->target_dev);
        return 0;
}

#define DRIVE_CONTROLLERS_MAX 64U

int qemu_complete_drives(Domain *d, Diag *diag) {
        int ret = 0;

        FOREACH_ARRAY(b, drive_buses, ELEMENTSOF(drive_buses)) {
                unsigned controllers = 0;
                FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                        if (disk->bus != b->bus)
                                continue;
                        int r = complete_drive(d, disk, b, diag);
                        if (r < 0)
                                ret = r;
                        else if (disk->info.address.controller.value >= DRIVE_CONTROLLERS_MAX)
                                ret = diag_error(diag, disk->info.loc,
                                                 "disk %s: %s controller %u: there are at most %u",
                                                 disk->target_dev, disk_bus_to_string(disk->bus),
                                                 disk->info.address.controller.value, DRIVE_CONTROLLERS_MAX);
                        else
                                controllers = MAX(controllers, disk->info.address.controller.value + 1);
                }
                for (unsigned i = 0; i < controllers; i++) {
                        int r = controller_add(d, b->controller, i, NULL);
                        if (r < 0)
                                return r;
                }
        }
        int r = qemu_complete_controllers(d, diag); /* the models of the new ones */
        if (r < 0 || ret < 0)
                return r < 0 ? r : ret;
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (drive_bus(disk) && check_drive(d, disk, diag) < 0)
                        ret = -EINVAL;
        return ret;
}

/* --- smart cards --- */

/* There is one card, in the one slot of the one reader. */
int qemu_complete_smartcards(Domain *d, Diag *diag) {
        FOREACH_ARRAY(s, d->smartcards, d->n_smartcards) {
                DeviceAddress *a = &s->info.address;

                if (a->type == ADDRESS_UNSET)
                        *a = (DeviceAddress) { .type = ADDRESS_CCID };
                a->controller.set = a->slot.set = true;
        }
        return d->n_smartcards > 0 ? controller_add(d, CONTROLLER_CCID, 0, NULL) : 0;
}

/* --- virtio-serial --- */

#define VIRTIO_SERIAL_PORTS 31U /* a device's default */

static bool is_virtio_channel(const DomainChar *c) {
        return c->kind == CHAR_CHANNEL && (c->target_type == TARGET_VIRTIO || c->target_type == TARGET_UNSET);
}

static bool is_virtio_console(const DomainChar *c) {
        return c->kind == CHAR_CONSOLE && c->target_type == TARGET_VIRTIO;
}

static unsigned port_of(const DeviceAddress *a) {
        unsigned port;

        return a->port && parse_uint(a->port, &port) >= 0 ? port : 0;
}

/* The ports that addresses name. */
typedef struct PortUser {
        unsigned controller, port;
        size_t number; /* of the device, in its list */
} PortUser;

typedef struct PortUsers {
        PortUser *items; /* owned; sorted */
        size_t n_items;
} PortUsers;

static void port_users_done(PortUsers *u) {
        free(u->items);
}
#define _cleanup_port_users_ _cleanup_(port_users_done)

static int compare_ports(const void *a, const void *b) {
        const PortUser *x = a, *y = b;

        if (x->controller != y->controller)
                return x->controller < y->controller ? -1 : 1;
        return x->port < y->port ? -1 : x->port > y->port;
}

static int compare_users(const void *a, const void *b) {
        int k = compare_ports(a, b);

        return k ? k : ((const PortUser *) a)->number < ((const PortUser *) b)->number ? -1 : 1;
}

/* Port 0 is the console's, and says of all others that they have none yet. */
static int port_users_new(const Domain *d, PortUsers *ret) {
        ret->items = calloc(d->n_chars + 1, sizeof(PortUser));
        if (!ret->items)
                return -ENOMEM;
        for (size_t i = 0; i < d->n_chars; i++) {
                const DeviceAddress *a = &d->chars[i].info.address;
                unsigned port = a->type == ADDRESS_VIRTIO_SERIAL ? port_of(a) : 0;
                if (port > 0)
                        ret->items[ret->n_items++] = (PortUser) { a->controller.value, port, i };
        }
        qsort(ret->items, ret->n_items, sizeof(PortUser), compare_users);
        return 0;
}

static bool port_is_used(const PortUsers *u, unsigned controller, unsigned port) {
        return bsearch(&(PortUser) { controller, port, 0 }, u->items, u->n_items, sizeof(PortUser), compare_ports);
}

static unsigned controller_ports(const DomainController *c) {
        return c->ports.set ? c->ports.value : VIRTIO_SERIAL_PORTS;
}

/* The next port that may be free: all before it are taken. */
typedef struct NextPort {
        unsigned controller, port, n_ports; /* n_ports: of the controller; 0: not asked yet */
} NextPort;

/* The first free port from 1 on, as port 0 is the console's, with a further controller when all are full. */
static int assign_port(Domain *d, DomainChar *c, const PortUsers *users, NextPort *next) {
        for (;; next->port++) {
                if (next->n_ports > 0 && next->port >= next->n_ports)
                        *next = (NextPort) { .controller = next->controller + 1 };
                if (next->n_ports == 0) {
                        int r = controller_add(d, CONTROLLER_VIRTIO_SERIAL, next->controller, NULL);
                        if (r < 0)
                                return r;
                        next->n_ports = MAX(controller_ports(controller_find(d, CONTROLLER_VIRTIO_SERIAL, next->controller)), 1U);
                        next->port = 0;
                } else if (!port_is_used(users, next->controller, next->port))
                        break;
        }
        char *s = strf("%u", next->port);
        if (!s)
                return -ENOMEM;
        free(c->info.address.port);
        c->info.address.port = s;
        c->info.address.type = ADDRESS_VIRTIO_SERIAL;
        c->info.address.controller = OPT_UINT(next->controller);
        c->info.address.bus = OPT_UINT(0);
        next->port++;
        return 0;
}

static int check_port(const Domain *d, const DomainChar *c, Diag *diag) {
        const DeviceAddress *a = &c->info.address;
        const DomainController *controller =
                controller_find(d, CONTROLLER_VIRTIO_SERIAL, a->controller.value);
        unsigned port = port_of(a);

        if (!controller)
                return diag_error(diag, a->loc, "an address of type 'virtio-serial' is for virtio consoles and channels");
        if (port >= controller_ports(controller))
                return diag_error(diag, a->loc, "virtio-serial controller %u has no port %u, its last is %u",
                                  a->controller.value, port, controller_ports(controller) - 1);
        return 0;
}

static int check_ports(Domain *d, Diag *diag) {
        _cleanup_free_ bool *again = calloc(d->n_chars + 1, sizeof(bool));
        _cleanup_port_users_ PortUsers users = {};
        int ret = 0;

        if (!again || port_users_new(d, &users) < 0)
                return -ENOMEM;
        for (size_t i = 1; i < users.n_items; i++)
                again[users.items[i].number] = compare_ports(&users.items[i - 1], &users.items[i]) == 0;
        for (size_t i = 0; i < d->n_chars; i++) {
                DeviceAddress *a = &d->chars[i].info.address;

                if (a->type != ADDRESS_VIRTIO_SERIAL)
                        continue;
                a->controller.set = a->bus.set = true;
                int r = check_port(d, &d->chars[i], diag);
                if (r >= 0 && again[i])
                        r = diag_error(diag, a->loc, "port %u of virtio-serial controller %u is used twice", port_of(a),
                                       a->controller.value);
                if (r < 0)
                        ret = -EINVAL;
        }
        return ret;
}

/* The controllers that addresses name, and number 0 for channels without one. */
static int add_serial_controllers(Domain *d, Diag *diag) {
        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                const DeviceAddress *a = &c->info.address;
                unsigned index = a->type == ADDRESS_VIRTIO_SERIAL ? a->controller.value : 0;

                if (!is_virtio_channel(c) && !is_virtio_console(c))
                        continue;
                if (index >= DRIVE_CONTROLLERS_MAX)
                        return diag_error(diag, a->loc, "virtio-serial controller %u: there are at most %u",
                                          index, DRIVE_CONTROLLERS_MAX);
                int r = controller_add(d, CONTROLLER_VIRTIO_SERIAL, index, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

int qemu_complete_virtio_serial(Domain *d, Diag *diag) {
        _cleanup_port_users_ PortUsers users = {};
        NextPort next = {};

        int r = add_serial_controllers(d, diag);
        if (r >= 0)
                r = port_users_new(d, &users);
        /* libvirt leaves virtio consoles without an address unless one is given: QEMU numbers them. */
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (r >= 0 && is_virtio_channel(c) &&
                    (c->info.address.type == ADDRESS_UNSET ||
                     (c->info.address.type == ADDRESS_VIRTIO_SERIAL && port_of(&c->info.address) == 0)))
                        r = assign_port(d, c, &users, &next);
        return r < 0 ? r : check_ports(d, diag);
}

/* --- which kind of address goes with which device --- */

/* Devices that are what they seem; others can be anything that is lent to the guest. */
static bool is_plain(const QemuDevice *i) {
        switch (i->kind) {
        case DEVICE_KIND_CONTROLLER:
        case DEVICE_KIND_INTERFACE:
        case DEVICE_KIND_SOUND:
        case DEVICE_KIND_DISK:
        case DEVICE_KIND_BALLOON:
        case DEVICE_KIND_RNG:
        case DEVICE_KIND_WATCHDOG:
        case DEVICE_KIND_VIDEO:
        case DEVICE_KIND_INPUT:
        case DEVICE_KIND_CHAR:
        case DEVICE_KIND_PANIC:
        case DEVICE_KIND_TPM:
        case DEVICE_KIND_MEMORY:
        case DEVICE_KIND_HUB:
        case DEVICE_KIND_IOMMU:
                return true;
        default:
                return false;
        }
}

static bool goes_with(const QemuDevice *i) {
        switch (i->info->address.type) {
        case ADDRESS_UNSET:
                return true;
        case ADDRESS_DRIVE:
                return i->kind == DEVICE_KIND_DISK;
        case ADDRESS_USB:
                return qemu_device_is_usb(i);
        case ADDRESS_VIRTIO_SERIAL:
                return i->kind == DEVICE_KIND_CHAR &&
                       (i->character->kind == CHAR_CHANNEL || i->character->kind == CHAR_CONSOLE);
        case ADDRESS_ISA:
                return i->kind == DEVICE_KIND_PANIC || i->kind == DEVICE_KIND_TPM ||
                       (i->kind == DEVICE_KIND_CHAR &&
                        (i->character->kind == CHAR_SERIAL || i->character->kind == CHAR_PARALLEL));
        case ADDRESS_DIMM:
                return i->kind == DEVICE_KIND_MEMORY;
        case ADDRESS_PCI: /* these two are looked at where such addresses are given out */
        case ADDRESS_VIRTIO_MMIO:
                return true;
        default:
                return false;
        }
}

int qemu_check_addresses(Domain *d, Diag *diag) {
        _cleanup_free_ QemuDevice *list = NULL;
        size_t n;
        int r = qemu_devices(d, &list, &n), ret = 0;

        if (r < 0)
                return r;
        FOREACH_ARRAY(i, list, n) {
                /* A console that stands for the serial port has that one's address. */
                bool shadow = i->kind == DEVICE_KIND_CHAR && char_is_shadow(d, i->character);
                if (!is_plain(i) || shadow || goes_with(i))
                        continue;
                _cleanup_free_ char *what = qemu_device_describe(i);
                if (!what)
                        return -ENOMEM;
                ret = diag_error(diag, i->info->address.loc, "%s: an address of type '%s' does not go with it", what,
                                 address_type_to_string(i->info->address.type));
        }
        return ret;
}
