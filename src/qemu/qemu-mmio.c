/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "string-util.h"

/* virtio-mmio: how virtio devices of ARM machines were attached before these had PCI, and still can be. */

static bool is_virtio_word(const char *model) {
        return model && (streq(model, "virtio") || startswith(model, "virtio-"));
}

bool qemu_device_is_virtio(const QemuDevice *device) {
        switch (device->kind) {
        case DEVICE_KIND_CONTROLLER:
                return device->controller->type == CONTROLLER_VIRTIO_SERIAL ||
                       (device->controller->type == CONTROLLER_SCSI && is_virtio_word(device->controller->model));
        case DEVICE_KIND_INTERFACE:
                return is_virtio_word(device->interface->model);
        case DEVICE_KIND_DISK:
                return device->disk->bus == BUS_VIRTIO;
        case DEVICE_KIND_BALLOON:
                return is_virtio_word(balloon_model_to_string(device->balloon->model));
        case DEVICE_KIND_RNG:
                return true;
        case DEVICE_KIND_FILESYSTEM:
                return device->filesystem->driver != FS_DRIVER_VIRTIOFS;
        case DEVICE_KIND_INPUT:
                return device->input->bus == INPUT_BUS_VIRTIO;
        case DEVICE_KIND_VIDEO:
                return device->video->model == VIDEO_VIRTIO;
        default:
                return false;
        }
}

/* As in libvirt: PCI, unless one device is on virtio-mmio; then all are that are not put elsewhere. */
int qemu_complete_mmio(Domain *d, Diag *diag) {
        _cleanup_free_ QemuDevice *list = NULL;
        bool any = false;
        size_t n;
        int r = qemu_devices(d, &list, &n), ret = 0;

        if (r < 0)
                return r;
        FOREACH_ARRAY(i, list, n) {
                if (i->info->address.type != ADDRESS_VIRTIO_MMIO)
                        continue;
                any = true;
                _cleanup_free_ char *what = qemu_device_describe(i);
                if (!what)
                        return -ENOMEM;
                if (!machine_is_virt(d))
                        ret = diag_error(diag, i->info->address.loc,
                                         "%s: an address of type 'virtio-mmio' is for ARM machines, not for '%s'", what,
                                         strempty(d->os.machine));
                else if (!qemu_device_is_virtio(i))
                        ret = diag_error(diag, i->info->address.loc,
                                         "%s: an address of type 'virtio-mmio' is for virtio devices", what);
        }
        FOREACH_ARRAY(i, list, n)
                if (any && i->info->address.type == ADDRESS_UNSET && qemu_device_is_virtio(i))
                        i->info->address.type = ADDRESS_VIRTIO_MMIO;
        return ret;
}
