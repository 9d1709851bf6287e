/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "agent.h"
#include "json-member.h"
#include "parse-util.h"
#include "runtime.h"
#include "string-util.h"

#define REPLY_DEPTH_MAX 16
#define USUAL_LIMIT_USEC (20 * USEC_PER_SEC)
#define TIMEOUT_FILE "agent-timeout"

int vm_agent_check(const Vm *vm, Diag *diag) {
        if (vm->active && (vm->state == STATE_RUNNING || vm->state == STATE_IDLE))
                return 0;
        return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
}

int vm_agent_malformed(Diag *diag) {
        return diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "internal error: malformed return value");
}

/* --- how long to wait --- */

static int read_timeout(Manager *m, const Vm *vm) {
        _cleanup_close_ int dir = manager_open_runtime(m, vm->name);
        _cleanup_free_ char *line = NULL;
        unsigned seconds;

        if (dir < 0 || runtime_read_line(dir, TIMEOUT_FILE, &line) < 0)
                return AGENT_WAIT_DEFAULT;
        if (streq(line, "block"))
                return AGENT_WAIT_BLOCK;
        return parse_uint(line, &seconds) < 0 || seconds > INT_MAX ? AGENT_WAIT_DEFAULT : (int) seconds;
}

uint64_t vm_agent_limit(Manager *m, const Vm *vm, uint64_t usual) {
        int seconds = read_timeout(m, vm);

        /* Not to wait at all makes no sense for a question. */
        return seconds == AGENT_WAIT_BLOCK ? AGENT_ENDLESS_USEC : seconds <= 0 ? usual : (uint64_t) seconds * USEC_PER_SEC;
}

int vm_set_agent_timeout(Manager *m, const Vm *vm, int seconds, Diag *diag) {
        _cleanup_free_ char *line = seconds == AGENT_WAIT_BLOCK ? strdup("block\n") : strf("%d\n", seconds);

        if (seconds < AGENT_WAIT_BLOCK)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: guest agent timeout '%d' is less than the minimum '-2'", seconds);
        /* It is kept with what runs. */
        if (!vm->active)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        _cleanup_close_ int dir = manager_open_runtime(m, vm->name);
        int r = !line ? -ENOMEM : dir < 0 ? dir : 0;
        if (r >= 0 && seconds == AGENT_WAIT_DEFAULT)
                r = unlinkat(dir, TIMEOUT_FILE, 0) < 0 && errno != ENOENT ? -errno : 0;
        else if (r >= 0)
                r = runtime_write(dir, TIMEOUT_FILE, line, strlen(line), 0600);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot write the time limit: %s", strerror(-r)) : 0;
}

/* --- asking --- */

int vm_agent_ask_within(Manager *m, const Vm *vm, const char *command, json_object *arguments, uint64_t usual, Diag *diag,
                        json_object **ret) {
        _cleanup_free_ char *reply = NULL;
        _cleanup_free_ char *text = json_command(command, arguments);

        if (!text)
                return -ENOMEM;
        int r = vm_agent_check(vm, diag);
        if (r >= 0)
                r = m->backend->monitor_agent(m->userdata, vm->name, text, vm_agent_limit(m, vm, usual), &reply, diag);
        if (r < 0)
                return r;
        if (!ret)
                return 0;
        *ret = json_parse(reply, REPLY_DEPTH_MAX);
        return *ret ? 0 : vm_agent_malformed(diag);
}

int vm_agent_ask(Manager *m, const Vm *vm, const char *command, json_object *arguments, Diag *diag, json_object **ret) {
        return vm_agent_ask_within(m, vm, command, arguments, USUAL_LIMIT_USEC, diag, ret);
}
