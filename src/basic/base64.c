/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t size) {
        const uint8_t *p = data;
        char *text = size <= SIZE_MAX / 2 ? malloc((size + 2) / 3 * 4 + 1) : NULL, *to = text;

        for (size_t i = 0; text && i < size; i += 3) {
                size_t left = size - i;
                uint32_t v = (uint32_t) p[i] << 16 | (left > 1 ? (uint32_t) p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
                *to++ = digits[v >> 18];
                *to++ = digits[v >> 12 & 63];
                *to++ = left > 1 ? digits[v >> 6 & 63] : '=';
                *to++ = left > 2 ? digits[v & 63] : '=';
        }
        if (text)
                *to = 0;
        return text;
}
