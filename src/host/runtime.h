/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "domain-state.h"
#include "macro.h"

/* The files of a VM below /run/vmunit/NAME (names.h): made and removed by the prepare step, all of them root's.
 * Functions take a descriptor of the directory, so that tests can have it elsewhere. */
#define RUNTIME_PLAN "plan.json"
#define RUNTIME_DOMAIN "domain.xml"
#define RUNTIME_LOCK "lock" /* who changes what runs; stays, as the state does */
#define RUNTIME_DEFINITION "definition.xml" /* as the VM was started with, byte for byte */
#define RUNTIME_DROPIN "10-vmunit.conf"
#define RUNTIME_CONTROL "control"
#define RUNTIME_STATE "state"
#define RUNTIME_TRANSIENT "transient" /* the state is that of a machine without a definition, which has ended */
#define RUNTIME_ID "id"
#define RUNTIME_CID "cid"             /* the guest's address in AF_VSOCK, of a VM with <vsock> */
#define RUNTIME_UNIT "unit"           /* the unit the VM runs in: who owns the rest of the directory */
#define RUNTIME_RESOURCES "resources" /* what has to be given back: resources.h */
#define RUNTIME_NEXT_ID ".next-id"    /* in /run/vmunit itself; with a dot, which no VM's name begins with */
/* In /run/vmunit as well: a symbolic link called as the unit of each VM, to its control group, for systemd to mount. The name
 * is in units/hardening.conf, too. */
#define RUNTIME_GROUPS ".groups"

#define RUNTIME_PLAN_MAX (16U * 1024U * 1024U)

/* Opens the directory of a VM, or /run/vmunit itself when NAME is NULL; CREATE makes it (0755). A descriptor,
 * or negative errno. */
int runtime_open(const char *name, bool create);
/* The same in BASE instead of /run/vmunit; nothing is made. */
int runtime_open_in(const char *base, const char *name);

int runtime_write(int dir_fd, const char *file, const void *data, size_t size, mode_t mode);
int runtime_read(int dir_fd, const char *file, size_t limit, char **ret, size_t *ret_size);
/* A file with one line; the newline is left out. */
int runtime_read_line(int dir_fd, const char *file, char **ret);

/* Opens FILE, which is made for it, and waits until nobody else holds it. Only its owner can open it: a directory, or a
 * file that others may read, could be locked by all of them, for as long as they like. A descriptor (of an empty file,
 * unless the caller writes to it) that ends the lock when it is closed, or negative errno. */
int runtime_lock(int dir_fd, const char *file);

/* The next domain id, counting from 1 since boot: unique and never used again. BASE_FD is /run/vmunit. */
int runtime_allocate_id(int base_fd, unsigned *ret);
int runtime_read_id(int dir_fd, unsigned *ret);

/* Says that GROUP is the directory of UNIT's control group; NULL takes it back. BASE_FD is /run/vmunit. */
int runtime_set_group(int base_fd, const char *unit, const char *group);

/* Makes the state file if need be and returns a descriptor for writing it. */
int runtime_open_state(int dir_fd);
int runtime_write_state(int state_fd, DomainState state, DomainReason reason);
int runtime_read_state(int dir_fd, DomainState *ret_state, DomainReason *ret_reason);

/* Removes everything but the state and the file KEEP (may be NULL), directories with what is in them. Goes on
 * after errors; the first one is returned. A directory without a state file is removed itself. */
int runtime_clean(const char *name, const char *keep);
/* The same in BASE_FD instead of /run/vmunit. */
int runtime_clean_at(int base_fd, const char *name, const char *keep);
