/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/inotify.h>
#include <time.h>

#include "control-events.h"
#include "definition-watch.h"
#include "domain-xml.h"
#include "event-notes.h"
#include "events.h"
#include "json-member.h"
#include "machines.h"
#include "names.h"
#include "plans.h"
#include "qemu-device.h"
#include "runtime.h"
#include "string-util.h"
#include "time-util.h"

#define DATA_DEPTH_MAX 64
#define RETRY_MIN_USEC (USEC_PER_SEC / 20)
#define RETRY_MAX_USEC (5 * USEC_PER_SEC)
#define READY_USEC (3 * USEC_PER_SEC)

/* One VM that runs, or is about to. */
typedef struct Watch {
        VmEvents *owner;
        char *name, *unit;        /* owned */
        unsigned id;              /* of the run; 0: not known yet */
        VmRun run;
        DomainReason off_reason;  /* what the state file said of the run's end */
        void *monitor;            /* owned: the backend's; NULL: not connected */
        bool agreed;              /* the monitor has taken the subscription */
        bool agreed_before;       /* … or an earlier one has */
        bool found;               /* ran before us: how it came to its state is not told */
        bool expected;            /* somebody waits for it to be ready */
        bool ending;
        bool denied;
        bool agent_told;
        sd_event_source *retry;   /* owned */
        uint64_t retry_usec;
        Domain *domain;           /* owned; NULL: not needed yet */
        sd_event_source *files;   /* owned: changes in the runtime directory */
        EventNotes notes;         /* of what runs */
        struct Watch *next;
} Watch;

struct VmEvents {
        Manager *manager;
        sd_event *event; /* referenced */
        VmEventsRequest request;
        char *name; /* owned: of the request */
        void *units; /* owned: the backend's */
        sd_event_source *units_retry; /* owned */
        DefinitionWatch *definitions; /* owned */
        Watch *watches; /* owned */
        unsigned n_expected;
        bool ready;
        sd_event_source *ready_timer; /* owned */
};

static void connect_monitor(Watch *w);

static uint64_t real_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* --- telling --- */

static bool wants(const VmEvents *e, VmEventKind kind) {
        return e->request.kinds & VM_EVENTS_OF(kind);
}

static void tell(VmEvents *e, const char *name, VmEventKind kind, json_object *fields) {
        if (fields && wants(e, kind))
                e->request.event(name, kind, real_usec(), fields, e->request.userdata);
        json_object_put(fields);
}

static void on_watch_event(VmEventKind kind, json_object *fields, void *userdata) {
        Watch *w = userdata;

        tell(w->owner, w->name, kind, fields);
}

static void on_definition_event(const char *name, VmEventKind kind, json_object *fields, void *userdata) {
        VmEvents *e = userdata;

        if (e->name && !streq(e->name, name))
                json_object_put(fields);
        else
                tell(e, name, kind, fields);
}

static void tell_ready(VmEvents *e) {
        if (e->ready)
                return;
        e->ready = true;
        e->ready_timer = sd_event_source_disable_unref(e->ready_timer);
        if (e->request.ready)
                e->request.ready(e->request.userdata);
}

static void no_longer_expected(Watch *w) {
        if (w->expected && --w->owner->n_expected == 0)
                tell_ready(w->owner);
        w->expected = false;
}

/* --- one VM --- */

static const Domain *watch_domain(Watch *w) {
        Vm vm = { .name = w->name, .unit = w->unit, .active = true };

        if (!w->domain && (vm_load_domain(w->owner->manager, &vm, false, NULL, &w->domain) < 0 ||
                           qemu_complete_aliases(w->domain, NULL) < 0)) {
                domain_free(w->domain);
                w->domain = NULL;
        }
        return w->domain;
}

static void disconnect(Watch *w) {
        if (w->monitor)
                w->owner->manager->backend->unwatch_monitor(w->owner->manager->userdata, w->monitor);
        w->monitor = NULL;
        w->agreed = false;
        w->retry = sd_event_source_disable_unref(w->retry);
}

static void forget_files(Watch *w);

static void watch_free(Watch *w) {
        for (Watch **p = &w->owner->watches; *p; p = &(*p)->next)
                if (*p == w) {
                        *p = w->next;
                        break;
                }
        disconnect(w);
        forget_files(w);
        domain_free(w->domain);
        free(w->name);
        free(w->unit);
        free(w);
}

static int read_state(Watch *w, DomainState *ret_state, DomainReason *ret_reason) {
        _cleanup_close_ int dir = manager_open_runtime(w->owner->manager, w->name);
        unsigned id;

        if (dir < 0)
                return dir;
        if (w->id == 0 && runtime_read_id(dir, &id) >= 0)
                w->id = id;
        return runtime_read_state(dir, ret_state, ret_reason);
}

/* As libvirt has it: before the guest's first instruction, its agent is not there. */
static void tell_agent(Watch *w, DomainState state) {
        if (w->agent_told || w->run.started || state == STATE_UNKNOWN || !wants(w->owner, VM_EVENT_AGENT_LIFECYCLE))
                return;
        w->agent_told = true;
        if (watch_domain(w) && vm_event_has_agent(w->domain))
                tell(w->owner, w->name, VM_EVENT_AGENT_LIFECYCLE,
                     json_strings("state", "disconnected", "reason", "domain started", NULL));
}

static void observe(Watch *w, DomainState state, DomainReason reason) {
        if (state == STATE_SHUT_OFF)
                return;
        tell_agent(w, state);
        vm_run_observe(&w->run, state, reason, on_watch_event, w);
}

static void end_run(Watch *w) {
        DomainReason reason;
        DomainState state;

        /* The monitor's last words first. */
        w->ending = true;
        if (w->monitor)
                w->owner->manager->backend->drain_monitor(w->owner->manager->userdata, w->monitor);
        disconnect(w);
        w->ending = false;
        /* A state that is not "shut off" was left behind by a supervisor that was killed. */
        if (read_state(w, &state, &reason) >= 0 && state == STATE_SHUT_OFF)
                w->off_reason = reason;
        vm_run_end(&w->run, w->off_reason, on_watch_event, w);
        forget_files(w);
        domain_free(w->domain);
        w->domain = NULL;
        w->id = 0;
        w->off_reason = REASON_UNKNOWN;
        w->agreed_before = w->found = w->denied = w->agent_told = false;
        w->retry_usec = 0;
}

/* --- what is changed of it for people and programs --- */

static int read_notes(Watch *w, EventNotes *ret) {
        Vm vm = { .name = w->name, .unit = w->unit, .active = true };
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;

        int r = vm_read_live(w->owner->manager, &vm, &text, &size);
        if (r >= 0)
                r = domain_from_xml(text, size, NULL, &d);
        if (r >= 0)
                event_notes_take(d, ret);
        return r;
}

static int on_file(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        EventNotes now = {};
        Watch *w = userdata;

        if (!(e->mask & IN_Q_OVERFLOW) && (e->len == 0 || !streq(e->name, RUNTIME_DOMAIN)))
                return 0;
        if (read_notes(w, &now) < 0)
                return 0;
        event_notes_tell(&w->notes, &now, on_watch_event, w);
        event_notes_done(&w->notes);
        w->notes = now;
        return 0;
}

/* What runs is replaced as a whole, by whoever changes it. */
static void watch_files(Watch *w) {
        _cleanup_free_ char *path = strf("%s/%s", w->owner->manager->runtime_dir, w->name);

        if (w->files || !path || !wants(w->owner, VM_EVENT_METADATA_CHANGE) ||
            sd_event_add_inotify(w->owner->event, &w->files, path, IN_MOVED_TO | IN_ONLYDIR, on_file, w) < 0)
                return;
        (void) read_notes(w, &w->notes);
}

static void forget_files(Watch *w) {
        w->files = sd_event_source_disable_unref(w->files);
        event_notes_done(&w->notes);
}

/* --- what its monitor says --- */

static void on_monitor_state(DomainState state, DomainReason reason, bool agreed, void *userdata) {
        Watch *w = userdata;

        if (!agreed) {
                /* What comes before the answer is in the answer. */
                if (w->agreed)
                        observe(w, state, reason);
                return;
        }
        w->agreed = true;
        w->retry_usec = 0;
        watch_files(w);
        if (w->agreed_before && w->owner->request.gap)
                w->owner->request.gap(w->name, w->owner->request.userdata);
        w->agreed_before = true;
        if (w->found)
                vm_run_adopt(&w->run, state, reason);
        else
                observe(w, state, reason);
        w->found = false;
        no_longer_expected(w);
}

/* The device that was started with the image NODE, from its arguments. The caller's, or NULL. */
static char *device_of_node(const Plan *plan, const char *node) {
        for (char **a = plan->argv; *a && a[1]; a++) {
                json_object *o = streq(*a, "-device") && *a[1] == '{' ? json_parse(a[1], DATA_DEPTH_MAX) : NULL;
                const char *id = json_member_string(o, "id");
                char *found = id && streq_ptr(json_member_string(o, "drive"), node) ? strdup(id) : NULL;
                json_object_put(o);
                if (found)
                        return found;
        }
        return NULL;
}

/* Before version 9.2, QEMU names but the image, not the device, in which something went wrong. */
static void name_device(Watch *w, const char *name, json_object *data) {
        const char *node = json_member_string(data, "node-name");

        if (!streq(name, "BLOCK_IO_ERROR") || !node || json_member_string(data, "qom-path"))
                return;
        _cleanup_(plan_freep) Plan *plan = vm_read_plan(w->owner->manager, w->name);
        _cleanup_free_ char *device = plan ? device_of_node(plan, node) : NULL;
        if (device)
                json_object_object_add(data, "device", json_object_new_string(device));
}

static void on_monitor_event(const char *name, uint64_t usec, const char *data, void *userdata) {
        Watch *w = userdata;
        VmEvents *e = w->owner;

        if (e->request.qemu && !startswith(name, "VMUNIT_"))
                e->request.qemu_event(w->name, name, usec, data, e->request.userdata);
        if (e->request.kinds == 0)
                return;
        json_object *o = *data ? json_parse(data, DATA_DEPTH_MAX) : NULL;
        name_device(w, name, o);
        vm_run_hint(&w->run, name, o);
        vm_event_from_qemu(name, o, vm_event_needs_domain(name) ? watch_domain(w) : NULL, on_watch_event, w);
        json_object_put(o);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Watch *w = userdata;

        w->retry = sd_event_source_disable_unref(w->retry);
        connect_monitor(w);
        return 0;
}

static void retry_later(Watch *w) {
        w->retry_usec = MIN(MAX(w->retry_usec * 2, RETRY_MIN_USEC), RETRY_MAX_USEC);
        w->retry = sd_event_source_disable_unref(w->retry);
        (void) sd_event_add_time_relative(w->owner->event, &w->retry, CLOCK_MONOTONIC, w->retry_usec, 0, on_retry, w);
}

/* It is being replaced, it has dropped us because we did not read, or the VM ends, which its unit will say. */
static void on_monitor_gone(void *userdata) {
        Watch *w = userdata;
        bool agreed = w->agreed;

        if (w->ending)
                return;
        disconnect(w);
        if (agreed)
                connect_monitor(w);
        else
                retry_later(w);
}

static const ControlEventsHandlers monitor_handlers = {
        .state = on_monitor_state,
        .event = on_monitor_event,
        .gone = on_monitor_gone,
};

static void connect_monitor(Watch *w) {
        VmEvents *e = w->owner;

        if (w->monitor || w->denied)
                return;
        w->retry = sd_event_source_disable_unref(w->retry);
        int r = e->manager->backend->watch_monitor(e->manager->userdata, e->event, w->name, &monitor_handlers, w, &w->monitor);
        if (r >= 0)
                return;
        no_longer_expected(w);
        if (r == -EACCES || r == -EPERM) {
                w->denied = true;
                if (e->request.failed)
                        e->request.failed(w->name, -EACCES, e->request.userdata);
        } else if (r != -ENOENT && r != -ECONNREFUSED)
                retry_later(w);
        /* Else it has no monitor yet, or no more: its unit says when that changes. */
}

/* --- what systemd says --- */

static Watch *find_watch(VmEvents *e, const char *name) {
        for (Watch *w = e->watches; w; w = w->next)
                if (streq(w->name, name))
                        return w;
        return NULL;
}

static Watch *add_watch(VmEvents *e, const char *name, const char *unit) {
        Watch *w = calloc(1, sizeof(Watch));

        if (!w)
                return NULL;
        *w = (Watch) { .owner = e, .name = strdup(name), .unit = strdup(unit), .next = e->watches };
        if (!w->name || !w->unit) {
                free(w->name);
                free(w->unit);
                return mfree(w);
        }
        e->watches = w;
        return w;
}

/* A new run has a new id; the end of the one before may have passed unseen. */
static void check_run(Watch *w) {
        _cleanup_close_ int dir = manager_open_runtime(w->owner->manager, w->name);
        DomainReason reason;
        DomainState state;
        unsigned id;

        if (dir < 0)
                return;
        if (runtime_read_id(dir, &id) >= 0) {
                if (w->id != 0 && w->id != id)
                        end_run(w);
                w->id = id;
        }
        if (runtime_read_state(dir, &state, &reason) >= 0 && state == STATE_SHUT_OFF && w->run.started)
                w->off_reason = reason;
}

static void unit_is_on(VmEvents *e, const char *name, const char *unit, bool found, bool up) {
        Watch *w = find_watch(e, name);
        DomainReason reason;
        DomainState state;

        if (!w) {
                w = add_watch(e, name, unit);
                if (!w)
                        return;
                w->found = found;
                if (found) {
                        w->expected = true;
                        e->n_expected++;
                }
        } else if (!streq(w->unit, unit) && free_and_strdup(&w->unit, unit) < 0)
                return;
        check_run(w);
        if (!w->retry)
                connect_monitor(w);
        /* A monitor that cannot be asked is no reason not to tell of a start. */
        if (up && !w->agreed && !w->found && !w->monitor && read_state(w, &state, &reason) >= 0)
                observe(w, state, reason);
}

static void unit_is_off(VmEvents *e, const char *name, const char *unit) {
        Watch *w = find_watch(e, name);

        if (!w || !streq(w->unit, unit))
                return;
        end_run(w);
        no_longer_expected(w);
        watch_free(w);
}

static void on_unit(const char *unit, UnitActivity activity, bool found, VmEvents *e) {
        _cleanup_free_ char *name = NULL;
        bool transient;

        if (vm_name_from_unit(unit, &name, &transient) < 0 || (e->name && !streq(e->name, name)))
                return;
        if (unit_activity_is_on(activity))
                unit_is_on(e, name, unit, found, activity == UNIT_ACTIVE);
        else
                unit_is_off(e, name, unit);
}

/* Those that run now; FOUND: and did so before us. */
static int look_at_units(VmEvents *e, bool found) {
        VmUnit *units = NULL;
        size_t n = 0;

        int r = e->manager->backend->list_units(e->manager->userdata, &units, &n);
        if (r < 0)
                return r;
        for (Watch *w = e->watches, *next; w; w = next) {
                bool there = false;
                next = w->next;
                FOREACH_ARRAY(u, units, n)
                        there = there || (streq(u->unit, w->unit) && unit_activity_is_on(u->activity));
                if (!there)
                        unit_is_off(e, w->name, w->unit);
        }
        FOREACH_ARRAY(u, units, n)
                if (unit_activity_is_on(u->activity))
                        on_unit(u->unit, u->activity, found, e);
        vm_units_free(units, n);
        return 0;
}

static void on_unit_changed(const char *unit, UnitActivity activity, bool lost, void *userdata);

static int watch_units(VmEvents *e) {
        return e->manager->backend->watch_units(e->manager->userdata, e->event, on_unit_changed, e, &e->units);
}

static int on_units_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        VmEvents *e = userdata;

        e->units_retry = sd_event_source_disable_unref(e->units_retry);
        if (watch_units(e) >= 0 && look_at_units(e, false) >= 0)
                return 0;
        if (e->units)
                e->manager->backend->unwatch_units(e->manager->userdata, TAKE_PTR(e->units));
        (void) sd_event_add_time_relative(e->event, &e->units_retry, CLOCK_MONOTONIC, USEC_PER_SEC, 0, on_units_retry, e);
        return 0;
}

static void on_unit_changed(const char *unit, UnitActivity activity, bool lost, void *userdata) {
        VmEvents *e = userdata;

        if (!lost) {
                on_unit(unit, activity, false, e);
                return;
        }
        /* It executes itself anew, most likely. */
        e->manager->backend->unwatch_units(e->manager->userdata, TAKE_PTR(e->units));
        (void) sd_event_add_time_relative(e->event, &e->units_retry, CLOCK_MONOTONIC, RETRY_MIN_USEC, 0, on_units_retry, e);
}

/* --- all of it --- */

static int on_ready_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        tell_ready(userdata);
        return 0;
}

static int start(VmEvents *e, Diag *diag) {
        const uint64_t of_definitions = VM_EVENTS_OF(VM_EVENT_LIFECYCLE) | VM_EVENTS_OF(VM_EVENT_METADATA_CHANGE);
        int r = 0;

        if (e->request.kinds & of_definitions)
                r = definition_watch_new(e->event, e->manager, on_definition_event, e, diag, &e->definitions);
        if (r < 0)
                return r;
        r = watch_units(e);
        if (r >= 0)
                r = look_at_units(e, true);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, r == -ENOTCONN ? "systemd does not run here" : "cannot ask systemd: %s",
                                       strerror(-r));
        if (e->n_expected == 0)
                tell_ready(e);
        else
                r = sd_event_add_time_relative(e->event, &e->ready_timer, CLOCK_MONOTONIC, READY_USEC, 0, on_ready_timer, e);
        return r;
}

int vm_events_new(Manager *m, sd_event *event, const VmEventsRequest *request, Diag *diag, VmEvents **ret) {
        _cleanup_(vm_events_freep) VmEvents *e = calloc(1, sizeof(VmEvents));

        if (!e)
                return -ENOMEM;
        *e = (VmEvents) { .manager = m, .event = sd_event_ref(event), .request = *request };
        if (request->name) {
                e->name = strdup(request->name);
                if (!e->name)
                        return -ENOMEM;
        }
        int r = start(e, diag);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(e);
        return 0;
}

VmEvents *vm_events_free(VmEvents *e) {
        if (!e)
                return NULL;
        while (e->watches)
                watch_free(e->watches);
        definition_watch_free(e->definitions);
        if (e->units)
                e->manager->backend->unwatch_units(e->manager->userdata, e->units);
        sd_event_source_disable_unref(e->units_retry);
        sd_event_source_disable_unref(e->ready_timer);
        sd_event_unref(e->event);
        free(e->name);
        return mfree(e);
}
