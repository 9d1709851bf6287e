/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control-server.h"
#include "guest-event.h"
#include "lifecycle.h"
#include "monitor-protocol.h"
#include "plan.h"
#include "qmp.h"
#include "time-util.h"

/* The monitor of one VM: carries out what the state machine decides, between QEMU, the guest agent, the supervisor and
 * the clients of the control socket. It keeps nothing that a new one could not find out. */

#define MONITOR_QMP_USEC (30 * USEC_PER_SEC)
#define MONITOR_AGENT_USEC (3 * USEC_PER_SEC)
#define MONITOR_AGENT_COMMAND_USEC (20 * USEC_PER_SEC)
#define MONITOR_AGENT_LIMIT_USEC (24 * 3600 * USEC_PER_SEC) /* what a client may ask for */
#define MONITOR_MESSAGES_MAX 64U
#define MONITOR_OTHERS_MAX 16U

typedef struct Monitor Monitor;

typedef enum DisplayPort {
        DISPLAY_PORT_VNC,
        DISPLAY_PORT_SPICE,
        DISPLAY_PORT_SPICE_TLS,
        DISPLAY_PORT_DBUS,
        _DISPLAY_PORT_MAX,
} DisplayPort;

/* A socket on which clients of a display are waited for. */
typedef struct DisplayListener {
        Monitor *monitor; /* NULL: not begun yet */
        DisplayPort port;
        int client; /* owned: being handed to QEMU */
        sd_event_source *io; /* owned; NULL: there is no such socket */
} DisplayListener;

/* The socket at which the guest's systemd reports; see monitor-notify.c. */
typedef struct NotifyListener NotifyListener;

/* Steps that are carried out one after the other, for an event or for a client. */
typedef struct Job {
        Monitor *monitor;
        Step steps[STEPS_MAX];
        size_t n_steps, next;
        unsigned part;           /* of STEP_PREPARE_GUEST */
        unsigned repetition;     /* of the part */
        bool part_optional;
        ControlRequest *request; /* owned: answered at the end; NULL when nobody waits */
        struct Job *next_job, *previous_job;
} Job;

/* The guest's state on its way out or in; see monitor-save.c. */
typedef struct Saving Saving;

/* The guest's memory on its way into a file that nobody has asked for; see monitor-dump.c. */
typedef struct MemoryDump MemoryDump;

/* Those who look at a console; see monitor-viewers.c. */
typedef struct ConsoleShare ConsoleShare;

/* See monitor-actions.c. */
typedef struct ActionsChange ActionsChange;

/* A device that the guest has been asked to let go of; see monitor-unplug.c. */
typedef struct Unplug Unplug;

typedef struct AgentRequest {
        bool active;
        bool reboot;
        bool probe; /* nothing but whether it is there: monitor-ready.c */
        Job *job; /* that waits for it; NULL */
        ControlRequest *request; /* owned until it is answered: a client's command; NULL */
        json_object *command;    /* owned: its */
        uint64_t limit_usec;     /* for the answer; 0: the client does not wait */
} AgentRequest;

/* The descriptors a monitor is started with; owned. */
typedef struct MonitorFds {
        int supervisor, qmp, plan, control, state, agent, cgroup;
        struct {
                char *name; /* owned */
                int fd;
        } others[MONITOR_OTHERS_MAX]; /* the plan's, by the plan's names */
        size_t n_others;
} MonitorFds;
#define MONITOR_FDS_NONE { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, {}, 0 }


struct Monitor {
        sd_event *event; /* referenced */
        Plan *plan;      /* owned */
        MonitorFds fds;  /* owned; qmp and agent have been handed over */
        Lifecycle lifecycle;
        sd_event_source *timer; /* owned */

        sd_event_source *supervisor_io; /* owned */
        MonitorMessage messages[MONITOR_MESSAGES_MAX]; /* not yet taken by the supervisor */
        size_t n_messages;
        bool given_up; /* the loop is about to end */
        bool helper_lost; /* MONITOR_HELPER_LOST came before QEMU's state was known */
        bool stop_early; /* MONITOR_SHUTDOWN came before QEMU's state was known */
        uint64_t stop_deadline;

        Qmp *qmp; /* owned */
        bool negotiated_before;
        LifecycleInput attach; /* gathered until LIFECYCLE_ATTACHED */
        Job *jobs; /* owned */
        Unplug *unplugs; /* owned */
        ConsoleShare *shares; /* owned */
        ActionsChange *actions_change; /* owned; NULL: none is under way */
        Saving *saving;  /* owned; NULL until it is needed */
        MemoryDump *dump; /* owned; NULL: none is under way */
        struct {
                uint64_t since;            /* of the one that is under way, or was last */
                uint64_t processed, total; /* bytes; 0: nobody has told yet */
                json_object *ending;       /* owned: has completed, and QEMU is being asked what it has counted */
                json_object *completed;    /* owned: the last one that did; NULL: there was none, or somebody has read it */
        } job_record;
        bool told; /* the supervisor and the clients know of: */
        DomainState told_state;
        DomainReason told_reason;

        Qmp *agent; /* owned; NULL: none */
        AgentRequest agent_request;
        bool agent_connected; /* the guest has opened the agent's channel */
        bool ready_awaited;   /* READY has been put off until the agent answers or the guest's systemd reports … */
        uint64_t ready_since; /* … since then */
        bool was_ready;       /* an earlier monitor has seen it */

        ControlServer *control; /* owned */

        DisplayListener listeners[_DISPLAY_PORT_MAX];
        NotifyListener *notify; /* owned; NULL: the guest reports to nobody */
};

/* monitor.c */

/* Sorts N descriptors from FIRST on by their NAMES into *ret. */
void monitor_fds_sort(MonitorFds *ret, int first, char *const *names, int n);
/* Takes FDS over, also on failure. 0 or negative errno. */
int monitor_new(sd_event *event, MonitorFds *fds, Monitor **ret);
Monitor *monitor_free(Monitor *m);
DEFINE_CLEANUP(Monitor *, monitor_free)
/* Begins to speak with QEMU; the rest happens in the event loop, which ends with the status for exit(). */
int monitor_start(Monitor *m);

uint64_t monitor_now(const Monitor *m);
void monitor_send(Monitor *m, MonitorMessageType type, uint32_t a, uint32_t b);
/* Ends the program: it cannot go on, and a new one may fare better. */
void monitor_give_up(Monitor *m, const char *why);
/* Puts IN through the state machine and starts a job of what comes out. REQUEST (taken over) is answered when the job
 * is done, or at once when it is refused. */
void monitor_input(Monitor *m, const LifecycleInput *in, ControlRequest *request);

/* monitor-steps.c */

/* Starts a job for OUT; REQUEST is taken over. */
void monitor_run_steps(Monitor *m, const LifecycleOutput *out, ControlRequest *request);
/* The step that JOB waited for has ended. */
void job_step_done(Job *job, int result, const char *error_name, const char *error_text);
void monitor_jobs_free(Monitor *m);
/* Answers R with what RESULT and REPLY of a QmpReply mean. */
void monitor_reply_qmp_error(ControlRequest *r, int result, json_object *reply);

/* monitor-control.c: the object of R's text, owned by the caller; NULL: it was no command, and R has been answered. */
json_object *monitor_parse_command(ControlRequest *r);
/* The same, but what is none is an object with nothing but the reason: that an agent is there at all comes first. */
json_object *monitor_parse_agent_command(ControlRequest *r);
#define AGENT_COMMAND_WRONG "wrong"

/* monitor-agent.c */

/* Asks the guest agent to power the guest off or reboot it. JOB, if not NULL, hears of the end by job_step_done(). */
void monitor_agent_ask(Monitor *m, bool reboot, Job *job);
/* Passes a client's command on, and the agent's answer back. */
void monitor_agent_command(Monitor *m, ControlRequest *r, uint64_t limit_usec);
/* The guest has gone down: that is the agent's answer. */
void monitor_agent_settle(Monitor *m);
/* The guest sleeps: the agent does not say so, and is not heard of before it wakes up. */
void monitor_agent_asleep(Monitor *m);
void monitor_agent_forget(Monitor *m, Job *job);

/* Finds out whether somebody is there, unless the agent is busy; monitor_ready_agent() is told. */
void monitor_agent_probe(Monitor *m);

/* monitor-ready.c */

/* The guest runs: tells the supervisor that it is ready, or waits for the guest's agent or its systemd if the plan says so. */
void monitor_ready(Monitor *m);
/* A synchronisation with the agent has ended. */
void monitor_ready_agent(Monitor *m, int result);
/* An event of QEMU's; it may be about the agent's channel. */
void monitor_ready_event(Monitor *m, const char *name, json_object *data);
/* The guest's systemd has said so. */
void monitor_ready_notified(Monitor *m);
/* The unit is to end. */
void monitor_ready_stop(Monitor *m);

/* monitor-control.c */
int monitor_control_start(Monitor *m);
/* To those who have subscribed. */
void monitor_tell_event(Monitor *m, const char *name, uint64_t usec, json_object *data);

/* monitor-console.c */
void monitor_open_console(Monitor *m, ControlRequest *r);
void monitor_get_consoles(Monitor *m, ControlRequest *r);
/* The one that R's text names ("": the first); NULL: there is none, and R has been answered. */
const PlanConsole *monitor_find_console(const Monitor *m, ControlRequest *r);
/* Opens and takes the console, of which REPLY is QEMU's to query-chardev; *ret is the caller's. Negative errno: -EWOULDBLOCK
 * when somebody has it. */
int monitor_console_open(const PlanConsole *console, json_object *reply, int *ret);

/* monitor-viewers.c */
void monitor_view_console(Monitor *m, ControlRequest *r);
/* From whoever has the console: answered when there is a viewer. */
void monitor_feed_console(Monitor *m, ControlRequest *r);
/* Somebody is about to have it. */
void monitor_console_held(Monitor *m, const PlanConsole *console);
void monitor_viewers_free(Monitor *m);

/* monitor-threads.c */

/* Plugs the virtual CPUs in that are to be there at the start, and gives all threads what the plan asks for. False when
 * there is nothing to do; else JOB hears of the end by job_step_done(). */
bool monitor_threads_prepare(Job *job);
/* The same for a machine that runs: what an earlier monitor has left undone. */
void monitor_threads_adopt(Monitor *m);
void monitor_set_threads(Monitor *m, ControlRequest *r);
void monitor_get_threads(Monitor *m, ControlRequest *r);

/* monitor-vcpus.c */

typedef void (*VcpusPlugged)(Monitor *m, int result, const char *why, void *userdata);
/* Plugs in what the plan says and is not there yet; DONE is called once, but not before this returns, with 0 or a negative
 * errno and the reason. 0, or a negative errno, then DONE is not called. */
int monitor_plug_vcpus(Monitor *m, VcpusPlugged done, void *userdata);

/* One of fds.others, or -EBADF. */
int monitor_find_fd(const Monitor *m, const char *name);

/* monitor-actions.c */
void monitor_set_actions(Monitor *m, ControlRequest *r);
void monitor_actions_free(Monitor *m);

/* monitor-unplug.c */
void monitor_unplug(Monitor *m, ControlRequest *r);
/* An event of QEMU's; it may be about one of these devices. */
void monitor_unplug_event(Monitor *m, const char *name, json_object *data);
void monitor_unplugs_free(Monitor *m);

/* monitor-display.c */
int monitor_displays_start(Monitor *m);
void monitor_displays_stop(Monitor *m);

/* Whether it is the memory only. */
bool monitor_save_is_memory(const Monitor *m);
/* Whether CLIENT has asked for what is, or was last, written. *ret_error: why that has failed, or NULL. */
bool monitor_save_has_client(const Monitor *m, const void *client, const char **ret_error);
/* Why it will have failed. */
void monitor_save_set_error(Monitor *m, const char *text);

/* monitor-job.c */
void monitor_job_begin(Monitor *m);
void monitor_job_completed(Monitor *m);
void monitor_job_free(Monitor *m);
void monitor_job_get(Monitor *m, ControlRequest *r);
void monitor_job_progress(Monitor *m, ControlRequest *r);
/* Answered when the guest goes on. */
void monitor_job_abort(Monitor *m, ControlRequest *r);

/* monitor-notify.c */
int monitor_notify_start(Monitor *m);
void monitor_notify_stop(Monitor *m);

/* monitor-dump.c: takes *stream over, from which the dump is read, also on failure. 0 or negative errno. */
int monitor_dump_open(Monitor *m, int *stream);
/* QEMU has written all of it: monitor_dump_ended() follows. */
void monitor_dump_written(Monitor *m);
/* Nothing of it is to be kept; without one, nothing is done. */
void monitor_dump_discard(Monitor *m);
/* monitor-save.c: it is in its file, or will not be. */
void monitor_dump_ended(Monitor *m, bool done);

/* monitor-save.c: the steps; JOB hears of each by job_step_done(). */
void monitor_save_begin(Job *job);
void monitor_save_abandon(Job *job);
void monitor_restore_begin(Job *job);
void monitor_mark_used(Job *job);
void monitor_mark_unused(Monitor *m);
/* Answers the call that has begun it. */
void monitor_save_reply(Monitor *m, ControlRequest *r);
/* Answers R when the guest is saved, or has not been. */
void monitor_save_wait(Monitor *m, ControlRequest *r);
/* False: R would end what another client saves or dumps, or comes from one that has gone. */
bool monitor_save_may_end(const Monitor *m, const ControlRequest *r);
void monitor_save_event(Monitor *m, const char *name, json_object *data);
/* Nobody will take what is being saved any more. */
void monitor_client_gone(Monitor *m, const void *client);
void monitor_saving_free(Monitor *m);
