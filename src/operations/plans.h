/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "definitions.h"
#include "machines.h"
#include "manager.h"

typedef enum PlanningFlags {
        PLANNING_HOST = 1 << 0,   /* look at this machine: execute the emulator if its record is not cached,
                                     check that the files are there */
        PLANNING_STRICT = 1 << 1,  /* what is not known is an error */
        PLANNING_GENERIC = 1 << 2, /* as on a machine made up, with everything */
        PLANNING_SCHEMA = 1 << 3,  /* verify: hold the text against the schema, too */
} PlanningFlags;

/* The domain of the definition TEXT, effective: with all that the emulator decides. *d may become another one, see
 * plan_complete_domain(). -ENOENT when nothing is known about the emulator (and PLANNING_HOST was not given). */
int definition_complete(Manager *m, Domain **d, const char *text, size_t size, PlanningFlags flags, Diag *diag,
                        QemuCaps **ret_caps);

/* Can systemd be told all that D asks for? 0 or negative errno with the reasons in DIAG. */
int definition_check_unit(Manager *m, const Domain *d, Diag *diag);
/* Does this machine have the CPUs, NUMA nodes, cgroup controllers and block devices that the definition names? 0 or
 * -ENODEV with the reasons in DIAG. */
int definition_check_resources(Manager *m, const Domain *d, Diag *diag);
/* Is vmunit.conf in order, as far as starts are concerned? Its warnings are for `vmunit hostinfo`. */
int definition_check_config(Diag *diag);

/* What would run. */
int definition_plan(Manager *m, const char *text, size_t size, const char *source_path, PlanningFlags flags,
                    Diag *diag, Plan **ret);

/* Everything that can be found out about a definition without starting it. 0: nothing wrong; warnings, too,
 * are in DIAG. */
int definition_verify(Manager *m, const char *text, size_t size, const char *source_path, PlanningFlags flags,
                      Diag *diag);

/* The plan with which the machine NAME was started, the caller's; NULL when it cannot be read. */
Plan *vm_read_plan(Manager *m, const char *name);

typedef enum DumpFlags {
        DUMP_INACTIVE = 1 << 0,
        DUMP_SECURE = 1 << 1,     /* with passwords */
        DUMP_UPDATE_CPU = 1 << 3, /* with the processor that it would have on this host */
        DUMP_MIGRATABLE = 1 << 2, /* for another host: with passwords, without what it adds by itself */
} DumpFlags;

/* The domain that `dumpxml` shows, with all that the emulator decides: what runs, or (INACTIVE, or when nothing runs) what its
 * definition says. What has no definition is what runs. */
int vm_describe(Manager *m, const Vm *vm, bool inactive, Diag *diag, Domain **ret);

/* `dumpxml` */
int vm_dump_xml(Manager *m, const Vm *vm, DumpFlags flags, Diag *diag, char **ret);

int argv_to_shell(char *const *env, char *const *argv, char **ret);

/* The command line that a person could run, with paths instead of descriptors: "NAME=VALUE … PROGRAM ARG …" on one
 * line, quoted for a shell. */
int definition_to_shell(Manager *m, const char *text, size_t size, PlanningFlags flags, Diag *diag, char **ret);
