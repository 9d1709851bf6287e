/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "firmware.h"
#include "macro.h"
#include "vmunit-config.h"

/* One image of a chain of backing files, as the prepare step found it; [0] is the disk's own image. */
typedef struct DiskImage {
        char *path; /* owned, absolute */
        DiskFormat format;
        bool block_device;
        bool is_part; /* a partition or logical volume: not a SCSI unit, but on one */
} DiskImage;

typedef struct DiskChain {
        char *target_dev; /* owned: "vda" */
        DiskImage *images; /* owned */
        size_t n_images;
        /* The last so many: one that the definition names, and what only headers say is behind it. 0 when the definition
         * says, or nobody can, where the chain ends. */
        size_t n_unwritten;
        bool is_open; /* the last image is elsewhere, and may be backed by another */
} DiskChain;

typedef struct HostPool {
        uint64_t size, free; /* of one page, in bytes; how many pages are free */
} HostPool;

typedef struct HostNode {
        unsigned id;
        NumberSet cpus;
        uint64_t memory, free; /* bytes */
        HostPool *pools;       /* owned; of huge pages */
        size_t n_pools;
} HostNode;

typedef enum HostControllers {
        CONTROLLER_CPU = 1 << 0,
        CONTROLLER_CPUSET = 1 << 1,
        CONTROLLER_MEMORY = 1 << 2,
        CONTROLLER_IO = 1 << 3,
} HostControllers;

/* What there is to give to VMs, at this moment. */
typedef struct HostResources {
        bool known;      /* somebody has looked */
        NumberSet cpus;  /* online */
        HostNode *nodes; /* owned; NUMA nodes with memory, by number */
        size_t n_nodes;
        HostControllers controllers; /* of cgroups */
} HostResources;

void host_resources_done(HostResources *r);
#define _cleanup_host_resources_ _cleanup_(host_resources_done)
const HostNode *host_resources_node(const HostResources *r, unsigned id);

/* SELinux, as this machine's policy has it. */
typedef struct SelinuxFacts {
        bool enabled, enforcing;
        bool has_module; /* vmunit's part of the policy is loaded */
        /* Contexts, owned: of QEMU under KVM and without, of images, of what is only read by several. */
        char *process, *process_emulated, *image, *content;
        NumberSet categories; /* of which every machine gets two */
} SelinuxFacts;

void selinux_facts_done(SelinuxFacts *s);

/* AppArmor. */
typedef struct ApparmorFacts {
        bool enabled;
        bool has_parser; /* what turns a profile into the kernel's form is installed */
} ApparmorFacts;

/* What pure code may know of the host. It is gathered by src/host, or is a constant in a test. */
typedef struct HostFacts {
        Arch arch;
        bool session; /* not root's: machines run as the user who asks (qemu:///session) */
        bool made_up; /* test:///default: there is no emulator, and nothing runs */
        uint8_t machine_id[16];
        bool has_kvm;
        bool any_processor; /* no processor in particular: what it can do is not looked at */
        bool has_vhost_net;
        SelinuxFacts selinux; /* owned */
        ApparmorFacts apparmor;
        NumberSet numa_nodes; /* with memory, as the machine is built: the generator knows them as well */
        bool lenient; /* vmunit.conf: a start goes on without what the machine does not have of CPUs, nodes and the like */
        DisplayConfig vnc, spice; /* owned; vmunit.conf */
        char *chardev_cert_dir, *nbd_cert_dir; /* owned; vmunit.conf; NULL: where libvirt looks when nothing is said */
        char *user, *group; /* owned; vmunit.conf: of machines that name none; NULL: one of their own each */
        char **devices; /* owned; vmunit.conf: that all machines may use */
        HostShutdown host_shutdown; /* vmunit.conf: of machines that do not say */
        unsigned page_size;
        int utc_offset; /* seconds that local time is ahead of UTC */
        int64_t now; /* seconds since the epoch: a clock that is off by a number of seconds needs it */
        const char *state_dir; /* durable state: a directory for each machine; "/var/lib/vmunit" */
        const char *data_dir; /* what is installed: "/usr/share/vmunit" */
        const char *libexec_dir; /* the same, programs: "/usr/libexec/vmunit" */
        FirmwareList firmwares; /* owned */
        DomainSysinfo *sysinfo; /* owned; the host's SMBIOS tables; NULL: it has none, or nobody looked */
        HostResources resources; /* owned; unknown until the prepare step has looked */
        DiskChain *chains; /* owned; empty until the prepare step has looked */
        size_t n_chains;
} HostFacts;

/* x86_64 with KVM and a fixed machine-id: what the golden tests and `vmunit verify` without --host assume. */
extern const HostFacts host_facts_generic;

/* Does the machine have what the definition asks for? Asked when it is to start, not when it is defined: a
 * definition may be made for another machine, or before a module is loaded. 0 or -ENODEV with the reason in
 * DIAG. */
int host_facts_check(const HostFacts *f, const Domain *d, Diag *diag);

/* What vmunit.conf says; it is taken out of C. */
int host_facts_configure(HostFacts *f, Config *c);

void host_facts_done(HostFacts *f);
/* Only the images: for a copy of facts that belong to somebody else. */
void host_facts_forget_chains(HostFacts *f);

/* Whether KVM on a HOST runs guests of ARCH. */
static inline bool arch_runs_on(Arch arch, Arch host) {
        return arch == host || (arch == ARCH_I686 && host == ARCH_X86_64);
}

/* The default emulator of ARCH: "/usr/bin/qemu-system-x86_64". */
const char *arch_default_emulator(Arch arch);
