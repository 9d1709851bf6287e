/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* `ssh vm/NAME`: ssh(1) asks a program for a connection to the machine (ssh_config(5), ProxyUseFdpass). */

/* A stream to PORT of the machine with that address, or negative errno. */
typedef int (*SshConnect)(unsigned cid, unsigned port);

/* Connects to PORT of the machine that HOST, "vm/NAME", means. BASES, up to NULL, are where machines that run have their
 * directories: the first one that has this one counts. A descriptor, or negative errno with the reason in DIAG. */
int ssh_proxy_connect(char *const *bases, const char *host, const char *port, SshConnect connect, Diag *diag);
