/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "autodestroy.h"
#include "manager.h"
#include "shell.h"
#include "string-util.h"
#include "verbs.h"

void cli_print(Cli *cli, const char *format, ...) {
        va_list ap;

        if (cli->report)
                return;
        va_start(ap, format);
        (void) vfprintf(cli->out, format, ap);
        va_end(ap);
}

void cli_print_extra(Cli *cli, const char *format, ...) {
        va_list ap;

        if (cli->quiet || cli->report)
                return;
        va_start(ap, format);
        (void) vfprintf(cli->out, format, ap);
        va_end(ap);
}

/* As virsh writes it with --log. */
_printf_(2, 0) static void log_linev(Cli *cli, const char *format, va_list ap) {
        time_t now = time(NULL);
        struct tm local = {};
        char when[32] = "";

        if (!cli->log || !localtime_r(&now, &local))
                return;
        (void) strftime(when, sizeof(when), "%Y.%m.%d %H:%M:%S", &local);
        (void) fprintf(cli->log, "[%s %s %d] ERROR ", when, cli->program, (int) getpid());
        (void) vfprintf(cli->log, format, ap);
        (void) fputc('\n', cli->log);
        (void) fflush(cli->log);
}

_printf_(2, 3) static void log_line(Cli *cli, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        log_linev(cli, format, ap);
        va_end(ap);
}

_printf_(2, 0) static void error_linev(Cli *cli, const char *format, va_list ap) {
        va_list again;

        va_copy(again, ap);
        log_linev(cli, format, again);
        va_end(again);
        /* The two streams are often one terminal: keep the order. */
        (void) fflush(cli->out);
        (void) fputs("error: ", cli->err);
        (void) vfprintf(cli->err, format, ap);
        (void) fputc('\n', cli->err);
}

int cli_error(Cli *cli, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        error_linev(cli, format, ap);
        va_end(ap);
        return -1;
}

/* What DIAG says beside warnings. The place is told where it is in a file. */
static bool print_diag(Cli *cli, const Diag *diag, DiagSeverity severity) {
        bool any = false;

        const char *word = severity == DIAG_ERROR ? "error" : "warning";

        FOREACH_ARRAY(e, diag->entries, diag->n_entries) {
                if (e->severity != severity)
                        continue;
                any = true;
                if (severity == DIAG_ERROR)
                        log_line(cli, "%s", e->text);
                if (diag->file && e->loc.line > 0)
                        (void) fprintf(cli->err, "%s: %s:%u:%u: %s\n", word, diag->file, e->loc.line,
                                       e->loc.column, e->text);
                else
                        (void) fprintf(cli->err, "%s: %s\n", word, e->text);
        }
        return any;
}

int cli_error_diag(Cli *cli, int r, const Diag *diag, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        error_linev(cli, format, ap);
        va_end(ap);
        if ((!diag || !print_diag(cli, diag, DIAG_ERROR)) && r < 0)
                (void) cli_error(cli, "%s", strerror(-r));
        return -1;
}

void cli_warnings(Cli *cli, const Diag *diag) {
        (void) fflush(cli->out);
        (void) print_diag(cli, diag, DIAG_WARNING);
}

/* --- the options in front of the verb --- */

typedef enum GlobalOption {
        GLOBAL_CONNECT = 1,
        GLOBAL_DEBUG,
        GLOBAL_ESCAPE,
        GLOBAL_HELP,
        GLOBAL_HOST,
        GLOBAL_IGNORED,
        GLOBAL_KEEPALIVE,
        GLOBAL_LOG,
        GLOBAL_NO_PAGER,
        GLOBAL_QUIET,
        GLOBAL_READONLY,
        GLOBAL_TIMING,
        GLOBAL_VERSION,
        GLOBAL_VERSION_SHORT,
        GLOBAL_VERSION_LONG,
        GLOBAL_COMPLETION,
} GlobalOption;

typedef struct GlobalRow {
        const char *name;
        char letter;
        enum { NO_VALUE, VALUE, VALUE_OR_NOT } value;
        GlobalOption option;
} GlobalRow;

static const GlobalRow global_options[] = {
        { "connect", 'c', VALUE, GLOBAL_CONNECT },
        { "debug", 'd', VALUE, GLOBAL_DEBUG },
        { "escape", 'e', VALUE, GLOBAL_ESCAPE },
        { "host", 'H', VALUE, GLOBAL_HOST },
        { "help", 'h', NO_VALUE, GLOBAL_HELP },
        { "keepalive-interval", 'k', VALUE, GLOBAL_KEEPALIVE },
        { "keepalive-count", 'K', VALUE, GLOBAL_KEEPALIVE },
        { "log", 'l', VALUE, GLOBAL_LOG },
        { "no-pkttyagent", 0, NO_VALUE, GLOBAL_IGNORED },
        { "no-pager", 0, NO_VALUE, GLOBAL_NO_PAGER },
        { "quiet", 'q', NO_VALUE, GLOBAL_QUIET },
        { "readonly", 'r', NO_VALUE, GLOBAL_READONLY },
        { "timing", 't', NO_VALUE, GLOBAL_TIMING },
        { "version", 0, VALUE_OR_NOT, GLOBAL_VERSION },
        { "completion", 0, VALUE, GLOBAL_COMPLETION },
        { NULL, 'v', NO_VALUE, GLOBAL_VERSION_SHORT },
        { NULL, 'V', NO_VALUE, GLOBAL_VERSION_LONG },
};

typedef struct Start {
        bool help, version, version_long;
        const char *completion;
        const char *uri, *host; /* NULL: not given */
        int verb; /* index of the verb in argv */
} Start;

/* What is behind these is not looked at. */
static bool ends_parsing(const Start *start) {
        return start->help || start->version;
}

static int set_escape(Cli *cli, const char *s) {
        if (s[0] == '^' && s[1] && !s[2] && toupper((unsigned char) s[1]) >= '@' &&
            toupper((unsigned char) s[1]) <= '_')
                cli->escape = (char) (toupper((unsigned char) s[1]) & 0x1f);
        else if (s[0] && !s[1])
                cli->escape = s[0];
        else
                return cli_error(cli, "Invalid string '%s' for escape sequence", s);
        return 0;
}

bool cli_is_int(const char *s, int base, int *ret) {
        char *end;

        errno = 0;
        long n = strtol(s, &end, base);
        if (errno != 0 || end == s || *end || n < INT_MIN || n > INT_MAX)
                return false;
        *ret = (int) n;
        return true;
}

#define DEBUG_MAX 4

/* There is nothing that it would be the level of. */
static int check_debug(Cli *cli, const char *option, const char *value) {
        int level;

        if (!cli_is_int(value, 10, &level))
                return cli_error(cli, "option %s takes a numeric argument", option);
        if (level < 0 || level > DEBUG_MAX)
                (void) cli_error(cli, "ignoring debug level %d out of range [%d-%d]", level, 0, DEBUG_MAX);
        return 0;
}

/* There is no connection to keep alive. */
static int check_keepalive(Cli *cli, const char *option, const char *value) {
        int n;

        if (!cli_is_int(value, 0, &n))
                return cli_error(cli, "Invalid value for option %s", option);
        return n < 0 ? cli_error(cli, "option %s requires a positive integer argument", option) : 0;
}

static int open_log(Cli *cli, const char *path) {
        int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

        if (cli->log)
                (void) fclose(cli->log);
        cli->log = fd < 0 ? NULL : fdopen(fd, "a");
        if (fd >= 0 && !cli->log)
                safe_close(fd);
        return cli->log ? 0 : cli_error(cli, "failed to open the log file. check the log file path");
}

/* OPTION is how it was written. */
static int set_global(Cli *cli, Start *start, GlobalOption o, const char *option, const char *value) {
        switch (o) {
        case GLOBAL_CONNECT:
                start->uri = value;
                return 0;
        case GLOBAL_HOST:
                start->host = value;
                return 0;
        case GLOBAL_ESCAPE:
                return set_escape(cli, value);
        case GLOBAL_HELP:
                start->help = true;
                return 0;
        case GLOBAL_NO_PAGER:
                cli->no_pager = true;
                return 0;
        case GLOBAL_QUIET:
                cli->quiet = true;
                return 0;
        case GLOBAL_READONLY:
                cli->readonly = true;
                return 0;
        case GLOBAL_TIMING:
                cli->timing = true;
                return 0;
        case GLOBAL_COMPLETION:
                start->completion = value;
                return 0;
        case GLOBAL_VERSION:
                if (value && !streq(value, "short") && !streq(value, "long"))
                        return cli_error(cli, "unsupported option '%s'. See --help.", value);
                start->version = true;
                start->version_long = value && streq(value, "long");
                return 0;
        case GLOBAL_VERSION_SHORT:
                start->version = true;
                return 0;
        case GLOBAL_VERSION_LONG:
                start->version = start->version_long = true;
                return 0;
        case GLOBAL_DEBUG:
                return check_debug(cli, option, value);
        case GLOBAL_KEEPALIVE:
                return check_keepalive(cli, option, value);
        case GLOBAL_LOG:
                return open_log(cli, value);
        case GLOBAL_IGNORED:
                return 0;
        }
        return 0;
}

static const GlobalRow *find_letter(char letter) {
        FOREACH_ARRAY(o, global_options, ELEMENTSOF(global_options))
                if (o->letter == letter)
                        return o;
        return NULL;
}

/* WORD: "--name" or "--name=value". */
static const GlobalRow *find_name(const char *word) {
        const char *name = startswith(word, "--");
        size_t n = name ? strcspn(name, "=") : 0;

        FOREACH_ARRAY(o, global_options, ELEMENTSOF(global_options))
                if (name && o->name && strlen(o->name) == n && memcmp(o->name, name, n) == 0)
                        return o;
        return NULL;
}

static int value_missing(Cli *cli, const GlobalRow *o) {
        if (!o->letter)
                return cli_error(cli, "option '--%s' requires an argument", o->name);
        return cli_error(cli, "option '-%c'/'--%s' requires an argument", o->letter, o->name);
}

/* "-q", "-rq", "-c URI", "-qcURI" at argv[*i]. */
static int parse_letters(Cli *cli, Start *start, int argc, char **argv, int *i) {
        for (const char *p = argv[*i] + 1; *p; p++) {
                const GlobalRow *o = find_letter(*p);
                if (!o)
                        return cli_error(cli, "unsupported option '-%c'. See --help.", *p);
                bool valued = o->value == VALUE;
                if (valued && !p[1] && *i + 1 >= argc)
                        return value_missing(cli, o);
                const char *value = !valued ? NULL : p[1] ? p + 1 : argv[++*i];
                int r = set_global(cli, start, o->option, (const char[]) { '-', *p, 0 }, value);
                if (r < 0 || valued || ends_parsing(start))
                        return r;
        }
        return 0;
}

/* One word of options at argv[*i]; *i is left on the last word that belongs to it. */
static int parse_global(Cli *cli, Start *start, int argc, char **argv, int *i) {
        const char *word = argv[*i], *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;

        if (word[1] != '-')
                return parse_letters(cli, start, argc, argv, i);
        const GlobalRow *o = find_name(word);
        if (!o || (o->value == NO_VALUE && value))
                return cli_error(cli, "unsupported option '%s'. See --help.", word);
        if (o->value == VALUE && !value) {
                if (*i + 1 >= argc)
                        return value_missing(cli, o);
                value = argv[++*i];
        }
        _cleanup_free_ char *option = strf("--%s", o->name);
        return option ? set_global(cli, start, o->option, option, value) : -ENOMEM;
}

unsigned cli_global_words(const char *word) {
        if (word[0] != '-' || word[1] == '-') {
                const GlobalRow *o = find_name(word);
                return !o ? 0 : o->value == VALUE && !strchr(word, '=') ? 2 : 1;
        }
        /* Letters: the last one may want a value. */
        for (const char *p = word + 1; *p; p++) {
                const GlobalRow *o = find_letter(*p);
                if (!o)
                        return 0;
                if (o->value == VALUE)
                        return p[1] ? 1 : 2;
        }
        return word[1] ? 1 : 0;
}

const char *cli_global_name(size_t i) {
        return i < ELEMENTSOF(global_options) ? strempty(global_options[i].name) : NULL;
}

static int parse_globals(Cli *cli, int argc, char **argv, Start *start) {
        int i;

        for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
                if (streq(argv[i], "--")) {
                        i++;
                        break;
                }
                if (parse_global(cli, start, argc, argv, &i) < 0)
                        return -1;
                if (ends_parsing(start))
                        break;
        }
        start->verb = i;
        return 0;
}

static void print_version(Cli *cli, bool is_long) {
        if (is_long)
                cli_print(cli, "%s: virtual machines as systemd units, version " VMUNIT_VERSION "\n",
                          cli->program);
        else
                cli_print(cli, VMUNIT_VERSION "\n");
}

static int connect_to(Cli *cli, const Connection *c, Diag *diag) {
        if (cli->open_connection)
                return cli->open_connection(cli, c, diag);
        if (c->test || c->session || c->host)
                return diag_error_code(diag, -EOPNOTSUPP, (SrcLoc) {}, "not supported: URI '%s'", c->uri);
        return 0;
}

/* Takes over C, whose parsing said R. */
static int connect_parsed(Cli *cli, int r, Connection *c, Diag *diag) {
        if (r >= 0)
                r = connect_to(cli, c, diag);
        if (r < 0)
                return cli_error_diag(cli, r, diag, "failed to connect to the hypervisor");
        autodestroy_done(cli);
        connection_done(&cli->connection);
        cli->connection = *c;
        *c = (Connection) {};
        return 0;
}

int cli_connect(Cli *cli, const char *uri) {
        _cleanup_connection_ Connection c = {};
        _cleanup_diag_ Diag diag = {};

        int r = connection_find(uri, &diag, &c);
        return connect_parsed(cli, r, &c, &diag);
}

static int connect_host(Cli *cli, const char *host) {
        _cleanup_connection_ Connection c = {};
        _cleanup_diag_ Diag diag = {};

        int r = connection_parse_host(host, &diag, &c);
        return connect_parsed(cli, r, &c, &diag);
}

int cli_connect_first(Cli *cli) {
        return cli->connection.uri ? 0 : cli_connect(cli, NULL);
}

void cli_done(Cli *cli) {
        autodestroy_done(cli);
        if (cli->log)
                (void) fclose(cli->log);
        cli->log = NULL;
        connection_done(&cli->connection);
}

int cli_run(Cli *cli, int argc, char **argv) {
        Start start = {};
        int r = 0;

        if (parse_globals(cli, argc, argv, &start) < 0)
                return EXIT_FAILURE;
        if (start.completion)
                return completion_print(cli, start.completion) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (start.version) {
                print_version(cli, start.version_long);
                return EXIT_SUCCESS;
        }
        if (start.help)
                return help_print_usage(cli) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (start.uri && start.host) {
                cli_error(cli, "Options --connect and --host are mutually exclusive");
                return EXIT_FAILURE;
        }
        if ((start.uri && cli_connect(cli, start.uri) < 0) || (start.host && connect_host(cli, start.host) < 0))
                return EXIT_FAILURE;

        /* As in virsh: one word is a line of commands. */
        if (start.verb >= argc)
                shell_run(cli);
        else if (start.verb + 1 == argc)
                r = *argv[start.verb] ? shell_run_line(cli, argv[start.verb]) : -1;
        else
                r = shell_run_words(cli, argv + start.verb);
        return cli->exit_status ?: r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
