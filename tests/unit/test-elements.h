/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-complete.h"
#include "domain-validate.h"
#include "domain-xml.h"
#include "host-facts.h"
#include "string-util.h"

/* A checked domain with ELEMENTS in it. */
static inline Domain *domain_of(const char *elements) {
        _cleanup_free_ char *text = strf("<domain type='kvm'><name>x</name>%s"
                                         "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>", elements);
        _cleanup_diag_ Diag diag = {};
        Domain *d = NULL;

        assert_non_null(text);
        int r = domain_from_xml(text, strlen(text), &diag, &d);
        if (r >= 0)
                r = domain_complete(d, &host_facts_generic, &diag);
        if (r >= 0)
                r = domain_validate(d, &diag);
        if (r < 0)
                fail_msg("%s: %s", elements, strempty(diag_first_error(&diag)));
        return d;
}
