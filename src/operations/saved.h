/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"
#include "manager.h"
#include "saved-file.h"

/* Machines that are saved into a file and go on from there: save, restore, and the managed save, which is a file in the
 * VM's state directory that its next start goes on from. */

typedef enum SaveState {
        SAVE_STATE_SAME, /* running if it ran */
        SAVE_STATE_RUNNING,
        SAVE_STATE_PAUSED,
} SaveState;

typedef struct SaveOptions {
        SaveState state;     /* in which the guest is to be afterwards */
        const char *xml;     /* the definition to go on with; NULL: as it runs */
        SavedCompression compression;
        void (*progress)(unsigned percent, void *userdata); /* NULL: nobody wants to know */
        void *userdata;
        bool reset_nvram;    /* restore: the variables of the firmware are made anew of their template */
        bool host_goes_down; /* the VM's unit is being stopped already, and the next boot is to start it */
} SaveOptions;

/* Saves VM into the file PATH, which is replaced when that is complete, and ends it. When it fails, the guest goes on. */
int vm_save(Manager *m, const Vm *vm, const char *path, const SaveOptions *options, Diag *diag);
/* The same into its state directory. */
int vm_managed_save(Manager *m, const Vm *vm, const SaveOptions *options, Diag *diag);

/* Starts what was saved in PATH. *ret_name (may be NULL) is the VM's. */
int vm_restore(Manager *m, const char *path, const SaveOptions *options, Diag *diag, char **ret_name);

/* The definition in PATH; secure: with passwords. */
int saved_dump_xml(Manager *m, const char *path, bool secure, Diag *diag, char **ret);
/* Replaces it: the same machine's (name and UUID). Written anew beside PATH. */
int saved_define(Manager *m, const char *path, const SaveOptions *options, Diag *diag);
/* The path of the managed save of VM; -ENOENT with virsh's words when there is none. */
int managed_save_path(const Vm *vm, Diag *diag, char **ret);
