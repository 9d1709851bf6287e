/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "domain-state.h"
#include "domain.h"
#include "macro.h"

/* What can be told of a VM, in virsh's words and order (`virsh event --list`), and how that follows from what QEMU and the
 * unit say: without I/O. */
typedef enum VmEventKind {
        VM_EVENT_LIFECYCLE,
        VM_EVENT_REBOOT,
        VM_EVENT_RTC_CHANGE,
        VM_EVENT_WATCHDOG,
        VM_EVENT_IO_ERROR,
        VM_EVENT_GRAPHICS,
        VM_EVENT_IO_ERROR_REASON,
        VM_EVENT_CONTROL_ERROR,
        VM_EVENT_BLOCK_JOB,
        VM_EVENT_DISK_CHANGE,
        VM_EVENT_TRAY_CHANGE,
        VM_EVENT_PM_WAKEUP,
        VM_EVENT_PM_SUSPEND,
        VM_EVENT_BALLOON_CHANGE,
        VM_EVENT_PM_SUSPEND_DISK,
        VM_EVENT_DEVICE_REMOVED,
        VM_EVENT_BLOCK_JOB_2,
        VM_EVENT_TUNABLE,
        VM_EVENT_AGENT_LIFECYCLE,
        VM_EVENT_DEVICE_ADDED,
        VM_EVENT_MIGRATION_ITERATION,
        VM_EVENT_JOB_COMPLETED,
        VM_EVENT_DEVICE_REMOVAL_FAILED,
        VM_EVENT_METADATA_CHANGE,
        VM_EVENT_BLOCK_THRESHOLD,
        VM_EVENT_MEMORY_FAILURE,
        VM_EVENT_MEMORY_DEVICE_SIZE_CHANGE,
        _VM_EVENT_MAX,
} VmEventKind;

typedef struct VmEventInfo {
        const char *name;
        const char *never; /* why it does not occur; NULL: it does */
} VmEventInfo;
extern const VmEventInfo vm_event_kinds[_VM_EVENT_MAX];

/* FIELDS is what there is to say of it: an object, the callee's; see vmunit(1) for its members. */
typedef void (*VmEventSink)(VmEventKind kind, json_object *fields, void *userdata);

/* --- what QEMU says (event-qemu.c) --- */

/* NAME and DATA (NULL: none) are as hostile as QEMU is. D (may be NULL) is the running domain, for the names of its devices. */
void vm_event_from_qemu(const char *name, json_object *data, const Domain *d, VmEventSink sink, void *userdata);
/* Whether that would look at the domain. */
bool vm_event_needs_domain(const char *name) _pure_;

/* Whether it has a channel for the guest's agent. */
bool vm_event_has_agent(const Domain *d) _pure_;

/* --- what becomes of the VM (event-lifecycle.c) --- */

/* What has been told of a VM's run. {}: nothing, and it does not run. */
typedef struct VmRun {
        DomainState state; /* STATE_UNKNOWN: it has not been seen yet */
        DomainReason reason;
        bool started; /* has been told */
        /* hints from QEMU's events, for the next state */
        bool by_guest, by_host; /* who asked for the shutdown */
        bool to_disk;           /* suspended to disk */
        bool loaded;            /* from a file */
} VmRun;

/* Takes a hint from QEMU's event. */
void vm_run_hint(VmRun *run, const char *name, json_object *data);
/* The VM is in this state now; what that means is told, unless it was told before. */
void vm_run_observe(VmRun *run, DomainState state, DomainReason reason, VmEventSink sink, void *userdata);
/* It is found in this state, whatever came before. */
void vm_run_adopt(VmRun *run, DomainState state, DomainReason reason);
/* It has ended, for REASON. */
void vm_run_end(VmRun *run, DomainReason reason, VmEventSink sink, void *userdata);

json_object *vm_event_lifecycle(const char *type, const char *detail);
