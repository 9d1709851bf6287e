/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* Where the definitions of VMs are: NAME.xml in these directories, the first one wins. An empty file or a link
 * to /dev/null masks the name in the directories behind. */
typedef enum DefinitionKind {
        DEFINITION_PERSISTENT, /* /etc/vm: the administrator's */
        DEFINITION_RUNTIME,    /* /run/vm: declared until the next boot */
        DEFINITION_VENDOR,     /* /usr/lib/vm */
        DEFINITION_TRANSIENT,  /* of a VM made by `vmunit create`; never listed */
} DefinitionKind;

/* The directories in their order. VMUNIT_CONFIG_PATH (a list separated by colons) replaces them, the first one
 * counting as persistent, the second as runtime, further ones as vendor's. Owned by the caller. */
int definition_directories(char ***ret);

typedef struct Definition {
        char *name; /* owned */
        char *path; /* owned, absolute */
        DefinitionKind kind;
        char *text;      /* owned; NULL when it was only found, not read */
        size_t size;
        char digest[33]; /* of the text (siphash.h) */
        bool world_readable;
} Definition;

void definition_done(Definition *d);
#define _cleanup_definition_ _cleanup_(definition_done)

/* Finds and reads the definition of NAME. -ENOENT: there is none; -ERFKILL: masked; -EFBIG, -EISDIR, -EBADF:
 * not a definition; else negative errno. ret->path is set for all but -ENOENT and -ENOMEM, so that messages
 * can name the file; call definition_done() in any case. */
int definition_load(const char *name, Definition *ret);
/* The same for the transient VM's file. */
int definition_load_transient(const char *name, Definition *ret);
/* Can others than root, or for a user than himself, change the definition at PATH, or where a link there leads to? Whoever
 * can makes a QEMU of his own with root's files. 0, or negative errno with the reason and what to do in DIAG. */
int definition_check_owner(const char *path, Diag *diag);
/* Only finds it: text stays NULL. */
int definition_find(const char *name, Definition *ret);

typedef struct DefinitionList {
        Definition *items; /* owned; found, not read; sorted by name */
        size_t n_items;
} DefinitionList;

/* All names, masked ones left out. What is in the directories but cannot be a VM's name is told in DIAG as a
 * warning and left out. A directory that does not exist is empty. 0 or negative errno. */
int definition_list(Diag *diag, DefinitionList *ret);
void definition_list_done(DefinitionList *l);
#define _cleanup_definition_list_ _cleanup_(definition_list_done)

/* Text for the negative errno of definition_load(): "not defined", "masked", "larger than 4 MiB" … */
const char *definition_error(int error);
