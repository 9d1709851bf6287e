/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "cgroup.h"
#include "macro.h"

/* One descriptor of the child: FD here becomes NUMBER there. */
typedef struct SpawnFd {
        int fd; /* not owned */
        unsigned number;
} SpawnFd;

typedef struct SpawnRequest {
        const char *program;
        char *const *argv, *const *env;
        const SpawnFd *fds; /* besides these it gets /dev/null as stdin, and our stdout and stderr */
        size_t n_fds;
        int directory_fd;            /* it runs there; negative: where we do */
        const UnitCgroup *vm_cgroup; /* NULL: stays in ours */
        bool announce_pid;           /* sets LISTEN_PID, which only the child knows */
        const char *label;           /* SELinux context of the program; NULL: what the policy makes of it */
        bool filter;                 /* gets the filter of seccomp-filter.h … */
        unsigned allow;              /* … with these exceptions (SeccompAllow) */
        bool check_capabilities;     /* is not started with capabilities other than … */
        uint64_t capabilities;       /* … these (1 << CAP_…) */
        bool drop_capabilities;      /* gets none of ours */
        bool root;                   /* is root of a user namespace, in which there is nobody but our own user */
        const char *what;            /* for messages: "QEMU" */
} SpawnRequest;

typedef struct Child {
        pid_t pid; /* 0: none */
        int pidfd; /* owned */
} Child;

/* Forks and executes; returns when the child runs the program, or has failed and said where: *ret_step names
 * the step ("execute", "set up descriptors" …; static). The child dies with this process. 0 or negative
 * errno. */
int spawn(const SpawnRequest *q, Child *ret, const char **ret_step);
