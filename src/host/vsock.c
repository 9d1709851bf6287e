/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/vm_sockets.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "vsock.h"

#define LISTEN_QUEUE 16
#define CID_FIRST 3U /* 0 to 2 are the hypervisor, the local host and the host */
/* More machines than that have not been seen on one host. */
#define CID_TRIES 65536U

int vsock_set_cid(int fd, unsigned cid) {
        uint64_t wide = cid;
        return ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &wide) < 0 ? -errno : 0;
}

int vsock_claim(int fd, VsockSetCid set_cid, DomainVsock *v, Diag *diag) {
        bool automatic = v->auto_cid == TRI_YES;
        unsigned cid = automatic ? CID_FIRST : v->cid.value;

        int r = set_cid(fd, cid);
        while (r == -EADDRINUSE && automatic && cid < CID_FIRST + CID_TRIES - 1)
                r = set_cid(fd, ++cid);
        if (r == -EADDRINUSE && automatic)
                return diag_error_code(diag, r, v->info.loc, "vsock: the addresses %u to %u are all in use", CID_FIRST, cid);
        if (r == -EADDRINUSE)
                return diag_error_code(diag, r, v->cid_loc, "vsock: address %u is in use, by another machine of this host", cid);
        if (r < 0)
                return diag_error_code(diag, r, v->info.loc, "vsock: cannot take the address %u: %s", cid, strerror(-r));
        v->cid = OPT_UINT(cid);
        return 0;
}

int vsock_open(DomainVsock *v, Diag *diag) {
        _cleanup_close_ int fd = open(VSOCK_DEVICE, O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return diag_error_code(diag, -errno, v->info.loc, "cannot open '%s' (vsock): %s", VSOCK_DEVICE, strerror(errno));
        int r = vsock_claim(fd, vsock_set_cid, v, diag);
        return r < 0 ? r : TAKE_FD(fd);
}

int vsock_listen(unsigned *ret_port) {
        struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = VMADDR_PORT_ANY };
        _cleanup_close_ int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(address);

        if (fd < 0 || bind(fd, (struct sockaddr *) &address, size) < 0 || listen(fd, LISTEN_QUEUE) < 0 ||
            getsockname(fd, (struct sockaddr *) &address, &size) < 0)
                return -errno;
        *ret_port = address.svm_port;
        return TAKE_FD(fd);
}

int vsock_connect(unsigned cid, unsigned port) {
        struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
        _cleanup_close_ int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        /* The kernel gives up by itself after two seconds when nobody answers. */
        return connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : TAKE_FD(fd);
}
