/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-file.h"
#include "liveness.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"

/* "PID (NAME) T …": stopped, or by a debugger. The name may hold anything. */
static bool is_stopped(Manager *m, unsigned pid) {
        _cleanup_free_ char *stat = host_read_text("%s/proc/%u/stat", m->host_root, pid);
        const char *p = stat ? strrchr(stat, ')') : NULL;

        return p && p[1] == ' ' && (p[2] == 'T' || p[2] == 't');
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
