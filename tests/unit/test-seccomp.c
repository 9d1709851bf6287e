/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter of system calls: each row of the table is refused, and what an emulator needs is not. */
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "seccomp-filter.h"
#include "string-util.h"

#define KEY UINT64_C(0x1234567890abcdef)
#define INSIDE "inside"

static char self[4096];

/* Runs FUNCTION in a child and returns its exit status; 200 when a signal ended it. */
static int in_child(int (*function)(const void *), const void *argument) {
        int status;

        (void) fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(function(argument));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

/* --- what is refused --- */

/* The arguments that meet the row's condition; the others are 0, so that a call that got through would do no harm. */
static void row_arguments(const SeccompRow *row, long *arguments) {
        switch (row->condition) {
        case SECCOMP_EQUAL:
                arguments[row->argument] = (long) row->value;
                break;
        case SECCOMP_ABOVE:
        case SECCOMP_NOT:
                arguments[row->argument] = (long) row->value + 1;
                break;
        case SECCOMP_OTHER_NETLINK:
                arguments[0] = AF_NETLINK;
                arguments[2] = (long) row->value + 1;
                break;
        case SECCOMP_OTHERS:
                arguments[row->argument] = getppid();
                break;
        default:
                break;
        }
        /* A type of sockets is looked at in every family; this one is allowed. */
        if (streq(row->syscall, "socket"))
                arguments[row->argument == 0 ? 1 : 0] = row->argument == 0 ? SOCK_STREAM : AF_UNIX;
        /* … and so is a protocol of netlink's. */
        if (streq(row->syscall, "socket") && row->condition == SECCOMP_EQUAL && row->argument == 0 && row->value == AF_NETLINK)
                arguments[2] = NETLINK_KOBJECT_UEVENT;
        if (streq(row->syscall, "ioctl") || streq(row->syscall, "prlimit64"))
                arguments[3] = arguments[2];
        if (streq(row->syscall, "clone"))
                arguments[0] |= row->value ? CLONE_THREAD : 0;
}

typedef struct Attempt {
        const SeccompRow *row;
        SeccompAllow allow;
        bool filtered;
} Attempt;

/* 0: refused as the row says, 1: not refused like this, 2: no such call here. */
static int attempt(const void *argument) {
        const Attempt *a = argument;
        long v[6] = {};

        int nr = seccomp_syscall_resolve_name(a->row->syscall);
        if (nr < 0)
                return 2;
        row_arguments(a->row, v);
        if (a->filtered && seccomp_install(a->allow, KEY) < 0)
                return 3;
        pid_t pid = getpid();
        long r = syscall(nr, v[0], v[1], v[2], v[3], v[4], v[5]);
        if (getpid() != pid) /* a process was made, or a thread */
                _exit(1);
        return r < 0 && errno == (a->row->error ?: EPERM) ? 0 : 1;
}

static void test_rows(void **state) {
        unsigned n = 0, absent = 0;
        const SeccompRow *row;

        for (size_t i = 0; (row = seccomp_row(i)); i++) {
                Attempt a = { .row = row, .filtered = true };
                assert_non_null(row->reason);
                int r = in_child(attempt, &a);
                if (r == 2)
                        absent++;
                else if (r != 0)
                        fail_msg("row %zu, %s (%s): %d", i, row->syscall, row->reason, r);
                else
                        n++;
        }
        print_message("%u rows refused, %u for calls that this architecture has not\n", n, absent);
        assert_true(n > 80 && absent < 10);
}

/* A word of the launch record makes its rows, and no others, go away. */
static void test_exceptions(void **state) {
        static const struct {
                const char *word, *syscall;
        } cases[] = { { "io_uring", "io_uring_setup" }, { "netlink", "socket" }, { "network", "socket" }, { "sandbox", "unshare" }, { "spawn", "kill" },
                      { "uevents", "socket" } };
        const SeccompRow *row;

        FOREACH_ARRAY(c, cases, ELEMENTSOF(cases)) {
                int bit = seccomp_allow_from_string(c->word);
                unsigned n = 0;
                assert_true(bit > 0);
                for (size_t i = 0; (row = seccomp_row(i)); i++) {
                        Attempt a = { .row = row, .filtered = true, .allow = (SeccompAllow) bit };
                        if (!streq(row->syscall, c->syscall) || row->error)
                                continue;
                        /* The socket whose type it is about is one of this family. */
                        if (streq(row->syscall, "socket") && row->argument == 1)
                                a.allow |= SECCOMP_ALLOW_UNIX;
                        int r = in_child(attempt, &a);
                        assert_int_equal(r, row->unless & (SeccompAllow) bit ? 1 : 0);
                        n += row->unless != 0;
                }
                assert_true(n > 0);
        }
        assert_int_equal(seccomp_allow_from_string("all"), -EINVAL);
}

/* The control: without the filter the same calls say something else, as far as they ask for no privilege. */
static void test_control(void **state) {
        static const char *const free_for_all[] = {
                "execve", "fork",    "clone", "kill",   "tgkill", "tkill",  "kcmp",     "personality", "mq_open",
                "msgget", "semget",  "shmget", "setuid", "setgid", "add_key", "keyctl",  "prlimit64",   "socket",
        };
        unsigned n = 0;

        FOREACH_ARRAY(name, free_for_all, ELEMENTSOF(free_for_all)) {
                const SeccompRow *row = NULL;
                for (size_t i = 0; (row = seccomp_row(i)) && !streq(row->syscall, *name); i++)
                        ;
                assert_non_null(row);
                Attempt a = { .row = row };
                int r = in_child(attempt, &a);
                if (r == 0)
                        print_message("%s is refused without the filter, too\n", *name);
                n += r != 0;
        }
        assert_true(n >= ELEMENTSOF(free_for_all) - 4);
}

/* --- what is needed --- */

static void *thread(void *argument) {
        *(int *) argument = 1;
        return NULL;
}

#define NEED(x) do { if (!(x)) return __LINE__ & 0x7f; } while (0)

static int needs_memory_and_threads(void) {
        pthread_t t;
        int ran = 0;

        NEED(pthread_create(&t, NULL, thread, &ran) == 0 && pthread_join(t, NULL) == 0 && ran == 1);
        void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        NEED(p != MAP_FAILED && madvise(p, 65536, MADV_DONTNEED) >= 0 && mlock(p, 4096) >= 0);
        NEED(mprotect(p, 4096, PROT_READ | PROT_EXEC) >= 0 && munmap(p, 65536) >= 0);
        int fd = memfd_create("test", MFD_CLOEXEC);
        struct iovec v = { .iov_base = &ran, .iov_len = sizeof(ran) };
        NEED(fd >= 0 && ftruncate(fd, 4096) >= 0 && pwritev(fd, &v, 1, 0) == sizeof(ran) && fdatasync(fd) >= 0);
        NEED(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) >= 0 && lseek(fd, 0, SEEK_DATA) != 1);
        return 0;
}

static int needs_events(void) {
        struct pollfd p = { .events = POLLIN };
        struct timespec none = {};
        sigset_t set;
        unsigned long context = 0;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        NEED(sigprocmask(SIG_BLOCK, &set, NULL) >= 0);
        p.fd = signalfd(-1, &set, SFD_CLOEXEC);
        NEED(p.fd >= 0 && kill(getpid(), SIGUSR1) >= 0 && pthread_kill(pthread_self(), SIGUSR1) == 0);
        NEED(ppoll(&p, 1, &none, NULL) == 1);
        NEED(eventfd(0, EFD_CLOEXEC) >= 0 && timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) >= 0 && inotify_init1(IN_CLOEXEC) >= 0);
        NEED(syscall(SYS_io_setup, 16, &context) >= 0 || errno == EAGAIN);
        return 0;
}

/* Of itself, an emulator and its libraries may say how it is to be scheduled, and have descriptors ask for attention. */
static int needs_itself(void) {
        cpu_set_t cpus;

        NEED(sched_getaffinity(0, sizeof(cpus), &cpus) >= 0 && sched_setaffinity(0, sizeof(cpus), &cpus) >= 0);
        NEED(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)) >= 0);
        NEED(fcntl(STDIN_FILENO, F_GETOWN) >= 0 && fcntl(STDIN_FILENO, F_SETFD, fcntl(STDIN_FILENO, F_GETFD)) >= 0);
        return 0;
}

static int needs_descriptors(void) {
        struct winsize size;
        struct rlimit limit;
        struct stat st;
        int pair[2];

        NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) >= 0 && socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
        NEED(ioctl(pair[0], TIOCGWINSZ, &size) < 0 && errno != EPERM);
        NEED(open("/proc/self/status", O_RDONLY) >= 0 && stat("/", &st) >= 0 && getrlimit(RLIMIT_NOFILE, &limit) >= 0);
        NEED(open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0 || errno != EPERM);
        return 0;
}

static int needs(const void *argument) {
        struct sock_filter allow = { .code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW };
        struct sock_fprog program = { .len = 1, .filter = &allow };

        NEED(!argument || seccomp_install(SECCOMP_ALLOW_UNIX, KEY) >= 0);
        int r = needs_memory_and_threads();
        if (r == 0)
                r = needs_events();
        if (r == 0)
                r = needs_descriptors();
        if (r == 0)
                r = needs_itself();
        /* QEMU's own sandbox comes later, for all threads. */
        NEED(r != 0 || prctl(PR_SET_NAME, "test") >= 0);
        NEED(r != 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) >= 0);
        return r;
}

static void test_needs(void **state) {
        assert_int_equal(in_child(needs, NULL), 0);
        assert_int_equal(in_child(needs, self), 0);
}

/* The child that ends: 0, or the signal that the kernel sent for a descriptor of the one behind a filter, or not. */
static int signal_by_descriptor(const void *argument) {
        int pair[2], status;

        NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) >= 0);
        pid_t victim = fork();
        NEED(victim >= 0);
        if (victim == 0) {
                (void) alarm(10);
                char c;
                _exit(read(pair[1], &c, 1) == 1 ? 0 : 1);
        }
        int owned[2];
        NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, owned) >= 0);
        NEED(!argument || seccomp_install(SECCOMP_ALLOW_UNIX, KEY) >= 0);
        bool refused = fcntl(owned[0], F_SETOWN, victim) < 0 && errno == EPERM;
        NEED(fcntl(owned[0], F_SETSIG, SIGKILL) >= 0 && fcntl(owned[0], F_SETFL, O_ASYNC) >= 0);
        NEED(refused == !!argument && write(owned[1], "x", 1) == 1);
        /* Before this, the signal is sent or not. */
        ssize_t n = write(pair[0], "x", 1);
        NEED(n == 1 && waitpid(victim, &status, 0) == victim);
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 100 : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 101;
}

static void test_signal_by_descriptor(void **state) {
        assert_int_equal(in_child(signal_by_descriptor, NULL), 100);
        assert_int_equal(in_child(signal_by_descriptor, self), 0);
}

/* The monitor places QEMU's threads; otherwise it is held as QEMU is. */
static int as_the_monitor(const void *argument) {
        cpu_set_t cpus;

        NEED(sched_getaffinity(0, sizeof(cpus), &cpus) >= 0);
        NEED(seccomp_install(SECCOMP_ALLOW_UNIX | SECCOMP_ALLOW_SCHEDULE, KEY) >= 0);
        NEED(sched_setaffinity(getpid(), sizeof(cpus), &cpus) >= 0);
        NEED(setpriority(PRIO_USER, 0, 0) < 0 && errno == EPERM && kill(getppid(), 0) < 0 && errno == EPERM);
        NEED(unshare(CLONE_NEWUSER) < 0 && errno == EPERM && mount("none", "/", "", 0, NULL) < 0 && errno == EPERM);
        return 0;
}

/* virtiofsd: root of a user namespace, in which it makes no other and mounts nothing. */
static int as_root(const void *argument) {
        NEED(seccomp_install(SECCOMP_ALLOW_UNIX | SECCOMP_ALLOW_ROOT, KEY) >= 0);
        NEED(unshare(CLONE_FS) >= 0 && setgroups(0, NULL) >= 0 && syscall(SYS_setresuid, -1, geteuid(), -1) >= 0);
        static const int flags[] = { CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC | CLONE_FS, CLONE_NEWUTS, CLONE_NEWCGROUP };
        FOREACH_ARRAY(f, flags, ELEMENTSOF(flags))
                NEED(unshare(*f) < 0 && errno == EPERM);
        NEED(mount("none", "/", "", 0, NULL) < 0 && errno == EPERM && umount2("/none", 0) < 0 && errno == EPERM);
        NEED(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM && socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM);
        return 0;
}

/* passt: namespaces, and mounts in there; but none of networks or control groups, and of what is above the Internet nothing. */
static int as_sandbox(const void *argument) {
        NEED(seccomp_install(SECCOMP_ALLOW_UNIX | SECCOMP_ALLOW_NETWORK | SECCOMP_ALLOW_NETLINK | SECCOMP_ALLOW_SANDBOX, KEY) >= 0);
        NEED(umount2("/none", 0) < 0 && (errno == ENOENT || geteuid() != 0));
        NEED(unshare(CLONE_NEWNET) < 0 && errno == EPERM && unshare(CLONE_NEWCGROUP) < 0 && errno == EPERM);
        NEED(chroot("/") < 0 && errno == EPERM && syscall(SYS_setresuid, -1, geteuid(), -1) < 0 && errno == EPERM);
        NEED(socket(AF_NETLINK, SOCK_RAW, 0) >= 0 && socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM);
        NEED(socket(AF_INET, SOCK_PACKET, 0) < 0 && errno == EPERM && kill(getppid(), 0) < 0 && errno == EPERM);
        return 0;
}

static void test_helpers(void **state) {
        assert_int_equal(in_child(as_root, NULL), 0);
        assert_int_equal(in_child(as_sandbox, NULL), 0);
}

/* QEMU's threads that touch the memory of a node run there. */
static int places_threads(const void *argument) {
        SeccompAllow allow = argument ? SECCOMP_ALLOW_AFFINITY : 0;
        cpu_set_t cpus;

        NEED(sched_getaffinity(0, sizeof(cpus), &cpus) >= 0);
        NEED(seccomp_install(allow, KEY) >= 0);
        NEED((sched_setaffinity(getpid(), sizeof(cpus), &cpus) >= 0) == (allow != 0));
        NEED(setpriority(PRIO_PROCESS, getppid(), 0) < 0 && errno == EPERM);
        return 0;
}

static void test_affinity(void **state) {
        assert_int_equal(in_child(places_threads, NULL), 0);
        assert_int_equal(in_child(places_threads, ""), 0);
        assert_int_equal(seccomp_allow_from_string("affinity"), SECCOMP_ALLOW_AFFINITY);
}

static void test_monitor(void **state) {
        assert_int_equal(in_child(as_the_monitor, NULL), 0);
}

/* QEMU of a session: what else has its user's uid listens on Unix sockets. What it was handed is not touched by that. */
static int in_session(const void *argument) {
        int pair[2], one = 1;

        NEED(seccomp_install(SECCOMP_ALLOW_NETWORK, KEY) >= 0);
        NEED(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM && socket(AF_UNIX, SOCK_DGRAM, 0) < 0 && errno == EPERM);
        NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) >= 0 && write(pair[0], &one, sizeof(one)) == sizeof(one));
        NEED(socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM);
        return 0;
}

static void test_session(void **state) {
        assert_int_equal(in_child(in_session, NULL), 0);
}

/* --- the one program --- */

static char *const no_env[] = { NULL };

static int execute(const void *argument) {
        char *const argv[] = { self, (char *) argument, NULL };

        if (seccomp_install(SECCOMP_ALLOW_UNIX, KEY) < 0)
                return 3;
        return seccomp_execute(KEY, self, argv, no_env) < 0 ? 4 : 5;
}

static int execute_wrongly(const void *argument) {
        char *const argv[] = { self, (char *) INSIDE, NULL };

        if (seccomp_install(SECCOMP_ALLOW_UNIX, KEY) < 0)
                return 3;
        int r = seccomp_execute(KEY ^ *(const uint64_t *) argument, self, argv, no_env);
        return r == -EPERM ? 0 : 4;
}

static int execute_missing(const void *argument) {
        char *const argv[] = { self, NULL };

        if (seccomp_install(SECCOMP_ALLOW_UNIX, KEY) < 0)
                return 3;
        return seccomp_execute(KEY, "/nonexistent", argv, no_env) == -ENOENT ? 0 : 4;
}

/* What runs behind the filter, as the program that it was made for. */
static int inside(void) {
        char *const argv[] = { self, NULL };

        NEED(execve(self, argv, no_env) < 0 && errno == EPERM);
        NEED(syscall(SYS_execveat, AT_FDCWD, self, argv, no_env, 0) < 0 && errno == EPERM);
        NEED(seccomp_execute(0, self, argv, no_env) == -EPERM);
        NEED(syscall(SYS_fork) < 0 && errno == EPERM);
        /* No other way to a process: posix_spawn() and system() are made of these. */
        NEED(system("true") != 0);
        return needs(NULL);
}

static void test_execute(void **state) {
        assert_int_equal(in_child(execute, INSIDE), 0);
        assert_int_equal(in_child(execute_missing, NULL), 0);
        for (unsigned bit = 0; bit < 64; bit++)
                assert_int_equal(in_child(execute_wrongly, &(uint64_t) { UINT64_C(1) << bit }), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_exceptions),
                cmocka_unit_test(test_control),
                cmocka_unit_test(test_session), cmocka_unit_test(test_needs),
                cmocka_unit_test(test_signal_by_descriptor), cmocka_unit_test(test_helpers),
                cmocka_unit_test(test_monitor), cmocka_unit_test(test_affinity),
                cmocka_unit_test(test_execute),
        };

        if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
                return 1;
        if (argc == 2 && streq(argv[1], INSIDE))
                return inside();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
