/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain-enums.h"
#include "number-set.h"

/* The model of a virtual machine: what libvirt's domain XML can say (https://libvirt.org/formatdomain.html),
 * as structs. Conventions, so that {} is "nothing was written":
 *   - strings are owned and NULL when absent; enums are 0 (X_UNSET) when absent;
 *   - numbers that may be absent are OptUint or OptU64; sizes are in bytes unless said otherwise;
 *   - lists are {pointer, n_pointer}, owned, grown with ARRAY_GROW();
 *   - every struct that is an element of its own begins with the SrcLoc of that element.
 * The model is what the user wrote until domain_complete() has filled in what libvirt would have. */

typedef struct OptUint {
        bool set;
        unsigned value;
} OptUint;

typedef struct OptU64 {
        bool set;
        uint64_t value;
} OptU64;

#define OPT_UINT(v) ((OptUint) { true, (v) })
#define OPT_U64(v) ((OptU64) { true, (v) })

/* <address>: which of the fields count depends on the type. */
typedef struct DeviceAddress {
        SrcLoc loc;
        AddressType type;
        OptUint domain, bus, slot, function; /* pci; bus also: drive, usb */
        Tristate multifunction;              /* pci */
        OptUint controller, target, unit;    /* drive; controller also: virtio-serial */
        char *port;                          /* usb: "1.2"; virtio-serial: a number */
        OptU64 iobase, irq;                  /* isa */
} DeviceAddress;

/* What every device has. */
typedef struct DeviceInfo {
        SrcLoc loc;
        char *alias; /* "disk0"; the user's own begin with "ua-" */
        DeviceAddress address;
        OptUint boot_order;
        Tristate rom_enabled; /* <rom enabled=> */
        Tristate rom_bar;
        char *rom_file;
} DeviceInfo;

/* --- devices --- */

typedef struct DomainDisk {
        DeviceInfo info;
        DiskType type;
        DiskDevice device;
        char *source_path; /* file= or dev= */
        char *startup_policy;
        char *target_dev; /* "vda": mandatory */
        DiskBus bus;
        Tristate removable;
        OptUint rotation_rate;
        TrayState tray;
        char *driver_name; /* "qemu" */
        DiskFormat format;
        DiskCache cache;
        DiskIo io;
        DiskDiscard discard;
        DiskDetectZeroes detect_zeroes;
        DiskErrorPolicy error_policy, rerror_policy;
        Tristate copy_on_read, event_idx, ioeventfd;
        OptUint queues, queue_size, iothread;
        bool readonly, shareable, transient;
        char *serial, *wwn, *vendor, *product;
        OptUint logical_block_size, physical_block_size;
} DomainDisk;

typedef struct DomainController {
        DeviceInfo info;
        ControllerType type;
        OptUint index;
        char *model; /* words of the type: "pcie-root-port", "qemu-xhci", "virtio-scsi"; see controller-model.h */
        OptUint ports, vectors; /* usb ports=, virtio-serial ports= vectors= */
        OptUint master_startport;
        OptUint queues, cmd_per_lun, max_sectors, iothread; /* scsi <driver> */
        Tristate ioeventfd, event_idx;
        char *pci_model_name; /* <model name='pcie-root-port'>: the QEMU device */
        OptUint chassis, chassis_nr, port, bus_nr, numa_node; /* pci <target> */
        Tristate hotplug;
        OptU64 pcihole64; /* KiB */
} DomainController;

typedef struct DomainInterface {
        DeviceInfo info;
        InterfaceType type;
        bool has_mac;
        uint8_t mac[6];
        char *source_bridge, *source_network, *source_dev;
        char *target_dev; /* name of the tap */
        char *model;      /* "virtio", "e1000e", … as QEMU spells them, with libvirt's aliases */
        char *script;
        char *backend_type; /* <backend type='passt'/> */
        NetDriver driver;
        OptUint queues, rx_queue_size, tx_queue_size;
        Tristate event_idx, ioeventfd;
        LinkState link;
        OptUint mtu;
} DomainInterface;

/* Where a character device ends on the host: shared by serial, console, channel, rng-egd, redirdev … */
typedef struct CharSource {
        CharType type;
        char *path; /* file, pipe, dev, unix, pty (set when running) */
        SocketMode mode;
        char *host, *service; /* tcp, udp */
        char *bind_host, *bind_service; /* udp */
        CharProtocol protocol; /* tcp: raw, telnet … */
        Tristate append;
        char *log_file;
        Tristate log_append;
        char *channel; /* spiceport */
} CharSource;

typedef struct DomainChar {
        DeviceInfo info;
        CharKind kind; /* serial, parallel, console, channel */
        CharSource source;
        CharTarget target_type; /* isa-serial, virtio, serial … */
        OptUint target_port;
        char *target_name; /* channel: "org.qemu.guest_agent.0" */
        char *target_model; /* serial <target><model name=> */
} DomainChar;

typedef struct DomainGraphics {
        SrcLoc loc;
        GraphicsType type;
        int port; /* 0: not given; -1: allocate (autoport) */
        int websocket; /* the same */
        Tristate autoport;
        char *listen; /* the old attribute; equals the first <listen address=> */
        GraphicsListen listen_type;
        char *listen_address, *listen_socket;
        char *socket; /* vnc socket= */
        char *keymap;
        char *password, *password_valid_to;
        VncSharePolicy share_policy;
} DomainGraphics;

typedef struct DomainVideo {
        DeviceInfo info;
        VideoModel model;
        OptUint ram, vram, vgamem, vram64; /* KiB */
        OptUint heads;
        Tristate primary;
        Tristate accel3d;
} DomainVideo;

typedef struct DomainInput {
        DeviceInfo info;
        InputType type;
        InputBus bus;
} DomainInput;

typedef struct DomainBalloon {
        DeviceInfo info;
        BalloonModel model;
        Tristate autodeflate, free_page_reporting;
        OptUint stats_period; /* seconds */
} DomainBalloon;

typedef struct DomainRng {
        DeviceInfo info;
        RngModel model;
        RngBackend backend;
        char *backend_path; /* random: "/dev/random" when absent, as in libvirt */
        OptUint rate_bytes, rate_period; /* bytes per milliseconds */
} DomainRng;

typedef struct DomainPanic {
        DeviceInfo info;
        PanicModel model;
} DomainPanic;

typedef struct DomainWatchdog {
        DeviceInfo info;
        WatchdogModel model;
        WatchdogAction action;
} DomainWatchdog;

/* --- the rest --- */

typedef struct DomainTimer {
        SrcLoc loc;
        TimerName name;
        Tristate present;
        TickPolicy tickpolicy;
        char *track; /* "guest", "wall", "boot" */
        OptU64 frequency;
} DomainTimer;

typedef struct CpuFeature {
        SrcLoc loc;
        CpuPolicy policy;
        char *name;
} CpuFeature;

typedef struct DomainCpu {
        SrcLoc loc; /* line 0: no <cpu> */
        CpuMode mode;
        CpuMatch match;
        CpuCheck check;
        Tristate migratable;
        char *model, *vendor;
        CpuFallback fallback;
        OptUint sockets, dies, cores, threads;
        CpuFeature *features;
        size_t n_features;
} DomainCpu;

typedef struct DomainOs {
        SrcLoc loc;
        OsType type;
        Arch arch;
        char *machine;
        OsFirmware firmware;
        char *loader;
        Tristate loader_readonly, loader_secure, loader_stateless;
        LoaderType loader_type;
        char *nvram, *nvram_template;
        BootDevice *boot;
        size_t n_boot;
        Tristate bootmenu;
        OptUint bootmenu_timeout; /* milliseconds */
        Tristate bios_useserial;
        bool has_reboot_timeout;
        int reboot_timeout; /* milliseconds; -1: never */
        char *kernel, *initrd, *cmdline, *dtb;
        SmbiosMode smbios;
} DomainOs;

typedef struct DomainFeatures {
        SrcLoc loc;
        bool acpi, apic, pae, privnet;
        Tristate hap, apic_eoi, pvspinlock, pmu, vmport, smm, kvm_hidden, hpt;
        char *gic_version;
} DomainFeatures;

typedef struct DomainClock {
        SrcLoc loc;
        ClockOffset offset;
        char *timezone;
        bool has_adjustment;
        int64_t adjustment; /* seconds */
        ClockBasis basis;
        OptU64 start; /* absolute: seconds since the epoch */
        DomainTimer *timers;
        size_t n_timers;
} DomainClock;

/* <qemu:commandline> */
typedef struct QemuEnv {
        SrcLoc loc;
        char *name, *value;
} QemuEnv;

typedef struct QemuArg {
        SrcLoc loc;
        char *value;
} QemuArg;

typedef struct Domain {
        SrcLoc loc;
        DomainType type;
        OptUint id; /* written by libvirt into the XML of a running domain; read and forgotten */
        char *name;
        SrcLoc name_loc;
        bool has_uuid;
        uint8_t uuid[16];
        char *title, *description;
        char *metadata; /* the <metadata> element as it was written, verbatim */

        uint64_t memory;         /* bytes, mandatory */
        SrcLoc memory_loc;
        OptU64 current_memory;   /* bytes */
        OptUint vcpus;           /* the maximum; 1 when absent */
        OptUint current_vcpus;
        bool has_vcpu_cpuset;
        NumberSet vcpu_cpuset;
        VcpuPlacement vcpu_placement;
        OptUint iothreads;

        DomainOs os;
        DomainFeatures features;
        DomainCpu cpu;
        DomainClock clock;
        LifecycleAction on_poweroff, on_reboot, on_crash;
        Tristate suspend_to_mem, suspend_to_disk; /* <pm> */
        char *partition; /* <resource><partition> */

        char *emulator;
        DomainDisk *disks;
        size_t n_disks;
        DomainController *controllers;
        size_t n_controllers;
        DomainInterface *interfaces;
        size_t n_interfaces;
        DomainChar *chars; /* serial, parallel, console and channel, in the order of the file */
        size_t n_chars;
        DomainInput *inputs;
        size_t n_inputs;
        DomainGraphics *graphics;
        size_t n_graphics;
        DomainVideo *videos;
        size_t n_videos;
        DomainBalloon *balloons; /* one at most */
        size_t n_balloons;
        DomainRng *rngs;
        size_t n_rngs;
        DomainPanic *panics;
        size_t n_panics;
        DomainWatchdog *watchdogs;
        size_t n_watchdogs;

        QemuArg *qemu_args;
        size_t n_qemu_args;
        QemuEnv *qemu_env;
        size_t n_qemu_env;
} Domain;

/* NULL when memory is out. */
Domain *domain_new(void);
/* Frees the domain and all it owns; takes NULL; returns NULL. */
Domain *domain_free(Domain *d);
DEFINE_CLEANUP(Domain *, domain_free)
/* Frees what the source owns and leaves {}. */
void char_source_done(CharSource *s);

/* Calls FUNC for every device, whatever it is. */
void domain_for_devices(Domain *d, void (*func)(DeviceInfo *info, void *userdata), void *userdata);

/* Forgets the aliases that are not the user's ("ua-…"): those of a running VM are derived anew at each start, so
 * that a dump of it can be defined again, as with libvirt. */
void domain_forget_aliases(Domain *d);

/* Checks what a single element cannot know: combinations, uniqueness, ranges, what is not supported yet. An
 * ordered list of checks; all of them run, so all problems are in DIAG. 0 or -EINVAL. */
int domain_validate(const Domain *d, Diag *diag);

typedef struct HostFacts HostFacts;

/* Fills in what libvirt fills in and does not depend on the emulator: UUID and MACs (derived from machine-id,
 * name and position, so they stay the same), vCPU count, defaults of the life cycle, clock, buses from target
 * names ("vda" is virtio, "sda" scsi or sata, "hda" ide), console ⇄ serial, balloon. 0 or negative errno. */
int domain_complete(Domain *d, const HostFacts *facts, Diag *diag);
