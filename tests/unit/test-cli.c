/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
/* after the above */
#include <cmocka.h>

#include "cli-common.h"
#include "command-split.h"
#include "fake-machine.h"
#include "file-util.h"
#include "shell.h"
#include "string-util.h"
#include "strv.h"
#include "table.h"
#include "verbs.h"

#include <fcntl.h>

/* The parser, tables, and that help, completions and manual page say what the table of verbs says. */

typedef struct Capture {
        Cli cli;
        char *text; /* owned */
        size_t size;
} Capture;

static void capture_init(Capture *c) {
        *c = (Capture) { .cli = { .program = "vmunit", .escape = CLI_ESCAPE_DEFAULT } };
        FILE *f = open_memstream(&c->text, &c->size);
        assert_non_null(f);
        c->cli.in = stdin;
        c->cli.out = c->cli.err = f;
}

static void capture_done(Capture *c) {
        fclose(c->cli.out);
        free(c->text);
}

static const char *captured(Capture *c) {
        fflush(c->cli.out);
        return c->text;
}

/* Parses WORDS and expects MESSAGE ("" for success). */
static void expect(const char *message, Command *ret, char **words) {
        _cleanup_(capture_done) Capture c;
        Command command = {};

        capture_init(&c);
        int r = command_parse(&c.cli, words, &command);
        assert_string_equal(captured(&c), message);
        assert_int_equal(r < 0, *message != 0);
        if (ret)
                *ret = command;
        else
                command_done(&command);
}
#define WORDS(...) ((char *[]) { __VA_ARGS__, NULL })

/* What went wrong, and nothing else, line by line behind what is there. */
static void test_log(void **state) {
        char path[] = "/tmp/vmunit-test-log.XXXXXX", *text = NULL, *argv[] = { (char *) "vmunit", (char *) "-l", path, (char *) "echo a; nonsense", NULL };
        int fd = mkostemp(path, O_CLOEXEC);

        assert_true(fd >= 0);
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_(capture_done) Capture c;
                capture_init(&c);
                (void) cli_run(&c.cli, 4, argv);
                cli_done(&c.cli);
        }
        assert_true(read_fd_limited(fd, 4096, &text, NULL) >= 0);
        close(fd);
        (void) unlink(path);
        unsigned n = 0;
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, n++) {
                *end = 0;
                const char *head = strstr(line, " vmunit ");
                assert_int_equal(line[0], '[');
                assert_non_null(head);
                assert_string_equal(strstr(head, "] "), "] ERROR unknown command: 'nonsense'");
        }
        assert_int_equal(n, 2);
        free(text);
}

static void test_positional(void **state) {
        Command c;

        expect("", &c, WORDS("start", "web", "--paused"));
        assert_string_equal(command_get(&c, "domain"), "web");
        assert_true(command_has(&c, "paused"));
        assert_false(command_has(&c, "console"));
        command_done(&c);

        expect("", &c, WORDS("shutdown", "web", "acpi"));
        assert_string_equal(command_get(&c, "mode"), "acpi");
        command_done(&c);

        expect("", &c, WORDS("start", "--", "--paused"));
        assert_string_equal(command_get(&c, "domain"), "--paused");
        assert_false(command_has(&c, "paused"));
        command_done(&c);
}

static void test_named(void **state) {
        Command c;

        expect("", &c, WORDS("shutdown", "--mode=agent", "--domain", "web"));
        assert_string_equal(command_get(&c, "domain"), "web");
        assert_string_equal(command_get(&c, "mode"), "agent");
        command_done(&c);

        /* --domain is never meant by a word alone here, so the word is the file. */
        expect("", &c, WORDS("domxml-to-native", "qemu-argv", "web.xml"));
        assert_null(command_get(&c, "domain"));
        assert_string_equal(command_get(&c, "xml"), "web.xml");
        command_done(&c);

        expect("", &c, WORDS("qemu-monitor-command", "web", "--hmp", "info", "status"));
        assert_int_equal(c.n_rest, 2);
        assert_string_equal(c.rest[1], "status");
        command_done(&c);
}

static void test_refused(void **state) {
        expect("error: unknown command: 'nonsense'\n", NULL, WORDS("nonsense"));
        expect("error: not yet supported: migrate\n", NULL, WORDS("migrate", "--live", "web"));
        expect("error: command 'dominfo' requires <domain> option\n", NULL, WORDS("dominfo"));
        expect("error: unexpected data 'b'\n", NULL, WORDS("dominfo", "a", "b"));
        expect("error: command 'dominfo' doesn't support option --foo\n", NULL, WORDS("dominfo", "--foo"));
        expect("error: command 'dominfo' doesn't support option --foo\n", NULL, WORDS("dominfo", "--foo=1"));
        expect("error: expected syntax: --domain <string>\n", NULL, WORDS("dominfo", "--domain"));
        expect("error: invalid '=' after option --all\n", NULL, WORDS("list", "--all=3"));
        expect("error: option --all already seen\n", NULL, WORDS("list", "--all", "--all"));
        expect("error: option --domain already seen\n", NULL, WORDS("dominfo", "a", "--domain", "b"));
        expect("error: unexpected data '--all'\n", NULL, WORDS("list", "--", "--all"));
}

static void test_table(void **state) {
        static const TableColumn head[] = { { "Id", "id" }, { "Name", "name" }, { "State", "state" }, {} };
        _cleanup_(capture_done) Capture c;
        _cleanup_table_ Table t = {};

        capture_init(&c);
        assert_int_equal(table_init(&t, head), 0);
        assert_int_equal(table_add(&t, "1") | table_add(&t, "test\x1b") | table_add(&t, "running"), 0);
        table_print(&c.cli, &t);
        assert_string_equal(captured(&c), " Id   Name    State\n"
                                          "-----------------------\n"
                                          " 1    test    running\n");
        c.cli.quiet = true;
        table_print(&c.cli, &t);
        assert_non_null(strstr(captured(&c), "\n 1   test    running\n"));
}

/* --- the table of verbs --- */

static void check_row(const Verb *v, void *userdata) {
        unsigned *n = userdata;
        size_t options = 0;

        (*n)++;
        assert_ptr_equal(verb_find(v->name), v); /* else a name is there twice */
        assert_true(v->group < _GROUP_MAX);
        if (!v->run) {
                assert_null(v->options);
                return;
        }
        assert_non_null(v->summary);
        FOREACH_OPTION(o, v) {
                options++;
                assert_non_null(o->help);
        }
        assert_true(options <= COMMAND_OPTIONS_MAX);
        if (!v->guarded)
                return;
        _cleanup_strv_ char **guarded = NULL;
        assert_false(v->changes);
        assert_int_equal(strv_split(v->guarded, "|", &guarded), 0);
        STRV_FOREACH(word, guarded) {
                bool found = false;
                FOREACH_OPTION(o, v)
                        found = found || streq(o->name, *word);
                assert_true(found);
        }
}

static void test_rows(void **state) {
        unsigned n = 0;

        verbs_foreach(check_row, &n);
        assert_true(n > 240); /* all of virsh's, and a few */
}

static void test_help(void **state) {
        _cleanup_(capture_done) Capture c;

        capture_init(&c);
        assert_int_equal(help_print_topic(&c.cli, "domxml-to-native"), 0);
        assert_string_equal(captured(&c),
                            "  NAME\n"
                            "    domxml-to-native - Convert domain XML to native config\n"
                            "\n"
                            "  SYNOPSIS\n"
                            "    domxml-to-native <format> [--domain <string>] [--xml <string>]\n"
                            "\n"
                            "  DESCRIPTION\n"
                            "    Convert domain XML config to a native guest configuration format.\n"
                            "\n"
                            "  OPTIONS\n"
                            "    [--format] <string>  target config data type format\n"
                            "    --domain <string>  domain name, id or uuid\n"
                            "    --xml <string>   xml data file to export from\n"
                            "\n");
        assert_int_equal(help_print_topic(&c.cli, "nope"), -ENOENT);
}

/* Also what vmunit has not (yet), under virsh's groups. */
static void test_help_lists_all(void **state) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(_GROUP_MAX, true);
        _cleanup_(capture_done) Capture c, group;

        capture_init(&c);
        assert_int_equal(help_print_all(&c.cli), 0);
        for (const Verb **v = verbs; *v; v++) {
                _cleanup_free_ char *line = strf("\n    %-30s %s", (*v)->name,
                                                 (*v)->run ? (*v)->summary : (*v)->description ? "not supported: " : "not yet supported\n");
                assert_non_null(strstr(captured(&c), line));
        }
        capture_init(&group);
        assert_int_equal(help_print_topic(&group.cli, "snapshot"), 1);
        assert_non_null(strstr(captured(&group), " Snapshot (help keyword 'snapshot'):\n    snapshot-create                not yet supported\n"));
        assert_null(strstr(captured(&group), "migrate"));
}

/* The I-th line of what is offered behind "vmunit" and WORDS; the last word is the one that is begun. */
static char *offered(char **words, size_t i) {
        _cleanup_(capture_done) Capture c;
        _cleanup_strv_ char **found = NULL;
        bool files;

        capture_init(&c);
        assert_int_equal(complete_words(&c.cli, words, strv_length(words), false, &found, &files), 0);
        assert_string_equal(captured(&c), "");
        return strv_length(found) > i ? strdup(found[i]) : NULL;
}

/* All verbs and all their options, and nothing else. */
static void test_completion(void **state) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(_GROUP_MAX, false);
        size_t n = 0;

        for (const Verb **v = verbs; *v; v++, n++) {
                _cleanup_free_ char *name = offered(WORDS((char *) ""), n);
                assert_string_equal(name, (*v)->name);
                size_t k = 0;
                FOREACH_OPTION(o, *v) {
                        _cleanup_free_ char *word = offered(WORDS((char *) (*v)->name, (char *) "--"), k++), *option = strf("--%s", o->name);
                        assert_string_equal(word, option);
                }
                if (verb_has_common_json(*v)) {
                        _cleanup_free_ char *word = offered(WORDS((char *) (*v)->name, (char *) "--"), k++);
                        assert_string_equal(word, "--json");
                        assert_null(offered(WORDS((char *) (*v)->name, (char *) "--json", (char *) "--"), k - 1));
                }
                assert_null(offered(WORDS((char *) (*v)->name, (char *) "--"), k));
        }
        assert_null(offered(WORDS((char *) ""), n));

        _cleanup_(capture_done) Capture c;
        capture_init(&c);
        assert_int_equal(completion_print(&c.cli, "fish"), -EINVAL);
}

/* What is named on the command line may be a pipe or a socket: "vmunit define /dev/stdin", "<(…)". */
static void test_definition_files(void **state) {
        static const char text[] = "<domain/>";

        for (unsigned k = 0; k < 2; k++) {
                _cleanup_diag_ Diag diag = {};
                _cleanup_free_ char *path = NULL, *read = NULL;
                size_t size = 0;
                int fds[2];
                assert_int_equal(k == 0 ? pipe(fds) : socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
                assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
                close(fds[1]);
                path = strf("/dev/fd/%d", fds[0]);
                assert_int_equal(read_definition_file(path, &diag, &read, &size), 0);
                assert_string_equal(read, text);
                assert_int_equal(size, strlen(text));
                close(fds[0]);
        }

        static const struct { const char *path, *error; int result; } wrong[] = {
                { "/dev/zero", "Failed to open file '/dev/zero': larger than 4 MiB", -EFBIG },
                { "/", "Failed to open file '/': Is a directory", -EISDIR },
                { "/dev/fd/4000000000", "Failed to open file '/dev/fd/4000000000': No such file or directory", -ENOENT },
        };
        FOREACH_ARRAY(w, wrong, ELEMENTSOF(wrong)) {
                _cleanup_diag_ Diag diag = {};
                char *unused = NULL;
                size_t size;
                assert_int_equal(read_definition_file(w->path, &diag, &unused, &size), w->result);
                assert_string_equal(diag_first_error(&diag), w->error);
        }
}

/* The manual page without its escapes: "\-" is "-", "\fB" nothing. */
static char *read_man_page(void) {
        const char *path = getenv("VMUNIT_MAN_PAGE");
        char *text, *to;

        assert_non_null(path);
        assert_int_equal(read_file_limited(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
        to = text;
        for (const char *p = text; *p; p++) {
                if (p[0] == '\\' && p[1] == '-') {
                        *to++ = '-';
                        p++;
                } else if (p[0] == '\\' && p[1] == 'f' && p[2])
                        p += 2;
                else
                        *to++ = *p;
        }
        *to = 0;
        return text;
}

static void test_man_page(void **state) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(_GROUP_MAX, false);
        _cleanup_free_ char *page = read_man_page();

        for (const Verb **v = verbs; *v; v++) {
                _cleanup_free_ char *head = strf("\n.SS %s", (*v)->name);
                const char *start = page;
                do {
                        start = strstr(start, head);
                        if (!start)
                                fail_msg("man/vmunit.1 has no section for '%s'", (*v)->name);
                        start += strlen(head);
                } while (*start != ' ' && *start != '\n');
                const char *end = strstr(start, "\n.S");
                _cleanup_free_ char *section = strndup(start, end ? (size_t) (end - start) : strlen(start));
                FOREACH_OPTION(o, *v) {
                        _cleanup_free_ char *option = strf("--%s", o->name);
                        if (o->type != OPTION_DATA && !(o->type == OPTION_INT && o->required) && !strstr(section, option))
                                fail_msg("man/vmunit.1: section '%s' does not tell of %s", (*v)->name,
                                         option);
                }
        }
}

/* What stands behind the headline of V, and those of the verbs that are told of with it. */
static char *man_section(const char *page, const Verb *v) {
        _cleanup_free_ char *head = strf("\n.SS %s", v->name);
        const char *start = page;

        do {
                start = strstr(start, head);
                assert_non_null(start);
                start += strlen(head);
        } while (*start != ' ' && *start != '\n');
        while (startswith(start = strchr(start, '\n') + 1, ".SS"))
                ;
        const char *end = strstr(start, "\n.S");
        return end ? strndup(start, (size_t) (end - start)) : strdup(start);
}

/* The last "vmunit VERB ..." of SECTION, up to what is the shell's or the next example's. */
static char *man_example(const char *section, const Verb *v) {
        static const char *const behind[] = { "\n", ", vmunit ", ", exit", " && ", " | " };
        _cleanup_free_ char *word = strf("%s%s", v->group == GROUP_VIRSH && v->local && !streq(v->name, "help") ? "" : "vmunit ", v->name);
        const char *found = NULL;

        for (const char *p = section; (p = strstr(p, word)); p += strlen(word))
                if ((p == section || strchr(" \n", p[-1])) && strchr(" \n,", p[strlen(word)]))
                        found = p;
        if (!found)
                return NULL;
        size_t n = strlen(found);
        for (size_t i = 0; i < ELEMENTSOF(behind); i++) {
                const char *end = strstr(found, behind[i]);
                n = end ? MIN(n, (size_t) (end - found)) : n;
        }
        return strndup(found, n);
}

/* Every verb has an example, and the example is a command that the verb takes. */
static void test_man_examples(void **state) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(_GROUP_MAX, false);
        _cleanup_free_ char *page = read_man_page();

        for (const Verb **v = verbs; *v; v++) {
                _cleanup_free_ char *section = man_section(page, *v), *example = man_example(section, *v);
                if (!example)
                        fail_msg("man/vmunit.1 has no example of '%s'", (*v)->name);
                const char *text = startswith(example, "vmunit ") ?: example;
                _cleanup_split_line_ SplitLine line = {};
                assert_int_equal(command_split(text, &line), 0);
                assert_null(line.error);
                assert_int_equal(line.n_commands, 1);
                expect("", NULL, line.commands[0].words);
        }
}

/* --- JSON --- */

/* Verbs that change nothing and answer nothing that JSON could say better. */
static const struct {
        const char *verb, *why;
} not_json[] = {
        { "dumpxml", "answers XML" },          { "capabilities", "answers XML" }, { "domcapabilities", "answers XML" },
        { "sysinfo", "answers XML" },          { "save-image-dumpxml", "answers XML" }, { "managedsave-dumpxml", "answers XML" },
        { "domxml-to-native", "answers a command line" }, { "domxml-from-native", "answers XML" },
        { "help", "is for people" },           { "complete", "is for shells" },
        { "event", "is virsh's: events answers the same as JSON" }, { "qemu-monitor-event", "answers what QEMU says, which is JSON" },
                 { "screenshot", "answers a picture" },
        { "logs", "is journalctl, which has -o json" },
        { "cd", "is about the shell" },        { "pwd", "is about the shell" }, { "echo", "is about the shell" },
        { "connect", "is about the shell" },   { "quit", "is about the shell" }, { "exit", "is about the shell" },
};

/* Those that can change something, too. */
static const char *const also_json[] = {
        "schedinfo", "memtune", "numatune", "blkiotune", "vcpupin", "emulatorpin", "guestvcpus", "domtime", "desc", "metadata",
};

static bool takes_json(const Verb *v) {
        FOREACH_OPTION(o, v)
                if (streq(o->name, "json"))
                        return true;
        return v->json;
}

static void check_json(const Verb *v, void *userdata) {
        bool excused = v->changes || !v->run;

        FOREACH_ARRAY(n, not_json, ELEMENTSOF(not_json))
                if (streq(n->verb, v->name)) {
                        if (takes_json(v))
                                fail_msg("%s takes --json, and is in the list of those that do not", v->name);
                        excused = true;
                }
        FOREACH_ARRAY(a, also_json, ELEMENTSOF(also_json))
                if (streq(*a, v->name) && !takes_json(v))
                        fail_msg("%s does not take --json", v->name);
        if (!excused && !takes_json(v))
                fail_msg("%s answers something, and not as JSON", v->name);
}

static void test_json_of_all(void **state) {
        verbs_foreach(check_json, NULL);
        FOREACH_ARRAY(n, not_json, ELEMENTSOF(not_json))
                assert_non_null(verb_find(n->verb));
}

/* The page without line breaks: what a document is like is one text, however it is broken. */
static void test_json_in_man_page(void **state) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(_GROUP_MAX, false);
        _cleanup_free_ char *page = read_man_page();
        char *section = strstr(page, "\n.SH JSON\n");

        assert_non_null(section);
        for (char *p = section; *p; p++)
                *p = *p == '\n' ? ' ' : *p;
        for (const Verb **v = verbs; *v; v++) {
                _cleanup_free_ char *text = (*v)->json ? strf(" .TP .B %s %s ", (*v)->name, (*v)->json) : NULL;
                if (text && !strstr(section, text))
                        fail_msg("man/vmunit.1 does not say what '%s --json' prints:%s", (*v)->name, text);
        }
        for (const char *p = section; (p = strstr(p, " .TP .B ")); p++) {
                const char *word = p + strlen(" .TP .B ");
                _cleanup_free_ char *name = strndup(word, strcspn(word, " "));
                const Verb *v = verb_find(name);
                if (startswith(word + strlen(name), " {") || startswith(word + strlen(name), " ["))
                        assert_true(v && v->json);
        }
}

static void test_json_text(void **state) {
        static const struct { const char *text, *json; } cases[] = {
                { "a\"b\n", "\"a\\\"b\\n\"" }, { "\xc3\xa9", "\"\xc3\xa9\"" }, { "\xff", "\"\xef\xbf\xbd\"" },
                { "a\xc3", "\"a\xef\xbf\xbd\"" }, { "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, { "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
        };
        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                json_object *o = report_text(c->text);
                assert_string_equal(json_object_to_json_string_ext(o, 0), c->json);
                json_object_put(o);
        }
        assert_null(report_text(NULL));

        static const struct { const char *text; bool is_number; const char *json; } words[] = {
                { "5", true, "5" }, { "5", false, "\"5\"" }, { "-3600", true, "-3600" }, { "18446744073709551615", true, "18446744073709551615" },
                { "x", true, "\"x\"" }, { "-", true, "\"-\"" }, { "99999999999999999999", true, "\"99999999999999999999\"" },
        };
        FOREACH_ARRAY(w, words, ELEMENTSOF(words)) {
                json_object *o = report_word(w->text, w->is_number);
                assert_string_equal(json_object_to_json_string_ext(o, 0), w->json);
                json_object_put(o);
        }
}

/* A section of the page about a verb that does not exist would be a promise. */
static void test_man_page_is_not_ahead(void **state) {
        _cleanup_free_ char *page = read_man_page();

        for (const char *p = page; (p = strstr(p, "\n.SS ")); p++) {
                const char *word = p + strlen("\n.SS ");
                _cleanup_free_ char *name = strndup(word, strcspn(word, " \n"));
                const Verb *v = verb_find(name);
                if (!v || !v->run)
                        fail_msg("man/vmunit.1 has a section for '%s', which does not exist", name);
        }
}

/* What is offered behind LINE: "START: WORD WORD". */
static void expect_offered(const char *line, const char *expected) {
        _cleanup_(capture_done) Capture c;
        _cleanup_(fake_machine_freep) FakeMachine *machine = fake_machine_new();
        size_t start = 0;

        capture_init(&c);
        c.cli.manager = machine->manager;
        fake_file(machine, "etc/web.xml", "<domain/>\n");
        fake_file(machine, "etc/west.xml", "<domain/>\n");
        fake_file(machine, "etc/x y;'\"z.xml", "<domain/>\n");
        _cleanup_strv_ char **list = shell_complete(&c.cli, line, &start);
        _cleanup_free_ char *words = strv_join(list, " ");
        _cleanup_free_ char *got = strf("%zu: %s", start, strempty(words));
        assert_string_equal(got, expected);
}

static void test_offered(void **state) {
        expect_offered("unde", "0: undefine");
        expect_offered("list; unde", "6: undefine");
        expect_offered("list;unde", "5: undefine");
        expect_offered("start w", "6: web west");
        expect_offered("start 'we", "6: 'web 'west");
        expect_offered("start x", "6: x\\ y\\;\\'\\\"z");
        expect_offered("start x\\ y", "6: x\\ y\\;\\'\\\"z");
        expect_offered("start 'x y", "6: 'x y;'\\''\"z");
        expect_offered("start \"x", "6: \"x y;'\\\"z");
        expect_offered("start x' y", "6: "); /* which nobody would go on with */
        expect_offered("start --domain we", "15: web west");
        expect_offered("start web --pa", "10: --paused --pass-fds");
        expect_offered("start web --paused --pa", "19: --pass-fds");
        expect_offered("shutdown web --mode ac", "20: acpi");
        expect_offered("domrename web --new-name x we", "27: ");
        expect_offered("domrename --new-name x we", "23: web west");
        expect_offered("shutdown web ag", "13: agent");
        expect_offered("destroy w", "8: "); /* none runs */
        expect_offered("define /et", "7: /etc/");
        expect_offered("cd /proc/self/tas", "3: /proc/self/task/");
        expect_offered("cd '/proc/self/tas", "3: '/proc/self/task/");
        expect_offered("define /proc/self/stat", "7: /proc/self/stat /proc/self/statm /proc/self/status");
        expect_offered("define /nowhere/x", "7: ");
        expect_offered("nonsense w", "9: ");
        expect_offered("help netw", "5: network");
        expect_offered("list # unde", "0: ");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_offered),
                cmocka_unit_test(test_positional),     cmocka_unit_test(test_log),
                cmocka_unit_test(test_named),
                cmocka_unit_test(test_refused),        cmocka_unit_test(test_table),
                cmocka_unit_test(test_rows),           cmocka_unit_test(test_help),
                cmocka_unit_test(test_help_lists_all), cmocka_unit_test(test_completion),
                cmocka_unit_test(test_definition_files),
                cmocka_unit_test(test_man_page),
                cmocka_unit_test(test_man_examples),
                cmocka_unit_test(test_man_page_is_not_ahead),
                cmocka_unit_test(test_json_of_all),    cmocka_unit_test(test_json_in_man_page),
                cmocka_unit_test(test_json_text),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
