/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "guest-event.h"
#include "string-util.h"

static int lookup(const StringTable *table, const char *word) {
        int v = word ? string_table_value(table, word) : 0;
        return MAX(v, 0);
}

/* The words QEMU has for "the CPUs stand still now", in the three events that have an action. */
static bool action_pauses(GuestEvent event, const char *action) {
        switch (event) {
        case EVENT_BLOCK_IO_ERROR:
                return streq_ptr(action, "stop");
        case EVENT_WATCHDOG:
                return streq_ptr(action, "pause");
        case EVENT_GUEST_PANICKED:
                return !streq_ptr(action, "run");
        default:
                return false;
        }
}

bool guest_event_parse(const char *name, json_object *data, uint64_t now, LifecycleInput *ret) {
        GuestEvent event = (GuestEvent) lookup(&guest_event_table, name);
        if (event == EVENT_NONE)
                return false;
        json_object *guest = json_member(data, "guest", json_type_boolean);
        *ret = (LifecycleInput) {
                .type = LIFECYCLE_EVENT,
                .now = now,
                .event = event,
                .cause = (ShutdownCause) lookup(&shutdown_cause_table, json_member_string(data, "reason")),
                .guest_did = guest && json_object_get_boolean(guest),
                .pauses = action_pauses(event, json_member_string(data, "action")),
        };
        return true;
}

GuestStatus guest_status_parse(json_object *reply) {
        return (GuestStatus) lookup(&guest_status_table, json_member_string(reply, "status"));
}

void guest_note_actions(const LifecycleActions *a, char ret[NOTE_ACTIONS_MAX]) {
        char words[LIFECYCLE_ACTIONS_MAX];

        lifecycle_actions_format(a, words);
        (void) snprintf(ret, NOTE_ACTIONS_MAX, NOTE_ACTIONS "%s", words);
}

void guest_notes_parse(json_object *reply, LifecycleInput *in) {
        if (!reply || !json_object_is_type(reply, json_type_array))
                return;
        for (size_t i = 0; i < json_object_array_length(reply); i++) {
                const char *name = json_member_string(json_object_array_get_idx(reply, i), "name");
                if (streq_ptr(name, NOTE_REBOOT))
                        in->note_reboot = true;
                if (streq_ptr(name, NOTE_PAUSED))
                        in->note_paused = true;
                if (streq_ptr(name, NOTE_SAVING))
                        in->note_saving = true;
                const char *actions = name ? startswith(name, NOTE_ACTIONS) : NULL;
                if (actions && lifecycle_actions_parse(actions, &in->actions))
                        in->note_actions = true;
        }
}

const char *chardev_pty_parse(json_object *reply, const char *label) {
        if (!reply || !json_object_is_type(reply, json_type_array))
                return NULL;
        for (size_t i = 0; i < json_object_array_length(reply); i++) {
                json_object *o = json_object_array_get_idx(reply, i);
                const char *file = json_member_string(o, "filename");
                if (!file || !streq_ptr(json_member_string(o, "label"), label))
                        continue;
                const char *path = startswith(file, "pty:");
                const char *number = path ? startswith(path, "/dev/pts/") : NULL;
                /* Just such a name: we open it, and hand it to root. */
                return !isempty(number) && in_charset(number, DIGITS) ? path : NULL;
        }
        return NULL;
}
