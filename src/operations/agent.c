/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"
#include "json-member.h"

#define REPLY_DEPTH_MAX 16

int vm_agent_malformed(Diag *diag) {
        return diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "internal error: malformed return value");
}

int vm_agent_ask(Manager *m, const Vm *vm, const char *command, json_object *arguments, Diag *diag, json_object **ret) {
        _cleanup_free_ char *reply = NULL, *text = json_command(command, arguments);

        if (!text)
                return -ENOMEM;
        if (!vm->active || (vm->state != STATE_RUNNING && vm->state != STATE_IDLE))
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        int r = m->backend->monitor_agent(m->userdata, vm->name, text, &reply, diag);
        if (r < 0)
                return r;
        *ret = json_parse(reply, REPLY_DEPTH_MAX);
        return *ret ? 0 : vm_agent_malformed(diag);
}
