/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "cli-common.h"
#include "host-info.h"
#include "string-util.h"
#include "table.h"
#include "verbs.h"

/* hostinfo: what vmunit.conf asks of the host, and what there is */

static json_object *text_or_null(const char *s) {
        return s ? json_object_new_string(s) : NULL;
}

static void print_json(Cli *cli, const HostSettings *settings) {
        json_object *list = json_object_new_array();

        FOREACH_ARRAY(s, settings->items, settings->n_items) {
                json_object *o = json_object_new_object();
                json_object_object_add(o, "setting", json_object_new_string(s->name));
                json_object_object_add(o, "file", json_object_new_string(s->path));
                json_object_object_add(o, "wanted", text_or_null(s->wanted));
                json_object_object_add(o, "actual", text_or_null(s->actual));
                json_object_object_add(o, "differs", json_object_new_boolean(host_setting_differs(s)));
                json_object_array_add(list, o);
        }
        cli_print(cli, "%s\n", json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(list);
}

static int print_table(Cli *cli, const HostSettings *settings) {
        static const char *const head[] = { "Setting", "Wanted", "Actual", "State", NULL };
        _cleanup_table_ Table t = {};

        int r = table_init(&t, head);
        FOREACH_ARRAY(s, settings->items, settings->n_items) {
                const char *cells[] = { s->name, s->wanted ?: "-", s->actual ?: "-",
                                        !s->wanted ? "-" : !host_setting_differs(s) ? "ok" : s->actual ? "differs" : strerror(-s->error) };
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(cells); i++)
                        r = table_add(&t, cells[i]);
        }
        if (r < 0)
                return cli_error(cli, "%s", strerror(-r));
        table_print(cli, &t);
        return 0;
}

static int verb_hostinfo(Cli *cli, const Command *c) {
        _cleanup_host_settings_ HostSettings settings = {};
        _cleanup_diag_ Diag diag = {};

        int r = host_info(cli->manager, &diag, &settings);
        cli_warnings(cli, &diag);
        FOREACH_ARRAY(e, diag.entries, diag.n_entries)
                if (e->severity == DIAG_ERROR)
                        (void) cli_error(cli, "%s", e->text);
        if (r < 0 && settings.n_items == 0)
                return -1;
        if (command_has(c, "json"))
                print_json(cli, &settings);
        else if (print_table(cli, &settings) < 0)
                return -1;
        return r < 0 ? -1 : 0;
}

static const Option hostinfo_options[] = {
        OPTION_FLAG("json", "print the settings as JSON"),
        OPTIONS_END,
};

static const Verb hostinfo_verbs[] = {
        { "hostinfo", GROUP_HOST, verb_hostinfo, hostinfo_options, "show how the host is tuned",
          "Show the kernel's settings that vmunit.conf(5) can change: what it asks for, and what there is.", .plain = true },
};
DEFINE_VERB_TABLE(hostinfo);
