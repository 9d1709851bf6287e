/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "qemu-device.h"
#include "string-util.h"

/* Aliases: what QEMU, its events and our logs call a device. libvirt's names; the user's own are kept. */

static char *controller_alias(const Domain *d, const DomainController *c) {
        const char *type = controller_type_to_string(c->type);
        unsigned i = c->index.value;

        switch (c->type) {
        case CONTROLLER_PCI:
                return strf("%s.%u", i == 0 && machine_has_pcie(d) ? "pcie" : "pci", i);
        case CONTROLLER_USB:
                return i == 0 ? strdup("usb") : strf("usb%u", i);
        case CONTROLLER_IDE:
                return i == 0 && machine_is_i440fx(d) ? strdup("ide") : strf("ide%u", i);
        case CONTROLLER_SATA:
                return i == 0 && machine_is_q35(d) ? strdup("ide") : strf("sata%u", i);
        default:
                return strf("%s%u", strempty(type), i);
        }
}

static char *disk_alias(const Domain *d, const DomainDisk *disk) {
        const DeviceAddress *a = &disk->info.address;
        const DomainController *c;
        unsigned index = 0;

        switch (disk->bus) {
        case BUS_SCSI:
                c = controller_find(d, CONTROLLER_SCSI, a->controller.value);
                if (!c || !streq_ptr(c->model, "lsilogic"))
                        return strf("scsi%u-%u-%u-%u", a->controller.value, a->bus.value, a->target.value,
                                    a->unit.value);
                /* fall through */
        case BUS_IDE:
        case BUS_FDC:
        case BUS_SATA:
                return strf("%s%u-%u-%u", disk_bus_to_string(disk->bus), a->controller.value, a->bus.value,
                            a->unit.value);
        default:
                (void) disk_name_parse(strempty(disk->target_dev), NULL, &index);
                return strf("%s-disk%u", disk_bus_to_string(disk->bus), index);
        }
}

static char *char_alias(const Domain *d, const DomainChar *c) {
        unsigned position = 0;

        FOREACH_ARRAY(i, d->chars, d->n_chars) {
                if (i == c)
                        break;
                position += i->kind == c->kind;
        }
        return strf("%s%u", char_kind_to_string(c->kind), position);
}

/* Modules are counted by slot, the virtio ones by model. */
static char *memory_alias(const Domain *d, const DomainMemory *m) {
        unsigned position = 0;

        if (m->model == MEMORY_DIMM || m->model == MEMORY_NVDIMM)
                return strf("%s%u", memory_model_to_string(m->model), m->info.address.slot.value);
        for (const DomainMemory *i = d->memories; i < m; i++)
                position += i->model == m->model;
        return strf("%s%u", m->model == MEMORY_VIRTIO_MEM ? "virtiomem" : "virtiopmem", position);
}

static char *default_alias(const Domain *d, const QemuDevice *device) {
        static const char *const words[_DEVICE_KIND_MAX] = {
                [DEVICE_KIND_INTERFACE] = "net", [DEVICE_KIND_SOUND] = "sound",
                [DEVICE_KIND_FILESYSTEM] = "fs", [DEVICE_KIND_SMARTCARD] = "smartcard",
                [DEVICE_KIND_REDIRDEV] = "redir",
                [DEVICE_KIND_BALLOON] = "balloon",
                [DEVICE_KIND_RNG] = "rng",       [DEVICE_KIND_WATCHDOG] = "watchdog",
                [DEVICE_KIND_VIDEO] = "video",   [DEVICE_KIND_INPUT] = "input",
                [DEVICE_KIND_PANIC] = "panic",   [DEVICE_KIND_TPM] = "tpm",
                [DEVICE_KIND_HUB] = "hub",
                [DEVICE_KIND_IOMMU] = "iommu",
                [DEVICE_KIND_HOSTDEV] = "hostdev", [DEVICE_KIND_HOSTDEV_INTERFACE] = "hostdev",
                [DEVICE_KIND_SHMEM] = "shmem",   [DEVICE_KIND_VSOCK] = "vsock",
                [DEVICE_KIND_CRYPTO] = "crypto",
        };

        switch (device->kind) {
        case DEVICE_KIND_CONTROLLER:
                return controller_alias(d, device->controller);
        case DEVICE_KIND_DISK:
                return disk_alias(d, device->disk);
        case DEVICE_KIND_CHAR:
                return char_alias(d, device->character);
        case DEVICE_KIND_MEMORY:
                return memory_alias(d, device->memory);
        default:
                return strf("%s%u", words[device->kind], device->position);
        }
}

static bool is_hostdev(const QemuDevice *device) {
        return device->kind == DEVICE_KIND_HOSTDEV || device->kind == DEVICE_KIND_HOSTDEV_INTERFACE;
}

/* Of these libvirt counts only those that it names itself, and cards of the host with its other devices. */
static void count_anew(QemuDevice *list, QemuDevice *device) {
        bool counted = is_hostdev(device) || device->kind == DEVICE_KIND_INTERFACE || device->kind == DEVICE_KIND_RNG;

        if (!counted)
                return;
        device->position = 0;
        for (const QemuDevice *i = list; i < device; i++)
                if ((i->kind == device->kind || (is_hostdev(i) && is_hostdev(device))) &&
                    !startswith(strempty(i->info->alias), "ua-"))
                        device->position++;
}

/* Companions of a USB controller are one controller for the user, and have one alias. */
static bool may_share(const QemuDevice *a, const QemuDevice *b) {
        return a->kind == DEVICE_KIND_CONTROLLER && b->kind == DEVICE_KIND_CONTROLLER &&
               a->controller->type == CONTROLLER_USB && b->controller->type == CONTROLLER_USB &&
               a->controller->index.value == b->controller->index.value;
}

static bool is_shadow(const Domain *d, const QemuDevice *device) {
        return device->kind == DEVICE_KIND_CHAR && char_is_shadow(d, device->character);
}

static int check_unique(const Domain *d, const QemuDevice *list, size_t n, Diag *diag) {
        int ret = 0;

        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < i; k++) {
                        if (!streq_ptr(list[i].info->alias, list[k].info->alias) ||
                            may_share(&list[i], &list[k]) || is_shadow(d, &list[i]) || is_shadow(d, &list[k]))
                                continue;
                        _cleanup_free_ char *x = qemu_device_describe(&list[k]),
                                            *y = qemu_device_describe(&list[i]);
                        if (!x || !y)
                                return -ENOMEM;
                        ret = diag_error(diag, list[i].info->loc, "alias '%s' is used twice: by %s and by %s",
                                         list[i].info->alias, x, y);
                }
        return ret;
}

int qemu_complete_aliases(Domain *d, Diag *diag) {
        _cleanup_free_ QemuDevice *list = NULL;
        const char *serial = NULL;
        size_t n;
        int r = qemu_devices(d, &list, &n);

        if (r < 0)
                return r;
        FOREACH_ARRAY(i, list, n) {
                /* Others come from the dump of a running domain; they are made anew, as in libvirt. */
                if ((i->info->alias && startswith(i->info->alias, "ua-")) || is_shadow(d, i))
                        continue;
                free(i->info->alias);
                count_anew(list, i);
                i->info->alias = default_alias(d, i);
                if (!i->info->alias)
                        return -ENOMEM;
        }
        /* The console that is the serial port has its name; the user's stands there once. */
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->kind == CHAR_SERIAL && !serial)
                        serial = c->info.alias;
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (char_is_shadow(d, c) &&
                    (r = free_and_strdup(&c->info.alias, serial && startswith(serial, "ua-") ? NULL : serial)) < 0)
                        return r;
        return check_unique(d, list, n, diag);
}
