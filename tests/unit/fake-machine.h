/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"
#include "number-set.h"
#include "private-directory.h"
#include "text.h"

/* A machine made up for the tests of operations and command line: directories of its own, units in a list, and
 * a record of what systemd and the monitors were asked to do. */

typedef struct FakeUnit {
        char *name; /* owned: the VM's */
        bool transient;
        UnitActivity activity;
        char *digest; /* owned: loaded, or NULL */
        bool needs_reload, masked, enabled;
} FakeUnit;

typedef struct FakeReply {
        char *command, *text; /* owned */
        bool used;
} FakeReply;

typedef struct FakeMachine {
        PrivateDirectory *directory; /* owned */
        const char *dir; /* its path: everything is below */
        char *host_root; /* owned: where its /proc and /sys are */
        Manager *manager; /* owned */
        FakeUnit units[16];
        size_t n_units;
        Text calls; /* one line each */

        /* How the next calls end: 0, or the error and (may be NULL) its text. */
        int start_error, monitor_error, stop_error, unplug_error;
        char *start_text, *monitor_text; /* owned */
        char *qmp_reply;     /* owned */
        FakeReply replies[16]; /* to single commands, in turn; before qmp_reply */
        size_t n_replies;
        unsigned max_vcpus, fixed_vcpus; /* QEMU's virtual CPUs: places, and how many of them cannot be unplugged; 0: no answer */
        NumberSet vcpus;     /* that are there */
        char *tty, *job;     /* owned */
        VmThread threads[16];
        size_t n_threads;
        bool no_systemd;
        UnitProperties properties; /* that somebody has set, of any unit */

        /* who watches */
        void (*unit_changed)(const char *unit, UnitActivity activity, bool lost, void *userdata);
        void *unit_userdata;
        const ControlEventsHandlers *monitor_watch; /* of the one monitor; NULL: nobody */
        void *monitor_userdata;
        int watch_error; /* of the next subscriptions */
} FakeMachine;

/* Aborts when the machine the test runs on does not play along. */
FakeMachine *fake_machine_new(void);
FakeMachine *fake_machine_free(FakeMachine *f);
DEFINE_CLEANUP(FakeMachine *, fake_machine_free)

/* Finds or makes the unit of the VM. */
FakeUnit *fake_unit(FakeMachine *f, const char *name);
/* Writes run/NAME/{state,id}; STATE is "running/booted". */
void fake_runtime(FakeMachine *f, const char *name, const char *state, const char *id);
/* What they are told. */
void fake_unit_changed(FakeMachine *f, const char *unit, UnitActivity activity);
void fake_monitor_state(FakeMachine *f, DomainState state, DomainReason reason, bool agreed);
void fake_monitor_event(FakeMachine *f, const char *name, uint64_t usec, const char *data);
void fake_monitor_gone(FakeMachine *f);
/* Writes a file below the directory. */
void fake_file(FakeMachine *f, const char *path, const char *text);
/* Its content, owned by the caller, or NULL. */
char *fake_read(FakeMachine *f, const char *path);
/* What was called since the last time; owned by the caller. */
char *fake_calls(FakeMachine *f);
