/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "base64.h"
#include "certificate.h"
#include "credential.h"
#include "file-util.h"
#include "image-capacity.h"
#include "open-files.h"
#include "open-folder.h"
#include "open-sockets.h"
#include "path-walk.h"
#include "qcow2.h"
#include "scope.h"
#include "string-util.h"
#include "tap.h"

void opened_fd_done(OpenedFd *o) {
        for (size_t i = 0; i < o->n_fds; i++)
                safe_close(o->fds[i]);
        free(o->fds);
        free(o->ifname);
        free(o->socket_path);
        free(o->inside);
        *o = (OpenedFd) {};
}

char *opened_fd_name(const PlanFd *p, size_t i) {
        return i == 0 ? strdup(p->name) : strf("%s.%zu", p->name, i);
}

/* "disk vda", or at least the descriptor's name. */
static const char *purpose(const PlanFd *p) {
        return p->element ?: p->name;
}

static int cannot(const PlanFd *p, Diag *diag, int error, const char *verb, const char *path, const char *reason) {
        return diag_error_code(diag, error, p->loc, "cannot %s '%s' for %s: %s", verb, path, purpose(p),
                               reason ?: strerror(-error));
}

static int take_fd(OpenedFd *o, int fd) {
        o->fds = malloc(sizeof(int));
        if (!o->fds) {
                safe_close(fd);
                return -ENOMEM;
        }
        o->fds[0] = fd;
        o->n_fds = 1;
        return 0;
}

int opened_fd_take(OpenedFd *o, int *fd) {
        return take_fd(o, TAKE_FD(*fd));
}

/* --- files --- */

static const char *kind_of_file(mode_t mode) {
        return S_ISREG(mode)  ? "a regular file" :
               S_ISDIR(mode)  ? "a directory" :
               S_ISBLK(mode)  ? "a block device" :
               S_ISCHR(mode)  ? "a character device" :
               S_ISFIFO(mode) ? "a fifo" :
               S_ISSOCK(mode) ? "a socket" : "of an unknown kind";
}

static int check_kind(const PlanFd *p, Diag *diag, mode_t mode) {
        mode_t wanted = p->kind == PLAN_FD_SOCKET ? S_IFSOCK : p->block_device ? S_IFBLK : p->char_device ? S_IFCHR : p->fifo ? S_IFIFO : S_IFREG;

        if ((mode & S_IFMT) == wanted)
                return 0;
        return diag_error_code(diag, S_ISDIR(mode) ? -EISDIR : -EINVAL, p->loc, "cannot open '%s' for %s: it is %s, not %s",
                               p->path, purpose(p), kind_of_file(mode), kind_of_file(wanted));
}

static int access_mode(const PlanFd *p) {
        /* What is only appended to, a log, is not readable either. */
        return !p->writable ? O_RDONLY : p->append || p->create ? O_WRONLY : O_RDWR;
}

static int create_file(const PlanFd *p, const PathWalk *w, Diag *diag) {
        /* Root's own: the VM gets nothing but the descriptor. */
        int fd = openat(w->parent_fd, w->last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC |
                        (p->append ? O_APPEND : 0), 0600);
        return fd < 0 ? cannot(p, diag, -errno, "create", p->path, NULL) : fd;
}

/* QEMU's locks on images are on bytes of the open file: this one is held by who lets nobody else write. The lock
 * that counts is the one QEMU takes itself, by this very descriptor; here it is only asked for, to say it in
 * better words and before anything else is done. */
#define QEMU_LOCK_NO_OTHER_WRITER 201

static bool is_locked(int fd) {
        struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = QEMU_LOCK_NO_OTHER_WRITER, .l_len = 1 };

        return fcntl(fd, F_OFD_GETLK, &l) >= 0 && l.l_type != F_UNLCK;
}

static int open_existing(const PlanFd *p, const PathWalk *w, Diag *diag) {
        struct stat st;

        /* Looked at before it is opened: opening a fifo or a tape has effects. */
        int r = check_kind(p, diag, w->st.st_mode);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = path_reopen(w->fd, access_mode(p) | O_NOCTTY | O_NONBLOCK | (p->append ? O_APPEND : 0));
        if (fd < 0)
                return cannot(p, diag, fd, "open", p->path, fd == -EROFS ? "the file system is read-only" : NULL);
        if (fstat(fd, &st) < 0)
                return cannot(p, diag, -errno, "open", p->path, NULL);
        if (access_mode(p) == O_RDWR && is_locked(fd))
                return cannot(p, diag, -EBUSY, "open", p->path, "another process, such as a VM, has it open for writing");
        /* It goes with the last descriptor of it, wherever that is. */
        if (p->exclusive && flock(fd, LOCK_EX | LOCK_NB) < 0)
                return cannot(p, diag, -errno, "open", p->path, errno == EWOULDBLOCK ? "another VM has it" : NULL);
        if (p->create && !p->append && ftruncate(fd, 0) < 0)
                return cannot(p, diag, -errno, "truncate", p->path, NULL);
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
                return cannot(p, diag, -errno, "open", p->path, NULL);
        return TAKE_FD(fd);
}

/* --- copies in memory --- */

static int seal(int fd) {
        /* Mode: QEMU opens it by /proc/self/fd/N, as another uid. */
        if (fchmod(fd, 0444) < 0)
                return -errno;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -errno;
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int memfd_new(const char *name) {
        int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd < 0 ? -errno : fd;
}

int memfd_from_data(const char *name, const void *data, size_t size) {
        _cleanup_close_ int fd = memfd_new(name);
        if (fd < 0)
                return fd;
        int r = write_all(fd, data, size);
        if (r >= 0)
                r = seal(fd);
        return r < 0 ? r : TAKE_FD(fd);
}

/* Copies what SOURCE has, COPY_MAX bytes at most (its size may change while we read). */
static int copy_into(int target, int source) {
        uint64_t copied = 0;

        for (;;) {
                ssize_t n = sendfile(target, source, NULL, 16U << 20);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        return 0;
                copied += (uint64_t) n;
                if (copied > COPY_MAX)
                        return -EFBIG;
        }
}

static int open_file(const PlanFd *p, Diag *diag);

/* QEMU would end with a message that names neither the file nor the day. */
static int check_certificate(const PlanFd *p, int fd, Diag *diag) {
        _cleanup_free_ char *pem = NULL, *reason = NULL;
        time_t from, to, now = time(NULL);
        struct tm tm;
        struct stat st;
        char day[64];

        if (fstat(fd, &st) < 0)
                return cannot(p, diag, -errno, "read", p->path, NULL);
        size_t size = MIN((size_t) st.st_size, CERTIFICATE_FILE_MAX);
        pem = malloc(size + 1);
        if (!pem)
                return -ENOMEM;
        ssize_t n = pread(fd, pem, size, 0);
        int r = n < 0 ? -errno : certificate_validity(pem, (size_t) n, &from, &to);
        if (r < 0)
                return r == -ENOMEM ? r : cannot(p, diag, r, "use", p->path, "it is not a certificate in PEM");
        if (now >= from && now + CERTIFICATE_WARN_SECONDS <= to)
                return 0;
        const time_t *when = now < from ? &from : &to;
        if (!gmtime_r(when, &tm) || strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                return -EINVAL;
        if (now >= from && now <= to)
                return diag_warning(diag, p->loc, "%s: certificate '%s' expires on %s", p->element, p->path, day);
        reason = strf(now < from ? "the certificate is not valid before %s" : "the certificate has expired on %s", day);
        return cannot(p, diag, -EKEYEXPIRED, "use", p->path, reason);
}

static int open_copy(const PlanFd *p, Diag *diag) {
        struct stat st;

        PlanFd plain = *p;
        plain.writable = plain.create = plain.block_device = false;
        _cleanup_close_ int source = open_file(&plain, diag);
        if (source < 0)
                return source;
        if (fstat(source, &st) < 0)
                return cannot(p, diag, -errno, "read", p->path, NULL);
        if ((uint64_t) st.st_size > COPY_MAX)
                return cannot(p, diag, -EFBIG, "read", p->path, "it is larger than 512 MiB");

        _cleanup_close_ int fd = memfd_new(p->name);
        int r = fd < 0 ? fd : copy_into(fd, source);
        if (r >= 0)
                r = seal(fd);
        if (r >= 0 && p->certificate && (r = check_certificate(p, fd, diag)) < 0)
                return r;
        return r < 0 ? cannot(p, diag, r, "copy", p->path, NULL) : TAKE_FD(fd);
}

/* --- what is made from a template --- */

static int open_plain(const PlanFd *p, bool may_miss, PathWalk *w, Diag *diag) {
        _cleanup_free_ char *reason = NULL;
        int r = path_walk(p->path, may_miss ? PATH_WALK_MAY_MISS : 0, w, &reason);

        return r < 0 ? cannot(p, diag, r, "open", p->path, reason) : 0;
}

static int open_template(const PlanFd *p, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        const PlanFd template = { .path = p->template, .name = p->name, .element = p->element, .loc = p->loc };

        int r = open_plain(&template, false, &w, diag);
        return r < 0 ? r : open_existing(&template, &w, diag);
}

/* A half-made file would be taken for a whole one the next time, so it goes again. */
static int create_from_template(const PlanFd *p, const PathWalk *w, Diag *diag) {
        _cleanup_close_ int source = open_template(p, diag);
        if (source < 0)
                return source;
        _cleanup_close_ int fd = openat(w->parent_fd, w->last, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return cannot(p, diag, -errno, "create", p->path, NULL);
        int r = copy_into(fd, source);
        if (r >= 0 && (fsync(fd) < 0 || lseek(fd, 0, SEEK_SET) < 0))
                r = -errno;
        if (r < 0) {
                (void) unlinkat(w->parent_fd, w->last, 0);
                return cannot(p, diag, r, "copy", p->template, NULL);
        }
        return TAKE_FD(fd);
}

/* The machine's own directory for durable state is made when it is needed. */
static int make_state_directory(const PlanFd *p, Diag *diag) {
        const char *rest = startswith(p->path, vm_directories()->state);
        if (!rest || *rest != '/')
                return 0;
        _cleanup_free_ char *dir = strndup(p->path, (size_t) (strrchr(p->path, '/') - p->path));
        if (!dir)
                return -ENOMEM;
        int r = mkdir_parents(dir, 0755);
        return r < 0 ? cannot(p, diag, r, "create", dir, NULL) : 0;
}

static int open_file(const PlanFd *p, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        int r = p->template ? make_state_directory(p, diag) : 0;

        if (r >= 0)
                r = open_plain(p, p->create || p->template, &w, diag);
        if (r < 0)
                return r;
        if (w.fd >= 0)
                return open_existing(p, &w, diag);
        return p->template ? create_from_template(p, &w, diag) : create_file(p, &w, diag);
}

/* --- directories of the machine's own --- */

/* The user that the VM runs as may be another one than the last time. He could have put anything there, but nothing that was
 * not his to begin with. */
static int give_entries(const PlanFd *p, int fd, uid_t owner, Diag *diag) {
        _cleanup_closedir_ DIR *d = open_entries(fd);
        struct dirent *e;
        struct stat st;
        int r;

        if (!d)
                return cannot(p, diag, -errno, "read", p->path, NULL);
        while ((r = next_entry(d, &e)) > 0) {
                _cleanup_close_ int entry = openat(fd, e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                if (entry < 0 || fstat(entry, &st) < 0)
                        return cannot(p, diag, -errno, "open", p->path, e->d_name);
                if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
                        return cannot(p, diag, -EPERM, "use", p->path, "there is something in it that is not a plain file");
                if (st.st_uid != owner && fchownat(entry, "", owner, (gid_t) owner, AT_EMPTY_PATH) < 0)
                        return cannot(p, diag, -errno, "give to the machine's user", p->path, e->d_name);
        }
        return r < 0 ? cannot(p, diag, r, "read", p->path, NULL) : 0;
}

/* In one that is root's alone: the user's number may be somebody else's when the machine does not run. */
static int make_own_directory(const PlanFd *p, Diag *diag) {
        _cleanup_free_ char *outer = strndup(p->path, (size_t) (strrchr(p->path, '/') - p->path));
        int r = outer ? make_state_directory(&(PlanFd) { .path = outer, .element = p->element, .loc = p->loc }, diag) : -ENOMEM;

        if (r >= 0 && mkdir(outer, 0700) < 0 && errno != EEXIST)
                r = cannot(p, diag, -errno, "create", outer, NULL);
        if (r >= 0 && mkdir(p->path, 0700) < 0 && errno != EEXIST)
                r = cannot(p, diag, -errno, "create", p->path, NULL);
        return r;
}

/* All of the host is above it, and who has it opened can be another than root: so what is handed over is a mount of it alone. */
static int detach(const PathWalk *w, uid_t owner, const char **ret_reason) {
        _cleanup_close_ int mount = open_detached(w, true, owner, ret_reason);
        if (mount < 0)
                return mount;
        int fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int open_directory(const PlanFd *p, uid_t owner, Diag *diag, OpenedFd *ret) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        const char *reason;

        int r = make_own_directory(p, diag);
        if (r >= 0)
                r = open_plain(p, false, &w, diag);
        if (r < 0)
                return r;
        if (!S_ISDIR(w.st.st_mode))
                return cannot(p, diag, -ENOTDIR, "open", p->path, NULL);
        _cleanup_close_ int fd = path_reopen(w.fd, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return cannot(p, diag, fd, "open", p->path, NULL);
        if (w.st.st_uid != owner && fchown(fd, owner, (gid_t) owner) < 0)
                return cannot(p, diag, -errno, "give to the machine's user", p->path, NULL);
        r = give_entries(p, fd, owner, diag);
        if (r < 0)
                return r;
        safe_close(fd);
        fd = detach(&w, owner, &reason);
        if (fd < 0)
                return cannot(p, diag, fd, "hand over", p->path, reason);
        r = opened_fd_take(ret, &fd);
        if (r >= 0)
                ret->inside = path_inside(&w);
        return r;
}

int remove_templated_file(const PlanFd *p, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;

        int r = open_plain(p, true, &w, diag);
        if (r < 0 || w.fd < 0)
                return r;
        if (!p->template)
                return cannot(p, diag, -ENOENT, "renew", p->path, "there is no template for it");
        _cleanup_close_ int source = open_template(p, diag);
        _cleanup_close_ int fd = source < 0 ? source : open_existing(p, &w, diag);
        if (fd < 0)
                return fd;
        return unlinkat(w.parent_fd, w.last, 0) < 0 ? cannot(p, diag, -errno, "remove", p->path, NULL) : 0;
}

/* --- memory --- */

/* On a disk, as that is what the definition asks for instead of the machine's own memory, and without a name: nothing has to be
 * removed. QEMU opens it as its user. */
static int open_nameless(const PlanFd *p, uid_t owner, Diag *diag) {
        const char *dir = vm_directories()->state;

        int r = mkdir_parents(dir, 0755);
        if (r < 0)
                return cannot(p, diag, r, "create", dir, NULL);
        _cleanup_close_ int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
                return cannot(p, diag, -errno, "make a file in", dir, NULL);
        if (owner != geteuid() && fchown(fd, owner, (gid_t) -1) < 0)
                return cannot(p, diag, -errno, "make a file in", dir, NULL);
        return TAKE_FD(fd);
}

/* Beside the image, where there is room for what belongs to it; or where the machines' own state is. */
static int open_beside(const PlanFd *p, const PathWalk *w, Diag *diag) {
        _cleanup_free_ char *path = strf("/proc/self/fd/%d", w->parent_fd);
        if (!path)
                return -ENOMEM;
        int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        return fd < 0 ? open_nameless(p, geteuid(), diag) : fd;
}

static int open_overlay(const PlanFd *p, Diag *diag) {
        PlanFd image = { .path = p->path, .name = p->name, .element = p->element, .loc = p->loc };
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ uint8_t *header = NULL, *data = NULL;
        struct stat st;
        size_t size;

        int r = open_plain(&image, false, &w, diag);
        if (r < 0)
                return r;
        _cleanup_close_ int below = open_existing(&image, &w, diag);
        if (below < 0)
                return below;
        header = malloc(IMAGE_HEADER_SIZE);
        if (!header)
                return -ENOMEM;
        ssize_t n = pread(below, header, IMAGE_HEADER_SIZE, 0);
        if (n < 0 || fstat(below, &st) < 0)
                return cannot(p, diag, -errno, "read", p->path, NULL);
        uint64_t capacity = image_capacity(p->format, header, (size_t) n, (uint64_t) st.st_size);
        if (capacity == 0)
                return cannot(p, diag, -EBADMSG, "use", p->path, "its header does not say how large the disk is");
        r = qcow2_image_new(capacity, &data, &size);
        if (r < 0)
                return r == -ENOMEM ? r : cannot(p, diag, r, "use", p->path, NULL);
        _cleanup_close_ int fd = open_beside(p, &w, diag);
        if (fd < 0)
                return fd;
        r = write_all(fd, data, size);
        return r < 0 ? cannot(p, diag, r, "make an overlay of", p->path, NULL) : TAKE_FD(fd);
}

/* QEMU makes it longer if need be; a new one has its size at once, for others who map it as well. */
static int open_mapped(const PlanFd *p, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;

        int r = open_plain(p, p->create, &w, diag);
        if (r >= 0 && w.fd >= 0)
                r = check_kind(p, diag, w.st.st_mode);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = w.fd >= 0 ? path_reopen(w.fd, O_RDWR | O_NONBLOCK) :
                openat(w.parent_fd, w.last, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (w.fd >= 0)
                return fd < 0 ? cannot(p, diag, fd, "open", p->path, NULL) : TAKE_FD(fd);
        if (fd < 0 || ftruncate(fd, (off_t) p->size) < 0) {
                r = cannot(p, diag, -errno, "create", p->path, NULL);
                if (fd >= 0)
                        (void) unlinkat(w.parent_fd, w.last, 0);
                return r;
        }
        return TAKE_FD(fd);
}

/* --- network --- */

/* `tc` calls 1000 bytes a kilobyte where it is a rate, and 1024 where it is a size; so does what libvirt sets. */
TrafficLimit plan_limit_in_bytes(const PlanLimit *l) {
        const uint64_t most = UINT64_MAX / 1024;

        return (TrafficLimit) { MIN(l->average, most) * 1000, MIN(l->peak, most) * 1000, MIN(l->burst, most) * 1024 };
}

static unsigned macvlan_mode(DirectMode mode) {
        return mode == DIRECT_PRIVATE     ? MACVLAN_MODE_PRIVATE :
               mode == DIRECT_BRIDGE      ? MACVLAN_MODE_BRIDGE :
               mode == DIRECT_PASSTHROUGH ? MACVLAN_MODE_PASSTHRU : MACVLAN_MODE_VEPA;
}

static int open_tap(const PlanFd *p, Diag *diag, OpenedFd *ret) {
        static const uint8_t none[6];
        const TrafficLimit none_limit = {};
        unsigned n = MAX(p->queues, 1U);
        TapSpec spec = {
                .tun = p->path,
                .ifname = p->ifname,
                .bridge = p->openvswitch ? NULL : p->bridge,
                .mtu_of = p->bridge,
                .mac = memcmp(p->mac, none, sizeof(none)) == 0 ? NULL : p->mac,
                .mtu = p->mtu.set ? p->mtu.value : 0,
                .queues = p->queues,
                .existing = !p->managed_tap,
                .isolated = p->isolated,
                .coalesce = p->coalesce.value,
                .inbound = p->openvswitch ? none_limit : plan_limit_in_bytes(&p->inbound),
                .outbound = p->openvswitch ? none_limit : plan_limit_in_bytes(&p->outbound),
                .addresses = p->addresses,
                .routes = p->routes,
        };
        _cleanup_free_ char *ifname = calloc(1, IFNAMSIZ), *reason = NULL;
        _cleanup_free_ int *fds = calloc(n, sizeof(int));
        unsigned ifindex;

        if (!ifname || !fds)
                return -ENOMEM;
        int r = p->kind == PLAN_FD_TAP ? tap_open(&spec, fds, ifname, &ifindex, &reason) :
                macvtap_open(&spec, p->device, macvlan_mode(p->mode), fds, ifname, &ifindex, &reason);
        if (r < 0)
                return diag_error_code(diag, r, p->loc, "%s (%s)", strempty(reason), purpose(p));
        *ret = (OpenedFd) { .fds = TAKE_PTR(fds), .n_fds = n, .ifname = TAKE_PTR(ifname), .ifindex = ifindex,
                             .existing = spec.existing };
        return 0;
}

static int open_vhost_net(const PlanFd *p, Diag *diag, OpenedFd *ret) {
        const char *path = p->path ?: "/dev/vhost-net";
        unsigned n = MAX(p->queues, 1U);

        ret->fds = calloc(n, sizeof(int));
        if (!ret->fds)
                return -ENOMEM;
        for (; ret->n_fds < n; ret->n_fds++) {
                int fd = open(path, O_RDWR | O_CLOEXEC);
                if (fd < 0) {
                        int r = cannot(p, diag, -errno, "open", path, NULL);
                        opened_fd_done(ret);
                        return r;
                }
                ret->fds[ret->n_fds] = fd;
        }
        return 0;
}

/* --- sockets --- */

static int open_listen(const PlanFd *p, uid_t owner, Diag *diag, OpenedFd *ret) {
        _cleanup_free_ char *reason = NULL, *path = NULL;
        struct stat st = {};
        int fd, r;

        if (p->path) {
                path = strdup(p->path);
                if (!path)
                        return -ENOMEM;
                fd = listen_unix(path, owner, &st, &reason);
                if (fd < 0)
                        return cannot(p, diag, fd, "listen on", path, reason);
        } else {
                fd = listen_tcp(p->host, p->service, &reason);
                if (fd < 0)
                        return diag_error_code(diag, fd, p->loc, "cannot listen on %s port %s for %s: %s",
                                               strempty(p->host), strempty(p->service), purpose(p), strempty(reason));
        }
        r = take_fd(ret, fd);
        if (r < 0)
                return r;
        if (!path)
                ret->port = socket_port(fd);
        ret->socket_path = TAKE_PTR(path);
        ret->socket_dev = st.st_dev;
        ret->socket_ino = st.st_ino;
        return 0;
}

static int open_connect(const PlanFd *p, Diag *diag) {
        _cleanup_free_ char *reason = NULL;
        _cleanup_free_ char *where = p->path ? strdup(p->path) : strf("%s:%s", strempty(p->host), strempty(p->service));

        if (!where)
                return -ENOMEM;
        int fd = p->path ? connect_unix(p->path, &reason) : connect_tcp(p->host, p->service, &reason);
        return fd < 0 ? cannot(p, diag, fd, "connect to", where, reason) : fd;
}

/* Whoever has the descriptor can connect with that socket. Is anybody there? A socket of another type that tries to connect
 * is told so, and who listens does not learn of it. */
static int open_socket(const PlanFd *p, Diag *diag) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;

        int r = open_plain(p, false, &w, diag);
        if (r >= 0)
                r = check_kind(p, diag, w.st.st_mode);
        if (r < 0)
                return r;
        r = socket_is_served(w.fd, &reason);
        return r < 0 ? cannot(p, diag, r, "connect to", p->path, reason) : TAKE_FD(w.fd);
}

/* --- secrets --- */

/* What systemd looks for in SMBIOS, in Base64: any bytes can be in it. NULL when memory is out. */
static char *smbios_string(const char *name, const char *data, size_t size) {
        char *text = base64_encode(data, size);
        char *whole = text ? strf("io.systemd.credential.binary:%s=%s", name, text) : NULL;

        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        return whole;
}

static int hand_over_secret(const PlanFd *p, const char *data, size_t size, Diag *diag) {
        if (p->guest_name && size > CREDENTIAL_VALUE_MAX)
                return diag_error_code(diag, -EFBIG, p->loc, "%s is larger than %u bytes", purpose(p), CREDENTIAL_VALUE_MAX);
        char *text = p->smbios ? smbios_string(p->guest_name, data, size) : NULL;
        int r = p->smbios && !text ? -ENOMEM : memfd_from_data(p->name, text ?: data, text ? strlen(text) : size);
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        return r < 0 ? cannot(p, diag, r, "hand over", p->credential ?: "the password", NULL) : r;
}

static int open_credential(const PlanFd *p, Diag *diag) {
        _cleanup_free_ char *data = NULL, *reason = NULL;
        size_t size = 0;

        int r = credential_read("", p->credential, &data, &size, &reason);
        if (r < 0)
                return diag_error_code(diag, r, p->loc, "%s (%s)", strempty(reason), purpose(p));
        /* What an editor or echo leaves there is part of it, and nobody will see why it is wrong. The guest's are texts of
         * lines, often enough. */
        if (data[size - 1] == '\n' && !p->guest_name)
                (void) diag_warning(diag, p->loc, "%s: credential '%s' ends with a newline, which is taken as part of it", purpose(p),
                                    p->credential);
        r = hand_over_secret(p, data, size, diag);
        explicit_bzero(data, size);
        return r;
}

static int open_secret(const PlanFd *p, Diag *diag) {
        if (p->credential)
                return open_credential(p, diag);
        return p->secret ? hand_over_secret(p, p->secret, strlen(p->secret), diag) : cannot(p, diag, -ENODATA, "hand over", "the password", NULL);
}

int open_plan_fd(const PlanFd *p, uid_t owner, Diag *diag, OpenedFd *ret) {
        OpenedFd o = {};
        int r;

        switch (p->kind) {
        case PLAN_FD_TAP:
        case PLAN_FD_MACVTAP:
                r = open_tap(p, diag, &o);
                break;
        case PLAN_FD_VHOST_NET:
                r = open_vhost_net(p, diag, &o);
                break;
        case PLAN_FD_LISTEN:
                r = open_listen(p, owner, diag, &o);
                break;
        case PLAN_FD_FOLDER:
                r = open_folder(p, owner, (gid_t) owner, diag, &o);
                break;
        case PLAN_FD_FILE:
                r = open_file(p, diag);
                goto one;
        case PLAN_FD_MEMORY:
                r = p->path ? open_mapped(p, diag) : open_nameless(p, owner, diag);
                goto one;
        case PLAN_FD_OVERLAY:
                r = open_overlay(p, diag);
                goto one;
        case PLAN_FD_COPY:
                r = open_copy(p, diag);
                goto one;
        case PLAN_FD_SECRET:
                r = open_secret(p, diag);
                goto one;
        case PLAN_FD_DIRECTORY:
                r = open_directory(p, owner, diag, &o);
                break;
        case PLAN_FD_SOCKET:
                r = open_socket(p, diag);
                goto one;
        case PLAN_FD_CONNECT:
                r = open_connect(p, diag);
        one:
                if (r >= 0)
                        r = take_fd(&o, r);
                break;
        default:
                r = -EINVAL;
        }
        if (r < 0)
                return r;
        *ret = o;
        return 0;
}

/* What is hidden there is a lock, not state. */
static bool directory_is_empty(const char *path) {
        DIR *d = opendir(path);
        bool empty = true;

        for (struct dirent *e; d && (e = readdir(d));)
                empty &= e->d_name[0] == '.';
        if (d)
                (void) closedir(d);
        return empty;
}

static bool helper_is_needed(const Plan *p, const PlanHelper *h) {
        const PlanFd *directory = h->when == HELPER_RUNS ? NULL : plan_find_fd(p, strempty(h->directory));

        return !directory || directory_is_empty(directory->path) == (h->when == HELPER_FILLS);
}

static void leave_out_helpers(Plan *p) {
        size_t n = 0, n_fds = 0;

        FOREACH_ARRAY(h, p->helpers, p->n_helpers) {
                if (helper_is_needed(p, h)) {
                        p->helpers[n++] = *h;
                        continue;
                }
                n_fds = 0;
                FOREACH_ARRAY(fd, p->fds, p->n_fds)
                        if (fd->user == PLAN_USER_HELPER && streq_ptr(fd->helper, h->name))
                                plan_fd_done(fd);
                        else
                                p->fds[n_fds++] = *fd;
                p->n_fds = n_fds;
                plan_helper_done(h);
        }
        p->n_helpers = n;
}

int check_helpers(const Plan *p, Diag *diag) {
        FOREACH_ARRAY(h, p->helpers, p->n_helpers)
                if (access(h->program, X_OK) < 0)
                        return diag_error_code(diag, -errno, h->loc, "cannot execute '%s' for %s: %s", h->program, h->element,
                                               strerror(errno));
        return 0;
}

void leave_out_missing(Plan *p) {
        size_t n = 0;

        leave_out_helpers(p);

        FOREACH_ARRAY(fd, p->fds, p->n_fds) {
                _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
                if (fd->may_miss && path_walk(fd->path, 0, &w, NULL) == -ENOENT)
                        plan_fd_done(fd);
                else
                        p->fds[n++] = *fd;
        }
        p->n_fds = n;
}
