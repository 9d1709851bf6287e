/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of a definition. Every NAME.xml of the directory is a case; beside it stand
 *   NAME.effective.xml  the domain with all that is filled in,
 *   NAME.args           QEMU's arguments as they run, one on a line,
 *   NAME.native         the same with paths, as `domxml-to-native` prints them,
 *   NAME.threads        what its threads are asked for, and which virtual CPUs are plugged in
 *   NAME.fds            what is opened: number, name, kind, user, flags, path;
 * or NAME.error: the messages, when it must be refused. NAME.chains, where it is there, says which images the
 * disks have: "TARGET PATH FORMAT [block]" on each line, the disk's own image first. NAME.conf is a vmunit.conf.
 * NAME.selinux and NAME.apparmor are the facts of those (src/unit/label.h); with the latter there is
 *   NAME.profile        the profile, from vmunit's own template, which is ../../../units/apparmor/template from there.
 * NAME.template and NAME.rules are the administrator's, of a NAME.apparmor.
 * golden [--update] CAPS-x86_64.json DIRECTORY [NAME…]: writes what differs; --update makes it the expected text.
 * The emulators of other architectures have their record beside that of x86_64; the descriptors of firmwares are in
 * ../firmware from there.
 * golden --unwritten CAPS…: for a directory without expected texts, only what must hold of every definition: what
 * is effective stays effective, and makes the same arguments. */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "apparmor-profile.h"
#include "domain-xml.h"
#include "file-util.h"
#include "host-probe.h"
#include "label.h"
#include "plan.h"
#include "qemu-argv.h"
#include "qemu-domain.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define FILE_MAX (4U << 20)

static bool update, unwritten;
static unsigned n_cases, n_failed, n_written;

/* --- comparing --- */

static size_t line_length(const char *s) {
        return strcspn(s, "\n");
}

/* The first line in which the two differ, with its number: enough to see what happened, and `--update` with
 * git diff shows the rest. */
static void print_difference(const char *file, const char *expected, const char *actual) {
        unsigned line = 1;

        while (*expected && *actual && line_length(expected) == line_length(actual) &&
               strncmp(expected, actual, line_length(expected)) == 0) {
                expected += line_length(expected) + (expected[line_length(expected)] == '\n');
                actual += line_length(actual) + (actual[line_length(actual)] == '\n');
                line++;
        }
        fprintf(stderr, "%s:%u:\n- %.*s\n+ %.*s\n", file, line, (int) line_length(expected), expected,
                (int) line_length(actual), actual);
}

/* ACTUAL is NULL when there must be no such file. */
static bool check(const char *dir, const char *name, const char *suffix, const char *actual) {
        _cleanup_free_ char *path = strf("%s/%s.%s", dir, name, suffix), *expected = NULL;
        int r;

        if (unwritten)
                return true;
        r = read_file_limited(AT_FDCWD, path, FILE_MAX, &expected, NULL);
        if (r < 0 && r != -ENOENT) {
                fprintf(stderr, "%s: %s\n", path, strerror(-r));
                return false;
        }
        if (streq_ptr(expected, actual))
                return true;
        if (update) {
                n_written++;
                if (!actual)
                        return unlink(path) >= 0;
                r = write_file_atomic(AT_FDCWD, path, actual, strlen(actual), 0644);
                if (r < 0)
                        fprintf(stderr, "%s: %s\n", path, strerror(-r));
                return r >= 0;
        }
        print_difference(path, strempty(expected), strempty(actual));
        return false;
}

/* --- rendering --- */

static char *lines(char *const *l) {
        _cleanup_text_ Text t = {};
        char *s;

        STRV_FOREACH(i, l)
                text_appendf(&t, "%s\n", *i);
        return text_finish(&t, &s) < 0 ? NULL : s;
}

static char *native_lines(const QemuArgv *a) {
        _cleanup_free_ char *env = lines(a->env), *args = lines(a->argv);

        return env && args ? strf("%s%s", env, args) : NULL;
}

static void add_words(Text *t, const char *key, char *const *words) {
        STRV_FOREACH(w, words)
                text_appendf(t, " %s=[%s]", key, *w);
}

static void add_limit(Text *t, const char *key, const PlanLimit *l) {
        if (l->average > 0)
                text_appendf(t, " %s=%llu,%llu,%llu", key, (unsigned long long) l->average, (unsigned long long) l->peak,
                             (unsigned long long) l->burst);
}

static void add_switch(Text *t, const PlanFd *fd) {
        if (fd->device)
                text_appendf(t, " device=%s mode=%s", fd->device, direct_mode_to_string(fd->mode));
        add_words(t, "port", fd->port);
        add_words(t, "external-id", fd->external_ids);
        add_limit(t, "inbound", &fd->inbound);
        add_limit(t, "outbound", &fd->outbound);
        if (fd->coalesce.set)
                text_appendf(t, " coalesce=%u", fd->coalesce.value);
        add_words(t, "address", fd->addresses);
        add_words(t, "route", fd->routes);
        if (fd->script)
                text_appendf(t, " script=%s", fd->script);
        if (fd->downscript)
                text_appendf(t, " downscript=%s", fd->downscript);
}

static void add_fd(Text *t, const PlanFd *fd) {
        const struct { bool on; const char *word;
        } flags[] = {
                { fd->writable, "writable" },
                { fd->read_only_image, "read-only-image" },
                { fd->append, "append" },
                { fd->persistent, "persistent" },
                { fd->may_miss, "may-miss" },
                { fd->certificate, "certificate" },
                { fd->create, "create" },
                { fd->block_device, "block-device" },
                { fd->char_device, "char-device" },
                { fd->exclusive, "exclusive" },
                { fd->fifo, "fifo" },
                { fd->reopened, "reopened" },
                { fd->managed_tap, "managed" },
                { fd->isolated, "isolated" },
                { fd->openvswitch, "openvswitch" },
        };

        if (fd->user != PLAN_USER_MONITOR)
                text_appendf(t, "%u", fd->number);
        else
                text_append(t, "-");
        text_appendf(t, " %s %s %s", fd->name, plan_fd_kind_to_string(fd->kind), plan_fd_user_to_string(fd->user));
        if (fd->helper)
                text_appendf(t, " %s", fd->helper);
        if (fd->helper_number > 0)
                text_appendf(t, "=%u", fd->helper_number);
        if (fd->fdset >= 0)
                text_appendf(t, " set=%d", fd->fdset);
        if (fd->queues > 1)
                text_appendf(t, " queues=%u", fd->queues);
        FOREACH_ARRAY(f, flags, ELEMENTSOF(flags))
                if (f->on)
                        text_appendf(t, " %s", f->word);
        if (fd->ifname)
                text_appendf(t, " ifname=%s", fd->ifname);
        if (fd->bridge)
                text_appendf(t, " bridge=%s", fd->bridge);
        if (fd->mtu.set)
                text_appendf(t, " mtu=%u", fd->mtu.value);
        if (fd->size > 0)
                text_appendf(t, " size=%llu", (unsigned long long) fd->size);
        if (fd->format != FORMAT_UNSET)
                text_appendf(t, " over=%s", disk_format_to_string(fd->format));
        if (fd->link)
                text_appendf(t, " link=%s", fd->link);
        add_switch(t, fd);
        if (fd->host)
                text_appendf(t, " %s:%s", fd->host, strempty(fd->service));
        if (fd->path)
                text_appendf(t, " %s", fd->path);
        if (fd->credential)
                text_appendf(t, " credential=%s", fd->credential);
        if (fd->label)
                text_appendf(t, " label=%s", fd->label);
        if (fd->template)
                text_appendf(t, " from=%s", fd->template);
        text_appendf(t, " (%s)\n", strempty(fd->element));
}

static void add_helper(Text *t, const PlanHelper *h) {
        text_appendf(t, "helper %s %s", h->name, helper_when_to_string(h->when));
        if (h->directory)
                text_appendf(t, " in=%s", h->directory);
        STRV_FOREACH(word, h->allow)
                text_appendf(t, " allow=%s", *word);
        text_appendf(t, " (%s)\n", h->element);
        STRV_FOREACH(arg, h->argv)
                text_appendf(t, "  %s\n", *arg);
}

static char *fd_lines(const Plan *p) {
        _cleanup_text_ Text t = {};
        char *s;

        if (p->label)
                text_appendf(&t, "label %s\n", p->label);
        if (p->profile)
                text_appendf(&t, "profile %s\n", p->profile);
        if (p->file_label)
                text_appendf(&t, "files %s\n", p->file_label);
        FOREACH_ARRAY(fd, p->fds, p->n_fds)
                add_fd(&t, fd);
        FOREACH_ARRAY(h, p->helpers, p->n_helpers)
                add_helper(&t, h);
        return text_finish(&t, &s) < 0 ? NULL : s;
}

static char *diag_lines(const Diag *d) {
        _cleanup_text_ Text t = {};
        char *s;

        FOREACH_ARRAY(entry, d->entries, d->n_entries) {
                _cleanup_free_ char *line = diag_entry_format(d, entry);
                text_appendf(&t, "%s\n", strempty(line));
        }
        return text_finish(&t, &s) < 0 ? NULL : s;
}

/* --- emulators --- */

typedef struct Emulators {
        const char *path; /* of the record for x86_64 */
        QemuCaps *caps[_ARCH_MAX]; /* owned; read when they are asked for */
} Emulators;

static void emulators_done(Emulators *e) {
        for (size_t i = 0; i < ELEMENTSOF(e->caps); i++)
                qemu_caps_free(e->caps[i]);
}

static int read_caps(const char *path, QemuCaps **ret) {
        _cleanup_free_ char *text = NULL;
        int r = read_file_limited(AT_FDCWD, path, FILE_MAX, &text, NULL);

        return r < 0 ? r : qemu_caps_from_json(text, ret);
}

/* What the emulator of D is for, by its name; that of another system's is taken to be x86_64's. */
static Arch emulator_arch(const Domain *d) {
        if (!d->emulator)
                return d->os.arch ?: ARCH_X86_64;
        for (Arch arch = ARCH_UNSET + 1; arch < _ARCH_MAX; arch++)
                if (streq_ptr(d->emulator, arch_default_emulator(arch)))
                        return arch;
        return ARCH_X86_64;
}

/* NULL, with a message, when there is no record for the emulator of D. */
static const QemuCaps *emulator_for(Emulators *e, const Domain *d) {
        static const char suffix[] = "x86_64.json";
        Arch arch = emulator_arch(d);
        size_t stem = strlen(e->path);

        if (e->caps[arch])
                return e->caps[arch];
        if (stem < strlen(suffix))
                return NULL;
        stem -= strlen(suffix);
        _cleanup_free_ char *path = strf("%.*s%s.json", (int) stem, e->path, arch_to_string(arch));
        int r = path ? read_caps(path, &e->caps[arch]) : -ENOMEM;
        if (r < 0)
                fprintf(stderr, "%s: %s\n", strempty(path), strerror(-r));
        return e->caps[arch];
}

/* --- a case --- */

static int add_image(HostFacts *facts, char **words) {
        DiskChain *chain = NULL;

        FOREACH_ARRAY(c, facts->chains, facts->n_chains)
                if (streq(c->target_dev, words[0]))
                        chain = c;
        if (!chain) {
                if (!ARRAY_GROW(facts->chains, facts->n_chains))
                        return -ENOMEM;
                chain = facts->chains + facts->n_chains++;
                *chain = (DiskChain) { .target_dev = strdup(words[0]) };
        }
        if (!ARRAY_GROW(chain->images, chain->n_images))
                return -ENOMEM;
        chain->images[chain->n_images++] = (DiskImage){
                .path = strdup(words[1]),
                .format = disk_format_from_string(words[2]),
                .block_device = words[3],
        };
        return 0;
}

static int read_chains(const char *dir, const char *name, HostFacts *facts) {
        _cleanup_free_ char *path = strf("%s/%s.chains", dir, name), *text = NULL;
        _cleanup_strv_ char **l = NULL;
        int r = read_file_limited(AT_FDCWD, path, FILE_MAX, &text, NULL);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = strv_split(text, "\n", &l);
        STRV_FOREACH(line, l) {
                _cleanup_strv_ char **words = NULL;
                if (r < 0 || (r = strv_split(*line, " ", &words)) < 0)
                        return r;
                if (strv_length(words) < 3)
                        return -EINVAL;
                if ((r = add_image(facts, words)) < 0)
                        return r;
        }
        return r;
}

/* NAME.conf: what vmunit.conf says there. */
static int read_config(const char *dir, const char *name, HostFacts *facts) {
        _cleanup_free_ char *path = strf("%s/%s.conf", dir, name), *text = NULL;
        _cleanup_config_ Config config = {};
        size_t size = 0;
        int r = read_file_limited(AT_FDCWD, path, FILE_MAX, &text, &size);

        if (r >= 0)
                r = config_parse(text, size, path, &config, NULL);
        return r < 0 ? r == -ENOENT ? 0 : r : host_facts_configure(facts, &config);
}

/* NAME.selinux: on a machine with it, as the case says (label.h). */
static int read_selinux(const char *dir, const char *name, HostFacts *facts) {
        _cleanup_free_ char *path = strf("%s/%s.selinux", dir, name), *text = NULL;

        if (!path)
                return -ENOMEM;
        int r = read_file_limited(AT_FDCWD, path, FILE_MAX, &text, NULL);
        return r == -ENOENT ? 0 : r < 0 ? r : selinux_facts_parse(text, &facts->selinux);
}

static int read_apparmor(const char *dir, const char *name, HostFacts *facts) {
        _cleanup_free_ char *path = strf("%s/%s.apparmor", dir, name), *text = NULL;

        int r = path ? read_file_limited(AT_FDCWD, path, FILE_MAX, &text, NULL) : -ENOMEM;
        if (r >= 0)
                apparmor_facts_parse(text, &facts->apparmor);
        return r == -ENOENT ? 0 : r;
}

/* NULL where it has none of its own, or the reason why not. */
static char *profile_text(const char *dir, const char *name, const Plan *p) {
        _cleanup_free_ char *own = strf("%s/%s.template", dir, name), *standard = strf("%s/../../../units/apparmor/template", dir),
                            *rules_path = strf("%s/%s.rules", dir, name), *text = NULL, *rules = NULL, *profile = NULL,
                            *named = strf("/etc/vm/apparmor/%s.rules", name);
        _cleanup_diag_ Diag diag = {};

        if (!p->own_profile)
                return NULL;
        if (read_file_limited(AT_FDCWD, own, FILE_MAX, &text, NULL) < 0 && read_file_limited(AT_FDCWD, standard, FILE_MAX, &text, NULL) < 0)
                return strf("%s: cannot be read\n", standard);
        (void) read_file_limited(AT_FDCWD, rules_path, FILE_MAX, &rules, NULL);
        ApparmorTemplate t = { text, "/etc/vm/apparmor/case.template", rules, named, "/usr/libexec/vmunit" };
        return apparmor_profile_new(p, &t, &diag, &profile) < 0 ? diag_lines(&diag) : TAKE_PTR(profile);
}

static int complete(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag) {
        int r;

        if ((r = domain_complete(d, facts, diag)) < 0 || (r = domain_validate(d, diag)) < 0)
                return r;
        return qemu_domain_complete(d, caps, facts, diag);
}

/* What is effective stays as it is when it is read and completed again, and becomes the same arguments. */
static bool check_stable(const char *name, const Domain *original, const char *native, const QemuCaps *caps,
                         const HostFacts *facts, const char *runtime_dir) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_qemu_argv_ QemuArgv argv = {};
        _cleanup_free_ char *effective = NULL, *again = NULL, *native_again = NULL;

        if (domain_to_xml(original, DOMAIN_XML_SECURE, &effective) < 0 || diag_init(&diag, name) < 0 ||
            domain_from_xml(effective, strlen(effective), &diag, &d) < 0 || complete(d, caps, facts, &diag) < 0 ||
            domain_to_xml(d, DOMAIN_XML_SECURE, &again) < 0 ||
            qemu_argv_new(d, caps, facts, QEMU_ARGV_NATIVE, runtime_dir, &diag, &argv) < 0 ||
            !(native_again = native_lines(&argv))) {
                fprintf(stderr, "%s: the effective domain is refused: %s\n", name,
                        strempty(diag_first_error(&diag)));
                return false;
        }
        if (!streq(effective, again)) {
                fprintf(stderr, "%s: completing it twice is not the same as once\n", name);
                print_difference(name, effective, again);
        }
        if (!streq(native, native_again)) {
                fprintf(stderr, "%s: the effective domain has other arguments\n", name);
                print_difference(name, native, native_again);
        }
        return streq(effective, again) && streq(native, native_again);
}

/* NULL when there is nothing. */
static char *thread_lines(const Plan *p) {
        Text t = {};
        char *s;

        FOREACH_ARRAY(setting, p->threads, p->n_threads) {
                _cleanup_free_ char *line = thread_setting_format(setting);
                text_appendf(&t, "%s\n", strempty(line));
        }
        for (size_t i = 0; i < p->n_plugged_vcpus; i++)
                text_appendf(&t, "plug vcpu%u\n", p->plugged_vcpus[i]);
        if (text_finish(&t, &s) < 0)
                abort();
        if (!*s)
                s = mfree(s);
        return s;
}

static bool check_plan(const char *dir, const char *name, Domain *d, const QemuCaps *caps,
                       const HostFacts *facts, Diag *diag) {
        _cleanup_(plan_freep) Plan *plan = NULL, *copy = NULL;
        _cleanup_qemu_argv_ QemuArgv native = {};
        _cleanup_diag_ Diag unwired = {};
        _cleanup_free_ char *effective = NULL, *args = NULL, *native_text = NULL, *fds = NULL, *threads = NULL, *profile = NULL,
                            *json = NULL, *json_again = NULL, *runtime_dir = strf("/run/vmunit/%s", d->name);
        bool ok;
        int r;

        if ((r = qemu_argv_new(d, caps, facts, QEMU_ARGV_NATIVE, runtime_dir, diag, &native)) < 0 ||
            (r = domain_to_xml(d, DOMAIN_XML_INACTIVE, &effective)) < 0) {
                _cleanup_free_ char *text = diag_lines(diag);
                /* Nothing of what it made before may be left. */
                return check(dir, name, "error", text) & check(dir, name, "native", NULL) & check(dir, name, "args", NULL);
        }
        native_text = native_lines(&native);
        ok = check(dir, name, "effective.xml", effective);
        ok &= check(dir, name, "native", native_text);
        ok &= check(dir, name, "error", NULL);
        ok &= check_stable(name, d, native_text, caps, facts, runtime_dir);

        /* What has a command line for people but cannot be started yet says why. */
        if (diag_init(&unwired, strempty(diag->file)) < 0)
                return false;
        r = domain_set_labels(d, facts, (CategoryPair) { 5, 600 }, &unwired);
        if (r >= 0)
                r = plan_new(d, caps, facts, "0123456789abcdef0123456789abcdef", "/etc/vm/case.xml", &unwired, &plan);
        if (r < 0) {
                _cleanup_free_ char *text = diag_lines(&unwired);
                ok &= check(dir, name, "unwired", text);
                ok &= check(dir, name, "args", NULL);
                ok &= check(dir, name, "threads", NULL);
                return ok & check(dir, name, "fds", NULL);
        }
        args = lines(plan->argv);
        fds = fd_lines(plan);
        threads = thread_lines(plan);
        profile = profile_text(dir, name, plan);
        ok &= check(dir, name, "unwired", NULL);
        ok &= check(dir, name, "args", args);
        ok &= check(dir, name, "fds", fds);
        ok &= check(dir, name, "threads", threads);
        ok &= check(dir, name, "profile", profile);
        if (plan_to_json(plan, &json) < 0 || plan_from_json(json, strlen(json), &copy) < 0 ||
            plan_to_json(copy, &json_again) < 0 || !streq(json, json_again)) {
                fprintf(stderr, "%s: the plan is not the same after JSON\n", name);
                ok = false;
        }
        return ok;
}

static FirmwareList firmwares;

/* Debian's, as its packages describe them. */
static int read_firmwares(const char *caps_path) {
        const char *slash = strrchr(caps_path, '/');
        _cleanup_free_ char *dir = strf("%.*s/../firmware", slash ? (int) (slash - caps_path) : 1, slash ? caps_path : ".");

        return dir ? host_read_firmwares_from(&dir, 1, &firmwares) : -ENOMEM;
}

static bool run_case(const char *dir, const char *name, Emulators *emulators) {
        _cleanup_free_ char *path = strf("%s/%s.xml", dir, name), *file = strf("%s.xml", name), *text = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        HostFacts facts = host_facts_generic; /* with the processor of the record */
        const QemuCaps *caps;

        facts.firmwares = firmwares;
        size_t size;
        bool ok;

        facts.any_processor = false;
        if (diag_init(&diag, file) < 0 || read_file_limited(AT_FDCWD, path, FILE_MAX, &text, &size) < 0 ||
            read_chains(dir, name, &facts) < 0 || read_config(dir, name, &facts) < 0 ||
            read_selinux(dir, name, &facts) < 0 || read_apparmor(dir, name, &facts) < 0) {
                fprintf(stderr, "%s: cannot be read\n", path);
                return false;
        }
        int r = domain_from_xml(text, size, &diag, &d);
        if (r >= 0 && !(caps = emulator_for(emulators, d)))
                return false;
        if (r < 0 || complete(d, caps, &facts, &diag) < 0) {
                _cleanup_free_ char *messages = diag_lines(&diag);
                ok = check(dir, name, "error", messages) & check(dir, name, "native", NULL) & check(dir, name, "args", NULL);
        } else
                ok = check_plan(dir, name, d, caps, &facts, &diag);
        host_facts_forget_chains(&facts);
        display_config_done(&facts.vnc);
        display_config_done(&facts.spice);
        free(facts.chardev_cert_dir);
        free(facts.nbd_cert_dir);
        selinux_facts_done(&facts.selinux);
        free(facts.user);
        free(facts.group);
        strv_free(facts.devices);
        return ok;
}

static int is_case(const struct dirent *entry) {
        return endswith(entry->d_name, ".xml") && !endswith(entry->d_name, ".effective.xml");
}

static int run_directory(const char *dir, char *const *names, Emulators *emulators) {
        struct dirent **list;
        int n = scandir(dir, &list, is_case, alphasort);

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *name =
                        strndup(list[i]->d_name, strlen(list[i]->d_name) - strlen(".xml"));
                free(list[i]);
                if (!name || (*names && !strv_contains(names, name)))
                        continue;
                n_cases++;
                if (!run_case(dir, name, emulators)) {
                        fprintf(stderr, "FAIL %s\n", name);
                        n_failed++;
                }
        }
        free(list);
        return 0;
}

int main(int argc, char **argv) {
        _cleanup_(emulators_done) Emulators emulators = {};

        if (argc > 1 && streq(argv[1], "--update")) {
                update = true;
                argv++;
                argc--;
        } else if (argc > 1 && streq(argv[1], "--unwritten")) {
                unwritten = true;
                argv++;
                argc--;
        }
        if (argc < 3) {
                fprintf(stderr, "golden [--update|--unwritten] CAPS-x86_64.json DIRECTORY [NAME...]\n");
                return 2;
        }
        emulators.path = argv[1];
        int r = read_firmwares(argv[1]);
        if (r >= 0)
                r = run_directory(argv[2], argv + 3, &emulators);
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", argv[2], strerror(-r));
                return 1;
        }
        firmware_list_done(&firmwares);
        printf("%u cases, %u failed%s", n_cases, n_failed, update ? "" : "\n");
        if (update)
                printf(", %u files written\n", n_written);
        return n_cases == 0 || n_failed > 0;
}
