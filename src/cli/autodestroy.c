/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "autodestroy.h"
#include "machines.h"
#include "string-util.h"

typedef struct Guard {
        pid_t pid;
        int alive; /* owned: a pipe that ends with us; what is written into it: see guard() */
} Guard;

struct Guards {
        Guard *items; /* owned */
        size_t n_items;
};

/* Up to the end of the pipe; the text fits. */
static void read_word(int fd, char *ret, size_t size) {
        size_t at = 0;
        ssize_t n;

        while ((n = read(fd, ret + at, size - 1 - at)) > 0 || (n < 0 && errno == EINTR))
                at += n > 0 ? (size_t) n : 0;
        ret[at] = 0;
}

/* In the child. It is told the id of the machine, as soon as there is one: ids are not given out twice. Or "-": there is no machine.
 * Who ends before it has said anything was about to start the machine called NAME. */
static _noreturn_ void guard(int fd, const char *uri, const char *name) {
        char word[32];

        (void) setsid();
        FOREACH_ARRAY(s, ((int[]) { SIGINT, SIGTERM, SIGHUP, SIGQUIT }), 4)
                (void) signal(*s, SIG_IGN);
        /* Our output may be read up to its end by somebody. */
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int k = 0; k <= STDERR_FILENO; k++)
                (void) dup2(null, k);
        read_word(fd, word, sizeof(word));
        /* A name of digits would be taken for an id. */
        if (*word == '-' || (!*word && !name[strspn(name, DIGITS)]))
                _exit(EXIT_SUCCESS);
        const char *const argv[] = { "vmunit", "-q", "-c", uri, "destroy", *word ? word : name, NULL };
        execv("/proc/self/exe", (char *const *) argv);
        _exit(127);
}

static void guard_end(Guard *g) {
        close(g->alive);
        while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static int add_guard(Cli *cli, const char *name) {
        int fds[2];

        if (!cli->guards)
                cli->guards = calloc(1, sizeof(Guards));
        Guards *g = cli->guards;
        if (!g || !ARRAY_GROW(g->items, g->n_items))
                return -ENOMEM;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int reader = fds[0], writer = fds[1];
        (void) fflush(NULL);
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                /* They would not end as long as we have them. */
                close(writer);
                FOREACH_ARRAY(i, g->items, g->n_items)
                        close(i->alive);
                guard(reader, strempty(cli->connection.uri), name);
        }
        g->items[g->n_items++] = (Guard) { .pid = pid, .alive = TAKE_FD(writer) };
        return 0;
}

int autodestroy_begin(Cli *cli, const char *name) {
        int r = add_guard(cli, name);

        return r < 0 ? cli_error(cli, "cannot watch over domain '%s': %s", name, strerror(-r)) : 0;
}

void autodestroy_settle(Cli *cli, const char *name, bool started) {
        Guard *g = &cli->guards->items[cli->guards->n_items - 1];
        _cleanup_free_ char *word = NULL;
        _cleanup_vm_ Vm vm = {};

        if (started && vm_lookup(cli->manager, name, VM_BY_NAME, NULL, &vm) >= 0 && vm.id > 0)
                word = strf("%u", vm.id);
        /* It may have ended already. */
        const char *said = word ?: "-";
        (void) !write(g->alive, said, strlen(said));
        if (word)
                return;
        guard_end(g);
        cli->guards->n_items--;
}

void autodestroy_done(Cli *cli) {
        Guards *g = cli->guards;

        if (!g)
                return;
        FOREACH_ARRAY(i, g->items, g->n_items)
                guard_end(i);
        free(g->items);
        cli->guards = mfree(g);
}
