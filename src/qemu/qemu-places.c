/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "parse-util.h"
#include "qemu-pci.h"
#include "qemu-places.h"
#include "string-util.h"

/* Remembered places: where PCI and USB devices and ports of virtio-serial controllers were at the last start. An
 * address in the definition comes first; a place that does not fit any more is forgotten. */

static char *machine_family(const Domain *d) {
        return strf("%s %s", strempty(arch_to_string(d->os.arch)),
                    machine_is_i440fx(d) ? "pc" : machine_is_q35(d) ? "q35" : machine_is_virt(d) ? "virt" : "other");
}

/* --- which device is which --- */

/* What makes a device one of its kind. "disk vda virtio" is the only one; of "rng" there are several, which are
 * then told apart by their order. NULL when memory is out. */
static char *device_class(const QemuDevice *i) {
        switch (i->kind) {
        case DEVICE_KIND_DISK:
                return strf("disk %s %s", strempty(i->disk->target_dev), strempty(disk_bus_to_string(i->disk->bus)));
        case DEVICE_KIND_CONTROLLER:
                return strf("controller %s %u %s", strempty(controller_type_to_string(i->controller->type)),
                            i->controller->index.value, strempty(i->controller->model));
        case DEVICE_KIND_CHAR:
                if (i->character->target_name)
                        return strf("%s %s", strempty(char_kind_to_string(i->character->kind)),
                                    i->character->target_name);
                return strf("%s %s", strempty(char_kind_to_string(i->character->kind)),
                            strempty(char_target_to_string(i->character->target_type)));
        case DEVICE_KIND_INPUT:
                return strf("input %s %s", strempty(input_type_to_string(i->input->type)),
                            strempty(input_bus_to_string(i->input->bus)));
        case DEVICE_KIND_SOUND:
                return strf("sound %s", strempty(sound_model_to_string(i->sound->model)));
        case DEVICE_KIND_FILESYSTEM:
                return strf("filesystem %s", strempty(i->filesystem->target));
        case DEVICE_KIND_VIDEO:
                return strf("video %s", strempty(video_model_to_string(i->video->model)));
        default: {
                char *s = qemu_device_describe(i), *number = s ? strrchr(s, ' ') : NULL;
                if (number)
                        *number = 0;
                return s;
        }
        }
}

/* One interface is known from another by its MAC address, which is remembered too if it is not written down. */
static char *device_key(const Domain *d, const QemuDevice *list, const QemuDevice *i) {
        _cleanup_free_ char *class = NULL;
        unsigned n = 1;

        if (i->kind == DEVICE_KIND_INTERFACE && i->interface->mac_added)
                return interface_place_key(d, i->interface);
        if (i->kind == DEVICE_KIND_INTERFACE) {
                const uint8_t *m = i->interface->mac;
                return strf("interface %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
        }
        class = device_class(i);
        for (const QemuDevice *other = list; class && other < i; other++) {
                if (other->kind != i->kind)
                        continue;
                _cleanup_free_ char *s = device_class(other);
                if (!s)
                        return NULL;
                n += streq(s, class);
        }
        return !class ? NULL : strf("%s #%u", class, n);
}

static bool is_shadow(const Domain *d, const QemuDevice *i) {
        return i->kind == DEVICE_KIND_CHAR && char_is_shadow(d, i->character);
}

/* --- addresses as words --- */

static char *address_to_string(const DeviceAddress *a) {
        switch (a->type) {
        case ADDRESS_PCI:
                return strf("pci %04x:%02x:%02x.%x", a->domain.value, a->bus.value, a->slot.value, a->function.value);
        case ADDRESS_USB:
                return a->port ? strf("usb %u:%s", a->bus.value, a->port) : NULL;
        case ADDRESS_VIRTIO_SERIAL:
                return a->port ? strf("virtio-serial %u:%u:%s", a->controller.value, a->bus.value, a->port) : NULL;
        default:
                return NULL;
        }
}

#define PORT_MAX 16

/* 0 if S is not such an address; a->port is PORT's then. */
static int parse_address(const char *s, DeviceAddress *a, char port[PORT_MAX]) {
        unsigned domain, bus, slot, function, controller;
        int end = 0;

        *a = (DeviceAddress) { .port = port };
        /* sscanf() would take signs and blanks. */
        if (!in_charset(s + strcspn(s, " ") + (strchr(s, ' ') != NULL), DIGITS "abcdefABCDEF:."))
                return 0;
        if (sscanf(s, "pci %4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) == 4 && !s[end]) {
                *a = (DeviceAddress) { .type = ADDRESS_PCI, .domain = OPT_UINT(domain), .bus = OPT_UINT(bus),
                                       .slot = OPT_UINT(slot), .function = OPT_UINT(function) };
                return domain == 0 && slot < 32 && function < 8;
        }
        if (sscanf(s, "usb %3u:%15[0-9.]%n", &bus, port, &end) == 2 && !s[end]) {
                a->type = ADDRESS_USB;
                a->bus = OPT_UINT(bus);
                return 1;
        }
        if (sscanf(s, "virtio-serial %3u:%3u:%4[0-9]%n", &controller, &bus, port, &end) == 3 && !s[end]) {
                a->type = ADDRESS_VIRTIO_SERIAL;
                a->controller = OPT_UINT(controller);
                a->bus = OPT_UINT(bus);
                return 1;
        }
        return 0;
}

static bool same_address(const DeviceAddress *a, const DeviceAddress *b) {
        if (a->type != b->type || a->bus.value != b->bus.value)
                return false;
        if (a->type == ADDRESS_PCI)
                return a->slot.value == b->slot.value && a->function.value == b->function.value;
        return a->controller.value == b->controller.value && streq_ptr(a->port, b->port);
}

static bool has_address(const DeviceAddress *a) {
        if (a->type == ADDRESS_PCI)
                return a->bus.value > 0 || a->slot.value > 0 || a->function.value > 0;
        return a->type != ADDRESS_UNSET;
}

/* --- whether a place is still one --- */

static bool usb_fits(const Domain *d, const DeviceAddress *a) {
        const char *dot = strrchr(a->port, '.');

        if (!qemu_usb_has_port(d, a->bus.value, a->port))
                return false;
        if (!dot)
                return true;
        FOREACH_ARRAY(h, d->hubs, d->n_hubs) {
                const DeviceAddress *b = &h->info.address;
                size_t length = (size_t) (dot - a->port);
                if (b->type == ADDRESS_USB && b->port && b->bus.value == a->bus.value && strlen(b->port) == length &&
                    strncmp(b->port, a->port, length) == 0)
                        return true;
        }
        return false;
}

static bool serial_fits(const Domain *d, const DeviceAddress *a) {
        const DomainController *c = controller_find(d, CONTROLLER_VIRTIO_SERIAL, a->controller.value);
        unsigned port, ports = c && c->ports.set ? c->ports.value : 31;

        return a->controller.value < 64 && a->bus.value == 0 && parse_uint(a->port, &port) >= 0 && port > 0 &&
               port < ports;
}

static bool is_channel(const QemuDevice *i) {
        return i->kind == DEVICE_KIND_CHAR && (i->character->kind == CHAR_CHANNEL || i->character->kind == CHAR_CONSOLE) &&
               (i->character->target_type == TARGET_VIRTIO || i->character->target_type == TARGET_UNSET);
}

static bool fits(const Domain *d, const QemuDevice *list, size_t n, const QemuDevice *device, const DeviceAddress *a) {
        FOREACH_ARRAY(i, list, n)
                if (i != device && !is_shadow(d, i) && has_address(&i->info->address) &&
                    same_address(&i->info->address, a))
                        return false;
        switch (a->type) {
        case ADDRESS_PCI:
                return !qemu_device_is_usb(device) && pci_place_fits(d, device, a);
        case ADDRESS_USB:
                return qemu_device_is_usb(device) && usb_fits(d, a);
        case ADDRESS_VIRTIO_SERIAL:
                return is_channel(device) && serial_fits(d, a);
        default:
                return false;
        }
}

/* --- giving the places back --- */

/* A MAC address that was given out may stand in the definition now. */
static DomainPlace *find_mac(DomainPlaces *places, const uint8_t mac[6]) {
        FOREACH_ARRAY(p, places->items, places->n_items)
                if (!p->used && p->has_mac && memcmp(p->mac, mac, 6) == 0)
                        return p;
        return NULL;
}

/* What qemu-pci.c adds by itself. */
static bool is_addable(const char *model) {
        return streq(model, "pci-bridge") || streq(model, "pcie-root-port") || streq(model, "pcie-to-pci-bridge");
}

static int take_place(Domain *d, const QemuDevice *list, size_t n, const QemuDevice *i) {
        _cleanup_free_ char *key = device_key(d, list, i);
        char port[PORT_MAX];
        DeviceAddress a;

        if (!key)
                return -ENOMEM;
        DomainPlace *p = domain_place_find(&d->places, i->info->alias, key);
        if (!p && i->kind == DEVICE_KIND_INTERFACE)
                p = find_mac(&d->places, i->interface->mac);
        if (!p || !p->address || !parse_address(p->address, &a, port) || !fits(d, list, n, i, &a))
                return 0;
        a.loc = i->info->address.loc;
        a.remembered = true;
        a.multifunction = i->info->address.multifunction;
        a.port = a.port ? strdup(port) : NULL;
        if (a.type != ADDRESS_PCI && !a.port)
                return -ENOMEM;
        free(i->info->address.port);
        i->info->address = a;
        p->used = true;
        return 0;
}

#define ADDED_HUBS_MAX 64U

/* Bridges, ports and hubs that were added for the devices: these want to be behind them. */
static int add_parents(Domain *d) {
        unsigned n_hubs = 0;

        FOREACH_ARRAY(p, d->places.items, d->places.n_items) {
                unsigned index;

                if (!p->added)
                        continue;
                if (startswith(p->key, "hub ")) {
                        if (!p->address || !startswith(p->address, "usb ") || n_hubs++ >= ADDED_HUBS_MAX)
                                continue;
                        if (!ARRAY_GROW(d->hubs, d->n_hubs))
                                return -ENOMEM;
                        d->hubs[d->n_hubs++] = (DomainHub) { .type = HUB_USB, .added = true };
                } else if (sscanf(p->key, "controller pci %3u ", &index) == 1 && index > 0 && index < 256 &&
                           is_addable(p->added) && controller_add(d, CONTROLLER_PCI, index, p->added) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static bool is_parent(const QemuDevice *i) {
        return i->kind == DEVICE_KIND_HUB || (i->kind == DEVICE_KIND_CONTROLLER && i->controller->type == CONTROLLER_PCI);
}

int qemu_remember_places(Domain *d, bool first) {
        _cleanup_free_ char *machine = machine_family(d);
        _cleanup_free_ QemuDevice *list = NULL;
        size_t n;
        int r = 0;

        if (!machine)
                return -ENOMEM;
        if (d->places.n_items == 0 || !streq_ptr(machine, d->places.machine))
                return 0;
        if (first)
                r = add_parents(d);
        if (r < 0 || (r = qemu_devices(d, &list, &n)) < 0)
                return r;
        for (unsigned parents = 2; parents-- > 0;)
                FOREACH_ARRAY(i, list, n)
                        if (is_parent(i) == (parents > 0) && !has_address(&i->info->address) && !is_shadow(d, i) &&
                            (r = take_place(d, list, n, i)) < 0)
                                return r;
        return 0;
}

/* --- writing them down --- */

static const char *added_model(const QemuDevice *i) {
        if (i->kind == DEVICE_KIND_HUB)
                return i->hub->added ? "usb" : NULL;
        return is_parent(i) && i->controller->added ? i->controller->model : NULL;
}

static int add_place(DomainPlaces *p, const Domain *d, const QemuDevice *list, const QemuDevice *i) {
        const char *alias = i->info->alias, *added = added_model(i);
        _cleanup_free_ char *address = address_to_string(&i->info->address);
        bool has_mac = i->kind == DEVICE_KIND_INTERFACE && i->interface->has_mac;

        if (!address && !has_mac)
                return 0;
        if (!ARRAY_GROW(p->items, p->n_items))
                return -ENOMEM;
        DomainPlace *place = &p->items[p->n_items++];
        *place = (DomainPlace) { .key = device_key(d, list, i), .address = TAKE_PTR(address), .has_mac = has_mac };
        if (has_mac)
                memcpy(place->mac, i->interface->mac, sizeof(place->mac));
        if (!place->key || (alias && startswith(alias, "ua-") && free_and_strdup(&place->alias, alias) < 0) ||
            free_and_strdup(&place->added, added) < 0)
                return -ENOMEM;
        return 0;
}

int qemu_places_format(const Domain *d, char **ret) {
        _cleanup_(domain_places_done) DomainPlaces p = { .machine = machine_family(d) };
        _cleanup_free_ QemuDevice *list = NULL;
        size_t n;
        /* Nothing is changed: the list is of constants. */
        int r = p.machine ? qemu_devices((Domain *) d, &list, &n) : -ENOMEM;

        if (r < 0)
                return r;
        FOREACH_ARRAY(i, list, n)
                if (!is_shadow(d, i) && (r = add_place(&p, d, list, i)) < 0)
                        return r;
        return domain_places_format(&p, ret);
}
