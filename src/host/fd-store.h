/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* The file descriptor store of the unit this process belongs to (sd_pid_notify_with_fds(3)), reached through
 * NOTIFY_SOCKET. All return 0 or negative errno; -ENOTCONN without NOTIFY_SOCKET. */

/* [a-zA-Z0-9._-], 1 to 255 bytes. */
bool fd_name_is_valid(const char *name) _pure_;

/* Puts FD into the store as NAME. It stays the caller's, too. Never polled by systemd: it would drop what has
 * hung up, e.g. a tap nobody uses yet. */
int fd_store_push(int fd, const char *name);
/* Removes all descriptors with this name; none is no error. */
int fd_store_remove(const char *name);

/* Waits until systemd has worked on all that was sent before. What is too much for FileDescriptorStoreMax= is
 * dropped silently: compare the unit's NFileDescriptorStore with what was pushed. */
int fd_store_barrier(uint64_t timeout_usec);

int notify_status(const char *text);
