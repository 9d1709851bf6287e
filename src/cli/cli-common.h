/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "change.h"
#include "cli.h"
#include "machines.h"
#include "report.h"
#include "verbs.h"

/* What several families of verbs need. They print what went wrong and return -1. */

/* The VM that --domain names; *ret_word (may be NULL) is how the user called it. */
int cli_lookup(Cli *cli, const Command *c, VmLookupFlags flags, Vm *ret, const char **ret_word);

/* The same, of those that run: virsh's message for the others. */
int cli_lookup_running(Cli *cli, const Command *c, Vm *ret);
/* The domain that dumpxml shows of it. */
int cli_describe_vm(Cli *cli, const Vm *vm, bool inactive, Domain **ret);
/* Both, of what --domain names. */
int cli_describe(Cli *cli, const Command *c, bool inactive, Vm *ret_vm, Domain **ret);

/* The content of PATH, at most what a definition may have. "-" is no special name, as in virsh. */
int read_definition_file(const char *path, Diag *diag, char **ret, size_t *ret_size);
/* The same, with the reason printed. */
int cli_read_file(Cli *cli, const char *path, char **ret, size_t *ret_size);

/* Gives TEXT to the user's editor, and what comes back, without a line feed at its end, to APPLY, which says what went wrong;
 * then the user may try again. 1: done; 0: nothing was changed in it; -1. */
int cli_edit_text(Cli *cli, const char *text, int (*apply)(Cli *cli, const char *text, void *userdata), void *userdata);

/* Attaches the terminal to a console of the running VM NAME until the escape character or its end. */
int cli_console(Cli *cli, const char *name, const char *alias, bool force);
/* The terminal and the stream FD, until another session takes it (WATCH may be NULL) or it ends as terminal_attach() says: a
 * TerminalEnd, or -1. */
int cli_attach(Cli *cli, int fd, ConsoleWatch *watch);

/* The words of --credential as NAME=VALUE: what NAME=@FILE names has been read. *ret is owned by the caller. */
int cli_credentials(Cli *cli, const Command *c, char ***ret);
#define OPTION_CREDENTIAL \
        { .name = "credential", .type = OPTION_ARGV, .named = true, \
          .help = "NAME=VALUE or NAME=@FILE, for the guest's systemd; can be repeated" }

/* --pass-fds: as of libvirt's driver for QEMU, no machine gets any. 0: it was not given; -1, with what was to be done and FUNCTION, the
 * call that this would be. */
int cli_refuse_fds(Cli *cli, const Command *c, const char *function, const char *format, const char *what);
#define OPTION_PASS_FDS \
        { .name = "pass-fds", .type = OPTION_STRING, .help = "pass file descriptors N,M,... to the guest (not supported)" }

/* What --live, --config and --current say; virsh's message when they exclude each other. */
int cli_change_flags(Cli *cli, const Command *c, ChangeFlags *ret);

/* "1.500 GiB" */
#define CLI_SIZE_MAX 32U
void cli_format_size(uint64_t bytes, char ret[CLI_SIZE_MAX]);

/* O as one line; PRETTY: as virsh lays it out. */
void cli_print_json(Cli *cli, json_object *o, bool pretty, const char *end);

/* XML, or what --xpath and --wrap leave of it. */
int cli_print_xml(Cli *cli, const Command *c, const char *xml);
#define OPTIONS_XPATH \
        { .name = "xpath", .type = OPTION_STRING, .named = true, .help = "xpath expression to filter the XML document" }, \
                OPTION_FLAG("wrap", "wrap xpath results in an common root element")

/* --verbose, where somebody sees it: a line that is written over again and again is for terminals. */
bool cli_wants_progress(const Cli *cli, const Command *c);
/* The numbers of a job that O (job.h) has, a line each, with libvirt's names and its number of the operation first. */
void cli_print_job(Cli *cli, const char *before, json_object *o);

/* The reason alone, where virsh has no headline. */
int cli_error_reason(Cli *cli, int r, const Diag *diag);
