/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>

#include "host-file.h"
#include "string-util.h"
#include "usb-device.h"

typedef struct UsbDevice {
        unsigned vendor, product, bus, device;
} UsbDevice;

static bool read_number(const char *root, const char *name, const char *file, int base, unsigned *ret) {
        _cleanup_free_ char *line = host_read_line("%s/sys/bus/usb/devices/%s/%s", root, name, file);
        char *end;

        if (!line)
                return false;
        unsigned long n = strtoul(line, &end, base);
        if (end == line || *end)
                return false;
        *ret = (unsigned) n;
        return true;
}

/* "1-4" is a device, "1-4:1.0" one of its interfaces, "usb1" the bus itself. */
static bool read_device(const char *root, const char *name, UsbDevice *ret) {
        return isdigit((unsigned char) *name) && !strchr(name, ':') && read_number(root, name, "idVendor", 16, &ret->vendor) &&
               read_number(root, name, "idProduct", 16, &ret->product) && read_number(root, name, "busnum", 10, &ret->bus) &&
               read_number(root, name, "devnum", 10, &ret->device);
}

static bool is_wanted(const DomainHostdev *h, const UsbDevice *u) {
        return (!h->vendor.set || h->vendor.value == u->vendor) && (!h->product.set || h->product.value == u->product) &&
               (!h->usb_bus.set || h->usb_bus.value == u->bus) && (!h->usb_device.set || h->usb_device.value == u->device);
}

/* How many there are; the last one in *ret. */
static unsigned find(const char *root, const DomainHostdev *h, UsbDevice *ret) {
        _cleanup_free_ char *path = strf("%s/sys/bus/usb/devices", root);
        DIR *dir = path ? opendir(path) : NULL;
        unsigned n = 0;
        UsbDevice u = {};

        for (struct dirent *e; dir && (e = readdir(dir));)
                if (read_device(root, e->d_name, &u) && is_wanted(h, &u)) {
                        *ret = u;
                        n++;
                }
        if (dir)
                (void) closedir(dir);
        return n;
}

/* "046d:c534", "at bus 1 device 3", or both. */
static char *describe(const DomainHostdev *h) {
        _cleanup_free_ char *what = h->vendor.set ? strf("%04x:%04x", h->vendor.value, h->product.value) : strdup(""),
                            *where = h->usb_bus.set ? strf("bus:%u device:%u", h->usb_bus.value, h->usb_device.value) : strdup("");

        return what && where ? strf("%s%s%s", what, *what && *where ? " " : "", where) : NULL;
}

/* 1: it is to be left out. */
static int resolve(const char *root, DomainHostdev *h, Diag *diag) {
        _cleanup_free_ char *words = describe(h);
        UsbDevice u = {};

        if (!words)
                return -ENOMEM;
        unsigned n = find(root, h, &u);
        if (n > 1)
                return diag_error_code(diag, -ENOTUNIQ, h->source_loc, "Multiple USB devices for %s, use <address> to specify one", words);
        if (n == 0 && h->startup_policy == HOSTDEV_OPTIONAL) {
                (void) diag_warning(diag, h->source_loc, "USB device %s is not there: the machine starts without it", words);
                return 1;
        }
        if (n == 0)
                return diag_error_code(diag, -ENODEV, h->source_loc, "Did not find USB device %s", words);
        h->usb_bus = (OptUint) { true, u.bus };
        h->usb_device = (OptUint) { true, u.device };
        return 0;
}

/* By what it is and by where it is, say: the lock of the one would be in the way of the other, as if another machine had it. */
static int check_twice(const Domain *d, size_t n, const DomainHostdev *h, Diag *diag) {
        FOREACH_ARRAY(other, d->hostdevs, n)
                if (other->type == HOSTDEV_USB && other->usb_bus.value == h->usb_bus.value && other->usb_device.value == h->usb_device.value)
                        return diag_error_code(diag, -EEXIST, h->source_loc, "USB device bus:%u device:%u is given to the guest twice",
                                               h->usb_bus.value, h->usb_device.value);
        return 0;
}

int usb_devices_resolve(const char *root, Domain *d, Diag *diag) {
        size_t n = 0;
        int ret = 0;

        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs) {
                int r = h->type == HOSTDEV_USB ? resolve(root, h, diag) : 0;
                if (r == 0 && h->type == HOSTDEV_USB)
                        r = check_twice(d, n, h, diag);
                if (r < 0)
                        ret = r;
                if (r > 0)
                        hostdev_done(h);
                else
                        d->hostdevs[n++] = *h;
        }
        d->n_hostdevs = n;
        return ret;
}
