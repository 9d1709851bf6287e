/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"
#include "string-util.h"

/* What the calls of control.h do. */

static const LifecycleRequest requests[_CONTROL_METHOD_MAX] = {
        [CONTROL_SUSPEND] = REQUEST_SUSPEND,
        [CONTROL_RESUME] = REQUEST_RESUME,
        [CONTROL_SHUTDOWN] = REQUEST_SHUTDOWN,
        [CONTROL_REBOOT] = REQUEST_REBOOT,
        [CONTROL_RESET] = REQUEST_RESET,
        [CONTROL_QUIT] = REQUEST_QUIT,
        [CONTROL_SAVE] = REQUEST_SAVE,
        [CONTROL_END_SAVED] = REQUEST_SAVE_END,
        [CONTROL_DUMP] = REQUEST_DUMP,
        [CONTROL_DUMP_TO] = REQUEST_DUMP,
        [CONTROL_END_DUMP] = REQUEST_DUMP_END,
};

static const PowerMode power_modes[] = {
        [CONTROL_MODE_ANY] = POWER_ANY,
        [CONTROL_MODE_ACPI] = POWER_ACPI,
        [CONTROL_MODE_AGENT] = POWER_AGENT,
};

static void on_qmp_reply(Qmp *q, int result, json_object *reply, void *userdata) {
        ControlRequest *r = userdata;

        if (result < 0)
                monitor_reply_qmp_error(r, result, reply);
        else
                control_reply_text(r, json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
}

/* False: R was no command of a sensible length, and has been answered. *ret is the caller's, and NULL if *ret_why says what is
 * wrong with it. */
static bool parse_json(ControlRequest *r, json_object **ret, const char **ret_why) {
        json_tokener *t = json_tokener_new_ex(QMP_DEPTH_MAX);
        size_t size = strlen(r->text);

        if (!t || size >= QMP_OUTPUT_MAX) {
                if (t)
                        json_tokener_free(t);
                control_reply_error(r, SD_BUS_ERROR_LIMITS_EXCEEDED, "the command is too long");
                return false;
        }
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        /* With the NUL, which ends a number. */
        *ret = json_tokener_parse_ex(t, r->text, (int) size + 1);
        enum json_tokener_error e = json_tokener_get_error(t);
        *ret_why = e == json_tokener_success ? NULL : json_tokener_error_desc(e == json_tokener_continue ? json_tokener_error_parse_eof : e);
        json_tokener_free(t);
        return true;
}

json_object *monitor_parse_command(ControlRequest *r) {
        const char *why;
        json_object *o;

        if (!parse_json(r, &o, &why))
                return NULL;
        if (json_member_string(o, "execute"))
                return o;
        json_object_put(o);
        control_reply_error(r, SD_BUS_ERROR_INVALID_ARGS, "not a QMP command, which is {\"execute\": \"NAME\", \"arguments\": {…}}");
        return NULL;
}

json_object *monitor_parse_agent_command(ControlRequest *r) {
        _cleanup_free_ char *text = NULL;
        const char *why;
        json_object *o;

        if (!parse_json(r, &o, &why))
                return NULL;
        if (json_member_string(o, "execute"))
                return o;
        /* libvirt's words, and those of the agent, which would be asked. */
        if (why)
                text = strf("internal error: cannot parse json %s: %s", r->text, why);
        else
                text = strf("internal error: unable to execute QEMU agent command '<null>': %s",
                            json_object_is_type(o, json_type_object) ? "QMP input lacks member 'execute'" : "QMP input must be a JSON object");
        json_object_put(o);
        o = json_object_new_object();
        if (o && text)
                json_object_object_add(o, AGENT_COMMAND_WRONG, json_object_new_string(text));
        return o;
}

/* One QMP command object, as QEMU takes it; the id is ours. */
static void run_qmp(Monitor *m, ControlRequest *r, int fd) {
        json_object *o = monitor_parse_command(r);

        if (!o)
                return;
        json_object *arguments = json_member(o, "arguments", json_type_object);
        int k = qmp_call(m->qmp, json_member_string(o, "execute"), json_object_get(arguments), fd, MONITOR_QMP_USEC, on_qmp_reply, r);
        if (k < 0)
                monitor_reply_qmp_error(r, k, NULL);
        json_object_put(o);
}

static DumpEnd dump_end(const ControlRequest *r) {
        if (r->method != CONTROL_END_DUMP)
                return DUMP_GO_ON;
        return streq(r->text, "crash") ? DUMP_CRASH : streq(r->text, "reset") ? DUMP_RESET : DUMP_GO_ON;
}

static void subscribe(Monitor *m, ControlRequest *r) {
        int k = control_subscribe(r);

        if (k < 0)
                control_reply_error(r, SD_BUS_ERROR_LIMITS_EXCEEDED, k == -EBUSY ? "too many subscribers" : "too many events");
        else
                control_reply_state(r, m->lifecycle.state, m->lifecycle.reason);
}

static void request(Monitor *m, ControlRequest *r) {
        LifecycleInput in = {
                .type = LIFECYCLE_REQUEST,
                .now = monitor_now(m),
                .request = requests[r->method],
                .mode = power_modes[r->mode],
                .live = r->method == CONTROL_DUMP && r->force,
                .memory = r->method == CONTROL_DUMP_TO || (r->method == CONTROL_DUMP && !isempty(r->text)),
                .dump_end = dump_end(r),
        };

        if ((r->method == CONTROL_END_SAVED || r->method == CONTROL_END_DUMP) && !monitor_save_may_end(m, r))
                control_reply_error(r, CONTROL_ERROR_STATE, m->lifecycle.dump ? "domain is being dumped" : "domain is being saved");
        else
                monitor_input(m, &in, r);
}

static void on_call(ControlRequest *r, void *userdata) {
        Monitor *m = userdata;

        switch (r->method) {
        case CONTROL_GET_STATE:
                control_reply_state(r, m->lifecycle.state, m->lifecycle.reason);
                break;
        case CONTROL_SUBSCRIBE:
                subscribe(m, r);
                break;
        case CONTROL_OPEN_CONSOLE:
                monitor_open_console(m, r);
                break;
        case CONTROL_VIEW_CONSOLE:
                monitor_view_console(m, r);
                break;
        case CONTROL_FEED_CONSOLE:
                monitor_feed_console(m, r);
                break;
        case CONTROL_GET_CONSOLES:
                monitor_get_consoles(m, r);
                break;
        case CONTROL_AGENT:
                monitor_agent_command(m, r, MONITOR_AGENT_COMMAND_USEC);
                break;
        case CONTROL_AGENT_WITHIN:
                monitor_agent_command(m, r, r->limit_usec);
                break;
        case CONTROL_SET_THREADS:
                monitor_set_threads(m, r);
                break;
        case CONTROL_GET_THREADS:
                monitor_get_threads(m, r);
                break;
        case CONTROL_SET_ACTIONS:
                monitor_set_actions(m, r);
                break;
        case CONTROL_UNPLUG:
                monitor_unplug(m, r);
                break;
        case CONTROL_QMP:
                run_qmp(m, r, -EBADF);
                break;
        case CONTROL_QMP_WITH_FD:
                run_qmp(m, r, r->fd);
                break;
        case CONTROL_GET_JOB:
                monitor_job_get(m, r);
                break;
        case CONTROL_PROGRESS:
                monitor_job_progress(m, r);
                break;
        case CONTROL_ABORT_JOB:
                monitor_job_abort(m, r);
                break;
        case CONTROL_WAIT_SAVED:
                monitor_save_wait(m, r);
                break;
        default:
                request(m, r);
        }
}

static void on_gone(const void *client, void *userdata) {
        monitor_client_gone(userdata, client);
}

void monitor_tell_event(Monitor *m, const char *name, uint64_t usec, json_object *data) {
        if (m->control && control_server_has_subscribers(m->control))
                control_server_event(m->control, name, usec,
                                     data ? json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : "");
}

int monitor_control_start(Monitor *m) {
        if (m->fds.control < 0)
                return 0;
        return control_server_new(m->event, m->fds.control, on_call, on_gone, m, &m->control);
}
