/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>

#include "domain-xml.h"
#include "file-util.h"
#include "fuzz-core.h"
#include "fuzz-extra.h"
#include "fuzz.h"
#include "host-facts.h"
#include "plan.h"
#include "qemu-argv.h"
#include "qemu-domain.h"
#include "string-util.h"
#include "strv.h"

#define RUNTIME_DIR "/run/vmunit/fuzz"
#define CAPS_MAX 8U

static QemuCaps *all_caps[CAPS_MAX];
static size_t n_caps;

static unsigned long reached[_FUZZ_STEPS];

static void print_reached(void) {
        static const char *const names[_FUZZ_STEPS] = {
                [FUZZ_GIVEN] = "given", [FUZZ_READ] = "read", [FUZZ_VALID] = "valid", [FUZZ_COMPLETE] = "complete",
                [FUZZ_NATIVE] = "command lines", [FUZZ_PLANNED] = "plans",
        };

        for (size_t i = 0; i < _FUZZ_STEPS; i++)
                fprintf(stderr, "%s%lu %s", i > 0 ? ", " : "inputs: ", reached[i], names[i]);
        fputc('\n', stderr);
}

void fuzz_reached(FuzzStep step) {
        if (step == FUZZ_GIVEN && reached[step] == 0)
                (void) atexit(print_reached);
        reached[step]++;
}

static void load_caps(void) {
        struct dirent **list;
        int n = scandir(FUZZ_CAPS_DIR, &list, NULL, alphasort);

        must(n > 0, "%s", FUZZ_CAPS_DIR);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = strf(FUZZ_CAPS_DIR "/%s", list[i]->d_name), *text = NULL;
                if (n_caps < CAPS_MAX && endswith(list[i]->d_name, ".json") &&
                    read_file_limited(AT_FDCWD, path, 1U << 24, &text, NULL) >= 0 &&
                    qemu_caps_from_json(text, all_caps + n_caps) >= 0)
                        n_caps++;
                free(list[i]);
        }
        free(list);
        must(n_caps > 0, "%s", FUZZ_CAPS_DIR);
}

const QemuCaps *fuzz_caps(Arch arch) {
        if (n_caps == 0)
                load_caps();
        for (size_t i = 0; i < n_caps; i++)
                if (arch == 0 || all_caps[i]->arch == arch || (arch == ARCH_I686 && all_caps[i]->arch == ARCH_X86_64))
                        return all_caps[i];
        return NULL;
}

/* strv_equal() that shows where it is not. */
static bool same_words(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!streq(a[i], b[i])) {
                        fprintf(stderr, "- %s\n+ %s\n", a[i], b[i]);
                        return false;
                }
        return true;
}

static void print_two(const char *a, const char *b) {
        fprintf(stderr, "--- the one\n%s\n--- the other\n%s\n", a, b);
}

/* What is refused must have been given a reason, and what is not refused no error. */
static bool accepted(int r, const Diag *diag) {
        must(r != -ENOMEM);
        must((r < 0) == (diag->n_errors > 0), "%s: %s", strerror(-r), strempty(diag_first_error(diag)));
        return r >= 0;
}

static void check_plan_forms(const Plan *p) {
        _cleanup_free_ char *json = NULL, *again = NULL;
        _cleanup_(plan_freep) Plan *copy = NULL;

        must(plan_to_json(p, &json) >= 0);
        must(plan_from_json(json, strlen(json), &copy) >= 0, "%s", json);
        must(plan_to_json(copy, &again) >= 0);
        if (!streq(json, again)) {
                print_two(json, again);
                must(false, "the plan is another one after JSON");
        }
        fuzz_check_plan(p);
}

/* The effective domain, read again. */
static void check_effective(const Domain *d, const QemuCaps *caps, const char *first, const QemuArgv *argv) {
        _cleanup_(domain_freep) Domain *again = NULL;
        _cleanup_qemu_argv_ QemuArgv argv_again = {};
        _cleanup_free_ char *second = NULL;
        _cleanup_diag_ Diag diag = {};
        int r;

        must(diag_init(&diag, "effective.xml") >= 0);
        if ((r = domain_from_xml(first, strlen(first), &diag, &again)) < 0 ||
            (r = domain_complete(again, &host_facts_generic, &diag)) < 0 || (r = domain_validate(again, &diag)) < 0 ||
            (r = qemu_domain_complete(again, caps, &host_facts_generic, &diag)) < 0) {
                fprintf(stderr, "%s\n", first);
                must(false, "the effective domain is refused: %s", strempty(diag_first_error(&diag)));
        }
        must(domain_to_xml(again, DOMAIN_XML_SECURE, &second) >= 0);
        if (!streq(first, second)) {
                print_two(first, second);
                must(false, "the effective domain is another one when it is read again");
        }
        r = qemu_argv_new(again, caps, &host_facts_generic, QEMU_ARGV_NATIVE, RUNTIME_DIR, &diag, &argv_again);
        must(r >= 0, "%s", strempty(diag_first_error(&diag)));
        must(same_words(argv->argv, argv_again.argv));
        must(same_words(argv->env, argv_again.env));
}

/* TEXT is what was written, completed. */
static void check_qemu(Domain *d, const char *text, Diag *diag) {
        _cleanup_free_ char *first = NULL, *twice = NULL;
        _cleanup_qemu_argv_ QemuArgv argv = {};
        _cleanup_(plan_freep) Plan *plan = NULL;
        const QemuCaps *caps = fuzz_caps(d->os.arch);

        if (!caps || !accepted(qemu_domain_complete(d, caps, &host_facts_generic, diag), diag))
                return;
        fuzz_reached(FUZZ_COMPLETE);
        must(domain_to_xml(d, DOMAIN_XML_SECURE, &first) >= 0);
        must(accepted(qemu_domain_complete(d, caps, &host_facts_generic, diag), diag));
        must(domain_to_xml(d, DOMAIN_XML_SECURE, &twice) >= 0);
        if (!streq(first, twice)) {
                print_two(first, twice);
                must(false, "completing twice is not the same as once");
        }
        fuzz_check_effective(text, d, first, caps);
        int r = qemu_argv_new(d, caps, &host_facts_generic, QEMU_ARGV_NATIVE, RUNTIME_DIR, diag, &argv);
        if (!accepted(r, diag))
                return;
        fuzz_reached(FUZZ_NATIVE);
        if (strlen(first) <= DOMAIN_XML_MAX)
                check_effective(d, caps, first, &argv);
        fuzz_check_command_line(text, &argv);
        /* What runs may be refused where what is shown is not. */
        r = plan_new(d, caps, &host_facts_generic, "0123456789abcdef0123456789abcdef", "/etc/vm/fuzz.xml", diag, &plan);
        if (!accepted(r, diag))
                return;
        fuzz_reached(FUZZ_PLANNED);
        check_plan_forms(plan);
}

void fuzz_check_domain(Domain *d, Diag *diag) {
        _cleanup_(domain_freep) Domain *again = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL, *twice = NULL;
        _cleanup_diag_ Diag quiet = {};

        int r = domain_complete(d, &host_facts_generic, diag);
        must(r != -ENOMEM);
        must(r >= 0 || diag->n_errors > 0);
        if (r < 0)
                return;
        must(domain_to_xml(d, DOMAIN_XML_SECURE, &first) >= 0);
        must(domain_complete(d, &host_facts_generic, diag) >= 0);
        must(domain_to_xml(d, DOMAIN_XML_SECURE, &twice) >= 0);
        /* What is refused need not be writable, nor be complete at once. */
        if (!accepted(domain_validate(d, diag), diag) || strlen(first) > DOMAIN_XML_MAX)
                return;
        if (!streq(first, twice)) {
                print_two(first, twice);
                must(false, "completing twice is not the same as once");
        }
        fuzz_reached(FUZZ_VALID);
        if (domain_from_xml(first, strlen(first), &quiet, &again) < 0) {
                fprintf(stderr, "%s\n", first);
                must(false, "what was written is refused: %s", strempty(diag_first_error(&quiet)));
        }
        must(domain_to_xml(again, DOMAIN_XML_SECURE, &second) >= 0);
        if (!streq(first, second)) {
                print_two(first, second);
                must(false, "what was written is read as something else");
        }
        fuzz_check_written(first);
        check_qemu(d, first, diag);
}
