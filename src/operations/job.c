/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"
#include "json-member.h"
#include "time-util.h"

#define REPORT_USEC (USEC_PER_SEC / 5)
#define JOB_DEPTH 4

int job_report(JobReport *j, uint64_t processed, uint64_t total, Diag *diag) {
        uint64_t now = now_usec();

        if (!j->m->backend->monitor_progress || (j->told_usec != 0 && now < j->told_usec + REPORT_USEC))
                return 0;
        j->told_usec = now;
        int r = j->m->backend->monitor_progress(j->m->userdata, j->session, processed, total, diag);
        return r < 0 ? -ECANCELED : 0;
}

int vm_job(Manager *m, const char *name, bool completed, bool keep, Diag *diag, json_object **ret) {
        _cleanup_free_ char *text = NULL;

        int r = m->backend->monitor_job(m->userdata, name, completed, keep, &text, diag);
        if (r < 0)
                return r;
        *ret = json_parse(text, JOB_DEPTH);
        return json_object_is_type(*ret, json_type_object) ? 0 : diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "the VM's monitor does not tell its job");
}

int vm_job_abort(Manager *m, const char *name, Diag *diag) {
        return m->backend->monitor_abort_job(m->userdata, name, diag);
}
