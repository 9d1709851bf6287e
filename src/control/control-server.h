/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "control.h"
#include "domain-state.h"

/* The monitor's side of control.h: takes connections, checks who they are, decodes calls and keeps count of
 * them. What a call does is the handler's business; it may answer at once or at any later time. */
typedef struct ControlServer ControlServer;

typedef enum ControlMethod {
        CONTROL_GET_STATE = 1,
        CONTROL_SUSPEND,
        CONTROL_RESUME,
        CONTROL_SHUTDOWN,
        CONTROL_REBOOT,
        CONTROL_RESET,
        CONTROL_OPEN_CONSOLE,
        CONTROL_VIEW_CONSOLE,
        CONTROL_FEED_CONSOLE,
        CONTROL_GET_CONSOLES,
        CONTROL_QMP,
        CONTROL_AGENT,
        CONTROL_AGENT_WITHIN,
        CONTROL_QMP_WITH_FD,
        CONTROL_SET_THREADS,
        CONTROL_GET_THREADS,
        CONTROL_UNPLUG,
        CONTROL_SAVE,
        CONTROL_WAIT_SAVED,
        CONTROL_END_SAVED,
        CONTROL_SUBSCRIBE,
        CONTROL_DUMP,
        CONTROL_DUMP_TO,
        CONTROL_END_DUMP,
        CONTROL_PROGRESS,
        CONTROL_GET_JOB,
        CONTROL_ABORT_JOB,
        CONTROL_QUIT,
        CONTROL_SET_ACTIONS,
        _CONTROL_METHOD_MAX,
} ControlMethod;

typedef enum ControlMode {
        CONTROL_MODE_ANY, /* "" */
        CONTROL_MODE_ACPI,
        CONTROL_MODE_AGENT,
} ControlMode;

/* A call that waits for its answer. It stays valid until one of the answering functions has been called, also
 * when its client has gone in between, and also when the server has. */
typedef struct ControlRequest {
        sd_bus_message *message; /* owned */
        ControlServer *server;   /* NULL when it has gone */
        struct ControlRequest *next, *previous;
        void *client;
        ControlMethod method;
        ControlMode mode; /* Shutdown, Reboot */
        const char *text; /* OpenConsole, ViewConsole, FeedConsole: alias, Qmp, Agent: command, SetThreads: settings, SetActions: actions, Unplug: device, Dump: format, EndDump: what then; lives as long as the request */
        bool force;       /* OpenConsole; Dump: live */
        uint64_t limit_usec; /* AgentWithin */
        uint64_t processed, total; /* Progress */
        bool completed, keep; /* GetJob */
        int fd;              /* QmpWithFd, DumpTo: the message's */
} ControlRequest;

typedef void (*ControlHandler)(ControlRequest *r, void *userdata);
/* CLIENT, that of earlier requests, is no more. */
typedef void (*ControlGone)(const void *client, void *userdata);

/* LISTEN_FD stays the caller's. GONE may be NULL. */
int control_server_new(sd_event *event, int listen_fd, ControlHandler handler, ControlGone gone, void *userdata, ControlServer **ret);
/* Closes all connections. What a client has room for was sent when it was answered; the rest is lost. */
ControlServer *control_server_free(ControlServer *s);
DEFINE_CLEANUP(ControlServer *, control_server_free)

/* Signals to all connections. */
void control_server_state_changed(ControlServer *s, DomainState state, DomainReason reason);
void control_server_console_taken(ControlServer *s, const char *alias);
/* To subscribers, and to clients that have not called yet. NAME and DATA are QEMU's: what is no event's name, or too long, is not passed on. */
void control_server_event(ControlServer *s, const char *name, uint64_t usec, const char *data);
bool control_server_has_subscribers(const ControlServer *s) _pure_;
/* The client of R gets events from now on. -EBUSY: there are too many; who calls for a moment only must find room, too.
 * -ENOBUFS: there were more events since it has connected than are kept. */
int control_subscribe(ControlRequest *r);
/* Has it not closed its connection, as far as the kernel knows now? What it sent before is read all the same. */
bool control_client_is_there(const ControlRequest *r);

/* Answers; each of them ends R. */
void control_reply(ControlRequest *r);
void control_reply_state(ControlRequest *r, DomainState state, DomainReason reason);
void control_reply_text(ControlRequest *r, const char *text);
void control_reply_fd(ControlRequest *r, int fd); /* FD stays the caller's */
/* N pairs of alias and device. */
void control_reply_consoles(ControlRequest *r, const char *const (*consoles)[2], size_t n);
typedef struct ControlThreadReply {
        const char *kind;
        unsigned id, tid;
        const char *cpus;
} ControlThreadReply;
void control_reply_threads(ControlRequest *r, const ControlThreadReply *threads, size_t n);
/* NAME is one of CONTROL_ERROR_…; TEXT is made printable. */
void control_reply_error(ControlRequest *r, const char *name, const char *format, ...) _printf_(3, 4);

/* Whether a peer with UID may use a socket file of OWNER: root may, and the owner. */
bool control_peer_allowed(uid_t uid, uid_t owner) _pure_;

#define CONTROL_CLIENTS_MAX 32U
#define CONTROL_SUBSCRIBERS_MAX 16U
#define CONTROL_REQUESTS_MAX 16U /* unanswered, per client */
#define CONTROL_QUEUE_MAX 64U    /* unsent messages, per client */
#define CONTROL_UNASKED_MAX 32U  /* as long as there are so many, one that has not called yet gets no further events */
/* The same for a subscriber. It may be away for a while, but does not get more of our memory: then it is dropped. */
#define CONTROL_EVENTS_MAX 4096U
#define CONTROL_EVENTS_SIZE_MAX (1024U * 1024U)
