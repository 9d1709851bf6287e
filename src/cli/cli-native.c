/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "native.h"
#include "string-util.h"
#include "verbs.h"

/* domxml-from-native: command lines of QEMU as definitions */

static int verb_from_native(Cli *cli, const Command *c) {
        _cleanup_free_ char *text = NULL, *xml = NULL;
        _cleanup_diag_ Diag diag = {};
        const char *format, *config;
        size_t size;

        if (command_get_nonempty(cli, c, "format", &format) < 0 || command_get_nonempty(cli, c, "config", &config) < 0)
                return -1;
        if (!streq(format, "qemu-argv"))
                return cli_error(cli, "invalid argument: unsupported config type %s", format);
        if (cli_read_file(cli, config, &text, &size) < 0)
                return -1;
        (void) diag_init(&diag, config);
        int r = definition_from_native(text, size, config, &diag, &xml);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to convert the command line of %s", config);
        cli_print(cli, "%s", xml);
        return 0;
}

static const Option from_native_options[] = {
        { .name = "format", .type = OPTION_DATA, .required = true, .words = "qemu-argv",
          .help = "source config data type format" },
        { .name = "config", .type = OPTION_DATA, .required = true, .hint = HINT_FILE, .help = "config data file to import from" },
        OPTIONS_END,
};

static const Verb native_verbs[] = {
        { "domxml-from-native", GROUP_DOMAIN, verb_from_native, from_native_options, "Convert native config to domain XML",
          "Convert native guest configuration format to domain XML format.", .plain = true },
};
DEFINE_VERB_TABLE(native);
