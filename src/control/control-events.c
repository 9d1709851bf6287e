/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-util.h"
#include "control-client.h"
#include "control-events.h"
#include "names.h"
#include "string-util.h"

/* More than a monitor that has ended can have left in the socket. */
#define DRAIN_MAX 65536U

struct ControlEvents {
        sd_bus *bus; /* owned */
        ControlEventsHandlers handlers;
        void *userdata;
        bool gone;       /* the handler has been told */
        bool freed;      /* control_events_free() has been called from a handler */
        unsigned busy;
};

static void destroy(ControlEvents *e) {
        (void) sd_bus_detach_event(e->bus);
        sd_bus_close_unref(e->bus);
        free(e);
}

static void enter(ControlEvents *e) {
        e->busy++;
}

static void leave(ControlEvents *e) {
        if (--e->busy == 0 && e->freed)
                destroy(e);
}

ControlEvents *control_events_free(ControlEvents *e) {
        if (!e)
                return NULL;
        if (e->busy > 0)
                e->freed = true;
        else
                destroy(e);
        return NULL;
}

static void tell_gone(ControlEvents *e) {
        if (e->gone || e->freed)
                return;
        e->gone = true;
        e->handlers.gone(e->userdata);
}

static int read_state(ControlEvents *e, sd_bus_message *m, bool agreed) {
        const char *state, *reason;
        DomainReason w;
        DomainState s;

        int r = sd_bus_message_read(m, "ss", &state, &reason);
        if (r < 0)
                return r;
        /* Before the first state is known there is no word for it; a newer monitor may know more reasons. */
        if (isempty(state))
                state = domain_state_to_string(STATE_UNKNOWN);
        if (domain_reason_from_string(reason) < 0)
                reason = domain_reason_to_string(REASON_UNKNOWN);
        if (domain_state_from_words(state, reason, &s, &w) < 0)
                return -EBADMSG;
        e->handlers.state(s, w, agreed, e->userdata);
        return 0;
}

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ControlEvents *e = userdata;

        enter(e);
        if (!e->freed && !e->gone)
                (void) read_state(e, m, false);
        leave(e);
        return 0;
}

static int on_event(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ControlEvents *e = userdata;
        const char *name, *data;
        uint64_t usec;

        enter(e);
        if (!e->freed && !e->gone && sd_bus_message_read(m, "sts", &name, &usec, &data) >= 0 && *name &&
            strlen(name) <= CONTROL_EVENT_NAME_MAX && strlen(data) <= CONTROL_EVENT_DATA_MAX &&
            in_charset(name, ALPHANUMERICAL "_-"))
                e->handlers.event(name, usec, data, e->userdata);
        leave(e);
        return 0;
}

static int on_agreed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ControlEvents *e = userdata;

        enter(e);
        /* A monitor that is about to end answers with an error; one of an older version does not know the call. */
        if (!e->freed && !e->gone && (sd_bus_message_is_method_error(m, NULL) || read_state(e, m, true) < 0))
                tell_gone(e);
        leave(e);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ControlEvents *e = userdata;

        enter(e);
        tell_gone(e);
        leave(e);
        return 0;
}

static int subscribe(ControlEvents *e, sd_event *event) {
        int r = sd_bus_match_signal(e->bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "StateChanged", on_state, e);
        if (r >= 0)
                r = sd_bus_match_signal(e->bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "Event", on_event, e);
        if (r >= 0)
                r = bus_match_disconnected(e->bus, on_disconnected, e);
        /* No limit: a monitor that hangs is nobody's trouble but its own VM's. */
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(e->bus, UINT64_MAX);
        if (r >= 0)
                r = sd_bus_call_method_async(e->bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "Subscribe", on_agreed, e, NULL);
        return r < 0 ? r : sd_bus_attach_event(e->bus, event, SD_EVENT_PRIORITY_NORMAL);
}

int control_events_open_path(sd_event *event, const char *path, const ControlEventsHandlers *handlers, void *userdata,
                             ControlEvents **ret) {
        ControlEvents *e = calloc(1, sizeof(ControlEvents));

        if (!e)
                return -ENOMEM;
        *e = (ControlEvents) { .handlers = *handlers, .userdata = userdata };
        int r = control_open_path(path, &e->bus);
        if (r >= 0)
                r = subscribe(e, event);
        if (r < 0) {
                destroy(e);
                return r;
        }
        *ret = e;
        return 0;
}

int control_events_open(sd_event *event, const char *vm_name, const ControlEventsHandlers *handlers, void *userdata,
                        ControlEvents **ret) {
        _cleanup_free_ char *path = vm_runtime_path(vm_name, "control");

        return path ? control_events_open_path(event, path, handlers, userdata, ret) : -ENOMEM;
}

void control_events_drain(ControlEvents *e) {
        enter(e);
        for (unsigned i = 0; i < DRAIN_MAX && !e->gone && !e->freed; i++)
                if (sd_bus_process(e->bus, NULL) <= 0)
                        break;
        leave(e);
}
