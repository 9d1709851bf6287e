/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities.h"
#include "cli-common.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* capabilities, domcapabilities, cpu-models: what definitions can ask for */

static int verb_capabilities(Cli *cli, const Command *c) {
        _cleanup_free_ char *xml = NULL;
        _cleanup_diag_ Diag diag = {};

        int r = capabilities_host(cli->manager, &diag, &xml);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get capabilities");
        cli_print(cli, "%s\n", xml);
        return 0;
}

static int verb_domain_capabilities(Cli *cli, const Command *c) {
        _cleanup_free_ char *xml = NULL;
        _cleanup_diag_ Diag diag = {};
        DomainCapabilitiesRequest request = {};

        if (command_get_nonempty(cli, c, "virttype", &request.type) < 0 ||
            command_get_nonempty(cli, c, "emulatorbin", &request.emulator) < 0 ||
            command_get_nonempty(cli, c, "arch", &request.arch) < 0 || command_get_nonempty(cli, c, "machine", &request.machine) < 0)
                return -1;
        int r = capabilities_domain(cli->manager, &request, &diag, &xml);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get emulator capabilities");
        cli_print(cli, "%s\n", xml);
        return 0;
}

static int verb_cpu_models(Cli *cli, const Command *c) {
        _cleanup_strv_ char **models = NULL;
        _cleanup_diag_ Diag diag = {};
        const char *arch;

        if (command_get_nonempty(cli, c, "arch", &arch) < 0)
                return -1;
        int r = capabilities_cpu_models(cli->manager, arch, &diag, &models);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "failed to get CPU model names");
        STRV_FOREACH(m, models)
                report(cli, NULL, report_text(*m), "%s\n", *m);
        return 0;
}

static const Option capabilities_options[] = { OPTIONS_END };
static const Option domain_capabilities_options[] = {
        { .name = "virttype", .type = OPTION_STRING, .words = "kvm|qemu", .help = "virtualization type (/domain/@type)" },
        { .name = "emulatorbin", .type = OPTION_STRING, .hint = HINT_FILE,
          .help = "path to emulator binary (/domain/devices/emulator)" },
        { .name = "arch", .type = OPTION_STRING, .help = "domain architecture (/domain/os/type/@arch)" },
        { .name = "machine", .type = OPTION_STRING, .help = "machine type (/domain/os/type/@machine)" },
        OPTIONS_END,
};
static const Option cpu_models_options[] = {
        { .name = "arch", .type = OPTION_DATA, .required = true, .words = "x86_64|i686|aarch64|armv7l", .help = "architecture" },
        OPTIONS_END,
};

static const Verb capabilities_verbs[] = {
        { "capabilities", GROUP_HOST, verb_capabilities, capabilities_options, "capabilities",
          "Returns capabilities of hypervisor/driver.", .pager = true },
        { "domcapabilities", GROUP_HOST, verb_domain_capabilities, domain_capabilities_options, "domain capabilities",
          "Returns capabilities of emulator with respect to host and libvirt.", .pager = true },
        { "cpu-models", GROUP_HOST, verb_cpu_models, cpu_models_options, "CPU models",
          "Get the CPU models for an arch.", .json = "[string]" },
};
DEFINE_VERB_TABLE(capabilities);
