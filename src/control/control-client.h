/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "control.h"
#include "diag.h"
#include "domain-state.h"

/* The client's side of control.h. Every call has a time limit in microseconds; what goes wrong is an entry in
 * DIAG (may be NULL) with virsh's words where virsh has them, and a negative errno: -EINVAL (the VM is in no
 * state for it), -EBUSY, -ENOENT, -EHOSTDOWN (the guest agent does not answer), -EREMOTEIO (QEMU refused),
 * -ETIMEDOUT, -ECANCELED (the guest keeps the device), -ECONNRESET (the monitor went away: the call may be repeated), others as they come. */

/* Connects to the monitor of a running VM. -ENOENT or -ECONNREFUSED without an entry in a Diag when it has
 * none, i.e. when it does not run; -ECONNRESET when the monitor went away or turned us away, which may as well show
 * only at the first call; -EBUSY when it does not accept. Owned by the caller: sd_bus_flush_close_unref(). */
int control_open(const char *vm_name, sd_bus **ret);
/* The same for the socket at PATH. */
int control_open_path(const char *path, sd_bus **ret);

#define CONTROL_TIMEOUT_USEC (UINT64_C(30) * 1000000)

int control_get_state(sd_bus *bus, uint64_t timeout_usec, Diag *diag, DomainState *ret_state, DomainReason *ret_reason);
int control_suspend(sd_bus *bus, uint64_t timeout_usec, Diag *diag);
int control_resume(sd_bus *bus, uint64_t timeout_usec, Diag *diag);
/* MODE: "acpi", "agent", or NULL for either. Returns when the guest has been asked. */
int control_shutdown(sd_bus *bus, const char *mode, uint64_t timeout_usec, Diag *diag);
int control_reboot(sd_bus *bus, const char *mode, uint64_t timeout_usec, Diag *diag);
int control_reset(sd_bus *bus, uint64_t timeout_usec, Diag *diag);
/* QEMU is asked to end; it may be gone before that is answered: -ECONNRESET. */
int control_quit(sd_bus *bus, uint64_t timeout_usec, Diag *diag);

/* ALIAS may be NULL for the first console. *ret_fd is the caller's; the console counts as taken until the last
 * copy of it is closed, whatever becomes of BUS. FORCE takes it from whoever has it, who hears of it by
 * the signal ConsoleTaken. */
int control_open_console(sd_bus *bus, const char *alias, bool force, uint64_t timeout_usec, Diag *diag, int *ret_fd);

/* What the console says from now on, to be read only: *ret_fd, the caller's, ends with the VM's monitor. */
int control_view_console(sd_bus *bus, const char *alias, uint64_t timeout_usec, Diag *diag, int *ret_fd);

typedef struct ControlConsole {
        char *alias;  /* owned */
        char *device; /* owned: "/dev/pts/3", "" when it has none */
} ControlConsole;
int control_get_consoles(sd_bus *bus, uint64_t timeout_usec, Diag *diag, ControlConsole **ret, size_t *ret_n);
void control_consoles_free(ControlConsole *consoles, size_t n);

/* SETTINGS are those of all threads (thread_settings_to_json()). */
int control_set_threads(sd_bus *bus, const char *settings, uint64_t timeout_usec, Diag *diag);

typedef struct ControlThread {
        char *kind; /* owned: "vcpu", "iothread", "emulator" (its first thread) */
        unsigned id, tid;
        char *cpus; /* owned: "0-3" */
} ControlThread;
int control_get_threads(sd_bus *bus, uint64_t timeout_usec, Diag *diag, ControlThread **ret, size_t *ret_n);
void control_threads_free(ControlThread *threads, size_t n);

/* ACTIONS: see SetActions. */
int control_set_actions(sd_bus *bus, const char *actions, uint64_t timeout_usec, Diag *diag);

/* Returns when the guest has let go of DEVICE. */
int control_unplug(sd_bus *bus, const char *device, uint64_t timeout_usec, Diag *diag);

/* The guest's state: *ret_fd, the caller's, is read to its end, then control_wait_saved() tells whether that was all, and
 * control_end_saved() ends the machine; all on one connection. Until then the guest goes on when that is closed. */
int control_save(sd_bus *bus, uint64_t timeout_usec, Diag *diag, int *ret_fd);
int control_wait_saved(sd_bus *bus, uint64_t timeout_usec, Diag *diag);
int control_end_saved(sd_bus *bus, uint64_t timeout_usec, Diag *diag);
/* A dump is the same, but for its end: the guest goes on, with THEN "" or "reset", or ("crash") does not. FORMAT "" or
 * "elf" is read from *ret_fd; others go to FILE, which stays the caller's: then control_wait_saved() is for when QEMU says
 * that it is done. */
int control_dump(sd_bus *bus, const char *format, bool live, uint64_t timeout_usec, Diag *diag, int *ret_fd);
int control_dump_to(sd_bus *bus, const char *format, int file, uint64_t timeout_usec, Diag *diag);
int control_end_dump(sd_bus *bus, const char *then, uint64_t timeout_usec, Diag *diag);

/* From the connection that saves or dumps. An error: it may as well stop. */
int control_progress(sd_bus *bus, uint64_t processed, uint64_t total, uint64_t timeout_usec, Diag *diag);
/* *ret, the caller's, is JSON: see GetJob. */
int control_get_job(sd_bus *bus, bool completed, bool keep, uint64_t timeout_usec, Diag *diag, char **ret);
int control_abort_job(sd_bus *bus, uint64_t timeout_usec, Diag *diag);

/* COMMAND is one QMP command object as JSON, *ret its "return" value as JSON. */
int control_qmp(sd_bus *bus, const char *command, uint64_t timeout_usec, Diag *diag, char **ret);
/* The same for the guest agent, which may take LIMIT_USEC for its answer. 0: nobody waits for it, *ret is "null". */
int control_agent_within(sd_bus *bus, const char *command, uint64_t limit_usec, Diag *diag, char **ret);
/* As control_qmp(), with FD, which stays the caller's. */
int control_qmp_with_fd(sd_bus *bus, const char *command, int fd, uint64_t timeout_usec, Diag *diag, char **ret);
