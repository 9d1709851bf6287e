/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "change.h"

/* What a definition holds for people and other programs: title, description, <metadata>; and what
 * becomes of the machine when its guest ends. FLAGS as in change.h. */

typedef enum VmNote {
        NOTE_TITLE,
        NOTE_DESCRIPTION,
} VmNote;

/* *ret is the caller's; "" where there is none. */
int vm_note(Manager *m, const Vm *vm, VmNote note, ChangeFlags flags, Diag *diag, char **ret);
/* An empty TEXT takes it away. */
int vm_set_note(Manager *m, const Vm *vm, VmNote note, ChangeFlags flags, const char *text, Diag *diag);

/* The element of <metadata> in the namespace URI, as XML without that namespace. -ENOENT: there is none, which DIAG says in
 * libvirt's words. *ret is the caller's. */
int vm_metadata(Manager *m, const Vm *vm, const char *uri, ChangeFlags flags, Diag *diag, char **ret);
/* ELEMENT, in the namespace URI and written with the prefix KEY, comes in its place; NULL: it goes. */
int vm_set_metadata(Manager *m, const Vm *vm, const char *uri, const char *key, ChangeFlags flags, const char *element,
                    Diag *diag);

typedef enum VmLifecycleEvent {
        LIFECYCLE_EVENT_POWEROFF,
        LIFECYCLE_EVENT_REBOOT,
        LIFECYCLE_EVENT_CRASH,
        _LIFECYCLE_EVENT_MAX,
} VmLifecycleEvent;
extern const char *const vm_lifecycle_events[_LIFECYCLE_EVENT_MAX];

int vm_set_lifecycle_action(Manager *m, const Vm *vm, VmLifecycleEvent event, LifecycleAction action, ChangeFlags flags,
                            Diag *diag);
