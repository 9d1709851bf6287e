/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "console-watch.h"
#include "control-events.h"
#include "diag.h"
#include "domain-state.h"
#include "domain.h"
#include "host-facts.h"
#include "macro.h"
#include "plan.h"
#include "qemu-caps.h"
#include "scope.h"

/* What can be done to VMs: functions with structs in and out and a Diag, no option parsing, no printing.
 * `vmunit` is the first face of it. There is no state between calls but what is on the machine: definitions,
 * /run/vmunit and systemd's units.
 *
 * What touches systemd, monitors and emulators goes through a table of functions, so that tests run the
 * operations, and everything above them, against a machine they made up. */

typedef enum UnitActivity {
        UNIT_INACTIVE,
        UNIT_FAILED,
        UNIT_ACTIVATING,
        UNIT_ACTIVE, /* also reloading */
        UNIT_DEACTIVATING,
} UnitActivity;

static inline bool unit_activity_is_on(UnitActivity a) {
        return a >= UNIT_ACTIVATING;
}

/* One VM's unit that systemd has loaded. */
typedef struct VmUnit {
        char *unit; /* owned */
        char *name; /* owned: the VM's */
        bool transient;
        UnitActivity activity;
} VmUnit;

/* How a unit was loaded. */
typedef struct VmUnitLoad {
        char *digest; /* owned: VMUNIT_DIGEST of its environment, or NULL */
        char *source; /* owned: VMUNIT_SOURCE */
        char *context; /* owned: SELinuxContext=, or NULL */
        char *profile; /* owned: AppArmorProfile=, or NULL */
        char *user; /* owned: User=, or NULL */
        bool needs_reload;
        bool masked;
} VmUnitLoad;

/* How a unit is, for people. */
typedef struct VmUnitStatus {
        char *active, *sub;   /* owned: "active", "running" */
        char *result;         /* owned: "success", "exit-code" … of its last run */
        uint64_t since_usec;  /* of the wall clock: when it became so; 0: not known */
        unsigned main_pid;    /* 0: none */
} VmUnitStatus;

typedef enum MonitorVerb {
        MONITOR_VERB_SUSPEND,
        MONITOR_VERB_RESUME,
        MONITOR_VERB_SHUTDOWN,
        MONITOR_VERB_REBOOT,
        MONITOR_VERB_RESET,
        MONITOR_VERB_QUIT, /* see control_quit() */
} MonitorVerb;

typedef struct VmConsole {
        char *alias;  /* owned: "serial0" */
        char *device; /* owned: "/dev/pts/3", or "" */
} VmConsole;

typedef struct VmThread {
        ThreadKind kind;
        unsigned id, tid;
        NumberSet cpus; /* it may run on */
} VmThread;

typedef struct SystemdJobNote SystemdJobNote;

typedef struct TransientStart {
        const char *name, *unit;
        const char *source_path; /* the definition, already in its place */
        const Domain *domain;
        const char *digest;
} TransientStart;

/* A machine that is being saved: the backend's own. */
typedef struct SaveSession SaveSession;

/* All of them return 0 or a negative errno and explain it in DIAG where there is one; all have a time limit.
 * -ENOTCONN from those that ask systemd: there is no systemd to ask. */
typedef struct ManagerBackend {
        int (*list_units)(void *userdata, VmUnit **ret, size_t *ret_n);
        int (*unit_activity)(void *userdata, const char *unit, UnitActivity *ret);
        int (*unit_load)(void *userdata, const char *unit, VmUnitLoad *ret);
        /* Both may be NULL: nothing is known then. */
        int (*unit_status)(void *userdata, const char *unit, VmUnitStatus *ret);
        /* The last N lines of the journal about one of UNITS (up to NULL), oldest first; *ret is the caller's. */
        int (*unit_log)(void *userdata, const char *const *units, unsigned n, char ***ret);
        bool (*unit_enabled)(void *userdata, const char *unit);
        int (*set_unit_enabled)(void *userdata, const char *unit, bool enabled, Diag *diag);
        int (*reload)(void *userdata, Diag *diag);
        /* Waits for the job's end; a failed job is -ECANCELED, with the unit's own last errors in DIAG. NOTE: see systemd.h. */
        int (*start_unit)(void *userdata, const char *unit, const SystemdJobNote *note, Diag *diag);
        int (*start_transient)(void *userdata, const TransientStart *start, const SystemdJobNote *note, Diag *diag);
        int (*stop_unit)(void *userdata, const char *unit, uint64_t limit_usec, Diag *diag);
        /* For one that ends by itself: it is waited for, and whoever starts it again meanwhile is not stopped. */
        int (*settle_unit)(void *userdata, const char *unit, uint64_t limit_usec, Diag *diag);
        int (*kill_unit)(void *userdata, const char *unit, bool main_only, int signo, Diag *diag);
        /* The cgroup properties of P, for as long as the unit runs; and those it has, as unit-properties.h writes them
         * (single numbers only; "infinity" for what is not set). */
        int (*set_unit_properties)(void *userdata, const char *unit, const UnitProperties *p, Diag *diag);
        int (*get_unit_properties)(void *userdata, const char *unit, UnitProperties *ret);
        int (*unit_cpu_usage)(void *userdata, const char *unit, uint64_t *ret_nsec);
        /* Its cgroup, "/machine.slice/vm@web.service"; *ret is the caller's. */
        int (*unit_cgroup)(void *userdata, const char *unit, char **ret);

        int (*monitor_call)(void *userdata, const char *name, MonitorVerb verb, const char *mode, Diag *diag);
        /* A descriptor. *ret_watch is the caller's; NULL when nobody can take it. */
        int (*monitor_open_console)(void *userdata, const char *name, const char *alias, bool force, ConsoleWatch **ret_watch,
                                    Diag *diag);
        int (*monitor_view_console)(void *userdata, const char *name, const char *alias, Diag *diag);
        int (*monitor_consoles)(void *userdata, const char *name, VmConsole **ret, size_t *ret_n, Diag *diag);
        int (*monitor_qmp)(void *userdata, const char *name, const char *command, char **ret, Diag *diag);
        /* LIMIT_USEC is for the agent's answer; 0: it is not waited for, *ret is "null". */
        int (*monitor_agent)(void *userdata, const char *name, const char *command, uint64_t limit_usec, char **ret, Diag *diag);
        /* As monitor_qmp, with a descriptor that stays the caller's. */
        int (*monitor_qmp_with_fd)(void *userdata, const char *name, const char *command, int fd, char **ret, Diag *diag);

        /* SETTINGS: thread_settings_to_json(). */
        int (*monitor_set_threads)(void *userdata, const char *name, const char *settings, Diag *diag);
        /* ACTIONS: see control_set_actions(). */
        int (*monitor_set_actions)(void *userdata, const char *name, const char *actions, Diag *diag);
        int (*monitor_threads)(void *userdata, const char *name, VmThread **ret, size_t *ret_n, Diag *diag);

        /* Returns when the guest has let go of DEVICE: -ECANCELED when it will not, -ETIMEDOUT. */
        int (*monitor_unplug)(void *userdata, const char *name, const char *device, Diag *diag);

        /* See control_save(); *ret_session is for the others, and ends by monitor_save_close(), also on its own. */
        int (*monitor_save)(void *userdata, const char *name, Diag *diag, SaveSession **ret_session, int *ret_fd);
        int (*monitor_wait_saved)(void *userdata, SaveSession *session, Diag *diag);
        int (*monitor_end_saved)(void *userdata, SaveSession *session, Diag *diag);
        void (*monitor_save_close)(void *userdata, SaveSession *session);
        /* See control_dump(): with FILE (-1: none) what *ret_fd would be is written there by QEMU. */
        int (*monitor_dump)(void *userdata, const char *name, const char *format, bool live, int file, Diag *diag, SaveSession **ret_session,
                            int *ret_fd);
        int (*monitor_end_dump)(void *userdata, SaveSession *session, const char *then, Diag *diag);

        /* See control_progress(), control_get_job(), control_abort_job(). */
        int (*monitor_progress)(void *userdata, SaveSession *session, uint64_t processed, uint64_t total, Diag *diag);
        int (*monitor_job)(void *userdata, const char *name, bool completed, bool keep, char **ret, Diag *diag);
        int (*monitor_abort_job)(void *userdata, const char *name, Diag *diag);

        /* What systemd says of units, as it happens, see unit-watch.h: CHANGED tells a unit's activity, or that no more comes. */
        int (*watch_units)(void *userdata, sd_event *event,
                           void (*changed)(const char *unit, UnitActivity activity, bool lost, void *changed_userdata),
                           void *changed_userdata, void **ret);
        void (*unwatch_units)(void *userdata, void *watch);
        /* A subscription to what a monitor says, see control-events.h. */
        int (*watch_monitor)(void *userdata, sd_event *event, const char *name, const ControlEventsHandlers *handlers,
                             void *handlers_userdata, void **ret);
        void (*drain_monitor)(void *userdata, void *watch);
        void (*unwatch_monitor)(void *userdata, void *watch);

        /* What EMULATOR can do; only_cached: without executing it. -ENOENT: not known, or no such program. */
        int (*emulator_caps)(void *userdata, const char *emulator, bool only_cached, Diag *diag,
                             QemuCaps **ret);
        /* What this machine is like. */
        int (*host_facts)(void *userdata, HostFacts *ret);
} ManagerBackend;

typedef struct Manager {
        const ManagerBackend *backend;
        void *userdata;    /* of the backend */
        char *runtime_dir; /* owned: /run/vmunit */
        const char *host_root; /* not owned: "", but in tests */
        bool remembers;    /* the state directories are this machine's too */
        bool session;      /* the user's own machines, of his own systemd: vm_is_session() */
        bool made_up;      /* test:///default: nothing runs, and nothing of this host is looked at */
        HostFacts facts;   /* filled in on first use */
        bool has_facts;
} Manager;

/* RUNTIME_DIR NULL: /run/vmunit. Definitions are where definition_directories() says. */
int manager_new(const ManagerBackend *backend, void *userdata, const char *runtime_dir, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager *, manager_free)

/* This machine's facts. */
int manager_facts(Manager *m, const HostFacts **ret);
/* The same, with HostFacts.resources. */
int manager_facts_now(Manager *m, const HostFacts **ret);

/* -EOPNOTSUPP, and it is said, where machines are made up and have no WHAT; else 0. */
int manager_check_real(const Manager *m, const char *what, Diag *diag);

/* Whether there is a systemd to run units. */
bool manager_has_systemd(Manager *m);

/* The runtime directory of a VM, or (NULL) the one above; a descriptor or negative errno. */
int manager_open_runtime(Manager *m, const char *name);

void vm_units_free(VmUnit *units, size_t n);
void vm_unit_load_done(VmUnitLoad *l);
void vm_unit_status_done(VmUnitStatus *s);
void vm_consoles_free(VmConsole *consoles, size_t n);

/* The real machine: systemd over D-Bus, monitors over their sockets, emulators by asking them. */
extern const ManagerBackend manager_backend_system;
typedef struct SystemBackend SystemBackend;
/* Makes SCOPE that of the whole process: there is one backend at a time. 0, or negative errno with the reason in DIAG. */
int system_backend_new(VmScope scope, Diag *diag, SystemBackend **ret);
SystemBackend *system_backend_free(SystemBackend *b);
DEFINE_CLEANUP(SystemBackend *, system_backend_free)
