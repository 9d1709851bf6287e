/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"
#include "number-set.h"

/* Small files of the kernel, below a root that tests make up; their paths are formats. */

/* The whole text, or the first line without its end. Owned by the caller; NULL when it cannot be read. */
char *host_read_text(const char *format, ...) _printf_(1, 2);
char *host_read_line(const char *format, ...) _printf_(1, 2);
/* The set of numbers that the first line is; empty when there is none. */
void host_read_set(NumberSet *ret, const char *format, ...) _printf_(2, 3);
