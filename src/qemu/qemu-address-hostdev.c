/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "qemu-device.h"
#include "string-util.h"

/* Where SCSI devices of the host sit on the guest's controllers: on the first unit that no disk has or will have. */

#define UNITS_MAX 16U /* of a controller, as far as they are given out by themselves */
#define CONTROLLERS_MAX 64U
#define DISKS_PER_CONTROLLER 7U /* that are given out by their names */
#define CONTROLLER_UNIT 7U /* on a controller of the old kind that is its own */

static bool is_scsi(const DomainHostdev *h) {
        return h->type == HOSTDEV_SCSI && h->mode == HOSTDEV_SUBSYSTEM;
}

static bool is_there(const DeviceAddress *a, unsigned controller, unsigned bus, unsigned target, unsigned unit) {
        return a->type == ADDRESS_DRIVE && a->controller.value == controller && a->bus.value == bus &&
               a->target.value == target && a->unit.value == unit;
}

/* A disk without an address will get one from its name. */
static bool disk_is_there(const DomainDisk *disk, unsigned controller, unsigned bus, unsigned target, unsigned unit) {
        unsigned index;

        if (disk->bus != BUS_SCSI)
                return false;
        if (disk->info.address.type != ADDRESS_UNSET)
                return is_there(&disk->info.address, controller, bus, target, unit);
        int r = disk_name_parse(strempty(disk->target_dev), NULL, &index);
        return (r >= 0 || r == -ENOTUNIQ) && bus == 0 && target == 0 && controller == index / DISKS_PER_CONTROLLER &&
               unit == index % DISKS_PER_CONTROLLER;
}

static const DeviceInfo *user_of(const Domain *d, const DeviceInfo *except, unsigned controller, unsigned bus,
                                 unsigned target, unsigned unit) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (disk_is_there(disk, controller, bus, target, unit))
                        return &disk->info;
        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs)
                if (is_scsi(h) && &h->info != except && is_there(&h->info.address, controller, bus, target, unit))
                        return &h->info;
        return NULL;
}

static bool is_controllers_own(const Domain *d, unsigned controller, unsigned unit) {
        const DomainController *c = controller_find(d, CONTROLLER_SCSI, controller);

        return unit == CONTROLLER_UNIT && (!c || !c->model || controller_is_narrow(c));
}

static int assign_place(const Domain *d, DomainHostdev *h, Diag *diag) {
        DeviceAddress *a = &h->info.address;

        for (unsigned controller = 0; controller < CONTROLLERS_MAX; controller++)
                for (unsigned unit = 0; unit < UNITS_MAX; unit++) {
                        if (is_controllers_own(d, controller, unit) || user_of(d, NULL, controller, 0, 0, unit))
                                continue;
                        a->type = ADDRESS_DRIVE;
                        a->controller = OPT_UINT(controller);
                        a->bus = a->target = OPT_UINT(0);
                        a->unit = OPT_UINT(unit);
                        return 0;
                }
        return diag_error(diag, h->info.loc, "hostdev: no SCSI controller has a place left");
}

static int check_place(const Domain *d, DomainHostdev *h, Diag *diag) {
        DeviceAddress *a = &h->info.address;

        if (a->type != ADDRESS_DRIVE)
                return diag_error(diag, a->loc, "hostdev of type 'scsi': an address of type '%s' does not go with it",
                                  address_type_to_string(a->type));
        a->controller.set = a->bus.set = a->target.set = a->unit.set = true;
        if (a->controller.value >= CONTROLLERS_MAX)
                return diag_error(diag, a->loc, "hostdev: scsi controller %u: there are at most %u", a->controller.value,
                                  CONTROLLERS_MAX);
        if (user_of(d, &h->info, a->controller.value, a->bus.value, a->target.value, a->unit.value))
                return diag_error(diag, a->loc,
                                  "scsi address controller %u, bus %u, target %u, unit %u is used twice: hostdev and another",
                                  a->controller.value, a->bus.value, a->target.value, a->unit.value);
        return 0;
}

int qemu_complete_scsi_hostdevs(Domain *d, Diag *diag) {
        unsigned controllers = 0;
        int ret = 0, r;

        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs) {
                if (!is_scsi(h))
                        continue;
                r = h->info.address.type == ADDRESS_UNSET ? assign_place(d, h, diag) : check_place(d, h, diag);
                if (r < 0)
                        ret = r;
                else
                        controllers = MAX(controllers, h->info.address.controller.value + 1);
        }
        if (ret < 0)
                return ret;
        for (unsigned i = 0; i < controllers; i++)
                if ((r = controller_add(d, CONTROLLER_SCSI, i, NULL)) < 0)
                        return r;
        return 0;
}
