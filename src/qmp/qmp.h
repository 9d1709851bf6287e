/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "macro.h"

/* A QMP client on a connected socket and an sd-event loop. QEMU counts as hostile: size, depth and number of
 * what it sends are limited, every command has a time limit, and a breach ends the connection. Also speaks to
 * the guest agent, which is the same protocol without a greeting. */
typedef struct Qmp Qmp;

#define QMP_MESSAGE_MAX (16U * 1024U * 1024U)
#define QMP_AGENT_MESSAGE_MAX (1024U * 1024U)
#define QMP_DEPTH_MAX 256 /* a chain of images is told as objects in objects: DISK_CHAIN_MAX and those around them */
#define QMP_PENDING_MAX 64U               /* commands without reply; 1 for the guest agent */
#define QMP_OUTPUT_MAX (4U * 1024U * 1024U) /* unsent bytes */

/* REPLY is the "return" value on success (RESULT ≥ 0), the "error" object when QEMU refused (-EREMOTEIO), or
 * NULL (-ETIMEDOUT, -ECONNRESET, -EBADMSG). It is the client's: json_object_get() what you keep. */
typedef void (*QmpReply)(Qmp *q, int result, json_object *reply, void *userdata);
/* NAME is the event's name, DATA its data or NULL. */
typedef void (*QmpEvent)(Qmp *q, const char *name, json_object *data, void *userdata);
/* In a QmpEvent: when QEMU says that it happened, in microseconds since 1970; 0 when it does not say so. */
uint64_t qmp_event_time(const Qmp *q) _pure_;
/* The connection is gone: -ECONNRESET at end of file, -EBADMSG after a breach of protocol. */
typedef void (*QmpClosed)(Qmp *q, int error, void *userdata);

typedef struct QmpHandlers {
        QmpEvent event;
        QmpClosed closed;
        void *userdata;
} QmpHandlers;

/* Takes FD over, also on failure. It need not be non-blocking. 0 or negative errno. */
int qmp_new(sd_event *event, int fd, const QmpHandlers *handlers, Qmp **ret);
/* The same for the guest agent's end. Nothing a guest sends ends the connection, and nothing is read from it but while
 * a command waits for its reply. */
int qmp_new_agent(sd_event *event, int fd, const QmpHandlers *handlers, Qmp **ret);
/* May be called from a callback. Replies that are still due are not reported. */
Qmp *qmp_free(Qmp *q);
DEFINE_CLEANUP(Qmp *, qmp_free)

/* Gets the connection into command mode, whatever an earlier client left on it: resets QEMU's parser (0xff),
 * takes the greeting or the lack of it, sends qmp_capabilities, throws stale replies away by their ids. RESULT
 * is 0, or 1 when an earlier client had negotiated already. Events that nobody has read yet are reported. */
int qmp_negotiate(Qmp *q, uint64_t timeout_usec, QmpReply reply, void *userdata);
/* For the guest agent: guest-sync-delimited. Needed again after a command has failed with -ETIMEDOUT or -EBADMSG. */
int qmp_negotiate_agent(Qmp *q, uint64_t timeout_usec, QmpReply reply, void *userdata);

/* Sends COMMAND with ARGUMENTS (taken over, may be NULL). FD, if not negative, is passed along (getfd,
 * add-fd); it stays the caller's. REPLY may be NULL, and is never called before this returns. A reply that comes
 * after its time limit is dropped. 0 or negative errno, then REPLY is not called: -ENOTCONN (not negotiated), -EBUSY
 * (too many commands without reply), -ENOBUFS (too many bytes unsent). */
int qmp_call(Qmp *q, const char *command, json_object *arguments, int fd, uint64_t timeout_usec,
             QmpReply reply, void *userdata);

/* True when commands can be sent. */
bool qmp_is_ready(const Qmp *q) _pure_;

/* What QEMU says about a refusal (-EREMOTEIO): the "desc" of REPLY. Hostile text, but never NULL. */
const char *qmp_error_text(json_object *reply);
