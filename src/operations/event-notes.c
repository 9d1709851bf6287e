/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event-notes.h"
#include "string-util.h"
#include "strv.h"
#include "xml-metadata.h"

void event_notes_done(EventNotes *n) {
        free(n->title);
        free(n->description);
        free(n->metadata);
        *n = (EventNotes) {};
}

void event_notes_take(Domain *d, EventNotes *ret) {
        *ret = (EventNotes) {
                .title = TAKE_PTR(d->title),
                .description = TAKE_PTR(d->description),
                .metadata = TAKE_PTR(d->metadata),
        };
}

static void tell(const char *type, const char *uri, VmEventSink sink, void *userdata) {
        json_object *o = json_object_new_object();

        if (o) {
                json_object_object_add(o, "type", json_object_new_string(type));
                json_object_object_add(o, "uri", uri ? json_object_new_string(uri) : NULL);
        }
        sink(VM_EVENT_METADATA_CHANGE, o, userdata);
}

static bool same_element(const EventNotes *a, const EventNotes *b, const char *uri) {
        _cleanup_free_ char *x = NULL, *y = NULL;

        (void) xml_metadata_get(a->metadata, uri, NULL, &x);
        (void) xml_metadata_get(b->metadata, uri, NULL, &y);
        return streq_ptr(x, y);
}

/* What is in A's or B's metadata and not the same in both. */
static void tell_elements(const EventNotes *a, const EventNotes *b, VmEventSink sink, void *userdata) {
        _cleanup_strv_ char **old = NULL, **new = NULL;

        if (streq_ptr(a->metadata, b->metadata) || xml_metadata_uris(a->metadata, &old) < 0 || xml_metadata_uris(b->metadata, &new) < 0)
                return;
        STRV_FOREACH(uri, old)
                if (!same_element(a, b, *uri))
                        tell("element", *uri, sink, userdata);
        STRV_FOREACH(uri, new)
                if (!strv_contains(old, *uri))
                        tell("element", *uri, sink, userdata);
}

void event_notes_tell(const EventNotes *before, const EventNotes *now, VmEventSink sink, void *userdata) {
        if (!streq_ptr(before->description, now->description))
                tell("description", NULL, sink, userdata);
        if (!streq_ptr(before->title, now->title))
                tell("title", NULL, sink, userdata);
        tell_elements(before, now, sink, userdata);
}
