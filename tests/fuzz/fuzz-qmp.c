/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/socket.h>

#include "domain-xml.h"
#include "event-kinds.h"
#include "fuzz.h"
#include "guest-event.h"
#include "lifecycle.h"
#include "qmp.h"
#include "string-util.h"
#include "thread-groups.h"

/* What a QEMU or a guest agent that has been taken over may send. The first byte of the input says which, and
 * whether the negotiation succeeds before; "@ID@" in the rest stands for the id of the command that waits. */
typedef struct Target {
        Qmp *qmp;
        Lifecycle lifecycle;
        VmRun run;
        unsigned n_replies, n_closed;
} Target;

static void feed(Target *t, const LifecycleInput *in) {
        LifecycleOutput out;

        int r = lifecycle_input(&t->lifecycle, in, &out);
        if (r < 0 && out.n_steps > 0)
                abort();
        if (!domain_state_to_string(t->lifecycle.state) || !domain_reason_to_string(t->lifecycle.reason))
                abort();
}

static void on_told(VmEventKind kind, json_object *fields, void *userdata) {
        if (kind >= _VM_EVENT_MAX || vm_event_kinds[kind].never || !json_object_is_type(fields, json_type_object))
                abort();
        json_object_put(fields);
}

/* What those who have subscribed make of it, beside a domain with the devices that the events of the corpus are about. */
static void tell(Target *t, const char *name, json_object *data) {
        static const char text[] =
                "<domain type='kvm'><name>web</name><memory>1</memory><os><type>hvm</type></os><clock offset='variable' adjustment='9'/>"
                "<devices><disk type='file'><source file='/a'/><target dev='vda'/><alias name='virtio-disk0'/></disk>"
                "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/><alias name='channel0'/></channel>"
                "</devices></domain>";
        static Domain *domain;

        if (!domain && domain_from_xml(text, sizeof(text) - 1, NULL, &domain) < 0)
                abort();
        vm_run_hint(&t->run, name, data);
        vm_event_from_qemu(name, data, domain, on_told, t);
        vm_run_observe(&t->run, t->lifecycle.state, t->lifecycle.reason, on_told, t);
}

static void on_event(Qmp *q, const char *name, json_object *data, void *userdata) {
        Target *t = userdata;
        LifecycleInput in;

        if (qmp_event_time(q) > INT64_MAX)
                abort();
        tell(t, name, data);
        if (guest_event_parse(name, data, 1, &in))
                feed(t, &in);
}

static void on_closed(Qmp *q, int error, void *userdata) {
        Target *t = userdata;

        if (++t->n_closed > 1 || error >= 0)
                abort();
}

static void read_threads(json_object *reply) {
        char why[THREAD_WHY_MAX] = "";
        VmThreads t = {};

        int r = vm_threads_add_vcpus(&t, reply, why);
        int k = vm_threads_add_iothreads(&t, reply, why);
        if (t.n > 2 * NUMBER_SET_MAX || ((r < 0 || k < 0) && !*why))
                abort();
        FOREACH_ARRAY(i, t.items, t.n)
                if (i->tid <= 0 || (i->kind == THREAD_VCPU && i->id >= NUMBER_SET_MAX))
                        abort();
        vm_threads_done(&t);
}

static void on_reply(Qmp *q, int result, json_object *reply, void *userdata) {
        LifecycleInput in = { .type = LIFECYCLE_ATTACHED };
        Target *t = userdata;

        t->n_replies++;
        if (!qmp_error_text(reply))
                abort();
        in.status = guest_status_parse(reply);
        guest_notes_parse(reply, &in);
        read_threads(reply);
        const char *pty = chardev_pty_parse(reply, "charserial0");
        if (pty && (!startswith(pty, "/dev/pts/") || strstr(pty, "..")))
                abort();
        if (result >= 0)
                feed(t, &in);
}

static void run(sd_event *e) {
        while (sd_event_run(e, 0) > 0)
                ;
}

/* The id in the last command that the client sent. */
static bool read_id(int fd, char ret[64]) {
        char buffer[1024];

        ssize_t n = recv(fd, buffer, sizeof(buffer) - 1, MSG_DONTWAIT);
        if (n <= 0)
                return false;
        buffer[n] = 0;
        /* QEMU's are strings, the agent's a number. */
        const char *p = memmem(buffer, (size_t) n, "\"id\":", 5);
        return p && (sscanf(p, "\"id\":\"%63[^\"]", ret) == 1 || sscanf(p, "\"id\":%63[0-9]", ret) == 1);
}

/* Sends DATA with the id put in, running the loop whenever the socket is full. */
static void send_all(sd_event *e, int fd, const char *data, size_t size, const char *id) {
        while (size > 0) {
                const char *mark = memmem(data, size, "@ID@", 4);
                bool here = mark == data;
                const char *piece = here ? id : data;
                size_t n = here ? strlen(id) : mark ? (size_t) (mark - data) : size;
                size_t used = here ? 4 : n;
                while (n > 0) {
                        ssize_t k = send(fd, piece, n, MSG_DONTWAIT | MSG_NOSIGNAL);
                        run(e);
                        if (k < 0 && errno != EAGAIN)
                                return;
                        if (k < 0) {
                                /* An agent is not read unasked. */
                                return;
                        }
                        piece += k;
                        n -= (size_t) k;
                }
                data += used;
                size -= used;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Target t = { .lifecycle = { .on_poweroff = ACTION_RESTART, .on_reboot = ACTION_RESTART, .on_crash = ACTION_PRESERVE } };
        QmpHandlers handlers = { .event = on_event, .closed = on_closed, .userdata = &t };
        sd_event *e = NULL;
        char id[64] = "";
        int pair[2];

        if (size < 1)
                return 0;
        bool agent = data[0] & 1, negotiated = data[0] & 2;
        lifecycle_init(&t.lifecycle);
        if (sd_event_new(&e) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
            (agent ? qmp_new_agent : qmp_new)(e, pair[0], &handlers, &t.qmp) < 0)
                abort();
        if ((agent ? qmp_negotiate_agent : qmp_negotiate)(t.qmp, UINT64_C(60000000), on_reply, &t) < 0)
                abort();
        run(e);
        if (!read_id(pair[1], id))
                abort();
        if (negotiated) {
                _cleanup_free_ char *answer = agent ? strf("\xff{\"return\": %s}\n", id) :
                                                      strf("{\"return\": {}, \"id\": \"%s\"}\n", id);
                send_all(e, pair[1], answer, strlen(answer), "");
                if (t.n_replies != 1 || qmp_call(t.qmp, "x", NULL, -1, UINT64_C(60000000), on_reply, &t) < 0)
                        abort();
                run(e);
                (void) read_id(pair[1], id);
        }
        send_all(e, pair[1], (const char *) data + 1, size - 1, id);
        (void) close(pair[1]);
        run(e);
        if (!agent && t.n_closed != 1)
                abort();
        qmp_free(t.qmp);
        sd_event_unref(e);
        return 0;
}
