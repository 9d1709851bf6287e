/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012): a keyed pseudo-random function. With
 * the machine-id as the key it derives stable UUIDs and MAC addresses that do not give the machine-id away;
 * with a fixed key it tells whether a definition changed. It is no signature: no one who could forge a
 * definition gains anything, since he could write the definition. */
void siphash128(const void *data, size_t size, const uint8_t key[16], uint8_t ret[16]);

/* 32 lower-case hexadecimal digits of the digest of DATA under vmunit's own key, NUL terminated. */
void digest_hex(const void *data, size_t size, char ret[33]);
