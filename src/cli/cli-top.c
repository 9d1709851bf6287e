/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "cli-common.h"
#include "pager.h"
#include "string-util.h"
#include "table.h"
#include "time-util.h"
#include "top.h"

/* top: what running domains take, while somebody looks */

#define CLEAR "\x1b[H\x1b[J"
#define HIDE_CURSOR "\x1b[?25l"
#define SHOW_CURSOR "\x1b[?25h"

/* "512", "1.5K", "20.0M" */
static int add_size(Table *t, uint64_t bytes) {
        static const char units[] = "KMGTPE";
        double v = (double) bytes / 1024;
        char text[32];
        size_t i = 0;

        if (bytes < 1024)
                (void) snprintf(text, sizeof(text), "%" PRIu64, bytes);
        else {
                for (; v >= 1024 && units[i + 1]; i++)
                        v /= 1024;
                (void) snprintf(text, sizeof(text), "%.1f%c", v, units[i]);
        }
        return table_add_value(t, text, report_u64(bytes));
}

static int add_usage(Table *t, const VmUsage *u) {
        const char *state = domain_state_to_string(u->vm.state);
        _cleanup_free_ char *text = u->vm.stalled ? strf("%s (not answering)", state) : strdup(strempty(state));
        char cpu[32], number[32];

        if (!text)
                return -ENOMEM;
        (void) snprintf(cpu, sizeof(cpu), "%.1f", u->cpu * 100);
        (void) snprintf(number, sizeof(number), "%.3f", u->cpu);
        int r = u->vm.id > 0 ? table_add_number(t, u->vm.id) : table_add_text(t, NULL);
        if (r >= 0)
                r = table_add(t, u->vm.name);
        if (r >= 0)
                r = u->has_rates ? table_add_value(t, cpu, json_object_new_double_s(u->cpu, number)) : table_add_text(t, NULL);
        if (r >= 0)
                r = add_size(t, u->counts.resident);
        const uint64_t rates[] = { u->read, u->written, u->received, u->sent };
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(rates); i++)
                r = u->has_rates ? add_size(t, rates[i]) : table_add_text(t, NULL);
        return r < 0 ? r : table_add_value(t, text, report_text(state));
}

static int print_usages(Cli *cli, const VmUsages *u, bool live) {
        static const TableColumn head[] = {
                { "Id", "id" },         { "Name", "name" },       { "CPU %", "cpu" },           { "Memory", "resident" },
                { "Read/s", "read" },   { "Write/s", "written" }, { "Receive/s", "received" },  { "Send/s", "sent" },
                { "State", "state" },   {},
        };
        _cleanup_table_ Table t = {};

        int r = table_init(&t, head);
        FOREACH_ARRAY(i, u->items, u->n_items)
                if (r >= 0)
                        r = add_usage(&t, i);
        if (r < 0)
                return r;
        if (live)
                cli_print(cli, CLEAR);
        table_print(cli, &t);
        return fflush(cli->out) == 0 ? 0 : -EIO;
}

/* --- the terminal --- */

static volatile sig_atomic_t ended;

static void on_signal(int signo) {
        ended = 1;
}

typedef struct Screen {
        struct termios mode;
        bool raw;
        struct sigaction old[3];
} Screen;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static void screen_open(Cli *cli, Screen *s) {
        struct termios mode;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                (void) sigaction(signals[i], &(struct sigaction) { .sa_handler = on_signal }, &s->old[i]);
        if (tcgetattr(fileno(cli->in), &s->mode) >= 0) {
                mode = s->mode;
                mode.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
                s->raw = tcsetattr(fileno(cli->in), TCSANOW, &mode) >= 0;
        }
        cli_print(cli, HIDE_CURSOR);
}

static void screen_close(Cli *cli, Screen *s) {
        cli_print(cli, SHOW_CURSOR);
        if (s->raw)
                (void) tcsetattr(fileno(cli->in), TCSANOW, &s->mode);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                (void) sigaction(signals[i], &s->old[i], NULL);
}

/* True when the user has had enough. FD -1: nobody can say so. */
static bool wait_or_end(int fd, unsigned seconds) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint64_t until = now_usec() + seconds * USEC_PER_SEC;
        char key;

        for (uint64_t now; !ended && (now = now_usec()) < until;) {
                int n = poll(&p, 1, (int) ((until - now + 999) / 1000));
                if (n > 0 && (read(fd, &key, 1) != 1 || key == 'q' || key == 'Q'))
                        return true;
        }
        return ended;
}

/* ROUNDS 0: until the user ends it. */
static int watch(Cli *cli, bool live, unsigned rounds, unsigned delay) {
        _cleanup_vm_usages_ VmUsages last = {};

        int r = vm_usage(cli->manager, &last, &last);
        if (r >= 0 && live)
                r = print_usages(cli, &last, true);
        for (unsigned i = 0; r >= 0 && (rounds == 0 || i < rounds); i++) {
                VmUsages now = {};
                if (wait_or_end(live ? fileno(cli->in) : -1, delay))
                        break;
                r = vm_usage(cli->manager, &last, &now);
                if (r < 0)
                        break;
                vm_usages_done(&last);
                last = now;
                if (!live && i > 0)
                        cli_print(cli, "\n");
                r = print_usages(cli, &last, live);
        }
        return r;
}

static int verb_top(Cli *cli, const Command *c) {
        bool batch = command_has(c, "batch") || cli->report || !cli_on_terminal(cli) || !isatty(fileno(cli->in));
        unsigned rounds = batch ? 1 : 0, delay = batch ? 1 : 2;
        Screen screen = {};

        if (command_get_uint(cli, c, "iterations", &rounds) < 0 || command_get_uint(cli, c, "delay", &delay) < 0)
                return -1;
        if (delay == 0 || delay > 3600)
                return cli_error(cli, "--delay is 1 to 3600 seconds");
        if (command_has(c, "iterations") && rounds == 0)
                return cli_error(cli, "--iterations is at least 1");
        if (cli->report)
                rounds = 1;
        ended = 0;
        if (!batch)
                screen_open(cli, &screen);
        int r = watch(cli, !batch, rounds, delay);
        if (!batch)
                screen_close(cli, &screen);
        return r < 0 ? cli_error(cli, "%s", strerror(-r)) : 0;
}

static const Option top_options[] = {
        { .name = "batch", .letter = 'b', .type = OPTION_BOOL, .help = "print, and do not use the screen" },
        { .name = "iterations", .letter = 'n', .type = OPTION_INT, .named = true, .help = "how often (default: until q; 1 with --batch)" },
        { .name = "delay", .letter = 'd', .type = OPTION_INT, .named = true, .help = "seconds in between (default: 2; 1 with --batch)" },
        OPTIONS_END,
};

static const Verb top_verbs[] = {
        { "top", GROUP_MONITOR, verb_top, top_options, "show what running domains take",
          "Show of each running domain what it takes of CPUs, memory, disks and networks, anew every few\n"
          "seconds, until q is pressed. Nothing is counted while nobody looks.",
          .plain = true,
          .json = "[{id: number?, name: string, cpu: number?, resident: number, read: number?, written: number?, received: number?, "
                  "sent: number?, state: string}]" },
};
DEFINE_VERB_TABLE(top);
