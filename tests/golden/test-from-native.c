/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every NAME.native of the directories is turned back into a definition, and that one into a command line again:
 * the same machine must come out. Every NAME.args is a command line for a shell; NAME.out holds what is said of it,
 * and its definition.
 * test-from-native [-v] [--update] CAPS-DIRECTORY DIRECTORY… [-- NAME…]: -v shows the definitions and what was
 * handed on; --update writes NAME.out anew. */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "domain-xml.h"
#include "file-util.h"
#include "native.h"
#include "qemu-argv.h"
#include "qemu-domain.h"
#include "qemu-parse.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define FILE_MAX (4U << 20)

static bool verbose, update;
static unsigned n_cases, n_failed, n_plain;
static QemuCaps *all_caps[16];
static size_t n_caps;

static int load_caps(const char *dir) {
        struct dirent **list;
        int n = scandir(dir, &list, NULL, alphasort), r = 0;

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = strf("%s/%s", dir, list[i]->d_name), *text = NULL;
                if (r >= 0 && endswith(list[i]->d_name, ".json") && n_caps < ELEMENTSOF(all_caps)) {
                        r = read_file_limited(AT_FDCWD, path, FILE_MAX, &text, NULL);
                        if (r >= 0)
                                r = qemu_caps_from_json(text, all_caps + n_caps);
                        n_caps += r >= 0;
                }
                free(list[i]);
        }
        free(list);
        return r;
}

/* The record of the emulator by its name: i386 and x86_64 are two. */
static const QemuCaps *find_caps(const Domain *d) {
        const char *word = strstr(d->emulator, "qemu-system-i386") ? "i686" : arch_to_string(d->os.arch);

        for (size_t i = 0; i < n_caps; i++)
                if (streq_ptr(arch_to_string(all_caps[i]->arch), word))
                        return all_caps[i];
        return NULL;
}

static bool complain(const char *name, const char *what, const Diag *diag) {
        fprintf(stderr, "%s: %s\n", name, what);
        FOREACH_ARRAY(e, diag->entries, diag->n_entries)
                if (e->severity == DIAG_ERROR)
                        fprintf(stderr, "  %s\n", e->text);
        return false;
}

static bool run_case(const char *dir, const char *name) {
        _cleanup_free_ char *path = strf("%s/%s.native", dir, name), *text = NULL, *xml = NULL, *runtime = NULL;
        _cleanup_strv_ char **lines = NULL, **env = NULL;
        _cleanup_(domain_freep) Domain *d = NULL, *again = NULL;
        _cleanup_qemu_argv_ QemuArgv native = {};
        _cleanup_diag_ Diag diag = {};
        char **argv;

        if (diag_init(&diag, name) < 0 || read_file_limited(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0 ||
            strv_split_lines(text, &lines) < 0)
                return complain(name, "cannot be read", &diag);
        for (argv = lines; argv && *argv && **argv != '/'; argv++)
                if (strv_extend(&env, *argv) < 0)
                        return false;
        if (qemu_parse_argv(env, argv, NULL, &diag, &d) < 0)
                return complain(name, "the command line is refused", &diag);
        n_plain += d->n_qemu_args == 0;
        if (verbose)
                FOREACH_ARRAY(e, diag.entries, diag.n_entries)
                        printf("%s: %s\n", name, e->text);
        if (domain_to_xml(d, DOMAIN_XML_SECURE, &xml) < 0)
                return false;
        if (verbose)
                printf("%s\n", xml);
        runtime = strf("/run/vmunit/%s", d->name);
        if (domain_from_xml(xml, strlen(xml), &diag, &again) < 0)
                return complain(name, "its definition cannot be read", &diag);
        if (domain_complete(again, &host_facts_generic, &diag) < 0 || domain_validate(again, &diag) < 0)
                return complain(name, "its definition is refused", &diag);
        const QemuCaps *caps = find_caps(again);
        if (!caps)
                return complain(name, "no emulator for it", &diag);
        if (qemu_domain_complete(again, caps, &host_facts_generic, &diag) < 0 ||
            qemu_argv_new(again, caps, &host_facts_generic, QEMU_ARGV_NATIVE, runtime, &diag, &native) < 0)
                return complain(name, "its definition is refused", &diag);
        if (verbose)
                STRV_FOREACH(s, native.argv)
                        printf("> %s\n", *s);
        if (qemu_argv_equal(argv, native.argv, &diag) != 1)
                return complain(name, "another machine comes out", &diag);
        return true;
}

/* --- command lines of others --- */

static bool run_text(const char *dir, const char *name) {
        _cleanup_free_ char *path = strf("%s/%s.args", dir, name), *file = strf("%s.args", name), *text = NULL, *xml = NULL,
                            *out_path = strf("%s/%s.out", dir, name), *out = NULL, *expected = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_text_ Text t = {};
        size_t size;

        if (read_file_limited(AT_FDCWD, path, FILE_MAX, &text, &size) < 0 || diag_init(&diag, file) < 0)
                return complain(name, "cannot be read", &diag);
        int r = definition_from_native(text, size, path, &diag, &xml);
        FOREACH_ARRAY(e, diag.entries, diag.n_entries) {
                _cleanup_free_ char *line = diag_entry_format(&diag, e);
                text_appendf(&t, "%s\n", strempty(line));
        }
        if ((r < 0) != (diag.n_errors > 0))
                return complain(name, "an error without words", &diag);
        text_append(&t, strempty(xml));
        if (text_finish(&t, &out) < 0)
                return false;
        (void) read_file_limited(AT_FDCWD, out_path, FILE_MAX, &expected, NULL);
        if (streq_ptr(expected, out))
                return true;
        if (update)
                return write_file_atomic(AT_FDCWD, out_path, out, strlen(out), 0644) >= 0;
        fprintf(stderr, "--- what comes out\n%s", out);
        return complain(name, "is not what is expected", &diag);
}

static int is_case(const struct dirent *entry) {
        return endswith(entry->d_name, ".native") || endswith(entry->d_name, ".args");
}

static int run_directory(const char *dir, char *const *names) {
        struct dirent **list;
        int n = scandir(dir, &list, is_case, alphasort);

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                const char *file = list[i]->d_name;
                bool native = endswith(file, ".native");
                _cleanup_free_ char *name = strndup(file, strlen(file) - strlen(native ? ".native" : ".args"));
                _cleanup_free_ char *other = name ? strf("%s/%s.native", dir, name) : NULL;
                _cleanup_free_ char *host = name ? strf("%s/%s.conf", dir, name) : NULL;
                free(list[i]);
                /* With settings of the host's there is more than the machine says. */
                if (host && access(host, F_OK) >= 0)
                        continue;
                /* Beside a definition, NAME.args is what runs. */
                if (!native && other && access(other, F_OK) >= 0)
                        continue;
                if (!name || (names && *names && !strv_contains(names, name)))
                        continue;
                n_cases++;
                if (!(native ? run_case : run_text)(dir, name)) {
                        fprintf(stderr, "FAIL %s\n", name);
                        n_failed++;
                }
        }
        free(list);
        return 0;
}

int main(int argc, char **argv) {
        char *const *names = NULL;
        int r;

        for (int i = 1; i < argc; i++)
                if (streq(argv[i], "--")) {
                        names = argv + i + 1;
                        argc = i;
                }
        if (argc > 1 && streq(argv[1], "-v")) {
                verbose = true;
                argv++;
                argc--;
        }
        if (argc > 1 && streq(argv[1], "--update")) {
                update = true;
                argv++;
                argc--;
        }
        if (argc < 3) {
                fputs("usage: test-from-native [-v] [--update] CAPS-DIRECTORY DIRECTORY... [-- NAME...]\n", stderr);
                return 1;
        }
        r = load_caps(argv[1]);
        for (int i = 2; r >= 0 && i < argc; i++)
                r = run_directory(argv[i], names);
        if (r < 0) {
                fprintf(stderr, "test-from-native: %s\n", strerror(-r));
                return 1;
        }
        printf("%u cases, %u command lines without anything to hand on, %u failed\n", n_cases, n_plain, n_failed);
        return n_cases == 0 || n_failed > 0;
}
