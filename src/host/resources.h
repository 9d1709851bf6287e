/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "macro.h"

/* The book of what a start has acquired and what outlives the process that did it: written before or right
 * after each step, read by the cleanup and by the next start, so that a crash at any point leaves nothing for
 * ever. One record a line: "fd NAME", "tap IFINDEX IFNAME",
 * "interface IFINDEX IFNAME", "limits IFINDEX IFNAME", "port IFINDEX IFNAME", "script IFINDEX IFNAME PROGRAM",
 * "socket DEV INO PATH", "label DEV INO PATH", "access DEV INO UID PATH", "machine NAME", "profile NAME". */
typedef enum ResourceKind {
        RESOURCE_FD = 1,
        RESOURCE_TAP,       /* that we made, or a macvtap: it ends with the VM */
        RESOURCE_INTERFACE, /* of the administrator's, that is used */
        RESOURCE_LIMITS,    /* of an interface of the administrator's */
        RESOURCE_PORT,      /* of Open vSwitch */
        RESOURCE_SCRIPT,    /* to be run with the interface's name: "IFNAME PROGRAM" */
        RESOURCE_SOCKET,
        RESOURCE_LABEL,     /* of a file, as the machine needs it */
        RESOURCE_ACCESS,    /* to a file, for the machine's user */
        RESOURCE_MACHINE,   /* registered with systemd-machined */
        RESOURCE_PROFILE,   /* of AppArmor */
} ResourceKind;

typedef struct Resource {
        ResourceKind kind;
        char *name; /* owned: the fd's, interface's or machine's name, the socket's or file's path */
        unsigned ifindex;
        uid_t uid;
        dev_t dev;
        ino_t ino;
} Resource;

typedef struct Resources {
        Resource *items; /* owned */
        size_t n_items;
} Resources;

void resources_done(Resources *r);
#define _cleanup_resources_ _cleanup_(resources_done)

/* Appends one record to the book in DIR_FD. */
int resources_add(int dir_fd, const Resource *r);
/* Reads the book; no book is an empty one, and so is every line that is not a record. */
int resources_read(int dir_fd, Resources *ret);
