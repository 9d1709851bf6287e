/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"
#include "xml-edit.h"

/* Changes to VMs. A verb says what becomes of the XML, as a list of edits (xml-edit.h); the rest is the same for all:
 *
 * config: the edits are applied to the text of the definition file, the result is checked as `define` checks it
 *         and written in the place of the file (a vendor's file stays, the administrator's comes before it).
 * live:   they are applied to the effective XML of what runs (/run/vmunit/NAME/domain.xml), under a lock. What differs
 *         between the two domains is carried out by those who can (the table in change-live.c): systemd for
 *         properties of the unit, the monitor for threads, QEMU for the rest. Then the new text is written. What
 *         nobody can change in a running VM is refused before anything has been changed. */

typedef enum ChangeFlags {
        CHANGE_LIVE = 1 << 0,
        CHANGE_CONFIG = 1 << 1,
        CHANGE_CURRENT = 0, /* live if it runs, else config */
        CHANGE_CONFIG_FIRST = 1 << 2, /* of two errors the definition's is said, as libvirt does for some changes */
} ChangeFlags;

/* libvirt's rules, with its messages: *flags becomes CHANGE_LIVE, CHANGE_CONFIG or both. -EINVAL with "Requested
 * operation is not valid: domain is not running" for a live change of what does not run, "Requested operation is
 * not valid: transient domains do not have any persistent config" for a transient one. */
int vm_change_scope(const Vm *vm, ChangeFlags *flags, Diag *diag);

/* The domain that FLAGS speak of, for showing: the definition's with CHANGE_CONFIG, what runs with CHANGE_LIVE
 * (systemd's values where they differ), the rule above otherwise. With both, libvirt's rule for reading: what runs. */
int vm_change_load(Manager *m, const Vm *vm, ChangeFlags flags, Diag *diag, Domain **ret);

/* Does what FLAGS say. With both, the config is written last, and both are checked before: either both happen or none.
 * Without an edit nothing happens but the checks of vm_change_scope(). 0 or negative errno, explained in DIAG. */
int vm_change(Manager *m, const Vm *vm, ChangeFlags flags, const XmlEdit *edits, size_t n_edits, Diag *diag);

/* For changes that depend on what is there (merging lists, adding the next id): BUILD is called for each of the two
 * texts with its domain, completed, and appends to EDITS what becomes of it; -EINVAL with a reason in DIAG stops all.
 * LIVE says which one it is. */
typedef int (*ChangeBuild)(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits);
int vm_change_build(Manager *m, const Vm *vm, ChangeFlags flags, ChangeBuild build, void *userdata, Diag *diag);
