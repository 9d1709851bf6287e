/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli-common.h"
#include "dump.h"
#include "string-util.h"

/* dump */

static void show_progress(unsigned percent, void *userdata) {
        Cli *cli = userdata;

        fprintf(cli->err, "\rDump: [%3u %%]", percent);
        (void) fflush(cli->err);
}

static int get_format(Cli *cli, const Command *c, DumpOptions *ret) {
        const char *word;

        if (command_get_nonempty(cli, c, "format", &word) < 0)
                return -1;
        ret->memory_only = command_has(c, "memory-only");
        if (!word)
                return 0;
        if (!ret->memory_only)
                return cli_error(cli, "--format only works with --memory-only");
        int format = dump_format_from_string(word);
        if (format < 0)
                return cli_error(cli, "format '%s' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', 'win-dmp' or "
                                      "'elf'", word);
        ret->format = (DumpFormat) format;
        return 0;
}

static int verb_dump(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        DumpOptions options = {
                .live = command_has(c, "live"), .crash = command_has(c, "crash"), .reset = command_has(c, "reset"),
                .progress = cli_wants_progress(cli, c) ? show_progress : NULL, .userdata = cli,
        };
        const char *file, *word;

        if (cli_lookup(cli, c, VM_BY_ANY, &vm, &word) < 0 || command_get_nonempty(cli, c, "file", &file) < 0 ||
            get_format(cli, c, &options) < 0)
                return -1;
        int r = vm_dump(cli->manager, &vm, file, &options, &diag);
        cli_warnings(cli, &diag);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Failed to core dump domain '%s' to %s", word, file);
        cli_print_extra(cli, "\nDomain '%s' dumped to %s\n", word, file);
        return 0;
}

static const Option dump_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN_ACTIVE, "domain name, id or uuid"),
        { .name = "file", .type = OPTION_DATA, .required = true, .hint = HINT_FILE, .help = "where to dump the core" },
        OPTION_FLAG("live", "perform a live core dump if supported"),
        OPTION_FLAG("crash", "crash the domain after core dump"),
        OPTION_FLAG("bypass-cache", "avoid file system cache when dumping"),
        OPTION_FLAG("reset", "reset the domain after core dump"),
        OPTION_FLAG("verbose", "display the progress of dump"),
        OPTION_FLAG("memory-only", "dump domain's memory only"),
        { .name = "format", .type = OPTION_STRING, .words = "elf|kdump-zlib|kdump-lzo|kdump-snappy|win-dmp",
          .help = "specify the format of memory-only dump" },
        OPTIONS_END,
};

static const Verb dump_verbs[] = {
        { "dump", GROUP_DOMAIN, verb_dump, dump_options, "dump the core of a domain to a file for analysis", "Core dump a domain.",
          .changes = true },
};
DEFINE_VERB_TABLE(dump);
