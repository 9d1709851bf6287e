/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "change-live.h"
#include "iotune.h"
#include "json-member.h"
#include "string-util.h"
#include "vm-lifecycle.h"

/* Limits of disks in a VM that runs. A start gives a disk its limits as a node in front of the image, so that they hold
 * from the guest's first request on (qemu-argv-disk-node.c). Changes go to the device, as libvirt's do, and the node lets
 * everything pass from then on. The disks of a group change together, from the one way to the other. */

char *disk_qom_name(const DomainDisk *disk) {
        const char *alias = strempty(disk->info.alias);

        if (disk->bus == BUS_VIRTIO)
                return strf("/machine/peripheral/%s/virtio-backend", alias);
        if (disk->bus == BUS_USB)
                return strf("/machine/peripheral/%s/%s.0/legacy[0]", alias, alias);
        return strdup(alias);
}

static const DomainDisk *find_disk(const Domain *d, const char *target) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (streq_ptr(disk->target_dev, target))
                        return disk;
        return NULL;
}

static bool same_iotune(const DiskIotune *a, const DiskIotune *b) {
        for (size_t i = 0; i < _IOTUNE_MAX; i++)
                if (a->values[i].value != b->values[i].value)
                        return false;
        return streq_ptr(a->group, b->group);
}

static bool disk_changes(const Domain *from, const DomainDisk *disk) {
        const DomainDisk *old = find_disk(from, disk->target_dev);

        return old && !same_iotune(&old->iotune, &disk->iotune);
}

static bool shares_group(const DomainDisk *a, const DomainDisk *b) {
        return a && b && a->iotune.group && streq_ptr(a->iotune.group, b->iotune.group);
}

/* A disk changes with those that are, or were, in a group with it. */
static bool is_concerned(const Domain *from, const Domain *to, const DomainDisk *disk) {
        if (disk_source_is_empty(&disk->source))
                return false;
        FOREACH_ARRAY(other, to->disks, to->n_disks)
                if (disk_changes(from, other) &&
                    (other == disk || shares_group(other, disk) ||
                     shares_group(find_disk(from, other->target_dev), find_disk(from, disk->target_dev))))
                        return true;
        return false;
}

/* In the order of IotuneValue. */
static const char *const throttle_words[_IOTUNE_MAX] = {
        "bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr",
        "bps_max", "bps_rd_max", "bps_wr_max", "iops_max", "iops_rd_max", "iops_wr_max", "iops_size",
        "bps_max_length", "bps_rd_max_length", "bps_wr_max_length", "iops_max_length", "iops_rd_max_length", "iops_wr_max_length",
};

static void add_number(json_object *o, const char *key, uint64_t v) {
        json_object_object_add(o, key, json_object_new_uint64(v));
}

static int set_limits(Manager *m, const Vm *vm, const DomainDisk *disk, Diag *diag) {
        _cleanup_free_ char *name = disk_qom_name(disk);
        json_object *o = name ? json_strings("id", name, NULL) : NULL;

        if (!o)
                return -ENOMEM;
        for (unsigned i = 0; i < _IOTUNE_MAX; i++)
                /* The first ones are never left out; a length of 0 is none. */
                if (i < IOTUNE_TOTAL_BYTES_SEC_MAX || disk->iotune.values[i].value > 0)
                        add_number(o, throttle_words[i], disk->iotune.values[i].value);
        if (disk_iotune_is_set(&disk->iotune))
                json_object_object_add(o, "group", json_object_new_string(disk->iotune.group ?: name));
        return vm_qmp_ask(m, vm, "block_set_io_throttle", o, diag, NULL);
}

/* Everything passes. */
static int open_node(Manager *m, const Vm *vm, const char *group, Diag *diag) {
        static const char *const rates[] = { "bps-total", "bps-read", "bps-write", "iops-total", "iops-read", "iops-write" };
        _cleanup_free_ char *path = strf("/objects/%s", group);
        json_object *o = path ? json_strings("path", path, "property", "limits", NULL) : NULL, *limits = json_object_new_object();
        char key[32];

        if (!o || !limits) {
                json_object_put(o);
                json_object_put(limits);
                return -ENOMEM;
        }
        json_object_object_add(o, "value", limits);
        for (size_t i = 0; i < ELEMENTSOF(rates); i++) {
                add_number(limits, rates[i], 0);
                (void) snprintf(key, sizeof(key), "%s-max", rates[i]);
                add_number(limits, key, 0);
                (void) snprintf(key, sizeof(key), "%s-max-length", rates[i]);
                add_number(limits, key, 1);
        }
        add_number(limits, "iops-size", 0);
        return vm_qmp_ask(m, vm, "qom-set", o, diag, NULL);
}

static bool has_object(json_object *objects, const char *name) {
        for (size_t i = 0; json_object_is_type(objects, json_type_array) && i < json_object_array_length(objects); i++)
                if (streq_ptr(json_member_string(json_object_array_get_idx(objects, i), "name"), name))
                        return true;
        return false;
}

static int open_nodes(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag) {
        static const char *const formats[] = { "throttle-", "throttle-group-" };
        json_object *arguments = json_strings("path", "/objects", NULL), *objects;

        if (!arguments)
                return -ENOMEM;
        int r = vm_qmp_ask(m, vm, "qom-list", arguments, diag, &objects);
        if (r < 0)
                return r;
        FOREACH_ARRAY(disk, to->disks, to->n_disks)
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(formats) && is_concerned(from, to, disk); i++) {
                        _cleanup_free_ char *group = strf("%s%s", formats[i], disk->target_dev);
                        if (!group)
                                r = -ENOMEM;
                        else if (has_object(objects, group))
                                r = open_node(m, vm, group, diag);
                }
        json_object_put(objects);
        return r;
}

int change_live_iotune(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag) {
        bool any = false;
        int r = 0;

        FOREACH_ARRAY(disk, to->disks, to->n_disks) {
                if (r < 0 || !is_concerned(from, to, disk))
                        continue;
                any = true;
                r = set_limits(m, vm, disk, diag);
        }
        /* Only now, so that there is no moment without limits. */
        return r >= 0 && any ? open_nodes(m, vm, from, to, diag) : r;
}
