/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "qemu-emit.h"
#include "qemu-helper.h"
#include "string-util.h"
#include "strv.h"

static const char *const helper_when_words[] = {
        [HELPER_RUNS] = "runs",
        [HELPER_FILLS] = "fills",
        [HELPER_CHANGES] = "changes",
};
DEFINE_STRING_TABLE(helper_when, HelperWhen)

void plan_helper_done(PlanHelper *h) {
        free(h->name);
        free(h->program);
        free(h->directory);
        free(h->element);
        strv_free(h->argv);
        strv_free(h->allow);
        *h = (PlanHelper) {};
}

size_t emit_helper(Emit *e, HelperWhen when, const char *name, const char *program, const char *element, SrcLoc loc) {
        QemuArgv *out = e->out;
        PlanHelper h = { .when = when, .loc = loc, .next_number = PLAN_FD_FIRST };

        if (free_and_strdup(&h.name, name) < 0 || free_and_strdup(&h.program, program) < 0 ||
            free_and_strdup(&h.element, element) < 0 || strv_extend(&h.argv, program) < 0 ||
            !ARRAY_GROW(out->helpers, out->n_helpers)) {
                plan_helper_done(&h);
                e->failed = true;
                return SIZE_MAX;
        }
        out->helpers[out->n_helpers] = h;
        return out->n_helpers++;
}

static PlanHelper *helper_at(Emit *e, size_t helper) {
        return helper < e->out->n_helpers ? e->out->helpers + helper : NULL;
}

void helper_arg(Emit *e, size_t helper, const char *arg) {
        PlanHelper *h = helper_at(e, helper);

        if (h && strv_extend(&h->argv, arg) < 0)
                e->failed = true;
}

void helper_argf(Emit *e, size_t helper, const char *format, ...) {
        _cleanup_free_ char *arg = NULL;
        va_list ap;

        va_start(ap, format);
        int r = vasprintf(&arg, format, ap);
        va_end(ap);
        if (r < 0) {
                arg = NULL;
                e->failed = true;
                return;
        }
        helper_arg(e, helper, arg);
}

void helper_allow(Emit *e, size_t helper, const char *word) {
        PlanHelper *h = helper_at(e, helper);

        if (h && strv_extend(&h->allow, word) < 0)
                e->failed = true;
}

PlanFd *emit_helper_fd(Emit *e, size_t helper, PlanFdKind kind, const char *name, const char *element, SrcLoc loc) {
        PlanHelper *h = helper_at(e, helper);
        /* It has numbers of its own, and QEMU none for it. */
        PlanFd *fd = h ? emit_fd(e, kind, name, element, loc, 0) : NULL;

        if (!fd)
                return NULL;
        fd->user = PLAN_USER_HELPER;
        fd->number = h->next_number++;
        if (free_and_strdup(&fd->helper, h->name) < 0) {
                e->failed = true;
                return NULL;
        }
        return fd;
}

PlanFd *emit_helper_pair(Emit *e, size_t helper, const char *name, const char *element, SrcLoc loc) {
        PlanHelper *h = helper_at(e, helper);
        PlanFd *fd = h ? emit_fd(e, PLAN_FD_PAIR, name, element, loc, 1) : NULL;

        if (!fd)
                return NULL;
        fd->helper_number = h->next_number++;
        if (free_and_strdup(&fd->helper, h->name) < 0) {
                e->failed = true;
                return NULL;
        }
        return fd;
}

void helper_directory(Emit *e, size_t helper, const char *name) {
        PlanHelper *h = helper_at(e, helper);

        if (h && free_and_strdup(&h->directory, name) < 0)
                e->failed = true;
}
