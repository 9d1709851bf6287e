/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include "definition.h"
#include "definitions.h"
#include "file-util.h"
#include "plans.h"
#include "vm-lifecycle.h"
#include "json-member.h"
#include "qmp.h"
#include "monitor-protocol.h"
#include "labels.h"
#include "names.h"
#include "runtime.h"
#include "start-options.h"
#include "string-util.h"
#include "systemd.h"
#include "taint.h"
#include "tap.h"

#define DESTROY_GRACE_USEC (UINT64_C(10) * 1000000)  /* for the supervisor to end its VM */
#define DESTROY_LIMIT_USEC (UINT64_C(30) * 1000000)  /* for the unit after everything in it was killed */

static int not_running(Diag *diag) {
        return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
}

/* --- start --- */

/* What the prepare step has to know of this start and no other, kept for as long as its job runs. */
typedef struct StartOptions {
        int base_fd;
        int fd;           /* of what was written; others would take it for that of somebody who is gone without it */
        const char *name; /* NULL: nothing was written */
} StartOptions;
#define START_OPTIONS_NONE { .base_fd = -EBADF, .fd = -EBADF }

static void start_options_done(StartOptions *o) {
        if (o->name)
                (void) start_options_remove(o->base_fd, o->name);
        o->fd = safe_close(o->fd);
        o->base_fd = safe_close(o->base_fd);
}

static void note_job(uint32_t job, void *userdata) {
        const StartOptions *o = userdata;

        if (o->fd >= 0)
                start_options_note(o->fd, job);
}

static StartOptionFlags options_of(VmStartFlags flags) {
        return (flags & VM_START_PAUSED ? START_OPTION_PAUSED : 0) | (flags & VM_START_FORCE_BOOT ? START_OPTION_FORCE_BOOT : 0) |
                (flags & VM_START_RESTORE ? START_OPTION_RESTORE : 0) | (flags & VM_START_RESET_NVRAM ? START_OPTION_RESET_NVRAM : 0);
}

static int write_start_options(Manager *m, const char *name, VmStartFlags flags, char *const *credentials, Diag *diag,
                               StartOptions *o) {
        if (!flags && !credentials)
                return 0;
        int r = mkdir_parents(m->runtime_dir, 0755);

        if (r >= 0)
                r = o->base_fd = manager_open_runtime(m, NULL);
        if (r >= 0)
                o->name = name;
        if (r >= 0)
                r = o->fd = start_options_write(o->base_fd, name, options_of(flags));
        if (r >= 0 && credentials)
                r = start_credentials_write(o->base_fd, name, credentials);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot write below '%s': %s", m->runtime_dir,
                                       strerror(-r));
        return 0;
}

/* Has systemd loaded exactly this definition? */
static int ensure_loaded(Manager *m, const Vm *vm, const Domain *d, const char *digest, Diag *diag) {
        VmUnitLoad load = {};

        int r = m->backend->unit_load(m->userdata, vm->unit, &load);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot ask systemd about unit '%s': %s",
                                       vm->unit, strerror(-r));
        bool stale = load.needs_reload || !load.digest || !streq(load.digest, digest) ||
                     labels_are_stale(m, d, &load);
        if (load.masked)
                r = diag_error_code(diag, -ERFKILL, (SrcLoc) {}, "unit '%s' is masked", vm->unit);
        vm_unit_load_done(&load);
        if (r < 0 || !stale)
                return r;
        return m->backend->reload(m->userdata, diag);
}

/* The unit wants its bridges' device units, so that a boot waits for them; nobody at a prompt wants to wait until
 * systemd gives up on one that nothing is about to make. */
static int check_net_devices(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces) {
                _cleanup_free_ char *reason = NULL;

                int r = i->type == INTERFACE_BRIDGE ? bridge_check(i->source_bridge, &reason) :
                        i->type == INTERFACE_DIRECT ? net_device_check(i->source_dev, &reason) : 0;
                if (r < 0)
                        return diag_error_code(diag, r, i->info.loc, "%s", strempty(reason));
        }
        return 0;
}

/* Nobody knows what has become of the job: it goes on, most likely, and is not to become another start than the one that was asked
 * for. Then the prepare step takes its options away. */
static bool lost_systemd(int r) {
        return r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE || r == -ETIMEDOUT || r == -ENOMEM;
}

int vm_start(Manager *m, const Vm *vm, VmStartFlags flags, char *const *credentials, Diag *diag) {
        _cleanup_(start_options_done) StartOptions options = START_OPTIONS_NONE;
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        _cleanup_definition_ Definition d = {};

        if (vm->active)
                return diag_error_code(diag, -EEXIST, (SrcLoc) {}, "Domain is already active");
        int r = definition_load(vm->name, &d);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "%s: %s", d.path ?: vm->name,
                                       definition_error(r));

        /* The prepare step does this again; here the reasons come with their places, and nothing is reloaded or
         * started for a definition that cannot work. */
        if (diag && !diag->file)
                (void) diag_init(diag, d.path);
        r = m->made_up ? 0 : definition_check_config(diag);
        if (r >= 0)
                r = definition_parse(m, d.text, d.size, 0, diag, &p);
        if (r >= 0)
                r = definition_check_file_name(d.path, p.domain, diag);
        if (r >= 0 && !m->made_up)
                r = check_net_devices(p.domain, diag);
        if (r >= 0)
                r = definition_check_resources(m, p.domain, diag);
        if (r < 0)
                return r;

        r = ensure_loaded(m, vm, p.domain, d.digest, diag);
        if (r < 0)
                return r;
        r = write_start_options(m, vm->name, flags, credentials, diag, &options);
        if (r < 0)
                return r;
        r = m->backend->start_unit(m->userdata, vm->unit, &(SystemdJobNote) { note_job, &options }, diag);
        if (lost_systemd(r))
                options.name = NULL;
        return r;
}

/* --- create --- */

static int check_name_is_free(Manager *m, const char *name, Diag *diag) {
        _cleanup_vm_ Vm vm = {};

        int r = vm_lookup(m, name, VM_BY_NAME, diag, &vm);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        if (vm.active)
                return diag_error_code(diag, -EEXIST, (SrcLoc) {},
                                       "Requested operation is not valid: domain '%s' is already active", name);
        return diag_error_code(diag, -EEXIST, (SrcLoc) {},
                               "operation failed: domain '%s' is already defined in %s", name, vm.source_path);
}

#define TRANSIENT_DIRECTORY ".transient"
#define TRANSIENT_LOCK ".lock" /* for looking whether a name is free and taking it */

/* The file the prepare step reads; its name is what VmDirectories.transient promises. *ret_claim, the caller's, keeps it from
 * others until there is a unit, which does: without that, a second call would overwrite the file, and remove it when its
 * unit cannot be made. */
static int write_transient(Manager *m, const char *name, const char *text, size_t size, Diag *diag,
                           char **ret_path, int *ret_claim) {
        _cleanup_free_ char *dir = strf("%s/" TRANSIENT_DIRECTORY, m->runtime_dir), *file = strf("%s.xml", name);
        _cleanup_free_ char *path = dir && file ? strf("%s/%s", dir, file) : NULL;

        if (!path)
                return -ENOMEM;
        int r = mkdir_parents(dir, 0755);
        _cleanup_close_ int dir_fd = r < 0 ? r : manager_open_runtime(m, TRANSIENT_DIRECTORY);
        _cleanup_close_ int lock = dir_fd < 0 ? dir_fd : runtime_lock(dir_fd, TRANSIENT_LOCK);
        if (lock < 0)
                return diag_error_code(diag, lock, (SrcLoc) {}, "cannot write '%s': %s", path, strerror(-lock));
        r = check_name_is_free(m, name, diag);
        if (r < 0)
                return r;
        _cleanup_close_ int other = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (other >= 0 && flock(other, LOCK_EX | LOCK_NB) < 0)
                return diag_error_code(diag, -EEXIST, (SrcLoc) {}, "Requested operation is not valid: domain '%s' is being created", name);
        r = write_file_atomic(dir_fd, file, text, size, 0600);
        _cleanup_close_ int claim = r < 0 ? r : openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (r >= 0 && (claim < 0 || flock(claim, LOCK_EX | LOCK_NB) < 0))
                r = -errno;
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot write '%s': %s", path, strerror(-r));
        *ret_path = TAKE_PTR(path);
        *ret_claim = TAKE_FD(claim);
        return 0;
}

int vm_create(Manager *m, const char *text, size_t size, VmStartFlags flags, char *const *credentials, bool strict,
              Diag *diag, char **ret_name) {
        _cleanup_parsed_definition_ ParsedDefinition p = {};
        /* Behind what it takes the name from: cleaned up before it. */
        _cleanup_(start_options_done) StartOptions options = START_OPTIONS_NONE;
        _cleanup_free_ char *path = NULL, *unit = NULL;
        /* Keep the labels and the name until the machine runs. */
        _cleanup_close_ int hold = -EBADF, claim = -EBADF;

        int r = definition_parse(m, text, size, strict ? PARSE_STRICT : 0, diag, &p);
        if (r < 0)
                return r;
        const char *name = p.domain->name;
        unit = vm_transient_unit(name);
        if (!unit)
                return -ENOMEM;
        r = write_transient(m, name, text, size, diag, &path, &claim);
        if (r < 0)
                return r;
        r = write_start_options(m, name, flags, credentials, diag, &options);
        if (r >= 0)
                r = labels_reserve(m, p.domain, diag, &hold);
        if (r >= 0) {
                TransientStart start = {
                        .name = name, .unit = unit, .source_path = path, .domain = p.domain, .digest =
                                p.digest,
                };
                r = m->backend->start_transient(m->userdata, &start, &(SystemdJobNote) { note_job, &options }, diag);
        }
        if (r < 0) {
                if (hold >= 0)
                        labels_give_up(m, p.domain);
                (void) unlink(path);
                return r;
        }
        *ret_name = TAKE_PTR(p.domain->name);
        return 0;
}

/* --- what the monitor is asked for --- */

static bool monitor_is_gone(int r) {
        return r == -ENOENT || r == -ECONNREFUSED || r == -ECONNRESET || r == -ETIMEDOUT;
}

static int call_monitor(Manager *m, const Vm *vm, MonitorVerb verb, const char *mode, Diag *diag) {
        int r = m->backend->monitor_call(m->userdata, vm->name, verb, mode, diag);

        if (r < 0 && diag && diag->n_errors == 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "the monitor of domain '%s' does not answer: %s",
                                       vm->name, strerror(-r));
        return r;
}

/* The supervisor knows these requests as signals, too: a monitor that hangs is no obstacle. */
static int call_or_signal(Manager *m, const Vm *vm, MonitorVerb verb, const char *mode, int signo,
                          Diag *diag) {
        _cleanup_diag_ Diag first = {};

        if (!vm->active)
                return not_running(diag);
        int r = m->backend->monitor_call(m->userdata, vm->name, verb, mode, &first);
        if (r >= 0)
                return 0;
        if (monitor_is_gone(r) && !mode && m->backend->kill_unit(m->userdata, vm->unit, true, signo,
                                                                 NULL) >= 0)
                return 0;
        return diag_error_code(diag, r, (SrcLoc) {}, "%s", diag_first_error(&first) ?: strerror(-r));
}

int vm_shutdown(Manager *m, const Vm *vm, const char *mode, Diag *diag) {
        return call_or_signal(m, vm, MONITOR_VERB_SHUTDOWN, mode, SUPERVISOR_SIGNAL_POWEROFF, diag);
}

int vm_reboot(Manager *m, const Vm *vm, const char *mode, Diag *diag) {
        return call_or_signal(m, vm, MONITOR_VERB_REBOOT, mode, SIGINT, diag);
}

int vm_reset(Manager *m, const Vm *vm, Diag *diag) {
        return call_or_signal(m, vm, MONITOR_VERB_RESET, NULL, SUPERVISOR_SIGNAL_RESET, diag);
}

int vm_suspend(Manager *m, const Vm *vm, Diag *diag) {
        return vm->active ? call_monitor(m, vm, MONITOR_VERB_SUSPEND, NULL, diag) : not_running(diag);
}

int vm_resume(Manager *m, const Vm *vm, Diag *diag) {
        return vm->active ? call_monitor(m, vm, MONITOR_VERB_RESUME, NULL, diag) : not_running(diag);
}

/* --- destroy --- */

static int destroy_gracefully(Manager *m, const Vm *vm, Diag *diag) {
        int r = m->backend->monitor_call(m->userdata, vm->name, MONITOR_VERB_QUIT, NULL, diag);
        /* QEMU may be gone before its answer has arrived. */
        if (r < 0 && r != -ECONNRESET)
                return r;
        return m->backend->stop_unit(m->userdata, vm->unit, DESTROY_GRACE_USEC, diag);
}

int vm_destroy(Manager *m, const Vm *vm, bool graceful, Diag *diag) {
        if (!vm->active)
                return not_running(diag);
        if (graceful)
                return destroy_gracefully(m, vm, diag);

        /* There is no main process yet while the unit is being prepared: no reason to give up. */
        (void) m->backend->kill_unit(m->userdata, vm->unit, true, SUPERVISOR_SIGNAL_DESTROY, NULL);
        int r = m->backend->stop_unit(m->userdata, vm->unit, DESTROY_GRACE_USEC, NULL);
        if (r == -ENOENT) /* a transient unit that has ended by the signal is gone */
                return 0;
        if (r != -ETIMEDOUT)
                return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot stop unit '%s': %s", vm->unit,
                                               strerror(-r)) : 0;

        /* Not even the supervisor answers, say because it was stopped. */
        r = m->backend->kill_unit(m->userdata, vm->unit, false, SIGKILL, diag);
        if (r < 0)
                return r;
        return m->backend->stop_unit(m->userdata, vm->unit, DESTROY_LIMIT_USEC, diag);
}

/* --- consoles --- */

int vm_open_console(Manager *m, const Vm *vm, const char *alias, bool force, Diag *diag, ConsoleWatch **ret_watch) {
        if (!vm->active)
                return not_running(diag);
        return m->backend->monitor_open_console(m->userdata, vm->name, alias, force, ret_watch, diag);
}

int vm_view_console(Manager *m, const Vm *vm, const char *alias, Diag *diag) {
        if (!vm->active)
                return not_running(diag);
        return m->backend->monitor_view_console(m->userdata, vm->name, alias, diag);
}

int vm_tty_console(Manager *m, const Vm *vm, Diag *diag, char **ret) {
        VmConsole *consoles = NULL;
        size_t n = 0;

        if (!vm->active)
                return not_running(diag);
        int r = m->backend->monitor_consoles(m->userdata, vm->name, &consoles, &n, diag);
        if (r < 0)
                return r;
        if (n > 0 && !isempty(consoles[0].device))
                *ret = TAKE_PTR(consoles[0].device);
        else
                r = -ENOENT;
        vm_consoles_free(consoles, n);
        return r < 0 ? r : 0;
}

int vm_qmp(Manager *m, const Vm *vm, const char *command, Diag *diag, char **ret) {
        if (!vm->active)
                return not_running(diag);
        return m->backend->monitor_qmp(m->userdata, vm->name, command, ret, diag);
}

int vm_qmp_by_hand(Manager *m, const Vm *vm, const char *command, Diag *diag, char **ret) {
        if (vm->active)
                vm_taint(m, vm, TAINT_CUSTOM_MONITOR);
        return vm_qmp(m, vm, command, diag, ret);
}

int vm_qmp_explain(const char *command, int r, const Diag *own, Diag *diag) {
        const char *why = diag_first_error(own) ?: strerror(-r);

        if (r == -EREMOTEIO)
                return diag_error_code(diag, r, (SrcLoc) {}, "internal error: unable to execute QEMU command '%s': %s", command, why);
        return diag_error_code(diag, r, (SrcLoc) {}, "%s", why);
}

int vm_qmp_ask(Manager *m, const Vm *vm, const char *command, json_object *arguments, Diag *diag, json_object **ret) {
        _cleanup_free_ char *reply = NULL;
        _cleanup_free_ char *text = json_command(command, arguments);
        _cleanup_diag_ Diag own = {};

        if (!text)
                return -ENOMEM;
        int r = vm_qmp(m, vm, text, &own, &reply);
        if (r < 0)
                return vm_qmp_explain(command, r, &own, diag);
        if (!ret)
                return 0;
        *ret = json_parse(reply, QMP_DEPTH_MAX);
        return *ret ? 0 : diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "QEMU's answer to '%s' makes no sense", command);
}
