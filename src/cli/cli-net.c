/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cli-common.h"
#include "net-info.h"
#include "parse-util.h"
#include "string-util.h"
#include "table.h"

/* domiflist, domif-getlink, domifstat, domifaddr, domhostname */

/* --- domiflist --- */

static int list_interface(Table *t, const DomainInterface *i) {
        const char *source = i->source_bridge ?: i->source_dev ?: i->source_network ?: i->source_name ?: i->socket_path;
        char mac[18];

        if (i->has_mac)
                format_mac(i->mac, mac);
        const char *const cells[] = { i->target_dev, interface_type_to_string(i->type), source, i->model, i->has_mac ? mac : NULL };
        int r = 0;
        for (size_t k = 0; r >= 0 && k < ELEMENTSOF(cells); k++)
                r = table_add_text(t, cells[k]);
        return r;
}

static int verb_domiflist(Cli *cli, const Command *c) {
        static const TableColumn head[] = {
                { "Interface", "interface" }, { "Type", "type" }, { "Source", "source" }, { "Model", "model" }, { "MAC", "mac" }, {},
        };
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_table_ Table t = {};
        _cleanup_vm_ Vm vm = {};

        if (cli_describe(cli, c, command_has(c, "inactive"), &vm, &d) < 0)
                return -1;
        int r = table_init(&t, head);
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if (r >= 0)
                        r = list_interface(&t, i);
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        table_print(cli, &t);
        return 0;
}

/* --- domif-getlink --- */

static int verb_domif_getlink(Cli *cli, const Command *c) {
        const DomainInterface *found = NULL;
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_vm_ Vm vm = {};
        char text[18] = "";
        const char *word;
        uint8_t mac[6];

        if (command_get_nonempty(cli, c, "interface", &word) < 0 || cli_describe(cli, c, command_has(c, "config"), &vm, &d) < 0)
                return -1;
        bool is_mac = parse_mac(word, mac) >= 0;
        if (is_mac)
                format_mac(mac, text);
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces) {
                if (!(is_mac && i->has_mac && memcmp(i->mac, mac, sizeof(mac)) == 0) && !streq_ptr(i->target_dev, word))
                        continue;
                if (found)
                        return cli_error(cli, "multiple matching interfaces found");
                found = i;
        }
        if (!found)
                return is_mac ? cli_error(cli, "Interface (mac: %s) not found.", text)
                              : cli_error(cli, "Interface (dev: %s) not found.", word);
        const char *state = link_state_to_string(found->link) ?: "up";
        report(cli, "interface", report_text(word), "%s ", word);
        report(cli, "state", report_text(state), "%s", state);
        return 0;
}

/* --- domifstat --- */

static int verb_domifstat(Cli *cli, const Command *c) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        HostNetCounters n;
        const char *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || command_get_nonempty(cli, c, "interface", &word) < 0 ||
            (vm.active && cli_describe_vm(cli, &vm, false, &d) < 0))
                return -1;
        int r = vm.active ? vm_interface_counters(cli->manager, d, word, &diag, &n)
                          : diag_error(&diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to get interface stats %s %s", vm.name, word);
        const struct {
                const char *name;
                uint64_t value;
        } rows[] = {
                { "rx_bytes", n.rx_bytes }, { "rx_packets", n.rx_packets }, { "rx_errs", n.rx_errors }, { "rx_drop", n.rx_dropped },
                { "tx_bytes", n.tx_bytes }, { "tx_packets", n.tx_packets }, { "tx_errs", n.tx_errors }, { "tx_drop", n.tx_dropped },
        };
        FOREACH_ARRAY(row, rows, ELEMENTSOF(rows))
                report(cli, row->name, report_u64(row->value), "%s %s %" PRIu64 "\n", word, row->name, row->value);
        return 0;
}

/* --- domifaddr --- */

/* --source: one of the first N sources; untouched when it was not given. 0 or -1. */
static int get_source(Cli *cli, const Command *c, AddressSource n, AddressSource *ret) {
        const char *word;

        if (command_get_nonempty(cli, c, "source", &word) < 0)
                return -1;
        if (!word)
                return 0;
        int source = (int) address_source_from_string(word);
        if (source < 0 || source >= (int) n)
                return cli_error(cli, "Unknown data source '%s'", word);
        *ret = (AddressSource) source;
        return 0;
}

static void print_addresses(Cli *cli, const GuestInterface *i, bool full) {
        report_open(cli, NULL, json_type_object);
        report_value(cli, "name", report_text(i->name));
        report_value(cli, "mac", report_text(i->mac));
        report_open(cli, "addresses", json_type_array);
        if (i->n_addresses == 0)
                cli_print(cli, " %-10s %-17s    %-12s %s\n", i->name, i->mac ?: "N/A", "N/A", "N/A");
        FOREACH_ARRAY(a, i->addresses, i->n_addresses) {
                bool named = full || a == i->addresses;
                cli_print(cli, " %-10s %-17s    %-12s %s/%u\n", named ? i->name : "-", named ? strempty(i->mac) : "-",
                          a->ipv6 ? "ipv6" : "ipv4", a->address, a->prefix);
                report_open(cli, NULL, json_type_object);
                report_value(cli, "protocol", report_text(a->ipv6 ? "ipv6" : "ipv4"));
                report_value(cli, "address", report_text(a->address));
                report_value(cli, "prefix", report_u64(a->prefix));
                report_close(cli);
        }
        report_close(cli);
        report_close(cli);
}

static int verb_domifaddr(Cli *cli, const Command *c) {
        _cleanup_guest_interfaces_ GuestInterfaces list = {};
        AddressSource source = ADDRESS_LEASE;
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        const char *only;

        if (command_get_nonempty(cli, c, "interface", &only) < 0 || get_source(cli, c, ADDRESS_ARP + 1, &source) < 0 ||
            cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || (vm.active && cli_describe_vm(cli, &vm, false, &d) < 0))
                return -1;
        int r = vm.active ? vm_guest_interfaces(cli->manager, &vm, d, source, &diag, &list)
                          : diag_error(&diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to query for interfaces addresses");
        cli_print_extra(cli, " %-10s %-20s %-8s     %s\n", "Name", "MAC address", "Protocol", "Address");
        cli_print_extra(cli, "-------------------------------------------------------------------------------\n");
        FOREACH_ARRAY(i, list.items, list.n_items)
                if (!only || streq(only, i->name))
                        print_addresses(cli, i, command_has(c, "full"));
        return 0;
}

static int verb_domhostname(Cli *cli, const Command *c) {
        AddressSource source = ADDRESS_AGENT;
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *name = NULL;
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0 || get_source(cli, c, ADDRESS_AGENT + 1, &source) < 0)
                return -1;
        int r = vm.active ? vm_guest_hostname(cli->manager, &vm, source, &diag, &name)
                          : diag_error(&diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get hostname");
        report(cli, "hostname", report_text(name), "%s\n", name);
        return 0;
}

static const Option domiflist_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("inactive", "get inactive rather than running configuration"),
        OPTIONS_END,
};
static const Option domif_getlink_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "interface", .type = OPTION_DATA, .required = true, .hint = HINT_INTERFACE, .help = "interface device (MAC Address)" },
        { .name = "config", .former = "persistent", .type = OPTION_BOOL, .help = "Get persistent interface state" },
        OPTIONS_END,
};

static const Option domifstat_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "interface", .type = OPTION_DATA, .required = true, .hint = HINT_INTERFACE, .help = "interface device specified by name or MAC Address" },
        OPTIONS_END,
};
static const Option domifaddr_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "interface", .type = OPTION_STRING, .help = "network interface name" },
        OPTION_FLAG("full", "always display names and MACs of interfaces"),
        { .name = "source", .type = OPTION_STRING, .words = "lease|agent|arp", .help = "address source: 'lease', 'agent', or 'arp'" },
        OPTIONS_END,
};
static const Option domhostname_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "source", .type = OPTION_STRING, .words = "lease|agent", .help = "address source: 'lease' or 'agent'" },
        OPTIONS_END,
};

static const Verb net_verbs[] = {
        { "domifstat", GROUP_MONITOR, verb_domifstat, domifstat_options, "get network interface stats for a domain",
          "Get network interface stats for a running domain.",
          .json = "{rx_bytes: number, rx_packets: number, rx_errs: number, rx_drop: number, tx_bytes: number, tx_packets: number, "
                  "tx_errs: number, tx_drop: number}" },
        { "domifaddr", GROUP_MONITOR, verb_domifaddr, domifaddr_options, "Get network interfaces' addresses for a running domain",
          "Get network interfaces' addresses for a running domain",
          .json = "[{name: string, mac: string?, addresses: [{protocol: string, address: string, prefix: number}]}]" },
        { "domhostname", GROUP_DOMAIN, verb_domhostname, domhostname_options, "print the domain's hostname", NULL,
          .json = "{hostname: string}" },
        { "domiflist", GROUP_MONITOR, verb_domiflist, domiflist_options, "list all domain virtual interfaces",
          "Get the summary of virtual interfaces for a domain.",
          .json = "[{interface: string?, type: string, source: string?, model: string?, mac: string?}]" },
        { "domif-getlink", GROUP_MONITOR, verb_domif_getlink, domif_getlink_options, "get link state of a virtual interface",
          "Get link state of a domain's virtual interface.", .json = "{interface: string, state: string}" },
};
DEFINE_VERB_TABLE(net);
