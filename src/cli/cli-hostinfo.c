/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "cli-common.h"
#include "host-info.h"
#include "string-util.h"
#include "table.h"
#include "verbs.h"

/* hostinfo: what vmunit.conf asks of the host, and what there is */

static void report_settings(Cli *cli, const HostSettings *settings) {
        FOREACH_ARRAY(s, settings->items, settings->n_items) {
                report_open(cli, NULL, json_type_object);
                report_value(cli, "setting", report_text(s->name));
                report_value(cli, "file", report_text(s->path));
                report_value(cli, "wanted", report_text(s->wanted));
                report_value(cli, "actual", report_text(s->actual));
                report_value(cli, "differs", report_bool(host_setting_differs(s)));
                report_close(cli);
        }
}

static int print_table(Cli *cli, const HostSettings *settings) {
        static const TableColumn head[] = { { "Setting" }, { "Wanted" }, { "Actual" }, { "State" }, {} };
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
        if (cli->report)
                report_settings(cli, &settings);
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
          "Show the kernel's settings that vmunit.conf(5) can change: what it asks for, and what there is.", .plain = true,
          .json = "[{setting: string, file: string, wanted: string?, actual: string?, differs: boolean}]" },
};
DEFINE_VERB_TABLE(hostinfo);
