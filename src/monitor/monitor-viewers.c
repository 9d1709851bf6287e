/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "console-copy.h"
#include "log.h"
#include "monitor.h"
#include "string-util.h"

/* Who looks at a console without having it. Each viewer reads a pipe; what is written there comes from one source: a copy
 * that the holder of the console makes (FeedConsole), or, as long as nobody holds it, the pty itself. A viewer that does not read
 * loses what has no room in its pipe. Without viewers nothing of this is there: no copy is made and the pty is not open.
 * When this monitor ends, so do the pipes: viewers and holder ask the next one again. */

#define VIEWERS_MAX 16U
#define SOURCE_SIZE 4096U
/* The holder may be one that makes no copies, and its end is then seen by trying. */
#define RETRY_USEC (USEC_PER_SEC / 2)
/* A guest that writes without end does not keep us from anything else. */
#define PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

typedef struct Viewer {
        ConsoleShare *share;
        ConsoleCopy copy;    /* owned */
        sd_event_source *io; /* owned */
        struct Viewer *next;
} Viewer;

struct ConsoleShare {
        Monitor *monitor;
        const PlanConsole *console;
        Viewer *viewers;             /* owned */
        ControlRequest *feeder;      /* owned: a holder that will be asked for a copy as soon as there is a viewer; NULL */
        int source;                  /* owned; -EBADF: none */
        bool source_is_pty;
        sd_event_source *source_io;  /* owned */
        sd_event_source *retry;      /* owned */
        bool asking;                 /* QEMU, for the pty */
        struct ConsoleShare *next;
};

static void find_source(ConsoleShare *s);

static void close_source(ConsoleShare *s) {
        s->source_io = sd_event_source_disable_unref(s->source_io);
        s->source = safe_close(s->source);
}

static void viewer_free(Viewer *v) {
        for (Viewer **p = &v->share->viewers; *p; p = &(*p)->next)
                if (*p == v) {
                        *p = v->next;
                        break;
                }
        sd_event_source_disable_unref(v->io);
        console_copy_close(&v->copy);
        free(v);
}

static void viewer_write(Viewer *v, const char *data, size_t n) {
        int r = console_copy_write(&v->copy, data, n);

        if (r < 0 || sd_event_source_set_io_events(v->io, r > 0 ? EPOLLOUT : 0) < 0)
                viewer_free(v);
}

static int on_viewer(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Viewer *v = userdata;
        ConsoleShare *s = v->share;

        if (revents & (EPOLLERR | EPOLLHUP))
                viewer_free(v);
        else
                viewer_write(v, NULL, 0);
        if (!s->viewers)
                close_source(s);
        return 0;
}

static int on_source(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        char buffer[SOURCE_SIZE];
        ConsoleShare *s = userdata;

        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0) {
                close_source(s);
                find_source(s);
                return 0;
        }
        for (Viewer *v = s->viewers, *next; v; v = next) {
                next = v->next;
                viewer_write(v, buffer, (size_t) n);
        }
        if (!s->viewers)
                close_source(s);
        return 0;
}

/* Takes FD over, also on failure. */
static int set_source(ConsoleShare *s, int fd, bool is_pty) {
        close_source(s);
        s->source = fd;
        s->source_is_pty = is_pty;
        int r = sd_event_add_io(s->monitor->event, &s->source_io, fd, EPOLLIN, on_source, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->source_io, PRIORITY);
        if (r < 0)
                close_source(s);
        return r;
}

/* --- where it comes from --- */

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        find_source(userdata);
        return 0;
}

static void find_source_later(ConsoleShare *s) {
        s->retry = sd_event_source_disable_unref(s->retry);
        if (sd_event_add_time_relative(s->monitor->event, &s->retry, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry, s) < 0)
                log_warning("those who look at console %s see no more of it: out of memory", s->console->alias);
}

/* The holder is handed the writing end of a pipe. */
static void ask_feeder(ConsoleShare *s) {
        ControlRequest *r = TAKE_PTR(s->feeder);
        ConsoleCopy copy = CONSOLE_COPY_NONE;
        int fd;

        int k = console_copy_open(&copy, &fd);
        if (k >= 0)
                k = set_source(s, fd, false);
        if (k >= 0)
                control_reply_fd(r, copy.fd);
        else {
                control_reply_error(r, SD_BUS_ERROR_LIMITS_EXCEEDED, "cannot make a pipe: %s", strerror(-k));
                find_source_later(s);
        }
        console_copy_close(&copy);
}

static void on_chardevs(Qmp *q, int result, json_object *reply, void *userdata) {
        ConsoleShare *s = userdata;
        int fd;

        s->asking = false;
        if (!s->viewers || s->source >= 0)
                return;
        if (result < 0 || monitor_console_open(s->console, reply, &fd) < 0 || set_source(s, fd, true) < 0)
                find_source_later(s);
}

static void find_source(ConsoleShare *s) {
        if (!s->viewers || s->source >= 0 || s->asking)
                return;
        if (s->feeder && s->feeder->client)
                ask_feeder(s);
        else if (qmp_call(s->monitor->qmp, "query-chardev", NULL, -1, MONITOR_QMP_USEC, on_chardevs, s) >= 0)
                s->asking = true;
        else
                find_source_later(s);
}

/* --- the calls --- */

/* NULL: out of memory. */
static ConsoleShare *get_share(Monitor *m, const PlanConsole *console) {
        for (ConsoleShare *s = m->shares; s; s = s->next)
                if (s->console == console)
                        return s;
        ConsoleShare *s = calloc(1, sizeof(ConsoleShare));
        if (s) {
                *s = (ConsoleShare) { .monitor = m, .console = console, .source = -EBADF, .next = m->shares };
                m->shares = s;
        }
        return s;
}

static unsigned count_viewers(const Monitor *m) {
        unsigned n = 0;

        for (const ConsoleShare *s = m->shares; s; s = s->next)
                for (const Viewer *v = s->viewers; v; v = v->next)
                        n++;
        return n;
}

/* *ret_fd is the caller's. */
static int viewer_new(ConsoleShare *s, int *ret_fd) {
        Viewer *v = calloc(1, sizeof(Viewer));
        if (!v)
                return -ENOMEM;
        *v = (Viewer) { .share = s, .copy = CONSOLE_COPY_NONE, .next = s->viewers };
        s->viewers = v;
        int r = console_copy_open(&v->copy, ret_fd);
        if (r >= 0)
                /* That nobody reads is always told. */
                r = sd_event_add_io(s->monitor->event, &v->io, v->copy.fd, 0, on_viewer, v);
        if (r >= 0)
                r = sd_event_source_set_priority(v->io, PRIORITY);
        if (r < 0) {
                if (v->copy.fd >= 0)
                        safe_close(*ret_fd);
                viewer_free(v);
        }
        return r;
}

void monitor_view_console(Monitor *m, ControlRequest *r) {
        const PlanConsole *console = monitor_find_console(m, r);
        int fd;

        if (!console)
                return;
        if (count_viewers(m) >= VIEWERS_MAX) {
                control_reply_error(r, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many sessions look at the consoles of this domain");
                return;
        }
        ConsoleShare *s = get_share(m, console);
        int k = s ? viewer_new(s, &fd) : -ENOMEM;
        if (k < 0) {
                control_reply_error(r, SD_BUS_ERROR_LIMITS_EXCEEDED, "cannot make a pipe: %s", strerror(-k));
                return;
        }
        control_reply_fd(r, fd);
        safe_close(fd);
        find_source(s);
}

void monitor_feed_console(Monitor *m, ControlRequest *r) {
        const PlanConsole *console = monitor_find_console(m, r);

        if (!console)
                return;
        ConsoleShare *s = get_share(m, console);
        if (!s) {
                control_reply_error(r, SD_BUS_ERROR_LIMITS_EXCEEDED, "out of memory");
                return;
        }
        /* The one before has lost the console, or is about to. */
        if (s->feeder)
                control_reply_error(s->feeder, CONTROL_ERROR_BUSY, "another session has the console");
        s->feeder = r;
        if (s->viewers)
                ask_feeder(s);
}

void monitor_console_held(Monitor *m, const PlanConsole *console) {
        for (ConsoleShare *s = m->shares; s; s = s->next)
                if (s->console == console && s->source >= 0 && s->source_is_pty) {
                        close_source(s);
                        find_source_later(s);
                }
}

void monitor_viewers_free(Monitor *m) {
        for (ConsoleShare *s; (s = m->shares);) {
                m->shares = s->next;
                while (s->viewers)
                        viewer_free(s->viewers);
                close_source(s);
                sd_event_source_disable_unref(s->retry);
                if (s->feeder)
                        control_reply_error(s->feeder, CONTROL_ERROR_STATE, "domain is not running");
                free(s);
        }
}
