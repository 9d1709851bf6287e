/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* The writing end of a pipe with a copy of what a console says. Who reads it may be slow, or not read at all, and whoever
 * makes the copy does not wait for that: what has no room in the pipe is lost, and a line says so in its place. */
typedef struct ConsoleCopy {
        int fd;        /* owned; -EBADF: nobody wants a copy */
        uint64_t lost; /* bytes, since the last that was written */
} ConsoleCopy;
#define CONSOLE_COPY_NONE ((ConsoleCopy) { .fd = -EBADF })

/* Of *ret_fd nothing can be written back. 0 or negative errno. */
int console_copy_open(ConsoleCopy *ret, int *ret_fd);
/* FD (taken over, also on failure) is from somebody else: -ENOTTY when it is no pipe. */
int console_copy_adopt(ConsoleCopy *ret, int fd);
/* 0; 1: the line about what is lost is still to be written, by a call with N = 0 when there is room in the pipe; negative
 * errno: nobody reads it any more. */
int console_copy_write(ConsoleCopy *c, const char *data, size_t n);
void console_copy_close(ConsoleCopy *c);
