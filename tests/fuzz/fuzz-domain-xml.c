/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "host-facts.h"
#include "string-util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read, the whole of the pure core's promises must hold: an error has a text, what is written
 * reads back as the same, completing twice changes nothing. */
static void check_domain(Domain *d, Diag *diag) {
        _cleanup_(domain_freep) Domain *again = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL, *twice = NULL;
        _cleanup_diag_ Diag quiet = {};

        if (domain_complete(d, &host_facts_generic, diag) < 0 ||
            domain_to_xml(d, DOMAIN_XML_SECURE, &first) < 0)
                abort();
        if (domain_complete(d, &host_facts_generic, diag) < 0 ||
            domain_to_xml(d, DOMAIN_XML_SECURE, &twice) < 0)
                abort();
        if (!streq(first, twice))
                abort();
        int r = domain_validate(d, diag);
        if ((r < 0) != (diag->n_errors > 0))
                abort();
        /* What is refused need not be writable. */
        if (r < 0 || strlen(first) > DOMAIN_XML_MAX)
                return;
        if (domain_from_xml(first, strlen(first), &quiet, &again) < 0 ||
            domain_to_xml(again, DOMAIN_XML_SECURE, &second) < 0)
                abort();
        if (!streq(first, second))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};

        if (diag_init(&diag, "fuzz.xml") < 0)
                abort();
        if (domain_from_xml((const char *) data, size, &diag, &d) < 0) {
                if (diag.n_errors == 0)
                        abort();
                return 0;
        }
        check_domain(d, &diag);
        return 0;
}
