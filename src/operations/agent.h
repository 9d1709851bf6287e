/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "machines.h"
#include "time-util.h"

/* The guest agent. What it says is the guest's word: it is taken for nothing else. */

/* -EINVAL, with libvirt's words, when VM does not run. */
int vm_agent_check(const Vm *vm, Diag *diag);
/* Its answer is not of the form that it has. Returns -EBADMSG. */
int vm_agent_malformed(Diag *diag);

/* Runs a command of the agent's in a guest that runs. ARGUMENTS (NULL: none) are taken over, *ret (may be NULL) is the
 * caller's. 0 or negative errno with libvirt's words in DIAG. */
int vm_agent_ask(Manager *m, const Vm *vm, const char *command, json_object *arguments, Diag *diag, json_object **ret);

#define AGENT_ENDLESS_USEC (24 * 3600 * USEC_PER_SEC)
/* The same for one that takes longer: it may take USUAL_USEC, unless vm_set_agent_timeout() says otherwise. */
int vm_agent_ask_within(Manager *m, const Vm *vm, const char *command, json_object *arguments, uint64_t usual_usec, Diag *diag,
                        json_object **ret);
uint64_t vm_agent_limit(Manager *m, const Vm *vm, uint64_t usual_usec);

/* How long a client's command may take; seconds, or: */
typedef enum VmAgentWait {
        AGENT_WAIT_BLOCK = -2,   /* until it is done */
        AGENT_WAIT_DEFAULT = -1, /* what vm_set_agent_timeout() says, or 5 s */
        AGENT_WAIT_NOT = 0,      /* it is not waited for: the answer is "null" */
} VmAgentWait;
/* For all commands to the agent until the VM stops. */
int vm_set_agent_timeout(Manager *m, const Vm *vm, int seconds, Diag *diag);
