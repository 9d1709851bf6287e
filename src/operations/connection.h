/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* What virtual machines are meant, as virsh's connection URIs say it. Parsing does no I/O. */
typedef struct Connection {
        char *uri;      /* owned: as it was given, which is what `uri` prints */
        bool test;      /* test:///default: machines made up within the process */
        bool session;   /* qemu:///session: the user's own, of his own systemd */
        /* Another host, by ssh. The rest is nothing without one. */
        char *host;     /* owned; NULL: this machine */
        char *user;     /* owned, or NULL */
        unsigned port;  /* 0: ssh's own */
        char *ssh;      /* owned: the program; NULL: ssh */
        char *keyfile;  /* owned, or NULL */
        bool no_verify; /* of the host's key */
        bool no_tty;    /* nothing is asked */
} Connection;

void connection_done(Connection *c);
#define _cleanup_connection_ _cleanup_(connection_done)

#define CONNECTION_SYSTEM "qemu:///system"
#define CONNECTION_SESSION "qemu:///session"

/* Takes qemu:///system, qemu:///session, both with qemu+unix, qemu+ssh://[USER@]HOST[:PORT]/{system,session} and test:///default.
 * -EINVAL for what is no URI, -EOPNOTSUPP for what is not supported, both with a text in DIAG that names it. */
int connection_parse(const char *uri, Diag *diag, Connection *ret);
/* "[USER@]HOST", as the option --host has it. */
int connection_parse_host(const char *s, Diag *diag, Connection *ret);

/* What is meant by URI, or (NULL or "") by VMUNIT_DEFAULT_URI, VIRSH_DEFAULT_CONNECT_URI, LIBVIRT_DEFAULT_URI or URIDefault= of
 * vmunit.conf, in this order, or else qemu:///system for root and qemu:///session for all others; a name of URIAliases= stands
 * for what is written there. As connection_parse(). */
int connection_find(const char *uri, Diag *diag, Connection *ret);
