/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "fuzz-core.h"
#include "fuzz.h"

/* A definition of anybody's: through the whole of the pure core. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};

        fuzz_reached(FUZZ_GIVEN);
        must(diag_init(&diag, "fuzz.xml") >= 0);
        int r = domain_from_xml((const char *) data, size, &diag, &d);
        must(r != -ENOMEM);
        must((r < 0) == (diag.n_errors > 0));
        if (r < 0)
                return 0;
        fuzz_reached(FUZZ_READ);
        fuzz_check_domain(d, &diag);
        return 0;
}
