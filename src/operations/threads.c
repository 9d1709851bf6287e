/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-file.h"
#include "string-util.h"
#include "thread-plan.h"
#include "threads.h"

#define CGROUP_FILE_MAX 65536U

static int check_running(const Vm *vm, Diag *diag) {
        return vm->active ? 0 : diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
}

static int compare_threads(const void *a, const void *b) {
        const VmThread *x = a, *y = b;

        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        return x->id < y->id ? -1 : x->id > y->id;
}

int vm_threads(Manager *m, const Vm *vm, Diag *diag, VmThread **ret, size_t *ret_n) {
        int r = check_running(vm, diag);

        if (r >= 0)
                r = m->backend->monitor_threads(m->userdata, vm->name, ret, ret_n, diag);
        if (r >= 0 && *ret_n > 0)
                qsort(*ret, *ret_n, sizeof(VmThread), compare_threads);
        return r;
}

int vm_check_thread(Manager *m, const char *cgroup, unsigned tid, Diag *diag) {
        _cleanup_free_ char *text = NULL;

        int r = host_read_file(CGROUP_FILE_MAX, &text, "%s/proc/%u/cgroup", m->host_root, tid);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read /proc/%u/cgroup: %s", tid, strerror(-r));
        const char *line = startswith(text, "0::") ? text : strstr(text, "\n0::");
        const char *group = line ? strstr(line, "0::") + 3 : NULL, *behind = group ? startswith(group, cgroup) : NULL;
        if (behind && (*behind == '\n' || *behind == '/'))
                return 0;
        return diag_error(diag, (SrcLoc) {}, "thread %u is none of this domain", tid);
}

int vm_set_threads(Manager *m, const Vm *vm, const Domain *d, Diag *diag) {
        _cleanup_free_ ThreadSetting *settings = NULL;
        _cleanup_free_ char *json = NULL;
        size_t n = 0;

        int r = check_running(vm, diag);
        if (r >= 0)
                r = thread_settings_new(d, &settings, &n);
        if (r >= 0)
                r = thread_settings_to_json(settings, n, &json);
        return r < 0 ? r : m->backend->monitor_set_threads(m->userdata, vm->name, json, diag);
}
