/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* print-schema DIRECTORY: writes domain.rng, made from the tables of src/domain-xml, and for every device a
 * grammar that starts with it: disk.rng, interface.rng, …. */

#include <fcntl.h>
#include <stdio.h>

#include "file-util.h"
#include "string-util.h"
#include "xml-schema.h"

static const char *directory;
static bool failed;

static void write_file(const char *name, const char *text, size_t size) {
        _cleanup_free_ char *path = strf("%s/%s.rng", directory, name);

        int r = path ? write_file_atomic(AT_FDCWD, path, text, size, 0644) : -ENOMEM;
        if (r < 0) {
                fprintf(stderr, "%s/%s.rng: %s\n", directory, name, strerror(-r));
                failed = true;
        }
}

static void write_part(const char *element, const char *definition, void *userdata) {
        _cleanup_text_ Text t = {};

        if (streq(element, "domain"))
                return;
        text_appendf(&t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"
                         "<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\" ns=\"\">\n"
                         "<include href=\"domain.rng\">\n"
                         "<start><element name=\"%s\"><ref name=\"%s\"/></element></start>\n"
                         "</include>\n</grammar>\n", element, definition);
        if (t.failed)
                failed = true;
        else
                write_file(element, t.data, t.length);
}

int main(int argc, char *argv[]) {
        _cleanup_text_ Text t = {};

        if (argc != 2) {
                fprintf(stderr, "usage: print-schema DIRECTORY\n");
                return EXIT_FAILURE;
        }
        directory = argv[1];
        domain_schema(&t);
        if (t.failed)
                return EXIT_FAILURE;
        write_file("domain", t.data, t.length);
        domain_schema_parts(write_part, NULL);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
