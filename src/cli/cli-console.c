/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <stdio.h>

#include "cli-common.h"
#include "vm-lifecycle.h"
#include "terminal.h"
#include "verbs.h"

/* console, ttyconsole, qemu-monitor-command */

/* Between two looks at whether a monitor is there again. */
#define AGAIN_MSEC 200

static bool is_between_monitors(int r) {
        return r == -ECONNRESET || r == -ECONNREFUSED || r == -ENOENT || r == -EBUSY || r == -ETIMEDOUT;
}

static bool is_taken(void *userdata) {
        return console_watch_is_taken(userdata);
}

static void copy(void *userdata, const char *data, size_t n) {
        console_watch_copy(userdata, data, n);
}

int cli_attach(Cli *cli, int fd, ConsoleWatch *watch) {
        TerminalWatch w = { .fd = watch ? console_watch_get_fd(watch) : -EBADF, .taken = is_taken, .copy = copy, .userdata = watch };

        int r = terminal_attach(STDIN_FILENO, STDOUT_FILENO, fd, cli->escape, watch ? &w : NULL);
        return r < 0 ? cli_error(cli, "the console was interrupted: %s", strerror(-r)) : r;
}

static void say_connected(Cli *cli, const char *name, const char *how) {
        cli_print_extra(cli, "Connected to domain '%s'%s\n", name, how);
        if ((unsigned char) cli->escape < 0x20)
                cli_print_extra(cli, "Escape character is ^%c (Ctrl + %c)\n", cli->escape + 0x40,
                                cli->escape + 0x40);
        else
                cli_print_extra(cli, "Escape character is %c\n", cli->escape);
        (void) fflush(cli->out);
}

int cli_console(Cli *cli, const char *name, const char *alias, bool force) {
        _cleanup_(console_watch_freep) ConsoleWatch *watch = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        int r = vm_lookup(cli->manager, name, VM_BY_NAME, &diag, &vm);
        if (r < 0)
                return cli_error_diag(cli, r == -ENOENT ? 0 : r, &diag, "failed to get domain '%s'", name);
        if (!vm.active)
                return cli_error(cli, "The domain is not running");
        if (!isatty(STDIN_FILENO))
                return cli_error(cli, "Cannot run interactive console without a controlling TTY");

        r = vm_open_console(cli->manager, &vm, alias, force, &diag, &watch);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to open the console of domain '%s'", vm.name);
        _cleanup_close_ int fd = r;

        say_connected(cli, vm.name, "");
        r = cli_attach(cli, fd, watch);
        if (r != TERMINAL_TAKEN)
                return r < 0 ? -1 : 0;
        /* virsh says no more than "stream had I/O failure". The guest may have left the cursor within a line. */
        cli_print_extra(cli, "\n");
        return cli_error(cli, "another session has taken over the console of domain '%s'", vm.name);
}

/* What is read ends with the VM's monitor, and goes on with the next one. */
static int view_console(Cli *cli, const char *name, const char *alias) {
        TerminalWatch read_only = { .fd = -EBADF, .read_only = true };

        for (bool again = false;; again = true) {
                _cleanup_diag_ Diag diag = {};
                _cleanup_vm_ Vm vm = {};

                int r = vm_lookup(cli->manager, name, VM_BY_NAME, &diag, &vm);
                if (again && (r == -ENOENT || (r >= 0 && !vm.active)))
                        return 0;
                if (r < 0)
                        return cli_error_diag(cli, r == -ENOENT ? 0 : r, &diag, "failed to get domain '%s'", name);
                if (!vm.active)
                        return cli_error(cli, "The domain is not running");
                _cleanup_close_ int fd = vm_view_console(cli->manager, &vm, alias, &diag);
                if (fd < 0 && !(again && is_between_monitors(fd)))
                        return cli_error_diag(cli, fd, &diag, "Failed to open the console of domain '%s'", vm.name);
                if (!again)
                        say_connected(cli, vm.name, ", read-only");
                if (fd >= 0)
                        r = terminal_attach(STDIN_FILENO, STDOUT_FILENO, fd, cli->escape, &read_only);
                if (r < 0)
                        return cli_error(cli, "the console was interrupted: %s", strerror(-r));
                if (fd >= 0 && r != TERMINAL_ENDED)
                        return 0;
                /* One that cannot stay is not to keep us busy. */
                (void) poll(NULL, 0, AGAIN_MSEC);
        }
}

static int verb_console(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};
        const char *alias;

        if (command_get_nonempty(cli, c, "devname", &alias) < 0 ||
            cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (command_has(c, "read-only") && command_has(c, "force"))
                return cli_error(cli, "Options --force and --read-only are mutually exclusive");
        if (command_has(c, "read-only"))
                return view_console(cli, vm.name, alias);
        /* --safe asks that nobody else can have it at the same time: that is always so. */
        return cli_console(cli, vm.name, alias, command_has(c, "force"));
}

static int verb_ttyconsole(Cli *cli, const Command *c) {
        _cleanup_free_ char *device = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        /* virsh looks for it in what there is of the domain, and says nothing when it is not there. */
        if (!vm.active)
                return -1;
        int r = vm_tty_console(cli->manager, &vm, &diag, &device);
        if (r == -ENOENT)
                return -1; /* virsh says nothing here */
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to get the console of domain '%s'", vm.name);
        report(cli, "device", report_text(device), "%s\n", device);
        return 0;
}

static const Option console_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "devname", .type = OPTION_STRING, .help = "character device name" },
        OPTION_FLAG("force", "force console connection (disconnect already connected sessions)"),
        OPTION_FLAG("read-only", "show what the console says, beside whoever has it, and send it nothing"),
        OPTION_FLAG("safe", "only connect if safe console handling is supported"),
        OPTIONS_END,
};
static const Option ttyconsole_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTIONS_END,
};

static const Verb console_verbs[] = {
        { "console", GROUP_DOMAIN, verb_console, console_options, "connect to the guest console",
          "Connect the virtual serial console for the guest", .changes = true },
        { "ttyconsole", GROUP_DOMAIN, verb_ttyconsole, ttyconsole_options, "tty console",
          "Output the device for the TTY console.", .json = "{device: string}" },
};
DEFINE_VERB_TABLE(console);
