/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "control.h"
#include "domain-state.h"
#include "macro.h"

/* A subscription to what happens to one running VM, without ever waiting for its monitor. What comes is checked; the
 * handlers may free the subscription. */
typedef struct ControlEvents ControlEvents;

typedef struct ControlEventsHandlers {
        /* AGREED: this is the answer to the subscription, and what was before it is not known. */
        void (*state)(DomainState state, DomainReason reason, bool agreed, void *userdata);
        /* NAME is one of QEMU's, or a CONTROL_EVENT_…; USEC is 0 when it is not known when; DATA is JSON, or "". */
        void (*event)(const char *name, uint64_t usec, const char *data, void *userdata);
        /* The connection has ended, before AGREED or later; nothing comes any more. */
        void (*gone)(void *userdata);
} ControlEventsHandlers;

/* 0, or negative errno as of control_open(). */
int control_events_open(sd_event *event, const char *vm_name, const ControlEventsHandlers *handlers, void *userdata,
                        ControlEvents **ret);
/* The same for the socket at PATH. */
int control_events_open_path(sd_event *event, const char *path, const ControlEventsHandlers *handlers, void *userdata,
                             ControlEvents **ret);
/* Handles what is there already, up to the end of the connection: of a monitor that is no more. */
void control_events_drain(ControlEvents *e);
ControlEvents *control_events_free(ControlEvents *e);
DEFINE_CLEANUP(ControlEvents *, control_events_free)
