/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* The launch record: what the supervisor executes, written by the prepare step (src/plan/plan-launch.c) into a
 * sealed memfd. NUL-terminated "key=value" strings, the first one "version=1":
 *
 *   name=web                the VM's name, for messages
 *   emulator=/usr/bin/…     the file to execute
 *   arg=… (many)            QEMU's arguments, argv[0] first
 *   env=K=V (many)          QEMU's whole environment
 *   fd=12:disk-vda (many)   the descriptor `disk-vda` of the fd store becomes 12 in QEMU
 *   pair=13:agent (many)    one end of a new socket pair becomes 13 in QEMU, the other goes to the monitor
 *   monitor-fd=vnc (many)   this descriptor of the fd store goes to the monitor under its name
 *   helper=tpm0:/usr/bin/swtpm (many)  a process beside QEMU, which starts before it, in this order; what follows is the
 *                           last helper's …
 *   helper-arg=… (many)     … arguments, argv[0] first
 *   helper-fd=10:key (many) … descriptor of the fd store
 *   helper-pair=11:tpm (many)  … end of a pair that QEMU has the other one of: the monitor does not get it
 *   helper-directory=NAME   … working directory, a descriptor of the fd store
 *   helper-allow=spawn (many)  … exception from the filter of system calls
 *   helper-ends=yes         … it does its work and ends, before the next one starts
 *   label=CONTEXT           QEMU's SELinux context; absent: what the policy makes of it
 *   profile=vmunit-web      the profile of AppArmor that this process and all others of the unit must have
 *   allow=io_uring (many)   QEMU may use what the filter of system calls refuses otherwise (seccomp-filter.h)
 *   unit=yes                it runs in a unit of its own: QEMU must not have capabilities …
 *   cap=SYS_RAWIO (many)    … but this one
 *   session=yes             it has the uid of a user with other processes: QEMU has no way to their sockets
 *   stop-timeout-ms=90000   the unit's TimeoutStopSec; absent: none
 *   monitor=/usr/libexec/…  another program than the installed monitor (tests)
 */
typedef struct LaunchFd {
        unsigned number;  /* in QEMU */
        const char *name; /* in the record */
        bool pair;
        bool helper; /* a pair: the other end is a helper's */
} LaunchFd;

typedef struct LaunchHelper {
        const char *name, *program;
        const char *directory; /* NULL: the root directory */
        char **argv;           /* the array is owned, the strings are not */
        size_t n_argv;
        LaunchFd *fds;         /* owned; `number` is that in the helper */
        size_t n_fds;
        unsigned allow;        /* SeccompAllow */
        bool ends;
} LaunchHelper;

#define LAUNCH_HELPERS_MAX 34U /* PLAN_HELPERS_MAX, and two that work before they begin */

typedef struct Launch {
        char *record; /* owned; everything below points into it */
        const char *name, *emulator, *monitor;
        const char *label; /* NULL: none */
        const char *profile; /* NULL: whatever it is */
        char **argv, **env; /* the arrays are owned, the strings are not */
        size_t n_argv, n_env;
        LaunchFd *fds; /* owned */
        size_t n_fds;
        LaunchHelper *helpers; /* owned */
        size_t n_helpers;
        const char **monitor_fds; /* owned array */
        size_t n_monitor_fds;
        uint64_t stop_timeout_usec; /* UINT64_MAX: none */
        unsigned allow;        /* SeccompAllow */
        bool unit, session;
        uint64_t capabilities; /* 1 << CAP_… */
} Launch;

#define LAUNCH_MAX (4U * 1024U * 1024U)
#define LAUNCH_FD_NUMBER_MAX 1023U
/* The QMP socket pair is in every record by implication: QEMU's end is this number, the monitor's name "qmp". */
#define LAUNCH_FD_QMP 3U

/* Takes RECORD (SIZE bytes, malloc'ed) over, also on failure. 0, -EBADMSG or -ENOMEM. */
int launch_parse(char *record, size_t size, Launch *ret);
void launch_done(Launch *l);
#define _cleanup_launch_ _cleanup_(launch_done)
