/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autodestroy.h"
#include "cli-common.h"
#include "vm-lifecycle.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* start, shutdown, destroy, reboot, reset, suspend, resume */

static int verb_start(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        VmStartFlags flags = (command_has(c, "paused") ? VM_START_PAUSED : 0) |
                             (command_has(c, "force-boot") ? VM_START_FORCE_BOOT : 0) |
                             (command_has(c, "reset-nvram") ? VM_START_RESET_NVRAM : 0);

        _cleanup_strv_ char **credentials = NULL;

        if (cli_lookup(cli, c, VM_BY_NAME | VM_BY_UUID, &vm, NULL) < 0)
                return -1;
        if (vm.active)
                return cli_error(cli, "Domain is already active");
        if (cli_refuse_fds(cli, c, "virDomainCreateWithFiles", "Failed to start domain '%s'", vm.name) < 0)
                return -1;
        if (cli_credentials(cli, c, &credentials) < 0)
                return -1;
        bool guarded = command_has(c, "autodestroy");
        if (guarded && autodestroy_begin(cli, vm.name) < 0)
                return -1;
        int r = vm_start(cli->manager, &vm, flags, credentials, &diag);
        if (guarded)
                autodestroy_settle(cli, vm.name, r >= 0);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to start domain '%s'", vm.name);
        cli_print_extra(cli, "Domain '%s' started\n", vm.name);
        if (command_has(c, "console"))
                return cli_console(cli, vm.name, NULL, false);
        return 0;
}

/* What is done to a running VM: the word for the failure and the text for success. */
typedef struct Action {
        int (*function)(Manager *m, const Vm *vm, const char *mode, Diag *diag);
        const char *failed, *done;
} Action;

static int act(Cli *cli, const Command *c, const Action *a, const char *mode) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0)
                return -1;
        int r = a->function(cli->manager, &vm, mode, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to %s domain '%s'", a->failed, word);
        cli_print_extra(cli, "Domain '%s' %s\n", word, a->done);
        return 0;
}

/* --mode: a list of words separated by commas, as in virsh. Those that QEMU cannot do are refused as its driver
 * refuses them. COMMA: virsh has one more for shutdown. *RET: "acpi" or "agent", NULL for either. */
static int get_mode(Cli *cli, const Command *c, const char *comma, const char **ret) {
        bool acpi = false, agent = false;
        const char *list;

        *ret = NULL;
        if (command_get_nonempty(cli, c, "mode", &list) < 0)
                return -1;
        if (!list)
                return 0;
        for (const char *p = list;; p++) {
                _cleanup_free_ char *w = strndup(p, strcspn(p, ","));
                if (!w)
                        return cli_error(cli, "out of memory");
                if (streq(w, "initctl") || streq(w, "signal") || streq(w, "paravirt"))
                        return cli_error(cli, "not yet supported: --mode %s", w);
                if (!streq(w, "acpi") && !streq(w, "agent"))
                        return cli_error(cli, "Unknown mode %s value, expecting 'acpi', 'agent', 'initctl', 'signal'%s or "
                                              "'paravirt'", w, comma);
                acpi = acpi || streq(w, "acpi");
                agent = agent || streq(w, "agent");
                p += strlen(w);
                if (!*p)
                        break;
        }
        /* Both: what happens without --mode. */
        if (acpi != agent)
                *ret = acpi ? "acpi" : "agent";
        return 0;
}

static int verb_shutdown(Cli *cli, const Command *c) {
        static const Action a = { vm_shutdown, "shutdown", "is being shutdown" };
        const char *mode;

        if (get_mode(cli, c, ",", &mode) < 0)
                return -1;
        return act(cli, c, &a, mode);
}

static int verb_reboot(Cli *cli, const Command *c) {
        static const Action a = { vm_reboot, "reboot", "is being rebooted" };
        const char *mode;

        if (get_mode(cli, c, "", &mode) < 0)
                return -1;
        return act(cli, c, &a, mode);
}

static int do_reset(Manager *m, const Vm *vm, _unused_ const char *mode, Diag *diag) {
        return vm_reset(m, vm, diag);
}

static int verb_reset(Cli *cli, const Command *c) {
        static const Action a = { do_reset, "reset", "was reset" };
        return act(cli, c, &a, NULL);
}

static int do_suspend(Manager *m, const Vm *vm, _unused_ const char *mode, Diag *diag) {
        return vm_suspend(m, vm, diag);
}

static int verb_suspend(Cli *cli, const Command *c) {
        static const Action a = { do_suspend, "suspend", "suspended" };
        return act(cli, c, &a, NULL);
}

static int do_resume(Manager *m, const Vm *vm, _unused_ const char *mode, Diag *diag) {
        return vm_resume(m, vm, diag);
}

static int verb_resume(Cli *cli, const Command *c) {
        static const Action a = { do_resume, "resume", "resumed" };
        return act(cli, c, &a, NULL);
}

static int do_destroy(Manager *m, const Vm *vm, _unused_ const char *mode, Diag *diag) {
        return vm_destroy(m, vm, false, diag);
}

static int do_destroy_gracefully(Manager *m, const Vm *vm, _unused_ const char *mode, Diag *diag) {
        return vm_destroy(m, vm, true, diag);
}

static int verb_destroy(Cli *cli, const Command *c) {
        static const Action at_once = { do_destroy, "destroy", "destroyed" };
        static const Action graceful = { do_destroy_gracefully, "destroy", "destroyed" };
        return act(cli, c, command_has(c, "graceful") ? &graceful : &at_once, NULL);
}

#define OPTION_MODE \
        { .name = "mode", .type = OPTION_STRING, .words = "acpi|agent", .list = true, \
          .help = "shutdown mode: acpi|agent|initctl|signal|paravirt" }

static const Option start_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_OFF, "name of the inactive domain"),
        OPTION_FLAG("console", "attach to console after creation"),
        OPTION_FLAG("paused", "leave the guest paused after creation"),
        OPTION_FLAG("autodestroy", "automatically destroy the guest when vmunit disconnects"),
        OPTION_FLAG("bypass-cache", "avoid file system cache when loading"),
        OPTION_FLAG("force-boot", "force fresh boot by discarding any managed save"),
        OPTION_FLAG("reset-nvram", "re-initialize NVRAM from its pristine template"),
        OPTION_PASS_FDS,
        OPTION_CREDENTIAL,
        OPTIONS_END,
};
static const Option mode_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_MODE,
        OPTIONS_END,
};
static const Option active_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTIONS_END,
};
static const Option destroy_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_FLAG("graceful", "terminate gracefully"),
        OPTIONS_END,
};

static const Verb lifecycle_verbs[] = {
        { "start", GROUP_DOMAIN, verb_start, start_options, "start a (previously defined) inactive domain",
          "Start a domain: what systemctl start vm@NAME does, after a daemon-reload if the\n"
          "definition has changed since the last one.", .changes = true },
        { "shutdown", GROUP_DOMAIN, verb_shutdown, mode_options, "gracefully shutdown a domain",
          "Run shutdown in the target domain.", .changes = true },
        { "destroy", GROUP_DOMAIN, verb_destroy, destroy_options, "destroy (stop) a domain",
          "Forcefully stop a given domain, but leave its resources intact.", .changes = true },
        { "reboot", GROUP_DOMAIN, verb_reboot, mode_options, "reboot a domain",
          "Run a reboot command in the target domain. A changed definition takes effect\n"
          "when the domain is shut down and started, not here.", .changes = true },
        { "reset", GROUP_DOMAIN, verb_reset, active_options, "reset a domain",
          "Reset the target domain as if by power button", .changes = true },
        { "suspend", GROUP_DOMAIN, verb_suspend, active_options, "suspend a domain",
          "Suspend a running domain.", .changes = true },
        { "resume", GROUP_DOMAIN, verb_resume, active_options, "resume a domain",
          "Resume a previously suspended domain.", .changes = true },
};
DEFINE_VERB_TABLE(lifecycle);
