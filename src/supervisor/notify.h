/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* The two protocols of systemd that the supervisor speaks, in a few lines, so that the process every VM keeps
 * for its whole life links as little as it can. Both are stable interfaces: sd_notify(3),
 * sd_listen_fds(3). */

/* Sends STATE ("READY=1\nSTATUS=…") to the socket of $NOTIFY_SOCKET; 0 without one. Negative errno. */
int notify(const char *state);

/* Descriptors passed by the service manager, by name. */
typedef struct PassedFds {
        char *names_buffer; /* owned */
        const char **names; /* owned array; names[i] is the name of descriptor 3 + i */
        size_t n_fds;
} PassedFds;

#define PASSED_FD_FIRST 3

/* Takes the list out of the environment and sets CLOEXEC on all of them. 0 or negative errno. */
int passed_fds_receive(PassedFds *ret);
/* The descriptor, which stays the list's; -ENOENT if there is none of this name. */
int passed_fds_find(const PassedFds *p, const char *name);
/* Closes it here and has the service manager close the one it has stored. */
void passed_fds_give_up(PassedFds *p, const char *name);
void passed_fds_done(PassedFds *p);
