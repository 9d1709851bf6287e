/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "agent.h"
#include "cpus.h"
#include "json-member.h"
#include "string-util.h"

/* Virtual CPUs as the guest sees them. What the agent says is the guest's word: it is taken for nothing else. */

static int read_vcpu(json_object *o, Diag *diag, GuestVcpus *ret) {
        json_object *id = json_member(o, "logical-id", json_type_int), *online = json_member(o, "online", json_type_boolean),
                    *can_offline = json_member(o, "can-offline", json_type_boolean);

        if (!id || !online)
                return diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "internal error: '%s' missing in reply of guest-get-vcpus",
                                       id ? "online" : "logical-id");
        int64_t n = json_object_get_int64(id);
        if (n < 0 || n >= NUMBER_SET_MAX || number_set_has(&ret->all, (unsigned) n))
                return vm_agent_malformed(diag);
        number_set_add(&ret->all, (unsigned) n);
        if (json_object_get_boolean(online))
                number_set_add(&ret->online, (unsigned) n);
        if (can_offline && json_object_get_boolean(can_offline))
                number_set_add(&ret->can_offline, (unsigned) n);
        return 0;
}

int vm_guest_vcpus(Manager *m, const Vm *vm, Diag *diag, GuestVcpus *ret) {
        json_object *reply = NULL;

        *ret = (GuestVcpus) {};
        int r = vm_agent_ask(m, vm, "guest-get-vcpus", NULL, diag, &reply);
        if (r < 0)
                return r;
        if (!json_object_is_type(reply, json_type_array))
                r = vm_agent_malformed(diag);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(reply); i++)
                r = read_vcpu(json_object_array_get_idx(reply, i), diag, ret);
        json_object_put(reply);
        return r;
}

static json_object *set_arguments(const NumberSet *ids, bool online) {
        json_object *o = json_object_new_object(), *list = json_object_new_array();

        json_object_object_add(o, "vcpus", list);
        for (unsigned i = 0; i < NUMBER_SET_MAX; i++) {
                if (!number_set_has(ids, i))
                        continue;
                json_object *v = json_object_new_object();
                json_object_object_add(v, "logical-id", json_object_new_int((int) i));
                json_object_object_add(v, "online", json_object_new_boolean(online));
                json_object_array_add(list, v);
        }
        return o;
}

static void remove_first(NumberSet *s, int64_t n) {
        for (unsigned i = 0; n > 0 && i < NUMBER_SET_MAX; i++)
                if (number_set_has(s, i)) {
                        number_set_remove(s, i);
                        n--;
                }
}

/* The agent may do some of it, and says how many; of what it cannot do it says why when that comes first. */
static int set_online(Manager *m, const Vm *vm, NumberSet ids, bool online, Diag *diag) {
        while (!number_set_is_empty(&ids)) {
                json_object *reply = NULL;
                int r = vm_agent_ask(m, vm, "guest-set-vcpus", set_arguments(&ids, online), diag, &reply);
                if (r < 0)
                        return r;
                int64_t done = json_object_is_type(reply, json_type_int) ? json_object_get_int64(reply) : 0;
                json_object_put(reply);
                if (done <= 0 || done > (int64_t) number_set_count(&ids))
                        return diag_error_code(diag, -EBADMSG, (SrcLoc) {},
                                               "internal error: guest agent returned malformed or invalid return value");
                remove_first(&ids, done);
        }
        return 0;
}

int vm_set_guest_vcpus(Manager *m, const Vm *vm, const char *list, bool enable, Diag *diag) {
        GuestVcpus guest;
        NumberSet ids;

        if (number_set_parse_words(list, &ids) < 0)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: Failed to parse bitmap '%s'", list);
        int r = vm_guest_vcpus(m, vm, diag, &guest);
        if (r < 0)
                return r;
        NumberSet missing = ids, fixed = ids;
        number_set_subtract(&missing, &guest.all);
        number_set_subtract(&fixed, &guest.can_offline);
        for (unsigned i = 0; !enable && i < NUMBER_SET_MAX; i++)
                if (number_set_has(&fixed, i) && number_set_has(&guest.all, i))
                        return diag_error(diag, (SrcLoc) {}, "Operation not supported: vCPU '%u' is not offlinable", i);
        if (!number_set_is_empty(&missing)) {
                _cleanup_free_ char *text = number_set_format(&missing);
                return diag_error(diag, (SrcLoc) {}, "invalid argument: guest is missing vCPUs '%s'", strempty(text));
        }
        return set_online(m, vm, ids, enable, diag);
}

int vm_set_guest_vcpu_count(Manager *m, const Vm *vm, unsigned count, Diag *diag) {
        NumberSet on = {}, off = {};
        GuestVcpus guest;
        unsigned current;

        int r = vm_agent_check(vm, diag);
        if (r >= 0)
                r = vm_vcpu_count(m, vm, CHANGE_LIVE, false, diag, &current);
        if (r < 0)
                return r;
        if (count > current)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: requested vcpu count is greater than the count of enabled vcpus "
                                  "in the domain: %u > %u", count, current);
        r = vm_guest_vcpus(m, vm, diag, &guest);
        if (r < 0)
                return r;
        if (count > number_set_count(&guest.all))
                return diag_error(diag, (SrcLoc) {}, "internal error: guest agent reports less cpu than requested");
        unsigned online = number_set_count(&guest.online);
        for (unsigned i = 0; i < NUMBER_SET_MAX && online != count; i++) {
                if (!number_set_has(&guest.all, i))
                        continue;
                bool is_online = number_set_has(&guest.online, i);
                if (online > count && is_online && number_set_has(&guest.can_offline, i)) {
                        number_set_add(&off, i);
                        online--;
                } else if (online < count && !is_online) {
                        number_set_add(&on, i);
                        online++;
                }
        }
        if (online != count)
                return diag_error(diag, (SrcLoc) {}, "internal error: Cannot offline enough CPUs");
        r = set_online(m, vm, on, true, diag);
        return r < 0 ? r : set_online(m, vm, off, false, diag);
}
