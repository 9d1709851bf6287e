/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Directories of the host in the guest: 9p is served by QEMU itself, virtiofs by a process of its own. */

static const char *security_model(const DomainFilesystem *f) {
        return f->access == FS_MAPPED ? "mapped" : f->access == FS_SQUASH ? "none" : "passthrough";
}

/* The path by which who serves it reaches the directory. Owned by the caller; NULL when memory is out. */
static char *source_path(Emit *e, const DomainFilesystem *f) {
        _cleanup_free_ char *name = strf("folder-%s", f->info.alias), *element = strf("filesystem '%s'", f->target);
        const FileRequest request = { .name = name, .path = f->source_dir, .element = element, .loc = f->info.loc,
                                      .writable = !f->readonly };

        if (!name || !element) {
                e->failed = true;
                return NULL;
        }
        return emit_folder(e, &request);
}

static int emit_9p(Emit *e, const DomainFilesystem *f) {
        _cleanup_options_ Options o = {};
        _cleanup_qjson_ Json j = {};
        _cleanup_free_ char *path = source_path(e, f);

        if (!path)
                return 0;

        options_word(&o, "local");
        options_add(&o, "security_model", security_model(f));
        options_add(&o, "multidevs", filesystem_multidevs_to_string(f->multidevs));
        if (f->fmode.set)
                options_addf(&o, "fmode", "%04o", f->fmode.value);
        if (f->dmode.set)
                options_addf(&o, "dmode", "%04o", f->dmode.value);
        options_add(&o, "writeout", filesystem_write_to_string(f->write_policy));
        options_addf(&o, "id", "fsdev-%s", f->info.alias);
        options_add(&o, "path", path);
        if (f->readonly)
                options_word(&o, "readonly");
        emit_options(e, "-fsdev", &o);

        json_virtio_driver(&j, "virtio-9p", &f->info, filesystem_model_to_string(f->model));
        json_virtio_options(&j, &f->virtio);
        json_add_string(&j, "id", f->info.alias);
        json_add_stringf(&j, "fsdev", "fsdev-%s", f->info.alias);
        json_add_string(&j, "mount_tag", f->target);
        json_address(e, &j, &f->info);
        emit_json(e, "-device", &j);
        return 0;
}

static int emit_virtiofs(Emit *e, const DomainFilesystem *f) {
        _cleanup_options_ Options o = {};
        _cleanup_qjson_ Json j = {};
        unsigned boot = boot_index(e->domain, &f->info);

        options_word(&o, "socket");
        options_addf(&o, "id", "chr-vu-%s", f->info.alias);
        if (f->source_socket)
                options_add(&o, "path", f->source_socket);
        else
                options_addf(&o, "path", "%s/%s-fs.sock", e->runtime_dir, f->info.alias);
        emit_options(e, "-chardev", &o);

        json_virtio_driver(&j, "vhost-user-fs", &f->info, NULL);
        json_virtio_options(&j, &f->virtio);
        json_add_string(&j, "id", f->info.alias);
        json_add_stringf(&j, "chardev", "chr-vu-%s", f->info.alias);
        json_add_opt_uint(&j, "queue-size", f->queue);
        json_add_string(&j, "tag", f->target);
        if (boot > 0)
                json_add_uint(&j, "bootindex", boot);
        json_address(e, &j, &f->info);
        emit_json(e, "-device", &j);
        return emit_unwired(e, f->info.loc, "<filesystem> with <driver type='virtiofs'/>");
}

int emit_filesystems(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(f, e->domain->filesystems, e->domain->n_filesystems) {
                int r = f->driver == FS_DRIVER_VIRTIOFS ? emit_virtiofs(e, f) : emit_9p(e, f);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
