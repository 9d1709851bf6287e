/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "control-client.h"
#include "names.h"
#include "selinux-util.h"
#include "string-util.h"

/* What an error of the peer's means here. */
static const struct {
        const char *name;
        int error;
} errors[] = {
        { CONTROL_ERROR_STATE, -EINVAL },
        { CONTROL_ERROR_BUSY, -EBUSY },
        { CONTROL_ERROR_NOT_FOUND, -ENOENT },
        { CONTROL_ERROR_AGENT, -EHOSTDOWN },
        { CONTROL_ERROR_QEMU, -EREMOTEIO },
        { CONTROL_ERROR_GUEST, -ECANCELED },
        { CONTROL_ERROR_TIMEOUT, -ETIMEDOUT },
        { SD_BUS_ERROR_INVALID_ARGS, -EINVAL },
        { SD_BUS_ERROR_LIMITS_EXCEEDED, -EBUSY },
        { SD_BUS_ERROR_DISCONNECTED, -ECONNRESET },
        { SD_BUS_ERROR_NO_REPLY, -ETIMEDOUT },
        { SD_BUS_ERROR_TIMEOUT, -ETIMEDOUT },
};

int control_open_path(const char *path, sd_bus **ret) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;
        sd_bus *bus;

        if (strlen(path) >= sizeof(sa.sun_path))
                return -ENAMETOOLONG;
        strcpy(sa.sun_path, path);
        /* Non-blocking, so that a full queue of a monitor that hangs is an error and not a wait. */
        selinux_lower_sockets(true);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        selinux_lower_sockets(false);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *) &sa, sizeof(sa)) < 0)
                return errno == EAGAIN ? -EBUSY : -errno;

        int r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0)
                goto fail;
        TAKE_FD(fd);
        r = sd_bus_negotiate_fds(bus, 1);
        if (r < 0)
                goto fail;
        r = sd_bus_start(bus);
        if (r < 0)
                goto fail;
        *ret = bus;
        return 0;
fail:
        sd_bus_close_unref(bus);
        /* A server that wants none of us may have closed the connection before our first byte. */
        return r == -EPIPE ? -ECONNRESET : r;
}

int control_open(const char *vm_name, sd_bus **ret) {
        _cleanup_free_ char *path = vm_runtime_path(vm_name, "control");

        return path ? control_open_path(path, ret) : -ENOMEM;
}

static int fail(Diag *diag, int r, const sd_bus_error *error) {
        const char *text = NULL, *prefix = "";

        if (sd_bus_error_is_set(error)) {
                text = error->message;
                for (size_t i = 0; i < ELEMENTSOF(errors); i++)
                        if (sd_bus_error_has_name(error, errors[i].name))
                                r = errors[i].error;
                /* virsh's words for what the domain's state does not allow. */
                if (sd_bus_error_has_name(error, CONTROL_ERROR_STATE))
                        prefix = "Requested operation is not valid: ";
        }
        if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE) {
                r = -ECONNRESET;
                text = "the VM's monitor went away during the call";
        } else if (r == -ETIMEDOUT && !sd_bus_error_has_name(error, CONTROL_ERROR_TIMEOUT))
                text = "the VM's monitor did not answer in time";
        return diag_error_code(diag, r, (SrcLoc) {}, "%s%s", prefix, isempty(text) ? strerror(-r) : text);
}

/* Sends M and waits; *ret_reply is the caller's. */
static int call(sd_bus *bus, sd_bus_message *m, uint64_t timeout_usec, Diag *diag, sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_call(bus, m, timeout_usec, &error, ret_reply);
        return r < 0 ? fail(diag, r, &error) : 0;
}

static void message_unrefp(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}
#define _cleanup_message_ _cleanup_(message_unrefp)

static int new_call(sd_bus *bus, const char *method, sd_bus_message **ret) {
        /* No destination: there is nobody else on this connection. */
        return sd_bus_message_new_method_call(bus, ret, NULL, CONTROL_PATH, CONTROL_INTERFACE, method);
}

/* A method that takes a string or nothing (NULL) and answers nothing. */
static int call_simple(sd_bus *bus, const char *method, const char *argument, uint64_t timeout_usec, Diag *diag) {
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        int r = new_call(bus, method, &m);
        if (r >= 0 && argument)
                r = sd_bus_message_append(m, "s", argument);
        if (r < 0)
                return fail(diag, r, NULL);
        return call(bus, m, timeout_usec, diag, &reply);
}

int control_suspend(sd_bus *bus, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "Suspend", NULL, timeout_usec, diag);
}

int control_resume(sd_bus *bus, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "Resume", NULL, timeout_usec, diag);
}

int control_shutdown(sd_bus *bus, const char *mode, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "Shutdown", strempty(mode), timeout_usec, diag);
}

int control_reboot(sd_bus *bus, const char *mode, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "Reboot", strempty(mode), timeout_usec, diag);
}

int control_reset(sd_bus *bus, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "Reset", NULL, timeout_usec, diag);
}

int control_quit(sd_bus *bus, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "Quit", NULL, timeout_usec, diag);
}

int control_get_state(sd_bus *bus, uint64_t timeout_usec, Diag *diag, DomainState *ret_state,
                      DomainReason *ret_reason) {
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const char *state, *reason;

        int r = new_call(bus, "GetState", &m);
        if (r < 0)
                return fail(diag, r, NULL);
        r = call(bus, m, timeout_usec, diag, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "ss", &state, &reason);
        if (r < 0)
                return fail(diag, r, NULL);
        return domain_state_from_words(state, reason, ret_state, ret_reason) < 0 ? fail(diag, -EBADMSG, NULL) : 0;
}

/* The descriptor in the answer to M; takes M over. *ret_fd is the caller's. */
static int call_for_fd(sd_bus *bus, sd_bus_message *m, uint64_t timeout_usec, Diag *diag, int *ret_fd) {
        _cleanup_message_ sd_bus_message *message = m, *reply = NULL;
        int fd;

        int r = call(bus, message, timeout_usec, diag, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return fail(diag, r, NULL);
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return fail(diag, -errno, NULL);
        *ret_fd = fd;
        return 0;
}

int control_open_console(sd_bus *bus, const char *alias, bool force, uint64_t timeout_usec, Diag *diag, int *ret_fd) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "OpenConsole", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", strempty(alias), force);
        return r < 0 ? fail(diag, r, NULL) : call_for_fd(bus, TAKE_PTR(m), timeout_usec, diag, ret_fd);
}

int control_view_console(sd_bus *bus, const char *alias, uint64_t timeout_usec, Diag *diag, int *ret_fd) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "ViewConsole", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", strempty(alias));
        return r < 0 ? fail(diag, r, NULL) : call_for_fd(bus, TAKE_PTR(m), timeout_usec, diag, ret_fd);
}

int control_save(sd_bus *bus, uint64_t timeout_usec, Diag *diag, int *ret_fd) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "Save", &m);
        return r < 0 ? fail(diag, r, NULL) : call_for_fd(bus, TAKE_PTR(m), timeout_usec, diag, ret_fd);
}

int control_wait_saved(sd_bus *bus, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "WaitSaved", NULL, timeout_usec, diag);
}

int control_end_saved(sd_bus *bus, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "EndSaved", NULL, timeout_usec, diag);
}

int control_dump(sd_bus *bus, const char *format, bool live, uint64_t timeout_usec, Diag *diag, int *ret_fd) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "Dump", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", format, live);
        return r < 0 ? fail(diag, r, NULL) : call_for_fd(bus, TAKE_PTR(m), timeout_usec, diag, ret_fd);
}

int control_dump_to(sd_bus *bus, const char *format, int file, uint64_t timeout_usec, Diag *diag) {
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        int r = new_call(bus, "DumpTo", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "sh", format, file);
        return r < 0 ? fail(diag, r, NULL) : call(bus, m, timeout_usec, diag, &reply);
}

int control_end_dump(sd_bus *bus, const char *then, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "EndDump", then, timeout_usec, diag);
}

void control_consoles_free(ControlConsole *consoles, size_t n) {
        FOREACH_ARRAY(c, consoles, n) {
                free(c->alias);
                free(c->device);
        }
        free(consoles);
}

static int read_consoles(sd_bus_message *reply, ControlConsole **consoles, size_t *n) {
        const char *alias, *device;

        int r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(ss)", &alias, &device)) > 0) {
                if (!ARRAY_GROW(*consoles, *n))
                        return -ENOMEM;
                ControlConsole *c = *consoles + (*n)++;
                *c = (ControlConsole) { .alias = strdup(alias), .device = strdup(device) };
                if (!c->alias || !c->device)
                        return -ENOMEM;
        }
        return r;
}

int control_get_consoles(sd_bus *bus, uint64_t timeout_usec, Diag *diag, ControlConsole **ret, size_t *ret_n) {
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        ControlConsole *consoles = NULL;
        size_t n = 0;

        int r = new_call(bus, "GetConsoles", &m);
        if (r < 0)
                return fail(diag, r, NULL);
        r = call(bus, m, timeout_usec, diag, &reply);
        if (r < 0)
                return r;
        r = read_consoles(reply, &consoles, &n);
        if (r < 0) {
                control_consoles_free(consoles, n);
                return fail(diag, r, NULL);
        }
        *ret = consoles;
        *ret_n = n;
        return 0;
}

int control_set_threads(sd_bus *bus, const char *settings, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "SetThreads", settings, timeout_usec, diag);
}

int control_set_actions(sd_bus *bus, const char *actions, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "SetActions", actions, timeout_usec, diag);
}

int control_unplug(sd_bus *bus, const char *device, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "Unplug", device, timeout_usec, diag);
}

void control_threads_free(ControlThread *threads, size_t n) {
        FOREACH_ARRAY(t, threads, n) {
                free(t->kind);
                free(t->cpus);
        }
        free(threads);
}

static int read_threads(sd_bus_message *reply, ControlThread **threads, size_t *n) {
        const char *kind, *cpus;
        unsigned id, tid;

        int r = sd_bus_message_enter_container(reply, 'a', "(suus)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(suus)", &kind, &id, &tid, &cpus)) > 0) {
                if (!ARRAY_GROW(*threads, *n))
                        return -ENOMEM;
                ControlThread *t = *threads + (*n)++;
                *t = (ControlThread) { .kind = strdup(kind), .id = id, .tid = tid, .cpus = strdup(cpus) };
                if (!t->kind || !t->cpus)
                        return -ENOMEM;
        }
        return r;
}

int control_get_threads(sd_bus *bus, uint64_t timeout_usec, Diag *diag, ControlThread **ret, size_t *ret_n) {
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        ControlThread *threads = NULL;
        size_t n = 0;

        int r = new_call(bus, "GetThreads", &m);
        if (r < 0)
                return fail(diag, r, NULL);
        r = call(bus, m, timeout_usec, diag, &reply);
        if (r < 0)
                return r;
        r = read_threads(reply, &threads, &n);
        if (r < 0) {
                control_threads_free(threads, n);
                return fail(diag, r, NULL);
        }
        *ret = threads;
        *ret_n = n;
        return 0;
}

/* M has the arguments already; building it ended with R. */
static int call_with_text(sd_bus *bus, sd_bus_message *m, int r, uint64_t timeout_usec, Diag *diag, char **ret) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *text;

        if (r < 0)
                return fail(diag, r, NULL);
        r = call(bus, m, timeout_usec, diag, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return fail(diag, r, NULL);
        char *copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

int control_progress(sd_bus *bus, uint64_t processed, uint64_t total, uint64_t timeout_usec, Diag *diag) {
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        int r = new_call(bus, "Progress", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "tt", processed, total);
        return r < 0 ? fail(diag, r, NULL) : call(bus, m, timeout_usec, diag, &reply);
}

int control_get_job(sd_bus *bus, bool completed, bool keep, uint64_t timeout_usec, Diag *diag, char **ret) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "GetJob", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "bb", completed, keep);
        return call_with_text(bus, m, r, timeout_usec, diag, ret);
}

int control_abort_job(sd_bus *bus, uint64_t timeout_usec, Diag *diag) {
        return call_simple(bus, "AbortJob", NULL, timeout_usec, diag);
}

int control_agent_within(sd_bus *bus, const char *command, uint64_t limit_usec, Diag *diag, char **ret) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "AgentWithin", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "st", command, limit_usec);
        /* The monitor keeps the limit; ours is for a monitor that does not. */
        uint64_t most = limit_usec < UINT64_MAX / 2 ? limit_usec + CONTROL_TIMEOUT_USEC : UINT64_MAX / 2;
        return call_with_text(bus, m, r, most, diag, ret);
}

int control_qmp_with_fd(sd_bus *bus, const char *command, int fd, uint64_t timeout_usec, Diag *diag, char **ret) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "QmpWithFd", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "sh", command, fd);
        return call_with_text(bus, m, r, timeout_usec, diag, ret);
}

int control_qmp(sd_bus *bus, const char *command, uint64_t timeout_usec, Diag *diag, char **ret) {
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = new_call(bus, "Qmp", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", command);
        return call_with_text(bus, m, r, timeout_usec, diag, ret);
}
