/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"
#include "vcpu-slots.h"

/* Virtual CPUs that are there from the start and can be unplugged: QEMU knows them only as devices, so they are plugged
 * in before the guest runs. */

#define WHY_MAX 256U

typedef struct PlugCall {
        Monitor *monitor;
        VcpusPlugged done;
        void *userdata;
        VcpuSlots slots; /* owned */
        size_t next; /* of the plan's list */
} PlugCall;

static void finish(PlugCall *c, int result, const char *why) {
        c->done(c->monitor, result, why, c->userdata);
        vcpu_slots_done(&c->slots);
        free(c);
}

static void finish_qmp(PlugCall *c, int result, json_object *reply) {
        char why[WHY_MAX];

        (void) snprintf(why, sizeof(why), "cannot plug the virtual CPUs in: %s",
                        result == -EREMOTEIO ? qmp_error_text(reply) : strerror(-result));
        finish(c, result, why);
}

static void plug_next(PlugCall *c);

static void on_added(Qmp *q, int result, json_object *reply, void *userdata) {
        if (result < 0)
                finish_qmp(userdata, result, reply);
        else
                plug_next(userdata);
}

static void plug_next(PlugCall *c) {
        const Plan *p = c->monitor->plan;
        char why[WHY_MAX];

        while (c->next < p->n_plugged_vcpus) {
                unsigned id = p->plugged_vcpus[c->next++];
                const VcpuSlot *s = vcpu_slots_find(&c->slots, id);
                if (!s) {
                        (void) snprintf(why, sizeof(why), "QEMU has no place for virtual CPU %u", id);
                        finish(c, -ENODEV, why);
                        return;
                }
                /* By an earlier monitor. */
                if (vcpu_slot_path(s))
                        continue;
                json_object *arguments = vcpu_slot_device(s, id);
                int r = arguments ? qmp_call(c->monitor->qmp, "device_add", arguments, -1, MONITOR_QMP_USEC, on_added, c) : -ENOMEM;
                if (r < 0)
                        finish_qmp(c, r, NULL);
                return;
        }
        finish(c, 0, NULL);
}

static void on_slots(Qmp *q, int result, json_object *reply, void *userdata) {
        PlugCall *c = userdata;

        if (result >= 0)
                result = vcpu_slots_read(reply, &c->slots);
        if (result < 0)
                finish_qmp(c, result, reply);
        else
                plug_next(c);
}

int monitor_plug_vcpus(Monitor *m, VcpusPlugged done, void *userdata) {
        PlugCall *c = calloc(1, sizeof(PlugCall));

        if (!c)
                return -ENOMEM;
        *c = (PlugCall) { .monitor = m, .done = done, .userdata = userdata };
        int r = qmp_call(m->qmp, "query-hotpluggable-cpus", NULL, -1, MONITOR_QMP_USEC, on_slots, c);
        if (r < 0)
                free(c);
        return r;
}
