/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <limits.h>

#include "base64.h"
#include "guest-agent.h"
#include "json-member.h"
#include "string-util.h"
#include "strv.h"
#include "taint.h"
#include "time-util.h"
#include "vm-lifecycle.h"

#define COMMAND_LIMIT_USEC (5 * USEC_PER_SEC) /* libvirt's, for commands of the user's */
#define SLEEP_LIMIT_USEC (20 * USEC_PER_SEC) /* also how long the agent counts as busy when the guest wakes up at once */

int vm_agent_command(Manager *m, const Vm *vm, const char *command, int wait, Diag *diag, char **ret) {
        uint64_t limit = wait == AGENT_WAIT_NOT ? 0 : wait == AGENT_WAIT_BLOCK ? AGENT_ENDLESS_USEC : wait > 0 ?
                (uint64_t) wait * USEC_PER_SEC : vm_agent_limit(m, vm, COMMAND_LIMIT_USEC);

        int r = vm_agent_check(vm, diag);
        if (r < 0)
                return r;
        vm_taint(m, vm, TAINT_CUSTOM_GA_COMMAND);
        return m->backend->monitor_agent(m->userdata, vm->name, command, limit, ret, diag);
}

static json_object *list_of(char *const *words) {
        json_object *list = json_object_new_array();

        STRV_FOREACH(w, words)
                if (list)
                        (void) json_object_array_add(list, json_object_new_string(*w));
        return list;
}

/* --- users --- */

int vm_set_user_password(Manager *m, const Vm *vm, const char *user, const char *password, bool encrypted, Diag *diag) {
        _cleanup_free_ char *text = base64_encode(password, strlen(password));
        json_object *o = text ? json_strings("username", user, "password", text, NULL) : NULL;

        if (!o)
                return -ENOMEM;
        json_object_object_add(o, "crypted", json_object_new_boolean(encrypted));
        return vm_agent_ask(m, vm, "guest-set-user-password", o, diag, NULL);
}

int vm_ssh_keys(Manager *m, const Vm *vm, const char *user, Diag *diag, char ***ret) {
        _cleanup_strv_ char **keys = NULL;
        json_object *o = NULL;

        int r = vm_agent_ask(m, vm, "guest-ssh-get-authorized-keys", json_strings("username", user, NULL), diag, &o);
        if (r < 0)
                return r;
        json_object *list = json_member(o, "keys", json_type_array);
        if (!list)
                r = vm_agent_malformed(diag);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                json_object *key = json_object_array_get_idx(list, i);
                r = json_object_is_type(key, json_type_string) ? strv_consume(&keys, string_printable(json_object_get_string(key))) :
                        vm_agent_malformed(diag);
        }
        json_object_put(o);
        if (r >= 0)
                *ret = TAKE_PTR(keys);
        return r;
}

int vm_add_ssh_keys(Manager *m, const Vm *vm, const char *user, char *const *keys, bool reset, Diag *diag) {
        json_object *o = json_strings("username", user, NULL);

        json_object_object_add(o, "keys", list_of(keys));
        json_object_object_add(o, "reset", json_object_new_boolean(reset));
        return vm_agent_ask(m, vm, "guest-ssh-add-authorized-keys", o, diag, NULL);
}

int vm_remove_ssh_keys(Manager *m, const Vm *vm, const char *user, char *const *keys, Diag *diag) {
        json_object *o = json_strings("username", user, NULL);

        json_object_object_add(o, "keys", list_of(keys));
        return vm_agent_ask(m, vm, "guest-ssh-remove-authorized-keys", o, diag, NULL);
}

/* --- file systems --- */

static int count_of(int r, json_object *o, Diag *diag) {
        if (r < 0)
                return r;
        int64_t n = json_object_is_type(o, json_type_int) ? json_object_get_int64(o) : -1;
        json_object_put(o);
        return n < 0 || n > INT_MAX ? vm_agent_malformed(diag) : (int) n;
}

/* These wait for the guest's disks, as long as that takes. */
int vm_fs_freeze(Manager *m, const Vm *vm, char *const *mountpoints, Diag *diag) {
        json_object *o = NULL, *arguments = NULL;
        bool some = strv_length(mountpoints) > 0;

        if (some) {
                arguments = json_object_new_object();
                json_object_object_add(arguments, "mountpoints", list_of(mountpoints));
        }
        int r = vm_agent_ask_within(m, vm, some ? "guest-fsfreeze-freeze-list" : "guest-fsfreeze-freeze", arguments, AGENT_ENDLESS_USEC, diag, &o);
        return count_of(r, o, diag);
}

int vm_fs_thaw(Manager *m, const Vm *vm, char *const *mountpoints, Diag *diag) {
        json_object *o = NULL;

        if (strv_length(mountpoints) > 0)
                return diag_error(diag, (SrcLoc) {}, "argument unsupported: specifying mountpoints is not supported");
        int r = vm_agent_ask_within(m, vm, "guest-fsfreeze-thaw", NULL, AGENT_ENDLESS_USEC, diag, &o);
        return count_of(r, o, diag);
}

int vm_fs_trim(Manager *m, const Vm *vm, const char *mountpoint, uint64_t minimum, Diag *diag) {
        if (mountpoint)
                return diag_error(diag, (SrcLoc) {}, "argument unsupported: Specifying mount point is not supported for now");
        json_object *o = json_object_new_object();
        json_object_object_add(o, "minimum", json_object_new_uint64(minimum));
        return vm_agent_ask_within(m, vm, "guest-fstrim", o, AGENT_ENDLESS_USEC, diag, NULL);
}

/* --- time --- */

#define NSEC_PER_SEC INT64_C(1000000000)

int vm_guest_time(Manager *m, const Vm *vm, Diag *diag, int64_t *ret_seconds) {
        json_object *o = NULL;

        int r = vm_agent_ask(m, vm, "guest-get-time", NULL, diag, &o);
        if (r < 0)
                return r;
        if (json_object_is_type(o, json_type_int))
                *ret_seconds = json_object_get_int64(o) / NSEC_PER_SEC;
        else
                r = vm_agent_malformed(diag);
        json_object_put(o);
        return r;
}

int vm_set_guest_time(Manager *m, const Vm *vm, int64_t seconds, unsigned nsec, bool sync, Diag *diag) {
        json_object *o = NULL;
        int64_t time;

        int r = vm_agent_check(vm, diag);
        if (r < 0)
                return r;
        if (!sync) {
                if (__builtin_mul_overflow(seconds, NSEC_PER_SEC, &time) || __builtin_add_overflow(time, (int64_t) nsec, &time))
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: Time '%" PRId64 "' is too big for guest agent",
                                               seconds);
                o = json_object_new_object();
                json_object_object_add(o, "time", json_object_new_int64(time));
        }
        r = vm_agent_ask(m, vm, "guest-set-time", o, diag, NULL);
        /* The guest's clock is right by now: ticks it has missed are not to be delivered late. */
        return r < 0 ? r : vm_qmp_ask(m, vm, "rtc-reset-reinjection", NULL, diag, NULL);
}

/* --- sleep --- */

int vm_pm_suspend(Manager *m, const Vm *vm, const char *target, Diag *diag) {
        static const struct {
                const char *target, *command;
        } targets[] = { { "mem", "guest-suspend-ram" }, { "disk", "guest-suspend-disk" }, { "hybrid", "guest-suspend-hybrid" } };

        FOREACH_ARRAY(t, targets, ELEMENTSOF(targets))
                if (streq(target, t->target)) {
                        _cleanup_free_ char *reply = NULL, *command = json_command(t->command, NULL);
                        int r = command ? vm_agent_check(vm, diag) : -ENOMEM;
                        /* The agent only tells of a failure; that the guest sleeps, the monitor hears from QEMU. */
                        if (r >= 0)
                                r = m->backend->monitor_agent(m->userdata, vm->name, command, vm_agent_limit(m, vm, SLEEP_LIMIT_USEC), &reply, diag);
                        return r;
                }
        return diag_error(diag, (SrcLoc) {}, "invalid argument: Unknown suspend target: %s", target);
}

int vm_pm_wakeup(Manager *m, const Vm *vm, Diag *diag) {
        if (!vm->active)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
        return vm_qmp_ask(m, vm, "system_wakeup", NULL, diag, NULL);
}
