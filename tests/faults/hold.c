/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into every program of the container: the monitor of a machine begins when the file that holds it has gone. Nothing that it
 * is allowed to execute could be put in its place, and until somebody traces it, it has made the first of its system calls.
 * What is called here is not among those that are counted (errors.py). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HOLD "/usr/share/vmunit-faults/hold." /* and the machine's name */
#define TIMES_MAX 30000U                      /* who held it may have died */

__attribute__((constructor)) static void hold(int argc, char **argv) {
        char path[256];

        if (argc != 2 || !argv[0] || strcmp(argv[0], "vmunit-monitor") != 0)
                return;
        (void) snprintf(path, sizeof(path), HOLD "%s", argv[1]);
        for (unsigned i = 0; i < TIMES_MAX && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0; i++)
                (void) nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}
