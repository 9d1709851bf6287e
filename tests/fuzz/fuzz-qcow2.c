/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "qcow2.h"

/* Images of guests are read by root. The bytes are given in a block of just their size, so that reading one
 * byte too many is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *copy = malloc(size ?: 1);
        Qcow2Header h = {};

        if (!copy)
                return 0;
        memcpy(copy, data, size);
        if (qcow2_header_parse(copy, size, &h) < 0) {
                must(!h.backing_file && !h.backing_format);
                return 0;
        }
        must(h.version >= 2 && h.version <= 3);
        must(!h.backing_file || (*h.backing_file && strlen(h.backing_file) <= size));
        qcow2_header_done(&h);
        return 0;
}
