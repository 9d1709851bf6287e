/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <time.h>

#include "macro.h"

/* The most a file with certificates may have. */
#define CERTIFICATE_FILE_MAX (1U << 20)

/* From when to when the first X.509 certificate of PEM is valid. Nothing is verified: QEMU does that, but its message says
 * neither the file nor when. 0, -EBADMSG or -ENOMEM. */
int certificate_validity(const char *pem, size_t size, time_t *ret_from, time_t *ret_to);
