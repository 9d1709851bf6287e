/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <systemd/sd-event.h>

#include "bus-util.h"
#include "console-watch.h"
#include "control-client.h"
#include "names.h"
#include "string-util.h"

/* Less than the time for which a monitor repeats itself. */
#define RETRY_USEC (UINT64_C(250) * 1000)
/* At once, of a monitor that says much. */
#define STEPS_MAX 1000U

struct ConsoleWatch {
        char *path, *alias;     /* owned */
        sd_event *event;        /* owned */
        sd_bus *bus;            /* owned; NULL: not connected */
        sd_event_source *retry; /* owned */
        bool taken;
};

static void disconnect(ConsoleWatch *w) {
        if (w->bus)
                (void) sd_bus_detach_event(w->bus);
        w->bus = sd_bus_close_unref(w->bus);
}

ConsoleWatch *console_watch_free(ConsoleWatch *w) {
        if (!w)
                return NULL;
        disconnect(w);
        sd_event_source_disable_unref(w->retry);
        sd_event_unref(w->event);
        free(w->path);
        free(w->alias);
        free(w);
        return NULL;
}

static int on_taken(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ConsoleWatch *w = userdata;
        const char *alias;

        if (sd_bus_message_read(m, "s", &alias) > 0 && streq(alias, w->alias))
                w->taken = true;
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error);

static int connect_monitor(ConsoleWatch *w) {
        int r = control_open_path(w->path, &w->bus);
        if (r >= 0)
                r = sd_bus_match_signal(w->bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "ConsoleTaken", on_taken, w);
        if (r >= 0)
                r = bus_match_disconnected(w->bus, on_disconnected, w);
        /* Who has called, and has not subscribed, is sent no events. Nobody waits for the answer. */
        if (r >= 0)
                r = sd_bus_call_method_async(w->bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "GetState", NULL, NULL, NULL);
        if (r >= 0)
                r = sd_bus_attach_event(w->bus, w->event, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

static int retry_later(ConsoleWatch *w);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        ConsoleWatch *w = userdata;

        disconnect(w);
        if (connect_monitor(w) < 0)
                (void) retry_later(w);
        return 0;
}

/* For as long as the console is there: when the VM has ended, so has that. */
static int retry_later(ConsoleWatch *w) {
        w->retry = sd_event_source_disable_unref(w->retry);
        return sd_event_add_time_relative(w->event, &w->retry, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry, w);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (void) retry_later(userdata);
        return 0;
}

int console_watch_open_path(const char *path, const char *alias, ConsoleWatch **ret) {
        ConsoleWatch *w = calloc(1, sizeof(ConsoleWatch));

        if (!w)
                return -ENOMEM;
        w->path = strdup(path);
        w->alias = strdup(alias);
        int r = w->path && w->alias ? sd_event_new(&w->event) : -ENOMEM;
        if (r >= 0 && connect_monitor(w) < 0) {
                disconnect(w);
                r = retry_later(w);
        }
        if (r < 0) {
                console_watch_free(w);
                return r;
        }
        (void) console_watch_is_taken(w); /* arms what the descriptor stands for */
        *ret = w;
        return 0;
}

int console_watch_open(const char *vm_name, const char *alias, ConsoleWatch **ret) {
        _cleanup_free_ char *path = vm_runtime_path(vm_name, "control");

        return path ? console_watch_open_path(path, alias, ret) : -ENOMEM;
}

int console_watch_get_fd(const ConsoleWatch *w) {
        return sd_event_get_fd(w->event);
}

bool console_watch_is_taken(ConsoleWatch *w) {
        for (unsigned i = 0; i < STEPS_MAX && !w->taken && sd_event_run(w->event, 0) > 0; i++)
                ;
        return w->taken;
}
