/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "macro.h"

/* A file that QEMU opens by itself must let the machine's user in. It gets an entry of its own for him in its list of access
 * (acl(5)): owner, mode and what others may do stay as they are, several machines can use it, and the entry goes with the
 * machine. */

/* FD is open on the file, O_PATH is enough. 1: he owns it and his mode lets him in, or, if that counts, he has an entry already; 0;
 * negative errno, -EOPNOTSUPP when the file system has no such lists. */
int file_access_has(int fd, uid_t uid, bool writable, bool entry_counts);

/* Gives him an entry, in the place of one he may have, for file_access_revoke() to take: so only where he needs it. 0 or negative
 * errno. */
int file_access_grant(int fd, uid_t uid, bool writable);

/* 0 or negative errno; no entry is no error. */
int file_access_revoke(int fd, uid_t uid);
