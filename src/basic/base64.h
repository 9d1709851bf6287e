/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* RFC 4648, with padding, in one line. Owned by the caller; NULL when memory is out. */
char *base64_encode(const void *data, size_t size);
