/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <systemd/sd-id128.h>

#include "file-label.h"
#include "file-util.h"
#include "machine-runs.h"
#include "path-walk.h"
#include "prepare.h"
#include "runtime.h"
#include "string-util.h"

/* Labels of SELinux: the machine's pair of categories, and its files. */

/* --- the unit's label --- */

static int no_label(Prepare *p, Prepared *x) {
        if (x->facts.selinux.enforcing)
                return diag_error_code(&p->diag, -ESTALE, (SrcLoc) {}, "unit %s has no SELinux context, run: systemctl daemon-reload",
                                       p->unit);
        diag_warning(&p->diag, (SrcLoc) {}, "unit %s has no SELinux context, and it runs without labels as SELinux is permissive; "
                     "run: systemctl daemon-reload", p->unit);
        x->facts.selinux.has_module = false;
        domain_forget_selinux(x->domain);
        return 0;
}

/* What the generator has chosen is what systemd has loaded, and what the supervisor will run with. */
int prepare_labels(Prepare *p, Prepared *x) {
        _cleanup_free_ char *context = NULL;

        if (!domain_wants_selinux(x->domain, &x->facts))
                return 0;
        if (!p->context)
                return no_label(p, x);
        if (domain_needs_pair(x->domain, &x->facts) && category_pair_of_context(p->context, &x->pair) <= 0)
                return diag_error_code(&p->diag, -ESTALE, (SrcLoc) {}, "SELinuxContext= of unit %s is '%s', without two categories",
                                       p->unit, p->context);
        int r = domain_set_selinux(x->domain, &x->facts, x->pair, &p->diag);
        if (r >= 0)
                r = domain_supervisor_context(x->domain, &x->facts, &context);
        if (r < 0)
                return r;
        return streq_ptr(context, p->context) ? 0 :
                diag_error_code(&p->diag, -ESTALE, (SrcLoc) {}, "SELinuxContext= of unit %s is '%s', and '%s' for this definition; "
                                "run: systemctl daemon-reload", p->unit, p->context, context);
}

int claim_labels(Prepare *p, const Prepared *x, int base_fd, sd_bus *bus) {
        MachineRuns runs = { .base_fd = base_fd, .bus = bus };
        _cleanup_free_ char *owner = NULL;
        CategoryPair pair;

        if (!x->plan->label || category_pair_of_context(x->plan->label, &pair) <= 0)
                return 0;
        _cleanup_close_ int registry = label_registry_open(base_fd, true);
        int r = registry < 0 ? registry : label_registry_claim(registry, pair, p->name, machine_runs, &runs, &owner);
        if (r == -EBUSY)
                return diag_error_code(&p->diag, r, (SrcLoc) {}, "the categories of '%s' are those of domain '%s', which is running",
                                       x->plan->label, strempty(owner));
        return r < 0 ? diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot reserve the categories of '%s': %s", x->plan->label,
                                       strerror(-r)) : 0;
}

int release_labels(const Prepare *p) {
        _cleanup_close_ int base = runtime_open(NULL, false);
        _cleanup_close_ int registry = base < 0 ? -ENOENT : label_registry_open(base, false);

        if (registry < 0)
                return registry == -ENOENT ? 0 : registry;
        return label_registry_release(registry, p->name);
}

/* --- labels of files --- */

#define BOOT_ID_MAX 33U

static int file_labels_init(FileLabels *l, const Prepare *p, int registry_fd, MachineRuns *runs, char boot_id[BOOT_ID_MAX]) {
        sd_id128_t boot;

        int r = sd_id128_get_boot(&boot);
        if (r < 0)
                return r;
        *l = (FileLabels) {
                .label_attribute = FILE_LABEL_ATTRIBUTE,
                .memory_attribute = FILE_LABEL_MEMORY,
                .registry_fd = registry_fd,
                .boot_id = sd_id128_to_string(boot, boot_id),
                .machine = p->name,
                .runs = machine_runs,
                .userdata = runs,
        };
        return 0;
}

/* What labels there are on a file system without them is its own affair; libvirt goes on as well. */
static int say_unsupported(Prepare *p, const PlanFd *fd, int opened) {
        struct statfs st;

        bool nfs = fstatfs(opened, &st) >= 0 && st.f_type == NFS_SUPER_MAGIC;
        journal_log(&p->journal, LOG_NOTICE, NULL, "'%s' of %s was not labelled '%s': its file system has no labels, or is "
                    "read-only, and what it is mounted with decides%s.", fd->path, fd->element, fd->label,
                    nfs ? "; QEMU may use NFS after: setsebool -P virt_use_nfs on" : "");
        return 0;
}

static int say_failed(Prepare *p, const Prepared *x, const char *path, const char *label, SrcLoc loc, int r) {
        if (x->facts.selinux.enforcing)
                return diag_error_code(&p->diag, r, loc, "cannot label '%s' as '%s': %s", path, label, strerror(-r));
        return diag_warning(&p->diag, loc, "cannot label '%s' as '%s': %s; it goes on, as SELinux is permissive", path, label,
                            strerror(-r));
}

int label_opened(Prepare *p, const PlanFd *fd, int opened, const Prepared *x, int base_fd, int dir_fd, sd_bus *bus) {
        MachineRuns runs = { .base_fd = base_fd, .bus = bus };
        _cleanup_free_ char *user = NULL;
        char boot_id[BOOT_ID_MAX];
        FileLabels l;
        struct stat st;

        _cleanup_close_ int registry = label_registry_open(base_fd, true);
        int r = registry < 0 ? registry : fstat(opened, &st) < 0 ? -errno : 0;
        if (r >= 0)
                r = file_labels_init(&l, p, registry, &runs, boot_id);
        if (r >= 0) {
                Resource record = { .kind = RESOURCE_LABEL, .name = fd->path, .dev = st.st_dev, .ino = st.st_ino };
                r = resources_add(dir_fd, &record);
        }
        if (r >= 0)
                r = file_label_set(&l, opened, fd->label, &user);
        if (r == -EOPNOTSUPP)
                return say_unsupported(p, fd, opened);
        if (r == -EBUSY && user)
                return diag_error_code(&p->diag, r, fd->loc, "cannot label '%s' of %s as '%s': domain '%s' uses it with another label",
                                       fd->path, fd->element, fd->label, user);
        if (r < 0)
                return say_failed(p, x, fd->path, fd->label, fd->loc, r);
        if (r == FILE_LABELLED_UNREMEMBERED)
                journal_log(&p->journal, LOG_NOTICE, NULL, "The label of '%s' cannot be remembered in its file system: after a crash of "
                            "this host it stays '%s'.", fd->path, fd->label);
        return 0;
}

int label_directory(Prepare *p, int fd, const char *path, const Prepared *x) {
        const char *label = x->plan->file_label;

        int r = file_label_write(FILE_LABEL_ATTRIBUTE, fd, label);
        return r < 0 && r != -EOPNOTSUPP ? say_failed(p, x, path, label, (SrcLoc) {}, r) : 0;
}

int label_own(Prepare *p, const PlanFd *directory, int fd, const Prepared *x) {
        _cleanup_closedir_ DIR *d = open_entries(fd);
        struct dirent *e;

        if (!d)
                return -errno;
        int r = label_directory(p, fd, directory->path, x);
        while (r >= 0 && (r = next_entry(d, &e)) > 0) {
                _cleanup_close_ int entry = openat(fd, e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
                r = entry < 0 ? -errno : label_directory(p, entry, directory->path, x);
        }
        return r;
}

/* The path may lead to another file by now; the one with the label is found again when it is used. */
int restore_label(const Prepare *p, const Resource *record) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_(machine_runs_done) MachineRuns runs = {};
        char boot_id[BOOT_ID_MAX];
        FileLabels l;

        _cleanup_close_ int base = runtime_open(NULL, false);
        _cleanup_close_ int registry = base < 0 ? base : label_registry_open(base, false);
        if (registry < 0)
                return registry == -ENOENT ? 0 : registry;
        runs.base_fd = base;
        int r = file_labels_init(&l, p, registry, &runs, boot_id);
        if (r < 0)
                return r;
        bool found = path_walk(record->name, 0, &w, NULL) >= 0 && w.fd >= 0 && w.st.st_dev == record->dev && w.st.st_ino == record->ino;
        return file_label_restore(&l, found ? w.fd : -EBADF, record->dev, record->ino);
}
