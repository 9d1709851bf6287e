/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-audio.h"
#include "domain-char.h"
#include "domain-controller.h"
#include "domain-cpu.h"
#include "domain-device.h"
#include "domain-disk.h"
#include "domain-filesystem.h"
#include "domain-graphics.h"
#include "domain-first-boot.h"
#include "domain-hostdev.h"
#include "domain-interface.h"
#include "domain-machine.h"
#include "domain-metadata.h"
#include "domain-redirect.h"
#include "domain-os.h"
#include "domain-places.h"
#include "domain-platform.h"
#include "domain-tune.h"
#include "domain-sysinfo.h"

/* The model of a virtual machine: what libvirt's domain XML can say (https://libvirt.org/formatdomain.html),
 * as structs. Conventions, so that {} is "nothing was written":
 *   - strings are owned and NULL when absent; enums are 0 (X_UNSET) when absent;
 *   - numbers that may be absent are OptUint or OptU64; sizes are in bytes unless said otherwise;
 *   - lists are {pointer, n_pointer}, owned, grown with ARRAY_GROW();
 *   - every struct that is an element of its own begins with the SrcLoc of that element.
 * The parts stand in headers by family: domain-disk.h, domain-interface.h, ….
 * The model is what the user wrote until domain_complete() has filled in what libvirt would have. */

struct Domain {
        SrcLoc loc;
        DomainType type;
        bool made_up; /* HostFacts.made_up: it has what was written, and no device that an emulator would add */
        OptUint id; /* written by libvirt into the XML of a running domain; read and forgotten */
        char *name;
        SrcLoc name_loc, title_loc, vcpu_loc, iothreads_loc, partition_loc, on_poweroff_loc, on_reboot_loc, on_crash_loc;
        bool has_uuid;
        uint8_t uuid[16];
        bool has_genid;        /* <genid> was written … */
        bool has_genid_value;  /* … and not empty */
        uint8_t genid[16];
        char *title, *description;
        char *metadata; /* the <metadata> element as it was written, verbatim … */
        DomainReady ready; /* … and what in it is vmunit's own */
        DomainHostShutdown host_shutdown;
        DomainAfter *afters;
        size_t n_afters;
        DomainCredential *credentials;
        size_t n_credentials;
        DomainCloudInit cloud_init;

        uint64_t memory;         /* bytes, mandatory */
        SrcLoc memory_loc;
        OptU64 current_memory;   /* bytes */
        OptU64 max_memory;       /* bytes: with what may be plugged in */
        SrcLoc max_memory_loc;
        OptUint memory_slots;
        Tristate dump_core;
        MemoryBacking memory_backing;
        OptUint vcpus;           /* the maximum; 1 when absent */
        OptUint current_vcpus;
        bool has_vcpu_cpuset;
        NumberSet vcpu_cpuset;
        VcpuPlacement vcpu_placement;
        DomainVcpu *vcpu_list; /* none, or after domain_complete() all of them by ID */
        size_t n_vcpu_list;
        OptUint iothreads;
        DomainIothread *iothread_ids; /* none (they are 1 to `iothreads`), or after domain_complete() all of them */
        size_t n_iothread_ids;
        DomainIothread default_iothread; /* QEMU's main loop; line 0: nothing is said about it */
        DomainCputune cputune;
        DomainNumatune numatune;
        DomainMemtune memtune;
        DomainBlkiotune blkiotune;

        DomainSysinfo *sysinfos;
        size_t n_sysinfos;

        DomainOs os;
        DomainFeatures features;
        DomainCpu cpu;
        DomainClock clock;
        LifecycleAction on_poweroff, on_reboot, on_crash;
        LockfailureAction on_lockfailure; /* there is no lock manager, so it never happens */
        Tristate suspend_to_mem, suspend_to_disk; /* <pm> */
        char *partition; /* <resource><partition> */

        char *emulator;
        DomainDisk *disks;
        size_t n_disks;
        DomainController *controllers;
        size_t n_controllers;
        DomainFilesystem *filesystems;
        size_t n_filesystems;
        DomainInterface *interfaces;
        size_t n_interfaces;
        DomainChar *chars; /* serial, parallel, console and channel, in the order of the file */
        size_t n_chars;
        DomainSmartcard *smartcards; /* one at most */
        size_t n_smartcards;
        DomainInput *inputs;
        size_t n_inputs;
        DomainGraphics *graphics;
        size_t n_graphics;
        DomainSound *sounds;
        size_t n_sounds;
        DomainAudio *audios;
        size_t n_audios;
        DomainVideo *videos;
        size_t n_videos;
        DomainRedirdev *redirdevs;
        size_t n_redirdevs;
        DomainRedirfilter *redirfilters; /* one at most */
        size_t n_redirfilters;
        DomainHostdev *hostdevs;
        size_t n_hostdevs;
        DomainVsock *vsocks; /* one at most */
        size_t n_vsocks;
        DomainShmem *shmems;
        size_t n_shmems;
        DomainCrypto *cryptos;
        size_t n_cryptos;
        DomainBalloon *balloons; /* one at most */
        size_t n_balloons;
        DomainRng *rngs;
        size_t n_rngs;
        DomainPanic *panics;
        size_t n_panics;
        DomainWatchdog *watchdogs;
        size_t n_watchdogs;
        DomainMemory *memories;
        size_t n_memories;
        DomainHub *hubs;
        size_t n_hubs;
        DomainIommu *iommus; /* one at most */
        size_t n_iommus;

        DomainTpm *tpms; /* one at most */
        size_t n_tpms;

        DomainSeclabel *seclabels;
        size_t n_seclabels;

        DomainPlaces places; /* where devices were at the last start; empty where that is of no interest */

        QemuArg *qemu_args;
        size_t n_qemu_args;
        QemuEnv *qemu_env;
        size_t n_qemu_env;
        QemuCapability *qemu_caps_added, *qemu_caps_deleted; /* kept; the emulator is asked itself */
        size_t n_qemu_caps_added, n_qemu_caps_deleted;
        QemuOverride *qemu_overrides;
        size_t n_qemu_overrides;
        QemuDeprecation qemu_deprecation;
};

/* NULL when memory is out. */
Domain *domain_new(void);
/* Takes away what a start has chosen of the labels of D: what LIKE, its definition, does not say. */
void domain_forget_labels(Domain *d, const Domain *like);
/* The labels of FROM, which is left without, instead of D's own. */
void domain_take_seclabels(Domain *d, Domain *from);
/* Frees the domain and all it owns; takes NULL; returns NULL. */
Domain *domain_free(Domain *d);
DEFINE_CLEANUP(Domain *, domain_free)
/* Frees what the source owns and leaves {}. */
void char_source_done(CharSource *s);

/* Calls FUNC for every device, whatever it is. */
void domain_for_devices(Domain *d, void (*func)(DeviceInfo *info, void *userdata), void *userdata);

/* Drops what libvirt adds to every definition of its own accord and leaves out where another host shall read it
 * (virsh dumpxml --migratable): the USB and the PCI controller on an i440fx board, the PS/2 keyboard, the sound
 * that goes nowhere or to the display. They come back when the definition is completed. */
void domain_drop_implicit(Domain *d);

/* Calls FUNC for the host's end of every device that has one. 0, or what the first FUNC that fails returns. */
int domain_for_sources(const Domain *d, int (*func)(const CharSource *s, SrcLoc loc, void *userdata), void *userdata);

/* Forgets the aliases that are not the user's ("ua-…"): those of a running VM are derived anew at each start, so
 * that a dump of it can be defined again, as with libvirt. */
void domain_forget_aliases(Domain *d);

/* Whether the definition has something that others must not read: a password, or cookies for a web server. */
bool domain_holds_secret(const Domain *d) _pure_;

/* The place LOC of an element, or of the domain when it was not written. */
static inline SrcLoc domain_loc_or(const Domain *d, SrcLoc loc) {
        return loc.line > 0 ? loc : d->loc;
}

/* Bytes in memory modules: the part of d->memory that the machine is not built with. */
uint64_t domain_module_memory(const Domain *d) _pure_;

/* --- virtual CPUs and I/O threads: domain-tune.c --- */

unsigned domain_written_vcpus(const Domain *d) _pure_; /* also more than there can be */
/* Whether the guest's memory may become a file by itself: when it crashes or when its watchdog fires. */
bool domain_dumps(const Domain *d) _pure_;
bool domain_watchdog_dumps(const Domain *d) _pure_;
/* Whether a disk's requests go to the kernel by io_uring. */
bool domain_has_io_uring(const Domain *d) _pure_;
/* The most memory it can have, in bytes. */
uint64_t domain_most_memory(const Domain *d) _pure_;
unsigned domain_max_vcpus(const Domain *d) _pure_;
unsigned domain_current_vcpus(const Domain *d) _pure_;
bool domain_vcpu_enabled(const Domain *d, unsigned id) _pure_;
unsigned domain_count_iothreads(const Domain *d) _pure_;
/* The number of the Ith. */
unsigned domain_iothread_id(const Domain *d, unsigned i) _pure_;
bool domain_has_iothread(const Domain *d, unsigned id) _pure_;
/* What <iothreadids> says of one, or NULL. */
const DomainIothread *domain_find_iothread(const Domain *d, unsigned id) _pure_;
/* Where a thread is pinned to, or NULL. */
const NumberSet *thread_pin_cpus(const ThreadPin *pins, size_t n, unsigned id) _pure_;

/* Checks what a single element cannot know: combinations, uniqueness, ranges, what is not supported yet. An
 * ordered list of checks; all of them run, so all problems are in DIAG. 0 or -EINVAL. */
int domain_validate(const Domain *d, Diag *diag);
/* What only root can do, for a machine that is not root's. 0, or -EPERM with everything in DIAG. */
int domain_check_session(const Domain *d, Diag *diag);
/* A part of domain_validate(), for when a start has brought credentials of its own. */
int domain_check_notify_credential(const Domain *d, Diag *diag);

/* Puts the controllers in the order in which libvirt keeps them: by index within a type. */
void domain_sort_controllers(Domain *d);
/* Back into the order in which they were before they all had an index: so libvirt gives addresses out. */
void domain_unsort_controllers(Domain *d);
/* Sorts them for good, when they all have an address. */
void domain_settle_controllers(Domain *d);

typedef struct HostFacts HostFacts;

/* Where clients of a display are waited for. */
typedef struct Listening {
        const char *socket;  /* a path; NULL: by TCP, on … */
        const char *address;
        int port;
        bool tls;            /* the port for it, of two */
} Listening;

/* What was chosen when the domain was started, for the description of what runs. 0 or -ENOMEM. */
int domain_set_listening(Domain *d, GraphicsType type, const Listening *l);
/* The next start chooses anew. */
void domain_forget_ports(Domain *d);

/* Fills in what libvirt fills in and does not depend on the emulator: UUID and MACs (derived from machine-id,
 * name and position, so they stay the same), vCPU count, defaults of the life cycle, clock, buses from target
 * names ("vda" is virtio, "sda" scsi or sata, "hda" ide), console ⇄ serial, balloon. 0 or negative errno. */
int domain_complete(Domain *d, const HostFacts *facts, Diag *diag);
