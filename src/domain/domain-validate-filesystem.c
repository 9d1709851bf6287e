/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

static void check_9p(const DomainFilesystem *f, Diag *diag) {
        if (f->source_socket)
                (void) diag_error(diag, f->info.loc, "filesystem '%s': <source socket=> goes with driver 'virtiofs' only",
                                  strempty(f->target));
        if (f->info.boot_order.set)
                (void) diag_error(diag, f->info.loc, "filesystem '%s': <boot> goes with driver 'virtiofs' only",
                                  strempty(f->target));
}

static void check_virtiofs(const Domain *d, const DomainFilesystem *f, Diag *diag) {
        const char *target = strempty(f->target);
        SrcLoc loc = f->info.loc;

        if (!memory_is_shared(d))
                (void) diag_error(diag, loc,
                                  "filesystem '%s': virtiofs needs shared memory: <memoryBacking> with "
                                  "<source type='memfd'/> and <access mode='shared'/>",
                                  target);
        if (f->access != FS_PASSTHROUGH && f->access != FS_ACCESS_UNSET)
                (void) diag_error(diag, loc, "filesystem '%s': virtiofs has no accessmode '%s'", target,
                                  filesystem_access_to_string(f->access));
        if (f->readonly)
                (void) diag_error(diag, loc, "filesystem '%s': virtiofs has no <readonly>", target);
        if (f->model == FS_VIRTIO_TRANSITIONAL || f->model == FS_VIRTIO_NON_TRANSITIONAL)
                (void) diag_error(diag, loc, "filesystem '%s': virtiofs has no model '%s'", target,
                                  filesystem_model_to_string(f->model));
        if (f->multidevs != MULTIDEVS_UNSET)
                (void) diag_error(diag, loc, "filesystem '%s': virtiofs has no multidevs", target);
        if (f->write_policy != WRITE_UNSET)
                (void) diag_error(diag, loc, "filesystem '%s': virtiofs has no wrpolicy", target);
        check_path(diag, loc, "filesystem binary", f->binary);
}

static void check_filesystem(const Domain *d, const DomainFilesystem *f, Diag *diag) {
        const char *target = strempty(f->target);

        if (f->type != FILESYSTEM_MOUNT && f->type != FILESYSTEM_UNSET) {
                refuse(diag, f->info.loc, "filesystem type", filesystem_type_to_string(f->type));
                return;
        }
        if (isempty(f->target))
                (void) diag_error(diag, f->info.loc, "filesystem: <target dir=> is empty");
        if (isempty(f->source_dir) && isempty(f->source_socket))
                (void) diag_error(diag, f->info.loc, "filesystem '%s' needs <source dir='PATH'/>", target);
        check_path(diag, f->info.loc, "filesystem source", f->source_dir);
        check_path(diag, f->info.loc, "filesystem source", f->source_socket);
        if ((f->fmode.set || f->dmode.set) && f->access != FS_MAPPED)
                (void) diag_error(diag, f->info.loc, "filesystem '%s': fmode and dmode need accessmode='mapped'", target);
        if (f->driver == FS_DRIVER_VIRTIOFS)
                check_virtiofs(d, f, diag);
        else if (f->driver == FS_DRIVER_PATH || f->driver == FS_DRIVER_UNSET)
                check_9p(f, diag);
        else
                refuse(diag, f->info.loc, "filesystem driver", filesystem_driver_to_string(f->driver));
}

void check_filesystems(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(f, d->filesystems, d->n_filesystems)
                check_filesystem(d, f, diag);
}
