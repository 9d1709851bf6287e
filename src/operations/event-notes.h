/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "event-kinds.h"

/* What a definition, or what runs, holds for people and other programs, and what has changed of it. */
typedef struct EventNotes {
        char *title, *description, *metadata; /* owned */
} EventNotes;

void event_notes_done(EventNotes *n);
/* Takes them out of D. */
void event_notes_take(Domain *d, EventNotes *ret);
/* Tells metadata-change for everything that is not the same. */
void event_notes_tell(const EventNotes *before, const EventNotes *now, VmEventSink sink, void *userdata);
