/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "change-live.h"
#include "iotune.h"
#include "qemu-device.h"
#include "string-util.h"

const char *const iotune_names[_IOTUNE_MAX] = {
        [IOTUNE_TOTAL_BYTES_SEC] = "total_bytes_sec",
        [IOTUNE_READ_BYTES_SEC] = "read_bytes_sec",
        [IOTUNE_WRITE_BYTES_SEC] = "write_bytes_sec",
        [IOTUNE_TOTAL_IOPS_SEC] = "total_iops_sec",
        [IOTUNE_READ_IOPS_SEC] = "read_iops_sec",
        [IOTUNE_WRITE_IOPS_SEC] = "write_iops_sec",
        [IOTUNE_TOTAL_BYTES_SEC_MAX] = "total_bytes_sec_max",
        [IOTUNE_READ_BYTES_SEC_MAX] = "read_bytes_sec_max",
        [IOTUNE_WRITE_BYTES_SEC_MAX] = "write_bytes_sec_max",
        [IOTUNE_TOTAL_IOPS_SEC_MAX] = "total_iops_sec_max",
        [IOTUNE_READ_IOPS_SEC_MAX] = "read_iops_sec_max",
        [IOTUNE_WRITE_IOPS_SEC_MAX] = "write_iops_sec_max",
        [IOTUNE_SIZE_IOPS_SEC] = "size_iops_sec",
        [IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH] = "total_bytes_sec_max_length",
        [IOTUNE_READ_BYTES_SEC_MAX_LENGTH] = "read_bytes_sec_max_length",
        [IOTUNE_WRITE_BYTES_SEC_MAX_LENGTH] = "write_bytes_sec_max_length",
        [IOTUNE_TOTAL_IOPS_SEC_MAX_LENGTH] = "total_iops_sec_max_length",
        [IOTUNE_READ_IOPS_SEC_MAX_LENGTH] = "read_iops_sec_max_length",
        [IOTUNE_WRITE_IOPS_SEC_MAX_LENGTH] = "write_iops_sec_max_length",
};

/* What libvirt counts together: total, read and write; the last families are lengths of bursts. */
static const struct {
        unsigned first, n;
        const char *name; /* of those that exclude each other */
} families[] = {
        { IOTUNE_TOTAL_BYTES_SEC, 3, "bytes_sec" },
        { IOTUNE_TOTAL_IOPS_SEC, 3, "iops_sec" },
        { IOTUNE_TOTAL_BYTES_SEC_MAX, 3, "bytes_sec_max" },
        { IOTUNE_TOTAL_IOPS_SEC_MAX, 3, "iops_sec_max" },
        { IOTUNE_SIZE_IOPS_SEC, 1, NULL },
        { IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH, 3, NULL },
        { IOTUNE_TOTAL_IOPS_SEC_MAX_LENGTH, 3, NULL },
};
/* How many limits have a burst, and it a length. */
#define N_RATES 6U

#define VALUE_MAX UINT64_C(1000000000000000) /* QEMU's */

/* A path may stand for several disks: the first one is meant in a definition, none in what runs. */
static const DomainDisk *find_disk(const Domain *d, const char *device, bool live) {
        const DomainDisk *found = NULL;

        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (streq_ptr(disk->target_dev, device))
                        return disk;
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (*device == '/' && streq_ptr(disk->source.path, device)) {
                        if (found)
                                return live ? NULL : found;
                        found = disk;
                }
        return found;
}

static int check_request(const IotuneRequest *q, Diag *diag) {
        for (size_t i = 0; i < _IOTUNE_MAX; i++)
                if (q->set[i] && q->values[i] > VALUE_MAX)
                        return diag_error(diag, (SrcLoc) {}, "argument unsupported: block I/O throttle limit value must be no more "
                                          "than %" PRIu64, VALUE_MAX);
        FOREACH_ARRAY(f, families, ELEMENTSOF(families)) {
                const uint64_t *v = q->values + f->first;
                if (f->name && v[0] > 0 && (v[1] > 0 || v[2] > 0))
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: total and read/write of %s cannot be set at the same time",
                                          f->name);
        }
        return 0;
}

/* The limits that a request goes out from: the disk's, or of the group that it joins. */
static const DiskIotune *basis(const Domain *d, const DomainDisk *disk, const char *group) {
        if (!group || streq_ptr(disk->iotune.group, group))
                return &disk->iotune;
        FOREACH_ARRAY(other, d->disks, d->n_disks)
                if (streq_ptr(other->iotune.group, group))
                        return &other->iotune;
        return &disk->iotune;
}

static void merge(const IotuneRequest *q, const DiskIotune *old, uint64_t ret[static _IOTUNE_MAX]) {
        FOREACH_ARRAY(f, families, ELEMENTSOF(families)) {
                bool any = false;
                for (unsigned i = f->first; i < f->first + f->n; i++)
                        any = any || q->set[i];
                for (unsigned i = f->first; i < f->first + f->n; i++)
                        ret[i] = any ? q->values[i] : old->values[i].value;
        }
        /* A burst that had a length keeps one. */
        for (unsigned i = 0; i < N_RATES; i++) {
                unsigned length = IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH + i;
                if (old->values[length].value > 0 && ret[length] == 0 &&
                    (ret[IOTUNE_TOTAL_BYTES_SEC + i] > 0 || ret[IOTUNE_TOTAL_BYTES_SEC_MAX + i] > 0))
                        ret[length] = 1;
        }
}

static bool any_limit(const uint64_t *values) {
        for (unsigned i = 0; i < _IOTUNE_MAX; i++)
                if (values[i] > 0)
                        return true;
        return false;
}

static int check_bursts(const uint64_t *v, Diag *diag) {
        for (unsigned i = 0; i < N_RATES; i++) {
                const char *rate = iotune_names[i], *burst = iotune_names[IOTUNE_TOTAL_BYTES_SEC_MAX + i];
                uint64_t x = v[i], y = v[IOTUNE_TOTAL_BYTES_SEC_MAX + i];
                if (y > 0 && x == 0)
                        return diag_error(diag, (SrcLoc) {}, "unsupported configuration: cannot reset '%s' when '%s' is set", rate, burst);
                if (y > 0 && y < x)
                        return diag_error(diag, (SrcLoc) {}, "unsupported configuration: value '%s' cannot be smaller than '%s'", burst, rate);
        }
        return 0;
}

/* What becomes of the text of one disk. */
static int edit_disk(const DomainDisk *disk, const uint64_t *values, const char *group, XmlEdits *edits) {
        _cleanup_free_ char *target = xml_path_quote(disk->target_dev);
        _cleanup_free_ char *path = target ? strf("devices/disk[target/@dev=%s]/iotune", target) : NULL;
        int r = 0;

        if (!path)
                return -ENOMEM;
        if (!any_limit(values))
                return xml_edits_remove(edits, "%s", path);
        for (unsigned i = 0; r >= 0 && i < _IOTUNE_MAX; i++) {
                if (values[i] == disk->iotune.values[i].value)
                        continue;
                r = values[i] > 0 ? xml_edits_u64(edits, values[i], "%s/%s", path, iotune_names[i]) :
                                    xml_edits_remove(edits, "%s/%s", path, iotune_names[i]);
        }
        return r >= 0 && !streq_ptr(group, disk->iotune.group) ? xml_edits_text(edits, group, "%s/group_name", path) : r;
}

static int build_iotune(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const IotuneRequest *q = userdata;
        uint64_t values[_IOTUNE_MAX];

        int r = check_request(q, diag);
        if (r < 0)
                return r;
        const DomainDisk *disk = find_disk(d, q->device, live);
        if (!disk && live)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: disk '%s' not found in domain", q->device);
        if (!disk)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: missing persistent configuration for disk '%s'", q->device);
        const char *group = q->group ?: disk->iotune.group;
        merge(q, basis(d, disk, q->group), values);
        if (!any_limit(values)) {
                if (q->group && !streq_ptr(q->group, disk->iotune.group))
                        return diag_error(diag, (SrcLoc) {}, "unsupported configuration: creating a new group/updating existing with "
                                          "all tune parameters zero is not supported");
                group = NULL; /* the disk leaves it */
        }
        if (live)
                r = check_bursts(values, diag);
        if (r >= 0)
                r = edit_disk(disk, values, group, edits);
        FOREACH_ARRAY(other, d->disks, d->n_disks)
                if (r >= 0 && other != disk && group && streq_ptr(other->iotune.group, group))
                        r = edit_disk(other, values, group, edits);
        return r;
}

int vm_set_iotune(Manager *m, const Vm *vm, ChangeFlags flags, const IotuneRequest *request, Diag *diag) {
        return vm_change_build(m, vm, flags, build_iotune, (void *) request, diag);
}

int vm_get_iotune(Manager *m, const Vm *vm, ChangeFlags flags, const char *device, Diag *diag, IotuneState *ret) {
        _cleanup_(domain_freep) Domain *d = NULL;

        int r = vm_change_load(m, vm, flags, diag, &d);
        if (r >= 0)
                r = vm_change_scope(vm, &flags, diag);
        bool live = flags & CHANGE_LIVE;
        if (r >= 0 && live)
                r = qemu_complete_aliases(d, diag);
        if (r < 0)
                return r;
        const DomainDisk *disk = find_disk(d, device, live);
        if (!disk)
                return diag_error_code(diag, -ENODEV, (SrcLoc) {}, live ? "invalid argument: disk '%s' not found in domain" :
                                       "invalid argument: disk '%s' was not found in the domain config", device);
        *ret = (IotuneState) {};
        for (unsigned i = 0; i < _IOTUNE_MAX; i++)
                ret->values[i] = disk->iotune.values[i].value;
        /* What QEMU makes of it, which is what libvirt shows. */
        for (unsigned i = 0; live && i < N_RATES; i++)
                if (ret->values[IOTUNE_TOTAL_BYTES_SEC_MAX + i] > 0 && ret->values[IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH + i] == 0)
                        ret->values[IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH + i] = 1;
        if (disk->iotune.group)
                ret->group = strdup(disk->iotune.group);
        else
                ret->group = live && any_limit(ret->values) ? disk_qom_name(disk) : strdup("");
        return ret->group ? 0 : -ENOMEM;
}
