/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event-kinds.h"
#include "json-member.h"
#include "string-util.h"

#define NOT_YET(what) what ": not yet supported"

const VmEventInfo vm_event_kinds[_VM_EVENT_MAX] = {
        [VM_EVENT_LIFECYCLE] = { "lifecycle", NULL },
        [VM_EVENT_REBOOT] = { "reboot", NULL },
        [VM_EVENT_RTC_CHANGE] = { "rtc-change", NULL },
        [VM_EVENT_WATCHDOG] = { "watchdog", NULL },
        [VM_EVENT_IO_ERROR] = { "io-error", NULL },
        [VM_EVENT_GRAPHICS] = { "graphics", NULL },
        [VM_EVENT_IO_ERROR_REASON] = { "io-error-reason", NULL },
        [VM_EVENT_CONTROL_ERROR] = { "control-error", NULL },
        [VM_EVENT_BLOCK_JOB] = { "block-job", NOT_YET("jobs of disks") },
        [VM_EVENT_DISK_CHANGE] = { "disk-change", NOT_YET("changing the medium of a drive") },
        [VM_EVENT_TRAY_CHANGE] = { "tray-change", NULL },
        [VM_EVENT_PM_WAKEUP] = { "pm-wakeup", NULL },
        [VM_EVENT_PM_SUSPEND] = { "pm-suspend", NULL },
        [VM_EVENT_BALLOON_CHANGE] = { "balloon-change", NULL },
        [VM_EVENT_PM_SUSPEND_DISK] = { "pm-suspend-disk", NULL },
        [VM_EVENT_DEVICE_REMOVED] = { "device-removed", NULL },
        [VM_EVENT_BLOCK_JOB_2] = { "block-job-2", NOT_YET("jobs of disks") },
        [VM_EVENT_TUNABLE] = { "tunable", "limits and shares are properties of the unit: systemd tells of their changes" },
        [VM_EVENT_AGENT_LIFECYCLE] = { "agent-lifecycle", NULL },
        [VM_EVENT_DEVICE_ADDED] = { "device-added", NOT_YET("adding devices to what runs") },
        [VM_EVENT_MIGRATION_ITERATION] = { "migration-iteration", NULL },
        [VM_EVENT_JOB_COMPLETED] = { "job-completed", NULL },
        [VM_EVENT_DEVICE_REMOVAL_FAILED] = { "device-removal-failed", NULL },
        [VM_EVENT_METADATA_CHANGE] = { "metadata-change", NULL },
        [VM_EVENT_BLOCK_THRESHOLD] = { "block-threshold", NOT_YET("thresholds of disks") },
        [VM_EVENT_MEMORY_FAILURE] = { "memory-failure", NULL },
        [VM_EVENT_MEMORY_DEVICE_SIZE_CHANGE] = { "memory-device-size-change", NULL },
};

json_object *vm_event_lifecycle(const char *type, const char *detail) {
        return json_strings("type", type, "detail", detail, NULL);
}

static void tell(VmEventSink sink, void *userdata, const char *type, const char *detail) {
        sink(VM_EVENT_LIFECYCLE, vm_event_lifecycle(type, detail), userdata);
}

void vm_run_hint(VmRun *run, const char *name, json_object *data) {
        if (streq(name, "SHUTDOWN")) {
                json_object *guest = json_member(data, "guest", json_type_boolean);
                run->by_guest = guest && json_object_get_boolean(guest);
                run->by_host = guest && !run->by_guest;
        } else if (streq(name, "SUSPEND") || streq(name, "SUSPEND_DISK"))
                run->to_disk = streq(name, "SUSPEND_DISK");
        else if (streq(name, "MIGRATION") && !run->started)
                run->loaded = true;
}

static const char *suspend_detail(DomainReason reason) {
        switch (reason) {
        case REASON_IO_ERROR:
                return "I/O Error";
        case REASON_WATCHDOG:
                return "Watchdog";
        default:
                return "Paused";
        }
}

/* In libvirt's order: the CPUs go before the start is done, unless they were stopped in a saved guest. */
static void tell_start(VmRun *run, VmEventSink sink, void *userdata) {
        bool runs = run->state == STATE_RUNNING, restored = run->loaded || run->reason == REASON_RESTORED;

        run->started = true;
        if (runs && !restored)
                tell(sink, userdata, "Resumed", "Unpaused");
        tell(sink, userdata, "Started", restored ? "Restored" : "Booted");
        if (runs && restored)
                tell(sink, userdata, "Resumed", "Snapshot");
        if (run->state == STATE_PAUSED)
                tell(sink, userdata, "Suspended", restored ? "Restored" : "Paused");
}

static void tell_change(const VmRun *run, DomainState before, VmEventSink sink, void *userdata) {
        switch (run->state) {
        case STATE_RUNNING:
                if (before == STATE_PMSUSPENDED)
                        tell(sink, userdata, "Started", "Event wakeup");
                else
                        tell(sink, userdata, "Resumed", run->reason == REASON_RESTORED ? "Snapshot" : "Unpaused");
                break;
        case STATE_PAUSED:
                if (before == STATE_RUNNING)
                        tell(sink, userdata, "Suspended", suspend_detail(run->reason));
                break;
        case STATE_IN_SHUTDOWN:
                tell(sink, userdata, "Shutdown", run->by_guest ? "Finished after guest request" :
                     run->by_host ? "Finished after host request" : "Finished");
                break;
        case STATE_PMSUSPENDED:
                tell(sink, userdata, "PMSuspended", run->to_disk ? "Disk" : "Memory");
                break;
        case STATE_CRASHED:
                tell(sink, userdata, "Crashed", "Panicked");
                break;
        default:
                break;
        }
}

static bool is_start(DomainState state, DomainReason reason) {
        return state != STATE_UNKNOWN && state != STATE_SHUT_OFF && (state != STATE_PAUSED || reason != REASON_STARTING_UP);
}

void vm_run_observe(VmRun *run, DomainState state, DomainReason reason, VmEventSink sink, void *userdata) {
        DomainState before = run->state;

        /* That it does not run is for its unit to say. */
        if (state == STATE_UNKNOWN || state == STATE_SHUT_OFF)
                return;
        run->state = state;
        run->reason = reason;
        if (run->started) {
                if (state != before)
                        tell_change(run, before, sink, userdata);
                return;
        }
        if (!is_start(state, reason))
                return;
        /* Everything else begins with a guest that runs. */
        if (state != STATE_RUNNING && state != STATE_PAUSED) {
                run->state = STATE_RUNNING;
                tell_start(run, sink, userdata);
                run->state = state;
                tell_change(run, STATE_RUNNING, sink, userdata);
        } else
                tell_start(run, sink, userdata);
}

void vm_run_adopt(VmRun *run, DomainState state, DomainReason reason) {
        *run = (VmRun) { .state = state, .reason = reason, .started = is_start(state, reason) };
}

static const char *stop_detail(const VmRun *run, DomainReason reason) {
        switch (reason) {
        case REASON_SHUTDOWN:
                return "Shutdown";
        case REASON_DESTROYED:
                return "Destroyed";
        case REASON_SAVED:
                return "Saved";
        case REASON_CRASHED:
                /* The guest; QEMU's own death is "Failed". */
                return run->state == STATE_CRASHED ? "Crashed" : "Failed";
        default:
                return "Failed";
        }
}

void vm_run_end(VmRun *run, DomainReason reason, VmEventSink sink, void *userdata) {
        if (run->started)
                tell(sink, userdata, "Stopped", stop_detail(run, reason));
        *run = (VmRun) {};
}
