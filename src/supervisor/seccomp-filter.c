/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "seccomp-filter.h"
#include "string-util.h"

/* linux/if_tun.h, whose numbers are the same everywhere but on three architectures nobody runs QEMU on. */
#define TUN_SET_IFF UINT64_C(0x400454ca)
#define TUN_SET_PERSIST UINT64_C(0x400454cb)
#define TUN_SET_OWNER UINT64_C(0x400454cc)
#define TUN_SET_GROUP UINT64_C(0x400454ce)

#define INT_BITS UINT64_C(0xffffffff)
#define SOCKET_TYPE_BITS UINT64_C(0xf)

#define ALL(s, r) { .syscall = (s), .reason = (r) }
#define ALL_UNLESS(a, s, r) { .syscall = (s), .reason = (r), .unless = (a) }
#define WHERE(s, i, c, m, v, r) \
        { .syscall = (s), .reason = (r), .condition = (c), .argument = (i), .mask = (m), .value = (v) }
#define WHERE_UNLESS(a, s, i, c, m, v, r) \
        { .syscall = (s), .reason = (r), .unless = (a), .condition = (c), .argument = (i), .mask = (m), .value = (v) }
#define IOCTL(request, r) WHERE("ioctl", 1, SECCOMP_EQUAL, INT_BITS, (request), r)
#define FCNTL(command, r) WHERE("fcntl", 1, SECCOMP_EQUAL, INT_BITS, (command), r)
#define NAMESPACE(flag, r) WHERE("clone", 0, SECCOMP_EQUAL, (flag), (flag), r)
#define UNSHARE(flag, r) WHERE_UNLESS(SECCOMP_ALLOW_SANDBOX, "unshare", 0, SECCOMP_EQUAL, (flag), (flag), r)
#define FAMILY(family, r) WHERE("socket", 0, SECCOMP_EQUAL, UINT64_MAX, (family), r)

static const SeccompRow rows[] = {
        /* Other programs. QEMU's spawn=deny says the same, but of a process that has not come so far, or whose sandbox
         * was switched off by <qemu:commandline>, it says nothing. */
        ALL_UNLESS(SECCOMP_ALLOW_SPAWN, "execve", "run another program: seccomp_execute() is the one way, once"),
        WHERE_UNLESS(SECCOMP_ALLOW_SPAWN, "execveat", 0, SECCOMP_NO_KEY, 0, 0, "run another program"),
        WHERE_UNLESS(SECCOMP_ALLOW_SPAWN, "execveat", 4, SECCOMP_NO_KEY, 0, 0, "run another program"),
        ALL_UNLESS(SECCOMP_ALLOW_SPAWN, "fork", "make a process that outlives QEMU's threads"),
        ALL_UNLESS(SECCOMP_ALLOW_SPAWN, "vfork", "make a process"),
        WHERE_UNLESS(SECCOMP_ALLOW_SPAWN, "clone", 0, SECCOMP_EQUAL, CLONE_THREAD, 0, "make a process; threads are made as ever"),
        /* Its flags are in memory, where no filter sees them; the C library takes clone() when it is not there. */
        { .syscall = "clone3", .reason = "make processes and namespaces with flags that cannot be looked at", .error = ENOSYS },

        /* Other processes of the same uid: supervisor and monitor, and other machines with the same static user. */
        WHERE_UNLESS(SECCOMP_ALLOW_SPAWN, "kill", 0, SECCOMP_OTHERS, 0, 0, "end or stop the supervisor and the monitor"),
        WHERE_UNLESS(SECCOMP_ALLOW_SPAWN, "tgkill", 0, SECCOMP_OTHERS, 0, 0, "end or stop the supervisor and the monitor"),
        WHERE_UNLESS(SECCOMP_ALLOW_SPAWN, "rt_tgsigqueueinfo", 0, SECCOMP_OTHERS, 0, 0, "end or stop the supervisor and the monitor"),
        WHERE_UNLESS(SECCOMP_ALLOW_SPAWN, "rt_sigqueueinfo", 0, SECCOMP_OTHERS, 0, 0, "end or stop the supervisor and the monitor"),
        ALL("tkill", "a signal to any thread; tgkill() is what is used"),
        ALL("pidfd_send_signal", "a signal to another process"),
        FCNTL(F_SETOWN, "have the kernel send a signal of its choice (F_SETSIG) to another process"),
        FCNTL(F_SETOWN_EX, "have the kernel send a signal to another process"),
        IOCTL(FIOSETOWN, "have the kernel send a signal to another process"),
        IOCTL(SIOCSPGRP, "have the kernel send a signal to another process"),
        ALL("pidfd_getfd", "take a descriptor out of another process"),
        ALL("ptrace", "look into and steer another process"),
        ALL("process_vm_readv", "read another process's memory"),
        ALL("process_vm_writev", "write another process's memory"),
        ALL("process_madvise", "reach into another process's memory"),
        ALL("process_mrelease", "reach into another process's memory"),
        ALL("kcmp", "learn about the kernel's objects of another process"),
        ALL("migrate_pages", "move another process's memory"),
        ALL("move_pages", "move another process's memory"),
        WHERE("prlimit64", 0, SECCOMP_NOT, 0, 0, "change another process's limits"),
        /* 0 is the caller itself, where a process is meant and not all of a group's or of a user's. */
        WHERE_UNLESS(SECCOMP_ALLOW_SCHEDULE | SECCOMP_ALLOW_AFFINITY, "sched_setaffinity", 0, SECCOMP_NOT, 0, 0, "take another process its CPUs"),
        WHERE_UNLESS(SECCOMP_ALLOW_SCHEDULE, "sched_setscheduler", 0, SECCOMP_NOT, 0, 0, "have another process wait for all others"),
        WHERE_UNLESS(SECCOMP_ALLOW_SCHEDULE, "sched_setparam", 0, SECCOMP_NOT, 0, 0, "have another process wait for all others"),
        WHERE_UNLESS(SECCOMP_ALLOW_SCHEDULE, "sched_setattr", 0, SECCOMP_NOT, 0, 0, "have another process wait for all others"),
        WHERE("setpriority", 0, SECCOMP_NOT, 0, PRIO_PROCESS, "slow down all processes of a user"),
        WHERE("setpriority", 1, SECCOMP_NOT, 0, 0, "slow down another process"),
        WHERE("ioprio_set", 0, SECCOMP_NOT, 0, IOPRIO_WHO_PROCESS, "slow down the disks of all processes of a user"),
        WHERE("ioprio_set", 1, SECCOMP_NOT, 0, 0, "slow down the disks of another process"),

        /* Namespaces: each of them opens parts of the kernel that are root's otherwise. */
        UNSHARE(CLONE_NEWNS, "make a mount namespace"),
        UNSHARE(CLONE_NEWUTS, "make a UTS namespace"),
        UNSHARE(CLONE_NEWIPC, "make an IPC namespace"),
        UNSHARE(CLONE_NEWUSER, "make a user namespace, and have all capabilities in it"),
        UNSHARE(CLONE_NEWPID, "make a PID namespace"),
        WHERE("unshare", 0, SECCOMP_EQUAL, CLONE_NEWCGROUP, CLONE_NEWCGROUP, "make a cgroup namespace"),
        WHERE("unshare", 0, SECCOMP_EQUAL, CLONE_NEWNET, CLONE_NEWNET, "make a network namespace"),
        WHERE("unshare", 0, SECCOMP_EQUAL, CLONE_NEWTIME, CLONE_NEWTIME, "make a time namespace"),
        ALL_UNLESS(SECCOMP_ALLOW_SANDBOX | SECCOMP_ALLOW_ROOT, "unshare", "make a namespace"),
        ALL("setns", "enter a namespace"),
        NAMESPACE(CLONE_NEWNS, "make a mount namespace"),
        NAMESPACE(CLONE_NEWCGROUP, "make a cgroup namespace"),
        NAMESPACE(CLONE_NEWUTS, "make a UTS namespace"),
        NAMESPACE(CLONE_NEWIPC, "make an IPC namespace"),
        NAMESPACE(CLONE_NEWUSER, "make a user namespace, and have all capabilities in it"),
        NAMESPACE(CLONE_NEWPID, "make a PID namespace"),
        NAMESPACE(CLONE_NEWNET, "make a network namespace"),

        /* Parts of the kernel with a history, of no use to an emulator. */
        ALL("add_key", "the kernel's keys"),
        ALL("request_key", "the kernel's keys; it makes the kernel start a program"),
        ALL("keyctl", "the kernel's keys"),
        ALL("bpf", "give the kernel programs to run"),
        ALL("perf_event_open", "measure the kernel and other processes"),
        ALL("userfaultfd", "stop the kernel in the middle of a copy, which many attacks need; for postcopy migration only"),
        ALL_UNLESS(SECCOMP_ALLOW_IO_URING, "io_uring_setup", "requests that no filter sees"),
        ALL_UNLESS(SECCOMP_ALLOW_IO_URING, "io_uring_enter", "requests that no filter sees"),
        ALL_UNLESS(SECCOMP_ALLOW_IO_URING, "io_uring_register", "requests that no filter sees"),
        ALL("modify_ldt", "segments of 16 bits"),
        ALL("vm86", "a processor mode of old programs"),
        ALL("vm86old", "a processor mode of old programs"),
        ALL("personality", "behave as an old kernel: no randomised addresses, executable data"),
        ALL("memfd_secret", "memory that nobody can look into"),
        ALL("remap_file_pages", "an obsolete way to map files"),
        ALL("uselib", "an obsolete way to load libraries"),
        ALL("fanotify_init", "watch what others do with files"),
        ALL("lookup_dcookie", "names of files by number"),
        ALL("name_to_handle_at", "names of files by number"),
        ALL("open_by_handle_at", "open a file that was not handed over, by number"),
        ALL("mq_open", "message queues"),
        ALL("mq_unlink", "message queues"),
        ALL("msgget", "message queues"),
        ALL("semget", "System V semaphores"),
        ALL("shmget", "System V shared memory"),

        /* The system as a whole: root's affairs. Without a capability they fail anyway; here they do not get so far. */
        ALL("init_module", "load code into the kernel"),
        ALL("finit_module", "load code into the kernel"),
        ALL("delete_module", "remove code from the kernel"),
        ALL("kexec_load", "another kernel"),
        ALL("kexec_file_load", "another kernel"),
        ALL_UNLESS(SECCOMP_ALLOW_SANDBOX, "mount", "file systems"),
        ALL("umount", "file systems"),
        ALL_UNLESS(SECCOMP_ALLOW_SANDBOX, "umount2", "file systems"),
        ALL_UNLESS(SECCOMP_ALLOW_SANDBOX, "pivot_root", "file systems"),
        ALL_UNLESS(SECCOMP_ALLOW_ROOT, "chroot", "file systems"),
        ALL("open_tree", "file systems"),
        ALL("move_mount", "file systems"),
        ALL("mount_setattr", "file systems"),
        ALL("fsopen", "file systems"),
        ALL("fsconfig", "file systems"),
        ALL("fsmount", "file systems"),
        ALL("fspick", "file systems"),
        ALL("quotactl", "quotas"),
        ALL("quotactl_fd", "quotas"),
        ALL("swapon", "swap space"),
        ALL("swapoff", "swap space"),
        ALL("acct", "process accounting"),
        ALL("syslog", "the kernel's log"),
        ALL("reboot", "the end of the system"),
        ALL("sethostname", "the host's name"),
        ALL("setdomainname", "the host's name"),
        ALL("settimeofday", "the host's clock"),
        ALL("clock_settime", "the host's clock"),
        ALL("clock_adjtime", "the host's clock"),
        ALL("adjtimex", "the host's clock"),
        ALL("stime", "the host's clock"),
        ALL("iopl", "the host's I/O ports"),
        ALL("ioperm", "the host's I/O ports"),
        ALL("vhangup", "the terminal of whoever is logged in"),
        WHERE("mknod", 1, SECCOMP_EQUAL, S_IFMT, S_IFCHR, "a device"),
        WHERE("mknod", 1, SECCOMP_EQUAL, S_IFMT, S_IFBLK, "a device"),
        WHERE("mknodat", 2, SECCOMP_EQUAL, S_IFMT, S_IFCHR, "a device"),
        WHERE("mknodat", 2, SECCOMP_EQUAL, S_IFMT, S_IFBLK, "a device"),

        /* Identity. */
        ALL_UNLESS(SECCOMP_ALLOW_SANDBOX | SECCOMP_ALLOW_ROOT, "capset", "capabilities"),
        ALL_UNLESS(SECCOMP_ALLOW_SANDBOX, "setuid", "another user"),
        ALL_UNLESS(SECCOMP_ALLOW_SANDBOX, "setgid", "another group"),
        ALL("setreuid", "another user"),
        ALL("setregid", "another group"),
        ALL_UNLESS(SECCOMP_ALLOW_ROOT, "setresuid", "another user"),
        ALL_UNLESS(SECCOMP_ALLOW_ROOT, "setresgid", "another group"),
        ALL("setfsuid", "another user"),
        ALL("setfsgid", "another group"),
        ALL_UNLESS(SECCOMP_ALLOW_ROOT, "setgroups", "other groups"),

        /* Sockets: those of the machine itself and, where the plan says so, of the Internet. */
        FAMILY(AF_UNSPEC, "no family there is"),
        WHERE_UNLESS(SECCOMP_ALLOW_UNIX, "socket", 0, SECCOMP_EQUAL, UINT64_MAX, AF_UNIX, "what else the user runs: his systemd, his agents"),
        WHERE_UNLESS(SECCOMP_ALLOW_NETWORK, "socket", 0, SECCOMP_EQUAL, UINT64_MAX, AF_INET, "the network"),
        FAMILY(3, "AX.25"),
        FAMILY(4, "IPX"),
        FAMILY(5, "AppleTalk"),
        FAMILY(6, "NET/ROM"),
        FAMILY(7, "ATM"),
        FAMILY(8, "ATM"),
        FAMILY(9, "X.25"),
        WHERE_UNLESS(SECCOMP_ALLOW_NETWORK, "socket", 0, SECCOMP_EQUAL, UINT64_MAX, AF_INET6, "the network"),
        FAMILY(11, "ROSE"),
        FAMILY(12, "DECnet"),
        FAMILY(13, "NETBEUI"),
        FAMILY(14, "security"),
        FAMILY(15, "keys of IPsec"),
        WHERE_UNLESS(SECCOMP_ALLOW_UEVENTS | SECCOMP_ALLOW_NETLINK, "socket", 0, SECCOMP_EQUAL, UINT64_MAX, AF_NETLINK,
                     "the kernel's routes, audit and the like"),
        WHERE_UNLESS(SECCOMP_ALLOW_NETLINK, "socket", 0, SECCOMP_OTHER_NETLINK, 0, NETLINK_KOBJECT_UEVENT, "the kernel's routes, audit and the like"),
        WHERE("socket", 0, SECCOMP_ABOVE, 0, AF_NETLINK, "packets, vsock, crypto, Bluetooth and what else there is"),
        WHERE_UNLESS(SECCOMP_ALLOW_UEVENTS | SECCOMP_ALLOW_NETLINK, "socket", 1, SECCOMP_EQUAL, SOCKET_TYPE_BITS, SOCK_RAW,
                     "packets as they are on the wire"),
        WHERE("socket", 1, SECCOMP_EQUAL, SOCKET_TYPE_BITS, SOCK_PACKET, "packets as they are on the wire"),

        /* What a descriptor that was handed over can do beyond its purpose. */
        IOCTL(TIOCSTI, "type into a terminal that somebody else reads"),
        IOCTL(TIOCLINUX, "type into the console by way of its selection"),
        IOCTL(TIOCSCTTY, "take a terminal over"),
        IOCTL(TUN_SET_IFF, "another interface at the host's network device"),
        IOCTL(TUN_SET_PERSIST, "leave a tap behind"),
        IOCTL(TUN_SET_OWNER, "give a tap to others"),
        IOCTL(TUN_SET_GROUP, "give a tap to others"),
};

const SeccompRow *seccomp_row(size_t i) {
        return i < ELEMENTSOF(rows) ? rows + i : NULL;
}

int seccomp_allow_from_string(const char *word) {
        static const struct {
                const char *word;
                SeccompAllow bit;
        } words[] = {
                { "affinity", SECCOMP_ALLOW_AFFINITY },
                { "io_uring", SECCOMP_ALLOW_IO_URING },
                { "netlink", SECCOMP_ALLOW_NETLINK },
                { "network", SECCOMP_ALLOW_NETWORK },
                { "root", SECCOMP_ALLOW_ROOT },
                { "sandbox", SECCOMP_ALLOW_SANDBOX },
                { "spawn", SECCOMP_ALLOW_SPAWN },
                { "uevents", SECCOMP_ALLOW_UEVENTS },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i].word, word))
                        return (int) words[i].bit;
        return -EINVAL;
}

/* Only a machine word of 64 bits has room for a key beside an int. */
static bool has_key(void) {
        return sizeof(long) == 8;
}

static uint64_t key_argument(uint64_t key, unsigned argument) {
        uint64_t half = argument == 0 ? key >> 32 : key & INT_BITS;
        return half << 32 | (argument == 0 ? (uint32_t) AT_FDCWD : 0);
}

static int add_row(scmp_filter_ctx filter, const SeccompRow *row, uint64_t key) {
        uint32_t action = SCMP_ACT_ERRNO((uint32_t) (row->error ?: EPERM));
        int nr = seccomp_syscall_resolve_name(row->syscall);
        unsigned argument = row->argument;
        struct scmp_arg_cmp c;

        if (nr == __NR_SCMP_ERROR) /* libseccomp is older than the call */
                return 0;
        /* s390 has clone()'s first two arguments the other way round. */
        if (streq(row->syscall, "clone") && seccomp_arch_native() == SCMP_ARCH_S390X)
                argument = 1;
        if (streq(row->syscall, "execve") && !has_key())
                return 0;
        switch (row->condition) {
        case SECCOMP_ALWAYS:
                return seccomp_rule_add(filter, action, nr, 0);
        case SECCOMP_EQUAL:
                c = SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, row->mask, row->value);
                break;
        case SECCOMP_ABOVE:
                c = SCMP_CMP(argument, SCMP_CMP_GT, row->value);
                break;
        case SECCOMP_NOT:
                c = SCMP_CMP(argument, SCMP_CMP_NE, row->value);
                break;
        case SECCOMP_OTHER_NETLINK:
                return seccomp_rule_add(filter, action, nr, 2, SCMP_CMP(0, SCMP_CMP_EQ, AF_NETLINK),
                                        SCMP_CMP(2, SCMP_CMP_NE, row->value));
        case SECCOMP_OTHERS:
                c = SCMP_CMP(argument, SCMP_CMP_NE, (scmp_datum_t) getpid());
                break;
        case SECCOMP_NO_KEY:
                if (!has_key())
                        return 0;
                c = SCMP_CMP(argument, SCMP_CMP_NE, key_argument(key, argument));
                break;
        default:
                return -EINVAL;
        }
        return seccomp_rule_add_array(filter, action, nr, 1, &c);
}

int seccomp_install(SeccompAllow allow, uint64_t key) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        int r;

        if (!filter)
                return -ENOMEM;
        /* Calls of another architecture's numbers would not be recognised. */
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
        /* A tree and not a list, since most calls of QEMU are none of these. */
        if (r >= 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        FOREACH_ARRAY(row, rows, ELEMENTSOF(rows))
                if (r >= 0 && !(row->unless & allow))
                        r = add_row(filter, row, key);
        /* A user namespace without privileges has no way to drop groups, and virtiofsd insists: it keeps those that QEMU has as
         * well. */
        if (r >= 0 && (allow & SECCOMP_ALLOW_ROOT))
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(setgroups), 0);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r < 0 ? r : 0;
}

int seccomp_execute(uint64_t key, const char *program, char *const *argv, char *const *env) {
        if (has_key())
                (void) syscall(SYS_execveat, key_argument(key, 0), program, argv, env, key_argument(key, 4));
        else
                (void) execve(program, argv, env);
        return -errno;
}
