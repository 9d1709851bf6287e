/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file-util.h"
#include "log.h"
#include "monitor.h"
#include "saved-header.h"
#include "string-util.h"

/* The guest's whole state goes out and comes in through pipes of ours, so QEMU sees no file of anybody's: what it writes
 * is read by whoever asked for it (Save), who keeps it where he may write; what it reads comes from a file or pipe that
 * the prepare step has opened, and is held against its digest before the guest goes on. */

#define STREAM_NAME "vmunit-stream"
/* As fast as it goes: the guest stands still meanwhile. The most that QEMU takes, in bytes per second. */
#define RUN_STATE_QUESTIONS 10000U
#define BANDWIDTH_MAX (INT64_MAX / (1 << 20) * (1 << 20))

/* One at a time. */
struct Saving {
        Monitor *monitor;
        void *client;            /* who asked for it; NULL when it has gone. Only compared */
        ControlRequest *waiting; /* owned: WaitSaved */
        int stream;              /* owned: the reader's end, until it is handed out */
        int qemu_end;            /* owned: until QEMU has it */
        Job *job;                /* that waits for QEMU to begin, or to let go */
        Job *abandon;            /* the latter, while the former is under way */
        char *memory;            /* owned: the format in which only the memory is dumped; NULL: all of the guest's state */
        bool ended;              /* QEMU says that it is over before it has said that it begins */
        unsigned call;           /* of the commands that begin it */
        unsigned asked;          /* how often whether the guest may go on again */
        char *error;             /* owned: why it has failed */

        /* restoring */
        int source;              /* one of fds.others */
        int sink;                /* owned: our end of QEMU's pipe */
        sd_event_source *source_io, *sink_io; /* owned */
        char *piece;             /* owned: SAVED_PIECE bytes */
        size_t filled, written;
        bool whole;              /* the piece is: it can be written */
        SavedDigest digest;
        bool loaded;             /* QEMU has read all of it */
};

static void stop_pumping(Saving *s) {
        s->source_io = sd_event_source_disable_unref(s->source_io);
        s->sink_io = sd_event_source_disable_unref(s->sink_io);
        s->sink = safe_close(s->sink);
}

static void saving_reset(Saving *s) {
        stop_pumping(s);
        s->stream = safe_close(s->stream);
        s->qemu_end = safe_close(s->qemu_end);
        s->error = mfree(s->error);
        s->memory = mfree(s->memory);
        s->piece = mfree(s->piece);
        s->client = NULL;
        s->call = 0;
        s->ended = false;
        monitor_dump_discard(s->monitor);
}

static Saving *get(Monitor *m) {
        if (m->saving)
                return m->saving;
        m->saving = calloc(1, sizeof(Saving));
        if (m->saving)
                *m->saving = (Saving) { .monitor = m, .stream = -EBADF, .qemu_end = -EBADF, .source = -EBADF, .sink = -EBADF };
        return m->saving;
}

void monitor_saving_free(Monitor *m) {
        if (!m->saving)
                return;
        if (m->saving->waiting)
                control_reply_error(m->saving->waiting, CONTROL_ERROR_STATE, "domain is not running");
        saving_reset(m->saving);
        m->saving = mfree(m->saving);
}

static void input(Monitor *m, LifecycleInputType type) {
        LifecycleInput in = { .type = type, .now = monitor_now(m) };

        monitor_input(m, &in, NULL);
}

/* --- beginning ---------------------------------------------------------------------------------------- */

static json_object *one(const char *key, json_object *value) {
        json_object *o = json_object_new_object();

        json_object_object_add(o, key, value);
        return o;
}

static json_object *capabilities(const Saving *s) {
        json_object *events = one("capability", json_object_new_string("events")), *list = json_object_new_array();

        json_object_object_add(events, "state", json_object_new_boolean(true));
        json_object_array_add(list, events);
        return one("capabilities", list);
}

static json_object *parameters(const Saving *s) {
        return one("max-bandwidth", json_object_new_int64(BANDWIDTH_MAX));
}

static json_object *stream_name(const Saving *s) {
        return one("fdname", json_object_new_string(STREAM_NAME));
}

static json_object *stream_uri(const Saving *s) {
        return one("uri", json_object_new_string("fd:" STREAM_NAME));
}

/* In the background, or QEMU would not answer until it is done. */
static json_object *memory_dump(const Saving *s) {
        json_object *o = one("protocol", json_object_new_string("fd:" STREAM_NAME));

        json_object_object_add(o, "paging", json_object_new_boolean(false));
        json_object_object_add(o, "detach", json_object_new_boolean(true));
        json_object_object_add(o, "format", json_object_new_string(s->memory));
        return o;
}

typedef struct BeginCall {
        const char *command;
        json_object *(*arguments)(const Saving *s);
        bool with_fd;
} BeginCall;

static const BeginCall save_calls[] = {
        { "migrate-set-capabilities", capabilities, false },
        { "migrate-set-parameters", parameters, false },
        { "getfd", stream_name, true },
        { "migrate", stream_uri, false },
        {},
}, memory_calls[] = {
        { "getfd", stream_name, true },
        { "dump-guest-memory", memory_dump, false },
        {},
}, restore_calls[] = {
        { "migrate-set-capabilities", capabilities, false },
        { "getfd", stream_name, true },
        { "migrate-incoming", stream_uri, false },
        {},
};

static void pump_start(Saving *s);
static void begin_next(Saving *s);
static void ask_status(Saving *s);

static bool restores(const Saving *s) {
        return s->monitor->lifecycle.restoring;
}

static void on_begun(Qmp *q, int result, json_object *reply, void *userdata) {
        Saving *s = userdata;

        if (result >= 0) {
                s->call++;
                begin_next(s);
                return;
        }
        const char *text = result == -EREMOTEIO ? qmp_error_text(reply) : strerror(-result);
        Job *job = TAKE_PTR(s->job), *abandon = TAKE_PTR(s->abandon);
        saving_reset(s);
        job_step_done(job, result, result == -ETIMEDOUT ? CONTROL_ERROR_TIMEOUT : CONTROL_ERROR_QEMU, text);
        if (abandon)
                job_step_done(abandon, result == -ECONNRESET ? result : 0, NULL, NULL);
}

static void begin_next(Saving *s) {
        const BeginCall *c = (restores(s) ? restore_calls : s->memory ? memory_calls : save_calls) + s->call;
        Monitor *m = s->monitor;

        if (!c->command) {
                s->qemu_end = safe_close(s->qemu_end);
                if (restores(s))
                        pump_start(s);
                Job *abandon = TAKE_PTR(s->abandon);
                job_step_done(TAKE_PTR(s->job), 0, NULL, NULL);
                if (abandon)
                        monitor_save_abandon(abandon);
                else if (s->ended)
                        ask_status(s);
                return;
        }
        int r = qmp_call(m->qmp, c->command, c->arguments(s), c->with_fd ? s->qemu_end : -1, MONITOR_QMP_USEC, on_begun, s);
        if (r < 0)
                on_begun(m->qmp, r, NULL, s);
}

/* QEMU's end is ENDS[QEMU]. */
static int make_pipe(Saving *s, unsigned qemu, int flags, int *ret_ours) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC | flags) < 0)
                return -errno;
        s->qemu_end = ends[qemu];
        *ret_ours = ends[!qemu];
        return 0;
}

static void begin_failed(Saving *s, Job *job, int r) {
        if (s)
                saving_reset(s);
        job_step_done(job, -EREMOTEIO, CONTROL_ERROR_QEMU, strerror(-r));
}

/* What a dump is told besides: which format, and perhaps the file itself. */
static int dump_prepare(Saving *s, const ControlRequest *r) {
        if (s->monitor->lifecycle.core != CORE_NONE) /* nobody has asked: monitor-dump.c has it */
                return (s->memory = strdup("elf")) ? 0 : -ENOMEM;
        if (!r || (r->method != CONTROL_DUMP && r->method != CONTROL_DUMP_TO) || isempty(r->text))
                return 0;
        s->memory = strdup(r->text);
        if (!s->memory)
                return -ENOMEM;
        if (r->method == CONTROL_DUMP)
                return 0;
        s->qemu_end = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
        return s->qemu_end < 0 ? -errno : 0;
}

void monitor_save_begin(Job *job) {
        Saving *s = get(job->monitor);
        int r = s ? 0 : -ENOMEM;

        if (r >= 0) {
                saving_reset(s);
                monitor_job_begin(job->monitor);
                s->client = job->request ? job->request->client : NULL;
                r = dump_prepare(s, job->request);
        }
        if (r >= 0 && s->qemu_end < 0)
                r = make_pipe(s, 1, 0, &s->stream);
        if (r >= 0 && job->monitor->lifecycle.core != CORE_NONE)
                r = monitor_dump_open(job->monitor, &s->stream);
        if (r < 0) {
                begin_failed(s, job, r);
                return;
        }
        s->job = job;
        begin_next(s);
}

void monitor_restore_begin(Job *job) {
        Saving *s = get(job->monitor);
        int r = s ? 0 : -ENOMEM;

        if (r >= 0) {
                saving_reset(s);
                s->source = monitor_find_fd(job->monitor, PLAN_FD_SAVED);
                s->piece = malloc(SAVED_PIECE);
                r = s->source < 0 ? -EBADF : !s->piece ? -ENOMEM : make_pipe(s, 0, 0, &s->sink);
        }
        /* Our end must not block, QEMU's is its own affair. */
        if (r >= 0 && fcntl(s->sink, F_SETFL, O_NONBLOCK) < 0)
                r = -errno;
        if (r < 0) {
                begin_failed(s, job, r);
                return;
        }
        s->job = job;
        begin_next(s);
}

void monitor_save_reply(Monitor *m, ControlRequest *r) {
        if (m->saving->stream < 0)
                control_reply(r);
        else
                control_reply_fd(r, m->saving->stream);
        m->saving->stream = safe_close(m->saving->stream);
}

/* --- restoring: the stream ---------------------------------------------------------------------------- */

static void restore_failed(Saving *s, const char *why) {
        stop_pumping(s);
        log_error("cannot restore the guest: %s", why);
        input(s->monitor, LIFECYCLE_FAILED);
}

/* The guest may go on when QEMU has read everything, and it was what had been saved. */
static void restore_check(Saving *s) {
        const Plan *plan = s->monitor->plan;
        char hex[33];

        /* QEMU may say that it has read all of it after we have given up on it. */
        if (!restores(s) || s->monitor->lifecycle.ending || s->digest.size < plan->saved_size || s->filled > 0)
                return;
        stop_pumping(s);
        saved_digest_hex(&s->digest, hex);
        if (!streq_ptr(hex, plan->saved_digest))
                restore_failed(s, "what was saved is damaged");
        else if (s->loaded) {
                s->piece = mfree(s->piece);
                input(s->monitor, LIFECYCLE_RESTORED);
        }
}

/* Reads until the piece is whole: 1; 0: there is nothing more to read now; negative errno. */
static int fill(Saving *s) {
        uint64_t left = s->monitor->plan->saved_size - s->digest.size;
        size_t size = (size_t) MIN(left, (uint64_t) SAVED_PIECE);

        while (s->filled < size) {
                ssize_t n = read(s->source, s->piece + s->filled, size - s->filled);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                if (n == 0)
                        return -EPIPE;
                s->filled += (size_t) n;
        }
        saved_digest_add(&s->digest, s->piece, s->filled);
        return 1;
}

static int on_source(sd_event_source *source, int fd, uint32_t revents, void *userdata);

/* Lets the source wake us instead of the sink. A file never has to be waited for. */
static void wait_for_source(Saving *s) {
        int r = sd_event_source_set_enabled(s->sink_io, SD_EVENT_OFF);

        if (r >= 0)
                r = s->source_io ? sd_event_source_set_enabled(s->source_io, SD_EVENT_ON) :
                        sd_event_add_io(s->monitor->event, &s->source_io, s->source, EPOLLIN, on_source, s);
        if (r < 0)
                restore_failed(s, strerror(-r));
}

static int on_source(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Saving *s = userdata;

        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(s->sink_io, SD_EVENT_ON);
        return 0;
}

static int on_sink(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Saving *s = userdata;

        if (!s->whole) {
                int r = fill(s);
                if (r < 0)
                        restore_failed(s, r == -EPIPE ? "what was saved is not all there" : strerror(-r));
                else if (r == 0)
                        wait_for_source(s);
                if (r <= 0)
                        return 0;
                s->whole = true;
        }
        ssize_t n = write(s->sink, s->piece + s->written, s->filled - s->written);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
                restore_failed(s, "QEMU does not read what was saved");
                return 0;
        }
        s->written += (size_t) MAX(n, 0);
        if (s->written == s->filled) {
                s->written = s->filled = 0;
                s->whole = false;
                restore_check(s);
        }
        return 0;
}

static void pump_start(Saving *s) {
        if (sd_event_add_io(s->monitor->event, &s->sink_io, s->sink, EPOLLOUT, on_sink, s) < 0)
                restore_failed(s, "out of memory");
}

/* On the disk before the guest runs: a start after a crash of the host must know it. */
void monitor_mark_used(Job *job) {
        int fd = monitor_find_fd(job->monitor, PLAN_FD_SAVED_MARK);
        bool done = fd >= 0 && write(fd, "used\n", 5) == 5 && (fdatasync(fd) >= 0 || errno == EINVAL);

        job_step_done(job, done ? 0 : -EREMOTEIO, CONTROL_ERROR_QEMU, "cannot mark what was restored as used");
}

void monitor_mark_unused(Monitor *m) {
        int fd = monitor_find_fd(m, PLAN_FD_SAVED_MARK);
        struct stat st;

        if (fd >= 0 && fstat(fd, &st) >= 0 && S_ISREG(st.st_mode) && (ftruncate(fd, 0) < 0 || fdatasync(fd) < 0))
                log_warning("cannot mark the managed save as not used: %m");
}

/* --- the end ------------------------------------------------------------------------------------------ */

static void answer_waiting(Saving *s) {
        ControlRequest *r = TAKE_PTR(s->waiting);

        if (r && s->monitor->lifecycle.save == SAVE_DONE)
                control_reply(r);
        else if (r)
                control_reply_error(r, CONTROL_ERROR_QEMU, "%s", s->error ?: "the guest was not saved");
}

static void let_go(Saving *s) {
        Monitor *m = s->monitor;
        Job *job = TAKE_PTR(s->job);

        if (m->lifecycle.core != CORE_NONE)
                log_error("cannot dump the guest's memory: %s", s->error ?: "QEMU does not say why");
        monitor_dump_discard(m);
        input(m, LIFECYCLE_SAVE_FAILED);
        answer_waiting(s);
        s->stream = safe_close(s->stream);
        if (job)
                job_step_done(job, 0, NULL, NULL);
}

static bool has_ended(const char *status) {
        return !status || streq(status, "none") || streq(status, "completed") || streq(status, "failed") || streq(status, "cancelled");
}

/* QEMU says that a migration has failed a moment before it lets the guest go on: until then it refuses "cont". */
static void on_run_state(Qmp *q, int result, json_object *reply, void *userdata) {
        Saving *s = userdata;
        const char *status = json_member_string(reply, "status");

        if (result == -ECONNRESET || s->monitor->lifecycle.save == SAVE_NONE)
                return;
        if (result < 0 || !streq_ptr(status, "finish-migrate") || s->asked++ >= RUN_STATE_QUESTIONS ||
            qmp_call(q, "query-status", NULL, -1, MONITOR_QMP_USEC, on_run_state, s) < 0)
                let_go(s);
}

/* Why it has failed; and after it was given up, whether QEMU still does something about it. */
static void on_status(Qmp *q, int result, json_object *reply, void *userdata) {
        Saving *s = userdata;
        const char *status = json_member_string(reply, "status"), *error = json_member_string(reply, "error-desc");

        if (result == -ECONNRESET || s->monitor->lifecycle.save == SAVE_NONE)
                return;
        if (error)
                (void) free_and_strdup(&s->error, error);
        /* else an event is to come */
        if (result < 0 || has_ended(status)) {
                s->asked = 0;
                if (qmp_call(q, "query-status", NULL, -1, MONITOR_QMP_USEC, on_run_state, s) < 0)
                        let_go(s);
        }
}

static void ask_status(Saving *s) {
        if (s->qemu_end >= 0) { /* it has not begun yet: asked again then */
                s->ended = true;
                return;
        }
        if (qmp_call(s->monitor->qmp, s->memory ? "query-dump" : "query-migrate", NULL, -1, MONITOR_QMP_USEC, on_status, s) < 0)
                let_go(s);
}

static void on_cancelled(Qmp *q, int result, json_object *reply, void *userdata) {
        if (result != -ECONNRESET)
                ask_status(userdata);
}

void monitor_save_abandon(Job *job) {
        Saving *s = get(job->monitor);

        if (!s) {
                job_step_done(job, -ENOMEM, CONTROL_ERROR_QEMU, "out of memory");
                return;
        }
        if (s->job) { /* QEMU is about to begin: once it has, there is something to cancel */
                s->abandon = job;
                return;
        }
        s->job = job;
        s->stream = safe_close(s->stream); /* or QEMU would wait for somebody to read */
        monitor_dump_discard(s->monitor);
        if (s->memory)
                /* It cannot be called off; into a stream that nobody reads it soon fails. */
                ask_status(s);
        else if (qmp_call(s->monitor->qmp, "migrate_cancel", NULL, -1, MONITOR_QMP_USEC, on_cancelled, s) < 0)
                ask_status(s);
}

void monitor_save_event(Monitor *m, const char *name, json_object *data) {
        Saving *s = m->saving;
        bool dump = streq(name, "DUMP_COMPLETED");

        if (!s || (!dump && !streq(name, "MIGRATION")) || dump != (s->memory != NULL))
                return;
        const char *status = json_member_string(dump ? json_member(data, "result", json_type_object) : data, "status");
        const char *error = json_member_string(data, "error");
        if (dump && error && !s->error)
                (void) free_and_strdup(&s->error, error);
        if (!status)
                return;
        if (restores(s)) {
                /* When it fails, QEMU ends, and says why. */
                s->loaded = s->loaded || streq(status, "completed");
                restore_check(s);
        } else if (m->lifecycle.save == SAVE_UNDER_WAY && m->dump && streq(status, "completed"))
                monitor_dump_written(m);
        else if (m->lifecycle.save == SAVE_UNDER_WAY && m->lifecycle.core == CORE_NONE && streq(status, "completed")) {
                if (!dump)
                        monitor_job_completed(m);
                input(m, LIFECYCLE_SAVED);
                answer_waiting(s);
        } else if (m->lifecycle.save != SAVE_NONE && has_ended(status))
                ask_status(s);
}

void monitor_dump_ended(Monitor *m, bool done) {
        if (done)
                input(m, LIFECYCLE_SAVED);
        else
                let_go(m->saving);
}

bool monitor_save_is_memory(const Monitor *m) {
        return m->saving && m->saving->memory;
}

bool monitor_save_has_client(const Monitor *m, const void *client, const char **ret_error) {
        *ret_error = m->saving ? m->saving->error : NULL;
        return m->saving && m->saving->client == client;
}

void monitor_save_set_error(Monitor *m, const char *text) {
        (void) free_and_strdup(&m->saving->error, text);
}

void monitor_save_wait(Monitor *m, ControlRequest *r) {
        Saving *s = m->saving;

        if (!s || s->waiting || s->client != r->client) {
                control_reply_error(r, CONTROL_ERROR_STATE, "domain is not being saved");
                return;
        }
        s->waiting = r;
        if (m->lifecycle.save != SAVE_UNDER_WAY)
                answer_waiting(s);
}

/* Only who has read it all can say that it is safe. And one that has given up waiting for the answer, because we were long
 * in coming to his call, has thrown it away. */
bool monitor_save_may_end(const Monitor *m, const ControlRequest *r) {
        return m->lifecycle.save != SAVE_DONE || (m->saving && m->saving->client == r->client && control_client_is_there(r));
}

void monitor_client_gone(Monitor *m, const void *client) {
        LifecycleInput in = { .type = LIFECYCLE_REQUEST, .now = monitor_now(m), .request = REQUEST_SAVE_ABORT };

        if (!m->saving || m->saving->client != client || m->lifecycle.save == SAVE_NONE || m->lifecycle.ending)
                return;
        m->saving->client = NULL;
        if (m->lifecycle.save == SAVE_ABANDONED)
                return;
        log_warning("who %s the guest has gone away: it goes on", m->lifecycle.dump ? "dumped" : "saved");
        monitor_input(m, &in, NULL);
}
