/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into every program of a build for valgrind. In the container, the filter of the supervisor's children is left out, which
 * lets them execute one thing once: a script that executes valgrind. See instrument.sh. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Weak: not every program has them. */
__attribute__((weak)) int __real_seccomp_install(unsigned allow, uint64_t key);
int __wrap_seccomp_install(unsigned allow, uint64_t key);
__attribute__((weak)) int __real_seccomp_execute(uint64_t key, const char *program, char *const argv[], char *const env[]);
int __wrap_seccomp_execute(uint64_t key, const char *program, char *const argv[], char *const env[]);

int __wrap_seccomp_install(unsigned allow, uint64_t key) {
        return access(NOTES_INSIDE, F_OK) < 0 ? __real_seccomp_install(allow, key) : 0;
}

int __wrap_seccomp_execute(uint64_t key, const char *program, char *const argv[], char *const env[]) {
        if (access(NOTES_INSIDE, F_OK) < 0)
                return __real_seccomp_execute(key, program, argv, env);
        (void) execve(program, argv, env);
        return -errno;
}

/* As in instrument-sanitize.c. */
__attribute__((destructor)) static void plant(void) {
        static char *volatile heap;
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/plant-%s", NOTES_INSIDE, program_invocation_short_name);
        if (access(path, F_OK) < 0)
                return;
        heap = malloc(8);
        heap[8] = 1;
}
