/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "fake-qemu.h"
#include "string-util.h"

#define INPUT_MAX 65536U

void fake_qemu_send(FakeQemu *q, const char *text) {
        if (q->fd >= 0)
                (void) !send(q->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void event(FakeQemu *q, const char *name, const char *data) {
        _cleanup_free_ char *s = strf("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"%s\"%s%s}\r\n",
                                      name, data ? ", \"data\": " : "", strempty(data));
        fake_qemu_send(q, s);
}

static void shut_down(FakeQemu *q, const char *reason, bool guest) {
        _cleanup_free_ char *data = strf("{\"guest\": %s, \"reason\": \"%s\"}", guest ? "true" : "false", reason);
        bool ran = streq(q->status, "running");

        event(q, "SHUTDOWN", data);
        if (ran) {
                q->status = "shutdown";
                event(q, "STOP", NULL);
        }
}

void fake_qemu_guest_off(FakeQemu *q) {
        shut_down(q, "guest-shutdown", true);
}

static void reset(FakeQemu *q, const char *reason, bool guest) {
        if (q->reset_shuts_down) {
                shut_down(q, reason, guest);
                return;
        }
        q->n_resets++;
        _cleanup_free_ char *data = strf("{\"guest\": %s, \"reason\": \"%s\"}", guest ? "true" : "false", reason);
        event(q, "RESET", data);
        if (!streq(q->status, "running"))
                q->status = "prelaunch";
}

void fake_qemu_guest_resets(FakeQemu *q) {
        reset(q, "guest-reset", true);
}

void fake_qemu_guest_panics(FakeQemu *q) {
        event(q, "GUEST_PANICKED", "{\"action\": \"pause\"}");
        q->status = "guest-panicked";
        event(q, "STOP", NULL);
}

void fake_qemu_guest_unplugs(FakeQemu *q, const char *name, const char *device) {
        _cleanup_free_ char *data = strf("{\"device\": \"%s\", \"path\": \"/machine/peripheral/%s\"}", device, device);

        event(q, name, data);
}

/* --- commands: each gives what stands in the answer, NULL for an empty "return" ------------------------- */

#define REFUSE(class, text) "\"error\": {\"class\": \"" class "\", \"desc\": \"" text "\"}"

static char *on_capabilities(FakeQemu *q, json_object *a) {
        if (q->negotiated)
                return strdup(REFUSE("CommandNotFound", "Capabilities negotiation is already complete, command ignored"));
        q->negotiated = true;
        q->n_clients++;
        return NULL;
}

static char *on_query_status(FakeQemu *q, json_object *a) {
        return strf("\"return\": {\"status\": \"%s\", \"singlestep\": false, \"running\": %s}", q->status,
                    streq(q->status, "running") ? "true" : "false");
}

static char *on_qom_list(FakeQemu *q, json_object *a) {
        return strf("\"return\": [{\"name\": \"type\", \"type\": \"string\"}%s%s%s%s%s%s]",
                    *q->note_actions ? ", {\"name\": \"" : "", q->note_actions, *q->note_actions ? "\", \"type\": \"child<secret>\"}" : "",
                    q->note_reboot ? ", {\"name\": \"vmunit-reboot\", \"type\": \"child<secret>\"}" : "",
                    q->note_paused ? ", {\"name\": \"vmunit-paused\", \"type\": \"child<secret>\"}" : "",
                    q->note_saving ? ", {\"name\": \"vmunit-saving\", \"type\": \"child<secret>\"}" : "");
}

static const char *text(json_object *a, const char *key) {
        json_object *v;

        return a && json_object_object_get_ex(a, key, &v) ? json_object_get_string(v) : "";
}

static bool *find_note(FakeQemu *q, json_object *a) {
        const char *id = text(a, "id");

        return streq(id, "vmunit-reboot") ? &q->note_reboot : streq(id, "vmunit-saving") ? &q->note_saving : &q->note_paused;
}

static char *on_object_add(FakeQemu *q, json_object *a) {
        bool *note = find_note(q, a);

        if (startswith(text(a, "id"), "vmunit-actions.")) {
                (void) snprintf(q->note_actions, sizeof(q->note_actions), "%s", text(a, "id"));
                return NULL;
        }

        if (*note)
                return strdup(REFUSE("GenericError", "attempt to add duplicate property"));
        *note = true;
        return NULL;
}

static char *on_object_del(FakeQemu *q, json_object *a) {
        (void) snprintf(q->deleted, sizeof(q->deleted), "%s", text(a, "id"));
        if (q->may_undo)
                return NULL;
        bool *note = find_note(q, a);

        if (startswith(text(a, "id"), "vmunit-actions.")) /* the new one is there already */
                return streq(text(a, "id"), q->note_actions) ? strdup(REFUSE("GenericError", "the new note")) : NULL;

        if (!*note)
                return strdup(REFUSE("GenericError", "object not found"));
        *note = false;
        return NULL;
}

static char *on_set_action(FakeQemu *q, json_object *a) {
        q->reset_shuts_down = streq(text(a, "reboot"), "shutdown");
        return NULL;
}

static char *on_set_password(FakeQemu *q, json_object *a) {
        (void) snprintf(q->password, sizeof(q->password), "%s", text(a, "password"));
        return NULL;
}

static char *on_balloon(FakeQemu *q, json_object *a) {
        q->balloon = json_object_get_int64(json_object_object_get(a, "value"));
        return NULL;
}

static char *on_qom_set(FakeQemu *q, json_object *a) {
        (void) snprintf(q->qom_path, sizeof(q->qom_path), "%s %s", text(a, "path"), text(a, "property"));
        q->qom_value = json_object_get_int64(json_object_object_get(a, "value"));
        return NULL;
}

static char *on_cont(FakeQemu *q, json_object *a) {
        if (streq(q->status, "shutdown") || streq(q->status, "guest-panicked"))
                return strdup(REFUSE("GenericError", "Resetting the Virtual Machine is required"));
        q->n_conts++;
        if (!streq(q->status, "running")) {
                q->status = "running";
                event(q, "RESUME", NULL);
        }
        return NULL;
}

static char *on_stop(FakeQemu *q, json_object *a) {
        if (streq(q->status, "running")) {
                q->status = "paused";
                event(q, "STOP", NULL);
        }
        return NULL;
}

static char *on_system_reset(FakeQemu *q, json_object *a) {
        reset(q, "host-qmp-system-reset", false);
        return NULL;
}

static char *on_system_powerdown(FakeQemu *q, json_object *a) {
        q->n_powerdowns++;
        event(q, "POWERDOWN", NULL);
        if (q->guest_obeys && streq(q->status, "running"))
                fake_qemu_guest_off(q);
        return NULL;
}

static char *on_quit(FakeQemu *q, json_object *a) {
        q->n_quits++;
        shut_down(q, "host-qmp-quit", false);
        q->quit = true;
        return NULL;
}

static char *on_query_chardev(FakeQemu *q, json_object *a) {
        return strf("\"return\": [{\"label\": \"charserial0\", \"frontend-open\": true, \"filename\": \"%s\"}]",
                    q->console ?: "null");
}

static char *list(const char *items) {
        return strf("\"return\": %s", items ?: "[]");
}

static char *on_query_cpus(FakeQemu *q, json_object *a) {
        return list(q->vcpus);
}

static char *on_query_iothreads(FakeQemu *q, json_object *a) {
        return list(q->iothreads);
}

static char *on_query_slots(FakeQemu *q, json_object *a) {
        return list(q->slots);
}

static char *on_device_add(FakeQemu *q, json_object *a) {
        size_t n = strlen(q->plugged);

        (void) snprintf(q->plugged + n, sizeof(q->plugged) - n, "%s@%s ", text(a, "id"), text(a, "socket-id"));
        return NULL;
}

/* "gone" is let go of at once, "later" when the guest is told to, "kept" and "memory" never, the others are not spoken of. */
static char *on_device_del(FakeQemu *q, json_object *a) {
        q->n_unplugs++;
        if (streq(text(a, "id"), "gone"))
                fake_qemu_guest_unplugs(q, "DEVICE_DELETED", "gone");
        else if (streq(text(a, "id"), "kept"))
                fake_qemu_guest_unplugs(q, "DEVICE_UNPLUG_GUEST_ERROR", "kept");
        else if (streq(text(a, "id"), "memory"))
                fake_qemu_guest_unplugs(q, "MEM_UNPLUG_ERROR", "memory");
        return NULL;
}

/* All of the guest's state at once, into the descriptor that has come before. */
static char *on_migrate(FakeQemu *q, json_object *a) {
        assert_int_equal(write(q->received_fd, "state", 5), 5);
        q->received_fd = safe_close(q->received_fd);
        event(q, "MIGRATION", "{\"status\": \"active\"}");
        event(q, "MIGRATION", "{\"status\": \"completed\"}");
        return NULL;
}

static char *on_query_migrate(FakeQemu *q, json_object *a) {
        return strdup("\"return\": {\"status\": \"completed\"}");
}

static char *on_nothing(FakeQemu *q, json_object *a) {
        return NULL;
}

static const struct {
        const char *name;
        char *(*run)(FakeQemu *q, json_object *a);
} commands[] = {
        { "qmp_capabilities", on_capabilities }, { "query-status", on_query_status },
        { "qom-list", on_qom_list },             { "object-add", on_object_add },
        { "object-del", on_object_del },         { "set-action", on_set_action },
        { "set_password", on_set_password },     { "balloon", on_balloon },
        { "qom-set", on_qom_set },
        { "cont", on_cont },                     { "stop", on_stop },
        { "system_reset", on_system_reset },     { "system_powerdown", on_system_powerdown },
        { "quit", on_quit },                     { "query-chardev", on_query_chardev },
        { "query-cpus-fast", on_query_cpus },    { "query-iothreads", on_query_iothreads },
        { "query-hotpluggable-cpus", on_query_slots }, { "device_add", on_device_add },
        { "device_del", on_device_del },
        { "getfd", on_nothing },                 { "add_client", on_nothing },
        { "migrate-set-capabilities", on_nothing }, { "migrate-set-parameters", on_nothing },
        { "migrate", on_migrate },               { "migrate_cancel", on_nothing },
        { "query-migrate", on_query_migrate },
};

static char *run(FakeQemu *q, const char *name, json_object *arguments) {
        if (q->refuse && streq(name, q->refuse))
                return strdup(REFUSE("GenericError", "refused by the test"));
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (streq(name, commands[i].name))
                        return commands[i].run(q, arguments);
        return strdup(REFUSE("CommandNotFound", "no such command"));
}

static void hook(FakeQemu *q, bool answered) {
        if (q->hook)
                q->hook(q, answered, q->userdata);
}

static void on_command(FakeQemu *q, json_object *o) {
        json_object *name, *arguments = NULL, *id;

        assert_true(json_object_object_get_ex(o, "execute", &name));
        assert_true(json_object_object_get_ex(o, "id", &id));
        (void) json_object_object_get_ex(o, "arguments", &arguments);
        q->n_commands++;
        hook(q, false);
        const char *command = json_object_get_string(name);
        if (q->swallow && streq(command, q->swallow)) {
                fake_qemu_send(q, strempty(q->hostile));
                return;
        }
        _cleanup_free_ char *answer = run(q, command, arguments);
        _cleanup_free_ char *line = strf("{%s, \"id\": \"%s\"}\r\n", answer ?: "\"return\": {}", json_object_get_string(id));
        fake_qemu_send(q, line);
        hook(q, true);
        if (q->quit) {
                sd_event_source_disable_unref(q->io);
                q->io = NULL;
                q->fd = safe_close(q->fd);
        }
}

/* One object after the other; 0xff throws away what has begun. */
static void parse(FakeQemu *q) {
        for (;;) {
                char *reset = memrchr(q->input, 0xff, q->input_size);
                if (reset) {
                        q->input_size -= (size_t) (reset + 1 - q->input);
                        memmove(q->input, reset + 1, q->input_size);
                        fake_qemu_send(q, "{" REFUSE("GenericError", "JSON parse error, stray") "}\r\n");
                }
                char *end = memchr(q->input, '\n', q->input_size);
                if (!end)
                        return;
                *end = 0;
                json_object *o = json_tokener_parse(q->input);
                assert_non_null(o);
                q->input_size -= (size_t) (end + 1 - q->input);
                memmove(q->input, end + 1, q->input_size);
                on_command(q, o);
                json_object_put(o);
                if (q->fd < 0)
                        return;
        }
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        FakeQemu *q = userdata;
        char space[CMSG_SPACE(sizeof(int))];
        /* Little at a time, so that a client can be killed in the middle of anything. */
        struct iovec iov = { q->input + q->input_size, MIN(INPUT_MAX - q->input_size, 4096U) };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };

        ssize_t n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return 0;
        assert_true(n > 0);
        struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
        if (c) {
                safe_close(q->received_fd);
                memcpy(&q->received_fd, CMSG_DATA(c), sizeof(int));
        }
        q->input_size += (size_t) n;
        parse(q);
        return 0;
}

void fake_qemu_init(FakeQemu *q, sd_event *e, int fd) {
        *q = (FakeQemu) { .event = e, .fd = fd, .received_fd = -EBADF, .status = "prelaunch", .guest_obeys = true };
        q->input = malloc(INPUT_MAX);
        assert_non_null(q->input);
        assert_true(sd_event_add_io(e, &q->io, fd, EPOLLIN, on_io, q) >= 0);
        fake_qemu_send(q, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": \"\"},"
                          " \"capabilities\": [\"oob\"]}}\r\n");
}

void fake_qemu_done(FakeQemu *q) {
        sd_event_source_disable_unref(q->io);
        safe_close(q->fd);
        safe_close(q->received_fd);
        free(q->input);
}
