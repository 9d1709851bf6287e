/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <systemd/sd-id128.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "config-file.h"
#include "definition.h"
#include "definition-label.h"
#include "domain-xml.h"
#include "file-util.h"
#include "host-resources.h"
#include "label-registry.h"
#include "names.h"
#include "runtime.h"
#include "scope.h"
#include "apparmor.h"
#include "selinux-util.h"
#include "session.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"
#include "unit-properties.h"

/* systemd.generator(7): runs early at boot and at every daemon-reload, so it is quick, executes nothing, asks
 * nobody, and goes on after a bad definition. What a drop-in says is decided in src/unit. */

/* A record of /dev/kmsg holds less than 1 KiB. */
#define LINE_MAX_KMSG 900

typedef struct Generator {
        const char *directory;    /* the normal one of systemd's three; NULL: print */
        const char *runtime_dir;  /* /run/vmunit */
        HostFacts facts;
        CategoryPairs taken;      /* owned; of SELinux: by VMs that run, by static labels, by definitions before */
        bool by_systemd;          /* nobody reads stderr */
        int kmsg;                 /* owned; -EBADF: none */
        bool failed;
} Generator;

/* Under systemd messages go to the kernel's log: at boot there is no journal yet. Containers have no kernel log,
 * so there it is the journal, as soon as there is one. */
static void say(Generator *g, const char *text) {
        _cleanup_free_ char *line = NULL;

        if (g->by_systemd && g->kmsg < 0) {
                (void) sd_journal_send("MESSAGE=%s", text, "PRIORITY=3", "SYSLOG_IDENTIFIER=vmunit-generator", NULL);
                return;
        }
        /* One write() for a record; dprintf() would ask /dev/kmsg for its position, which it does not tell. */
        line = g->kmsg < 0 ? strf("vmunit-generator: %s\n", text) :
                strf("<3>vmunit-generator[%d]: %.*s\n", (int) getpid(), LINE_MAX_KMSG, text);
        if (line)
                (void) write_all(g->kmsg < 0 ? STDERR_FILENO : g->kmsg, line, strlen(line));
}

/* One line for a definition: its first error, and how many there are besides. */
static void say_errors(Generator *g, const Diag *diag) {
        g->failed = true;
        FOREACH_ARRAY(e, diag->entries, diag->n_entries) {
                if (e->severity != DIAG_ERROR)
                        continue;
                _cleanup_free_ char *text = diag_entry_format(diag, e);
                _cleanup_free_ char *line = !text || diag->n_errors < 2 ? NULL :
                        strf("%s (and %zu more)", text, diag->n_errors - 1);
                say(g, line ?: text ?: "error: out of memory");
                return;
        }
}

static void say_errno(Generator *g, int error, const char *path) {
        _cleanup_free_ char *line = strf("%s: error: %s", path, strerror(-error));
        g->failed = true;
        say(g, line ?: "error: out of memory");
}

/* --- from a definition to a drop-in --- */

static int parse_definition(Generator *g, Definition *def, Diag *diag, Domain **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;
        int r;

        r = domain_from_xml(def->text, def->size, diag, &d);
        if (r < 0)
                return r;
        if (!streq_ptr(d->name, def->name))
                return diag_error(diag, d->name_loc, "name '%s' does not match the file's name '%s.xml'", strempty(d->name),
                                  def->name);
        r = vm_name_check(d->name, d->name_loc, diag);
        if (r < 0)
                return r;
        r = domain_complete(d, &g->facts, diag);
        if (r >= 0)
                r = domain_validate(d, diag);
        if (r >= 0 && g->facts.session)
                r = domain_check_session(d, diag);
        if (r >= 0)
                *ret = TAKE_PTR(d);
        return r;
}

/* A VM that runs keeps its pair, and all others leave it alone. */
static int running_pair(Generator *g, const char *name, CategoryPair *ret) {
        _cleanup_category_pairs_ CategoryPairs others = {};

        _cleanup_close_ int base = open(g->runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int registry = base < 0 ? -errno : label_registry_open(base, false);
        return registry == -ENOENT ? 0 : registry < 0 ? registry : label_registry_read(registry, name, &others, ret);
}

/* Static labels are taken before. */
static int choose_pair(Generator *g, const Domain *d, Diag *diag, CategoryPair *ret) {
        CategoryPair pair;

        int r = running_pair(g, d->name, &pair);
        if (r == 0)
                r = category_pair_choose(d->name, &g->facts.selinux.categories, LABEL_OF_DEFINITION, &g->taken, &pair);
        if (r == -ENOSPC)
                return diag_error_code(diag, r, d->name_loc, "no two categories of SELinux are left for domain '%s'", d->name);
        if (r >= 0)
                r = category_pairs_add(&g->taken, pair);
        if (r >= 0)
                *ret = pair;
        return r;
}

static int set_labels(Generator *g, Domain *d, Diag *diag) {
        CategoryPair pair = {};

        int r = domain_needs_pair(d, &g->facts) ? choose_pair(g, d, diag, &pair) : 0;
        return r < 0 ? r : domain_set_labels(d, &g->facts, pair, diag);
}

static int make_dropin(Generator *g, Definition *def, Diag *diag, char **ret) {
        _cleanup_(unit_properties_done) UnitProperties p = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        int r;

        r = parse_definition(g, def, diag, &d);
        if (r >= 0)
                r = set_labels(g, d, diag);
        if (r >= 0)
                r = unit_properties_new(d, &g->facts, def->digest, def->path, diag, &p);
        if (r >= 0)
                r = unit_properties_to_dropin(&p, def->path, ret);
        return r;
}

/* The drop-in a VM was started with. */
static int read_frozen(Generator *g, const char *name, char **ret) {
        _cleanup_free_ char *path = strf("%s/%s/" RUNTIME_DROPIN, g->runtime_dir, name);
        return path ? read_file_limited(AT_FDCWD, path, UNIT_DROPIN_MAX, ret, NULL) : -ENOMEM;
}

static bool is_kept(const char *line) {
        UnitPropertyRow row;

        for (size_t i = 0; unit_property_row(i, &row); i++) {
                const char *rest = row.property.kept ? startswith(line, row.property.name) : NULL;
                if (rest && *rest == '=')
                        return true;
        }
        return false;
}

static bool is_source_path(const char *line) {
        return startswith(line, "SourcePath=");
}

static bool is_stop(const char *line) {
        return startswith(line, "ExecStop=");
}

/* The lines for which MATCH is what WANTED says. */
static int append_lines(Text *t, const char *text, bool (*match)(const char *line), bool wanted) {
        _cleanup_strv_ char **lines = NULL;

        int r = strv_split_lines(text, &lines);
        if (r < 0)
                return r;
        STRV_FOREACH(line, lines)
                if (match(*line) == wanted)
                        text_appendf(t, "%s\n", *line);
        return 0;
}

static int has_stop(const char *text) {
        _cleanup_text_ Text found = {};

        int r = append_lines(&found, text, is_stop, true);
        return r < 0 ? r : found.length > 0;
}

/* What a reload must not change while the VM runs are the settings of its cgroup; these stay as they were frozen, and
 * the next start sets its own. All others take effect at that start, for which the digest has to be the new one. What becomes of
 * the VM when the host goes down is said by its plan, so who carries it out stays; and comes, when vmunit.conf asks for it now. */
static int keep_live_settings(const char *text, const char *frozen, char **ret) {
        _cleanup_text_ Text t = {}, live = {};

        int r = append_lines(&t, text, is_kept, false);
        if (r >= 0)
                r = append_lines(&live, frozen, is_kept, true);
        if (r >= 0)
                r = has_stop(text);
        if (r == 0)
                r = append_lines(&live, frozen, is_stop, true);
        if (r < 0)
                return r;
        if (live.length > 0)
                text_appendf(&t, "\n# As long as the VM runs, as it was started:\n[Service]\n%s", live.data);
        return text_finish(&t, ret);
}

static int write_new_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        return fd < 0 ? -errno : write_all(fd, text, strlen(text));
}

static void write_dropin(Generator *g, const char *name, const char *text) {
        _cleanup_free_ char *unit = vm_unit(name);
        _cleanup_free_ char *directory = unit ? strf("%s/%s.d", strempty(g->directory), unit) : NULL;
        _cleanup_free_ char *file = directory ? strf("%s/" RUNTIME_DROPIN, directory) : NULL;
        int r;

        if (!file) {
                say_errno(g, -ENOMEM, name);
        } else if (!g->directory) {
                printf("==> %s.d/" RUNTIME_DROPIN " <==\n%s\n", unit, text);
        } else if (mkdir(directory, 0755) < 0 && errno != EEXIST) {
                say_errno(g, -errno, directory);
        } else {
                r = write_new_file(file, text);
                if (r < 0)
                        say_errno(g, r, file);
        }
}

/* For a VM that runs and has no definition, or a broken one. */
static void write_frozen(Generator *g, const char *name, const char *frozen, bool has_source) {
        _cleanup_free_ char *stop = NULL, *text = NULL;
        _cleanup_text_ Text t = {};
        int r = 0;

        if (has_source)
                text_append(&t, frozen);
        else /* systemd asks for a reload as long as a unit's source is missing */
                r = append_lines(&t, frozen, is_source_path, false);
        if (r >= 0)
                r = has_stop(frozen);
        if (r == 0 && (r = unit_stop_command(&g->facts, g->facts.host_shutdown, &stop)) > 0)
                text_appendf(&t, "\n# As long as the VM runs:\n[Service]\nExecStop=%s\n", stop);
        if (r >= 0)
                r = text_finish(&t, &text);
        if (r >= 0)
                write_dropin(g, name, text);
        else
                say_errno(g, r, name);
}

static void generate(Generator *g, Definition *found) {
        _cleanup_free_ char *text = NULL, *frozen = NULL, *merged = NULL;
        _cleanup_definition_ Definition def = {};
        _cleanup_(diag_done) Diag diag = {};
        int r;

        r = diag_init(&diag, found->path);
        if (r >= 0) {
                r = definition_load(found->name, &def);
                if (r == -ENOENT || r == -ERFKILL) /* just removed or masked */
                        return;
                if (r < 0)
                        (void) diag_error(&diag, (SrcLoc) {}, "%s", definition_error(r));
                else
                        r = definition_check_owner(def.path, &diag);
                if (r >= 0)
                        r = make_dropin(g, &def, &diag, &text);
        }
        if (diag.n_errors > 0)
                say_errors(g, &diag);
        else if (r < 0)
                say_errno(g, r, found->path);

        bool runs = read_frozen(g, found->name, &frozen) >= 0;
        if (r < 0) {
                if (runs)
                        write_frozen(g, found->name, frozen, true);
        } else if (!runs || streq(text, frozen))
                write_dropin(g, found->name, text);
        else if ((r = keep_live_settings(text, frozen, &merged)) >= 0)
                write_dropin(g, found->name, merged);
        else
                say_errno(g, r, found->path);
}

/* --- VMs that run although their definition is gone --- */

static bool list_has(const DefinitionList *l, const char *name) {
        FOREACH_ARRAY(d, l->items, l->n_items)
                if (streq(d->name, name))
                        return true;
        return false;
}

static void generate_orphans(Generator *g, const DefinitionList *known) {
        _cleanup_strv_ char **names = NULL;

        DIR *d = opendir(g->runtime_dir);
        if (!d)
                return;
        for (struct dirent *e; (e = readdir(d));)
                if (vm_name_check(e->d_name, (SrcLoc) {}, NULL) >= 0 && !list_has(known, e->d_name) &&
                    strv_extend(&names, e->d_name) < 0)
                        g->failed = true;
        closedir(d);
        strv_sort(names);
        STRV_FOREACH(name, names) {
                _cleanup_free_ char *frozen = NULL;
                if (read_frozen(g, *name, &frozen) >= 0)
                        write_frozen(g, *name, frozen, false);
        }
}

/* What was found beside the definitions; sorted, as directories have no order. */
static int list_definitions(Generator *g, DefinitionList *ret) {
        _cleanup_strv_ char **lines = NULL;
        _cleanup_(diag_done) Diag diag = {};
        int r;

        r = definition_list(&diag, ret);
        FOREACH_ARRAY(e, diag.entries, diag.n_entries)
                if (strv_consume(&lines, diag_entry_format(&diag, e)) < 0)
                        g->failed = true;
        strv_sort(lines);
        STRV_FOREACH(line, lines)
                say(g, *line);
        if (r < 0 && diag.n_errors == 0)
                say_errno(g, r, "definitions");
        return r;
}

/* What is taken before anything is given out. Of definitions only those are read for it that speak of labels. */
static int gather_taken(Generator *g) {
        int r = 0;

        if (!g->facts.selinux.has_module)
                return 0;
        _cleanup_close_ int base = open(g->runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int registry = base < 0 ? -ENOENT : label_registry_open(base, false);
        if (registry >= 0)
                r = label_registry_read(registry, NULL, &g->taken, NULL);
        return r < 0 ? r : definitions_static_pairs(&g->facts, &g->taken);
}

static void run(Generator *g) {
        _cleanup_definition_list_ DefinitionList list = {};

        if (list_definitions(g, &list) < 0)
                g->failed = true;
        int r = gather_taken(g);
        if (r < 0)
                say_errno(g, r, g->runtime_dir);
        FOREACH_ARRAY(def, list.items, list.n_items)
                generate(g, def);
        generate_orphans(g, &list);
}

/* --- program --- */

/* Wrong settings are said by the start, which they stop. */
static void gather_labels(HostFacts *facts) {
        const char *selinux = getenv("VMUNIT_SELINUX"), *apparmor = getenv("VMUNIT_APPARMOR");
        _cleanup_config_ Config config = {};

        (void) config_load(&config, NULL);
        if (facts->session)
                ; /* labels are root's to give */
        else if (selinux)
                (void) selinux_facts_parse(selinux, &facts->selinux);
        else if (!config.no_selinux)
                (void) selinux_facts_gather(&config.selinux_categories, &facts->selinux);
        if (apparmor && !facts->session)
                apparmor_facts_parse(apparmor, &facts->apparmor);
        else if (!facts->session)
                apparmor_facts_gather("", &facts->apparmor);
        (void) host_facts_configure(facts, &config);
}

/* Only what every machine has at this point of the boot; the same for the same machine at any time. */
static void gather_facts(HostFacts *facts) {
        const char *s = getenv("VMUNIT_MACHINE_ID");
        sd_id128_t id = {};

        *facts = host_facts_generic;
        facts->session = vm_is_session();
        facts->state_dir = vm_directories()->state;
        facts->libexec_dir = VMUNIT_LIBEXECDIR;
        if (s ? sd_id128_from_string(s, &id) >= 0 : sd_id128_get_machine(&id) >= 0)
                memcpy(facts->machine_id, id.bytes, sizeof(id.bytes));
        s = getenv("VMUNIT_NUMA_NODES");
        if (!s || number_set_parse(s, &facts->numa_nodes) < 0)
                host_numa_nodes("", &facts->numa_nodes);
        gather_labels(facts);
}

static int usage(FILE *f) {
        fputs("vmunit-generator NORMAL-DIR EARLY-DIR LATE-DIR\n"
              "vmunit-generator --dry-run\n\n"
              "Writes a drop-in for every virtual machine that is defined in /etc/vm, /run/vm and /usr/lib/vm.\n"
              "Run by systemd, see vmunit-generator(8).\n\n"
              "  --dry-run  print the drop-ins\n"
              "  --help     print this\n"
              "  --version  print the version\n", f);
        return f == stdout ? 0 : 1;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "dry-run", no_argument, NULL, 'n' }, { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' }, {},
        };
        const char *scope = getenv("SYSTEMD_SCOPE"), *runtime_dir = getenv("VMUNIT_RUNTIME_DIR");
        Generator g = { .runtime_dir = runtime_dir, .by_systemd = scope, .kmsg = -EBADF };
        bool dry_run = false;

        for (int c; (c = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (c) {
                case 'n':
                        dry_run = true;
                        break;
                case 'h':
                        return usage(stdout);
                case 'v':
                        puts("vmunit-generator " VMUNIT_VERSION);
                        return 0;
                default:
                        return usage(stderr);
                }
        if (dry_run ? optind != argc : argc - optind != 3)
                return usage(stderr);
        if (scope && streq(scope, "user") && session_enter(VM_SCOPE_SESSION, NULL) < 0)
                return 0; /* root's session, among others: there are no machines in it */
        if (!runtime_dir)
                g.runtime_dir = vm_directories()->runtime;

        umask(0022);
        if (!dry_run)
                g.directory = argv[optind];
        if (g.by_systemd)
                g.kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        gather_facts(&g.facts);
        run(&g);
        safe_close(g.kmsg);
        category_pairs_done(&g.taken);
        host_facts_done(&g.facts);
        return g.failed || fflush(stdout) != 0 ? 1 : 0;
}
