/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "fuzz-core.h"
#include "fuzz.h"
#include "qemu-parse.h"
#include "string-util.h"
#include "strv.h"

/* The golden tests have one word on each line, which is a command line for a shell when the lines go on. */
static char *join_lines(const uint8_t *data, size_t size) {
        char *s = malloc(2 * size + 1), *to = s;

        for (size_t i = 0; s && i < size; i++) {
                if (data[i] == '\n')
                        *to++ = ' ';
                else if (data[i] == '"' || data[i] == '\'') {
                        *to++ = '\\';
                        *to++ = (char) data[i];
                } else
                        *to++ = (char) data[i];
        }
        if (s)
                *to = 0;
        return s;
}

/* Anybody's command line. The first byte of the input says how it is written: "@" for one word on a line. What is
 * understood is a definition that can be written, and the definition, if it can be read again, goes the whole way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(domain_freep) Domain *d = NULL, *again = NULL;
        _cleanup_free_ char *text = NULL, *xml = NULL;
        _cleanup_strv_ char **env = NULL, **argv = NULL;
        _cleanup_diag_ Diag diag = {}, quiet = {};
        bool words = size > 0 && (*data == '@' || *data == 'L');

        if (words)
                text = join_lines(data + (*data == '@'), size - (*data == '@'));
        int r = qemu_parse_shell(text ?: (const char *) data, text ? strlen(text) : size, &diag, &env, &argv);
        must(r != -ENOMEM);
        if (r >= 0) {
                must(qemu_argv_equal(argv, argv, &quiet) == (quiet.n_errors == 0));
                diag_done(&quiet);
                r = qemu_parse_argv(env, argv, "fuzz", &diag, &d);
        }
        must(r != -ENOMEM);
        must((r < 0) == (diag.n_errors > 0));
        if (r < 0)
                return 0;
        must(domain_to_xml(d, DOMAIN_XML_SECURE, &xml) >= 0);
        r = domain_from_xml(xml, strlen(xml), &quiet, &again);
        must((r < 0) == (quiet.n_errors > 0), "%s", xml);
        if (r >= 0)
                fuzz_check_domain(again, &quiet);
        return 0;
}
