/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <systemd/sd-event.h>

#include "bus-util.h"
#include "console-copy.h"
#include "console-watch.h"
#include "control-client.h"
#include "names.h"
#include "string-util.h"

/* Less than the time for which a monitor repeats itself. */
#define RETRY_USEC (UINT64_C(250) * 1000)
/* For a monitor that has just answered. */
#define FIRST_USEC UINT64_C(1000000)
/* At once, of a monitor that says much. */
#define STEPS_MAX 1000U

struct ConsoleWatch {
        char *path, *alias;     /* owned */
        sd_event *event;        /* owned */
        sd_bus *bus;            /* owned; NULL: not connected */
        sd_event_source *retry; /* owned */
        ConsoleCopy copy;         /* owned */
        sd_event_source *copy_io; /* owned */
        bool taken;
};

static void close_copy(ConsoleWatch *w) {
        w->copy_io = sd_event_source_disable_unref(w->copy_io);
        console_copy_close(&w->copy);
}

/* The pipe ends with the monitor that reads it. */
static void disconnect(ConsoleWatch *w) {
        close_copy(w);
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

static void offer_copy(ConsoleWatch *w);

/* Nobody looks any more: until the next one does, there is no work. */
static void end_copy(ConsoleWatch *w) {
        close_copy(w);
        offer_copy(w);
}

static int on_copy(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        ConsoleWatch *w = userdata;

        if (revents & (EPOLLERR | EPOLLHUP))
                end_copy(w);
        else
                console_watch_copy(w, NULL, 0);
        return 0;
}

/* Somebody looks on. */
static int on_wanted(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ConsoleWatch *w = userdata;
        int fd;

        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "h", &fd) <= 0)
                return 0;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        close_copy(w);
        if (fd < 0 || console_copy_adopt(&w->copy, fd) < 0)
                return 0;
        if (sd_event_add_io(w->event, &w->copy_io, w->copy.fd, 0, on_copy, w) < 0)
                close_copy(w);
        return 0;
}

/* The answer may take for ever. */
static void offer_copy(ConsoleWatch *w) {
        sd_bus_message *m = NULL;

        int r = w->bus ? sd_bus_message_new_method_call(w->bus, &m, NULL, CONTROL_PATH, CONTROL_INTERFACE, "FeedConsole") : -ENOTCONN;
        if (r >= 0)
                r = sd_bus_message_append(m, "s", w->alias);
        if (r >= 0)
                (void) sd_bus_call_async(w->bus, NULL, m, on_wanted, w, UINT64_MAX);
        sd_bus_message_unref(m);
}

void console_watch_copy(ConsoleWatch *w, const char *data, size_t n) {
        if (w->copy.fd < 0)
                return;
        int r = console_copy_write(&w->copy, data, n);
        if (r < 0 || sd_event_source_set_io_events(w->copy_io, r > 0 ? EPOLLOUT : 0) < 0)
                end_copy(w);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error);

static int connect_monitor(ConsoleWatch *w) {
        int r = control_open_path(w->path, &w->bus);
        if (r >= 0)
                r = sd_bus_match_signal(w->bus, NULL, NULL, CONTROL_PATH, CONTROL_INTERFACE, "ConsoleTaken", on_taken, w);
        if (r >= 0)
                r = bus_match_disconnected(w->bus, on_disconnected, w);
        /* Who has called, and has not subscribed, is sent no events. */
        if (r >= 0)
                offer_copy(w);
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
        w->copy = CONSOLE_COPY_NONE;
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
        DomainReason reason;
        DomainState state;

        int r = path ? console_watch_open_path(path, alias, ret) : -ENOMEM;
        if (r < 0)
                return r;
        /* Those who look on already are to miss nothing: their pipe comes before the answer to this. */
        if ((*ret)->bus)
                (void) control_get_state((*ret)->bus, FIRST_USEC, NULL, &state, &reason);
        (void) console_watch_is_taken(*ret);
        return 0;
}

int console_watch_get_fd(const ConsoleWatch *w) {
        return sd_event_get_fd(w->event);
}

bool console_watch_is_taken(ConsoleWatch *w) {
        for (unsigned i = 0; i < STEPS_MAX && !w->taken && sd_event_run(w->event, 0) > 0; i++)
                ;
        return w->taken;
}
