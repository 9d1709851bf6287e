/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"
#include "monitor.h"
#include "string-util.h"
#include "thread-groups.h"

/* CPUs, time and schedulers of the machine's threads. QEMU says which thread is which, the groups below UNIT/vm hold what
 * they were given (thread-groups.h); nothing is remembered here. */

/* Something that needs to know the threads first. */
typedef struct ThreadsCall {
        Monitor *monitor;
        Job *job;                /* that waits: STEP_PREPARE_GUEST */
        ControlRequest *request; /* owned until it is answered */
        VmThreads threads;
        ThreadSetting *settings; /* owned: of SetThreads */
        size_t n_settings;
} ThreadsCall;

static void call_free(ThreadsCall *c) {
        vm_threads_done(&c->threads);
        free(c->settings);
        free(c);
}

static ThreadsCall *call_new(Monitor *m, Job *job, ControlRequest *request) {
        ThreadsCall *c = calloc(1, sizeof(ThreadsCall));

        if (c)
                *c = (ThreadsCall) { .monitor = m, .job = job, .request = request };
        return c;
}

/* Ends C. WHY explains a RESULT that is no success. */
static void finish(ThreadsCall *c, int result, const char *why) {
        Job *job = c->job;
        ControlRequest *request = c->request;

        call_free(c);
        if (job)
                /* What is not as it was asked for must not start. */
                job_step_done(job, result >= 0 || result == -ECONNRESET || result == -ETIMEDOUT ? result : -EREMOTEIO,
                              CONTROL_ERROR_QEMU, why);
        else if (request && result < 0)
                control_reply_error(request, CONTROL_ERROR_QEMU, "%s", why);
        else if (request)
                control_reply(request);
        else if (result < 0 && result != -ECONNRESET)
                log_warning("threads: %s", why);
}

static void finish_qmp(ThreadsCall *c, int result, json_object *reply) {
        char why[THREAD_WHY_MAX];

        (void) snprintf(why, sizeof(why), "QEMU does not tell its threads: %s",
                        result == -EREMOTEIO ? qmp_error_text(reply) : strerror(-result));
        finish(c, result, why);
}

/* --- what is done with them --- */

static void apply(ThreadsCall *c) {
        const Monitor *m = c->monitor;
        const ThreadSetting *settings = c->request ? c->settings : m->plan->threads;
        size_t n = c->request ? c->n_settings : m->plan->n_threads;
        ThreadMode mode = c->request ? THREADS_LIVE : c->job && !m->negotiated_before ? THREADS_START : THREADS_ADOPT;
        char why[THREAD_WHY_MAX] = "";

        int r = thread_groups_apply(m->fds.cgroup, &c->threads, settings, n, mode, why);
        if (r < 0 && c->request)
                log_warning("threads: %s", why);
        finish(c, r, why);
}

static int add_reply(ControlThreadReply *list, size_t *n, ThreadKind kind, unsigned id, pid_t tid) {
        NumberSet cpus;

        int r = thread_cpus(tid, &cpus);
        if (r == -ESRCH)
                return 0;
        char *text = r < 0 ? NULL : number_set_format(&cpus);
        if (!text)
                return r < 0 ? r : -ENOMEM;
        list[(*n)++] = (ControlThreadReply) { thread_kind_to_string(kind), id, (unsigned) tid, text };
        return 0;
}

static void answer_threads(ThreadsCall *c) {
        const VmThreads *t = &c->threads;
        ControlRequest *request = c->request;
        pid_t first = thread_groups_main(c->monitor->fds.cgroup);
        ControlThreadReply *list = calloc(t->n + 1, sizeof(ControlThreadReply));
        size_t n = 0;
        int r = list ? 0 : -ENOMEM;

        FOREACH_ARRAY(i, t->items, t->n)
                if (r >= 0)
                        r = add_reply(list, &n, i->kind, i->id, i->tid);
        if (r >= 0 && first > 0)
                r = add_reply(list, &n, THREAD_EMULATOR, 0, first);
        if (r < 0)
                control_reply_error(request, CONTROL_ERROR_QEMU, "cannot read the threads' CPUs: %s", strerror(-r));
        else
                control_reply_threads(request, list, n);
        FOREACH_ARRAY(i, list, n)
                free((char *) i->cpus);
        free(list);
        call_free(c);
}

/* --- asking QEMU --- */

static void on_iothreads(Qmp *q, int result, json_object *reply, void *userdata) {
        ThreadsCall *c = userdata;
        char why[THREAD_WHY_MAX] = "";

        if (result < 0) {
                finish_qmp(c, result, reply);
                return;
        }
        int r = vm_threads_add_iothreads(&c->threads, reply, why);
        if (r >= 0)
                r = vm_threads_check(&c->threads, c->monitor->fds.cgroup, why);
        if (r < 0) {
                if (c->request)
                        log_warning("threads: %s", why);
                finish(c, r, *why ? why : strerror(-r));
        } else if (c->request && c->request->method == CONTROL_GET_THREADS)
                answer_threads(c);
        else
                apply(c);
}

static void on_vcpus(Qmp *q, int result, json_object *reply, void *userdata) {
        ThreadsCall *c = userdata;
        char why[THREAD_WHY_MAX] = "";

        if (result < 0) {
                finish_qmp(c, result, reply);
                return;
        }
        int r = vm_threads_add_vcpus(&c->threads, reply, why);
        if (r < 0) {
                if (c->request)
                        log_warning("threads: %s", why);
                finish(c, r, *why ? why : strerror(-r));
                return;
        }
        r = qmp_call(q, "query-iothreads", NULL, -1, MONITOR_QMP_USEC, on_iothreads, c);
        if (r < 0)
                finish_qmp(c, r, NULL);
}

/* Ends C by itself, at once or later. */
static void ask(ThreadsCall *c) {
        Monitor *m = c->monitor;

        if (m->fds.cgroup < 0) {
                finish(c, -EOPNOTSUPP, "this machine has no cgroup of its own, so its threads cannot be told apart");
                return;
        }
        int r = qmp_call(m->qmp, "query-cpus-fast", NULL, -1, MONITOR_QMP_USEC, on_vcpus, c);
        if (r < 0)
                finish_qmp(c, r, NULL);
}

/* --- at the start, and for a new monitor --- */

static void on_plugged(Monitor *m, int result, const char *why, void *userdata) {
        ThreadsCall *c = userdata;

        if (result < 0 || m->plan->n_threads == 0)
                finish(c, result, why);
        else
                ask(c);
}

bool monitor_threads_prepare(Job *job) {
        Monitor *m = job->monitor;

        if (m->plan->n_threads == 0 && m->plan->n_plugged_vcpus == 0)
                return false;
        ThreadsCall *c = call_new(m, job, NULL);
        if (!c) {
                job_step_done(job, -EREMOTEIO, CONTROL_ERROR_QEMU, "out of memory");
                return true;
        }
        if (m->plan->n_plugged_vcpus == 0)
                ask(c);
        else {
                int r = monitor_plug_vcpus(m, on_plugged, c);
                if (r < 0)
                        finish_qmp(c, r, NULL);
        }
        return true;
}

void monitor_threads_adopt(Monitor *m) {
        if (m->plan->n_threads == 0)
                return;
        ThreadsCall *c = call_new(m, NULL, NULL);
        if (c)
                ask(c);
        else
                log_warning("threads: out of memory");
}

/* --- clients --- */

void monitor_set_threads(Monitor *m, ControlRequest *r) {
        ThreadsCall *c = call_new(m, NULL, r);

        if (!c) {
                control_reply_error(r, CONTROL_ERROR_QEMU, "out of memory");
                return;
        }
        int k = thread_settings_from_json(r->text, strlen(r->text), &c->settings, &c->n_settings);
        if (k < 0) {
                call_free(c);
                control_reply_error(r, SD_BUS_ERROR_INVALID_ARGS, "not a list of settings of threads");
        } else
                ask(c);
}

void monitor_get_threads(Monitor *m, ControlRequest *r) {
        ThreadsCall *c = call_new(m, NULL, r);

        if (c)
                ask(c);
        else
                control_reply_error(r, CONTROL_ERROR_QEMU, "out of memory");
}
