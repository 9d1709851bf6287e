/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "fuzz-core.h"
#include "fuzz.h"
#include "xml-edit.h"

/* Whatever could be read can be changed, and read again with the new value; or the change is refused. */
static void check_edit(const char *text, size_t size) {
        static const XmlEdit edits[] = {
                { .path = "cputune/shares", .value = "4711" },
                { .path = "cputune/vcpupin" },
                { .path = "blkiotune/device[path='/dev/fuzz']/weight", .value = "500" },
                { .path = "", .element = "<title>a &amp; b</title>" },
                { .path = "numatune/memory", .attribute = "nodeset", .value = "0-1" },
                { .path = "devices/disk[target/@dev='vda']/iotune/total_bytes_sec", .value = "1" },
        };
        const XmlEdit *edit = &edits[size % ELEMENTSOF(edits)];
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *result = NULL;
        size_t n;

        int r = xml_edit_apply(text, size, edit, 1, &diag, &result, &n);
        must(r != -ENOMEM);
        must((r < 0) == (diag.n_errors > 0));
        if (r < 0 || edit->element) /* there may be a title already */
                return;
        must(domain_from_xml(result, n, NULL, &d) >= 0);
        if (edit == edits)
                must(d->cputune.shares.set && d->cputune.shares.value == 4711);
}

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
        check_edit((const char *) data, size);
        fuzz_check_domain(d, &diag);
        return 0;
}
