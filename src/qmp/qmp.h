/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "macro.h"

/* A QMP client on a connected socket and an sd-event loop. QEMU counts as hostile: size, depth and number of
 * what it sends are limited, every command has a time limit, and a breach ends the connection. Also speaks to
 * the guest agent, which is the same protocol without a greeting. */
typedef struct Qmp Qmp;

/* REPLY is the "return" value on success (RESULT ≥ 0), the "error" object when QEMU refused (-EREMOTEIO), or
 * NULL (-ETIMEDOUT, -ECONNRESET, -EBADMSG). It is the client's: json_object_get() what you keep. */
typedef void (*QmpReply)(Qmp *q, int result, json_object *reply, void *userdata);
/* NAME is the event's name, DATA its data or NULL. */
typedef void (*QmpEvent)(Qmp *q, const char *name, json_object *data, void *userdata);
/* The connection is gone: -ECONNRESET at end of file, -EBADMSG after a breach of protocol. */
typedef void (*QmpClosed)(Qmp *q, int error, void *userdata);

typedef struct QmpHandlers {
        QmpEvent event;
        QmpClosed closed;
        void *userdata;
} QmpHandlers;

/* Takes FD over, also on failure. 0 or negative errno. */
int qmp_new(sd_event *event, int fd, const QmpHandlers *handlers, Qmp **ret);
Qmp *qmp_free(Qmp *q);
DEFINE_CLEANUP(Qmp *, qmp_free)

/* Gets the connection into command mode, whatever an earlier client left on it: resets QEMU's parser (0xff),
 * takes the greeting or the lack of it, sends qmp_capabilities, throws stale replies away by their ids. */
int qmp_negotiate(Qmp *q, uint64_t timeout_usec, QmpReply reply, void *userdata);
/* For the guest agent: guest-sync-delimited. */
int qmp_negotiate_agent(Qmp *q, uint64_t timeout_usec, QmpReply reply, void *userdata);

/* Sends COMMAND with ARGUMENTS (taken over, may be NULL). FD, if not negative, is passed along (getfd,
 * add-fd); it stays the caller's. REPLY may be NULL. 0 or negative errno, then REPLY is not called. */
int qmp_call(Qmp *q, const char *command, json_object *arguments, int fd, uint64_t timeout_usec,
             QmpReply reply, void *userdata);
