/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "manager.h"

/* What a machine is busy with: it is being saved or dumped. */

/* How far whoever saves or dumps it has come. */
typedef struct JobReport {
        Manager *m;
        SaveSession *session;
        uint64_t told_usec;
} JobReport;

/* Tells the monitor, if the last time is long enough ago. 0, or -ECANCELED with the reason in DIAG: it is over. */
int job_report(JobReport *j, uint64_t processed, uint64_t total, Diag *diag);

/* {} or status ("active", "completed"), operation ("save", "dump") and numbers with libvirt's names. COMPLETED: the last one
 * that has, which is forgotten then unless KEEP. *ret is the caller's. */
int vm_job(Manager *m, const char *name, bool completed, bool keep, Diag *diag, json_object **ret);

/* Returns when the guest goes on. */
int vm_job_abort(Manager *m, const char *name, Diag *diag);
