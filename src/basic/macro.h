/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _noreturn_ __attribute__((noreturn))
#define _pure_ __attribute__((pure))
#define _const_ __attribute__((const))
#define _warn_unused_ __attribute__((warn_unused_result))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define MAX(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })
#define MIN(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a < _b ? _a : _b; })
#define DIV_ROUND_UP(x, y) (((x) + (y) - 1) / (y))

/* Iterates over a plain array of SIZE elements: `FOREACH_ARRAY(d, domain->disks, domain->n_disks)`. */
#define FOREACH_ARRAY(i, array, size)                                                             \
        for (typeof((array)[0]) *i = (array), *_end_##i = i ? i + (size) : NULL; i && i < _end_##i; i++)

/* Hands a value over to the caller and leaves the "nothing" value behind, so that cleanup does nothing. */
#define TAKE_PTR(p) ({ typeof(p) *_pp = &(p); typeof(p) _v = *_pp; *_pp = NULL; _v; })
#define TAKE_FD(fd) ({ int *_fp = &(fd); int _v = *_fp; *_fp = -EBADF; _v; })

/* Makes the function `FUNCp` that the cleanup attribute wants out of a destructor that takes a pointer. */
#define DEFINE_CLEANUP(type, func)                                                                \
        static inline _unused_ void func##p(type *p) {                                            \
                if (*p)                                                                           \
                        func(*p);                                                                 \
        }

static inline void freep(void *p) {
        free(*(void **) p);
}

/* Closes FD if it is one, keeps errno, and returns -EBADF so that `fd = safe_close(fd)` works. */
static inline int safe_close(int fd) {
        if (fd >= 0) {
                int e = errno;
                (void) close(fd);
                errno = e;
        }
        return -EBADF;
}

static inline void closep(int *fd) {
        safe_close(*fd);
}

static inline void *mfree(void *p) {
        free(p);
        return NULL;
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

/* Makes room for one more element in a {pointer, count} pair; false when memory is out. The array grows by
 * doubling, so the capacity needs no field: it is the next power of two. */
bool array_grow(void *array, size_t count, size_t element_size) _warn_unused_;
#define ARRAY_GROW(array, count) array_grow(&(array), (count), sizeof((array)[0]))

/* Frees every element of a list with its own destructor, then the list. */
#define FREE_LIST(list, count, done)                                                                         \
        do {                                                                                                 \
                FOREACH_ARRAY(_item, list, count)                                                            \
                done(_item);                                                                                 \
                free(list);                                                                                  \
        } while (false)
