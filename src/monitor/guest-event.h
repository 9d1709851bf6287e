/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "json-member.h"
#include "lifecycle.h"

/* What QEMU says as JSON, as an input of the state machine. Everything is checked for its type; what is missing or
 * not known is the harmless value. */

/* An event; false when it is none of those that matter. DATA may be NULL. */
bool guest_event_parse(const char *name, json_object *data, uint64_t now, LifecycleInput *ret);

/* The "return" of query-status. */
GuestStatus guest_status_parse(json_object *reply);

/* Sets the notes from the "return" of qom-list of /objects. */
void guest_notes_parse(json_object *reply, LifecycleInput *in);
#define NOTE_REBOOT "vmunit-reboot"
#define NOTE_PAUSED "vmunit-paused"
#define NOTE_SAVING "vmunit-saving"
/* "vmunit-actions.destroy.restart.preserve": of poweroff, reboot and crash */
#define NOTE_ACTIONS "vmunit-actions."
#define NOTE_ACTIONS_MAX (sizeof(NOTE_ACTIONS) + LIFECYCLE_ACTIONS_MAX)

void guest_note_actions(const LifecycleActions *a, char ret[NOTE_ACTIONS_MAX]);

/* The host's device of the character device LABEL from the "return" of query-chardev: "/dev/pts/3". NULL when there is
 * none, or it is no pty. Lives as long as REPLY. */
const char *chardev_pty_parse(json_object *reply, const char *label);
