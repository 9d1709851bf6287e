/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* What each of a machine's threads is asked for: CPUs, time, a scheduler. The monitor carries it out, in groups of their
 * own below the unit's cgroup; a thread that nothing is asked for has none, and what the unit may use it may use. */

typedef enum ThreadKind {
        THREAD_UNSET,
        THREAD_VCPU,
        THREAD_IOTHREAD,
        THREAD_EMULATOR, /* all that are neither */
        _THREAD_KIND_MAX,
} ThreadKind;
DECLARE_STRING_TABLE(thread_kind, ThreadKind); /* "vcpu", "iothread", "emulator": also the groups' names */

typedef struct ThreadSetting {
        ThreadKind kind;
        unsigned id;         /* of the virtual CPU (from 0), of the I/O thread (from 1) */
        bool has_cpus;
        bool default_cpus;   /* those of <vcpu cpuset>, for want of a pin */
        NumberSet cpus;
        OptU64 period;       /* microseconds */
        bool has_quota;
        int64_t quota;       /* microseconds in each period; below 0: no limit */
        Scheduler scheduler;
        int priority;        /* of fifo and rr */
} ThreadSetting;

#define THREAD_PERIOD_MIN 1000U
#define THREAD_PERIOD_MAX 1000000U
#define THREAD_PERIOD_DEFAULT 100000U
#define THREAD_QUOTA_MIN 1000
#define THREAD_QUOTA_MAX INT64_C(17592186044415)
#define THREAD_SETTINGS_MAX (2U * NUMBER_SET_MAX + 1U)
#define THREAD_SETTINGS_TEXT_MAX (2U * 1024U * 1024U)

/* What D, which must be effective, asks for; also for virtual CPUs that are not there yet. *ret is the caller's,
 * by kind and number. 0 or -ENOMEM. */
int thread_settings_new(const Domain *d, ThreadSetting **ret, size_t *ret_n);

/* As JSON: [{"kind": "vcpu", "id": 0, "cpus": "0-1", "period": 100000, "quota": 25000, "scheduler": "fifo",
 * "priority": 1}, …]; what is not asked for is left out. Reading it checks everything: -EBADMSG, -EFBIG. */
int thread_settings_to_json(const ThreadSetting *settings, size_t n, char **ret);
int thread_settings_from_json(const char *json, size_t size, ThreadSetting **ret, size_t *ret_n);

struct json_object;
struct json_object *thread_settings_write(const ThreadSetting *settings, size_t n);
int thread_settings_read(struct json_object *a, ThreadSetting **ret, size_t *ret_n);

const ThreadSetting *thread_setting_find(const ThreadSetting *settings, size_t n, ThreadKind kind, unsigned id) _pure_;

static inline bool thread_setting_limits(const ThreadSetting *s) {
        return s->period.set || s->has_quota;
}

/* Whether it needs a group of its own; a scheduler alone does not. */
static inline bool thread_setting_wants_group(const ThreadSetting *s) {
        return s->has_cpus || thread_setting_limits(s);
}

/* cpu.max of cgroup v2: "25000 100000", "max 100000". */
#define THREAD_CPU_MAX 48U
void thread_cpu_max(const ThreadSetting *s, char ret[THREAD_CPU_MAX]);

/* For people: "vcpu0 cpus=0-1 cpu.max=25000 100000 scheduler=fifo priority=1". NULL when memory is out. */
char *thread_setting_format(const ThreadSetting *s);

/* The virtual CPUs that are plugged in before the guest starts, in this order; *ret is the caller's. */
int plugged_vcpus_new(const Domain *d, unsigned **ret, size_t *ret_n);
