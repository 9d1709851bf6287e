/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "manager.h"

/* A VM without systemd: what the prepare step and the unit do is done by this process as far as a caller can do
 * it. What only systemd gives is missing, and direct_missing says so. */
typedef struct DirectVm {
        char *name;    /* owned */
        char *dir;     /* owned: its runtime directory; removed at the end */
        int lock_fd;   /* owned: the directory, locked; negative: not ours (yet) */
        char *control; /* owned: path of the monitor's socket */
        pid_t pid;     /* of the supervisor, our child; 0: none. It ends with us. */
} DirectVm;

#define DIRECT_VM_EMPTY ((DirectVm) { .lock_fd = -EBADF })

/* One line each, up to NULL. */
extern const char *const direct_missing[];

/* Starts the VM of TEXT, paused. 0 or negative errno with the reasons in DIAG. */
int direct_start(Manager *m, const char *text, size_t size, const char *source_path, Diag *diag,
                 DirectVm *ret);
int direct_resume(DirectVm *vm, Diag *diag);
/* A descriptor of the first console, or negative errno. */
int direct_open_console(DirectVm *vm, Diag *diag);
/* Ends it at once; direct_wait() takes its end. */
void direct_destroy(DirectVm *vm);
/* The status as of waitpid(2), or negative errno. */
int direct_wait(DirectVm *vm, int *ret_status);
/* Ends what still runs. */
void direct_done(DirectVm *vm);
