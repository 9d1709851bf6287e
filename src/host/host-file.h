/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"
#include "number-set.h"

/* Small files of the kernel, below a root that tests make up; their paths are formats. */

/* The whole text, of at most MAX bytes; owned by the caller. 0 or negative errno. */
int host_read_file(size_t max, char **ret, const char *format, ...) _printf_(3, 4);
/* The same of a small one, or the first line without its end. Owned by the caller; NULL when it cannot be read. */
char *host_read_text(const char *format, ...) _printf_(1, 2);
char *host_read_line(const char *format, ...) _printf_(1, 2);
/* The set of numbers that the first line is; empty when there is none. */
void host_read_set(NumberSet *ret, const char *format, ...) _printf_(2, 3);

/* The number behind KEY ("MemFree:") in a text like /proc/meminfo, in bytes; 0 when there is none. TEXT may be NULL. */
uint64_t host_find_amount(const char *text, const char *key);

/* A time that the kernel tells in /proc/PROCESS/sched below ROOT, which not every kernel does; KEY is what its name ends with:
 * "wait_sum". 0 or -ENODATA. */
int host_read_sched(const char *root, const char *process, const char *key, uint64_t *ret_nsec);
