/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "machines.h"

/* The guest agent. What it says is the guest's word: it is taken for nothing else. */

/* Runs a command of the agent's in a guest that runs. ARGUMENTS (NULL: none) are taken over, *ret is the caller's. 0 or
 * negative errno with libvirt's words in DIAG. */
int vm_agent_ask(Manager *m, const Vm *vm, const char *command, json_object *arguments, Diag *diag, json_object **ret);

/* Its answer is not of the form that it has. Returns -EBADMSG. */
int vm_agent_malformed(Diag *diag);
