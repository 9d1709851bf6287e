/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "control-client.h"
#include "direct.h"
#include "file-util.h"
#include "monitor-protocol.h"
#include "names.h"
#include "open-files.h"
#include "open-sockets.h"
#include "plans.h"
#include "private-directory.h"
#include "runtime.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

const char *const direct_missing[] = {
        "QEMU runs as you, not under a user of its own",
        "no limits by control groups",
        "no sandbox around QEMU but its own",
        "not known to systemd and machinectl, and not in `vmunit list`",
        NULL,
};

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* Descriptors to hand over, by name. */
typedef struct Handover {
        int *fds; /* owned, and so are the descriptors */
        size_t n;
        Text names; /* "a:b:c" */
} Handover;

static void handover_done(Handover *h) {
        FOREACH_ARRAY(fd, h->fds, h->n)
                safe_close(*fd);
        free(h->fds);
        text_done(&h->names);
}

/* Takes FD over, also on failure. */
static int handover_add(Handover *h, const char *name, int fd) {
        if (fd < 0)
                return fd;
        if (!ARRAY_GROW(h->fds, h->n)) {
                safe_close(fd);
                return -ENOMEM;
        }
        text_appendf(&h->names, "%s%s", h->n > 0 ? ":" : "", name);
        h->fds[h->n++] = fd;
        return h->names.failed ? -ENOMEM : 0;
}

/* --- the directory --- */

/* Two runs of one name would otherwise take each other's files away. */
static int lock_directory(const Plan *p, DirectVm *vm, Diag *diag) {
        vm->lock_fd = open(vm->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (vm->lock_fd >= 0 && flock(vm->lock_fd, LOCK_EX | LOCK_NB) >= 0)
                return 0;
        int r = -errno;
        vm->lock_fd = safe_close(vm->lock_fd);
        if (r == -EWOULDBLOCK)
                return diag_error_code(diag, r, (SrcLoc) {},
                                       "Requested operation is not valid: domain '%s' is already active", p->name);
        return diag_error_code(diag, r, (SrcLoc) {}, "cannot use '%s': %s", vm->dir, strerror(-r));
}

static int make_subdirectories(const Plan *p, DirectVm *vm, Diag *diag) {
        STRV_FOREACH(d, p->directories) {
                _cleanup_free_ char *path = **d == '/' ? strdup(*d) : strf("%s/%s", vm->dir, *d);
                if (!path)
                        return -ENOMEM;
                if (mkdir(path, 0700) < 0 && errno != EEXIST)
                        return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot make '%s': %m", path);
        }
        return 0;
}

/* Root has the usual place, which paths in the plan lead to; others a directory of their own. */
static int make_directory(Plan *p, DirectVm *vm, Diag *diag) {
        const char *base = getenv("XDG_RUNTIME_DIR");

        if (geteuid() == 0) {
                vm->dir = vm_runtime_path(p->name, NULL);
                int r = vm->dir ? mkdir_parents(vm->dir, 0755) : -ENOMEM;
                if (r < 0)
                        return diag_error_code(diag, r, (SrcLoc) {}, "cannot make '%s': %s", vm->dir,
                                               strerror(-r));
                r = lock_directory(p, vm, diag);
                return r < 0 ? r : make_subdirectories(p, vm, diag);
        }
        if (p->directories && *p->directories)
                return diag_error_code(diag, -EPERM, (SrcLoc) {}, "cannot make '%s' without root's rights",
                                       *p->directories);
        /* Without a systemd there is nothing else of a session. */
        vm->dir = strf("%s/vmunit-%s-XXXXXX", isempty(base) ? "/tmp" : base, p->name);
        if (!vm->dir)
                return -ENOMEM;
        if (!mkdtemp(vm->dir)) {
                int r = diag_error_code(diag, -errno, (SrcLoc) {}, "cannot make '%s': %m", vm->dir);
                vm->dir = mfree(vm->dir);
                return r;
        }
        int r = free_and_strdup(&p->runtime, vm->dir);
        return r < 0 ? r : lock_directory(p, vm, diag);
}

/* --- what is handed over --- */

static int make_link(const PlanFd *fd, const DirectVm *vm, Diag *diag) {
        _cleanup_free_ char *link = strf("%s/%s", vm->dir, fd->link), *target = strf("/proc/self/fd/%u", fd->number);

        if (!link || !target)
                return -ENOMEM;
        return symlink(target, link) < 0 ? diag_error_code(diag, -errno, fd->loc, "cannot make '%s': %m", link) : 0;
}

static int add_plan_fds(const Plan *p, const DirectVm *vm, Handover *h, Diag *diag) {
        FOREACH_ARRAY(fd, p->fds, p->n_fds) {
                OpenedFd o = {};
                int r;

                if (fd->kind == PLAN_FD_PAIR)
                        continue; /* the supervisor's */
                r = open_plan_fd(fd, geteuid(), diag, &o);
                for (size_t i = 0; r >= 0 && i < o.n_fds; i++) {
                        _cleanup_free_ char *name = opened_fd_name(fd, i);
                        r = name ? handover_add(h, name, TAKE_FD(o.fds[i])) : -ENOMEM;
                }
                opened_fd_done(&o);
                if (r >= 0 && fd->link)
                        r = make_link(fd, vm, diag);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_own_fds(const Plan *p, DirectVm *vm, Handover *h, Diag *diag) {
        _cleanup_free_ char *launch = NULL, *json = NULL, *reason = NULL;
        struct stat st;
        size_t size;

        vm->control = strf("%s/" RUNTIME_CONTROL, vm->dir);
        if (!vm->control)
                return -ENOMEM;
        int r = plan_to_launch(p, false, &launch, &size);
        if (r >= 0)
                r = handover_add(h, SUPERVISOR_FD_LAUNCH,
                                 memfd_from_data(SUPERVISOR_FD_LAUNCH, launch, size));
        if (r >= 0)
                r = plan_to_json(p, &json);
        if (r >= 0)
                r = handover_add(h, MONITOR_FD_PLAN, memfd_from_data(MONITOR_FD_PLAN, json, strlen(json)));
        if (r >= 0)
                r = handover_add(h, SUPERVISOR_FD_STATE, runtime_open_state(vm->lock_fd));
        if (r < 0)
                return r;
        r = handover_add(h, MONITOR_FD_CONTROL, listen_unix(vm->control, geteuid(), &st, &reason));
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot listen on '%s': %s", vm->control,
                                       reason ?: strerror(-r)) : 0;
}

/* --- the supervisor --- */

/* In the child. The descriptors are first moved out of the way of the numbers they get. */
static _noreturn_ void execute_supervisor(Handover *h, pid_t parent) {
        static const char program[] = VMUNIT_LIBEXECDIR "/vmunit-supervisor";
        char pid[32], count[32];
        sigset_t none;

        /* As unit of systemd it would be ended with it; here the VM is ours. */
        if (prctl(PR_SET_PDEATHSIG, SUPERVISOR_SIGNAL_DESTROY) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) setsid(); /* ^C at the terminal is for us */
        for (size_t i = 0; i < h->n; i++) {
                h->fds[i] = fcntl(h->fds[i], F_DUPFD_CLOEXEC, FIRST_FD + (int) h->n);
                if (h->fds[i] < 0)
                        _exit(EXIT_FAILURE);
        }
        for (size_t i = 0; i < h->n; i++)
                if (dup2(h->fds[i], FIRST_FD + (int) i) < 0)
                        _exit(EXIT_FAILURE);
        (void) snprintf(pid, sizeof(pid), "%d", (int) getpid());
        (void) snprintf(count, sizeof(count), "%zu", h->n);
        int null = open("/dev/null", O_RDONLY);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || setenv("LISTEN_PID", pid, 1) < 0 ||
            setenv("LISTEN_FDS", count, 1) < 0 || setenv("LISTEN_FDNAMES", strempty(h->names.data), 1) < 0)
                _exit(EXIT_FAILURE);
        execl(program, program, (char *) NULL);
        fprintf(stderr, "error: cannot execute %s: %m\n", program);
        _exit(EXIT_FAILURE);
}

static int start_supervisor(Handover *h, DirectVm *vm, Diag *diag) {
        pid_t parent = getpid(), pid = fork();

        if (pid < 0)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot start the supervisor: %m");
        if (pid == 0)
                execute_supervisor(h, parent);
        vm->pid = pid;
        return 0;
}

static int start_plan(Plan *p, DirectVm *vm, Diag *diag) {
        _cleanup_(handover_done) Handover h = {};

        int r = make_directory(p, vm, diag);
        leave_out_missing(p);
        if (r >= 0)
                r = check_helpers(p, diag);
        if (r >= 0)
                r = add_own_fds(p, vm, &h, diag);
        if (r >= 0)
                r = add_plan_fds(p, vm, &h, diag);
        return r < 0 ? r : start_supervisor(&h, vm, diag);
}

int direct_start(Manager *m, const char *text, size_t size, const char *source_path, Diag *diag,
                 DirectVm *ret) {
        _cleanup_(plan_freep) Plan *p = NULL;
        _cleanup_(direct_done) DirectVm vm = DIRECT_VM_EMPTY;

        /* Everything the prepare step would refuse, with its place in the file. */
        int r = definition_verify(m, text, size, source_path, PLANNING_HOST, diag);
        if (r >= 0)
                r = definition_plan(m, text, size, source_path, PLANNING_HOST, NULL, &p);
        if (r < 0)
                return r;
        p->start_paused = true;
        r = free_and_strdup(&vm.name, p->name);
        if (r >= 0)
                r = start_plan(p, &vm, diag);
        if (r < 0)
                return r;
        *ret = vm;
        vm = DIRECT_VM_EMPTY;
        return 0;
}

/* --- while it runs --- */

int direct_resume(DirectVm *vm, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        int r = control_open_path(vm->control, &bus);
        return r < 0 ? r : control_resume(bus, CONTROL_TIMEOUT_USEC, diag);
}

int direct_open_console(DirectVm *vm, Diag *diag) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int fd;

        int r = control_open_path(vm->control, &bus);
        if (r >= 0)
                r = control_open_console(bus, NULL, true, CONTROL_TIMEOUT_USEC, diag, &fd);
        return r < 0 ? r : fd;
}

void direct_destroy(DirectVm *vm) {
        if (vm->pid > 0)
                (void) kill(vm->pid, SUPERVISOR_SIGNAL_DESTROY);
}

int direct_wait(DirectVm *vm, int *ret_status) {
        while (waitpid(vm->pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        vm->pid = 0;
        return 0;
}

void direct_done(DirectVm *vm) {
        int status;

        if (vm->pid > 0) {
                direct_destroy(vm);
                (void) direct_wait(vm, &status);
        }
        if (vm->lock_fd >= 0)
                directory_remove(vm->dir);
        free(vm->dir);
        free(vm->control);
        free(vm->name);
        safe_close(vm->lock_fd);
        *vm = DIRECT_VM_EMPTY;
}
