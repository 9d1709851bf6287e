/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"
#include "string-util.h"
#include "text.h"

/* See src/supervisor/launch.h for the form. */

static void entry(Text *t, const char *key, const char *value) {
        text_append(t, key);
        text_append_char(t, '=');
        text_append(t, value);
        text_append_n(t, "", 1);
}

static void entries(Text *t, const char *key, char *const *values) {
        for (char *const *v = values; v && *v; v++)
                entry(t, key, *v);
}

static void fd_entry(Text *t, const PlanFd *fd) {
        if (fd->user == PLAN_USER_HELPER)
                return;
        if (fd->user == PLAN_USER_MONITOR) {
                entry(t, "monitor-fd", fd->name);
                return;
        }
        /* The queues of a device follow each other in number, with a name of its own for each in the fd
         * store. */
        for (unsigned i = 0; i < MAX(fd->queues, 1U); i++) {
                text_appendf(t, "%s=%u:%s", fd->kind == PLAN_FD_PAIR ? "pair" : "fd", fd->number + i,
                             fd->name);
                if (i > 0)
                        text_appendf(t, ".%u", i);
                text_append_n(t, "", 1);
        }
}

static void numbered(Text *t, const char *key, unsigned number, const char *name) {
        text_appendf(t, "%s=%u:%s", key, number, name);
        text_append_n(t, "", 1);
}

static void helper_entries(Text *t, const Plan *p, const PlanHelper *h) {
        text_appendf(t, "helper=%s:%s", h->name, h->program);
        text_append_n(t, "", 1);
        entries(t, "helper-arg", h->argv);
        entries(t, "helper-allow", h->allow);
        if (h->directory)
                entry(t, "helper-directory", h->directory);
        if (h->when != HELPER_RUNS)
                entry(t, "helper-ends", "yes");
        FOREACH_ARRAY(fd, p->fds, p->n_fds) {
                if (!streq_ptr(fd->helper, h->name))
                        continue;
                if (fd->user == PLAN_USER_HELPER && !streq_ptr(fd->name, h->directory))
                        numbered(t, "helper-fd", fd->number, fd->name);
                else if (fd->kind == PLAN_FD_PAIR)
                        numbered(t, "helper-pair", fd->helper_number, fd->name);
        }
}

int plan_to_launch(const Plan *p, bool unit, char **ret, size_t *ret_size) {
        _cleanup_text_ Text t = {};

        entry(&t, "version", "1");
        entry(&t, "name", p->name);
        entry(&t, "emulator", p->emulator);
        entries(&t, "arg", p->argv);
        entries(&t, "env", p->env);
        if (p->label)
                entry(&t, "label", p->label);
        if (p->profile && unit)
                entry(&t, "profile", p->profile);
        FOREACH_ARRAY(fd, p->fds, p->n_fds)
                fd_entry(&t, fd);
        FOREACH_ARRAY(h, p->helpers, p->n_helpers)
                helper_entries(&t, p, h);
        if (p->restores) {
                entry(&t, "monitor-fd", PLAN_FD_SAVED);
                entry(&t, "monitor-fd", PLAN_FD_SAVED_MARK);
        }
        entries(&t, "allow", p->allow);
        entries(&t, "cap", p->capabilities);
        if (unit)
                entry(&t, "unit", "yes");
        if (p->runtime)
                entry(&t, "session", "yes");
        if (p->stop_timeout_usec > 0 && p->stop_timeout_usec != UINT64_MAX) {
                text_appendf(&t, "stop-timeout-ms=%llu", (unsigned long long) (p->stop_timeout_usec / 1000));
                text_append_n(&t, "", 1);
        }
        size_t size = t.length;
        int r = text_finish(&t, ret);
        if (r >= 0)
                *ret_size = size;
        return r;
}
