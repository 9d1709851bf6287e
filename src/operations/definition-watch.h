/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "event-kinds.h"
#include "manager.h"

/* What becomes of the definitions, seen from changes in their directories: whoever made them. A file that says the same as
 * before, in other words or with other comments, is no change. */
typedef struct DefinitionWatch DefinitionWatch;

/* The names known at the beginning are not told; kinds: lifecycle, metadata-change. */
int definition_watch_new(sd_event *event, Manager *m, void (*sink)(const char *name, VmEventKind kind, json_object *fields, void *userdata),
                         void *userdata, Diag *diag, DefinitionWatch **ret);
DefinitionWatch *definition_watch_free(DefinitionWatch *w);
DEFINE_CLEANUP(DefinitionWatch *, definition_watch_free)
