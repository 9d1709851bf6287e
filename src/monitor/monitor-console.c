/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "monitor.h"
#include "string-util.h"

/* Consoles are ptys that QEMU made; a client gets one opened, and speaks with QEMU without us from then on. Who has
 * one holds a lock on it (flock(2) on the descriptor that was handed out), so it is free again when the client has
 * closed it, and it stays taken when the monitor is replaced. */

/* The kernel's numbers of /dev/pts/N. */
#define PTS_MAJOR_FIRST 136U
#define PTS_MAJOR_LAST 143U

#define FORCE_TRY_USEC (USEC_PER_SEC / 20)
#define FORCE_TRIES 20U

/* An OpenConsole call under way. */
typedef struct OpenCall {
        Monitor *monitor;
        ControlRequest *request; /* owned */
        const PlanConsole *console;
        int fd; /* owned */
        unsigned tries;
        sd_event_source *timer; /* owned */
} OpenCall;

static void open_call_free(OpenCall *c) {
        sd_event_source_disable_unref(c->timer);
        safe_close(c->fd);
        free(c);
}

/* A descriptor of the pty, raw. */
static int open_pty(const char *path, int *ret) {
        struct termios t;
        struct stat st;

        _cleanup_close_ int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) || major(st.st_rdev) < PTS_MAJOR_FIRST || major(st.st_rdev) > PTS_MAJOR_LAST)
                return -ENOTTY;
        if (tcgetattr(fd, &t) < 0)
                return -errno;
        cfmakeraw(&t);
        if (tcsetattr(fd, TCSANOW, &t) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

static void hand_out(OpenCall *c) {
        control_reply_fd(c->request, c->fd);
        open_call_free(c);
}

static void refuse_busy(OpenCall *c) {
        control_reply_error(c->request, CONTROL_ERROR_BUSY, "Active console session exists for this domain");
        open_call_free(c);
}

/* The one before has been told to leave, and is told again, should it not have been connected: its session outlives a
 * monitor. One that does not, has to share. */
static int on_try_again(sd_event_source *source, uint64_t usec, void *userdata) {
        OpenCall *c = userdata;

        if (flock(c->fd, LOCK_EX | LOCK_NB) >= 0 || --c->tries == 0) {
                hand_out(c);
                return 0;
        }
        control_server_console_taken(c->monitor->control, c->console->alias);
        if (sd_event_source_set_time_relative(source, FORCE_TRY_USEC) < 0 ||
            sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
                refuse_busy(c);
        return 0;
}

int monitor_console_open(const PlanConsole *console, json_object *reply, int *ret) {
        const char *path = chardev_pty_parse(reply, console->chardev);
        _cleanup_close_ int fd = -EBADF;

        int r = path ? open_pty(path, &fd) : -ENOTTY;
        if (r < 0)
                return r;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

static void take_by_force(OpenCall *c) {
        Monitor *m = c->monitor;

        control_server_console_taken(m->control, c->console->alias);
        c->tries = FORCE_TRIES;
        if (sd_event_add_time_relative(m->event, &c->timer, CLOCK_MONOTONIC, FORCE_TRY_USEC, 0, on_try_again, c) < 0)
                refuse_busy(c);
}

static void on_chardevs_to_open(Qmp *q, int result, json_object *reply, void *userdata) {
        OpenCall *c = userdata;
        int r;

        if (result < 0) {
                monitor_reply_qmp_error(c->request, result, reply);
                open_call_free(c);
                return;
        }
        /* Those who only look on give way. */
        monitor_console_held(c->monitor, c->console);
        const char *path = chardev_pty_parse(reply, c->console->chardev);
        if (!path) {
                control_reply_error(c->request, CONTROL_ERROR_NOT_FOUND, "character device %s is not using a PTY",
                                    c->console->alias);
                open_call_free(c);
        } else if ((r = open_pty(path, &c->fd)) < 0) {
                control_reply_error(c->request, CONTROL_ERROR_NOT_FOUND, "cannot open %s: %s", path, strerror(-r));
                open_call_free(c);
        } else if (flock(c->fd, LOCK_EX | LOCK_NB) >= 0)
                hand_out(c);
        else if (c->request->force)
                take_by_force(c);
        else
                refuse_busy(c);
}

const PlanConsole *monitor_find_console(const Monitor *m, ControlRequest *r) {
        FOREACH_ARRAY(c, m->plan->consoles, m->plan->n_consoles)
                if (isempty(r->text) || streq_ptr(c->alias, r->text))
                        return c;
        control_reply_error(r, CONTROL_ERROR_NOT_FOUND, "cannot find character device %s", isempty(r->text) ? "<null>" : r->text);
        return NULL;
}

void monitor_open_console(Monitor *m, ControlRequest *r) {
        const PlanConsole *console = monitor_find_console(m, r);
        if (!console)
                return;
        OpenCall *c = calloc(1, sizeof(OpenCall));
        int k = -ENOMEM;
        if (c) {
                *c = (OpenCall) { .monitor = m, .request = r, .console = console, .fd = -EBADF };
                k = qmp_call(m->qmp, "query-chardev", NULL, -1, MONITOR_QMP_USEC, on_chardevs_to_open, c);
        }
        if (k < 0) {
                monitor_reply_qmp_error(r, k, NULL);
                free(c);
        }
}

typedef struct ListCall {
        Monitor *monitor;
        ControlRequest *request;
} ListCall;

static void on_chardevs_to_list(Qmp *q, int result, json_object *reply, void *userdata) {
        ListCall *c = userdata;
        const Plan *p = c->monitor->plan;
        ControlRequest *r = c->request;

        free(c);
        if (result < 0) {
                monitor_reply_qmp_error(r, result, reply);
                return;
        }
        _cleanup_free_ const char **list = calloc(p->n_consoles + 1, sizeof(char *[2]));
        if (!list) {
                control_reply_error(r, CONTROL_ERROR_QEMU, "out of memory");
                return;
        }
        for (size_t i = 0; i < p->n_consoles; i++) {
                list[2 * i] = strempty(p->consoles[i].alias);
                list[2 * i + 1] = strempty(chardev_pty_parse(reply, p->consoles[i].chardev));
        }
        control_reply_consoles(r, (const char *const(*)[2]) list, p->n_consoles);
}

void monitor_get_consoles(Monitor *m, ControlRequest *r) {
        ListCall *c = calloc(1, sizeof(ListCall));
        int k = -ENOMEM;
        if (c) {
                *c = (ListCall) { .monitor = m, .request = r };
                k = qmp_call(m->qmp, "query-chardev", NULL, -1, MONITOR_QMP_USEC, on_chardevs_to_list, c);
        }
        if (k < 0) {
                monitor_reply_qmp_error(r, k, NULL);
                free(c);
        }
}
