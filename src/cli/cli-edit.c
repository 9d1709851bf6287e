/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli-common.h"
#include "definitions.h"
#include "file-util.h"
#include "domain-xml.h"
#include "siphash.h"
#include "string-util.h"
#include "verbs.h"

/* edit: the file of the definition, byte by byte, in the user's editor. What the user typed is never thrown
 * away: when he gives up, or anything fails, it stays in the temporary file, which is named. */

typedef struct Edit {
        char *path; /* owned; the temporary file */
        char *text; /* owned; as it was read back */
        size_t size;
        bool keep; /* the file holds work that is in no definition */
} Edit;

static void edit_done(Edit *e) {
        if (e->path && !e->keep)
                (void) unlink(e->path);
        free(e->path);
        free(e->text);
}

static int make_temporary(Cli *cli, Edit *e, const char *text, size_t size) {
        const char *dir = getenv("TMPDIR");

        e->path = strf("%s/virshXXXXXX.xml", isempty(dir) ? "/tmp" : dir);
        if (!e->path)
                return cli_error(cli, "out of memory");
        _cleanup_close_ int fd = mkostemps(e->path, 4, O_CLOEXEC);
        if (fd < 0) {
                int r = -errno;
                cli_error(cli, "mkostemps: failed to create temporary file '%s': %s", e->path, strerror(-r));
                e->path = mfree(e->path);
                return -1;
        }
        int r = write_all(fd, text, size);
        return r < 0 ? cli_error(cli, "write: %s: failed to write to temporary file: %s", e->path,
                                 strerror(-r)) : 0;
}

static const char *editor(void) {
        const char *s = getenv("VISUAL");

        if (isempty(s))
                s = getenv("EDITOR");
        return isempty(s) ? "vi" : s;
}

/* The variable may hold options; the file's name is given beside the command, so nothing in it is a command. */
static int run_editor(Cli *cli, const char *path) {
        _cleanup_free_ char *command = strf("%s \"$1\"", editor());
        int status;

        if (!command)
                return cli_error(cli, "out of memory");
        (void) fflush(cli->out);
        pid_t pid = fork();
        if (pid < 0)
                return cli_error(cli, "cannot run the editor: %m");
        if (pid == 0) {
                execl("/bin/sh", "sh", "-c", command, "sh", path, (char *) NULL);
                _exit(127);
        }
        /* ^C is for the editor. */
        void (*old_int)(int) = signal(SIGINT, SIG_IGN);
        void (*old_quit)(int) = signal(SIGQUIT, SIG_IGN);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        (void) signal(SIGINT, old_int);
        (void) signal(SIGQUIT, old_quit);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return cli_error(cli, "the editor '%s' failed", editor());
        return 0;
}

/* Editors replace files, so it is opened anew. */
static int read_back(Cli *cli, Edit *e) {
        e->text = mfree(e->text);
        int r = read_file_limited(AT_FDCWD, e->path, DOMAIN_XML_MAX, &e->text, &e->size);
        return r < 0 ? cli_error(cli, "%s: failed to read temporary file: %s", e->path, strerror(-r)) : 0;
}

/* One key at a terminal, as in virsh; elsewhere the first character of a line. EOF at the end. */
static int read_answer(FILE *in) {
        struct termios usual, raw;
        int fd = fileno(in);
        char line[64];

        if (fd < 0 || tcgetattr(fd, &usual) < 0)
                return fgets(line, sizeof(line), in) ? (unsigned char) line[0] : EOF;
        raw = usual;
        raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        (void) tcsetattr(fd, TCSADRAIN, &raw);
        ssize_t n = read(fd, line, 1);
        (void) tcsetattr(fd, TCSADRAIN, &usual);
        /* ^D is no character of an answer. */
        return n == 1 && line[0] != 4 ? (unsigned char) line[0] : EOF;
}

/* 'y', 'n', 'i' or 'f'. Without an answer, "n". */
static char ask(Cli *cli, bool can_ignore) {
        bool terminal = isatty(fileno(cli->in));

        for (;;) {
                cli_print(cli, "Failed. Try again? [y,n,%sf,?]: ", can_ignore ? "i," : "");
                (void) fflush(cli->out);
                int key = read_answer(cli->in);
                if (terminal || key == EOF)
                        cli_print(cli, "\n");
                if (key == EOF)
                        return 'n';
                char c = (char) (key | 0x20);
                if (c == 'y' || c == 'n' || c == 'f' || (c == 'i' && can_ignore))
                        return c;
                if (key != '?')
                        continue;
                cli_print(cli,
                          "y - yes, start editor again\n"
                          "n - no, leave the definition as it was (what you wrote is kept)\n"
                          "%s"
                          "f - force, try to redefine again\n"
                          "? - print this help\n",
                          can_ignore ? "i - turn off validation and try to redefine again\n" : "");
        }
}

/* One definition being edited. */
typedef struct Job {
        const Vm *vm;
        char digest[33]; /* of the text it began with */
        ParseFlags flags;
} Job;

/* True when the definition is written. */
static bool try_redefine(Cli *cli, Job *j, const Edit *e) {
        _cleanup_diag_ Diag diag = {};
        char digest[33];

        (void) diag_init(&diag, e->path);
        int r = vm_redefine(cli->manager, j->vm, j->digest, e->text, e->size, j->flags, &diag);
        cli_warnings(cli, &diag);
        if (r >= 0)
                return true;
        if (r == -ESTALE) {
                /* Told once; who then says "force" knows what he replaces. */
                _cleanup_free_ char *text = NULL;
                size_t size;
                if (vm_read_definition(cli->manager, j->vm, &text, &size) >= 0) {
                        digest_hex(text, size, digest);
                        memcpy(j->digest, digest, sizeof(digest));
                }
        }
        cli_error_diag(cli, r, &diag, "Failed to define domain from %s", e->path);
        return false;
}

static bool is_original(const Edit *e, const char *original, size_t size) {
        return e->size == size && memcmp(e->text, original, size) == 0;
}

/* What was typed is in the file, which stays. */
static int keep_work(Cli *cli, Edit *e) {
        if (access(e->path, F_OK) < 0)
                return cli_error(cli, "nothing was changed");
        e->keep = true;
        return cli_error(cli, "nothing was changed; what you wrote is in %s", e->path);
}

int cli_edit_text(Cli *cli, const char *text, int (*apply)(Cli *cli, const char *text, void *userdata), void *userdata) {
        _cleanup_(edit_done) Edit e = {};
        bool again = true;

        if (make_temporary(cli, &e, text, strlen(text)) < 0)
                return -1;
        for (;;) {
                int r = again ? run_editor(cli, e.path) : 0;
                if (again && read_back(cli, &e) < 0)
                        return keep_work(cli, &e);
                /* Some editors end the last line, whether it was ended or not. */
                if (again && e.size > 0 && e.text[e.size - 1] == '\n')
                        e.text[--e.size] = 0;
                bool same = is_original(&e, text, strlen(text));
                if (r < 0 && !same)
                        return keep_work(cli, &e);
                if (same)
                        return r;
                if (strlen(e.text) != e.size)
                        cli_error(cli, "%s: a NUL byte in it", e.path);
                else if (apply(cli, e.text, userdata) >= 0)
                        return 1;
                char answer = ask(cli, false);
                if (answer == 'n')
                        return keep_work(cli, &e);
                again = answer != 'f';
        }
}

static int edit_loop(Cli *cli, Job *j, Edit *e, const char *original, size_t size) {
        bool again = true;

        for (;;) {
                int r = again ? run_editor(cli, e->path) : 0;
                if (again && read_back(cli, e) < 0)
                        r = -1;
                if (r < 0 && e->text && is_original(e, original, size))
                        return -1;
                if (r < 0)
                        return keep_work(cli, e);
                if (is_original(e, original, size)) {
                        cli_print_extra(cli, "Domain '%s' XML configuration not changed.\n", j->vm->name);
                        return 0;
                }
                if (try_redefine(cli, j, e)) {
                        cli_print_extra(cli, "Domain '%s' XML configuration edited.\n", j->vm->name);
                        return 0;
                }
                switch (ask(cli, j->flags & PARSE_STRICT)) {
                case 'n':
                        return keep_work(cli, e);
                case 'i':
                        j->flags &= (ParseFlags) ~PARSE_STRICT;
                        again = false;
                        break;
                case 'f':
                        again = false;
                        break;
                default:
                        again = true;
                }
        }
}

static int verb_edit(Cli *cli, const Command *c) {
        Job j = { .flags = command_has(c, "skip-validate") ? 0 : PARSE_STRICT };
        _cleanup_(edit_done) Edit e = {};
        _cleanup_free_ char *text = NULL;
        _cleanup_vm_ Vm vm = {};
        size_t size;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (!vm.persistent)
                return cli_error(cli, "Requested operation is not valid: domain '%s' is transient and has no definition", vm.name);
        int r = vm_read_definition(cli->manager, &vm, &text, &size);
        if (r < 0)
                return cli_error(cli, "cannot read '%s': %s", vm.source_path, strerror(-r));
        digest_hex(text, size, j.digest);
        j.vm = &vm;
        if (make_temporary(cli, &e, text, size) < 0)
                return -1;
        return edit_loop(cli, &j, &e, text, size);
}

static const Option edit_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("skip-validate", "skip validation of the XML against the schema"),
        OPTIONS_END,
};

static const Verb edit_verbs[] = {
        { "edit", GROUP_DOMAIN, verb_edit, edit_options, "edit XML configuration for a domain",
          "Edit the XML configuration for a domain: its file as it is, with comments.\n"
          "The next start uses it.", .changes = true },
};
DEFINE_VERB_TABLE(edit);
