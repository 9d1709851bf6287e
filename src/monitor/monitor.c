/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/socket.h>

#include "file-util.h"
#include "log.h"
#include "monitor.h"
#include "names.h"
#include "string-util.h"

#define PLAN_SIZE_MAX (16U * 1024U * 1024U)

uint64_t monitor_now(const Monitor *m) {
        uint64_t now = 0;

        (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        return now;
}

void monitor_give_up(Monitor *m, const char *why) {
        /* What is still in the buffers may bring us here again, as often as QEMU likes. */
        if (m->given_up)
                return;
        m->given_up = true;
        monitor_tell_event(m, CONTROL_EVENT_ERROR, 0, NULL);
        log_error("%s: giving up", why);
        (void) sd_event_exit(m->event, EXIT_FAILURE);
}

/* --- the supervisor ----------------------------------------------------------------------------------- */

static void flush_messages(Monitor *m) {
        while (m->n_messages > 0) {
                if (send(m->fds.supervisor, m->messages, sizeof(MonitorMessage), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                        if (errno == EINTR)
                                continue;
                        break;
                }
                m->n_messages--;
                memmove(m->messages, m->messages + 1, m->n_messages * sizeof(MonitorMessage));
        }
        (void) sd_event_source_set_io_events(m->supervisor_io, EPOLLIN | (m->n_messages > 0 ? EPOLLOUT : 0));
}

/* Of states that wait for a busy supervisor only the last one counts; a hostile QEMU makes thousands of them. */
static bool replace_state(Monitor *m, uint32_t a, uint32_t b) {
        if (m->n_messages == 0 || m->messages[m->n_messages - 1].type != MONITOR_STATE)
                return false;
        m->messages[m->n_messages - 1].a = a;
        m->messages[m->n_messages - 1].b = b;
        return true;
}

void monitor_send(Monitor *m, MonitorMessageType type, uint32_t a, uint32_t b) {
        if (m->given_up || (type == MONITOR_STATE && replace_state(m, a, b)))
                return;
        if (m->n_messages >= MONITOR_MESSAGES_MAX) {
                monitor_give_up(m, "the supervisor does not read what it is sent");
                return;
        }
        m->messages[m->n_messages++] = (MonitorMessage) { .type = type, .a = a, .b = b };
        flush_messages(m);
}

static void request(Monitor *m, LifecycleRequest what) {
        LifecycleInput in = { .type = LIFECYCLE_REQUEST, .now = monitor_now(m), .request = what };

        monitor_input(m, &in, NULL);
}

static void stop_unit(Monitor *m, uint64_t deadline) {
        uint64_t now = monitor_now(m);
        LifecycleInput in = { .type = LIFECYCLE_REQUEST, .now = now, .request = REQUEST_STOP, .limit_usec = UINT64_MAX };

        monitor_ready_stop(m);
        if (deadline != UINT64_MAX)
                in.limit_usec = deadline > now ? deadline - now : 0;
        monitor_input(m, &in, NULL);
}

static void lose_helper(Monitor *m) {
        LifecycleInput in = { .type = LIFECYCLE_HELPER_LOST, .now = monitor_now(m) };

        monitor_input(m, &in, NULL);
}

static void on_message(Monitor *m, const MonitorMessage *message) {
        switch (message->type) {
        case MONITOR_SHUTDOWN:
                m->stop_deadline = message->a == UINT32_MAX ? UINT64_MAX : monitor_now(m) + message->a * UINT64_C(1000);
                if (m->lifecycle.attached)
                        stop_unit(m, m->stop_deadline);
                else
                        m->stop_early = true;
                break;
        case MONITOR_REBOOT:
                request(m, REQUEST_REBOOT);
                break;
        case MONITOR_RESET:
                request(m, REQUEST_RESET);
                break;
        case MONITOR_HELPER_LOST:
                if (m->lifecycle.attached)
                        lose_helper(m);
                else
                        m->helper_lost = true;
                break;
        case MONITOR_WAS_READY:
                m->was_ready = true;
                m->ready_awaited = false;
                break;
        case MONITOR_PING:
                monitor_send(m, MONITOR_PONG, 0, 0);
                break;
        default:
                log_warning("message %u from the supervisor is not known", message->type);
        }
}

static int on_supervisor(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Monitor *m = userdata;
        MonitorMessage message;

        if (revents & EPOLLOUT)
                flush_messages(m);
        if (!(revents & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                return 0;
        ssize_t n = recv(fd, &message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);
        if (n == sizeof(message))
                on_message(m, &message);
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        else if (n == 0 || (n < 0 && errno == ECONNRESET))
                /* It has gone, and the VM with it. */
                (void) sd_event_exit(m->event, EXIT_SUCCESS);
        else
                log_warning("a message from the supervisor has a wrong size");
        return 0;
}

/* --- the state machine -------------------------------------------------------------------------------- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Monitor *m = userdata;
        LifecycleInput in = { .type = LIFECYCLE_TIMER, .now = monitor_now(m) };

        monitor_input(m, &in, NULL);
        return 0;
}

static void arm_timer(Monitor *m) {
        uint64_t at = m->lifecycle.timer;

        if (at != UINT64_MAX)
                (void) sd_event_source_set_time(m->timer, at);
        (void) sd_event_source_set_enabled(m->timer, at == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

void monitor_input(Monitor *m, const LifecycleInput *in, ControlRequest *r) {
        LifecycleOutput out;

        int k = lifecycle_input(&m->lifecycle, in, &out);
        arm_timer(m);
        if (k >= 0)
                monitor_run_steps(m, &out, r);
        else if (r)
                control_reply_error(r, startswith(out.refusal, REFUSAL_UNSUPPORTED) ? CONTROL_ERROR_AGENT : CONTROL_ERROR_STATE, "%s", out.refusal);
        else
                log_warning("request refused: %s", out.refusal);
}

/* --- QEMU --------------------------------------------------------------------------------------------- */

static void on_event(Qmp *q, const char *name, json_object *data, void *userdata) {
        Monitor *m = userdata;
        LifecycleInput in;

        /* Before the state that follows from it. */
        monitor_tell_event(m, name, qmp_event_time(q), data);
        monitor_unplug_event(m, name, data);
        monitor_save_event(m, name, data);
        monitor_ready_event(m, name, data);
        if (!guest_event_parse(name, data, monitor_now(m), &in))
                return;
        if (in.event == EVENT_SHUTDOWN || in.event == EVENT_RESET)
                monitor_agent_settle(m);
        if (in.event == EVENT_SUSPEND || in.event == EVENT_SUSPEND_DISK)
                monitor_agent_asleep(m);
        monitor_input(m, &in, NULL);
}

static void on_closed(Qmp *q, int error, void *userdata) {
        Monitor *m = userdata;

        if (error == -ECONNRESET)
                /* QEMU has ended; what we knew of the reason has been said. */
                (void) sd_event_exit(m->event, EXIT_SUCCESS);
        else
                monitor_give_up(m, "QEMU breaks the rules of QMP");
}

/* What an earlier monitor said last: the reason of a state is something QEMU does not keep. */
static void read_remembered_state(Monitor *m) {
        char line[DOMAIN_STATE_LINE];
        _cleanup_free_ char *text = NULL, *path = NULL;
        size_t size = 0;

        if (m->fds.state >= 0) {
                if (pread(m->fds.state, line, sizeof(line), 0) != sizeof(line))
                        return;
        } else {
                path = m->plan->runtime ? strf("%s/state", m->plan->runtime) : vm_runtime_path(m->plan->name, "state");
                if (!path || read_file_limited(AT_FDCWD, path, sizeof(line), &text, &size) < 0 || size != sizeof(line))
                        return;
                memcpy(line, text, sizeof(line));
        }
        (void) domain_state_parse(line, sizeof(line), &m->attach.remembered_state, &m->attach.remembered_reason);
}

static void attached(Monitor *m) {
        bool before = m->negotiated_before || (m->attach.status != GUEST_PRELAUNCH && m->attach.status != GUEST_INMIGRATE);

        monitor_send(m, MONITOR_HELLO, before, 0);
        if (before)
                log_info("took over a QEMU that is in state '%s'", strempty(guest_status_to_string(m->attach.status)));
        m->attach.type = LIFECYCLE_ATTACHED;
        m->attach.now = monitor_now(m);
        m->attach.again = m->negotiated_before;
        monitor_input(m, &m->attach, NULL);
        if (m->helper_lost)
                lose_helper(m);
        if (m->stop_early)
                stop_unit(m, m->stop_deadline);
        int r = monitor_control_start(m);
        if (r >= 0)
                r = monitor_displays_start(m);
        if (r >= 0)
                r = monitor_notify_start(m);
        if (r < 0) {
                log_error_errno(r, "cannot listen");
                monitor_give_up(m, "no control socket");
                return;
        }
        if (m->attach.status != GUEST_PRELAUNCH && m->attach.status != GUEST_INMIGRATE)
                monitor_threads_adopt(m);
}

static void on_notes(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (result == -ECONNRESET)
                return;
        if (result < 0) {
                monitor_give_up(m, "QEMU does not list its objects");
                return;
        }
        guest_notes_parse(reply, &m->attach);
        attached(m);
}

static void on_status(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (result == -ECONNRESET)
                return;
        json_object *arguments = json_object_new_object();
        if (result >= 0 && arguments) {
                m->attach.status = guest_status_parse(reply);
                json_object_object_add(arguments, "path", json_object_new_string("/objects"));
                result = qmp_call(q, "qom-list", arguments, -1, MONITOR_QMP_USEC, on_notes, m);
        }
        if (result < 0)
                monitor_give_up(m, "QEMU does not tell its state");
}

static void on_negotiated(Qmp *q, int result, json_object *reply, void *userdata) {
        Monitor *m = userdata;

        if (result == -ECONNRESET)
                return;
        m->negotiated_before = result == 1;
        if (result >= 0)
                result = qmp_call(q, "query-status", NULL, -1, MONITOR_QMP_USEC, on_status, m);
        if (result < 0)
                monitor_give_up(m, "QEMU does not answer");
}

/* --- life of the object ------------------------------------------------------------------------------- */

static int read_plan(int fd, Plan **ret) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        /* The file's offset is shared with every earlier monitor, so it is not used. */
        text = malloc(PLAN_SIZE_MAX + 1);
        if (!text)
                return -ENOMEM;
        for (;;) {
                ssize_t n = pread(fd, text + size, PLAN_SIZE_MAX + 1 - size, (off_t) size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > PLAN_SIZE_MAX)
                        return -EFBIG;
        }
        return plan_from_json(text, size, ret);
}

void monitor_fds_sort(MonitorFds *ret, int first, char *const *names, int n) {
        const struct {
                const char *name;
                int *fd;
        } known[] = {
                { MONITOR_FD_SUPERVISOR, &ret->supervisor }, { MONITOR_FD_QMP, &ret->qmp },
                { MONITOR_FD_PLAN, &ret->plan },             { MONITOR_FD_CONTROL, &ret->control },
                { SUPERVISOR_FD_STATE, &ret->state },        { "agent", &ret->agent },
                { MONITOR_FD_CGROUP, &ret->cgroup },
        };

        *ret = (MonitorFds) MONITOR_FDS_NONE;
        for (int i = 0; i < n; i++) {
                int *slot = NULL;
                for (size_t k = 0; k < ELEMENTSOF(known); k++)
                        if (streq(names[i], known[k].name))
                                slot = known[k].fd;
                if (slot && *slot < 0)
                        *slot = first + i;
                else if (!slot && ret->n_others < MONITOR_OTHERS_MAX) {
                        ret->others[ret->n_others].name = strdup(names[i]);
                        ret->others[ret->n_others++].fd = first + i;
                } else
                        log_warning("descriptor '%s' is of no use", names[i]);
        }
}

static void fds_done(MonitorFds *fds) {
        int list[] = { fds->supervisor, fds->qmp, fds->plan, fds->control, fds->state, fds->agent, fds->cgroup };

        for (size_t i = 0; i < ELEMENTSOF(list); i++)
                safe_close(list[i]);
        for (size_t i = 0; i < fds->n_others; i++) {
                safe_close(fds->others[i].fd);
                free(fds->others[i].name);
        }
        *fds = (MonitorFds) MONITOR_FDS_NONE;
}

int monitor_find_fd(const Monitor *m, const char *name) {
        for (size_t i = 0; i < m->fds.n_others; i++)
                if (streq_ptr(m->fds.others[i].name, name))
                        return m->fds.others[i].fd;
        return -EBADF;
}

static int monitor_setup(Monitor *m) {
        QmpHandlers handlers = { .event = on_event, .closed = on_closed, .userdata = m };

        int r = read_plan(m->fds.plan, &m->plan);
        if (r < 0)
                return log_error_errno(r, "cannot read the plan");
        m->lifecycle = (Lifecycle) {
                .on_poweroff = m->plan->on_poweroff,
                .on_reboot = m->plan->on_reboot,
                .on_crash = m->plan->on_crash,
                .start_paused = m->plan->start_paused,
                .restores = m->plan->restores,
                .watchdog_dumps = m->plan->watchdog_dumps,
                .has_agent = m->fds.agent >= 0,
        };
        lifecycle_init(&m->lifecycle);
        r = sd_event_add_io(m->event, &m->supervisor_io, m->fds.supervisor, EPOLLIN, on_supervisor, m);
        if (r < 0)
                return r;
        /* The watchdog is answered first, whatever else there is to do. */
        r = sd_event_source_set_priority(m->supervisor_io, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;
        r = sd_event_add_time(m->event, &m->timer, CLOCK_MONOTONIC, 0, USEC_PER_SEC / 10, on_timer, m);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = qmp_new(m->event, TAKE_FD(m->fds.qmp), &handlers, &m->qmp);
        if (r < 0)
                return r;
        if (m->fds.agent >= 0)
                r = qmp_new_agent(m->event, TAKE_FD(m->fds.agent), NULL, &m->agent);
        return r;
}

int monitor_new(sd_event *event, MonitorFds *fds, Monitor **ret) {
        Monitor *m = calloc(1, sizeof(Monitor));
        if (!m)
                return -ENOMEM;
        m->event = sd_event_ref(event);
        m->fds = *fds;
        *fds = (MonitorFds) MONITOR_FDS_NONE;
        int r = monitor_setup(m);
        if (r < 0) {
                monitor_free(m);
                return r;
        }
        *ret = m;
        return 0;
}

int monitor_start(Monitor *m) {
        read_remembered_state(m);
        return qmp_negotiate(m->qmp, MONITOR_QMP_USEC, on_negotiated, m);
}

Monitor *monitor_free(Monitor *m) {
        if (!m)
                return NULL;
        monitor_jobs_free(m);
        monitor_unplugs_free(m);
        monitor_actions_free(m);
        monitor_saving_free(m);
        monitor_job_free(m);
        control_server_free(m->control);
        qmp_free(m->agent);
        json_object_put(m->agent_request.command);
        qmp_free(m->qmp);
        monitor_viewers_free(m);
        sd_event_source_disable_unref(m->supervisor_io);
        sd_event_source_disable_unref(m->timer);
        monitor_displays_stop(m);
        monitor_notify_stop(m);
        fds_done(&m->fds);
        plan_free(m->plan);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}
