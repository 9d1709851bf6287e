/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "domain-xml.h"
#include "file-util.h"
#include "host-facts.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Usage: test-definitions [--update] DIRECTORY…
 * For every NAME.xml reads, completes and validates the definition and compares what there is to say about it
 * with NAME.err, or with NAME.out, which has the complete definition behind the messages. A case has one of
 * the two: .err wants an error, .out wants none. --update writes the files, for review. */

static unsigned n_passed, n_failed;

static void append_messages(Text *t, const Diag *diag) {
        FOREACH_ARRAY(e, diag->entries, diag->n_entries) {
                _cleanup_free_ char *line = diag_entry_format(diag, e);
                text_appendf(t, "%s\n", strempty(line));
        }
}

static char *finish(Text *t) {
        char *s;

        if (text_finish(t, &s) < 0)
                abort();
        return s;
}

/* What is written must read back as the same, without a word about it. */
static void check_fixed_point(Text *report, const Domain *d, const char *what) {
        _cleanup_(domain_freep) Domain *again = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL;
        _cleanup_diag_ Diag diag = {};

        if (domain_to_xml(d, DOMAIN_XML_SECURE, &first) < 0)
                abort();
        if (domain_from_xml(first, strlen(first), &diag, &again) < 0 || diag.n_entries > 0) {
                text_appendf(report, "BUG: %s definition does not read back\n", what);
                append_messages(report, &diag);
                return;
        }
        if (domain_to_xml(again, DOMAIN_XML_SECURE, &second) < 0)
                abort();
        if (!streq(first, second))
                text_appendf(report, "BUG: %s definition changes when it is read back\n%s%s", what, first,
                             second);
}

static void check_complete_again(Text *report, Domain *d, const char *xml, Diag *diag) {
        _cleanup_free_ char *again = NULL;

        if (domain_complete(d, &host_facts_generic, diag) < 0 ||
            domain_to_xml(d, DOMAIN_XML_SECURE, &again) < 0)
                abort();
        if (!streq(xml, again))
                text_append(report, "BUG: completing twice is not completing once\n");
}

static char *run_case(const char *name, const char *text, size_t size) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_text_ Text report = {};
        _cleanup_free_ char *xml = NULL;
        _cleanup_diag_ Diag diag = {};

        if (diag_init(&diag, name) < 0)
                abort();
        if (domain_from_xml(text, size, &diag, &d) < 0) {
                append_messages(&report, &diag);
                if (diag.n_errors == 0)
                        text_append(&report, "BUG: refused without an error\n");
                return finish(&report);
        }
        check_fixed_point(&report, d, "the");
        if (domain_complete(d, &host_facts_generic, &diag) < 0)
                abort();
        int r = domain_validate(d, &diag);
        append_messages(&report, &diag);
        if ((r < 0) != (diag.n_errors > 0))
                text_append(&report, "BUG: domain_validate() returns something else than it reports\n");
        if (domain_to_xml(d, DOMAIN_XML_SECURE, &xml) < 0)
                abort();
        check_fixed_point(&report, d, "the complete");
        check_complete_again(&report, d, xml, &diag);
        if (diag.n_errors == 0)
                text_append(&report, xml);
        return finish(&report);
}

static bool has_error(const char *report) {
        return strstr(report, ": error: ") && !strstr(report, "<domain type=");
}

static int compare(const char *directory, const char *base, const char *report, bool update) {
        const char *suffix = has_error(report) ? "err" : "out";
        _cleanup_free_ char *path = strf("%s/%s.%s", directory, base, suffix),
                            *other = strf("%s/%s.%s", directory, base, has_error(report) ? "out" : "err");
        _cleanup_free_ char *expected = NULL;

        if (!path || !other)
                abort();
        if (strstr(report, "BUG: ")) {
                printf("FAIL %s/%s.xml:\n%s", directory, base, report);
                return -EINVAL;
        }
        if (update)
                return access(other, F_OK) == 0
                               ? -EEXIST
                               : write_file_atomic(AT_FDCWD, path, report, strlen(report), 0644);
        int r = read_file_limited(AT_FDCWD, path, 1U << 24, &expected, NULL);
        if (r < 0)
                printf("FAIL %s: there is no such file; the report is:\n%s", path, report);
        else if (!streq(expected, report)) {
                printf("FAIL %s:\n--- expected\n%s--- got\n%s", path, expected, report);
                r = -EINVAL;
        }
        return r;
}

static void run_file(const char *directory, const char *file, bool update) {
        _cleanup_free_ char *path = strf("%s/%s", directory, file),
                            *base = strndup(file, strlen(file) - strlen(".xml"));
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (!path || !base || read_file_limited(AT_FDCWD, path, 1U << 24, &text, &size) < 0)
                abort();
        _cleanup_free_ char *report = run_case(file, text, size);
        if (compare(directory, base, report, update) < 0)
                n_failed++;
        else
                n_passed++;
}

static void run_directory(const char *directory, bool update) {
        _cleanup_strv_ char **files = NULL;
        DIR *dir = opendir(directory);

        if (!dir) {
                printf("FAIL %s: %s\n", directory, strerror(errno));
                n_failed++;
                return;
        }
        for (struct dirent *e; (e = readdir(dir));)
                if (endswith(e->d_name, ".xml") && strv_extend(&files, e->d_name) < 0)
                        abort();
        closedir(dir);
        strv_sort(files);
        STRV_FOREACH(f, files)
        run_file(directory, *f, update);
}

int main(int argc, char *argv[]) {
        bool update = argc > 1 && streq(argv[1], "--update");

        for (int i = 1 + update; i < argc; i++)
                run_directory(argv[i], update);
        printf("%u passed, %u failed\n", n_passed, n_failed);
        return n_failed > 0 || n_passed == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
