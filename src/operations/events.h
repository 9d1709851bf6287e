/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "event-kinds.h"
#include "manager.h"

/* What happens to VMs, from systemd, their monitors and the directories of definitions, as it happens: nothing is asked
 * again and again, and none of them is waited for. A VM that starts later is there from its start on. */
typedef struct VmEvents VmEvents;

typedef struct VmEventsRequest {
        const char *name; /* of the only VM of interest; NULL: all */
        uint64_t kinds;   /* VM_EVENTS_OF() */
        bool qemu;        /* QEMU's own events, too */

        /* FIELDS stay the caller's. USEC: since 1970. */
        void (*event)(const char *name, VmEventKind kind, uint64_t usec, json_object *fields, void *userdata);
        /* USEC is QEMU's word; 0: none. DATA is JSON, or "". */
        void (*qemu_event)(const char *name, const char *event, uint64_t usec, const char *data, void *userdata);
        /* The connection to the VM's monitor was lost and is there again. What became of the VM has been told, or is now;
         * of other events some may be missing. */
        void (*gap)(const char *name, void *userdata);
        /* Everything that runs has been subscribed to, but for what hangs. */
        void (*ready)(void *userdata);
        /* R is -EACCES: the VM is another user's. */
        void (*failed)(const char *name, int r, void *userdata);
        void *userdata;
} VmEventsRequest;

#define VM_EVENTS_OF(kind) (UINT64_C(1) << (kind))
#define VM_EVENTS_ALL (VM_EVENTS_OF(_VM_EVENT_MAX) - 1)

/* 0, or negative errno with the reason in DIAG. */
int vm_events_new(Manager *m, sd_event *event, const VmEventsRequest *request, Diag *diag, VmEvents **ret);
VmEvents *vm_events_free(VmEvents *e);
DEFINE_CLEANUP(VmEvents *, vm_events_free)
