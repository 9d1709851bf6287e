/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "parse-util.h"
#include "string-util.h"
#include "table.h"

/* domiflist, domif-getlink */

/* --- domiflist --- */

static int list_interface(Table *t, const DomainInterface *i) {
        const char *source = i->source_bridge ?: i->source_dev ?: i->source_network ?: i->source_name ?: i->socket_path;
        char mac[18] = "-";

        if (i->has_mac)
                format_mac(i->mac, mac);
        const char *const cells[] = { i->target_dev, interface_type_to_string(i->type), source, i->model, mac };
        int r = 0;
        for (size_t k = 0; r >= 0 && k < ELEMENTSOF(cells); k++)
                r = table_add(t, cells[k] ?: "-");
        return r;
}

static int verb_domiflist(Cli *cli, const Command *c) {
        static const char *const head[] = { "Interface", "Type", "Source", "Model", "MAC", NULL };
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
        cli_print(cli, "%s %s", word, link_state_to_string(found->link) ?: "up");
        return 0;
}

static const Option domiflist_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        OPTION_FLAG("inactive", "get inactive rather than running configuration"),
        OPTIONS_END,
};
static const Option domif_getlink_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "interface", .type = OPTION_DATA, .required = true, .help = "interface device (MAC Address)" },
        { .name = "config", .former = "persistent", .type = OPTION_BOOL, .help = "Get persistent interface state" },
        OPTIONS_END,
};

static const Verb net_verbs[] = {
        { "domiflist", GROUP_MONITOR, verb_domiflist, domiflist_options, "list all domain virtual interfaces",
          "Get the summary of virtual interfaces for a domain." },
        { "domif-getlink", GROUP_MONITOR, verb_domif_getlink, domif_getlink_options, "get link state of a virtual interface",
          "Get link state of a domain's virtual interface." },
};
DEFINE_VERB_TABLE(net);
