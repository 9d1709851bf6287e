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

#define VIRTIOFSD "/usr/lib/qemu/virtiofsd"

/* It accepts one client, which has been in the queue since before it was started: both ends are handed over by root, and the
 * path in between is of no use to anybody. Returns QEMU's descriptor; 0: memory is out. */
static unsigned emit_virtiofs_sockets(Emit *e, size_t helper, const DomainFilesystem *f, const char *element, unsigned *ret_listener) {
        _cleanup_free_ char *path = f->source_socket ? strdup(f->source_socket) : strf("%s/%s-fs.sock", e->runtime_dir, f->info.alias),
                            /* "vhost-": QEMU has the only one, so that its end is the socket's. */
                            *name = strf("vhost-%s", f->info.alias), *listener = strf("listen-%s", f->info.alias);
        PlanFd *fd;

        if (!path || !name || !listener)
                return 0;
        if (ret_listener) {
                fd = emit_helper_fd(e, helper, PLAN_FD_LISTEN, listener, element, f->info.loc);
                if (!fd || free_and_strdup(&fd->path, path) < 0)
                        return 0;
                *ret_listener = fd->number;
        }
        fd = emit_fd(e, PLAN_FD_CONNECT, name, element, f->info.loc, 1);
        if (!fd)
                return 0;
        fd->path = TAKE_PTR(path);
        return fd->number;
}

static void add_on_off(Options *o, Tristate t, const char *on, const char *off) {
        if (t != TRI_UNSET)
                options_word(o, t == TRI_YES ? on : off);
}

/* The directory is its root directory: chroot is what it can do with the rights it has, and what a namespace of mounts
 * would add, its unit has already. */
static unsigned emit_virtiofsd(Emit *e, const DomainFilesystem *f, const char *element) {
        _cleanup_free_ char *name = strf("virtiofsd-%s", f->info.alias), *folder = strf("folder-%s", f->info.alias), *options = NULL;
        _cleanup_options_ Options o = {};
        unsigned listener = 0, number;
        PlanFd *fd;

        if (!name || !folder)
                return 0;
        size_t h = emit_helper(e, HELPER_RUNS, name, f->binary ?: VIRTIOFSD, element, f->info.loc);
        helper_allow(e, h, "root");
        fd = emit_helper_fd(e, h, PLAN_FD_FOLDER, folder, element, f->info.loc);
        if (!fd || free_and_strdup(&fd->path, f->source_dir) < 0)
                return 0;
        fd->writable = true;
        number = fd->number;
        unsigned client = emit_virtiofs_sockets(e, h, f, element, &listener);
        helper_argf(e, h, "--fd=%u", listener);
        helper_arg(e, h, "-o");
        options_addf(&o, "source", "/proc/self/fd/%u/.", number);
        options_add(&o, "cache", virtiofs_cache_to_string(f->cache));
        options_add(&o, "sandbox", "chroot");
        /* The supervisor has taken this one, without which virtiofsd would not begin: see child_namespace(). */
        options_add(&o, "modcaps", "-setfcap");
        add_on_off(&o, f->xattr, "xattr", "no_xattr");
        add_on_off(&o, f->lock_flock, "flock", "no_flock");
        add_on_off(&o, f->lock_posix, "posix_lock", "no_posix_lock");
        if (options_finish(&o, &options) < 0)
                return 0;
        helper_arg(e, h, options);
        /* The unit's limit is what it is. */
        helper_arg(e, h, "--rlimit-nofile=0");
        if (f->threads.set)
                helper_argf(e, h, "--thread-pool-size=%u", f->threads.value);
        return client;
}

static void emit_virtiofs_chardev(Emit *e, const DomainFilesystem *f) {
        _cleanup_free_ char *element = strf("filesystem '%s'", f->target);
        _cleanup_options_ Options o = {};

        options_word(&o, "socket");
        options_addf(&o, "id", "chr-vu-%s", f->info.alias);
        if (!e->native) {
                unsigned fd = !element ? 0 : f->source_socket ? emit_virtiofs_sockets(e, SIZE_MAX, f, element, NULL) : emit_virtiofsd(e, f, element);
                e->failed |= fd == 0;
                options_addf(&o, "fd", "%u", fd);
        } else if (f->source_socket)
                options_add(&o, "path", f->source_socket);
        else
                options_addf(&o, "path", "%s/%s-fs.sock", e->runtime_dir, f->info.alias);
        emit_options(e, "-chardev", &o);
}

static int emit_virtiofs(Emit *e, const DomainFilesystem *f) {
        _cleanup_qjson_ Json j = {};
        unsigned boot = boot_index(e->domain, &f->info);

        emit_virtiofs_chardev(e, f);
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
        return 0;
}

/* RestrictSUIDSGID= of the unit is a filter of system calls, and requests by io_uring are none. QEMU has the directory in any
 * case: where virtiofsd has it, it is QEMU's to look into. */
static int check_requests(Emit *e, const DomainFilesystem *f) {
        if (f->readonly || f->source_socket || !domain_has_io_uring(e->domain))
                return 0;
        return emit_refused(e, f->info.loc, "a <filesystem> that can be written to beside a disk with io='io_uring'",
                            "no filter sees such requests, and a QEMU that was taken over could leave set-user-ID programs of the "
                            "directory's owner on the host: use io='native' or 'threads'");
}

int emit_filesystems(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(f, e->domain->filesystems, e->domain->n_filesystems) {
                int r = check_requests(e, f);
                if (r >= 0)
                        r = f->driver == FS_DRIVER_VIRTIOFS ? emit_virtiofs(e, f) : emit_9p(e, f);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
