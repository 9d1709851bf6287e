/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"
#include "qemu-caps.h"
#include "unit-properties.h"

/* Everything that will happen when a VM starts, decided beforehand by pure code: what is opened, what is
 * executed, what systemd is told. `vmunit plan` prints it; the prepare step carries it out and freezes it. */

/* How the prepare step (root) or the supervisor (sockets between processes) gets hold of a descriptor. */
typedef enum PlanFdKind {
        PLAN_FD_FILE = 1,   /* open(path), flags from writable/append/create */
        PLAN_FD_COPY,       /* content of path copied into a sealed memfd: what QEMU insists on opening by a path */
        PLAN_FD_TAP,        /* a tap with IFF_VNET_HDR; ifname, bridge */
        PLAN_FD_VHOST_NET,  /* /dev/vhost-net */
        PLAN_FD_LISTEN,     /* a listening socket: path (unix) or host+service (tcp) */
        PLAN_FD_CONNECT,    /* a connected unix socket: path */
        PLAN_FD_PAIR,       /* made by the supervisor: QEMU's end here, the other end goes to the monitor as `name` */
} PlanFdKind;
DECLARE_STRING_TABLE(plan_fd_kind, PlanFdKind); /* "file", "copy", "tap", "vhost-net", "listen", "connect", "pair" */

typedef enum PlanFdUser {
        PLAN_USER_QEMU = 1, /* at descriptor `number` in QEMU */
        PLAN_USER_MONITOR,  /* found by name in the monitor */
} PlanFdUser;

typedef struct PlanFd {
        char *name; /* owned; unique; [a-zA-Z0-9._-]: the name in the fd store: "disk-vda", "tap-net0" */
        PlanFdKind kind;
        PlanFdUser user;
        unsigned number; /* descriptor in QEMU, from PLAN_FD_FIRST on, as it stands in argv */
        int fdset;       /* n: QEMU reaches it as /dev/fdset/n; -1: by number */
        char *path;      /* owned */
        char *element;   /* owned: what in the definition asks for it, for messages: "disk vda" */
        SrcLoc loc;
        bool writable, read_only_image, append, create, block_device;
        /* tap */
        char *ifname; /* owned; NULL: the kernel's first free vnetN */
        char *bridge; /* owned; NULL: none */
        uint8_t mac[6]; /* the guest's; the tap's own is fe:… */
        OptUint mtu;
        bool managed_tap; /* make it and remove it; false: an existing one of the administrator */
        unsigned queues;
        /* tcp; `service` is a decimal port, or "5900+" for the first free one from 5900 on */
        char *host, *service; /* owned */
} PlanFd;

#define PLAN_FD_QMP 3U    /* QEMU's end of the QMP socket pair */
#define PLAN_FD_FIRST 10U /* the first of the others: room for stdio and what the C library opens */
#define PLAN_FD_MAX 512U

/* What the monitor must know and QEMU cannot tell. */
typedef struct PlanConsole {
        char *alias;   /* owned: "serial0" */
        char *chardev; /* owned: QEMU's id, "charserial0" */
        CharType type;
} PlanConsole;

typedef struct PlanVnc {
        bool present;
        char *id;       /* owned */
        char *password; /* owned */
        char *listener; /* owned: name of the PlanFd whose clients the monitor hands to QEMU */
} PlanVnc;

typedef struct Plan {
        char *name, *uuid, *unit, *user, *machine; /* owned; names.h */
        char *title;                 /* owned */
        char *digest;                /* owned: of the definition's text (siphash.h) */
        char *source_path;           /* owned: the definition's file */
        char *emulator;              /* owned: absolute path */
        char **argv, **env;          /* owned; argv[0] is the emulator */
        PlanFd *fds;                 /* owned; in the order in which they are opened */
        size_t n_fds;
        UnitProperties properties;   /* owned */
        char **directories;          /* owned: made by prepare for the VM's uid, below its runtime directory */

        bool start_paused;
        LifecycleAction on_poweroff, on_reboot, on_crash;
        bool has_agent; /* there is a PLAN_FD_PAIR named "agent" */
        PlanConsole *consoles; /* owned */
        size_t n_consoles;
        PlanVnc vnc;
        uint64_t stop_timeout_usec; /* the unit's TimeoutStopSec */
        uint64_t memory_current;    /* bytes: balloon target, when below the maximum; else 0 */
} Plan;

/* DOMAIN must be effective (qemu_domain_complete()). 0 or negative errno with the reasons in DIAG. */
int plan_new(const Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag, Plan **ret);
Plan *plan_free(Plan *p);
DEFINE_CLEANUP(Plan *, plan_free)

const PlanFd *plan_find_fd(const Plan *p, const char *name);

/* JSON: what is frozen in /run/vmunit/NAME/plan.json, and what `vmunit plan --json` prints. */
int plan_to_json(const Plan *p, char **ret);
int plan_from_json(const char *json, size_t size, Plan **ret);

/* The launch record: what the supervisor needs, in a form a few lines of C can read without a JSON parser.
 * NUL-terminated "key=value" strings: version, name, emulator, arg, env, fd=NUMBER:NAME (from the fd store),
 * pair=NUMBER:NAME (made by the supervisor), monitor-fd=NAME (from the fd store, for the monitor). */
int plan_to_launch(const Plan *p, char **ret, size_t *ret_size);
