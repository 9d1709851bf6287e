/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"
#include "qemu-caps.h"
#include "qemu-fd.h"
#include "qemu-helper.h"

/* The command line of QEMU, made by an ordered table of emitters whose order is that of the arguments. */

typedef enum QemuArgvMode {
        QEMU_ARGV_WIRED = 1, /* what runs: everything that is opened is a descriptor, listed in `fds` */
        QEMU_ARGV_NATIVE,    /* what a person can read or run by hand: with paths; `fds` is for nothing */
} QemuArgvMode;

typedef struct QemuArgv {
        char **argv, **env; /* owned; argv[0] is the emulator; env is "NAME=VALUE" */
        PlanFd *fds;        /* owned; numbers ascend from PLAN_FD_FIRST */
        size_t n_fds;
        PlanHelper *helpers; /* owned; in the order in which they start */
        size_t n_helpers;
        bool has_agent;     /* there is a PLAN_FD_PAIR called QEMU_FD_AGENT … */
        char *agent_channel; /* owned: … for the device of this name */
        char *vnc_id;       /* owned: the display that takes clients from the monitor; NULL: none */
        char **links_down;  /* owned: aliases of interfaces whose link the monitor takes down first */
        bool places_threads; /* QEMU chooses the CPUs of its own threads */
} QemuArgv;

#define QEMU_FD_AGENT "agent"
#define QEMU_FD_DUMP "dump"
#define QEMU_FD_NOTIFY "guest-notify"
#define QEMU_FD_NVRAM "pflash1"
#define QEMU_FD_VNC "vnc"
#define QEMU_FD_VNC_PASSWORD "vnc-password"
#define QEMU_FD_SPICE "spice"
#define QEMU_FD_DBUS "dbus"
#define QEMU_FD_SPICE_TLS "spice-tls"
#define QEMU_FD_SPICE_PASSWORD "spice-password"

/* DOMAIN must be effective (qemu_domain_complete()). RUNTIME_DIR is the VM's directory below /run, for
 * sockets that have no path of the user's. 0 or negative errno with the reasons in DIAG. */
int qemu_argv_new(const Domain *d, const QemuCaps *caps, const HostFacts *facts, QemuArgvMode mode,
                  const char *runtime_dir, Diag *diag, QemuArgv *ret);
void qemu_argv_done(QemuArgv *a);
#define _cleanup_qemu_argv_ _cleanup_(qemu_argv_done)
