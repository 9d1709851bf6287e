/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "qemu-device.h"
#include "string-util.h"
#include "text.h"

/* USB addresses as libvirt gives them out: a tree of hubs for every bus, and more hubs when the ports of the
 * controllers do not suffice. */

#define USB_PORTS_MAX 16U /* of one controller or hub; a qemu-xhci has up to 15 */
#define USB_DEPTH_MAX 4U  /* hubs between a controller and a device, plus one */
#define USB_HUB_PORTS 8U  /* QEMU's usb-hub */
#define USB_BUSES_MAX 256U

static const struct {
        const char *model;
        unsigned ports;
} usb_ports[] = {
        { "piix3-uhci", 2 },  { "piix4-uhci", 2 }, { "vt82c686b-uhci", 2 }, { "pci-ohci", 3 },  { "ehci", 6 },
        { "ich9-ehci1", 6 },  { "ich9-uhci1", 2 }, { "ich9-uhci2", 2 },     { "ich9-uhci3", 2 },
        { "nec-xhci", 4 },    { "qemu-xhci", 4 },
};

static unsigned controller_ports(const DomainController *c) {
        if (c->ports.set && c->ports.value > 0)
                return MIN(c->ports.value, USB_PORTS_MAX);
        FOREACH_ARRAY(u, usb_ports, ELEMENTSOF(usb_ports))
                if (streq_ptr(c->model, u->model))
                        return u->ports;
        return 0;
}

bool qemu_device_is_usb(const QemuDevice *device) {
        switch (device->kind) {
        case DEVICE_KIND_HUB:
                return true;
        case DEVICE_KIND_HOSTDEV:
                return device->hostdev->type == HOSTDEV_USB;
        case DEVICE_KIND_DISK:
                return device->disk->bus == BUS_USB;
        case DEVICE_KIND_CONTROLLER:
                return device->controller->type == CONTROLLER_CCID;
        case DEVICE_KIND_INPUT:
                return device->input->bus == INPUT_BUS_USB;
        case DEVICE_KIND_REDIRDEV:
                return true;
        case DEVICE_KIND_SOUND:
                return device->sound->model == SOUND_USB;
        case DEVICE_KIND_CHAR:
                return device->character->kind == CHAR_SERIAL &&
                       device->character->target_type == TARGET_USB_SERIAL;
        case DEVICE_KIND_INTERFACE:
                return streq_ptr(device->interface->model, "usb-net");
        default:
                return false;
        }
}

/* libvirt's order: hubs first, devices of the host and storage next; network devices, which libvirt does not place, last. */
static const QemuDeviceKind usb_order[] = {
        DEVICE_KIND_HUB,   DEVICE_KIND_HOSTDEV, DEVICE_KIND_DISK, DEVICE_KIND_CONTROLLER,
        DEVICE_KIND_INPUT, DEVICE_KIND_CHAR, DEVICE_KIND_SOUND,
        DEVICE_KIND_REDIRDEV, DEVICE_KIND_INTERFACE,
};

bool qemu_usb_has_port(const Domain *d, unsigned bus, const char *port) {
        unsigned long number = strtoul(port, NULL, 10);

        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == CONTROLLER_USB && c->index.value == bus &&
                    !startswith(strempty(c->model), "ich9-uhci") && number >= 1 && number <= controller_ports(c))
                        return true;
        return false;
}

/* --- the tree --- */

/* A controller or a hub. */
typedef struct UsbNode {
        unsigned n_ports;
        const QemuDevice *users[USB_PORTS_MAX];
        size_t hubs[USB_PORTS_MAX]; /* index of the node behind the port, 0: none */
} UsbNode;

typedef struct UsbSet {
        Diag *diag;
        UsbNode *nodes; /* owned; [0] is nobody */
        size_t n_nodes;
        size_t buses[USB_BUSES_MAX]; /* index of the controller's node, 0: there is no such bus */
} UsbSet;

static void usb_set_done(UsbSet *s) {
        free(s->nodes);
}

static int add_node(UsbSet *s, unsigned n_ports, size_t *ret) {
        if (!ARRAY_GROW(s->nodes, s->n_nodes))
                return -ENOMEM;
        s->nodes[s->n_nodes] = (UsbNode) { .n_ports = n_ports };
        *ret = s->n_nodes++;
        return 0;
}

/* Companions add no ports: they drive those of the EHCI controller. */
static int add_buses(UsbSet *s, const Domain *d) {
        size_t nobody;
        int r = add_node(s, 0, &nobody);

        FOREACH_ARRAY(c, d->controllers, d->n_controllers) {
                unsigned i = c->index.value, ports = controller_ports(c);

                if (r < 0)
                        return r;
                if (c->type != CONTROLLER_USB || i >= USB_BUSES_MAX || ports == 0 ||
                    startswith(strempty(c->model), "ich9-uhci") || s->buses[i] > 0)
                        continue;
                r = add_node(s, ports, &s->buses[i]);
        }
        return r;
}

/* --- ports --- */

typedef struct UsbPath {
        unsigned ports[USB_DEPTH_MAX];
        unsigned depth;
} UsbPath;

/* "1.2" → { 1, 2 }. 1: a port 0 means that any will do. */
static int parse_path(const char *s, UsbPath *ret) {
        UsbPath p = {};

        for (;;) {
                unsigned port = 0, digits = 0;

                for (; *s >= '0' && *s <= '9' && digits < 4; s++, digits++)
                        port = port * 10 + (unsigned) (*s - '0');
                if (digits == 0 || p.depth >= USB_DEPTH_MAX)
                        return -EINVAL;
                if (port == 0)
                        return 1;
                p.ports[p.depth++] = port;
                if (*s == 0)
                        break;
                if (*s++ != '.')
                        return -EINVAL;
        }
        *ret = p;
        return 0;
}

static char *path_to_string(const UsbPath *p) {
        _cleanup_text_ Text t = {};
        char *s;

        for (unsigned i = 0; i < p->depth; i++)
                text_appendf(&t, "%s%u", i > 0 ? "." : "", p->ports[i]);
        return text_finish(&t, &s) < 0 ? NULL : s;
}

static bool is_placed(const QemuDevice *i) {
        return i->info->address.type == ADDRESS_USB && i->info->address.port;
}

/* Takes the port that the address names. */
static int reserve(UsbSet *s, const QemuDevice *device) {
        const DeviceAddress *a = &device->info->address;
        SrcLoc loc = a->loc.line > 0 ? a->loc : device->info->loc;
        unsigned bus = a->bus.value;
        size_t node = bus < USB_BUSES_MAX ? s->buses[bus] : 0;
        UsbPath p = {};
        int r = parse_path(a->port, &p);
        _cleanup_free_ char *what = qemu_device_describe(device);

        if (!what)
                return -ENOMEM;
        if (r != 0)
                return diag_error(s->diag, loc, "%s: '%s' is no USB port (1 to 15, and up to three more for hubs: 1.2)",
                                  what, a->port);
        if (node == 0)
                return diag_error(s->diag, loc, "%s: there is no USB bus %u", what, bus);
        for (unsigned i = 0; i < p.depth; i++) {
                UsbNode *n = s->nodes + node;
                unsigned port = p.ports[i] - 1;

                if (port >= n->n_ports)
                        return diag_error(s->diag, loc, "%s: USB bus %u has no port %s", what, bus, a->port);
                if (i + 1 < p.depth) {
                        if (n->hubs[port] == 0)
                                return diag_error(s->diag, loc, "%s: USB port %s of bus %u needs a <hub type='usb'> at "
                                                  "the port before the last dot, and before it in the file",
                                                  what, a->port, bus);
                        node = n->hubs[port];
                        continue;
                }
                if (n->users[port]) {
                        _cleanup_free_ char *other = qemu_device_describe(n->users[port]);
                        return !other ? -ENOMEM
                                      : diag_error(s->diag, loc,
                                                   "USB port %s of bus %u is used twice: by %s and by %s", a->port,
                                                   bus, other, what);
                }
                n->users[port] = device;
                if (device->kind != DEVICE_KIND_HUB)
                        return 0;
                size_t hub;
                if ((r = add_node(s, USB_HUB_PORTS, &hub)) < 0)
                        return r;
                s->nodes[node].hubs[port] = hub;
        }
        return 0;
}

/* The first free port of NODE, else of the hubs behind it. */
static bool find_free(const UsbSet *s, size_t node, UsbPath *p) {
        const UsbNode *n = s->nodes + node;
        unsigned level = p->depth;

        if (level >= USB_DEPTH_MAX)
                return false;
        p->depth = level + 1;
        for (unsigned port = 0; port < n->n_ports; port++)
                if (!n->users[port]) {
                        p->ports[level] = port + 1;
                        return true;
                }
        for (unsigned port = 0; port < n->n_ports; port++)
                if (n->hubs[port] > 0) {
                        p->ports[level] = port + 1;
                        if (find_free(s, n->hubs[port], p))
                                return true;
                }
        p->depth = level;
        return false;
}

static int assign(UsbSet *s, const QemuDevice *device) {
        DeviceAddress *a = &device->info->address;
        bool any = false;

        if (a->type != ADDRESS_UNSET && a->type != ADDRESS_USB) {
                _cleanup_free_ char *what = qemu_device_describe(device);
                return !what ? -ENOMEM
                             : diag_error(s->diag, a->loc, "%s: an address of type '%s' does not go with USB", what,
                                          address_type_to_string(a->type));
        }
        for (unsigned bus = 0; bus < USB_BUSES_MAX; bus++) {
                UsbPath p = {};

                if (s->buses[bus] == 0 || (a->type == ADDRESS_USB && a->bus.set && a->bus.value != bus))
                        continue;
                any = true;
                if (!find_free(s, s->buses[bus], &p))
                        continue;
                free(a->port);
                a->port = path_to_string(&p);
                if (!a->port)
                        return -ENOMEM;
                a->type = ADDRESS_USB;
                a->bus = OPT_UINT(bus);
                return reserve(s, device);
        }
        _cleanup_free_ char *what = qemu_device_describe(device);
        if (!what)
                return -ENOMEM;
        if (!any && a->type == ADDRESS_USB && a->bus.set)
                return diag_error(s->diag, device->info->loc, "%s: there is no USB bus %u", what, a->bus.value);
        if (!any)
                return diag_error(s->diag, device->info->loc, "%s needs a USB controller, and there is none",
                                  what);
        return diag_error(
                s->diag, device->info->loc,
                "no USB port is left for %s; add a <controller type='usb' model='qemu-xhci' ports='15'/>",
                what);
}

/* --- all of them --- */

/* Enough hubs for all that has no port, as many as libvirt adds. */
static int add_hubs(Domain *d) {
        _cleanup_free_ QemuDevice *list = NULL;
        size_t n, needed = 0, ports = d->n_hubs * USB_HUB_PORTS;
        SrcLoc loc = {}; /* of the first device that may need them */
        int r = qemu_devices(d, &list, &n);

        if (r < 0)
                return r;
        FOREACH_ARRAY(i, list, n)
                if (qemu_device_is_usb(i)) {
                        needed++;
                        if (loc.line == 0 && !is_placed(i))
                                loc = i->info->loc;
                }
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == CONTROLLER_USB)
                        ports += controller_ports(c);
        if (ports == 0 || needed <= ports)
                return 0;
        for (size_t hubs = (needed - ports + 1 + USB_HUB_PORTS - 2) / (USB_HUB_PORTS - 1); hubs > 0; hubs--) {
                if (!ARRAY_GROW(d->hubs, d->n_hubs))
                        return -ENOMEM;
                d->hubs[d->n_hubs++] = (DomainHub) { .type = HUB_USB, .added = true, .info.loc = loc };
        }
        return 0;
}

/* Port 0 is as good as none. */
static void forget_zero_ports(const QemuDevice *list, size_t n) {
        FOREACH_ARRAY(i, list, n) {
                UsbPath p;

                if (qemu_device_is_usb(i) && is_placed(i) && parse_path(i->info->address.port, &p) > 0)
                        i->info->address.port = mfree(i->info->address.port);
        }
}

/* Goes over the devices in order: those with a port, or those without. */
static int place(UsbSet *s, const QemuDevice *list, size_t n, bool hubs, bool placed, int *ret) {
        for (size_t k = 0; k < ELEMENTSOF(usb_order); k++)
                FOREACH_ARRAY(i, list, n) {
                        if (i->kind != usb_order[k] || (i->kind == DEVICE_KIND_HUB) != hubs ||
                            !qemu_device_is_usb(i) || is_placed(i) != placed)
                                continue;
                        int r = placed ? reserve(s, i) : assign(s, i);
                        if (r == -ENOMEM)
                                return r;
                        if (r < 0)
                                *ret = r;
                }
        return 0;
}

static int place_all(Domain *d, const QemuDevice *list, size_t n, Diag *diag) {
        _cleanup_(usb_set_done) UsbSet s = { .diag = diag };
        int r = add_buses(&s, d), ret = 0;

        if (r < 0)
                return r;
        /* Hubs get their places before the devices: only then is it known where these can go. A device that
         * was just given a port must not be looked at twice. */
        if ((r = place(&s, list, n, true, true, &ret)) < 0 || (r = place(&s, list, n, false, true, &ret)) < 0)
                return r;
        if (ret < 0)
                return ret;
        if ((r = place(&s, list, n, true, false, &ret)) < 0)
                return r;
        if (ret < 0)
                return ret;
        r = place(&s, list, n, false, false, &ret);
        return r < 0 ? r : ret;
}

/* Whether there were remembered ports; they are not any more. */
static bool forget_places(const QemuDevice *list, size_t n) {
        bool any = false;

        FOREACH_ARRAY(i, list, n) {
                DeviceAddress *a = &i->info->address;

                if (!qemu_device_is_usb(i) || !a->remembered)
                        continue;
                a->port = mfree(a->port);
                *a = (DeviceAddress) { .loc = a->loc };
                any = true;
        }
        return any;
}

static bool any_remembered(const QemuDevice *list, size_t n) {
        FOREACH_ARRAY(i, list, n)
                if (qemu_device_is_usb(i) && i->info->address.remembered)
                        return true;
        return false;
}

int qemu_complete_usb(Domain *d, Diag *diag) {
        _cleanup_free_ QemuDevice *list = NULL;
        size_t n;
        int r;

        if ((r = add_hubs(d)) < 0 || (r = qemu_devices(d, &list, &n)) < 0)
                return r;
        forget_zero_ports(list, n);
        /* Where all ports of a controller are taken, a new hub can be plugged in only after somebody has moved. */
        r = place_all(d, list, n, any_remembered(list, n) ? NULL : diag);
        if (r == -EINVAL && forget_places(list, n))
                r = place_all(d, list, n, diag);
        return r;
}
