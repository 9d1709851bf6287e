/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "cli-common.h"
#include "direct.h"
#include "terminal.h"
#include "verbs.h"
#include "vm-lifecycle.h"

/* run: `create` with the caller's terminal at the console, until the VM ends */

#define POLL_MSEC 200

/* Until the unit is gone; how it ended is in its state file. */
static int wait_until_off(Cli *cli, const char *name, Vm *ret) {
        for (;;) {
                _cleanup_vm_ Vm vm = {};

                int r = vm_lookup(cli->manager, name, VM_BY_NAME, NULL, &vm);
                if (r == -ENOENT) {
                        *ret = (Vm) { .state = STATE_SHUT_OFF };
                        return 0;
                }
                if (r < 0)
                        return r;
                (void) poll(NULL, 0, POLL_MSEC);
        }
}

static int end_vm(Cli *cli, const char *name) {
        _cleanup_vm_ Vm vm = {};

        if (vm_lookup(cli->manager, name, VM_BY_NAME, NULL, &vm) < 0)
                return 0;
        int r = vm_destroy(cli->manager, &vm, false, NULL);
        return r == -EINVAL ? 0 : r;
}

/* How a domain that runs by itself is watched: by systemd's unit, or by the supervisor that is our child. */
typedef struct Watch {
        bool (*ended)(void *userdata);
        void *userdata;
} Watch;

typedef struct UnitWatch {
        Cli *cli;
        const char *name;
} UnitWatch;

static bool unit_ended(void *userdata) {
        UnitWatch *w = userdata;
        _cleanup_vm_ Vm vm = {};

        return vm_lookup(w->cli->manager, w->name, VM_BY_NAME, NULL, &vm) == -ENOENT;
}

static bool direct_ended(void *userdata) {
        DirectVm *vm = userdata;
        siginfo_t si = {};

        return waitid(P_PID, (id_t) vm->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid != 0;
}

/* Without a console there is still a user who may want to end it: 0 then, 1 when it has ended by itself. */
static int wait_for_signal(const Watch *w) {
        struct pollfd p = { .events = POLLIN };
        sigset_t set, old;
        int r = 1;

        sigemptyset(&set);
        FOREACH_ARRAY(s, ((int[]) { SIGINT, SIGTERM, SIGHUP, SIGQUIT }), 4)
                sigaddset(&set, *s);
        if (sigprocmask(SIG_BLOCK, &set, &old) < 0)
                return -errno;
        _cleanup_close_ int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        p.fd = fd;
        while (fd >= 0 && r > 0 && !w->ended(w->userdata))
                if (poll(&p, 1, POLL_MSEC) > 0) {
                        struct signalfd_siginfo info;
                        r = read(fd, &info, sizeof(info)) == sizeof(info) ? 0 : 1;
                }
        (void) sigprocmask(SIG_SETMASK, &old, NULL);
        return r;
}

/* 1: the domain has ended; 0: the user wants its end; -1: an error. */
static int follow(Cli *cli, const char *name, int fd, ConsoleWatch *console, const Watch *watch) {
        if (fd < 0) {
                cli_print_extra(cli, "Domain '%s' has no console; ^C ends it\n", name);
                (void) fflush(cli->out);
                int r = wait_for_signal(watch);
                return r < 0 ? cli_error(cli, "cannot wait for signals: %s", strerror(-r)) : r;
        }
        bool control = (unsigned char) cli->escape < 0x20;
        cli_print_extra(cli, "Connected to domain '%s'; %s%c ends it\n", name, control ? "^" : "",
                        control ? cli->escape + 0x40 : cli->escape);
        (void) fflush(cli->out);
        int r = cli_attach(cli, fd, console);
        if (r != TERMINAL_TAKEN)
                return r;
        /* That is no wish to end the domain. */
        cli_print_extra(cli, "\nAnother session has taken over the console of domain '%s'; ^C ends it\n", name);
        (void) fflush(cli->out);
        r = wait_for_signal(watch);
        return r < 0 ? cli_error(cli, "cannot wait for signals: %s", strerror(-r)) : r;
}

static int attach(Cli *cli, const char *name, bool paused) {
        _cleanup_(console_watch_freep) ConsoleWatch *console = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        int r = vm_lookup(cli->manager, name, VM_BY_NAME, &diag, &vm);
        if (r == -ENOENT)
                return 1; /* it has ended already */
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get domain '%s'", name);
        _cleanup_close_ int fd = vm_open_console(cli->manager, &vm, NULL, true, &diag, &console);
        if (!paused) {
                r = vm_resume(cli->manager, &vm, &diag);
                if (r < 0)
                        return cli_error_diag(cli, r, &diag, "Failed to resume domain '%s'", name);
        }
        return follow(cli, name, fd, console, &(Watch) { unit_ended, &(UnitWatch) { cli, name } });
}

/* --- without systemd --- */

static int end_direct(Cli *cli, DirectVm *vm) {
        int status;

        int r = direct_wait(vm, &status);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        if (WIFSIGNALED(status))
                return cli_error(cli, "domain '%s' was ended by signal %d", vm->name, WTERMSIG(status));
        if (WEXITSTATUS(status) != 0)
                return cli_error(cli, "domain '%s' ended with status %d", vm->name, WEXITSTATUS(status));
        cli_print_extra(cli, "\nDomain '%s' has ended\n", vm->name);
        return 0;
}

static int run_direct(Cli *cli, const char *file, const char *text, size_t size, bool paused) {
        _cleanup_(direct_done) DirectVm vm = DIRECT_VM_EMPTY;
        _cleanup_diag_ Diag diag = {};

        (void) fprintf(cli->err,
                       "notice: systemd does not run here, so this virtual machine lacks protections:\n");
        for (const char *const *s = direct_missing; *s; s++)
                (void) fprintf(cli->err, "notice:   %s\n", *s);

        (void) diag_init(&diag, file);
        int r = direct_start(cli->manager, text, size, file, &diag, &vm);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to create domain from %s", file);
        _cleanup_close_ int fd = direct_open_console(&vm, NULL);
        if (!paused) {
                r = direct_resume(&vm, &diag);
                if (r < 0) {
                        cli_error_diag(cli, r, &diag, "Failed to resume domain '%s'", vm.name);
                        direct_destroy(&vm);
                        return end_direct(cli, &vm), -1;
                }
        }
        r = follow(cli, vm.name, fd, NULL, &(Watch) { direct_ended, &vm });
        if (r <= 0)
                direct_destroy(&vm);
        return end_direct(cli, &vm) < 0 || r < 0 ? -1 : 0;
}

static int verb_run(Cli *cli, const Command *c) {
        _cleanup_free_ char *text = NULL, *name = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *file;
        size_t size;

        if (command_get_nonempty(cli, c, "file", &file) < 0 || cli_read_file(cli, file, &text, &size) < 0)
                return -1;
        if (manager_check_real(cli->manager, "console", &diag) < 0)
                return cli_error_diag(cli, 0, &diag, "Failed to create domain from %s", file);
        if (!manager_has_systemd(cli->manager))
                return run_direct(cli, file, text, size, command_has(c, "paused"));
        (void) diag_init(&diag, file);
        /* Paused until the console is open, so that the guest's first words are not lost. */
        int r = vm_create(cli->manager, text, size, VM_START_PAUSED, NULL, false, &diag, &name);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to create domain from %s", file);

        r = attach(cli, name, command_has(c, "paused"));
        if (r <= 0)
                (void) end_vm(cli, name);
        int k = wait_until_off(cli, name, &vm);
        if (r < 0 || k < 0)
                return -1;
        cli_print_extra(cli, "\nDomain '%s' has ended\n", name);
        return 0;
}

static const Option run_options[] = {
        { .name = "file", .type = OPTION_DATA, .required = true, .hint = HINT_FILE,
          .help = "file containing an XML domain description" },
        OPTION_FLAG("paused", "leave the guest paused after creation"),
        OPTIONS_END,
};

static const Verb run_verbs[] = {
        { "run", GROUP_DOMAIN, verb_run, run_options,
          "run a domain from an XML file with this terminal as its console",
          "Create a domain and attach to its console; it is gone when it stops, and it is\n"
          "stopped when this command is.", .changes = true, .plain = true },
};
DEFINE_VERB_TABLE(run);
