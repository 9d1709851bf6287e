/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"
#include "qemu-caps.h"

/* Internal to src/qemu: what the parts of qemu_domain_complete() and the emitters share. */

/* --- machines --- */

bool machine_is_i440fx(const Domain *d) _pure_; /* pc, pc-i440fx-*, pc-1.2 */
bool machine_is_q35(const Domain *d) _pure_;
bool machine_is_virt(const Domain *d) _pure_; /* ARM and RISC-V */
static inline bool machine_has_pcie(const Domain *d) {
        return machine_is_q35(d) || machine_is_virt(d);
}
static inline bool arch_is_x86(const Domain *d) {
        return d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
}

/* What else QEMU calls a driver: "virtio-net" is "virtio-net-pci" to the tables. WORD itself when it has one name. */
const char *qemu_driver_name(const char *word);

/* --- devices of any kind --- */

typedef enum QemuDeviceKind {
        DEVICE_KIND_CONTROLLER,
        DEVICE_KIND_FILESYSTEM,
        DEVICE_KIND_INTERFACE,
        DEVICE_KIND_SMARTCARD,
        DEVICE_KIND_REDIRDEV,
        DEVICE_KIND_SOUND,
        DEVICE_KIND_DISK,
        DEVICE_KIND_HOSTDEV_INTERFACE, /* a DomainInterface that is a card of the host */
        DEVICE_KIND_HOSTDEV,
        DEVICE_KIND_BALLOON,
        DEVICE_KIND_RNG,
        DEVICE_KIND_WATCHDOG,
        DEVICE_KIND_VIDEO,
        DEVICE_KIND_INPUT,
        DEVICE_KIND_CHAR,
        DEVICE_KIND_PANIC,
        DEVICE_KIND_TPM,
        DEVICE_KIND_MEMORY,
        DEVICE_KIND_HUB,
        DEVICE_KIND_IOMMU,
        DEVICE_KIND_SHMEM,
        DEVICE_KIND_VSOCK,
        DEVICE_KIND_CRYPTO,
        _DEVICE_KIND_MAX,
} QemuDeviceKind;

typedef struct QemuDevice {
        QemuDeviceKind kind;
        unsigned position; /* among its kind, from 0 */
        DeviceInfo *info;
        union {
                void *object;
                DomainController *controller;
                DomainInterface *interface;
                DomainSound *sound;
                DomainFilesystem *filesystem;
                DomainSmartcard *smartcard;
                DomainRedirdev *redirdev;
                DomainDisk *disk;
                DomainBalloon *balloon;
                DomainRng *rng;
                DomainWatchdog *watchdog;
                DomainVideo *video;
                DomainInput *input;
                DomainChar *character;
                DomainPanic *panic;
                DomainTpm *tpm;
                DomainMemory *memory;
                DomainHub *hub;
                DomainIommu *iommu;
                DomainHostdev *hostdev;
                DomainShmem *shmem;
                DomainVsock *vsock;
                DomainCrypto *crypto;
        };
} QemuDevice;

/* All devices of D, kind by kind in the order of the enum. The list is the caller's to free(); what it points
 * to belongs to D and moves when a device is added. 0 or -ENOMEM. */
int qemu_devices(Domain *d, QemuDevice **ret, size_t *ret_n);

/* "disk vda", "interface 1", "controller usb 0": what messages call it. NULL when memory is out. */
char *qemu_device_describe(const QemuDevice *device);

/* The first console of a machine with a serial port is that port under another name. */
bool char_is_shadow(const Domain *d, const DomainChar *c) _pure_;

/* Whether it is plugged into USB, and whether it speaks virtio, so that it can be on virtio-mmio. */
bool qemu_device_is_usb(const QemuDevice *device) _pure_;
bool qemu_device_is_virtio(const QemuDevice *device) _pure_;

/* --- controllers --- */

DomainController *controller_find(const Domain *d, ControllerType type, unsigned index) _pure_;

/* Adds a controller unless there is one of TYPE and INDEX; MODEL may be NULL. It goes to the end, as in libvirt.
 * 1 if added, 0 if not, -ENOMEM. */
int controller_add(Domain *d, ControllerType type, unsigned index, const char *model);

/* A SCSI bus of old: what a drive's unit is the number of its target. */
bool controller_is_narrow(const DomainController *c) _pure_;

/* Adds the controllers that the machine has whether one wants them or not, and fills in models. */
int qemu_complete_controllers(Domain *d, Diag *diag);

/* --- the processor --- */

int qemu_complete_cpu(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag);
/* libvirt's name of a feature as QEMU spells it; NULL when memory is out. */
char *qemu_cpu_feature(const char *name);
/* What CPU says of the feature that QEMU calls NAME, or NULL. */
const CpuFeature *qemu_cpu_find_feature(const DomainCpu *cpu, const char *name) _pure_;
/* What a model of QEMU's has and libvirt's of the same name has not, or NULL. */
const char *qemu_cpu_removed_feature(const char *model) _pure_;
/* Whether the model is that of the host's processor: "host-model", or a model as the least there must be. */
bool qemu_cpu_is_host_model(const DomainCpu *cpu) _pure_;
/* Writes down what the processor would be on this host (virsh dumpxml --update-cpu): the model of the host, and what
 * becomes of optional features. 0, or -EINVAL when nothing is known about the processor, or -ENOMEM. */
int qemu_update_cpu(Domain *d, const QemuCaps *caps, Diag *diag);

/* --- addresses and aliases (each its own file) --- */

/* Gives devices without an address the place they had at the last start, FIRST for those of the definition, then
 * for the controllers that were added. */
int qemu_remember_places(Domain *d, bool first);
/* Whether the first part of PORT ("2" of "2.1") is a port of that bus. */
bool qemu_usb_has_port(const Domain *d, unsigned bus, const char *port) _pure_;

/* Whether the addresses of the definition are of a type that goes with their device. */
int qemu_check_addresses(Domain *d, Diag *diag);
/* Devices of ARM machines that go onto virtio-mmio, before PCI has its turn. */
int qemu_complete_mmio(Domain *d, Diag *diag);
int qemu_complete_drives(Domain *d, Diag *diag);
int qemu_complete_smartcards(Domain *d, Diag *diag);
int qemu_complete_scsi_hostdevs(Domain *d, Diag *diag);
int qemu_complete_virtio_serial(Domain *d, Diag *diag);
int qemu_complete_pci(Domain *d, Diag *diag);
int qemu_complete_usb(Domain *d, Diag *diag);
int qemu_complete_aliases(Domain *d, Diag *diag);

/* --- the rest of qemu_domain_complete() (each its own file) --- */

/* qemu-domain-os.c, qemu-firmware.c */
int qemu_complete_firmware(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag);
int qemu_complete_features(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag);
