/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu-fd.h"

/* A process beside QEMU that serves one of its devices (swtpm, passt, virtiofsd): a child of the supervisor in the VM's
 * unit, with its uid and its categories. It opens nothing either: what it needs it is handed, and it meets QEMU at a
 * socket pair. When it ends before QEMU does, that is a crash of the machine (<on_crash>). */

typedef enum HelperWhen {
        HELPER_RUNS = 1,       /* as long as QEMU */
        HELPER_FILLS,          /* to its end before the others start: when there is nothing in its directory … */
        HELPER_CHANGES,        /* … or when there is something */
} HelperWhen;
DECLARE_STRING_TABLE(helper_when, HelperWhen); /* "runs", "fills", "changes" */

typedef struct PlanHelper {
        char *name;      /* owned; unique; [a-zA-Z0-9._-]: "tpm0", "tpm0-setup" */
        char *program;   /* owned: absolute path */
        char **argv;     /* owned; argv[0] first */
        char *directory; /* owned: the PlanFd (PLAN_FD_DIRECTORY) it runs in; NULL: "/" */
        char **allow;    /* owned: words for its filter of system calls (src/supervisor/seccomp-filter.h) */
        char *element;   /* owned: what in the definition asks for it: "tpm tpm0" */
        SrcLoc loc;
        HelperWhen when;
        unsigned next_number; /* the next descriptor in it; while the command line is made */
} PlanHelper;

/* So many can run beside QEMU; the supervisor has room for no more. */
#define PLAN_HELPERS_MAX 32U

/* Frees what H owns and leaves {} behind. */
void plan_helper_done(PlanHelper *h);
