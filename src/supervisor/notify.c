/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "notify.h"
#include "parse-util.h"
#include "string-util.h"

int notify(const char *state) {
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        if (!path)
                return 0;
        size_t n = strlen(path);
        if ((path[0] != '/' && path[0] != '@') || n >= sizeof(sa.sun_path))
                return -EINVAL;
        memcpy(sa.sun_path, path, n);
        if (sa.sun_path[0] == '@')
                sa.sun_path[0] = 0;

        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        socklen_t length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n);
        if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &sa, length) < 0)
                return -errno;
        return 0;
}

static int passed_fds_split(PassedFds *p, const char *names) {
        p->names_buffer = strdup(names);
        p->names = calloc(p->n_fds, sizeof(char *));
        if (!p->names_buffer || !p->names)
                return -ENOMEM;

        char *s = p->names_buffer;
        for (size_t i = 0; i < p->n_fds; i++) {
                if (!s)
                        return -EBADMSG;
                char *colon = strchr(s, ':');
                if (colon)
                        *colon++ = 0;
                p->names[i] = s;
                s = colon;
        }
        return 0;
}

int passed_fds_receive(PassedFds *ret) {
        const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
        PassedFds p = {};
        uint64_t v;
        unsigned n;

        if (!pid || !count || !names)
                return -ENOENT;
        if (parse_u64(pid, 10, &v) < 0 || (pid_t) v != getpid())
                return -ENOENT;
        if (parse_uint(count, &n) < 0 || n == 0 || n > 4096)
                return -EBADMSG;
        p.n_fds = n;
        int r = passed_fds_split(&p, names);
        if (r < 0) {
                passed_fds_done(&p);
                return r;
        }
        for (size_t i = 0; i < p.n_fds; i++)
                if (fcntl(PASSED_FD_FIRST + (int) i, F_SETFD, FD_CLOEXEC) < 0) {
                        r = -errno;
                        passed_fds_done(&p);
                        return r;
                }
        (void) unsetenv("LISTEN_PID");
        (void) unsetenv("LISTEN_FDS");
        (void) unsetenv("LISTEN_FDNAMES");
        *ret = p;
        return 0;
}

int passed_fds_find(const PassedFds *p, const char *name) {
        for (size_t i = 0; i < p->n_fds; i++)
                if (streq(p->names[i], name))
                        return PASSED_FD_FIRST + (int) i;
        return -ENOENT;
}

void passed_fds_give_up(PassedFds *p, const char *name) {
        _cleanup_free_ char *state = strf("FDSTOREREMOVE=1\nFDNAME=%s", name);
        int fd = passed_fds_find(p, name);

        if (fd < 0)
                return;
        if (state)
                (void) notify(state);
        p->names[fd - PASSED_FD_FIRST] = "";
        safe_close(fd);
}

void passed_fds_done(PassedFds *p) {
        free(p->names_buffer);
        free(p->names);
        *p = (PassedFds) {};
}
