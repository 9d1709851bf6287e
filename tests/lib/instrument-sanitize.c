/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into every program of a build with sanitizers: where they write what they find, and what they look for. Options in the
 * environment would not reach processes whose environment is made anew. See instrument.sh. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What has been freed is kept back no more than so much: tests look at how a process grows. */
#define OPTIONS "log_exe_name=1:exitcode=86:print_stacktrace=1:detect_stack_use_after_return=1:strict_string_checks=1:quarantine_size_mb=4:log_path="

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__lsan_default_options(void);
int __lsan_is_turned_off(void);

/* Called before anything else works. */
__attribute__((no_sanitize("address", "undefined"))) const char *__asan_default_options(void) {
        return syscall(SYS_access, NOTES_INSIDE, F_OK) == 0 ? OPTIONS NOTES_INSIDE "/report" : OPTIONS NOTES_OUTSIDE "/report.outside";
}

const char *__ubsan_default_options(void) {
        return __asan_default_options();
}

const char *__lsan_default_options(void) {
        return __asan_default_options();
}

/* Leaks are found by tracing the process from another one, which those refuse that protect themselves: supervisor, monitor, and
 * what a unit's filter of system calls is on. */
int __lsan_is_turned_off(void) {
        return prctl(PR_GET_DUMPABLE) != 1 || prctl(PR_GET_SECCOMP) != 0;
}

/* Something to find, on demand, in the program for which a file plant-NAME is there: that shows that it would be found. */
__attribute__((destructor)) static void plant(void) {
        static char *volatile heap;
        static volatile int big = INT_MAX;
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/plant-%s", NOTES_INSIDE, program_invocation_short_name);
        if (access(path, F_OK) < 0)
                return;
        big += 1;
        heap = malloc(8);
        heap[8] = 1;
}
