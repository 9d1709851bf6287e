/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"
#include "manager.h"

/* Definitions: from a text to a domain, and in and out of their directories. */

typedef struct ParsedDefinition {
        Domain *domain;  /* owned; completed and validated */
        const char *text; /* what it was read from, the caller's */
        size_t size;
        char digest[33]; /* of the text */
        bool has_secret, uuid_written;
} ParsedDefinition;

void parsed_definition_done(ParsedDefinition *p);
#define _cleanup_parsed_definition_ _cleanup_(parsed_definition_done)

typedef enum ParseFlags {
        PARSE_STRICT = 1 << 0,  /* what is not known is an error */
        PARSE_GENERIC = 1 << 1, /* as on a machine made up, not on this one */
        PARSE_DRY_RUN = 1 << 2, /* vm_redefine(): all checks, but nothing is written */
} ParseFlags;

/* Reads TEXT as a definition. All problems are in DIAG, which should have been initialised with the file's
 * name. 0 or negative errno. */
int definition_parse(Manager *m, const char *text, size_t size, ParseFlags flags, Diag *diag,
                     ParsedDefinition *ret);

/* The rule of names: a definition in FILE defines what the file is called. */
int definition_check_file_name(const char *path, const Domain *d, Diag *diag);

/* Writes TEXT, byte by byte, as the definition of the domain in it, after all checks: `define`. The name goes
 * to *ret_name. A link in its place stays, and what it leads to is written, if only root can change that. */
int vm_define(Manager *m, const char *text, size_t size, ParseFlags flags, Diag *diag, char **ret_name);

typedef enum VmUndefineFlags {
        VM_UNDEFINE_MANAGED_SAVE = 1 << 0, /* that goes, too; without it, a VM that has one stays */
        VM_UNDEFINE_NVRAM = 1 << 1,        /* so does the file of the firmware's variables */
        VM_UNDEFINE_KEEP_NVRAM = 1 << 2,   /* … or that stays where it is; without either, a VM that has one stays */
        VM_UNDEFINE_KEEP_TPM = 1 << 3,     /* what its TPM keeps stays; without it that goes too */
} VmUndefineFlags;

/* Takes the definition away; one that is not the administrator's is masked. It is not started at boot any more. What runs
 * goes on, and is gone when it stops. */
int vm_undefine(Manager *m, const Vm *vm, VmUndefineFlags flags, Diag *diag);

/* VM, which does not run, is called NEW_NAME from now on: its definition, what it keeps in its state directory, and whether
 * it is started at boot. What an interruption has left behind is finished by the same call. */
int vm_rename(Manager *m, const Vm *vm, const char *new_name, Diag *diag);

/* --- what `edit` needs --- */

/* Replaces the definition of VM by TEXT if the file is still what digest OLD_DIGEST says; -ESTALE if it is not.
 * The name and the UUID must stay. */
int vm_redefine(Manager *m, const Vm *vm, const char *old_digest, const char *text, size_t size,
                ParseFlags flags,
                Diag *diag);
