/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into every program of a build for valgrind. In the container, the filter of the supervisor's children is left out, which
 * lets them execute one thing once: a script that executes valgrind. See instrument.sh.
 *
 * A child that fork() has made is looked at as its parent is, but for leaks: what was only on its parent's stack is lost to it. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <valgrind/valgrind.h>

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

static void keep_quiet_of_leaks(void) {
        VALGRIND_CLO_CHANGE("--leak-check=no");
}

__attribute__((constructor)) static void begin(void) {
        (void) pthread_atfork(NULL, NULL, keep_quiet_of_leaks);
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
