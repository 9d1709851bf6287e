/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "file-util.h"
#include "guest-event.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "thread-groups.h"

#define GROUP_FILE_MAX (1024U * 1024U)
#define GROUP_NAME_MAX 32U
#define GROUPS_MAX (2U * NUMBER_SET_MAX + 1U)
#define THREADS_MAX 65536U
/* Threads that are born while others are moved. */
#define EMULATOR_ROUNDS 16U

_printf_(3, 4) static int explain(int r, char why[THREAD_WHY_MAX], const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(why, THREAD_WHY_MAX, format, ap);
        va_end(ap);
        return r;
}

void vm_threads_done(VmThreads *t) {
        free(t->items);
        *t = (VmThreads) {};
}

/* --- what QEMU says --- */

static int add_thread(VmThreads *t, ThreadKind kind, unsigned id, json_object *o, char why[THREAD_WHY_MAX]) {
        json_object *tid = json_member(o, "thread-id", json_type_int);
        int64_t n = tid ? json_object_get_int64(tid) : 0;

        if (n <= 0 || n > INT32_MAX)
                return explain(-EBADMSG, why, "QEMU gives %s %u no thread", thread_kind_to_string(kind), id);
        FOREACH_ARRAY(i, t->items, t->n)
                if (i->kind == kind && i->id == id)
                        return explain(-EBADMSG, why, "QEMU names %s %u twice", thread_kind_to_string(kind), id);
        if (!ARRAY_GROW(t->items, t->n))
                return -ENOMEM;
        t->items[t->n++] = (VmThread) { .kind = kind, .id = id, .tid = (pid_t) n };
        return 0;
}

static int check_list(json_object *reply, const char *what, char why[THREAD_WHY_MAX]) {
        if (!json_object_is_type(reply, json_type_array))
                return explain(-EBADMSG, why, "QEMU's list of %s is none", what);
        size_t n = json_object_array_length(reply);
        if (n > NUMBER_SET_MAX)
                return explain(-EBADMSG, why, "QEMU claims to have %zu %s", n, what);
        return 0;
}

int vm_threads_add_vcpus(VmThreads *t, json_object *reply, char why[THREAD_WHY_MAX]) {
        int r = check_list(reply, "virtual CPUs", why);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(reply); i++) {
                json_object *o = json_object_array_get_idx(reply, i), *index = json_member(o, "cpu-index", json_type_int);
                int64_t id = index ? json_object_get_int64(index) : -1;
                if (id < 0 || id >= NUMBER_SET_MAX)
                        return explain(-EBADMSG, why, "QEMU numbers a virtual CPU %" PRId64, id);
                r = add_thread(t, THREAD_VCPU, (unsigned) id, o, why);
        }
        return r;
}

int vm_threads_add_iothreads(VmThreads *t, json_object *reply, char why[THREAD_WHY_MAX]) {
        int r = check_list(reply, "I/O threads", why);

        for (size_t i = 0; r >= 0 && i < json_object_array_length(reply); i++) {
                json_object *o = json_object_array_get_idx(reply, i);
                const char *name = json_member_string(o, "id"), *number = name ? startswith(name, "iothread") : NULL;
                unsigned id;
                /* Others are not of our making. */
                if (!number || parse_uint(number, &id) < 0 || id == 0)
                        continue;
                r = add_thread(t, THREAD_IOTHREAD, id, o, why);
        }
        return r;
}

/* --- the kernel's files --- */

/* GROUP "" is the machine's own. */
static int read_group(int vm_fd, const char *group, const char *file, char **ret) {
        _cleanup_free_ char *path = strf("%s%s%s", group, *group ? "/" : "", file);
        _cleanup_free_ char *text = NULL;

        if (!path)
                return -ENOMEM;
        int r = read_file_limited(vm_fd, path, GROUP_FILE_MAX, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = '\0'; /* one line each, but for lists of threads */
        *ret = TAKE_PTR(text);
        return 0;
}

static int write_group(int vm_fd, const char *group, const char *file, const char *value) {
        _cleanup_free_ char *path = strf("%s%s%s", group, *group ? "/" : "", file);

        if (!path)
                return -ENOMEM;
        _cleanup_close_ int fd = openat(vm_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        /* An empty value is a line too: without a byte the kernel would see no write at all. */
        return *value ? write_all(fd, value, strlen(value)) : write_all(fd, "\n", 1);
}

typedef struct TidList {
        pid_t *items; /* owned */
        size_t n;
} TidList;

static void tid_list_done(TidList *l) {
        free(l->items);
}
#define _cleanup_tids_ _cleanup_(tid_list_done)

static bool has_tid(const TidList *l, pid_t tid) {
        FOREACH_ARRAY(i, l->items, l->n)
                if (*i == tid)
                        return true;
        return false;
}

/* Adds the threads in GROUP; one that has gone has none. */
static int read_tids(int vm_fd, const char *group, TidList *list) {
        _cleanup_free_ char *path = strf("%s%scgroup.threads", group, *group ? "/" : ""), *text = NULL;
        _cleanup_strv_ char **words = NULL;

        if (!path)
                return -ENOMEM;
        int r = read_file_limited(vm_fd, path, GROUP_FILE_MAX, &text, NULL);
        if (r == -ENOENT || r == -ENODEV)
                return 0;
        if (r >= 0)
                r = strv_split(text, WHITESPACE, &words);
        if (r < 0)
                return r;
        STRV_FOREACH(w, words) {
                int tid;
                /* 0 is a thread that our PID namespace does not see. */
                if (parse_int(*w, &tid) < 0 || tid <= 0)
                        continue;
                if (list->n >= THREADS_MAX)
                        return -EFBIG;
                if (!ARRAY_GROW(list->items, list->n))
                        return -ENOMEM;
                list->items[list->n++] = tid;
        }
        return 0;
}

/* --- groups --- */

typedef struct Group {
        ThreadKind kind;
        unsigned id;
        char name[GROUP_NAME_MAX];
} Group;

static void group_name(ThreadKind kind, unsigned id, char ret[GROUP_NAME_MAX]) {
        if (kind == THREAD_EMULATOR)
                (void) snprintf(ret, GROUP_NAME_MAX, "emulator");
        else
                (void) snprintf(ret, GROUP_NAME_MAX, "%s%u", thread_kind_to_string(kind), id);
}

static bool group_parse(const char *name, Group *ret) {
        *ret = (Group) {};
        for (ThreadKind kind = 1; kind < _THREAD_KIND_MAX; kind++) {
                const char *number = startswith(name, thread_kind_to_string(kind));
                if (!number || (kind == THREAD_EMULATOR ? *number != '\0' : parse_uint(number, &ret->id) < 0))
                        continue;
                ret->kind = kind;
                group_name(kind, ret->id, ret->name);
                return streq(ret->name, name);
        }
        return false;
}

typedef struct Groups {
        Group *items; /* owned */
        size_t n;
} Groups;

static void groups_done(Groups *g) {
        free(g->items);
}
#define _cleanup_groups_ _cleanup_(groups_done)

static int groups_read(int vm_fd, Groups *ret) {
        int fd = openat(vm_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        if (fd < 0)
                return -errno;
        DIR *d = fdopendir(fd);
        if (!d) {
                safe_close(fd);
                return -errno;
        }
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
                Group g;
                if (e->d_type != DT_DIR || !group_parse(e->d_name, &g) || ret->n >= GROUPS_MAX)
                        continue;
                if (ARRAY_GROW(ret->items, ret->n))
                        ret->items[ret->n++] = g;
                else
                        r = -ENOMEM;
        }
        (void) closedir(d);
        return r;
}

/* All threads of the machine, wherever they are. */
static int read_all_tids(int vm_fd, TidList *list) {
        _cleanup_groups_ Groups groups = {};

        int r = groups_read(vm_fd, &groups);
        if (r >= 0)
                r = read_tids(vm_fd, "", list);
        FOREACH_ARRAY(g, groups.items, groups.n)
                if (r >= 0)
                        r = read_tids(vm_fd, g->name, list);
        return r;
}

int vm_threads_check(const VmThreads *t, int vm_fd, char why[THREAD_WHY_MAX]) {
        _cleanup_tids_ TidList all = {};

        int r = read_all_tids(vm_fd, &all);
        if (r < 0)
                return explain(r, why, "cannot read the machine's threads: %s", strerror(-r));
        FOREACH_ARRAY(i, t->items, t->n) {
                const char *kind = thread_kind_to_string(i->kind);
                if (!has_tid(&all, i->tid))
                        return explain(-EBADMSG, why, "QEMU gives %s %u a thread that is not its own (%d)", kind, i->id,
                                       (int) i->tid);
                for (const VmThread *o = t->items; o < i; o++)
                        if (o->tid == i->tid)
                                return explain(-EBADMSG, why, "QEMU gives %s %u and %s %u the same thread (%d)",
                                               thread_kind_to_string(o->kind), o->id, kind, i->id, (int) i->tid);
        }
        return 0;
}

pid_t thread_groups_main(int vm_fd) {
        _cleanup_free_ char *text = NULL;
        int pid;

        if (read_group(vm_fd, "", "cgroup.procs", &text) < 0 || parse_int(text, &pid) < 0)
                return 0;
        return pid;
}

int thread_cpus(pid_t tid, NumberSet *ret) {
        unsigned char mask[8192 / 8] = {};

        if (sched_getaffinity(tid, sizeof(mask), (cpu_set_t *) (void *) mask) < 0)
                return -errno;
        *ret = (NumberSet) {};
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++)
                if (CPU_ISSET_S(i, sizeof(mask), (cpu_set_t *) (void *) mask))
                        number_set_add(ret, i);
        return 0;
}

/* --- applying --- */

/* What a group's file held before it was written to. */
typedef struct Undo {
        char group[GROUP_NAME_MAX];
        const char *file;
        char *value; /* owned */
} Undo;

typedef struct Apply {
        int vm_fd;
        const VmThreads *threads;
        ThreadMode mode;
        bool cpu, cpuset; /* controllers that the groups have */
        Undo *undo; /* owned */
        size_t n_undo;
        char *why; /* THREAD_WHY_MAX */
} Apply;

static void apply_done(Apply *a) {
        FOREACH_ARRAY(u, a->undo, a->n_undo)
                free(u->value);
        free(a->undo);
}

static int move_thread(int vm_fd, const char *group, pid_t tid) {
        char value[16];

        (void) snprintf(value, sizeof(value), "%d", (int) tid);
        int r = write_group(vm_fd, group, "cgroup.threads", value);
        /* It has ended meanwhile. */
        return r == -ESRCH ? 0 : r;
}

/* The kernel takes no CPUs away from a group with threads in it, not even to give it those of the group above: they step
 * out for that long. */
static int clear_cpus(int vm_fd, const char *group) {
        _cleanup_tids_ TidList all = {};
        int r = 0;

        for (unsigned round = 0; r >= 0 && round < EMULATOR_ROUNDS; round++) {
                size_t first = all.n;
                r = read_tids(vm_fd, group, &all);
                if (r < 0 || all.n == first)
                        break;
                for (size_t i = first; r >= 0 && i < all.n; i++)
                        r = move_thread(vm_fd, "", all.items[i]);
        }
        if (r >= 0)
                r = write_group(vm_fd, group, "cpuset.cpus", "");
        FOREACH_ARRAY(tid, all.items, all.n) {
                int k = move_thread(vm_fd, group, *tid);
                r = r < 0 ? r : k;
        }
        return r;
}

static int write_value(int vm_fd, const char *group, const char *file, const char *value) {
        return *value || !streq(file, "cpuset.cpus") ? write_group(vm_fd, group, file, value) : clear_cpus(vm_fd, group);
}

static void roll_back(Apply *a) {
        while (a->n_undo > 0) {
                Undo *u = a->undo + --a->n_undo;
                (void) write_value(a->vm_fd, u->group, u->file, u->value);
                free(u->value);
        }
}

/* The elements of a setting, in the words of the definition. */
#define ELEMENT_MAX 80U

static void pin_element(const ThreadSetting *s, char ret[ELEMENT_MAX]) {
        char group[GROUP_NAME_MAX];

        group_name(s->kind, s->id, group);
        if (s->default_cpus)
                (void) snprintf(ret, ELEMENT_MAX, "<vcpu cpuset> (%s)", group);
        else if (s->kind == THREAD_EMULATOR)
                (void) snprintf(ret, ELEMENT_MAX, "<emulatorpin>");
        else
                (void) snprintf(ret, ELEMENT_MAX, "<%1$spin %1$s='%2$u'>", thread_kind_to_string(s->kind), s->id);
}

static void quota_element(const ThreadSetting *s, char ret[ELEMENT_MAX]) {
        static const char *const prefixes[] = { [THREAD_VCPU] = "", [THREAD_IOTHREAD] = "iothread_", [THREAD_EMULATOR] = "emulator_" };

        (void) snprintf(ret, ELEMENT_MAX, "<%s%s>", prefixes[s->kind], s->has_quota ? "quota" : "period");
}

static void sched_element(const ThreadSetting *s, char ret[ELEMENT_MAX]) {
        if (s->kind == THREAD_EMULATOR)
                (void) snprintf(ret, ELEMENT_MAX, "<emulatorsched>");
        else
                (void) snprintf(ret, ELEMENT_MAX, "<%1$ssched %1$ss='%2$u'>", thread_kind_to_string(s->kind), s->id);
}

/* Writes VALUE unless it is what is there. */
static int set_value(Apply *a, const char *group, const char *file, const char *value) {
        _cleanup_free_ char *old = NULL;

        int r = read_group(a->vm_fd, group, file, &old);
        if (r < 0 || streq(old, value))
                return r;
        if (!ARRAY_GROW(a->undo, a->n_undo))
                return -ENOMEM;
        r = write_value(a->vm_fd, group, file, value);
        if (r < 0)
                return r;
        Undo *u = a->undo + a->n_undo++;
        *u = (Undo) { .file = file, .value = TAKE_PTR(old) };
        (void) snprintf(u->group, sizeof(u->group), "%s", group);
        return 0;
}

static int set_cpus(Apply *a, const char *group, const ThreadSetting *s) {
        _cleanup_free_ char *wanted = number_set_format(&s->cpus), *got = NULL;
        NumberSet effective = {};
        char name[ELEMENT_MAX];

        pin_element(s, name);
        if (!wanted)
                return -ENOMEM;
        int r = set_value(a, group, "cpuset.cpus", wanted);
        if (r == -ERANGE || r == -EINVAL)
                return explain(r, a->why, "%s: this machine does not have CPUs %s", name, wanted);
        if (r >= 0)
                r = read_group(a->vm_fd, group, "cpuset.cpus.effective", &got);
        if (r < 0)
                return explain(r, a->why, "%s: cannot set CPUs %s: %s", name, wanted, strerror(-r));
        /* Where not all of them are to be had the kernel takes what there is, or even more. */
        if (number_set_parse(got, &effective) < 0 || memcmp(&effective, &s->cpus, sizeof(effective)) != 0)
                return explain(-ERANGE, a->why, "%s: CPUs %s are not all available: they would be %s", name, wanted, got);
        return 0;
}

static int set_limit(Apply *a, const char *group, const ThreadSetting *s) {
        char value[THREAD_CPU_MAX], name[ELEMENT_MAX];

        thread_cpu_max(s, value);
        quota_element(s, name);
        int r = set_value(a, group, "cpu.max", value);
        return r < 0 ? explain(r, a->why, "%s: cannot set '%s': %s", name, value, strerror(-r)) : 0;
}

static int set_scheduler(Apply *a, const ThreadSetting *s, pid_t tid) {
        static const int policies[] = {
                [SCHEDULER_BATCH] = SCHED_BATCH,
                [SCHEDULER_IDLE] = SCHED_IDLE,
                [SCHEDULER_FIFO] = SCHED_FIFO,
                [SCHEDULER_RR] = SCHED_RR,
        };
        struct sched_param p = { .sched_priority = s->priority };
        char name[ELEMENT_MAX];

        if (s->scheduler == SCHEDULER_UNSET)
                return 0;
        /* Who gave a thread another one since the start had a reason. */
        if (a->mode == THREADS_ADOPT && sched_getscheduler(tid) != SCHED_OTHER)
                return 0;
        /* A thread that has ended needs none. */
        if (sched_setscheduler(tid, policies[s->scheduler], &p) >= 0 || errno == ESRCH)
                return 0;
        sched_element(s, name);
        return explain(-errno, a->why, "%s: cannot set '%s': %s", name, scheduler_to_string(s->scheduler), strerror(errno));
}

static int has_word(int vm_fd, const char *file, const char *word) {
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **words = NULL;

        int r = read_group(vm_fd, "", file, &text);
        if (r >= 0)
                r = strv_split(text, WHITESPACE, &words);
        return r < 0 ? r : strv_contains(words, word);
}

/* Hands CONTROLLER down to the groups; an error names who wants it. */
static int enable(Apply *a, const char *controller, const char *name, bool *done) {
        char value[16];

        if (*done)
                return 0;
        int r = has_word(a->vm_fd, "cgroup.controllers", controller);
        if (r == 0)
                return explain(-EOPNOTSUPP, a->why, "%s: the cgroup controller '%s' is not available here", name, controller);
        if (r > 0)
                r = has_word(a->vm_fd, "cgroup.subtree_control", controller);
        if (r == 0) {
                (void) snprintf(value, sizeof(value), "+%s", controller);
                r = write_group(a->vm_fd, "", "cgroup.subtree_control", value);
        }
        if (r < 0)
                return explain(r, a->why, "%s: cannot use the cgroup controller '%s': %s", name, controller, strerror(-r));
        *done = true;
        return 0;
}

static int make_group(Apply *a, const char *group) {
        _cleanup_free_ char *type = NULL;

        if (mkdirat(a->vm_fd, group, 0755) < 0 && errno != EEXIST)
                return explain(-errno, a->why, "cannot make the cgroup '%s': %s", group, strerror(errno));
        int r = read_group(a->vm_fd, group, "cgroup.type", &type);
        if (r >= 0 && !streq(type, "threaded"))
                r = write_group(a->vm_fd, group, "cgroup.type", "threaded");
        return r < 0 ? explain(r, a->why, "cannot make the cgroup '%s': %s", group, strerror(-r)) : 0;
}

/* The values first and then the threads: so one that is in its group has had them. */
static int fill_group(Apply *a, const char *group, const ThreadSetting *s) {
        char name[ELEMENT_MAX];

        int r = make_group(a, group);
        if (r >= 0 && s->has_cpus) {
                pin_element(s, name);
                r = enable(a, "cpuset", name, &a->cpuset);
                if (r >= 0)
                        r = set_cpus(a, group, s);
        }
        if (r >= 0 && thread_setting_limits(s)) {
                quota_element(s, name);
                r = enable(a, "cpu", name, &a->cpu);
                if (r >= 0)
                        r = set_limit(a, group, s);
        }
        return r;
}

/* What SETTING does not ask for, the group has no more. */
static int clear_group(Apply *a, const char *group, const ThreadSetting *s) {
        int r = 0;

        if (!s || !s->has_cpus)
                r = set_value(a, group, "cpuset.cpus", "");
        if ((r >= 0 || r == -ENOENT) && (!s || !thread_setting_limits(s)))
                r = set_value(a, group, "cpu.max", "max 100000");
        if (r < 0 && r != -ENOENT)
                return explain(r, a->why, "cannot take the limits of the cgroup '%s' away: %s", group, strerror(-r));
        return 0;
}

static int move(Apply *a, const char *group, pid_t tid) {
        int r = move_thread(a->vm_fd, group, tid);

        return r < 0 ? explain(r, a->why, "cannot move thread %d to the cgroup '%s': %s", (int) tid, group, strerror(-r)) : 0;
}

static int is_in_group(Apply *a, const char *group, pid_t tid) {
        _cleanup_tids_ TidList tids = {};

        int r = read_tids(a->vm_fd, group, &tids);
        return r < 0 ? r : has_tid(&tids, tid);
}

static int apply_thread(Apply *a, const ThreadSetting *s, pid_t tid) {
        char group[GROUP_NAME_MAX];

        group_name(s->kind, s->id, group);
        int there = is_in_group(a, group, tid);
        if (there < 0)
                return explain(there, a->why, "cannot read the cgroup '%s': %s", group, strerror(-there));
        int r = 0;
        if (thread_setting_wants_group(s) && !(a->mode == THREADS_ADOPT && there)) {
                r = fill_group(a, group, s);
                if (r >= 0 && !there)
                        r = move(a, group, tid);
        }
        return r < 0 ? r : set_scheduler(a, s, tid);
}

static bool is_emulator(const Apply *a, pid_t tid) {
        FOREACH_ARRAY(t, a->threads->items, a->threads->n)
                if (t->tid == tid)
                        return false;
        return true;
}

/* Those that are directly in the machine's cgroup; threads that were born by one of the emulator's are with it. */
static int list_emulator(Apply *a, const char *group, TidList *ret) {
        _cleanup_tids_ TidList all = {};
        size_t n = 0;

        int r = read_tids(a->vm_fd, group, &all);
        if (r < 0)
                return explain(r, a->why, "cannot read the machine's threads: %s", strerror(-r));
        FOREACH_ARRAY(tid, all.items, all.n)
                if (is_emulator(a, *tid))
                        all.items[n++] = *tid;
        all.n = n;
        *ret = all;
        all = (TidList) {};
        return 0;
}

static int move_emulator(Apply *a, const ThreadSetting *s) {
        for (unsigned round = 0; round < EMULATOR_ROUNDS; round++) {
                _cleanup_tids_ TidList tids = {};
                int r = list_emulator(a, "", &tids);
                if (r < 0 || tids.n == 0)
                        return r;
                FOREACH_ARRAY(tid, tids.items, tids.n) {
                        r = move(a, "emulator", *tid);
                        if (r >= 0)
                                r = set_scheduler(a, s, *tid);
                        if (r < 0)
                                return r;
                }
        }
        return explain(-EBUSY, a->why, "QEMU makes threads faster than they can be moved to the cgroup 'emulator'");
}

/* Whether the process's first thread is there: then an earlier monitor has been through with it. */
static bool emulator_is_done(Apply *a) {
        pid_t first = thread_groups_main(a->vm_fd);

        return first > 0 && is_in_group(a, "emulator", first) > 0;
}

static int apply_emulator(Apply *a, const ThreadSetting *s) {
        bool wanted = thread_setting_wants_group(s);
        _cleanup_tids_ TidList tids = {};
        int r = 0;

        if (wanted && (a->mode != THREADS_ADOPT || !emulator_is_done(a)))
                r = fill_group(a, "emulator", s);
        if (r >= 0)
                r = list_emulator(a, wanted ? "emulator" : "", &tids);
        FOREACH_ARRAY(tid, tids.items, tids.n)
                if (r >= 0)
                        r = set_scheduler(a, s, *tid);
        return r >= 0 && wanted ? move_emulator(a, s) : r;
}

/* Threads that QEMU makes later are born where its main thread is: they step out, unless they are asked to be in a group of
 * their own. */
static int release_from_emulator(Apply *a, const ThreadSetting *settings, size_t n) {
        FOREACH_ARRAY(t, a->threads->items, a->threads->n) {
                const ThreadSetting *s = thread_setting_find(settings, n, t->kind, t->id);
                if (s && thread_setting_wants_group(s))
                        continue;
                int r = is_in_group(a, "emulator", t->tid);
                if (r > 0)
                        r = move(a, "", t->tid);
                if (r < 0)
                        return r;
        }
        return 0;
}

static const VmThread *find_thread(const VmThreads *t, ThreadKind kind, unsigned id) {
        FOREACH_ARRAY(i, t->items, t->n)
                if (i->kind == kind && i->id == id)
                        return i;
        return NULL;
}

static int apply_settings(Apply *a, const ThreadSetting *settings, size_t n) {
        int r = 0;

        /* The emulator comes last: its threads are those that are left. */
        FOREACH_ARRAY(s, settings, n) {
                const VmThread *t = find_thread(a->threads, s->kind, s->id);
                if (r >= 0 && t)
                        r = apply_thread(a, s, t->tid);
        }
        FOREACH_ARRAY(s, settings, n)
                if (r >= 0 && s->kind == THREAD_EMULATOR)
                        r = apply_emulator(a, s);
        return r < 0 ? r : release_from_emulator(a, settings, n);
}

static int clear_settings(Apply *a, const ThreadSetting *settings, size_t n) {
        _cleanup_groups_ Groups groups = {};

        int r = groups_read(a->vm_fd, &groups);
        if (r < 0)
                return explain(r, a->why, "cannot read the machine's cgroups: %s", strerror(-r));
        FOREACH_ARRAY(g, groups.items, groups.n) {
                if (g->kind != THREAD_EMULATOR && !find_thread(a->threads, g->kind, g->id)) {
                        /* Unplugged. If something is still in it, it stays. */
                        (void) unlinkat(a->vm_fd, g->name, AT_REMOVEDIR);
                        continue;
                }
                r = clear_group(a, g->name, thread_setting_find(settings, n, g->kind, g->id));
                if (r < 0)
                        return r;
        }
        return 0;
}

int thread_groups_apply(int vm_fd, const VmThreads *t, const ThreadSetting *settings, size_t n, ThreadMode mode,
                        char why[THREAD_WHY_MAX]) {
        Apply a = { .vm_fd = vm_fd, .threads = t, .mode = mode, .why = why };

        int r = apply_settings(&a, settings, n);
        if (r >= 0 && mode == THREADS_LIVE)
                r = clear_settings(&a, settings, n);
        if (r < 0) {
                if (!*why)
                        (void) explain(r, why, "%s", strerror(-r));
                roll_back(&a);
        }
        apply_done(&a);
        return r;
}
