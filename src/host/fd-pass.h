/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sends FD over SOCKET, with one byte, as ssh expects it (ssh_config(5), ProxyUseFdpass). 0 or negative errno. */
int fd_send(int socket, int fd);
/* What fd_send() has sent: a descriptor, or negative errno; -ENODATA when the other side has gone without. */
int fd_receive(int socket);
