/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <sys/types.h>

#include "thread-plan.h"

/* A machine's threads and their groups in the kernel: UNIT/vm/vcpuN, iothreadN and emulator, threaded cgroups below the
 * directory VM_FD. The kernel's files are the only state there is. What names the threads is QEMU, which is hostile: a
 * thread counts only if it is in UNIT/vm, and only once. */

typedef struct VmThread {
        ThreadKind kind; /* never THREAD_EMULATOR: those are all others */
        unsigned id;
        pid_t tid;
} VmThread;

typedef struct VmThreads {
        VmThread *items; /* owned */
        size_t n;
} VmThreads;

void vm_threads_done(VmThreads *t);

/* Explanations for people; "" when there is none. */
#define THREAD_WHY_MAX 512U

/* Add what QEMU answers to query-cpus-fast and query-iothreads. -EBADMSG with the reason in WHY. */
int vm_threads_add_vcpus(VmThreads *t, json_object *reply, char why[THREAD_WHY_MAX]);
int vm_threads_add_iothreads(VmThreads *t, json_object *reply, char why[THREAD_WHY_MAX]);
/* Whether all of them are the machine's, and each is named once. 0, or -EBADMSG with the reason. */
int vm_threads_check(const VmThreads *t, int vm_fd, char why[THREAD_WHY_MAX]);

typedef enum ThreadMode {
        THREADS_START, /* the guest has not run yet: everything as SETTINGS say */
        THREADS_ADOPT, /* by a new monitor: a thread that is in its group stays as it is, others get what SETTINGS say */
        THREADS_LIVE,  /* a change: everything as SETTINGS say; what is in a group and not among them gets no limits */
} ThreadMode;

/* Settings of threads that are not there are left alone. 0 or negative errno with the reason in WHY; then what was written
 * to the groups is as it was before. */
int thread_groups_apply(int vm_fd, const VmThreads *t, const ThreadSetting *settings, size_t n, ThreadMode mode,
                        char why[THREAD_WHY_MAX]);

/* The process's first thread, by which the emulator's CPUs are known; 0 when there is none. */
pid_t thread_groups_main(int vm_fd);

/* The CPUs the kernel lets TID run on. 0 or negative errno. */
int thread_cpus(pid_t tid, NumberSet *ret);
