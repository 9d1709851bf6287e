/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "open-sockets.h"
#include "parse-util.h"
#include "path-walk.h"
#include "string-util.h"

#define CONNECT_SECONDS 5
#define PORT_MAX 65535U

static int fail(char **ret_reason, int error, char *reason) {
        if (ret_reason && reason)
                *ret_reason = reason;
        else
                free(reason);
        return error;
}

/* An address for NAME in the directory PARENT. Its own path serves if only root can change what it leads to;
 * otherwise the directory is named by its descriptor, as is a path that is too long for an address. */
static int socket_address(const PathWalk *w, bool plain, struct sockaddr_un *ret, socklen_t *ret_size) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int n;

        if (plain && strlen(w->resolved) < sizeof(a.sun_path))
                n = snprintf(a.sun_path, sizeof(a.sun_path), "%s", w->resolved);
        else
                n = snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", w->parent_fd, w->last);
        if (n < 0 || (size_t) n >= sizeof(a.sun_path))
                return -ENAMETOOLONG;
        *ret = a;
        *ret_size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + (size_t) n + 1);
        return 0;
}

/* Connects to the socket a walk has found. */
static int connect_to(const PathWalk *w, int flags) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        struct timeval limit = { .tv_sec = CONNECT_SECONDS };

        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
                return -errno;
        (void) snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", w->fd);
        if (connect(fd, (struct sockaddr *) &a, sizeof(a)) < 0)
                return errno == EAGAIN && !(flags & SOCK_NONBLOCK) ? -ETIMEDOUT : -errno;
        limit.tv_sec = 0;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int connect_unix(const char *path, char **ret_reason) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        int r = path_walk(path, 0, &w, ret_reason);

        if (r < 0)
                return r;
        if (!S_ISSOCK(w.st.st_mode))
                return fail(ret_reason, -ENOTSOCK, strf("it is not a socket"));
        r = connect_to(&w, 0);
        if (r == -ECONNREFUSED)
                return fail(ret_reason, r, strf("nobody listens there"));
        return r < 0 ? fail(ret_reason, r, strf("%s", strerror(-r))) : r;
}

int socket_is_served(int path_fd, char **ret_reason) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return fail(ret_reason, -errno, strf("%s", strerror(errno)));
        (void) snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", path_fd);
        if (connect(fd, (struct sockaddr *) &a, sizeof(a)) >= 0)
                return fail(ret_reason, -EPROTOTYPE, strf("it is a socket for datagrams"));
        if (errno == EPROTOTYPE)
                return 0;
        return errno == ECONNREFUSED ? fail(ret_reason, -errno, strf("nobody listens there")) : fail(ret_reason, -errno, strf("%s", strerror(errno)));
}

/* Makes room for our socket: one that nobody listens on is what a crash left behind. */
static int remove_stale(const char *path, const PathWalk *w, char **ret_reason) {
        if (!S_ISSOCK(w->st.st_mode))
                return fail(ret_reason, -EEXIST, strf("'%s' exists and is not a socket", path));
        _cleanup_close_ int fd = connect_to(w, SOCK_NONBLOCK);
        if (fd != -ECONNREFUSED)
                return fail(ret_reason, -EADDRINUSE, strf("another process listens there"));
        if (unlinkat(w->parent_fd, w->last, 0) < 0 && errno != ENOENT)
                return fail(ret_reason, -errno, strf("cannot remove it: %s", strerror(errno)));
        return 0;
}

/* Gives the socket that was just bound to OWNER; nothing else that may have been put there meanwhile. */
static int give_to(const PathWalk *w, uid_t owner, struct stat *ret_st) {
        struct stat st;

        _cleanup_close_ int fd = openat(w->parent_fd, w->last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
                return -EBUSY;
        if (owner != st.st_uid && fchownat(fd, "", owner, (gid_t) -1, AT_EMPTY_PATH) < 0)
                return -errno;
        *ret_st = st;
        return 0;
}

int listen_unix(const char *path, uid_t owner, struct stat *ret_st, char **ret_reason) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        struct sockaddr_un a;
        socklen_t size;

        int r = path_walk(path, PATH_WALK_MAY_MISS | PATH_WALK_REPLACE, &w, ret_reason);
        if (r < 0)
                return r;
        if (w.fd >= 0) {
                r = remove_stale(path, &w, ret_reason);
                if (r < 0)
                        return r;
        }
        r = socket_address(&w, w.trusted, &a, &size);
        if (r < 0)
                return fail(ret_reason, r, strf("%s", strerror(-r)));
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return fail(ret_reason, -errno, strf("%s", strerror(errno)));
        /* The mode must be right from the first moment; these programs have one thread. */
        mode_t mask = umask(0177);
        r = bind(fd, (struct sockaddr *) &a, size) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r < 0)
                return fail(ret_reason, r, strf("%s", strerror(-r)));
        r = listen(fd, SOMAXCONN) < 0 ? -errno : give_to(&w, owner, ret_st);
        if (r < 0) {
                (void) unlinkat(w.parent_fd, w.last, 0);
                return fail(ret_reason, r, strf("%s", strerror(-r)));
        }
        return TAKE_FD(fd);
}

int remove_socket(const char *path, dev_t dev, ino_t ino) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        int r = path_walk(path, 0, &w, NULL);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        if (!S_ISSOCK(w.st.st_mode) || w.st.st_dev != dev || w.st.st_ino != ino)
                return 0;
        return unlinkat(w.parent_fd, w.last, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* --- TCP --- */

static int listen_at(const struct addrinfo *a, unsigned port) {
        union {
                struct sockaddr sa;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        } u = {};
        int one = 1;

        if (a->ai_addrlen > sizeof(u))
                return -EAFNOSUPPORT;
        memcpy(&u, a->ai_addr, a->ai_addrlen);
        if (a->ai_family == AF_INET)
                u.in.sin_port = htons((uint16_t) port);
        else if (a->ai_family == AF_INET6)
                u.in6.sin6_port = htons((uint16_t) port);
        else
                return -EAFNOSUPPORT;

        _cleanup_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        /* A port whose last connections are dying is free; one that somebody listens on is not. */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
                return -errno;
        if (bind(fd, &u.sa, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int parse_service(const char *service, unsigned *ret_port, bool *ret_search) {
        size_t n = strlen(strempty(service));
        bool search = n > 0 && service[n - 1] == '+';
        _cleanup_free_ char *digits = strndup(strempty(service), search ? n - 1 : n);
        unsigned port;

        if (!digits)
                return -ENOMEM;
        int r = parse_uint(digits, &port);
        if (r < 0)
                return r;
        if (port == 0 || port > PORT_MAX)
                return -ERANGE;
        *ret_port = port;
        *ret_search = search;
        return 0;
}

static int listen_first(const struct addrinfo *list, unsigned port) {
        int r = -EAFNOSUPPORT;

        /* A name may have an address of a family this machine does not use. */
        for (const struct addrinfo *a = list; a && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL); a = a->ai_next)
                r = listen_at(a, port);
        return r;
}

int listen_tcp(const char *host, const char *service, char **ret_reason) {
        struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *list = NULL;
        unsigned first, port;
        bool search;
        int r = parse_service(service, &first, &search);

        if (r < 0)
                return fail(ret_reason, r, strf("'%s' is not a port", strempty(service)));
        r = getaddrinfo(isempty(host) ? NULL : host, "0", &hints, &list);
        if (r != 0)
                return fail(ret_reason, r == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL, strf("%s", gai_strerror(r)));
        r = -EADDRINUSE;
        for (port = first; r == -EADDRINUSE && port <= (search ? PORT_MAX : first); port++)
                r = listen_first(list, port);
        freeaddrinfo(list);
        if (r == -EADDRINUSE)
                return fail(ret_reason, r, search ? strf("no port is free from %u on", first) :
                                                    strf("the port is in use"));
        return r < 0 ? fail(ret_reason, r, strf("%s", strerror(-r))) : r;
}

int socket_port(int fd) {
        struct sockaddr_storage sa = {};
        socklen_t size = sizeof(sa);

        if (getsockname(fd, (struct sockaddr *) &sa, &size) < 0)
                return 0;
        return sa.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *) &sa)->sin_port)
               : sa.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *) &sa)->sin6_port)
                                          : 0;
}

static int connect_address(const struct addrinfo *a) {
        /* connect() keeps to the limit for sending (socket(7)). */
        const struct timeval limit = { .tv_sec = CONNECT_LIMIT_SEC }, none = {};
        _cleanup_close_ int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
                return -errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
                return errno == EINPROGRESS ? -ETIMEDOUT : -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int connect_tcp(const char *host, const char *service, char **ret_reason) {
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
        int r = getaddrinfo(host, service, &hints, &list);

        if (r != 0)
                return fail(ret_reason, r == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL, strf("%s", gai_strerror(r)));
        r = -EADDRNOTAVAIL;
        for (const struct addrinfo *a = list; a && r < 0; a = a->ai_next)
                r = connect_address(a);
        freeaddrinfo(list);
        return r < 0 ? fail(ret_reason, r, strf("%s", strerror(-r))) : r;
}
