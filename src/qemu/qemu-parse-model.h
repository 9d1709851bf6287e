/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu-parse-item.h"

#define SOUND_CODECS_MAX 15U
#define DISKS_MAX 1024U /* as elements; more are handed on */
#include "string-util.h"

/* Internal to src/qemu: from the options of a command line to the model. */

typedef enum ParsePhase {
        PHASE_MACHINE,     /* what is no device */
        PHASE_CONTROLLERS, /* devices that others are plugged into */
        PHASE_DEVICES,
        PHASE_AFTERWARDS,  /* what is said of devices */
        _PHASE_MAX,
} ParsePhase;

#define IN(phase) (1U << (phase))

/* A bus that a controller brings: by the id of the device. */
typedef struct ParseBus {
        const char *id; /* the item's */
        ControllerType type;
        unsigned index;
} ParseBus;

/* The card of a -net nic. */
typedef struct ParseNic {
        const char *vlan; /* its hub */
        size_t index;     /* of the <interface> */
        bool connected;
} ParseNic;

struct Parse {
        Domain *d;
        Domain *scrap; /* what was begun and is not understood */
        Items items;
        Diag *diag;
        ParsePhase phase;
        ParseBus *buses; /* owned */
        size_t n_buses;
        unsigned floppy_boot[2];
        Item *floppy_item[2]; /* what said so */
        bool mmio; /* the device that is parsed is on virtio's own bus */
        const char *redirection; /* the filter of the first redirected USB device */
        unsigned n_redirections;
        bool claimed[2][DISKS_MAX]; /* numbers of disks in ids: of USB, of virtio */
        ParseNic nics[32];
        size_t n_nics;
        bool no_defaults, no_acpi, usb;
        bool accel_said; /* by -accel: further ones are for where the first one does not work */
};

/* --- rows of properties --- */

typedef enum PropKind {
        PROP_STRING = 1, /* char * */
        PROP_UINT,       /* OptUint */
        PROP_UINT64,      /* OptU64 */
        PROP_TRISTATE,   /* on, off → Tristate */
        PROP_FLAG,       /* on → bool */
        PROP_ENUM,       /* → enum */
        PROP_KIB,        /* bytes → OptUint in KiB */
        PROP_MIB_KIB,    /* MiB → OptUint in KiB */
        PROP_IS,         /* it must be that: what QEMU is told in any case */
        PROP_ANY,        /* it follows from something else */
} PropKind;

typedef struct PropRow {
        const char *name;
        PropKind kind;
        size_t offset;
        const StringTable *words;
        const char *word; /* PROP_IS */
} PropRow;

#define PROP(name_, kind_, object, field) { .name = name_, .kind = kind_, .offset = offsetof(object, field) }
#define PROP_WORDS(name_, object, field, table) { .name = name_, .kind = PROP_ENUM, .offset = offsetof(object, field), .words = &table##_table }
#define PROP_MUST(name_, word_) { .name = name_, .kind = PROP_IS, .word = word_ }
#define PROP_REST(name_) { .name = name_, .kind = PROP_ANY }
#define PROPS_END {}

/* Puts the values of I that have a row into OBJECT, and marks them. 0 or -ENOMEM. */
int props_apply(Item *i, const PropRow *rows, void *object);
/* "iommu_platform" and the other options of virtio's transport. */
int props_virtio(Item *i, VirtioOptions *o);

/* id, bus, addr, multifunction, bootindex, rom. 0: understood so far; 1: its bus is not part of the model. */
int parse_info(Parse *p, Item *i, DeviceInfo *info);
/* The controller whose id stands before the last dot of a bus; NULL: none. *ret_number: what stands behind. */
const ParseBus *parse_bus(const Parse *p, const char *bus, ControllerType type, unsigned *ret_number);
int parse_add_bus(Parse *p, const char *id, ControllerType type, unsigned index);

/* The end of a device: 0 when all of it is part of the model; else its element goes to the scraps, and 1. */
#define PARSE_FINISH(p, i, list)                                                                  \
        ({                                                                                        \
                int _r = 0;                                                                       \
                if (!item_is_used_up(i)) {                                                        \
                        _r = ARRAY_GROW((p)->scrap->list, (p)->scrap->n_##list) ? 1 : -ENOMEM;    \
                        if (_r > 0)                                                               \
                                (p)->scrap->list[(p)->scrap->n_##list++] = (p)->d->list[--(p)->d->n_##list]; \
                }                                                                                 \
                _r;                                                                               \
        })
/* A new element of LIST, zeroed; NULL when memory is out. */
#define PARSE_ADD(p, list)                                                                        \
        (ARRAY_GROW((p)->d->list, (p)->d->n_##list)                                               \
                 ? (memset((p)->d->list + (p)->d->n_##list, 0, sizeof((p)->d->list[0])), (p)->d->list + (p)->d->n_##list++) \
                 : NULL)

/* --- the families --- */

typedef struct Driver Driver;
struct Driver {
        const char *name; /* of -device */
        int (*parse)(Parse *p, Item *i, const Driver *d, const char *suffix);
        int value, second; /* of the family's enums */
        bool generations;  /* "-transitional" and "-non-transitional" go with it: that is the suffix */
};

/* A model's word with the generation behind it; negative: none. */
int parse_generation(const StringTable *words, const char *base, const char *suffix);
/* What every device has: driver, id, its place, the order to boot in. 0: go on. */
int parse_common(Parse *p, Item *i, DeviceInfo *info);

int parse_device(Parse *p, Item *i);  /* -device: a table of drivers */
int parse_disk(Parse *p, Item *i, int bus, const char *suffix); /* bus: DiskBus; suffix: of the driver's generation */
int parse_controller(Parse *p, Item *i, const char *driver);
bool is_controller(const char *driver);
int parse_interface(Parse *p, Item *i, const char *driver);
int parse_char_device(Parse *p, Item *i, const char *driver);
bool is_char_device(const char *driver);
int parse_drive(Parse *p, Item *i);
/* Finds the numbers that the ids of disks have. */
void parse_disk_claims(Parse *p);
/* A node that has no other below it, the keys that are its driver's own. 0: understood; 1: not. */
int parse_storage(Item *i, DiskSource *s);
/* What -drive file= and the options before it take: a path or an address. 0: understood; 1: not. */
int parse_file_name(const char *file, DiskSource *s);
int parse_old_disk(Parse *p, Item *i);
int parse_net(Parse *p, Item *i);
int parse_nic(Parse *p, Item *i);
void parse_net_done(Parse *p);
int parse_old_char(Parse *p, Item *i);
int parse_word(Parse *p, Item *i); /* -vga, -usbdevice and others that are one word for a device */
int parse_vnc(Parse *p, Item *i);
int parse_spice(Parse *p, Item *i);
int parse_display(Parse *p, Item *i);
int parse_full_screen(Parse *p, Item *i);
int parse_audio(Parse *p, Item *i);
int parse_sound(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_vfio(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_usb_host(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_vhost_scsi(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_9p(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_virtiofs(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_redirdev(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_smartcard(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_shmem(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_crypto(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_memory_module(Parse *p, Item *i, const Driver *d, const char *suffix);
int parse_speaker(Parse *p, Item *machine);
/* The host's end of a character device; ALIAS: what the device is called; SPICE: its name where it ends in a viewer.
 * 0: all of it is understood. */
int parse_source(Item *chardev, CharSource *s, const char *alias, const char *spice);
/* The <iothread> that an item names: marked as used when it is part of the model. */
void parse_iothread(const Parse *p, Item *i, OptUint *ret);
/* "1024" is in units of 1 << SHIFT, "1G", "1.5G", "0x40000000", "524288k". S may be NULL. */
bool parse_size(const char *s, unsigned shift, uint64_t *ret);
/* "audio1" → 1. */
bool parse_audio_id(const char *id, unsigned *ret);
int parse_machine(Parse *p, Item *i);
int parse_accel(Parse *p, Item *i);
int parse_enable_kvm(Parse *p, Item *i);
int parse_cpu(Parse *p, Item *i);
int parse_memory(Parse *p, Item *i);
int parse_numa(Parse *p, Item *i);
int parse_ram(Parse *p, Item *machine);
void parse_memory_done(Parse *p);
void parse_iothreads_done(Parse *p);
int parse_smp(Parse *p, Item *i);
int parse_rtc(Parse *p, Item *i);
int parse_localtime(Parse *p, Item *i);
int parse_boot(Parse *p, Item *i);
int parse_global(Parse *p, Item *i);
int parse_object(Parse *p, Item *i);
int parse_no_hpet(Parse *p, Item *i);
int parse_no_acpi(Parse *p, Item *i);
int parse_path_option(Parse *p, Item *i); /* -kernel, -initrd, -append, -dtb, -bios */
int parse_watchdog(Parse *p, Item *i);
/* qemu-parse-default.c: what QEMU has, and a definition has not, unless something is said; and the other way. */
int parse_defaults(Parse *p);
/* The card of "-net nic" on this machine; NULL: not known. */
const char *parse_default_nic(const Parse *p);
/* The architecture that the emulator's name says; ARCH_UNSET: one that is not known. */
Arch parse_emulator_arch(const char *emulator);
int parse_timer(Parse *p, TimerName name, DomainTimer **ret);
