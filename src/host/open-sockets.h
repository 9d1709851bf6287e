/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "macro.h"

/* All return a descriptor, or negative errno with *ret_reason saying why (owned by the caller, may be NULL). */

/* Binds and listens at PATH (mode 0600, of uid OWNER), after removing a socket there that nobody listens on.
 * RET_ST: the socket's device and inode, for remove_socket(). */
int listen_unix(const char *path, uid_t owner, struct stat *ret_st, char **ret_reason);

/* HOST NULL: all addresses. SERVICE is a decimal port, or "5900+" for the first free one from 5900 on. */
int listen_tcp(const char *host, const char *service, char **ret_reason);
/* The port of a TCP socket, or 0. */
int socket_port(int fd);

int connect_unix(const char *path, char **ret_reason);
/* Has somebody a stream socket at what the O_PATH descriptor PATH_FD stands for? He does not learn of the question: it is a
 * socket of another type that asks. 0 or negative errno. */
int socket_is_served(int path_fd, char **ret_reason);
/* Tries all addresses of HOST; each for CONNECT_LIMIT_SEC at most. */
int connect_tcp(const char *host, const char *service, char **ret_reason);
#define CONNECT_LIMIT_SEC 10

/* Removes the socket at PATH if it is still the one with this device and inode; 0 also when it is gone. */
int remove_socket(const char *path, dev_t dev, ino_t ino);
