/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "connection.h"

/* Another host: its own vmunit is run there, by ssh, with the same words. */

typedef struct RemoteCall {
        char *const *options; /* of vmunit, in front of the verb; NULL: none */
        char *const *words;   /* the verb and what belongs to it */
        bool terminal;        /* the guest's console, an editor: there is one */
        bool no_input;        /* this program's own input is not for it */
} RemoteCall;

/* ssh's argv: the last word is the command for the shell of the other host, which is taken to be a POSIX one. The caller's. */
int remote_argv(const Connection *c, const RemoteCall *call, char ***ret);
/* Runs it with this program's standard streams. Its exit status; 128 and the number of a signal that ended it; or negative errno
 * with the reason in DIAG. ssh's own failures are 255, and it has told them. */
int remote_run(const Connection *c, const RemoteCall *call, Diag *diag);
