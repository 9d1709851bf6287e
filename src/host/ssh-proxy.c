/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"
#include "parse-util.h"
#include "runtime.h"
#include "ssh-proxy.h"
#include "string-util.h"
#include "strv.h"

#define PREFIX "vm/"

/* The file that a start of the machine leaves there. */
static int read_cid(int dir_fd, unsigned *ret) {
        _cleanup_free_ char *line = NULL;
        int r = runtime_read_line(dir_fd, RUNTIME_CID, &line);

        return r < 0 ? r : parse_uint(line, ret) < 0 ? -EBADMSG : 0;
}

/* Each machine that runs has a directory with its id; the directory stays when it ends, the id does not. */
static int find_machine(char *const *bases, const char *name, Diag *diag, unsigned *ret) {
        unsigned id;

        STRV_FOREACH(base, bases) {
                _cleanup_close_ int fd = runtime_open_in(*base, name);
                if (fd < 0 || runtime_read_id(fd, &id) < 0)
                        continue;
                int r = read_cid(fd, ret);
                if (r == -ENOENT)
                        return diag_error_code(diag, r, (SrcLoc) {}, "domain '%s' has no vsock: its definition needs "
                                               "<vsock><cid auto='yes'/></vsock>", name);
                return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "cannot read the address of domain '%s': %s", name, strerror(-r)) : 0;
        }
        return diag_error_code(diag, -ENOENT, (SrcLoc) {}, "domain '%s' does not run", name);
}

static int cannot_connect(Diag *diag, int error, const char *name, unsigned port) {
        if (error == -ENODEV || error == -ETIMEDOUT)
                return diag_error_code(diag, error, (SrcLoc) {}, "domain '%s' does not answer: its guest has no driver for vsock, or not "
                                       "yet", name);
        if (error == -ECONNRESET || error == -ECONNREFUSED)
                return diag_error_code(diag, error, (SrcLoc) {}, "nobody listens at vsock port %u in domain '%s': systemd 256 and later "
                                       "do with sshd, by themselves", port, name);
        return diag_error_code(diag, error, (SrcLoc) {}, "cannot connect to vsock port %u of domain '%s': %s", port, name, strerror(-error));
}

int ssh_proxy_connect(char *const *bases, const char *host, const char *port, SshConnect connect, Diag *diag) {
        const char *name = startswith(host, PREFIX);
        unsigned cid, number;

        if (!utf8_is_printable(host)) /* which would go to the terminal */
                return diag_error(diag, (SrcLoc) {}, "the name contains control characters or is not UTF-8");
        if (!name)
                return diag_error(diag, (SrcLoc) {}, "'%s' is not " PREFIX "NAME", host);
        int r = vm_name_check(name, (SrcLoc) {}, diag);
        if (r < 0)
                return r;
        if (parse_uint(port, &number) < 0 || number == 0 || number == UINT32_MAX)
                return diag_error(diag, (SrcLoc) {}, "'%s' is not a port", port);
        r = find_machine(bases, name, diag, &cid);
        if (r < 0)
                return r;
        int fd = connect(cid, number);
        return fd < 0 ? cannot_connect(diag, fd, name, number) : fd;
}
