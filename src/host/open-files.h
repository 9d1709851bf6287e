/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "diag.h"
#include "plan.h"
#include "traffic-limit.h"

/* The most that is copied into memory for QEMU: kernels, initrds, device trees. */
/* A certificate that expires within this time is a warning. */
#define CERTIFICATE_WARN_SECONDS (14 * 24 * 3600)
#define COPY_MAX (UINT64_C(512) << 20)

/* What has been opened for one PlanFd. */
typedef struct OpenedFd {
        int *fds;          /* owned, and so are the descriptors; more than one for a tap with queues */
        size_t n_fds;
        char *ifname;      /* owned: of a tap: the name it got; NULL for all else */
        unsigned ifindex;
        bool existing;  /* the interface is the administrator's */
        int port;       /* of a listening TCP socket; 0 for all else */
        char *socket_path; /* owned: a socket that was made in the file system and must be removed; else NULL */
        char *inside;   /* owned: of a directory: its path in its file system; NULL: not known */
        dev_t socket_dev;
        ino_t socket_ino;
} OpenedFd;

/* What the Ith descriptor is called in the fd store: the first one as in the plan, further ones "NAME.1" …
 * Owned by the caller; NULL when memory is out. */
char *opened_fd_name(const PlanFd *p, size_t i);

/* Closes what is still open. Removes nothing. */
void opened_fd_done(OpenedFd *o);

/* Carries out one row of the plan; OWNER is the VM's uid and gid, for the sockets that are its own. Everything
 * is CLOEXEC. 0 or negative errno with the reason in DIAG, and nothing is left behind then. PLAN_FD_PAIR is
 * the supervisor's: -EINVAL. */
int open_plan_fd(const PlanFd *p, uid_t owner, Diag *diag, OpenedFd *ret);

/* Takes away the file that FD made of its template before, so that it is made anew. Not without a template to make it of,
 * not while another process has it open for writing. 0, also when there is no such file, or negative errno with the
 * reason in DIAG. */
int remove_templated_file(const PlanFd *p, Diag *diag);
/* What the definition's units are in bytes. */
TrafficLimit plan_limit_in_bytes(const PlanLimit *l);

/* Makes what was opened before, *fd, which is -EBADF then, one that OpenedFd owns. */
int opened_fd_take(OpenedFd *o, int *fd);

/* Takes the rows that need not be there (may_miss), and are not, out of the plan, and the helpers that have nothing to do. */
void leave_out_missing(Plan *p);

/* Are the programs of the helpers there? 0 or negative errno with the reason in DIAG. */
int check_helpers(const Plan *p, Diag *diag);

/* A sealed memfd with DATA in it, only for reading. NAME shows up in /proc. */
int memfd_from_data(const char *name, const void *data, size_t size);
