/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <json-c/json.h>
#include <time.h>

#include "cli-common.h"
#include "guest-agent.h"
#include "string-util.h"
#include "strv.h"
#include "table.h"
#include "vm-lifecycle.h"

/* What the guest agent does: qemu-agent-command, guest-agent-timeout, domfsinfo, domfsfreeze, domfsthaw, domfstrim, domtime,
 * guestinfo, set-user-password, get-user-sshkeys, set-user-sshkeys, dompmsuspend, dompmwakeup */

static int lookup(Cli *cli, const Command *c, Vm *ret) {
        return cli_lookup(cli, c, VM_BY_ANY, ret, NULL);
}

/* --- commands of the user's own --- */

static void print_object(Cli *cli, const char *reply, bool pretty) {
        json_object *o = json_tokener_parse(reply), *outer = json_object_new_object();

        json_object_object_add(outer, "return", o);
        cli_print_json(cli, outer, pretty, "\n");
        json_object_put(outer);
}

static int verb_agent_command(Cli *cli, const Command *c) {
        bool async = command_has(c, "async"), block = command_has(c, "block");
        _cleanup_free_ char *line = NULL, *reply = NULL;
        int wait = AGENT_WAIT_DEFAULT, timeout = 0;
        _cleanup_strv_ char **words = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (lookup(cli, c, &vm) < 0)
                return -1;
        for (size_t i = 0; i < c->n_rest; i++)
                if (strv_extend(&words, c->rest[i]) < 0)
                        return cli_error(cli, "out of memory");
        line = strv_join(words, " ");
        if (!line)
                return cli_error(cli, "out of memory");
        int given = command_get_int(cli, c, "timeout", &timeout);
        if (given < 0)
                return -1;
        if (given > 0 && timeout <= 0)
                return cli_error(cli, "timeout must be positive");
        if ((given > 0) + async + block > 1)
                return cli_error(cli, "timeout, async and block options are exclusive");
        if (given > 0)
                wait = timeout;
        else if (async)
                wait = AGENT_WAIT_NOT;
        else if (block)
                wait = AGENT_WAIT_BLOCK;
        int r = vm_agent_command(cli->manager, &vm, line, wait, &diag, &reply);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        if (!async)
                print_object(cli, reply, command_has(c, "pretty"));
        return 0;
}

static int verb_agent_timeout(Cli *cli, const Command *c) {
        int seconds = AGENT_WAIT_BLOCK;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (lookup(cli, c, &vm) < 0 || command_get_int(cli, c, "timeout", &seconds) < 0)
                return -1;
        int r = vm_set_agent_timeout(cli->manager, &vm, seconds, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- file systems --- */

static int verb_fsinfo(Cli *cli, const Command *c) {
        static const TableColumn head[] = {
                { "Mountpoint", "mountpoint" }, { "Name", "name" }, { "Type", "type" }, { "Target", "targets" }, {},
        };
        _cleanup_table_ Table t = {};
        _cleanup_diag_ Diag diag = {};
        VmFileSystem *list = NULL;
        _cleanup_vm_ Vm vm = {};
        size_t n = 0;

        if (lookup(cli, c, &vm) < 0)
                return -1;
        int r = vm_fs_info(cli->manager, &vm, &diag, &list, &n);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Unable to get filesystem information");
        if (n == 0) {
                cli_print_extra(cli, "No filesystems are mounted in the domain");
                vm_file_systems_free(list, n);
                return 0;
        }
        r = table_init(&t, head);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                const VmFileSystem *f = list + i;
                FOREACH_ARRAY(cell, ((const char *[]) { f->mountpoint, f->name, f->type }), 3)
                        if (r >= 0)
                                r = table_add(&t, *cell);
                if (r >= 0)
                        r = table_add_value(&t, f->targets, report_words(f->targets));
        }
        vm_file_systems_free(list, n);
        if (r < 0)
                return cli_error(cli, "out of memory");
        table_print(cli, &t);
        return 0;
}

/* What both do with a list of mount points. */
static int for_mountpoints(Cli *cli, const Command *c, int (*function)(Manager *m, const Vm *vm, char *const *mountpoints, Diag *diag),
                           const char *failed, const char *done) {
        _cleanup_strv_ char **mountpoints = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (lookup(cli, c, &vm) < 0)
                return -1;
        for (size_t i = 0; i < c->n_rest; i++)
                if (strv_extend(&mountpoints, c->rest[i]) < 0)
                        return cli_error(cli, "out of memory");
        int r = function(cli->manager, &vm, mountpoints, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Unable to %s filesystems", failed);
        cli_print_extra(cli, "%s %d filesystem(s)\n", done, r);
        return 0;
}

static int verb_fsfreeze(Cli *cli, const Command *c) {
        return for_mountpoints(cli, c, vm_fs_freeze, "freeze", "Froze");
}

static int verb_fsthaw(Cli *cli, const Command *c) {
        return for_mountpoints(cli, c, vm_fs_thaw, "thaw", "Thawed");
}

static int verb_fstrim(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *mountpoint;
        uint64_t minimum = 0;

        if (lookup(cli, c, &vm) < 0 || command_get_u64(cli, c, "minimum", &minimum) < 0 ||
            command_get_nonempty(cli, c, "mountpoint", &mountpoint) < 0)
                return -1;
        int r = vm_fs_trim(cli->manager, &vm, mountpoint, minimum, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to invoke fstrim") : 0;
}

/* --- time --- */

static int get_time(Cli *cli, const Vm *vm, bool pretty) {
        _cleanup_diag_ Diag diag = {};
        char text[64];
        int64_t seconds;

        int r = vm_guest_time(cli->manager, vm, &diag, &seconds);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        time_t t = (time_t) seconds;
        struct tm tm;
        report_value(cli, "time", json_object_new_int64(seconds));
        if (!pretty)
                cli_print(cli, "Time: %" PRId64, seconds);
        else if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
                cli_print(cli, "Time: %s", text);
        else
                return cli_error(cli, "Unable to format time");
        return 0;
}

static int verb_time(Cli *cli, const Command *c) {
        bool now = command_has(c, "now"), sync = command_has(c, "sync");
        struct timespec t = {};
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (command_exclusive(cli, c, "time", "now") < 0 || command_exclusive(cli, c, "time", "sync") < 0 ||
            command_exclusive(cli, c, "now", "sync") < 0 || lookup(cli, c, &vm) < 0)
                return -1;
        int64_t seconds = 0;
        int given = command_get_i64(cli, c, "time", &seconds);
        if (given < 0)
                return -1;
        if (given == 0 && !now && !sync)
                return get_time(cli, &vm, command_has(c, "pretty"));
        if (now) {
                (void) clock_gettime(CLOCK_REALTIME, &t);
                seconds = t.tv_sec;
        }
        int r = vm_set_guest_time(cli->manager, &vm, seconds, (unsigned) t.tv_nsec, sync, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- guestinfo --- */

static int verb_guestinfo(Cli *cli, const Command *c) {
        static const struct {
                const char *option;
                GuestInfoType type;
        } kinds[] = {
                { "user", GUEST_INFO_USER }, { "os", GUEST_INFO_OS }, { "timezone", GUEST_INFO_TIMEZONE },
                { "hostname", GUEST_INFO_HOSTNAME }, { "filesystem", GUEST_INFO_FILESYSTEM }, { "disk", GUEST_INFO_DISK },
                { "interface", GUEST_INFO_INTERFACE },
        };
        GuestParameter *list = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        GuestInfoType types = 0;
        size_t n = 0;

        FOREACH_ARRAY(k, kinds, ELEMENTSOF(kinds))
                if (command_has(c, k->option))
                        types |= k->type;
        if (lookup(cli, c, &vm) < 0)
                return -1;
        int r = vm_guest_info(cli->manager, &vm, types, &diag, &list, &n);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        FOREACH_ARRAY(p, list, n)
                report(cli, p->name, report_word(p->value, p->is_number), "%-20s: %s\n", p->name, p->value);
        guest_parameters_free(list, n);
        return 0;
}

/* --- users --- */

static int verb_set_password(Cli *cli, const Command *c) {
        const char *user, *password;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (lookup(cli, c, &vm) < 0 || command_get_nonempty(cli, c, "user", &user) < 0 ||
            command_get_nonempty(cli, c, "password", &password) < 0)
                return -1;
        int r = vm_set_user_password(cli->manager, &vm, user, password, command_has(c, "encrypted"), &diag);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        cli_print_extra(cli, "Password set successfully for %s in %s\n", user, vm.name);
        return 0;
}

static int verb_get_keys(Cli *cli, const Command *c) {
        _cleanup_strv_ char **keys = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *user;

        if (lookup(cli, c, &vm) < 0 || command_get_nonempty(cli, c, "user", &user) < 0)
                return -1;
        int r = vm_ssh_keys(cli->manager, &vm, user, &diag, &keys);
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        STRV_FOREACH(k, keys)
                report(cli, NULL, report_text(*k), "%s\n", *k);
        return 0;
}

static int verb_set_keys(Cli *cli, const Command *c) {
        bool reset = command_has(c, "reset"), remove = command_has(c, "remove");
        _cleanup_strv_ char **keys = NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_diag_ Diag diag = {};
        const char *user, *file;
        _cleanup_vm_ Vm vm = {};
        size_t size;

        if (remove && !command_has(c, "file"))
                return cli_error(cli, "Option --file is required by option --remove");
        if (command_exclusive(cli, c, "reset", "remove") < 0 || lookup(cli, c, &vm) < 0 ||
            command_get_nonempty(cli, c, "user", &user) < 0 || command_get_nonempty(cli, c, "file", &file) < 0)
                return -1;
        if (!file && !reset)
                return cli_error(cli, "Option --file is required");
        if (file) {
                if (cli_read_file(cli, file, &text, &size) < 0)
                        return -1;
                if (strv_split(text, "\n", &keys) < 0)
                        return cli_error(cli, "out of memory");
                if (strv_length(keys) == 0)
                        return cli_error(cli, "File %s contains no keys", file);
        }
        int r = remove ? vm_remove_ssh_keys(cli->manager, &vm, user, keys, &diag) :
                         vm_add_ssh_keys(cli->manager, &vm, user, keys, reset, &diag);
        return r < 0 ? cli_error_reason(cli, r, &diag) : 0;
}

/* --- sleep --- */

static int verb_pmsuspend(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        uint64_t duration = 0;
        const char *target;

        if (lookup(cli, c, &vm) < 0 || command_get_u64(cli, c, "duration", &duration) < 0 ||
            command_get_nonempty(cli, c, "target", &target) < 0)
                return -1;
        if (!streq(target, "mem") && !streq(target, "disk") && !streq(target, "hybrid"))
                return cli_error(cli, "Invalid target");
        int r = duration > 0 ? diag_error(&diag, (SrcLoc) {}, "argument unsupported: Duration not supported. Use 0 for now") :
                               vm_pm_suspend(cli->manager, &vm, target, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Domain '%s' could not be suspended", vm.name);
        cli_print_extra(cli, "Domain '%s' successfully suspended", vm.name);
        return 0;
}

static int verb_pmwakeup(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (lookup(cli, c, &vm) < 0)
                return -1;
        int r = vm_pm_wakeup(cli->manager, &vm, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Domain '%s' could not be woken up", vm.name);
        cli_print_extra(cli, "Domain '%s' successfully woken up", vm.name);
        return 0;
}

#define DOMAIN_ROW OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid")

static const Option agent_command_options[] = {
        DOMAIN_ROW,
        { .name = "timeout", .type = OPTION_INT, .named = true, .help = "timeout seconds. must be positive." },
        OPTION_FLAG("async", "execute command without waiting for timeout"),
        OPTION_FLAG("block", "execute command without timeout"),
        OPTION_FLAG("pretty", "pretty-print the output"),
        { .name = "cmd", .type = OPTION_ARGV, .required = true, .help = "command" },
        OPTIONS_END,
};
static const Option timeout_options[] = {
        DOMAIN_ROW,
        { .name = "timeout", .type = OPTION_INT, .named = true, .help = "timeout seconds." },
        OPTIONS_END,
};
static const Option domain_options[] = { DOMAIN_ROW, OPTIONS_END };
static const Option freeze_options[] = {
        DOMAIN_ROW,
        { .name = "mountpoint", .type = OPTION_ARGV, .help = "mountpoint path to be frozen" },
        OPTIONS_END,
};
static const Option thaw_options[] = {
        DOMAIN_ROW,
        { .name = "mountpoint", .type = OPTION_ARGV, .help = "mountpoint path to be thawed" },
        OPTIONS_END,
};
static const Option trim_options[] = {
        DOMAIN_ROW,
        { .name = "minimum", .type = OPTION_INT,
          .help = "Just a hint to ignore contiguous free ranges smaller than this (Bytes)" },
        { .name = "mountpoint", .type = OPTION_STRING, .help = "which mount point to trim" },
        OPTIONS_END,
};
static const Option time_options[] = {
        DOMAIN_ROW,
        OPTION_FLAG("now", "set to the time of the host running vmunit"),
        OPTION_FLAG("pretty", "print domain's time in human readable form"),
        OPTION_FLAG("sync", "instead of setting given time, synchronize from domain's RTC"),
        { .name = "time", .type = OPTION_INT, .help = "time to set" },
        OPTIONS_END,
};
static const Option guestinfo_options[] = {
        DOMAIN_ROW,
        OPTION_FLAG("user", "report active users"),
        OPTION_FLAG("os", "report operating system information"),
        OPTION_FLAG("timezone", "report timezone information"),
        OPTION_FLAG("hostname", "report hostname"),
        OPTION_FLAG("filesystem", "report filesystem information"),
        OPTION_FLAG("disk", "report disk information"),
        OPTION_FLAG("interface", "report interface information"),
        OPTIONS_END,
};
static const Option password_options[] = {
        DOMAIN_ROW,
        { .name = "user", .type = OPTION_DATA, .required = true, .help = "the username" },
        { .name = "password", .type = OPTION_DATA, .required = true, .help = "the new password" },
        OPTION_FLAG("encrypted", "the password is already encrypted"),
        OPTIONS_END,
};
static const Option get_keys_options[] = {
        DOMAIN_ROW,
        { .name = "user", .type = OPTION_DATA, .required = true, .help = "user to list authorized keys for" },
        OPTIONS_END,
};
static const Option set_keys_options[] = {
        DOMAIN_ROW,
        { .name = "user", .type = OPTION_DATA, .required = true, .help = "user to set authorized keys for" },
        { .name = "file", .type = OPTION_STRING, .hint = HINT_FILE, .help = "optional file to read keys from" },
        OPTION_FLAG("reset", "clear out authorized keys file before adding new keys"),
        OPTION_FLAG("remove", "remove keys from the authorized keys file"),
        OPTIONS_END,
};
static const Option pmsuspend_options[] = {
        DOMAIN_ROW,
        { .name = "target", .type = OPTION_DATA, .required = true, .words = "mem|disk|hybrid",
          .help = "mem(Suspend-to-RAM), disk(Suspend-to-Disk), hybrid(Hybrid-Suspend)" },
        { .name = "duration", .type = OPTION_INT, .named = true, .help = "duration in seconds" },
        OPTIONS_END,
};

static const Verb agent_verbs[] = {
        { "qemu-agent-command", GROUP_DOMAIN, verb_agent_command, agent_command_options, "QEMU Guest Agent Command",
          "Run an arbitrary qemu guest agent command; use at your own risk", .changes = true },
        { "guest-agent-timeout", GROUP_DOMAIN, verb_agent_timeout, timeout_options, "Set the guest agent timeout",
          "Set the number of seconds to wait for a response from the guest agent.", .changes = true },
        { "domfsinfo", GROUP_DOMAIN, verb_fsinfo, domain_options, "Get information of domain's mounted filesystems.",
          "Get information of domain's mounted filesystems.",
          .json = "[{mountpoint: string, name: string, type: string, targets: [string]}]" },
        { "domfsfreeze", GROUP_DOMAIN, verb_fsfreeze, freeze_options, "Freeze domain's mounted filesystems.",
          "Freeze domain's mounted filesystems.", .changes = true },
        { "domfsthaw", GROUP_DOMAIN, verb_fsthaw, thaw_options, "Thaw domain's mounted filesystems.",
          "Thaw domain's mounted filesystems.", .changes = true },
        { "domfstrim", GROUP_DOMAIN, verb_fstrim, trim_options, "Invoke fstrim on domain's mounted filesystems.",
          "Invoke fstrim on domain's mounted filesystems.", .changes = true },
        { "domtime", GROUP_MONITOR, verb_time, time_options, "domain time", "Gets or sets the domain's system time",
          .changes = true, .json = "{[time: number]}" },
        { "guestinfo", GROUP_DOMAIN, verb_guestinfo, guestinfo_options, "query information about the guest (via agent)",
          "Use the guest agent to query various information from guest's point of view", .json = "{...: number|string}" },
        { "set-user-password", GROUP_DOMAIN, verb_set_password, password_options, "set the user password inside the domain",
          "changes the password of the specified user inside the domain", .changes = true },
        { "get-user-sshkeys", GROUP_DOMAIN, verb_get_keys, get_keys_options, "list authorized SSH keys for given user (via agent)",
          "Use the guest agent to query authorized SSH keys for given user", .json = "[string]" },
        { "set-user-sshkeys", GROUP_DOMAIN, verb_set_keys, set_keys_options,
          "manipulate authorized SSH keys file for given user (via agent)",
          "Append, reset or remove specified key from the authorized keys file for given user", .changes = true },
        { "dompmsuspend", GROUP_DOMAIN, verb_pmsuspend, pmsuspend_options,
          "suspend a domain gracefully using power management functions",
          "Suspends a running domain using guest OS's power management. (Note: This requires a guest agent configured and running in "
          "the guest OS).", .changes = true },
        { "dompmwakeup", GROUP_DOMAIN, verb_pmwakeup, domain_options, "wakeup a domain from pmsuspended state",
          "Wakeup a domain that was previously suspended by power management.", .changes = true },
};
DEFINE_VERB_TABLE(agent);
