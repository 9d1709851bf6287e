/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"
#include "qemu-caps.h"
#include "qemu-fd.h"
#include "qemu-helper.h"
#include "saved-header.h"
#include "thread-plan.h"
#include "unit-properties.h"

/* Everything that will happen when a VM starts, decided beforehand by pure code: what is opened, what is
 * executed, what systemd is told. `vmunit plan` prints it; the prepare step carries it out and freezes it. */

/* What the monitor must know and QEMU cannot tell. */
typedef struct PlanConsole {
        char *alias;   /* owned: "serial0" */
        char *chardev; /* owned: QEMU's id, "charserial0" */
        CharType type;
} PlanConsole;

typedef struct PlanDisplay {
        bool present;
        char *id;       /* owned: which one it is to QEMU; NULL: the only one */
        bool password;  /* there is a PLAN_FD_SECRET called QEMU_FD_VNC_PASSWORD or QEMU_FD_SPICE_PASSWORD */
        char *expires;  /* owned: when the password does, seconds since the epoch; NULL: never */
        char *listener, *tls_listener; /* owned: names of the PlanFds whose clients the monitor hands to QEMU */
} PlanDisplay;

typedef struct Plan {
        char *name, *uuid, *unit, *user, *machine; /* owned; names.h. No user in a session */
        char *runtime; /* owned; in a session: the runtime directory */
        char *title;                 /* owned */
        char *digest;                /* owned: of the definition's text (siphash.h) */
        char *source_path;           /* owned: the definition's file */
        char *emulator;              /* owned: absolute path */
        char *group;                 /* owned: where the definition names one; NULL: the user's own */
        char *label;                 /* owned: QEMU's SELinux context; NULL: none */
        char *file_label;            /* owned: that of its own files and directories; NULL: they stay as they are */
        char *profile;               /* owned: of AppArmor, for all of the unit; NULL: none */
        bool own_profile;            /* it is made of this plan (apparmor-profile.h); else it is the administrator's */
        char **argv, **env;          /* owned; argv[0] is the emulator */
        PlanFd *fds;                 /* owned; in the order in which they are opened */
        size_t n_fds;
        PlanHelper *helpers;         /* owned; in the order in which they start, before QEMU */
        size_t n_helpers;
        UnitProperties properties;   /* owned */
        char **directories; /* owned: made by prepare for the VM's uid, below its runtime directory */

        bool start_paused;
        bool restores;       /* the guest goes on from what was saved (saved-header.h), whose stream the monitor has */
        uint64_t saved_size; /* of the stream, in bytes … */
        char *saved_digest;  /* owned: … and its digest */
        LifecycleAction on_poweroff, on_reboot, on_crash;
        bool watchdog_dumps; /* when the guest's watchdog fires, its memory is dumped */
        bool has_agent; /* there is a PLAN_FD_PAIR named "agent" … */
        char *agent_channel; /* owned: … and this is QEMU's name of the channel's device */
        ReadyWhen ready;
        unsigned guest_cid; /* the guest's address in AF_VSOCK; 0: none, or not chosen yet */
        HostShutdown host_shutdown;
        PlanConsole *consoles; /* owned */
        size_t n_consoles;
        PlanDisplay vnc, spice, dbus;
        char **capabilities;   /* owned: that QEMU has, "SYS_RAWIO"; NULL: none */
        char **devices;        /* owned: that QEMU itself opens */
        char **allow;          /* owned: words for QEMU's filter of system calls (src/supervisor/seccomp-filter.h) */
        char **links_down;     /* owned: aliases of interfaces that start with their cable pulled */
        uint64_t stop_timeout_usec; /* the unit's TimeoutStopSec */
        char *stats_balloon;        /* owned: alias of the balloon whose statistics are asked for, or NULL … */
        uint64_t stats_period;      /* … and every how many seconds */
        uint64_t memory_current;    /* bytes: balloon target, when below the maximum; else 0 */
        ThreadSetting *threads;     /* owned: what each thread is asked for */
        size_t n_threads;
        unsigned *plugged_vcpus;    /* owned: plugged in before the guest starts, in this order */
        size_t n_plugged_vcpus;
} Plan;

/* DOMAIN must be effective (qemu_domain_complete()); what cannot be applied yet is an error. DIGEST is that of the definition's text, SOURCE_PATH its
 * file. 0 or negative errno with the reasons in DIAG. */
int plan_new(const Domain *d, const QemuCaps *caps, const HostFacts *facts, const char *digest,
             const char *source_path, Diag *diag, Plan **ret);
Plan *plan_free(Plan *p);
DEFINE_CLEANUP(Plan *, plan_free)

/* The monitor's descriptor of what a guest is restored from: a file or a pipe, at the place where the stream begins. */
#define PLAN_FD_SAVED "saved"
/* … and what it writes to before the guest goes on from there. */
#define PLAN_FD_SAVED_MARK "saved-mark"
/* What the plan is when the guest goes on from what H describes. 0 or -ENOMEM. */
int plan_restore(Plan *p, const SavedHeader *h);

const PlanFd *plan_find_fd(const Plan *p, const char *name);

/* JSON: what is frozen in /run/vmunit/NAME/plan.json, and what `vmunit plan --json` prints. */
int plan_to_json(const Plan *p, char **ret);
int plan_from_json(const char *json, size_t size, Plan **ret);

/* The launch record; UNIT: for a supervisor in a unit of its own. It says what the supervisor needs, in a form a few lines of C can read without a JSON parser.
 * NUL-terminated "key=value" strings: version, name, emulator, arg, env, fd=NUMBER:NAME (from the fd store),
 * pair=NUMBER:NAME (made by the supervisor), monitor-fd=NAME (from the fd store, for the monitor), helper… (src/supervisor/launch.h),
 * allow and unit. */
int plan_to_launch(const Plan *p, bool unit, char **ret, size_t *ret_size);
