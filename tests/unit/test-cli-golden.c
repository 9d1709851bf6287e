/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "backend-test.h"
#include "cli.h"
#include "fake-machine.h"
#include "file-util.h"
#include "json-shape.h"
#include "parse-util.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* Sessions at a terminal, one per file of tests/golden/cli, on a machine made up (fake-machine.h):
 *
 *   # a comment
 *   ! SETTING …        what the machine is like; see settings[] below
 *   $ list --all       a command line, followed by what it must print, both streams together, and "[exit 1]"
 *   % version --json   the same where what is printed depends on the machine: only its form counts
 *   > calls            what the commands before did to systemd and the monitors
 *   > cat PATH, > mode PATH, > ls PATH
 *
 * The machine's directory is written as DIR. With VMUNIT_UPDATE_GOLDEN=1 the files are rewritten. */

typedef struct Session {
        FakeMachine *machine;
        char *const *lines; /* of the file */
        size_t at;
        const char *raw; /* of the setting: the line behind its first word */
        Text output; /* the file as it should be */
        bool wrong; /* beside what it printed */
} Session;

static char **seen; /* verbs that have answered as JSON */

static const char *word(char *const *words, size_t i) {
        return strv_length(words) > i ? words[i] : "";
}

/* --- settings --- */

/* ! file PATH, and lines up to "! end" */
static void set_file(Session *s, char *const *words) {
        _cleanup_text_ Text t = {};
        _cleanup_free_ char *text = NULL;

        for (; s->lines[s->at] && !streq(s->lines[s->at], "! end"); s->at++) {
                text_appendf(&s->output, "%s\n", s->lines[s->at]);
                text_appendf(&t, "%s\n", s->lines[s->at]);
        }
        if (text_finish(&t, &text) >= 0)
                fake_file(s->machine, word(words, 1), text);
}

/* ! define NAME: a small definition, title and UUID made of the name */
static void set_define(Session *s, char *const *words) {
        const char *name = word(words, 1);
        _cleanup_free_ char *path = strf("etc/%s.xml", name);
        _cleanup_free_ char *text = strf("<domain type='qemu'>\n"
                                         "  <name>%s</name>\n"
                                         "  <uuid>00000000-0000-4000-8000-00000000000%u</uuid>\n"
                                         "  <title>The %s machine</title>\n"
                                         "  <memory unit='MiB'>512</memory>\n"
                                         "  <vcpu>2</vcpu>\n"
                                         "  <os>\n"
                                         "    <type arch='x86_64' machine='q35'>hvm</type>\n"
                                         "  </os>\n"
                                         "</domain>\n",
                                         name, (unsigned) (strlen(name) % 10), name);
        fake_file(s->machine, path, text);
}

/* ! running NAME STATE/REASON ID ["transient"]: the blanks of the state as "_" */
static void set_running(Session *s, char *const *words) {
        FakeUnit *u = fake_unit(s->machine, word(words, 1));
        _cleanup_free_ char *state = strdup(word(words, 2));

        for (char *p = state; *p; p++)
                if (*p == '_')
                        *p = ' ';
        u->activity = UNIT_ACTIVE;
        u->transient = streq(word(words, 4), "transient");
        fake_runtime(s->machine, word(words, 1), state, word(words, 3));
}

/* ! unit NAME inactive|failed|activating|deactivating */
static void set_unit(Session *s, char *const *words) {
        static const struct {
                const char *word;
                UnitActivity activity;
        } words_of[] = {
                { "inactive", UNIT_INACTIVE }, { "failed", UNIT_FAILED }, { "activating", UNIT_ACTIVATING },
                { "deactivating", UNIT_DEACTIVATING },
        };
        for (size_t i = 0; i < ELEMENTSOF(words_of); i++)
                if (streq(words_of[i].word, word(words, 2)))
                        fake_unit(s->machine, word(words, 1))->activity = words_of[i].activity;
}

static void set_masked(Session *s, char *const *words) {
        fake_unit(s->machine, word(words, 1))->masked = true;
}

static void set_enabled(Session *s, char *const *words) {
        fake_unit(s->machine, word(words, 1))->enabled = true;
}

static void set_needs_reload(Session *s, char *const *words) {
        fake_unit(s->machine, word(words, 1))->needs_reload = true;
}

static char *rest(const Session *s) {
        return *s->raw ? strdup(s->raw) : NULL;
}

/* ! start-fails [TEXT] */
static void set_start_fails(Session *s, char *const *words) {
        s->machine->start_error = -ECANCELED;
        free(s->machine->start_text);
        s->machine->start_text = rest(s);
}

/* ! monitor-fails [TEXT]: the next call; without a text it is gone */
static void set_monitor_fails(Session *s, char *const *words) {
        free(s->machine->monitor_text);
        s->machine->monitor_text = rest(s);
        s->machine->monitor_error = s->machine->monitor_text ? -EINVAL : -ECONNRESET;
}

static void set_stop_hangs(Session *s, char *const *words) {
        s->machine->stop_error = -ETIMEDOUT;
}

static void set_no_systemd(Session *s, char *const *words) {
        s->machine->no_systemd = true;
}

static void set_tty(Session *s, char *const *words) {
        free(s->machine->tty);
        s->machine->tty = rest(s);
}

/* ! job JSON: what the monitor tells of it */
static void set_job(Session *s, char *const *words) {
        free(s->machine->job);
        s->machine->job = rest(s);
}

static void set_qmp_reply(Session *s, char *const *words) {
        free(s->machine->qmp_reply);
        s->machine->qmp_reply = rest(s);
}

/* ! qmp COMMAND REPLY: the first of several is used once, and so on; the last one stays */
static void set_qmp(Session *s, char *const *words) {
        FakeMachine *m = s->machine;

        if (m->n_replies >= ELEMENTSOF(m->replies))
                abort();
        m->replies[m->n_replies++] = (FakeReply) {
                .command = strdup(word(words, 1)),
                .text = strdup(s->raw + strlen(word(words, 1)) + 1),
        };
}

/* ! vcpus MAX FIXED THERE: QEMU has places for so many virtual CPUs, so many cannot be unplugged; those are there */
static void set_vcpus(Session *s, char *const *words) {
        FakeMachine *m = s->machine;

        if (parse_uint(word(words, 1), &m->max_vcpus) < 0 || parse_uint(word(words, 2), &m->fixed_vcpus) < 0 ||
            number_set_parse(word(words, 3), &m->vcpus) < 0)
                abort();
}

/* ! unplug-hangs: the guest does not let go of a device while it is waited for */
static void set_unplug_hangs(Session *s, char *const *words) {
        s->machine->unplug_error = -ETIMEDOUT;
}

/* ! property NAME VALUE: systemd has been told by somebody; instead of what it was told before */
static void set_property(Session *s, char *const *words) {
        UnitProperties *p = &s->machine->properties;
        const char *value = s->raw + strlen(word(words, 1));

        FOREACH_ARRAY(i, p->items, p->n_items)
                if (streq(i->name, word(words, 1))) {
                        if (free_and_strdup(&i->values[0], value + (*value == ' ')) < 0)
                                abort();
                        return;
                }
        if (unit_properties_add(p, "Service", word(words, 1), STRV_MAKE((char *) value + (*value == ' '))) < 0)
                abort();
}

/* ! thread KIND ID TID CPUS: QEMU has it, the kernel lets it run there */
static void set_thread(Session *s, char *const *words) {
        VmThread *t = &s->machine->threads[s->machine->n_threads++];

        if (s->machine->n_threads > ELEMENTSOF(s->machine->threads) || parse_uint(word(words, 2), &t->id) < 0 ||
            parse_uint(word(words, 3), &t->tid) < 0 || number_set_parse(word(words, 4), &t->cpus) < 0)
                abort();
        t->kind = thread_kind_from_string(word(words, 1));
}

/* ! editor SCRIPT: the shell command that edits "$1" */
static void set_editor(Session *s, char *const *words) {
        _cleanup_free_ char *script = rest(s);
        _cleanup_free_ char *text = strf("%s\n", script), *command = strf("sh %s/editor", s->machine->dir);

        fake_file(s->machine, "editor", text);
        setenv("VISUAL", command, 1);
}

static void set_link(Session *s, char *const *words) {
        _cleanup_free_ char *path = strf("%s/%s", s->machine->dir, word(words, 1));

        if (symlink(word(words, 2), path) < 0)
                abort();
}

static const struct {
        const char *word;
        void (*set)(Session *s, char *const *words);
} settings[] = {
        { "file", set_file },       { "define", set_define },     { "running", set_running },
        { "unit", set_unit },       { "masked", set_masked },     { "enabled", set_enabled },
        { "tty", set_tty },         { "editor", set_editor },     { "needs-reload", set_needs_reload },
        { "link", set_link },       { "end", NULL },              { "start-fails", set_start_fails },
        { "qmp-reply", set_qmp_reply }, { "stop-hangs", set_stop_hangs }, { "monitor-fails",
                                                                            set_monitor_fails },
        { "no-systemd", set_no_systemd }, { "property", set_property }, { "thread", set_thread },
        { "qmp", set_qmp }, { "vcpus", set_vcpus }, { "unplug-hangs", set_unplug_hangs },
        { "job", set_job },
};

/* --- what is printed --- */

/* Replaces the machine's directory, and what mkstemp() made up. */
static char *masked(const Session *s, const char *text) {
        _cleanup_text_ Text t = {};
        char *result;

        while (*text) {
                const char *behind = startswith(text, s->machine->dir);
                if (behind) {
                        text_append(&t, "DIR");
                        text = behind;
                        behind = startswith(text, "/tmp/virsh");
                        if (behind) {
                                text_append(&t, "/tmp/virshXXXXXX");
                                text = behind + 6;
                        }
                        continue;
                }
                text_append_char(&t, *text++);
        }
        return text_finish(&t, &result) < 0 ? NULL : result;
}

static void add_output(Session *s, const char *text) {
        _cleanup_free_ char *m = masked(s, strempty(text));

        text_append(&s->output, strempty(m));
        if (*strempty(m) && !endswith(m, "\n"))
                text_append(&s->output, "\n");
}

/* Words as a shell makes them: blanks, and 'quotes' around what has blanks. */
static char **split_command(const char *line) {
        char **words = NULL;

        for (const char *p = line; *(p += strspn(p, " "));) {
                bool quoted = *p == '\'';
                size_t n = strcspn(p + quoted, quoted ? "'" : " ");
                if (strv_consume(&words, strndup(p + quoted, n)) < 0)
                        abort();
                p += quoted + n + (quoted && p[quoted + n]);
        }
        return words;
}

/* What a verb answers to --json has to be what its row promises. */
static void check_document(Session *s, const char *name, const char *text) {
        const Verb *v = verb_find(name);
        _cleanup_free_ char *why = NULL;

        if (!v || !v->json)
                return;
        json_object *o = json_tokener_parse(text);
        if (!o || !json_has_shape(o, v->json, &why)) {
                fprintf(stderr, "%s --json: %s; what it should be: %s\n%s\n", name, why ?: "no JSON", v->json, text);
                s->wrong = true;
        } else if (!streq(text, "{}\n") && !streq(text, "[]\n") && strv_extend(&seen, name) < 0)
                abort();
        json_object_put(o);
}

static void check_seen(const Verb *v, void *userdata) {
        bool *ok = userdata;

        if (!v->run || !v->json || strv_contains(seen, v->name))
                return;
        fprintf(stderr, "no session shows what %s --json answers\n", v->name);
        *ok = false;
}

/* A run of the program: on the session's machine, or on those of test:///default. */
typedef struct Run {
        Cli cli;
        Manager *machine;  /* not owned: the session's */
        Manager *manager;  /* owned, or NULL */
        TestBackend *test; /* owned, or NULL */
} Run;

static void leave_test(Run *run) {
        run->manager = manager_free(run->manager);
        run->test = test_backend_free(run->test);
        vm_scope_set_system();
}

static int open_connection(Cli *cli, const Connection *c, Diag *diag) {
        Run *run = (Run *) ((char *) cli - offsetof(Run, cli));

        if (c->session || c->host)
                return diag_error_code(diag, -EOPNOTSUPP, (SrcLoc) {}, "not supported: URI '%s'", c->uri);
        leave_test(run);
        cli->manager = run->machine;
        if (!c->test)
                return 0;
        int r = test_backend_new(diag, &run->test);
        if (r >= 0)
                r = test_backend_manager(run->test, &run->manager);
        if (r >= 0)
                cli->manager = run->manager;
        return r;
}

/* "$ edit web <y n": the words behind "<" are the lines of its input; "~" is a blank in one. */
static void run_command(Session *s, const char *line, bool shown) {
        const char *less = strstr(line, " <"); /* none in quotes */
        if (less && strchr(line, '\'') && strchr(line, '\'') < less)
                less = NULL;

        _cleanup_free_ char *command = strndup(line, less ? (size_t) (less - line) : strlen(line));
        _cleanup_free_ char *input = strdup(less ? less + 2 : ""), *text = NULL;
        _cleanup_strv_ char **words = split_command(command);
        _cleanup_strv_ char **argv = NULL;
        size_t size;

        for (char *p = input; *p; p++)
                *p = *p == ' ' ? '\n' : *p == '~' ? ' ' : *p;
        if (strv_extend(&argv, "vmunit") < 0)
                abort();
        STRV_FOREACH(w, words)
                if (strv_extend(&argv, *w) < 0)
                        abort();

        Run run = { .machine = s->machine->manager };
        Cli *cli = &run.cli;
        *cli = (Cli) { .manager = run.machine, .program = "vmunit", .escape = CLI_ESCAPE_DEFAULT, .open_connection = open_connection };
        cli->in = *input ? fmemopen(input, strlen(input), "r") : fopen("/dev/null", "re");
        cli->out = cli->err = open_memstream(&text, &size);
        if (!cli->in || !cli->out)
                abort();
        int r = cli_run(cli, (int) strv_length(argv), argv);
        fclose(cli->in);
        fclose(cli->out);
        cli_done(cli);
        leave_test(&run);
        if (shown)
                add_output(s, text);
        if ((r == 0 || *text == '{' || *text == '[') && strv_contains(words, "--json"))
                check_document(s, word(words, streq(word(words, 0), "-c") ? 2 : 0), text);
        if (r != 0)
                text_appendf(&s->output, "[exit %d]\n", r);
}

static int keep_entry(const struct dirent *e) {
        return !streq(e->d_name, ".") && !streq(e->d_name, "..");
}

static void list_directory(Session *s, const char *path) {
        struct dirent **entries = NULL;

        int n = scandir(path, &entries, keep_entry, alphasort);
        for (int i = 0; i < n; i++) {
                text_appendf(&s->output, "%s\n", startswith(entries[i]->d_name, "virsh") ? "virshXXXXXX.xml" :
                             entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
}

static void inspect(Session *s, char *const *words) {
        _cleanup_free_ char *path = strf("%s/%s", s->machine->dir, word(words, 1)), *text = NULL;
        const char *what = word(words, 0);
        struct stat st;

        if (streq(what, "calls"))
                text = fake_calls(s->machine);
        else if (streq(what, "cat"))
                text = fake_read(s->machine, word(words, 1)) ?: strdup("(no such file)");
        else if (streq(what, "mode") && lstat(path, &st) >= 0)
                text = S_ISLNK(st.st_mode) ? strdup("link") : strf("%o", (unsigned) st.st_mode & 07777);
        else if (streq(what, "ls"))
                list_directory(s, path);
        else
                text = strdup("(no such thing)");
        add_output(s, text);
}

static void apply_setting(Session *s, const char *line, char *const *words) {
        s->raw = line + 2 + strlen(word(words, 0));
        s->raw += strspn(s->raw, " ");
        for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                if (streq(settings[i].word, word(words, 0))) {
                        if (settings[i].set)
                                settings[i].set(s, words);
                        return;
                }
        fprintf(stderr, "unknown setting '%s'\n", word(words, 0));
        abort();
}

/* Lines of output are what is compared: all that is not an instruction is skipped here. */
static void run_session(Session *s) {
        while (s->lines[s->at]) {
                const char *line = s->lines[s->at++];
                _cleanup_strv_ char **words = *line ? split_command(line + 1) : NULL;

                if (!strchr("#!$%>", *line) || !*line)
                        continue;
                text_appendf(&s->output, "%s\n", line);
                if (*line == '!')
                        apply_setting(s, line, words);
                else if (*line == '$' || *line == '%')
                        run_command(s, line + 1, *line == '$');
                else if (*line == '>')
                        inspect(s, words);
        }
}

/* Keeps empty lines, which strv_split() does not. */
static char **split_lines(const char *text) {
        char **lines = NULL;

        while (*text) {
                size_t n = strcspn(text, "\n");
                if (strv_consume(&lines, strndup(text, n)) < 0)
                        abort();
                text += n + (text[n] == '\n');
        }
        return lines;
}

static void show_difference(const char *name, const char *expected, const char *actual) {
        unsigned line = 1;
        const char *start = actual;

        while (*expected && *expected == *actual) {
                if (*actual++ == '\n') {
                        line++;
                        start = actual;
                }
                expected++;
        }
        fprintf(stderr, "%s:%u: not as expected; what was printed from there on:\n%.600s\n", name, line,
                start);
}

static bool run_file(const char *directory, const char *name) {
        (void) unsetenv("TMPDIR"); /* of the file before */
        _cleanup_(fake_machine_freep) FakeMachine *machine = fake_machine_new();
        _cleanup_free_ char *path = strf("%s/%s", directory, name), *expected = NULL, *actual = NULL;
        _cleanup_free_ char *temporary = strf("%s/tmp", machine->dir);
        _cleanup_strv_ char **lines = NULL;

        if (read_file_limited(AT_FDCWD, path, 1 << 20, &expected, NULL) < 0 || chdir(machine->dir) < 0 ||
            mkdir(temporary, 0755) < 0)
                abort();
        setenv("TMPDIR", temporary, 1);
        lines = split_lines(expected);
        Session s = { .machine = machine, .lines = lines };
        run_session(&s);
        if (text_finish(&s.output, &actual) < 0)
                abort();
        if (s.wrong)
                return false;
        if (streq(actual, expected)) {
                printf("ok %s\n", name);
                return true;
        }
        if (getenv("VMUNIT_UPDATE_GOLDEN")) {
                printf("written %s\n", name);
                return write_file_atomic(AT_FDCWD, path, actual, strlen(actual), 0644) >= 0;
        }
        show_difference(name, expected, actual);
        return false;
}

static int only_text(const struct dirent *e) {
        return endswith(e->d_name, ".txt");
}

int main(int argc, char **argv) {
        struct dirent **entries = NULL;
        bool ok = true;

        if (argc != 2)
                return EXIT_FAILURE;
        int n = scandir(argv[1], &entries, only_text, alphasort);
        for (int i = 0; i < n; i++) {
                ok = run_file(argv[1], entries[i]->d_name) && ok;
                free(entries[i]);
        }
        free(entries);
        verbs_foreach(check_seen, &ok);
        strv_free(seen);
        return ok && n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
