/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "macro.h"

/* Where virtual CPUs can be plugged in: the answer to query-hotpluggable-cpus. */

/* A place for virtual CPUs FIRST and following. */
typedef struct VcpuSlot {
        json_object *entry; /* owned */
        unsigned first, count;
} VcpuSlot;

typedef struct VcpuSlots {
        VcpuSlot *items; /* owned */
        size_t n;
} VcpuSlots;

void vcpu_slots_done(VcpuSlots *s);
#define _cleanup_vcpu_slots_ _cleanup_(vcpu_slots_done)

/* In the order in which QEMU numbers them. 0, -EBADMSG for what makes no sense, or -ENOMEM. */
int vcpu_slots_read(json_object *reply, VcpuSlots *ret);
const VcpuSlot *vcpu_slots_find(const VcpuSlots *s, unsigned id) _pure_;

/* The path in QEMU's tree of what is plugged in there, or NULL. Lives as long as the slot. */
const char *vcpu_slot_path(const VcpuSlot *s);
/* The arguments of device_add that plug virtual CPU ID in, with the id "vcpuN". NULL when memory is out. */
json_object *vcpu_slot_device(const VcpuSlot *s, unsigned id);
