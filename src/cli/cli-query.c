/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cli-common.h"
#include "domain-taint.h"
#include "machines.h"
#include "parse-util.h"
#include "plans.h"
#include "string-util.h"
#include "table.h"
#include "verbs.h"

/* list, domstate, dominfo, dumpxml, domid, domuuid, domname */

static const char *state_word(const Vm *vm) {
        return strempty(domain_state_to_string(vm->state));
}

static json_object *id_value(const Vm *vm) {
        return vm->id > 0 ? report_u64(vm->id) : NULL;
}

/* --- list --- */

typedef struct ListColumns {
        bool id, uuid, name, title;
        bool managed_save; /* said instead of the state */
} ListColumns;

/* Which of virsh's classes a state belongs to. */
static const char *state_option(const Vm *vm) {
        switch (vm->state) {
        case STATE_RUNNING:
        case STATE_IDLE:
                return "state-running";
        case STATE_PAUSED:
                return "state-paused";
        case STATE_SHUT_OFF:
                return "state-shutoff";
        default:
                return "state-other";
        }
}

/* A pair of options that exclude each other's VMs: with neither or both, nothing is left out. */
static bool passes(const Command *c, const char *with, const char *without, bool is) {
        bool a = command_has(c, with), b = command_has(c, without);
        return a == b || a == is;
}

static bool list_wants(Cli *cli, const Command *c, const Vm *vm) {
        static const char *const states[] = { "state-running", "state-paused", "state-shutoff",
                                              "state-other" };
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                any = any || command_has(c, states[i]);
        if (any && !command_has(c, state_option(vm)))
                return false;
        if (!passes(c, "persistent", "transient", vm->persistent) ||
            !passes(c, "with-snapshot", "without-snapshot", false) ||
            !passes(c, "with-checkpoint", "without-checkpoint", false) ||
            (command_has(c, "with-managed-save") != command_has(c, "without-managed-save") &&
             command_has(c, "with-managed-save") != vm_has_managed_save(cli->manager, vm)))
                return false;
        if (command_has(c, "autostart") != command_has(c, "no-autostart") &&
            command_has(c, "autostart") != vm_autostart(cli->manager, vm))
                return false;
        return true;
}

/* UUID and title are in the XML, and nowhere else. One that cannot be read has none, here. */
static void xml_facts(Cli *cli, const Vm *vm, char uuid[37], char **ret_title) {
        _cleanup_(domain_freep) Domain *d = NULL;

        *uuid = 0;
        *ret_title = NULL;
        if (vm_load_domain(cli->manager, vm, false, NULL, &d) < 0)
                return;
        if (d->has_uuid)
                format_uuid(d->uuid, uuid);
        *ret_title = TAKE_PTR(d->title);
}

/* In virsh's order, whatever the options' is. */
static void list_words(Cli *cli, const Vm *vm, const ListColumns *columns) {
        _cleanup_free_ char *title = NULL;
        const char *separator = "";
        char uuid[37] = "";

        /* An id alone is of what has one. */
        if (columns->id && !columns->uuid && !columns->name && vm->id == 0)
                return;
        if (columns->uuid) {
                xml_facts(cli, vm, uuid, &title);
                cli_print(cli, "%s", uuid);
                separator = " ";
        }
        if (columns->id) {
                _cleanup_free_ char *id = vm->id > 0 ? strf("%u", vm->id) : strdup("-");
                cli_print(cli, "%s%s", separator, strempty(id));
                separator = " ";
        }
        if (columns->name)
                cli_print(cli, "%s%s", separator, vm->name);
        cli_print(cli, "\n");
}

static int list_row(Cli *cli, Table *t, const Vm *vm, const ListColumns *columns) {
        bool saved = columns->managed_save && !vm->active && vm_has_managed_save(cli->manager, vm);
        const char *state = saved ? "saved" : state_word(vm);
        _cleanup_free_ char *title = NULL, *text = NULL;
        char uuid[37];
        int r;

        if (vm->stalled)
                state = text = strf("%s (not answering)", state);
        if (!state)
                return -ENOMEM;
        r = vm->id > 0 ? table_add_number(t, vm->id) : table_add(t, "-");
        if (r >= 0)
                r = table_add(t, vm->name);
        if (r >= 0)
                r = table_add(t, state);
        if (r < 0 || !columns->title)
                return r;
        xml_facts(cli, vm, uuid, &title);
        return table_add(t, strempty(title));
}

/* The same for a program, whatever words are asked for. */
static void list_object(Cli *cli, const Vm *vm, const ListColumns *columns) {
        _cleanup_free_ char *title = NULL;
        char uuid[37];

        report_open(cli, NULL, json_type_object);
        report_value(cli, "id", id_value(vm));
        report_value(cli, "name", report_text(vm->name));
        report_value(cli, "state", report_text(state_word(vm)));
        report_value(cli, "reason", report_text(domain_reason_to_string(vm->reason)));
        report_value(cli, "answering", report_bool(!vm->stalled));
        report_value(cli, "persistent", report_bool(vm->persistent));
        report_value(cli, "managed_save", report_bool(vm_has_managed_save(cli->manager, vm)));
        report_value(cli, "unit", report_text(vm->unit));
        if (columns->uuid || columns->title)
                xml_facts(cli, vm, uuid, &title);
        if (columns->uuid)
                report_value(cli, "uuid", *uuid ? report_text(uuid) : NULL);
        if (columns->title)
                report_value(cli, "title", report_text(title));
        report_close(cli);
}

static int verb_list(Cli *cli, const Command *c) {
        static const TableColumn head[] = { { "Id" }, { "Name" }, { "State" }, {} };
        static const TableColumn head_title[] = { { "Id" }, { "Name" }, { "State" }, { "Title" }, {} };
        ListColumns columns = {
                .id = command_has(c, "id"),
                .uuid = command_has(c, "uuid"),
                .name = command_has(c, "name"),
                .title = command_has(c, "title"),
                .managed_save = command_has(c, "managed-save"),
        };
        bool table = !columns.id && !columns.uuid && !columns.name;
        _cleanup_table_ Table t = {};
        VmListFlags flags = VM_LIST_ACTIVE;
        Vm *vms = NULL;
        size_t n = 0;
        int r;

        static const char *const words[] = { "uuid", "name", "id" };
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (command_has(c, "table") && command_has(c, words[i]))
                        return cli_error(cli, "Options --table and --%s are mutually exclusive", words[i]);
        if (command_has(c, "inactive") || command_has(c, "state-shutoff"))
                flags = VM_LIST_INACTIVE;
        if (command_has(c, "all"))
                flags = VM_LIST_ACTIVE | VM_LIST_INACTIVE;

        r = vm_list(cli->manager, flags | VM_LIST_STALLED, &vms, &n);
        if (r < 0)
                return cli_error_diag(cli, r, NULL, "Failed to list domains");
        r = table_init(&t, columns.title ? head_title : head);
        FOREACH_ARRAY(vm, vms, n) {
                if (r < 0)
                        break;
                if (!list_wants(cli, c, vm))
                        continue;
                if (cli->report)
                        list_object(cli, vm, &columns);
                else if (table)
                        r = list_row(cli, &t, vm, &columns);
                else
                        list_words(cli, vm, &columns);
        }
        vms_free(vms, n);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        if (table && !cli->report)
                table_print(cli, &t);
        return 0;
}

/* --- one domain --- */

static int verb_domstate(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        const char *reason = strempty(domain_reason_to_string(vm.reason));
        report(cli, "state", report_text(state_word(&vm)), "%s", state_word(&vm));
        report_value(cli, "reason", report_text(reason));
        if (command_has(c, "reason"))
                cli_print(cli, " (%s)", reason);
        cli_print(cli, "\n");
        return 0;
}

static void info_text(Cli *cli, const char *title, const char *key, const char *text) {
        report(cli, key, report_text(text), "%-15s %s\n", title, text);
}

static void info_memory(Cli *cli, const char *title, const char *key, uint64_t bytes) {
        report(cli, key, report_u64(bytes), "%-15s %" PRIu64 " KiB\n", title, bytes / 1024);
}

static void info_flag(Cli *cli, const char *title, const char *key, bool is, const char *yes, const char *no) {
        report(cli, key, report_bool(is), "%-15s %s\n", title, is ? yes : no);
}

static void print_taints(Cli *cli, unsigned taints) {
        const char *label = "Messages:";

        if (taints == 0)
                return;
        report_open(cli, "messages", json_type_array);
        for (DomainTaint t = 0; t < _TAINT_MAX; t++) {
                if (!(taints & TAINT_MASK(t)))
                        continue;
                _cleanup_free_ char *text = strf("tainted: %s", domain_taint_text(t));
                report(cli, NULL, report_text(text), "%-15s %s\n", label, strempty(text));
                label = "";
        }
        report_close(cli);
}

static int verb_dominfo(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        char uuid[37];
        VmInfo info;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int r = vm_info(cli->manager, &vm, &diag, &info);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to get information about domain '%s'", vm.name);

        format_uuid(info.uuid, uuid);
        if (vm.id > 0)
                report(cli, "id", report_u64(vm.id), "%-15s %u\n", "Id:", vm.id);
        else
                report(cli, "id", NULL, "%-15s %s\n", "Id:", "-");
        info_text(cli, "Name:", "name", vm.name);
        info_text(cli, "UUID:", "uuid", uuid);
        info_text(cli, "OS Type:", "os_type", strempty(os_type_to_string(info.os_type)));
        info_text(cli, "State:", "state", state_word(&vm));
        report(cli, "vcpus", report_u64(info.vcpus), "%-15s %u\n", "CPU(s):", info.vcpus);
        if (info.has_cpu_time)
                report(cli, "cpu_time", report_u64(info.cpu_time_nsec), "%-15s %.1fs\n", "CPU time:", (double) info.cpu_time_nsec / 1e9);
        info_memory(cli, "Max memory:", "max_memory", info.max_memory);
        info_memory(cli, "Used memory:", "used_memory", info.used_memory);
        info_flag(cli, "Persistent:", "persistent", vm.persistent, "yes", "no");
        info_flag(cli, "Autostart:", "autostart", info.autostart, "enable", "disable");
        info_flag(cli, "Managed save:", "managed_save", info.managed_save, "yes", "no");
        info_text(cli, "Security model:", "security_model", info.security_model);
        cli_print(cli, "%-15s %s\n", "Security DOI:", "0");
        if (info.label) {
                report(cli, "security_label", report_text(info.label), "%-15s %s", "Security label:", info.label);
                report(cli, "security_enforcing", report_bool(info.enforcing), " (%s)\n", info.enforcing ? "enforcing" : "permissive");
        }
        print_taints(cli, info.taints);
        vm_info_done(&info);
        return 0;
}

static int verb_dumpxml(Cli *cli, const Command *c) {
        DumpFlags flags = (command_has(c, "inactive") ? DUMP_INACTIVE : 0) |
                          (command_has(c, "security-info") ? DUMP_SECURE : 0) |
                          (command_has(c, "update-cpu") ? DUMP_UPDATE_CPU : 0) |
                          (command_has(c, "migratable") ? DUMP_MIGRATABLE : 0);
        _cleanup_free_ char *xml = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        (void) diag_init(&diag, vm.source_path);
        int r = vm_dump_xml(cli->manager, &vm, flags, &diag, &xml);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to dump the XML of domain '%s'", vm.name);
        return cli_print_xml(cli, c, xml);
}

static int verb_domid(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_NAME | VM_BY_UUID, &vm, NULL) < 0)
                return -1;
        if (vm.id > 0)
                report(cli, "id", report_u64(vm.id), "%u\n", vm.id);
        else
                report(cli, "id", NULL, "-\n");
        return 0;
}

static int verb_domuuid(Cli *cli, const Command *c) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        char uuid[37];

        if (cli_lookup(cli, c, VM_BY_NAME | VM_BY_ID, &vm, NULL) < 0)
                return -1;
        (void) diag_init(&diag, vm.source_path);
        int r = vm_load_domain(cli->manager, &vm, false, &diag, &d);
        if (r < 0 || !d->has_uuid)
                return cli_error_diag(cli, r, &diag, "failed to get domain UUID");
        format_uuid(d->uuid, uuid);
        report(cli, "uuid", report_text(uuid), "%s\n", uuid);
        return 0;
}

static int verb_domname(Cli *cli, const Command *c) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ID | VM_BY_UUID, &vm, NULL) < 0)
                return -1;
        report(cli, "name", report_text(vm.name), "%s\n", vm.name);
        return 0;
}

static const Option list_options[] = {
        OPTION_FLAG("inactive", "list inactive domains"),
        OPTION_FLAG("all", "list inactive & active domains"),
        OPTION_FLAG("transient", "list transient domains"),
        OPTION_FLAG("persistent", "list persistent domains"),
        OPTION_FLAG("with-snapshot", "list domains with existing snapshot"),
        OPTION_FLAG("without-snapshot", "list domains without a snapshot"),
        OPTION_FLAG("with-checkpoint", "list domains with existing checkpoint"),
        OPTION_FLAG("without-checkpoint", "list domains without a checkpoint"),
        OPTION_FLAG("state-running", "list domains in running state"),
        OPTION_FLAG("state-paused", "list domains in paused state"),
        OPTION_FLAG("state-shutoff", "list domains in shutoff state"),
        OPTION_FLAG("state-other", "list domains in other states"),
        OPTION_FLAG("autostart", "list domains with autostart enabled"),
        OPTION_FLAG("no-autostart", "list domains with autostart disabled"),
        OPTION_FLAG("with-managed-save", "list domains with managed save state"),
        OPTION_FLAG("without-managed-save", "list domains without managed save"),
        OPTION_FLAG("uuid", "list uuid's only"),
        OPTION_FLAG("name", "list domain names only"),
        OPTION_FLAG("id", "list domain IDs only"),
        OPTION_FLAG("table", "list table (default)"),
        OPTION_FLAG("managed-save", "mark inactive domains with managed save state"),
        OPTION_FLAG("title", "show domain title"),
        OPTIONS_END,
};
static const Option domstate_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("reason", "also print reason for the state"),
        OPTIONS_END,
};
static const Option domain_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTIONS_END,
};
static const Option dumpxml_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("inactive", "show inactive defined XML"),
        OPTION_FLAG("security-info", "include security sensitive information in XML dump"),
        OPTION_FLAG("update-cpu", "update guest CPU according to host CPU"),
        OPTION_FLAG("migratable", "provide XML suitable for migrations"),
        OPTIONS_XPATH,
        OPTIONS_END,
};
static const Option domid_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name or uuid"),
        OPTIONS_END,
};
static const Option domuuid_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain id or name"),
        OPTIONS_END,
};
static const Option domname_options[] = {
        OPTION_DOMAIN(HINT_NONE, "domain id or uuid"),
        OPTIONS_END,
};

static const Verb query_verbs[] = {
        { "list", GROUP_MONITOR, verb_list, list_options, "list domains", "Returns list of domains.", .pager = true,
          .json = "[{id: number?, name: string, state: string, reason: string, answering: boolean, persistent: boolean, managed_save: boolean, "
                  "unit: string, [uuid: string?], [title: string?]}]" },
        { "domstate", GROUP_MONITOR, verb_domstate, domstate_options, "domain state",
          "Returns state about a domain.", .json = "{state: string, reason: string}" },
        { "dominfo", GROUP_MONITOR, verb_dominfo, domain_options, "domain information",
          "Returns basic information about the domain.",
          .json = "{id: number?, name: string, uuid: string, os_type: string, state: string, vcpus: number, [cpu_time: number], "
                  "max_memory: number, used_memory: number, persistent: boolean, autostart: boolean, managed_save: boolean, "
                  "security_model: string, [security_label: string], [security_enforcing: boolean], [messages: [string]]}" },
        { "dumpxml", GROUP_DOMAIN, verb_dumpxml, dumpxml_options, "domain information in XML",
          "Output the domain information as an XML dump to stdout.", .pager = true, .guarded = "security-info|migratable" },
        { "domid", GROUP_DOMAIN, verb_domid, domid_options, "convert a domain name or UUID to domain id",
          NULL, .json = "{id: number?}" },
        { "domuuid", GROUP_DOMAIN, verb_domuuid, domuuid_options,
          "convert a domain name or id to domain UUID", NULL, .json = "{uuid: string}" },
        { "domname", GROUP_DOMAIN, verb_domname, domname_options,
          "convert a domain id or UUID to domain name", NULL, .json = "{name: string}" },
};
DEFINE_VERB_TABLE(query);
