/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "host-info.h"

/* hostname, uri, sysinfo: which host this is */

static int verb_hostname(Cli *cli, const Command *c) {
        _cleanup_free_ char *name = NULL;

        int r = host_name(&name);
        if (r < 0)
                return cli_error_diag(cli, r, NULL, "failed to get hostname");
        report(cli, "hostname", report_text(name), "%s\n", name);
        return 0;
}

static int verb_uri(Cli *cli, const Command *c) {
        if (cli_connect_first(cli) < 0)
                return -1;
        const char *uri = cli->connection.uri;

        report(cli, "uri", report_text(uri), "%s\n", uri);
        return 0;
}

static int verb_sysinfo(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_free_ char *xml = NULL;

        int r = host_sysinfo(cli->manager, &diag, &xml);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get sysinfo");
        cli_print(cli, "%s", xml);
        return 0;
}

static const Option no_options[] = { OPTIONS_END };

static const Verb host_verbs[] = {
        { "hostname", GROUP_HOST, verb_hostname, no_options, "print the hypervisor hostname", NULL, .json = "{hostname: string}" },
        { "uri", GROUP_HOST, verb_uri, no_options, "print the hypervisor canonical URI", NULL, .json = "{uri: string}", .local = true },
        { "sysinfo", GROUP_HOST, verb_sysinfo, no_options, "print the hypervisor sysinfo",
          "output an XML string for the hypervisor sysinfo, if available" },
};
DEFINE_VERB_TABLE(host);
