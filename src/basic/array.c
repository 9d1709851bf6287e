/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "macro.h"

bool array_grow(void *array, size_t count, size_t element_size) {
        void **p = array;

        /* Full exactly when the count is zero or a power of two. */
        if (count != 0 && (count & (count - 1)) != 0)
                return true;

        size_t capacity = count == 0 ? 1 : count * 2;
        void *n = reallocarray(*p, capacity, element_size);
        if (!n)
                return false;
        memset((char *) n + count * element_size, 0, (capacity - count) * element_size);
        *p = n;
        return true;
}
