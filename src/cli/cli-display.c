/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "displays.h"
#include "string-util.h"

/* vncdisplay, domdisplay */

/* The first one of that type, or NULL: virsh knows no other. */
static const DomainGraphics *find_graphics(const Domain *d, GraphicsType type) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->type == type)
                        return g;
        return NULL;
}

static int describe_running(Cli *cli, const Command *c, Domain **ret) {
        _cleanup_vm_ Vm vm = {};

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        return vm.active ? cli_describe_vm(cli, &vm, false, ret) : cli_error(cli, "Domain is not running");
}

static int verb_vncdisplay(Cli *cli, const Command *c) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *text = NULL;

        if (describe_running(cli, c, &d) < 0)
                return -1;
        const DomainGraphics *g = find_graphics(d, GRAPHICS_VNC);
        int r = g ? vnc_display(g, &text) : 0;
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        if (!text)
                return cli_error(cli, "Failed to get VNC port. Is this domain using VNC?");
        report(cli, "display", report_text(text), "%s\n", text);
        return 0;
}

static int verb_domdisplay(Cli *cli, const Command *c) {
        static const GraphicsType types[] = { GRAPHICS_VNC, GRAPHICS_SPICE, GRAPHICS_RDP, GRAPHICS_DBUS };
        const char *type = command_get(c, "type");
        _cleanup_(domain_freep) Domain *d = NULL;
        bool all = command_has(c, "all"), found = false;

        if (command_exclusive(cli, c, "all", "type") < 0 || describe_running(cli, c, &d) < 0)
                return -1;
        for (size_t i = 0; i < ELEMENTSOF(types) && (all || !found); i++) {
                const DomainGraphics *g = find_graphics(d, types[i]);
                _cleanup_free_ char *uri = NULL;

                if (!g || (type && !streq_ptr(type, graphics_type_to_string(types[i]))))
                        continue;
                int r = display_uri(g, command_has(c, "include-password"), &uri);
                if (r < 0)
                        return cli_error(cli, "%s", strerror(-r));
                if (!uri)
                        continue;
                found = true;
                report_open(cli, NULL, json_type_object);
                report_value(cli, "type", report_text(graphics_type_to_string(types[i])));
                report_value(cli, "uri", report_text(uri));
                report_close(cli);
                cli_print(cli, all ? "%s\n" : "%s", uri);
        }
        if (!found)
                return type ? cli_error(cli, "No graphical display with type '%s' found", type)
                            : cli_error(cli, "No graphical display found");
        return 0;
}

static const Option vncdisplay_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTIONS_END,
};
static const Option domdisplay_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        OPTION_FLAG("include-password", "includes the password into the connection URI if available"),
        { .name = "type", .type = OPTION_STRING, .words = "vnc|spice|rdp|dbus",
          .help = "select particular graphical display (e.g. \"vnc\", \"spice\", \"rdp\", \"dbus\")" },
        OPTION_FLAG("all", "show all possible graphical displays"),
        OPTIONS_END,
};

static const Verb display_verbs[] = {
        { "vncdisplay", GROUP_DOMAIN, verb_vncdisplay, vncdisplay_options, "vnc display",
          "Output the IP address and port number for the VNC display.", .json = "{display: string}" },
        { "domdisplay", GROUP_DOMAIN, verb_domdisplay, domdisplay_options, "domain display connection URI",
          "Output the IP address and port number for the graphical display.", .guarded = "include-password", .json = "[{type: string, uri: string}]" },
};
DEFINE_VERB_TABLE(display);
