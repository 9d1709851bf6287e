/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "definition.h"
#include "fd-store.h"
#include "machined.h"
#include "monitor-protocol.h"
#include "names.h"
#include "parse-util.h"
#include "prepare.h"
#include "prepare-result.h"
#include "runtime.h"
#include "scope.h"
#include "start-options.h"
#include "string-util.h"
#include "tpm-state.h"

#define BARRIER_USEC (UINT64_C(2) * 1000000)
#define UNREGISTER_USEC (UINT64_C(3) * 1000000)
/* At shutdown the bus may be a socket that nobody answers on. */
#define UNREGISTER_SECONDS 5U

static void write_final_state(Prepare *p, int dir_fd, const ServiceResult *result) {
        DomainState state = STATE_UNKNOWN;
        DomainReason reason = REASON_UNKNOWN;

        bool known = runtime_read_state(dir_fd, &state, &reason) >= 0;
        if (known && state == STATE_SHUT_OFF)
                return;
        derive_final_state(result, known ? state : STATE_UNKNOWN, known ? reason : REASON_UNKNOWN, &state, &reason);
        _cleanup_close_ int fd = runtime_open_state(dir_fd);
        int r = fd < 0 ? fd : runtime_write_state(fd, state, reason);
        if (r < 0)
                journal_log(&p->journal, LOG_WARNING, NULL, "cannot write '%s/%s': %s", p->runtime, RUNTIME_STATE,
                            strerror(-r));
}

static void log_end(Prepare *p, int dir_fd, const ServiceResult *result) {
        DomainState state;
        DomainReason reason;

        if (runtime_read_state(dir_fd, &state, &reason) < 0)
                return;
        bool crashed = reason == REASON_CRASHED;
        _cleanup_free_ char *how = service_result_describe(result);
        if (reason == REASON_FAILED) /* the reason is in the journal already */
                return;
        const char *id = crashed ? MESSAGE_ID_VM_CRASHED : reason == REASON_PANICKED ? MESSAGE_ID_GUEST_PANICKED : MESSAGE_ID_VM_STOPPED;
        journal_log(&p->journal, crashed ? LOG_ERR : LOG_INFO, id,
                    "Virtual machine %s is %s (%s)%s%s.", p->name, domain_state_to_string(state),
                    strempty(domain_reason_to_string(reason)), how && crashed ? ": " : "", how && crashed ? how : "");
}

/* Who has saved the machine gives the file its name when it has ended. If he was killed before, there is nothing else left of the
 * guest; if the machine has ended otherwise, the file is about a guest that has gone on. */
static void settle_save(Prepare *p, int dir_fd) {
        DomainState state;
        DomainReason reason;
        struct stat st;
        int r = 0;

        if (p->transient || runtime_read_state(dir_fd, &state, &reason) < 0)
                return;
        /* Not what an earlier run has left. */
        if (state == STATE_SHUT_OFF && reason == REASON_SAVED && fstatat(dir_fd, RUNTIME_PLAN, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                r = managed_save_adopt(p->name, &st.st_mtim);
        int k = managed_save_remove_unnamed(p->name, 0);
        if (r >= 0)
                r = k;
        if (r < 0)
                journal_log(&p->journal, LOG_WARNING, NULL, "cannot settle what '%s' was saved to: %s", p->name, strerror(-r));
}

/* systemd starts the unit again when this is over, and the definition is needed once more. Not when it was asked to end it,
 * whatever became of a root step that was under way. */
static bool will_restart(int dir_fd, const ServiceResult *result) {
        DomainState state;
        DomainReason reason;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *json = NULL;
        size_t size;

        if (runtime_read(dir_fd, RUNTIME_PLAN, RUNTIME_PLAN_MAX, &json, &size) < 0 ||
            plan_from_json(json, size, &plan) < 0)
                return false;
        if (result->code == RESULT_EXITED && result->status == EXIT_FORCE_RESTART)
                return true;
        if (runtime_read_state(dir_fd, &state, &reason) >= 0 && state == STATE_SHUT_OFF && reason == REASON_DESTROYED)
                return false;
        const UnitProperty *restart = unit_properties_find(&plan->properties, "Restart");
        return restart && service_result_is_abnormal(result);
}

/* A TPM's state that is to outlive a transient machine. */
static bool keeps_tpm(int dir_fd) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *json = NULL;
        size_t size;

        if (runtime_read(dir_fd, RUNTIME_PLAN, RUNTIME_PLAN_MAX, &json, &size) < 0 || plan_from_json(json, size, &plan) < 0)
                return true;
        FOREACH_ARRAY(fd, plan->fds, plan->n_fds)
                if (fd->kind == PLAN_FD_DIRECTORY && !fd->persistent)
                        return false;
        return true;
}

static void remove_transient(Prepare *p, int dir_fd) {
        _cleanup_free_ char *path = strf("%s/%s.xml", vm_directories()->transient, p->name);

        if (path && unlink(path) < 0 && errno != ENOENT)
                journal_log(&p->journal, LOG_WARNING, NULL, "cannot remove '%s': %s", path, strerror(errno));
        int r = keeps_tpm(dir_fd) ? 0 : tpm_state_remove(p->name);
        if (r < 0)
                journal_log(&p->journal, LOG_WARNING, NULL, "cannot remove the state of the TPM of '%s': %s", p->name, strerror(-r));
        /* Nothing else outlives it. */
        _cleanup_free_ char *image = vm_state_path(p->name, CLOUD_INIT_FILE), *dir = vm_state_path(p->name, NULL);
        if (image && dir && unlink(image) < 0 && errno != ENOENT)
                return;
        if (dir)
                (void) rmdir(dir);
}

static void on_alarm(int signo) {
        _exit(EXIT_SUCCESS);
}

/* The machine that the register step has made known; NULL without one. */
static char *registered_machine(int dir_fd) {
        _cleanup_resources_ Resources list = {};

        if (resources_read(dir_fd, &list) < 0)
                return NULL;
        FOREACH_ARRAY(i, list.items, list.n_items)
                if (i->kind == RESOURCE_MACHINE)
                        return TAKE_PTR(i->name);
        return NULL;
}

/* The last thing of all, since it may not end: machined forgets a machine whose unit is gone anyway. */
static void unregister(const char *machine) {
        struct sigaction action = { .sa_handler = on_alarm };

        if (!machine || sigaction(SIGALRM, &action, NULL) < 0)
                return;
        (void) alarm(UNREGISTER_SECONDS);
        (void) machined_unregister(machine, UNREGISTER_USEC);
        (void) alarm(0);
}

static void clean(Prepare *p, int dir_fd, const ServiceResult *result) {
        bool restarts = will_restart(dir_fd, result);
        int r;

        write_final_state(p, dir_fd, result);
        settle_save(p, dir_fd);
        log_end(p, dir_fd, result);
        r = enter_host_network();
        if (r >= 0)
                r = give_back(p, dir_fd);
        else
                (void) give_back(p, dir_fd);
        int k = release_labels(p);
        if (r >= 0)
                r = k;
        if (r < 0)
                journal_log(&p->journal, LOG_WARNING, NULL, "cannot give back all that '%s' has used: %s", p->name,
                            strerror(-r));
        if (p->transient && !restarts)
                remove_transient(p, dir_fd);
        /* A limit that ended the VM is that of a stop, nearly always: what it leaves would stay. */
        r = runtime_clean(p->name, restarts && !streq(result->word, "timeout") ? RUNTIME_DEFINITION : NULL);
        /* How it has ended is for those who watch it; another machine of the name does not inherit it. */
        if (r >= 0 && p->transient && !restarts)
                r = runtime_write(dir_fd, RUNTIME_TRANSIENT, "", 0, 0644);
        if (r < 0)
                journal_log(&p->journal, LOG_WARNING, NULL, "cannot remove all of '%s': %s", p->runtime, strerror(-r));
        /* The images' locks are free when this returns. */
        (void) fd_store_barrier(BARRIER_USEC);
}

/* A stop always succeeds: what could not be cleaned is a warning. */
int prepare_cleanup(Prepare *p) {
        _cleanup_free_ char *other = NULL;
        ServiceResult result;

        service_result_read(&result);
        _cleanup_close_ int base_fd = runtime_open(NULL, false);
        if (base_fd >= 0)
                (void) start_options_remove(base_fd, p->name);
        _cleanup_close_ int dir_fd = base_fd < 0 ? base_fd : runtime_open(p->name, false);
        if (dir_fd < 0)
                return EXIT_SUCCESS;
        /* The start that lost to another unit of the same VM comes by here, too. */
        if (runtime_owner(p, dir_fd, &other) == -EBUSY)
                return EXIT_SUCCESS;
        _cleanup_free_ char *machine = registered_machine(dir_fd);
        clean(p, dir_fd, &result);
        (void) runtime_set_group(base_fd, p->unit, NULL);
        unregister(machine);
        return EXIT_SUCCESS;
}
