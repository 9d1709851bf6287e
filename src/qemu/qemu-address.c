/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "disk-name.h"
#include "number-set.h"
#include "parse-util.h"
#include "qemu-device.h"
#include "string-util.h"

/* The addresses that are not PCI's: where a drive sits on its controller, a port of a virtio-serial device,
 * a port of a USB hub. */

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
        unsigned index;

        if (b->bus == BUS_IDE && !machine_is_i440fx(d))
                return diag_error(
                        diag, disk->info.loc,
                        "disk %s: machine '%s' has no IDE controller; use bus='sata' or bus='virtio'",
                        strempty(disk->target_dev), strempty(d->os.machine));
        if (a->type == ADDRESS_UNSET) {
                int r = disk_name_parse(strempty(disk->target_dev), NULL, &index);
                if (r < 0 && r != -ENOTUNIQ)
                        return diag_error(diag, disk->info.loc,
                                          "disk %s: the name is no disk's, so it has no place on the %s bus",
                                          strempty(disk->target_dev), disk_bus_to_string(disk->bus));
                unsigned place = index % b->per_controller;
                a->type = ADDRESS_DRIVE;
                a->controller = OPT_UINT(index / b->per_controller);
                a->bus = OPT_UINT(b->per_bus ? place / b->per_bus : 0);
                a->unit = OPT_UINT(b->per_bus ? place % b->per_bus : place);
        }
        if (a->type != ADDRESS_DRIVE)
                return diag_error(diag, a->loc, "disk %s: an address of type '%s' does not go with bus '%s'",
                                  strempty(disk->target_dev), address_type_to_string(a->type),
                                  disk_bus_to_string(disk->bus));
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
        bool lsi = c && streq_ptr(c->model, "lsilogic");
        unsigned units = disk->bus == BUS_SATA ? 6 : disk->bus == BUS_SCSI ? (lsi ? 7 : 16384) : 2;
        unsigned targets = disk->bus == BUS_SCSI && !lsi ? 256 : 1;
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

static const DomainChar *port_user(const Domain *d, unsigned controller, unsigned port,
                                   const DomainChar *before) {
        FOREACH_ARRAY(c, d->chars, d->n_chars) {
                if (c == before)
                        return NULL;
                if (c->info.address.type == ADDRESS_VIRTIO_SERIAL &&
                    c->info.address.controller.value == controller && port_of(&c->info.address) == port)
                        return c;
        }
        return NULL;
}

static unsigned controller_ports(const DomainController *c) {
        return c->ports.set ? c->ports.value : VIRTIO_SERIAL_PORTS;
}

/* The first free port from 1 on, as port 0 is the console's, with a further controller when all are full. */
static int assign_port(Domain *d, DomainChar *c) {
        for (unsigned i = 0;; i++) {
                int r = controller_add(d, CONTROLLER_VIRTIO_SERIAL, i, NULL);
                if (r < 0)
                        return r;
                unsigned ports = controller_ports(controller_find(d, CONTROLLER_VIRTIO_SERIAL, i));
                for (unsigned port = 1; port < ports; port++) {
                        if (port_user(d, i, port, NULL))
                                continue;
                        char *s = strf("%u", port);
                        if (!s)
                                return -ENOMEM;
                        free(c->info.address.port);
                        c->info.address.port = s;
                        c->info.address.type = ADDRESS_VIRTIO_SERIAL;
                        c->info.address.controller = OPT_UINT(i);
                        c->info.address.bus = OPT_UINT(0);
                        return 0;
                }
        }
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
        if (port > 0 && port_user(d, a->controller.value, port, c))
                return diag_error(diag, a->loc, "port %u of virtio-serial controller %u is used twice", port,
                                  a->controller.value);
        return 0;
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
        int r = add_serial_controllers(d, diag), ret = 0;

        if (r < 0)
                return r;
        /* libvirt leaves virtio consoles without an address unless one is given: QEMU numbers them. */
        FOREACH_ARRAY(c, d->chars, d->n_chars)
        if (is_virtio_channel(c) &&
            (c->info.address.type == ADDRESS_UNSET ||
             (c->info.address.type == ADDRESS_VIRTIO_SERIAL && port_of(&c->info.address) == 0)))
                if ((r = assign_port(d, c)) < 0)
                        return r;
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->info.address.type == ADDRESS_VIRTIO_SERIAL && check_port(d, c, diag) < 0)
                        ret = -EINVAL;
        return ret;
}

/* --- USB --- */

typedef struct UsbPorts {
        const char *model;
        unsigned ports;
} UsbPorts;

static const UsbPorts usb_ports[] = {
        { "piix3-uhci", 2 },  { "piix4-uhci", 2 }, { "vt82c686b-uhci", 2 }, { "pci-ohci", 3 },  { "ehci", 6 },
        { "ich9-ehci1", 6 },  { "ich9-uhci1", 2 }, { "ich9-uhci2", 2 },     { "ich9-uhci3", 2 },
        { "nec-xhci", 4 },    { "qemu-xhci", 4 },
};

/* Ports of bus INDEX. Companions add none: they drive the ports of the EHCI controller. */
static unsigned bus_ports(const Domain *d, unsigned index) {
        const DomainController *c = controller_find(d, CONTROLLER_USB, index);

        if (!c || streq_ptr(c->model, "none"))
                return 0;
        if (c->ports.set)
                return c->ports.value;
        FOREACH_ARRAY(u, usb_ports, ELEMENTSOF(usb_ports))
                if (streq_ptr(c->model, u->model))
                        return u->ports;
        return 0;
}

static bool needs_usb(const QemuDevice *device) {
        switch (device->kind) {
        case DEVICE_KIND_DISK:
                return device->disk->bus == BUS_USB;
        case DEVICE_KIND_INPUT:
                return device->input->bus == INPUT_BUS_USB;
        case DEVICE_KIND_CHAR:
                return device->character->kind == CHAR_SERIAL &&
                       device->character->target_type == TARGET_USB_SERIAL;
        case DEVICE_KIND_INTERFACE:
                return streq_ptr(device->interface->model, "usb-net");
        default:
                return false;
        }
}

static const QemuDevice *usb_port_user(const QemuDevice *list, size_t n, unsigned bus, const char *port,
                                       const QemuDevice *except) {
        FOREACH_ARRAY(i, list, n)
                if (i != except && needs_usb(i) && i->info->address.type == ADDRESS_USB &&
                    i->info->address.bus.value == bus && streq_ptr(i->info->address.port, port))
                        return i;
        return NULL;
}

static int assign_usb(const Domain *d, const QemuDevice *list, size_t n, const QemuDevice *device,
                      Diag *diag) {
        DeviceAddress *a = &device->info->address;
        bool any = false;

        for (unsigned bus = 0; bus < d->n_controllers; bus++) {
                unsigned ports = bus_ports(d, bus);

                if (a->type == ADDRESS_USB && a->bus.set && a->bus.value != bus)
                        continue;
                any |= ports > 0;
                for (unsigned i = 1; i <= ports; i++) {
                        char port[16];
                        snprintf(port, sizeof(port), "%u", i);
                        if (usb_port_user(list, n, bus, port, NULL))
                                continue;
                        a->type = ADDRESS_USB;
                        a->bus = OPT_UINT(bus);
                        return free_and_strdup(&a->port, port);
                }
        }
        _cleanup_free_ char *what = qemu_device_describe(device);
        if (!what)
                return -ENOMEM;
        if (!any)
                return diag_error(diag, device->info->loc, "%s needs a USB controller, and there is none",
                                  what);
        return diag_error(
                diag, device->info->loc,
                "no USB port is left for %s; add a <controller type='usb' model='qemu-xhci' ports='15'/>",
                what);
}

int qemu_complete_usb(Domain *d, Diag *diag) {
        _cleanup_free_ QemuDevice *list = NULL;
        /* libvirt's order: storage first. */
        static const QemuDeviceKind order[] = { DEVICE_KIND_DISK, DEVICE_KIND_INPUT, DEVICE_KIND_CHAR,
                                               DEVICE_KIND_INTERFACE };
        size_t n;
        int r = qemu_devices(d, &list, &n), ret = 0;

        if (r < 0)
                return r;
        for (size_t k = 0; k < ELEMENTSOF(order); k++)
                FOREACH_ARRAY(i, list, n) {
                        if (i->kind != order[k] || !needs_usb(i) ||
                            (i->info->address.type == ADDRESS_USB && i->info->address.port))
                                continue;
                        r = assign_usb(d, list, n, i, diag);
                        if (r == -ENOMEM)
                                return r;
                        if (r < 0)
                                ret = r;
                }
        FOREACH_ARRAY(i, list, n) {
                const DeviceAddress *a = &i->info->address;
                const QemuDevice *other;

                if (!needs_usb(i) || a->type != ADDRESS_USB)
                        continue;
                other = usb_port_user(list, (size_t) (i - list), a->bus.value, a->port, NULL);
                if (!other)
                        continue;
                _cleanup_free_ char *x = qemu_device_describe(other), *y = qemu_device_describe(i);
                if (!x || !y)
                        return -ENOMEM;
                ret = diag_error(diag, a->loc, "USB port %s of bus %u is used twice: by %s and by %s",
                                 a->port, a->bus.value, x, y);
        }
        return ret;
}
