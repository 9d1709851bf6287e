/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"

/* Everything about one VM that fits on a screen. What cannot be found out is left out; one that cannot answer is not asked. */

#define STATUS_LOG_LINES 10U

typedef struct VmStatus {
        VmUnitStatus unit;
        bool enabled, stalled;
        bool changed;        /* the definition is not the one that it was started with */
        bool has_cpu_time, has_cpu;
        uint64_t cpu_time_nsec;
        double cpu;          /* what it takes now: 1 for one CPU */
        unsigned vcpus;      /* 0: not known */
        uint64_t resident, memory; /* bytes; 0: not known */
        char **addresses;    /* owned: "192.168.1.5"; of the guest */
        char **log;          /* owned */
} VmStatus;
void vm_status_done(VmStatus *s);
#define _cleanup_vm_status_ _cleanup_(vm_status_done)

/* Of what runs, it takes a tenth of a second, in which its CPU time is counted. */
int vm_status(Manager *m, const Vm *vm, unsigned log_lines, VmStatus *ret);

/* The command that shows the journal of the units that NAME may run in. WORDS are more arguments. *ret is the caller's. */
int vm_log_command(const char *name, bool session, char *const *words, char ***ret);
