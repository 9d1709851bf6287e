/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* QEMU opens nothing itself: what an emitter needs from the host it registers as a PlanFd, and refers to it
 * by the descriptor's number or by /dev/fdset/N. The plan (plan.h) hands the list on to the prepare step. */

/* How the prepare step (root) or the supervisor (sockets between processes) gets hold of a descriptor. */
typedef enum PlanFdKind {
        PLAN_FD_FILE = 1,  /* open(path), flags from writable/append/create */
        PLAN_FD_COPY,      /* content of path copied into a sealed memfd: what QEMU must open by a path */
        PLAN_FD_TAP,       /* a tap with IFF_VNET_HDR; ifname, bridge */
        PLAN_FD_MACVTAP,   /* the same on a network device of the host's: ifname, device, mode */
        PLAN_FD_VHOST_NET, /* /dev/vhost-net */
        PLAN_FD_LISTEN,    /* a listening socket: path (unix) or host+service (tcp) */
        PLAN_FD_LISTEN_VSOCK, /* a listening socket for the guest, by AF_VSOCK */
        PLAN_FD_CONNECT,   /* a connected socket: path (unix) or host+service (tcp) */
        PLAN_FD_SOCKET,    /* the socket at path itself: QEMU connects with it, and with nothing else, as /proc/self/fd/NUMBER */
        PLAN_FD_SECRET,    /* a sealed memfd with a password in it: `secret`, or what `credential` holds */
        PLAN_FD_FOLDER,    /* a mount of the directory `path`, of which QEMU sees nothing but what is in it */
        PLAN_FD_MEMORY,    /* a file that memory is mapped from, `size` bytes of it: path; NULL: one without a name */
        PLAN_FD_OVERLAY,   /* an empty qcow2 image without a name, to lie over the image at path, which has `format` */
        PLAN_FD_PAIR,      /* made by the supervisor: QEMU's end; the other is the monitor's, as `name`, or a helper's */
        PLAN_FD_DIRECTORY, /* a directory of the machine's own below its durable state, made when it is not there: the VM's
                            * user owns it and what is in it, and reaches it by this descriptor alone, which is of a mount
                            * of it: nothing leads out */
} PlanFdKind;
/* "file", "copy", "tap", "macvtap", "vhost-net", "listen", "listen-vsock", "connect", "socket", "secret", "memory", "overlay", "folder", "pair", "directory" */
DECLARE_STRING_TABLE(plan_fd_kind, PlanFdKind);

typedef enum PlanFdUser {
        PLAN_USER_QEMU = 1, /* at descriptor `number` in QEMU */
        PLAN_USER_MONITOR,  /* found by name in the monitor */
        PLAN_USER_HELPER,   /* at descriptor `number` in the process `helper` (qemu-helper.h) */
} PlanFdUser;
DECLARE_STRING_TABLE(plan_fd_user, PlanFdUser); /* "qemu", "monitor", "helper" */

/* What a file is marked with while its machine runs (SELinux). */
typedef enum Labelling {
        LABELLING_NONE,    /* it is left alone */
        LABELLING_IMAGE,   /* the machine's own */
        LABELLING_SHARED,  /* several machines write to it */
        LABELLING_CONTENT, /* several machines read it */
} Labelling;

/* A limit of bandwidth in the definition's units, kB/s and KiB. No average: there is none. */
typedef struct PlanLimit {
        uint64_t average, peak, burst;
} PlanLimit;

typedef struct PlanFd {
        char *name; /* owned; unique; [a-zA-Z0-9._-]: the name in the fd store: "disk-vda", "tap-net0" */
        PlanFdKind kind;
        PlanFdUser user;
        unsigned number; /* descriptor in QEMU, from PLAN_FD_FIRST on (but see emit_copy_at()), as it stands in argv */
        int fdset;       /* n: QEMU reaches it as /dev/fdset/n; -1: by number */
        char *helper;    /* owned: whose it is; PAIR: who has the other end, at descriptor … */
        unsigned helper_number; /* … with this number */
        char *path;      /* owned */
        char *inside;    /* owned; FOLDER, DIRECTORY: its path in its file system, as far as it has been opened */
        char *template;  /* owned; FILE: what it is made from when it is not there yet */
        char *element;   /* owned: what in the definition asks for it, for messages: "disk vda" */
        SrcLoc loc;
        bool writable, read_only_image, append, create, block_device;
        bool persistent;  /* DIRECTORY: it stays when a transient machine ends */
        bool may_miss;    /* COPY: there is no descriptor if there is no such file */
        Labelling labelling; /* FILE; until there is a label, or none */
        char *label;         /* owned; FILE: the context it gets; NULL: the one it has */
        bool certificate; /* COPY: of X.509, which must be valid now */
        bool fifo;        /* FILE: a named pipe */
        /* FILE, MEMORY: QEMU opens it once more, as /proc/self/fd/NUMBER, so the machine's user must be allowed to. */
        bool reopened;
        char *link;       /* owned; … and this link in the runtime directory leads there; NULL: none */
        uint64_t size;    /* MEMORY, in bytes */
        DiskFormat format; /* OVERLAY: of what is below it */
        bool char_device; /* a character device; FILE: neither a regular file nor a block device */
        bool exclusive;   /* FILE: no other machine has it at the same time */
        char *secret;     /* owned; SECRET: the password. It is in no written form of the plan. */
        char *credential; /* owned; SECRET: what it is kept as (src/host/credential.h); NULL: it is `secret` */
        char *guest_name; /* owned; SECRET: it is the guest's credential of this name … */
        bool smbios;      /* … as a string for SMBIOS, not as it is */
        /* tap and macvtap */
        char *ifname; /* owned; NULL: the kernel's first free vnetN or macvtapN */
        char *bridge; /* owned; NULL: none */
        uint8_t mac[6]; /* the guest's; the tap's own is fe:… */
        OptUint mtu;
        bool managed_tap; /* make it and remove it; false: an existing one of the administrator */
        unsigned queues;
        char *device;       /* owned; macvtap: the device of the host's that it is on … */
        DirectMode mode;    /* … and how those on it see each other */
        bool isolated;      /* the bridge lets it speak to ports only that are not */
        bool openvswitch;   /* the bridge is one of Open vSwitch … */
        char **port;        /* owned: … and this is what its port is given: "tag=42" … */
        char **external_ids; /* owned: … and the port's interface: "iface-id=…" */
        PlanLimit inbound, outbound; /* what the guest receives and sends */
        OptUint coalesce;   /* packets until an interrupt */
        char **addresses;   /* owned: of the host's end: "192.0.2.1/24", "192.0.2.1/32 peer 192.0.2.2" */
        char **routes;      /* owned: "198.51.100.0/24 via 192.0.2.9 metric 3" */
        char *script, *downscript; /* owned: run with the interface's name */
        /* tcp; `service` is a decimal port, or "5900+" for the first free one from 5900 on */
        char *host, *service; /* owned */
} PlanFd;

/* Frees what FD owns and leaves {} behind. */
void plan_fd_done(PlanFd *fd);

#define PLAN_FD_QMP 3U    /* QEMU's end of the QMP socket pair */
#define PLAN_FD_FIRST 10U /* the first of the others: room for stdio and what the C library opens */
#define PLAN_FD_MAX 512U
