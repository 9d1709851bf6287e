/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sched.h>

#include "host-counters.h"
#include "host-file.h"
#include "liveness.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"

/* Who waits for storage for so long cannot be told from one that hangs; a slow disk does not take that long. */
#define BLOCKED_MSEC 2000U

/* When the kernel has last let a process run, by the kernel's own clock. */
static bool read_last_run(Manager *m, const char *process, uint64_t *ret_msec) {
        uint64_t nsec;

        if (host_read_sched(m->host_root, process, "se.exec_start", &nsec) < 0)
                return false;
        *ret_msec = nsec / 1000000;
        return true;
}

/* Whoever reads his own runs now; the clocks of two CPUs may be far apart, so it is read on the same one. */
static bool read_now(Manager *m, unsigned cpu, uint64_t *ret_msec) {
        cpu_set_t old, one;

        CPU_ZERO(&one);
        if (cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(old), &old) < 0)
                return false;
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof(one), &one) < 0)
                return false;
        bool r = read_last_run(m, "self", ret_msec);
        (void) sched_setaffinity(0, sizeof(old), &old);
        return r;
}

static bool is_blocked(Manager *m, unsigned pid, const char *stat) {
        _cleanup_free_ char *process = strf("%u", pid);
        uint64_t then, now, used;
        unsigned cpu;

        return process && host_stat_parse(stat, &used, &cpu) >= 0 && read_last_run(m, process, &then) && read_now(m, cpu, &now) &&
               now > then && now - then >= BLOCKED_MSEC;
}

/* "PID (NAME) T …": stopped, or (t) by a debugger; D: it waits for storage, and no signal wakes it up. The name may hold
 * anything. */
static bool is_stopped(Manager *m, unsigned pid) {
        _cleanup_free_ char *stat = host_read_text("%s/proc/%u/stat", m->host_root, pid);
        const char *p = stat ? strrchr(stat, ')') : NULL;

        if (!p || p[1] != ' ')
                return false;
        return p[2] == 'T' || p[2] == 't' || (p[2] == 'D' && is_blocked(m, pid, stat));
}

static bool any_stopped(Manager *m, const char *cgroup, const char *below) {
        _cleanup_free_ char *text = host_read_text("%s/sys/fs/cgroup%s%s/cgroup.procs", m->host_root, cgroup, below);
        _cleanup_strv_ char **words = NULL;
        unsigned pid;

        if (!text || strv_split(text, WHITESPACE, &words) < 0)
                return false;
        STRV_FOREACH(w, words)
                if (parse_uint(*w, &pid) >= 0 && is_stopped(m, pid))
                        return true;
        return false;
}

static bool is_frozen(Manager *m, const char *cgroup) {
        _cleanup_free_ char *text = host_read_text("%s/sys/fs/cgroup%s/cgroup.events", m->host_root, cgroup);

        return text && strstr(text, "frozen 1");
}

/* Mostly it is where the unit file puts it, and systemd need not be asked. */
static char *find_cgroup(Manager *m, const Vm *vm) {
        _cleanup_free_ char *usual = strf("/machine.slice/%s", vm->unit), *found = NULL;
        _cleanup_free_ char *events = usual ? host_read_text("%s/sys/fs/cgroup%s/cgroup.events", m->host_root, usual) : NULL;

        if (events)
                return TAKE_PTR(usual);
        return m->backend->unit_cgroup(m->userdata, vm->unit, &found) >= 0 ? TAKE_PTR(found) : NULL;
}

bool vm_is_stalled(Manager *m, const Vm *vm) {
        /* Where the supervisor puts what runs (src/supervisor/cgroup.h), and where it is if there is no delegation. */
        static const char *const places[] = { "/supervisor", "/vm", "" };
        _cleanup_free_ char *cgroup = vm->active ? find_cgroup(m, vm) : NULL;

        if (!cgroup)
                return false;
        if (is_frozen(m, cgroup))
                return true;
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (any_stopped(m, cgroup, places[i]))
                        return true;
        return false;
}
