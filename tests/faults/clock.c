/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into every program of the container: a wall clock that jumps when somebody writes another number into a file, without anybody
 * touching the machine's own. What the kernel stamps files with stays as it is. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define OFFSET "/usr/share/vmunit-faults/clock" /* seconds, a signed number of 64 bits */

static const volatile int64_t *offset;

__attribute__((constructor)) static void find_offset(void) {
        int fd = open(OFFSET, O_RDONLY | O_CLOEXEC);
        void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);

        if (p != MAP_FAILED)
                offset = p;
        if (fd >= 0)
                (void) close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
        int r = (int) syscall(SYS_clock_gettime, clock, t);

        if (r == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                t->tv_sec += *offset;
        return r;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone __attribute__((unused))) {
        struct timespec now;

        if (clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -1;
        t->tv_sec = now.tv_sec;
        t->tv_usec = now.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *t) {
        struct timespec now;

        if (clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -1;
        if (t)
                *t = now.tv_sec;
        return now.tv_sec;
}
