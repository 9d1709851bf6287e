/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notes.h"
#include "string-util.h"
#include "xml-metadata.h"

/* --- title and description --- */

static const char *note_of(const Domain *d, VmNote note) {
        return note == NOTE_TITLE ? d->title : d->description;
}

int vm_note(Manager *m, const Vm *vm, VmNote note, ChangeFlags flags, Diag *diag, char **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;

        int r = vm_change_load(m, vm, flags, diag, &d);
        if (r < 0)
                return r;
        *ret = strdup(strempty(note_of(d, note)));
        return *ret ? 0 : -ENOMEM;
}

int vm_set_note(Manager *m, const Vm *vm, VmNote note, ChangeFlags flags, const char *text, Diag *diag) {
        XmlEdit e = { .path = note == NOTE_TITLE ? "title" : "description", .value = *text ? text : NULL };

        if (note == NOTE_TITLE && strchr(text, '\n'))
                return diag_error(diag, (SrcLoc) {}, "metadata title can't contain newlines");
        return vm_change(m, vm, flags, &e, 1, diag);
}

/* --- metadata --- */

int vm_metadata(Manager *m, const Vm *vm, const char *uri, ChangeFlags flags, Diag *diag, char **ret) {
        _cleanup_(domain_freep) Domain *d = NULL;

        int r = vm_change_load(m, vm, flags, diag, &d);
        return r < 0 ? r : xml_metadata_get(d->metadata, uri, diag, ret);
}

typedef struct MetadataChange {
        const char *uri, *key, *element;
} MetadataChange;

static int build_metadata(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const MetadataChange *c = userdata;
        _cleanup_free_ char *text = NULL;

        int r = xml_metadata_set(d->metadata, c->uri, c->key, c->element, diag, &text);
        if (r < 0 || streq_ptr(text, d->metadata))
                return r;
        if (!text)
                return xml_edits_remove(edits, "metadata");
        XmlEdit e = { .path = d->metadata ? "metadata" : "", .element = text, .replace = d->metadata, .verbatim = true };
        return xml_edits_copy(edits, &e, 1);
}

int vm_set_metadata(Manager *m, const Vm *vm, const char *uri, const char *key, ChangeFlags flags, const char *element,
                    Diag *diag) {
        return vm_change_build(m, vm, flags, build_metadata, &(MetadataChange) { uri, key, element }, diag);
}

/* --- on_poweroff, on_reboot, on_crash --- */

const char *const vm_lifecycle_events[_LIFECYCLE_EVENT_MAX] = { "poweroff", "reboot", "crash" };

typedef struct ActionChange {
        VmLifecycleEvent event;
        LifecycleAction action;
} ActionChange;

static int build_action(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        static const char *const paths[_LIFECYCLE_EVENT_MAX] = { "on_poweroff", "on_reboot", "on_crash" };
        const ActionChange *c = userdata;
        LifecycleAction off = c->event == LIFECYCLE_EVENT_POWEROFF ? c->action : d->on_poweroff;
        LifecycleAction reboot = c->event == LIFECYCLE_EVENT_REBOOT ? c->action : d->on_reboot;

        if (c->event != LIFECYCLE_EVENT_CRASH && c->action == ACTION_PRESERVE)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: qemu driver doesn't support the 'preserve' action "
                                  "for 'on_reboot'/'on_poweroff'");
        if (off == ACTION_RESTART && reboot == ACTION_DESTROY)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: qemu driver doesn't support 'onReboot' set to "
                                  "'destroy and 'onPoweroff' set to 'reboot'");
        return xml_edits_text(edits, lifecycle_action_to_string(c->action), "%s", paths[c->event]);
}

int vm_set_lifecycle_action(Manager *m, const Vm *vm, VmLifecycleEvent event, LifecycleAction action, ChangeFlags flags,
                            Diag *diag) {
        bool coredump = action == ACTION_COREDUMP_DESTROY || action == ACTION_COREDUMP_RESTART;

        if (coredump && event != LIFECYCLE_EVENT_CRASH)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: Lifecycle event '%s' doesn't support '%s' action",
                                  vm_lifecycle_events[event], lifecycle_action_to_string(action));
        if (action == ACTION_RENAME_RESTART)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: qemu driver doesn't support the 'rename-restart' "
                                  "action for 'on_reboot'/'on_poweroff'/'on_crash'");
        return vm_change_build(m, vm, flags, build_action, &(ActionChange) { event, action }, diag);
}
