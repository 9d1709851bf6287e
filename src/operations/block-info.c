/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "block-info.h"
#include "change-live.h"
#include "json-member.h"
#include "qemu-device.h"
#include "string-util.h"
#include "vm-lifecycle.h"

const DomainDisk *domain_find_disk(const Domain *d, const char *device) {
        const DomainDisk *found = NULL;

        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (streq_ptr(disk->target_dev, device))
                        return disk;
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (*device == '/' && streq_ptr(disk->source.path, device)) {
                        if (found)
                                return NULL;
                        found = disk;
                }
        return found;
}

static char *nvme_text(const DiskSource *s) {
        const DeviceAddress *a = &s->address;

        return strf("nvme://%04x:%02x:%02x.%u/%llu", a->domain.value, a->bus.value, a->slot.value, a->function.value,
                    (unsigned long long) s->nvme_namespace.value);
}

int disk_source_text(const DiskSource *s, char **ret) {
        const char *text = s->type == DISK_NETWORK ? s->name : s->type == DISK_VOLUME ? s->volume : s->path;

        *ret = s->type == DISK_NVME ? nvme_text(s) : text ? strdup(text) : NULL;
        return (text || s->type == DISK_NVME) && !*ret ? -ENOMEM : 0;
}

/* --- what QEMU says --- */

void block_report_done(BlockReport *r) {
        json_object_put(r->blocks);
        json_object_put(r->stats);
        *r = (BlockReport) {};
}

int vm_block_report(Manager *m, const Vm *vm, Domain *d, Diag *diag, BlockReport *ret) {
        _cleanup_block_report_ BlockReport report = {};

        int r = qemu_complete_aliases(d, diag);
        if (r >= 0)
                r = vm_qmp_ask(m, vm, "query-blockstats", NULL, diag, &report.stats);
        if (r >= 0)
                r = vm_qmp_ask(m, vm, "query-block", NULL, diag, &report.blocks);
        if (r < 0)
                return r;
        *ret = report;
        report = (BlockReport) {};
        return 0;
}

/* The entry of a list that is about DISK. */
static json_object *find_entry(json_object *list, const DomainDisk *disk) {
        _cleanup_free_ char *name = disk_qom_name(disk);

        for (size_t i = 0; name && json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
                json_object *o = json_object_array_get_idx(list, i);
                if (streq_ptr(json_member_string(o, "qdev"), name))
                        return o;
        }
        return NULL;
}

static bool get_number(json_object *o, const char *key, uint64_t *ret) {
        json_object *v = json_member(o, key, json_type_int);

        /* Some of QEMU's numbers can be negative, none of those that count something. */
        if (!v || json_object_get_int64(v) < 0)
                return false;
        *ret = json_object_get_uint64(v);
        return true;
}

int block_report_counters(const BlockReport *r, const DomainDisk *disk, BlockCounters *ret) {
        static const char *const names[_BLOCK_COUNTER_MAX] = {
                [BLOCK_READ_REQUESTS] = "rd_operations",
                [BLOCK_READ_BYTES] = "rd_bytes",
                [BLOCK_WRITE_REQUESTS] = "wr_operations",
                [BLOCK_WRITE_BYTES] = "wr_bytes",
                [BLOCK_FLUSH_REQUESTS] = "flush_operations",
                [BLOCK_READ_TIMES] = "rd_total_time_ns",
                [BLOCK_WRITE_TIMES] = "wr_total_time_ns",
                [BLOCK_FLUSH_TIMES] = "flush_total_time_ns",
        };
        json_object *stats = json_member(find_entry(r->stats, disk), "stats", json_type_object);

        *ret = (BlockCounters) {};
        if (!stats)
                return -ENOENT;
        for (size_t i = 0; i < _BLOCK_COUNTER_MAX; i++)
                ret->has[i] = get_number(stats, names[i], &ret->values[i]);
        return 0;
}

void block_counters_add(BlockCounters *a, const BlockCounters *b) {
        for (size_t i = 0; i < _BLOCK_COUNTER_MAX; i++) {
                a->values[i] += b->values[i];
                a->has[i] = a->has[i] || b->has[i];
        }
}

/* The highest byte that was written to the file: of the last node below. */
static uint64_t highest_write(json_object *entry) {
        json_object *o = entry, *next;
        uint64_t v = 0;

        while ((next = json_member(o, "parent", json_type_object)))
                o = next;
        (void) get_number(o == entry ? NULL : json_member(o, "stats", json_type_object), "wr_highest_offset", &v);
        return v;
}

/* "libvirt-3-format": 3 */
static unsigned node_index(json_object *entry) {
        const char *name = startswith(strempty(json_member_string(entry, "node-name")), "libvirt-");
        unsigned n;

        return name && sscanf(name, "%5u-", &n) == 1 ? n : 0;
}

/* Limits and the like are layers of their own, which are no images. */
static bool is_filter(json_object *image) {
        const char *format = json_member_string(image, "format");

        return streq_ptr(format, "throttle") || streq_ptr(format, "copy-on-read");
}

int block_report_image(const BlockReport *r, const DomainDisk *disk, unsigned depth, BlockImage *ret) {
        json_object *stats = find_entry(r->stats, disk),
                    *inserted = json_member(find_entry(r->blocks, disk), "inserted", json_type_object),
                    *image = json_member(inserted, "image", json_type_object);

        *ret = (BlockImage) {};
        for (; image && (depth > 0 || is_filter(image)); stats = json_member(stats, "backing", json_type_object)) {
                depth -= !is_filter(image);
                image = json_member(image, "backing-image", json_type_object);
        }
        if (!image)
                return -ENOENT;
        (void) get_number(image, "virtual-size", &ret->capacity);
        (void) get_number(image, "actual-size", &ret->physical);
        ret->highest = highest_write(stats);
        ret->index = node_index(stats);
        return 0;
}

DiskError block_report_error(const BlockReport *r, const DomainDisk *disk) {
        const char *status = json_member_string(find_entry(r->blocks, disk), "io-status");

        return streq_ptr(status, "failed") ? DISK_ERROR_UNSPECIFIED : streq_ptr(status, "nospace") ? DISK_ERROR_NO_SPACE
                                                                                                   : DISK_ERROR_NONE;
}

/* --- sizes --- */

static int stored_sizes(const DomainDisk *disk, Diag *diag, ImageSizes *ret) {
        const DiskSource *s = &disk->source;

        if (s->type == DISK_NETWORK)
                return diag_error_code(diag, -EREMOTE, (SrcLoc) {}, "internal error: missing storage backend for network files using %s "
                                       "protocol", strempty(disk_protocol_to_string(s->protocol)));
        if (!(disk_source_is_local(s) || s->type == DISK_DIR) || !s->path)
                return diag_error_code(diag, -EOPNOTSUPP, (SrcLoc) {}, "internal error: missing storage backend for '%s' storage",
                                       strempty(disk_type_to_string(s->type)));
        int r = image_file_sizes(s->path, s->format, ret);
        if (r == -EISDIR)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read header '%s': %s", s->path, strerror(EISDIR));
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "Failed to open file '%s': %s", s->path, strerror(-r));
        return 0;
}

/* libvirt's rules: until the guest has written something, the host's word counts for the image's size. */
static int running_sizes(const BlockReport *report, const DomainDisk *disk, Diag *diag, ImageSizes *ret) {
        ImageSizes stored;
        BlockImage image;

        if (block_report_image(report, disk, 0, &image) < 0)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: missing statistics for disk '%s'", disk->target_dev);
        bool has_stored = (image.highest == 0 || image.physical == 0) && disk_source_is_local(&disk->source) && disk->source.path &&
                          image_file_sizes(disk->source.path, FORMAT_UNSET, &stored) >= 0;
        *ret = (ImageSizes) {
                .capacity = image.capacity,
                .allocation = image.highest > 0 ? image.highest : image.physical,
                .physical = has_stored ? stored.physical : image.physical,
        };
        return 0;
}

int vm_disk_sizes(const BlockReport *report, const DomainDisk *disk, Diag *diag, ImageSizes *ret) {
        if (disk_source_is_empty(&disk->source))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: disk '%s' does not currently have a source assigned",
                                  disk->target_dev);
        if (disk->source.type == DISK_VHOSTUSER)
                return diag_error_code(diag, -EOPNOTSUPP, (SrcLoc) {}, "Operation not supported: block info is not supported for vhostuser disk");
        return report ? running_sizes(report, disk, diag, ret) : stored_sizes(disk, diag, ret);
}
