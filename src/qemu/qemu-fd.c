/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "qemu-fd.h"
#include "strv.h"

static const char *const plan_fd_kind_words[] = {
        [PLAN_FD_FILE] = "file",
        [PLAN_FD_COPY] = "copy",
        [PLAN_FD_TAP] = "tap",
        [PLAN_FD_MACVTAP] = "macvtap",
        [PLAN_FD_VHOST_NET] = "vhost-net",
        [PLAN_FD_LISTEN] = "listen",
        [PLAN_FD_LISTEN_VSOCK] = "listen-vsock",
        [PLAN_FD_CONNECT] = "connect",
        [PLAN_FD_SOCKET] = "socket",
        [PLAN_FD_SECRET] = "secret",
        [PLAN_FD_MEMORY] = "memory",
        [PLAN_FD_OVERLAY] = "overlay",
        [PLAN_FD_FOLDER] = "folder",
        [PLAN_FD_PAIR] = "pair",
        [PLAN_FD_DIRECTORY] = "directory",
};
DEFINE_STRING_TABLE(plan_fd_kind, PlanFdKind)

static const char *const plan_fd_user_words[] = { [PLAN_USER_QEMU] = "qemu", [PLAN_USER_MONITOR] = "monitor",
                                                 [PLAN_USER_HELPER] = "helper" };
DEFINE_STRING_TABLE(plan_fd_user, PlanFdUser)

void plan_fd_done(PlanFd *fd) {
        free(fd->name);
        free(fd->helper);
        free(fd->path);
        free(fd->inside);
        free(fd->template);
        free(fd->element);
        if (fd->secret)
                explicit_bzero(fd->secret, strlen(fd->secret));
        free(fd->secret);
        free(fd->credential);
        free(fd->guest_name);
        free(fd->link);
        free(fd->label);
        free(fd->ifname);
        free(fd->bridge);
        free(fd->device);
        strv_free(fd->port);
        strv_free(fd->external_ids);
        strv_free(fd->addresses);
        strv_free(fd->routes);
        free(fd->script);
        free(fd->downscript);
        free(fd->host);
        free(fd->service);
        *fd = (PlanFd) {};
}
