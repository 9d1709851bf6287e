/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into every program of a build that counts lines. The C library writes the counters when a program comes to its end by
 * exit(); here are the other ends. In the container the counters are at a place that all sandboxes have: see instrument.sh. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real_kill(pid_t pid, int signo);
int __wrap_kill(pid_t pid, int signo);
int __wrap_fprintf(FILE *file, const char *format, ...);
int __wrap___gcov_execve(const char *path, char *const argv[], char *const env[]);
int __real_execvpe(const char *file, char *const argv[], char *const env[]);
int __wrap_execvpe(const char *file, char *const argv[], char *const env[]);
long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

__attribute__((constructor)) static void begin(void) {
        bool inside = access(NOTES_INSIDE, F_OK) >= 0;

        (void) setenv("GCOV_ERROR_FILE", inside ? NOTES_INSIDE "/counters.errors" : BUILD "/counters.errors", 1);
        if (!inside)
                return;
        (void) setenv("GCOV_PREFIX", NOTES_INSIDE, 1);
        (void) setenv("GCOV_PREFIX_STRIP", BUILD_DEPTH, 1);
}

/* What is written is added to the file; it must not be added twice if the program goes on. Before it asks an emulator something, a
 * child may not write to files any more: of what it has done nobody will know. */
static void save(void) {
        struct rlimit size;

        if (getrlimit(RLIMIT_FSIZE, &size) < 0 || size.rlim_cur == 0)
                return;
        __gcov_dump();
        __gcov_reset();
}

_Noreturn void __wrap__exit(int status) {
        save();
        __real__exit(status);
}

/* gcov writes some of its complaints into that file, and others to stderr whatever it was told. */
int __wrap_fprintf(FILE *file, const char *format, ...) {
        const char *path = getenv("GCOV_ERROR_FILE");
        bool complains = strncmp(format, "profiling:", strlen("profiling:")) == 0;
        FILE *errors = complains && path ? fopen(path, "ae") : NULL;
        va_list arguments;

        va_start(arguments, format);
        int r = vfprintf(errors ? errors : file, format, arguments);
        va_end(arguments);
        if (errors)
                (void) fclose(errors);
        return r;
}

/* The supervisor ends by the signal that has ended QEMU. */
int __wrap_kill(pid_t pid, int signo) {
        if (pid == getpid())
                save();
        return __real_kill(pid, signo);
}

/* What the compiler makes of execve(). */
int __wrap___gcov_execve(const char *path, char *const argv[], char *const env[]) {
        save();
        return execve(path, argv, env);
}

int __wrap_execvpe(const char *file, char *const argv[], char *const env[]) {
        save();
        return __real_execvpe(file, argv, env);
}

/* The only way in which the supervisor's children execute anything. */
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
        if (number == SYS_execveat)
                save();
        return __real_syscall(number, a, b, c, d, e, f);
}
