/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "apparmor.h"
#include "definition.h"
#include "fd-store.h"
#include "file-access.h"
#include "names.h"
#include "open-sockets.h"
#include "path-walk.h"
#include "prepare.h"
#include "rtnetlink.h"
#include "runtime.h"
#include "scope.h"
#include "string-util.h"
#include "strv.h"

int prepare_init(Prepare *p, const char *instance) {
        const char *source = getenv("VMUNIT_SOURCE");

        *p = (Prepare) { .digest = getenv("VMUNIT_DIGEST"), .saved = SAVED_FILE_NONE, .saved_mark = -EBADF, .vsock_fd = -EBADF, .notify_fd = -EBADF };
        int r = diag_init(&p->diag, NULL);
        if (r < 0)
                return r;
        r = vm_instance_to_name(instance, &p->name);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return diag_error(&p->diag, (SrcLoc) {}, "'%s' is not an instance of vm@.service: the name must be "
                                  "escaped as systemd-escape(1) does", instance);
        r = vm_name_check(p->name, (SrcLoc) {}, &p->diag);
        if (r < 0)
                return r;
        _cleanup_free_ char *transient_source = strf("%s/%s.xml", vm_directories()->transient, p->name);
        if (!transient_source)
                return -ENOMEM;
        p->transient = streq_ptr(source, transient_source);
        p->unit = p->transient ? vm_transient_unit(p->name) : vm_unit(p->name);
        p->runtime = vm_runtime_path(p->name, NULL);
        if (!p->unit || !p->runtime)
                return -ENOMEM;
        p->journal.unit = p->unit;
        /* With the drop-in, the unit adds these fields to all its entries (LogExtraFields=). */
        if (!getenv("VMUNIT_NAME"))
                p->journal.name = p->name;
        return 0;
}

void prepare_done(Prepare *p) {
        free(p->name);
        free(p->unit);
        free(p->runtime);
        free(p->kept);
        saved_file_done(&p->saved);
        safe_close(p->saved_mark);
        safe_close(p->vsock_fd);
        safe_close(p->notify_fd);
        STRV_FOREACH(i, p->credentials)
                explicit_bzero(*i, strlen(*i));
        strv_free(p->credentials);
        free(p->context);
        diag_done(&p->diag);
}

/* The path may lead to another file by now, which was given to nobody. */
static int take_access_back(const Resource *record) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;

        if (path_walk(record->name, 0, &w, NULL) < 0 || w.st.st_dev != record->dev || w.st.st_ino != record->ino)
                return 0;
        return file_access_revoke(w.fd, record->uid);
}

int give_back(const Prepare *p, int dir_fd) {
        _cleanup_resources_ Resources list = {};
        int r = resources_read(dir_fd, &list);

        /* As long as systemd has its descriptors nobody else has an interface of this name. */
        FOREACH_ARRAY(i, list.items, list.n_items)
                (void) disconnect_interface(p, i);
        FOREACH_ARRAY(i, list.items, list.n_items) {
                int k = 0;
                if (i->kind == RESOURCE_FD)
                        k = fd_store_remove(i->name);
                else if (i->kind == RESOURCE_SOCKET)
                        k = remove_socket(i->name, i->dev, i->ino);
                else if (i->kind == RESOURCE_LABEL)
                        k = restore_label(p, i);
                else if (i->kind == RESOURCE_ACCESS)
                        k = take_access_back(i);
                else if (i->kind == RESOURCE_PROFILE)
                        k = apparmor_unload(i->name);
                else if (i->kind == RESOURCE_TAP)
                        k = link_remove(i->name, i->ifindex);
                if (k < 0 && r >= 0)
                        r = k;
        }
        return r;
}

int runtime_owner(const Prepare *p, int dir_fd, char **ret_other) {
        _cleanup_free_ char *unit = NULL;

        int r = runtime_read_line(dir_fd, RUNTIME_UNIT, &unit);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        if (streq(unit, p->unit))
                return 1;
        *ret_other = TAKE_PTR(unit);
        return -EBUSY;
}
