/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <cap-ng.h>

#include "file-util.h"
#include "scope.h"
#include "path-walk.h"
#include "qemu-probe.h"
#include "qemu-query.h"
#include "runtime.h"
#include "selinux-util.h"
#include "siphash.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"
#include "time-util.h"

#define NOBODY 65534U
#define QMP_NUMBER 3
#define ERROR_NUMBER 4
#define CACHE_MAX (8U * 1024U * 1024U)
/* What begins a cache file; changes with the meaning of what is in it. */
#define CACHE_MAGIC "vmunit-caps 2"

/* --- the child --- */

/* Why it could not be executed, through a pipe that exec closes. */
_noreturn_ static void child_failed(int fd) {
        int e = errno;
        ssize_t n = write(fd, &e, sizeof(e));
        (void) n;
        _exit(127);
}

static void limit(int resource, rlim_t value) {
        struct rlimit l = { value, value }, old;

        if (getrlimit(resource, &old) >= 0 && old.rlim_max < value)
                l.rlim_cur = l.rlim_max = old.rlim_max;
        (void) setrlimit(resource, &l);
}

/* Standard streams to nowhere, QMP and the pipe to their numbers, nothing else. Both were opened above them. */
static int arrange_descriptors(int qmp_fd, int error_fd) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return -errno;
        for (int i = 0; i < 3; i++)
                if (dup2(null, i) < 0)
                        return -errno;
        /* First out of each other's way. */
        qmp_fd = fcntl(qmp_fd, F_DUPFD_CLOEXEC, 10);
        error_fd = fcntl(error_fd, F_DUPFD_CLOEXEC, 10);
        if (qmp_fd < 0 || error_fd < 0 || dup2(qmp_fd, QMP_NUMBER) < 0 ||
            dup3(error_fd, ERROR_NUMBER, O_CLOEXEC) < 0)
                return -errno;
        return syscall(SYS_close_range, ERROR_NUMBER + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* Gives up all rights, for good. Who has none to begin with keeps his uid. */
static int drop_privileges(bool keep_kvm) {
        if (geteuid() == 0) {
                /* Not essential, and not possible everywhere. */
                (void) unshare(CLONE_NEWNET | CLONE_NEWIPC);
                /* Of what is some group's, KVM's device at most. */
                struct stat st;
                bool kvm = keep_kvm && stat("/dev/kvm", &st) >= 0 && S_ISCHR(st.st_mode) && st.st_gid != 0;
                if (setgroups(kvm, kvm ? &st.st_gid : NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0)
                        return -errno;
                capng_clear(CAPNG_SELECT_ALL);
                (void) capng_apply(CAPNG_SELECT_BOUNDS);
                if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
                        return -errno;
        }
        capng_clear(CAPNG_SELECT_ALL);
        if (capng_apply(CAPNG_SELECT_CAPS) < 0 || capng_apply(CAPNG_SELECT_AMBIENT) < 0)
                return -EPERM;
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

_noreturn_ static void child(const char *emulator, const char *machine, const char *context, int qmp_fd, int error_fd,
                             pid_t parent) {
        char *const argv[] = {
                (char *) emulator, (char *) "-S", (char *) "-no-user-config", (char *) "-nodefaults",
                (char *) "-nographic", (char *) "-machine", (char *) machine, (char *) "-chardev",
                (char *) "socket,id=qmp,fd=3", (char *) "-mon", (char *) "chardev=qmp,mode=control", NULL,
        };
        char *const env[] = { (char *) "PATH=/usr/bin:/bin", (char *) "LC_ALL=C", NULL };
        sigset_t none;

        int r = arrange_descriptors(qmp_fd, error_fd);
        if (r < 0) {
                errno = -r;
                child_failed(error_fd);
        }
        (void) setsid();
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_FSIZE, 0);
        limit(RLIMIT_CPU, QEMU_PROBE_SECONDS);
        limit(RLIMIT_NOFILE, 256);
        (void) chdir("/");
        r = context ? selinux_set_exec(context) : 0;
        if (r >= 0)
                r = drop_privileges(strstr(machine, "kvm"));
        /* A change of uid clears it. */
        if (r >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                r = -errno;
        if (r < 0) {
                errno = -r;
                child_failed(ERROR_NUMBER);
        }
        if (getppid() != parent)
                _exit(127);
        /* Last, since what runs until here may need more (sanitizers do). */
        limit(RLIMIT_AS, (rlim_t) 8 << 30);
        execve(emulator, argv, env);
        child_failed(ERROR_NUMBER);
}

/* --- the parent --- */

static pid_t start_child(const char *emulator, const char *machine, int *ret_qmp, int *ret_error) {
        _cleanup_close_ int qmp = -EBADF, qmp_child = -EBADF, error = -EBADF, error_child = -EBADF;
        _cleanup_free_ char *context = NULL;
        int pair[2], r;

        r = selinux_probe_context(&context);
        if (r < 0)
                return r;
        selinux_lower_sockets(true);
        r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : 0;
        selinux_lower_sockets(false);
        if (r < 0)
                return r;
        qmp = pair[0];
        qmp_child = pair[1];
        if (pipe2(pair, O_CLOEXEC) < 0)
                return -errno;
        error = pair[0];
        error_child = pair[1];
        pid_t parent = getpid(), pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child(emulator, machine, context, qmp_child, error_child, parent);
        *ret_qmp = TAKE_FD(qmp);
        *ret_error = TAKE_FD(error);
        return pid;
}

/* 0 when the program runs, else why it does not. */
static int read_error(int fd) {
        int e;
        ssize_t n;

        do
                n = read(fd, &e, sizeof(e));
        while (n < 0 && errno == EINTR);
        return n == (ssize_t) sizeof(e) && e > 0 ? -e : 0;
}

/* Kills it, with all it may have started: it leads a session, hence a process group, of its own. */
static void end_child(pid_t pid, int *ret_status) {
        (void) kill(-pid, SIGKILL);
        (void) kill(pid, SIGKILL);
        while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
                ;
}

static const char *probe_error(int error) {
        switch (error) {
        case -ECONNRESET:
                return "it ended before it answered";
        case -EBADMSG:
                return "it does not speak QMP as QEMU does";
        case -ETIMEDOUT:
                return "it did not answer in time";
        case -EREMOTEIO:
                return "it refused a query";
        default:
                return strerror(-error);
        }
}

static int probe(const char *emulator, Diag *diag, QemuCaps **ret) {
        uint64_t deadline = now_usec() + QEMU_PROBE_SECONDS * UINT64_C(1000000);
        _cleanup_close_ int qmp = -EBADF, error = -EBADF;
        int status = 0;

        pid_t pid = start_child(emulator, "none", &qmp, &error);
        if (pid < 0)
                return diag_error_code(diag, pid, (SrcLoc) {}, "cannot probe emulator '%s': %s", emulator, strerror(-pid));
        int r = read_error(error);
        if (r < 0) {
                end_child(pid, &status);
                return diag_error_code(diag, r, (SrcLoc) {}, "emulator '%s' cannot be executed: %s", emulator, strerror(-r));
        }
        r = qemu_query_caps(qmp, deadline, ret);
        end_child(pid, &status);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "emulator '%s' cannot be asked what it can do: %s", emulator,
                                       probe_error(r));
        return 0;
}

/* The host's processor, as KVM has it. Where that cannot be found out, nothing is known of it, and what needs it is
 * refused when it is asked for. */
static void probe_kvm_cpu(const char *emulator, QemuCaps *caps) {
        uint64_t deadline = now_usec() + QEMU_PROBE_SECONDS * UINT64_C(1000000);
        _cleanup_close_ int qmp = -EBADF, error = -EBADF;
        int status = 0;

        if (!caps->has_kvm || access("/dev/kvm", F_OK) < 0 || (caps->arch != ARCH_X86_64 && caps->arch != ARCH_I686))
                return;
        pid_t pid = start_child(emulator, "none,accel=kvm", &qmp, &error);
        if (pid < 0)
                return;
        if (read_error(error) >= 0)
                (void) qemu_query_kvm_cpu(qmp, deadline, caps);
        end_child(pid, &status);
}

/* --- the cache --- */

typedef struct CacheKey {
        char *file;   /* owned: its name in the cache directory */
        char *header; /* owned: the first line but the digest: all that must match */
} CacheKey;

static void cache_key_done(CacheKey *k) {
        free(k->file);
        free(k->header);
}

/* What decides what KVM's processor is, besides the emulator: kernel, processor, microcode, and whether there is
 * KVM at all. */
static int host_digest(char ret[33]) {
        _cleanup_free_ char *cpuinfo = NULL;
        _cleanup_strv_ char **lines = NULL;
        _cleanup_text_ Text t = {};
        struct utsname u = {};

        if (access("/dev/kvm", F_OK) < 0) {
                digest_hex("", 0, ret);
                return 0;
        }
        (void) uname(&u);
        text_append(&t, u.release);
        text_append(&t, u.version);
        size_t size;
        int r = read_file_limited(AT_FDCWD, "/proc/cpuinfo", CACHE_MAX, &cpuinfo, &size);
        if (r >= 0)
                r = strv_split_lines(cpuinfo, &lines);
        if (r == -ENOMEM || t.failed)
                return -ENOMEM;
        STRV_FOREACH(line, lines) {
                if (isempty(*line)) /* the first processor will do */
                        break;
                if (!startswith(*line, "cpu MHz") && !startswith(*line, "bogomips"))
                        text_append(&t, *line);
        }
        if (t.failed)
                return -ENOMEM;
        digest_hex(t.data, t.length, ret);
        return 0;
}

static int cache_key_new(const char *emulator, const struct stat *st, CacheKey *ret) {
        char digest[33], host[33];

        int r = host_digest(host);
        if (r < 0)
                return r;
        /* A start whose unit has no KVM sees a host without it: what it finds out must not take the place of what others
         * have, who would then ask again, and so on. */
        _cleanup_free_ char *name = strf("%s %s", host, emulator);
        if (!name)
                return -ENOMEM;
        digest_hex(name, strlen(name), digest);
        *ret = (CacheKey) {
                .file = strf("%s.caps", digest),
                .header = strf(CACHE_MAGIC " %lld.%09ld %lld %s %s", (long long) st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                               (long long) st->st_size, host, emulator),
        };
        if (ret->file && ret->header)
                return 0;
        cache_key_done(ret);
        *ret = (CacheKey) {};
        return -ENOMEM;
}

static int cache_open_directory(const char *path) {
        struct stat st;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        /* A record says what programs are started with: only root's, or our own, counts. */
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022))
                return -EPERM;
        return TAKE_FD(fd);
}

/* The file: header line, line with the digest of the rest, JSON. */
static int cache_read(const char *cache_dir, const CacheKey *key, QemuCaps **ret) {
        _cleanup_free_ char *data = NULL;
        char digest[33];
        size_t size;

        _cleanup_close_ int dir = cache_open_directory(cache_dir);
        if (dir < 0)
                return dir;
        int r = read_file_limited(dir, key->file, CACHE_MAX, &data, &size);
        if (r < 0)
                return r;
        const char *rest = startswith(data, key->header);
        if (!rest || *rest != '\n')
                return -ENOENT;
        rest++;
        if (strlen(rest) < 33 || rest[32] != '\n')
                return -EBADMSG;
        const char *json = rest + 33;
        digest_hex(json, size - (size_t) (json - data), digest);
        if (memcmp(digest, rest, 32) != 0)
                return -EBADMSG;
        return qemu_caps_from_json(json, ret);
}

static int cache_write(const char *cache_dir, const CacheKey *key, const QemuCaps *c) {
        _cleanup_free_ char *json = NULL;
        char digest[33];

        int r = qemu_caps_to_json(c, &json);
        if (r < 0)
                return r;
        (void) mkdir_parents(cache_dir, 0755);
        _cleanup_close_ int dir = cache_open_directory(cache_dir);
        if (dir < 0)
                return dir;
        digest_hex(json, strlen(json), digest);
        _cleanup_free_ char *text = strf("%s\n%s\n%s", key->header, digest, json);
        if (!text)
                return -ENOMEM;
        return write_file_atomic(dir, key->file, text, strlen(text), 0644);
}

/* Machines that start together, at boot after QEMU was replaced, would keep each other's emulators from an answer in time:
 * one asks, and the others wait for what it hears. Who may not write to the cache has nobody to wait for. */
static int cache_lock(const char *cache_dir) {
        (void) mkdir_parents(cache_dir, 0755);
        _cleanup_close_ int dir = cache_open_directory(cache_dir);
        return dir < 0 ? dir : runtime_lock(dir, "lock");
}

/* --- together --- */

static int check_emulator(const char *emulator, Diag *diag, struct stat *ret) {
        _cleanup_path_walk_ PathWalk w = PATH_WALK_EMPTY;
        _cleanup_free_ char *reason = NULL;

        int r = path_walk(emulator, 0, &w, &reason);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "emulator '%s' cannot be used: %s", emulator, strempty(reason));
        if (!S_ISREG(w.st.st_mode))
                return diag_error_code(diag, -EACCES, (SrcLoc) {}, "emulator '%s' cannot be used: not a regular file", emulator);
        if ((w.st.st_mode & 0111) == 0)
                return diag_error_code(diag, -EACCES, (SrcLoc) {}, "emulator '%s' cannot be used: not executable", emulator);
        *ret = w.st;
        return 0;
}

int qemu_caps_get_at(const char *cache_dir, const char *emulator, bool only_cached, Diag *diag, QemuCaps **ret) {
        _cleanup_(cache_key_done) CacheKey key = {};
        struct stat st = {};

        int r = check_emulator(emulator, diag, &st);
        if (r >= 0)
                r = cache_key_new(emulator, &st, &key);
        if (r < 0)
                return r;
        if (cache_dir && cache_read(cache_dir, &key, ret) >= 0)
                return 0;
        if (only_cached)
                return -ENOENT;
        _cleanup_close_ int lock = cache_dir ? cache_lock(cache_dir) : -EBADF;
        if (lock >= 0 && cache_read(cache_dir, &key, ret) >= 0)
                return 0;
        r = probe(emulator, diag, ret);
        if (r >= 0)
                probe_kvm_cpu(emulator, *ret);
        if (r >= 0 && cache_dir)
                (void) cache_write(cache_dir, &key, *ret);
        return r;
}

int qemu_caps_get(const char *emulator, Diag *diag, QemuCaps **ret) {
        return qemu_caps_get_at(vm_directories()->cache, emulator, false, diag, ret);
}

int qemu_caps_get_cached(const char *emulator, QemuCaps **ret) {
        return qemu_caps_get_at(vm_directories()->cache, emulator, true, NULL, ret);
}
