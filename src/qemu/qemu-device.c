/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "string-util.h"

bool machine_is_i440fx(const Domain *d) {
        const char *m = strempty(d->os.machine), *version;

        if (!arch_is_x86(d))
                return false;
        if (streq(m, "pc") || startswith(m, "pc-i440fx-"))
                return true;
        version = startswith(m, "pc-"); /* before 2.0: pc-1.3 */
        return version && *version >= '0' && *version <= '9';
}

bool machine_is_q35(const Domain *d) {
        const char *m = strempty(d->os.machine);

        return arch_is_x86(d) && (streq(m, "q35") || startswith(m, "pc-q35-"));
}

bool machine_is_virt(const Domain *d) {
        const char *m = strempty(d->os.machine);

        return (d->os.arch == ARCH_AARCH64 || d->os.arch == ARCH_ARMV7L || d->os.arch == ARCH_RISCV64) &&
               (streq(m, "virt") || startswith(m, "virt-"));
}

#define ADD_ALL(kind_, array, n_array)                                                            \
        do {                                                                                      \
                unsigned position = 0;                                                            \
                FOREACH_ARRAY(i, array, n_array) {                                                \
                        QemuDevice *device = &list[n++];                                          \
                        *device = (QemuDevice) { .kind = (kind_), .position = position++ };       \
                        device->info = &i->info;                                                  \
                        device->object = i;                                                       \
                }                                                                                 \
        } while (false)

/* Disks get their addresses in an order of their own. */
static void sort_by_turn(QemuDevice *disks, size_t n) {
        for (size_t i = 1; i < n; i++)
                for (size_t k = i; k > 0 && disks[k].disk->turn < disks[k - 1].disk->turn; k--) {
                        QemuDevice device = disks[k];
                        disks[k] = disks[k - 1];
                        disks[k - 1] = device;
                }
}

/* Cards of the host go with its other devices, and each kind is counted by itself. */
static void add_interfaces(Domain *d, bool of_host, QemuDevice *list, size_t *n) {
        unsigned position = 0;

        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if ((i->type == INTERFACE_HOSTDEV) == of_host) {
                        list[*n] = (QemuDevice) {
                                .kind = of_host ? DEVICE_KIND_HOSTDEV_INTERFACE : DEVICE_KIND_INTERFACE,
                                .position = position++,
                                .info = &i->info,
                        };
                        list[(*n)++].interface = i;
                }
}

int qemu_devices(Domain *d, QemuDevice **ret, size_t *ret_n) {
        size_t n = 0, total = d->n_controllers + d->n_interfaces + d->n_sounds + d->n_filesystems + d->n_smartcards + d->n_redirdevs + d->n_disks + d->n_balloons + d->n_rngs +
                              d->n_watchdogs + d->n_videos + d->n_inputs + d->n_chars + d->n_panics +
                              d->n_tpms + d->n_memories + d->n_hubs + d->n_iommus +
                              d->n_hostdevs + d->n_shmems + d->n_vsocks + d->n_cryptos;
        QemuDevice *list = calloc(total ?: 1, sizeof(QemuDevice));

        if (!list)
                return -ENOMEM;
        ADD_ALL(DEVICE_KIND_CONTROLLER, d->controllers, d->n_controllers);
        add_interfaces(d, false, list, &n);
        ADD_ALL(DEVICE_KIND_FILESYSTEM, d->filesystems, d->n_filesystems);
        ADD_ALL(DEVICE_KIND_SMARTCARD, d->smartcards, d->n_smartcards);
        ADD_ALL(DEVICE_KIND_REDIRDEV, d->redirdevs, d->n_redirdevs);
        ADD_ALL(DEVICE_KIND_SOUND, d->sounds, d->n_sounds);
        ADD_ALL(DEVICE_KIND_DISK, d->disks, d->n_disks);
        sort_by_turn(list + n - d->n_disks, d->n_disks);
        add_interfaces(d, true, list, &n);
        ADD_ALL(DEVICE_KIND_HOSTDEV, d->hostdevs, d->n_hostdevs);
        ADD_ALL(DEVICE_KIND_BALLOON, d->balloons, d->n_balloons);
        ADD_ALL(DEVICE_KIND_RNG, d->rngs, d->n_rngs);
        ADD_ALL(DEVICE_KIND_WATCHDOG, d->watchdogs, d->n_watchdogs);
        ADD_ALL(DEVICE_KIND_VIDEO, d->videos, d->n_videos);
        ADD_ALL(DEVICE_KIND_INPUT, d->inputs, d->n_inputs);
        ADD_ALL(DEVICE_KIND_CHAR, d->chars, d->n_chars);
        ADD_ALL(DEVICE_KIND_PANIC, d->panics, d->n_panics);
        ADD_ALL(DEVICE_KIND_TPM, d->tpms, d->n_tpms);
        ADD_ALL(DEVICE_KIND_MEMORY, d->memories, d->n_memories);
        ADD_ALL(DEVICE_KIND_HUB, d->hubs, d->n_hubs);
        ADD_ALL(DEVICE_KIND_IOMMU, d->iommus, d->n_iommus);
        ADD_ALL(DEVICE_KIND_SHMEM, d->shmems, d->n_shmems);
        ADD_ALL(DEVICE_KIND_VSOCK, d->vsocks, d->n_vsocks);
        ADD_ALL(DEVICE_KIND_CRYPTO, d->cryptos, d->n_cryptos);
        *ret = list;
        *ret_n = n;
        return 0;
}

char *qemu_device_describe(const QemuDevice *device) {
        static const char *const words[_DEVICE_KIND_MAX] = {
                [DEVICE_KIND_INTERFACE] = "interface",
                [DEVICE_KIND_FILESYSTEM] = "filesystem",
                [DEVICE_KIND_SMARTCARD] = "smartcard",
                [DEVICE_KIND_REDIRDEV] = "redirdev",
                [DEVICE_KIND_SOUND] = "sound",
                [DEVICE_KIND_BALLOON] = "memballoon",
                [DEVICE_KIND_RNG] = "rng",
                [DEVICE_KIND_WATCHDOG] = "watchdog",
                [DEVICE_KIND_VIDEO] = "video",
                [DEVICE_KIND_INPUT] = "input",
                [DEVICE_KIND_PANIC] = "panic",
                [DEVICE_KIND_TPM] = "tpm",
                [DEVICE_KIND_HOSTDEV_INTERFACE] = "interface",
                [DEVICE_KIND_HOSTDEV] = "hostdev",
                [DEVICE_KIND_SHMEM] = "shmem",
                [DEVICE_KIND_VSOCK] = "vsock",
                [DEVICE_KIND_CRYPTO] = "crypto",
                [DEVICE_KIND_MEMORY] = "memory",
                [DEVICE_KIND_HUB] = "hub",
                [DEVICE_KIND_IOMMU] = "iommu",
        };

        switch (device->kind) {
        case DEVICE_KIND_DISK:
                return strf("disk %s", strempty(device->disk->target_dev));
        case DEVICE_KIND_CONTROLLER:
                return strf("controller %s %u", strempty(controller_type_to_string(device->controller->type)),
                            device->controller->index.value);
        case DEVICE_KIND_CHAR:
                return strf("%s %u", strempty(char_kind_to_string(device->character->kind)),
                            device->position + 1);
        default:
                return strf("%s %u", words[device->kind], device->position + 1);
        }
}

bool char_is_shadow(const Domain *d, const DomainChar *c) {
        if (c->kind != CHAR_CONSOLE || (c->target_type != TARGET_SERIAL && c->target_type != TARGET_UNSET))
                return false;
        FOREACH_ARRAY(i, d->chars, d->n_chars)
                if (i->kind == CHAR_CONSOLE)
                        return i == c;
        return false;
}
