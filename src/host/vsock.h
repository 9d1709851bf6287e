/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain.h"

#define VSOCK_DEVICE "/dev/vhost-vsock"

/* Makes CID the address of the machine behind FD. 0, -EADDRINUSE when it is another's, or negative errno. */
typedef int (*VsockSetCid)(int fd, unsigned cid);
int vsock_set_cid(int fd, unsigned cid);

/* Takes an address of this host for V by FD, of VSOCK_DEVICE, which keeps it until it is closed: with <cid auto='yes'/> the
 * first free one, else the one it has. The kernel says which are taken, by whatever program: no two get the same one. 0 or
 * negative errno with the reason in DIAG. */
int vsock_claim(int fd, VsockSetCid set_cid, DomainVsock *v, Diag *diag);
/* Both with the device itself: a descriptor, or negative errno with the reason in DIAG. */
int vsock_open(DomainVsock *v, Diag *diag);

/* Listens at a free port of this host's address for its machines. A descriptor, or negative errno. */
int vsock_listen(unsigned *ret_port);

/* A stream to PORT of the machine with CID, or negative errno. */
int vsock_connect(unsigned cid, unsigned port);
