/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xml-to-argv CAPS.json FILE COUNT: the whole way of a definition through the pure core, COUNT times: parse, fill in,
 * check, assign addresses, make the plan with QEMU's arguments. Prints the CPU time of one, in microseconds. */

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "domain-xml.h"
#include "file-util.h"
#include "plan.h"
#include "qemu-domain.h"
#include "string-util.h"

#define FILE_MAX (4U << 20)

static int once(const char *text, size_t size, const QemuCaps *caps, Diag *diag) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        int r;

        if ((r = domain_from_xml(text, size, diag, &d)) < 0 ||
            (r = domain_complete(d, &host_facts_generic, diag)) < 0 || (r = domain_validate(d, diag)) < 0 ||
            (r = qemu_domain_complete(d, caps, &host_facts_generic, diag)) < 0)
                return r;
        return plan_new(d, caps, &host_facts_generic, "0123456789abcdef0123456789abcdef", "/etc/vm/x.xml", diag, &plan);
}

int main(int argc, char *argv[]) {
        _cleanup_free_ char *record = NULL, *text = NULL;
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL;
        _cleanup_diag_ Diag diag = {};
        size_t size = 0;

        if (argc != 4 || read_file_limited(AT_FDCWD, argv[1], FILE_MAX, &record, NULL) < 0 ||
            qemu_caps_from_json(record, &caps) < 0 || read_file_limited(AT_FDCWD, argv[2], FILE_MAX, &text, &size) < 0) {
                fprintf(stderr, "usage: xml-to-argv CAPS.json FILE COUNT\n");
                return EXIT_FAILURE;
        }
        unsigned long count = strtoul(argv[3], NULL, 10);
        clock_t began = clock();
        for (unsigned long i = 0; i < count; i++)
                if (once(text, size, caps, &diag) < 0) {
                        fprintf(stderr, "%s: %s\n", argv[2], strempty(diag_first_error(&diag)));
                        return EXIT_FAILURE;
                }
        if (count > 0)
                printf("%.1f\n", (double) (clock() - began) * 1e6 / CLOCKS_PER_SEC / (double) count);
        return EXIT_SUCCESS;
}
