/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "machined.h"
#include "names.h"
#include "parse-util.h"
#include "prepare.h"
#include "runtime.h"
#include "scope.h"
#include "string-util.h"

/* The interfaces machinectl shows, from the book. */
static int read_ifindices(int dir_fd, int **ret, size_t *ret_n) {
        _cleanup_resources_ Resources list = {};
        _cleanup_free_ int *indices = NULL;
        size_t n = 0;

        int r = resources_read(dir_fd, &list);
        if (r < 0)
                return r;
        FOREACH_ARRAY(i, list.items, list.n_items) {
                if ((i->kind != RESOURCE_TAP && i->kind != RESOURCE_INTERFACE) || i->ifindex == 0 || i->ifindex > INT32_MAX)
                        continue;
                if (!ARRAY_GROW(indices, n))
                        return -ENOMEM;
                indices[n++] = (int) i->ifindex;
        }
        *ret = TAKE_PTR(indices);
        *ret_n = n;
        return 0;
}

static int read_plan(int dir_fd, Plan **ret) {
        _cleanup_free_ char *json = NULL;
        size_t size;

        int r = runtime_read(dir_fd, RUNTIME_PLAN, RUNTIME_PLAN_MAX, &json, &size);
        return r < 0 ? r : plan_from_json(json, size, ret);
}

static int do_register(Prepare *p) {
        const char *pid = getenv("MAINPID");
        _cleanup_free_ int *ifindices = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        MachineInfo info = {};
        uint64_t leader;

        if (!pid || parse_u64(pid, 10, &leader) < 0 || leader <= 1 || leader > INT32_MAX)
                return diag_error(&p->diag, (SrcLoc) {}, "MAINPID is not set");
        _cleanup_close_ int dir_fd = runtime_open(p->name, false);
        int r = dir_fd < 0 ? dir_fd : read_plan(dir_fd, &plan);
        if (r >= 0)
                r = read_ifindices(dir_fd, &ifindices, &info.n_ifindices);
        if (r >= 0)
                r = parse_uuid(plan->uuid, info.uuid);
        if (r < 0)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot read the plan of '%s': %s", p->name, strerror(-r));
        info.name = plan->machine;
        info.leader = (pid_t) leader;
        info.ifindices = ifindices;
        r = machined_register(&info, &p->diag);
        if (r < 0)
                return r;
        /* The cleanup takes back what is in the book only: the name may be another machine's. */
        Resource record = { .kind = RESOURCE_MACHINE, .name = plan->machine };
        r = resources_add(dir_fd, &record);
        return r < 0 ? diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot write down that '%s' is registered: %s",
                                       plan->machine, strerror(-r)) : 0;
}

/* The guest goes on from what was saved, whether it was this or what `vmunit restore` was given: from here it cannot go on
 * any more. (When this is not reached, the mark tells.) The guest may run for long already: what is newer than its start was
 * made of it since. */
static void remove_used_save(Prepare *p) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        struct stat st;

        _cleanup_close_ int dir_fd = p->transient ? -EBADF : runtime_open(p->name, false);
        if (dir_fd < 0 || read_plan(dir_fd, &plan) < 0 || !plan->restores)
                return;
        int r = fstatat(dir_fd, RUNTIME_PLAN, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : managed_save_remove_older(p->name, &st.st_mtim);
        if (r < 0)
                journal_log(&p->journal, LOG_WARNING, NULL, "cannot remove the managed save of '%s': %s", p->name, strerror(-r));
}

/* The VM runs, whether machinectl knows it or not. */
int prepare_register(Prepare *p) {
        remove_used_save(p);
        if (vm_is_session())
                return EXIT_SUCCESS; /* systemd-machined is about the machines of the system */
        int r = do_register(p);

        journal_log(&p->journal, LOG_INFO, MESSAGE_ID_VM_STARTED, "Virtual machine %s is running.", p->name);
        if (r == -ENOTCONN)
                journal_log(&p->journal, LOG_INFO, NULL, "systemd-machined is not there: machinectl does not list '%s'.",
                            p->name);
        else if (r < 0)
                journal_log(&p->journal, LOG_WARNING, MESSAGE_ID_REGISTER_FAILED, "%s",
                            diag_first_error(&p->diag) ?: strerror(-r));
        return EXIT_SUCCESS;
}
